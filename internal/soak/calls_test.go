//go:build linux && amd64

package soak

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tinyv/internal/sim"
)

// fault is what happens to a program at one of its calls that change files.
type fault struct {
	at   int  // which one, counted from 1; 0: none
	full bool // the disk is full from there on; else the program is killed there
}

// trace runs a program to its end and counts the calls by which it changes files
// below dir. It returns how the program ended, what it wrote, and the call of the
// fault; "" if there were fewer. Children of the program are left alone.
func trace(t *testing.T, f fault, dir string, args ...string) (ended syscall.WaitStatus, output, call string, calls int) {
	t.Helper()
	// A tracer is a thread, and so is what the calls below wait for.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	written, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer written.Close()
	cmd := tinyv(t, args...)
	cmd.Stdout, cmd.Stderr = written, written
	// In a group of its own, by which it is waited for: the thread may have started
	// programs of other tests before.
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); errors.Is(err, syscall.EPERM) {
		t.Skipf("needs to trace a program: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	defer cmd.Process.Release()
	const (
		exitKill   = 0x100000 // PTRACE_O_EXITKILL
		ownThreads = 0x20000000 | syscall.WALL
	)
	_, err = syscall.Wait4(pid, &ended, 0, nil)
	if err == nil {
		err = syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACECLONE|syscall.PTRACE_O_TRACESYSGOOD|exitKill)
	}
	if err == nil {
		err = syscall.PtraceSyscall(pid, 0)
	}
	failing := map[int]bool{} // threads whose call is being failed
	for err == nil {
		var thread int
		thread, err = syscall.Wait4(-pid, &ended, ownThreads, nil)
		if errors.Is(err, syscall.EINTR) {
			err = nil
			continue
		}
		if err != nil || thread == pid && (ended.Exited() || ended.Signaled()) {
			break
		}
		if !ended.Stopped() {
			continue
		}
		signal := int(ended.StopSignal())
		if ended.StopSignal() == syscall.SIGTRAP|0x80 {
			var regs syscall.PtraceRegs
			if syscall.PtraceGetRegs(thread, &regs) != nil {
				continue // it was killed
			}
			if failing[thread] {
				delete(failing, thread)
				regs.Rax = ^uint64(syscall.ENOSPC) + 1 // -ENOSPC
				syscall.PtraceSetRegs(thread, &regs)
			} else if int64(regs.Rax) == -int64(syscall.ENOSYS) { // at the entry of a call
				if path, takesRoom := changes(pid, thread, &regs); below(path, dir) {
					calls++
					if calls == f.at {
						call = path
					}
					if calls == f.at && !f.full {
						syscall.Kill(pid, syscall.SIGKILL)
						continue
					}
					if f.at > 0 && calls >= f.at && f.full && takesRoom {
						failing[thread] = true
						regs.Orig_rax = ^uint64(0) // no call
						syscall.PtraceSetRegs(thread, &regs)
					}
				}
			}
			signal = 0
		} else if signal == int(syscall.SIGTRAP) || signal == int(syscall.SIGSTOP) { // of a new thread
			signal = 0
		}
		syscall.PtraceSyscall(thread, signal) // fails if it was killed
	}
	if err != nil {
		t.Fatalf("tracing: %v", err)
	}
	text, err := os.ReadFile(written.Name())
	if err != nil {
		t.Fatal(err)
	}
	return ended, string(text), call, calls
}

func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// changes returns the path of what a call changes, and whether that takes room on the
// disk; "" if it is no such call.
func changes(pid, thread int, r *syscall.PtraceRegs) (path string, takesRoom bool) {
	const renameat2, copyFileRange = 316, 326
	switch r.Orig_rax {
	case syscall.SYS_WRITE, syscall.SYS_PWRITE64:
		return opened(pid, r.Rdi), true
	case copyFileRange:
		return opened(pid, r.Rdx), true
	case syscall.SYS_FSYNC, syscall.SYS_FTRUNCATE:
		return opened(pid, r.Rdi), false
	case syscall.SYS_OPENAT:
		if r.Rdx&(syscall.O_CREAT|syscall.O_TRUNC) != 0 {
			return named(pid, thread, r.Rdi, r.Rsi), true
		}
	case syscall.SYS_MKDIRAT:
		return named(pid, thread, r.Rdi, r.Rsi), true
	case syscall.SYS_UNLINKAT:
		return named(pid, thread, r.Rdi, r.Rsi), false
	case syscall.SYS_RENAMEAT, renameat2:
		return named(pid, thread, r.Rdx, r.R10), false
	case syscall.SYS_MKDIR:
		return named(pid, thread, 0, r.Rdi), true
	case syscall.SYS_UNLINK, syscall.SYS_RMDIR:
		return named(pid, thread, 0, r.Rdi), false
	case syscall.SYS_RENAME:
		return named(pid, thread, 0, r.Rsi), false
	}
	return "", false
}

