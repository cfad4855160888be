//go:build unix

// Package fulldisk lets tests meet a full disk, as a limit on the size of files,
// which needs no rights: writing beyond it fails with EFBIG.
//
// It imports nothing of the project, so that every package may use it.
package fulldisk

import (
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"syscall"
	"testing"
)

// alone marks a process that runs one test.
const alone = "TINYV_TEST_FULL_DISK"

// Alone reports whether the test has a process of its own. If it has not, Alone runs
// the test in one and passes on how that went. The limit holds for all of a process:
// for tests beside this one, and for a file that go test writes itself.
func Alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(alone) != "" {
		return true
	}
	again := exec.Command(os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$")
	again.Env = append(os.Environ(), alone+"=1")
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// At calls do while no file can grow beyond some bytes.
func At(t *testing.T, bytes uint64, do func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // which would end the process before a write could fail
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Skip(err)
	}
	limit := old
	limit.Cur = bytes
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Error(err)
		}
	}()
	do()
}
