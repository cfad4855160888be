//go:build !linux

package processes

import "syscall"

// EndWithParent does nothing: only Linux has it.
func EndWithParent(*syscall.SysProcAttr) {}