// opened is the path of an open file.
func opened(pid int, file uint64) string {
	path, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/fd/" + strconv.Itoa(int(int32(file))))
	if err != nil {
		return ""
	}
	return path
}

// named is a path in the memory of a program, in a directory that it has open or absolute.
func named(pid, thread int, dir, at uint64) string {
	var name []byte
	for {
		var word [8]byte
		if _, err := syscall.PtracePeekData(thread, uintptr(at)+uintptr(len(name)), word[:]); err != nil {
			return ""
		}
		text, _, ends := strings.Cut(string(word[:]), "\x00")
		if name = append(name, text...); ends {
			break
		}
	}
	if filepath.IsAbs(string(name)) {
		return string(name)
	}
	return filepath.Join(opened(pid, dir), string(name))
}

// TestEveryCall kills a run at each of the calls by which it changes a file, or, with
// -places, at some of them, and lets the disk be full from there on. The same command
// goes on: what it makes is byte-equal to an undisturbed run, nothing half-written is
// left, and no durable reply is asked for again.
func TestEveryCall(t *testing.T) {
	t.Parallel()
	server := newLedger(t, sim.DefaultWorld())
	config := server.config(t, 12)
	undisturbed := filepath.Join(t.TempDir(), "undisturbed")
	ended, output, _, calls := trace(t, fault{}, undisturbed, "run", "--config", config, "--out", undisturbed)
	if ended.ExitStatus() != 0 || calls < 100 {
		t.Fatalf("ended with %d after %d calls\n%s", ended.ExitStatus(), calls, output)
	}
	trials := *places
	if trials == 0 {
		trials = calls
	}
	for _, full := range []bool{false, true} {
		for i := range trials {
			f := fault{at: 1 + i*calls/trials, full: full}
			out := filepath.Join(t.TempDir(), "run")
			ended, output, call, _ := trace(t, f, out, "run", "--config", config, "--out", out)
			if call == "" && ended.ExitStatus() == 0 {
				continue // this run has had fewer calls
			}
			switch {
			case !full && ended.Signal() != syscall.SIGKILL:
				t.Errorf("%+v: %s: ended with %d", f, call, ended)
			case full && ended.ExitStatus() == 0: // what was left to do took no room
			case full && (ended.ExitStatus() != 1 || !strings.Contains(output, "no space left on device") || strings.Contains(output, "goroutine ")):
				t.Errorf("%+v: %s: exit code %d\n%s", f, call, ended.ExitStatus(), output)
			}
			kept, then := durable(t, filepath.Join(out, "journal")), server.counts()
			run(t, config, out)
			server.notAgain(t, kept, then)
			sameOutputs(t, undisturbed, out)
			for _, pattern := range []string{"*.tmp", "*/*.tmp"} {
				if left, err := filepath.Glob(filepath.Join(out, pattern)); err != nil || len(left) > 0 {
					t.Errorf("left: %v, %v", left, err)
				}
			}
			if t.Failed() {
				t.Fatalf("%+v: %s", f, call)
			}
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d of %d calls, each with a kill and with a full disk", trials, calls)
}

// A child that another test has started on the thread that traces is left to that test.
func TestTraceLeavesOtherChildren(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	other := exec.Command("sh", "-c", "exit 3")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	for state := ""; state != "Z"; time.Sleep(time.Millisecond) { // it has ended, and waits to be waited for
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(other.Process.Pid) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		state = after[:1]
	}
	if ended, output, _, _ := trace(t, fault{}, t.TempDir(), "--help"); ended.ExitStatus() != 0 {
		t.Errorf("ended with %d\n%s", ended.ExitStatus(), output)
	}
	if err := other.Wait(); other.ProcessState.ExitCode() != 3 {
		t.Errorf("the other child: %v", err)
	}
}
