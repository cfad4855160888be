package processes

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// A process in a session of its own is found by its mark, and only by the whole of it;
// a signal reaches it, and no process that lacks the mark.
func TestMark(t *testing.T) {
	if !Findable() {
		t.Skip("no /proc here")
	}
	const mark = Mark("TINYV_TEST_MARK=one")
	cmd := exec.Command("sleep", "60")
	cmd.Env = append(os.Environ(), string(mark))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if got := mark.Living(); !slices.Equal(got, []int{pid}) {
		t.Errorf("found %v, want %d", got, pid)
	}
	for _, other := range []Mark{"TINYV_TEST_MARK=on", "TINYV_TEST_MARK=one2", "TEST_MARK=one"} {
		if got := other.Living(); len(got) > 0 {
			t.Errorf("%s found %v", other, got)
		}
	}
	Mark("TINYV_TEST_MARK=two").Signal(pid, syscall.SIGKILL)
	if !slices.Contains(mark.Living(), pid) {
		t.Error("a signal reached a process that lacks its mark")
	}
	mark.Signal(pid, syscall.SIGTERM)
	_ = cmd.Wait() // the signal is its error
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", status)
	}
	if got := mark.Living(); len(got) > 0 {
		t.Errorf("%v are left", got)
	}
}
