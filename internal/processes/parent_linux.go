package processes

import "syscall"

// EndWithParent asks the kernel to send a process SIGTERM when the thread that starts
// it ends: with this process, however that ends, or before. So it is to be started on
// a thread that is locked (runtime.LockOSThread) until the process has ended.
func EndWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGTERM }
