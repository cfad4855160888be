//go:build unix

package spool

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// limited says that this process may limit the size of its files: the test runs
// itself again, since go test writes a file of its own beside the tests.
const limited = "TINYV_TEST_LIMITED"

// A full disk, as a limit on the size of files: the error names the file and the
// way out, every later call repeats it, and the file goes.
func TestDiskFull(t *testing.T) {
	if os.Getenv(limited) == "" {
		again := exec.Command(os.Args[0], "-test.run=^TestDiskFull$")
		again.Env = append(os.Environ(), limited+"=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Skip(err)
	}
	limit := old
	limit.Cur = 300 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}()

	for _, records := range []int{100_000, 3800} { // while adding, and with the last run
		dir := t.TempDir()
		s := Create(dir, ".spool-*", 128<<10)
		var failed error
		for i := 0; i < records && failed == nil; i++ {
			failed = s.Add(uint64(i), make([]byte, 100))
		}
		if records > 10_000 && failed == nil {
			t.Fatal("Add says nothing")
		}
		for _, err := range s.Sorted() {
			if failed != nil && err != failed {
				t.Errorf("Sorted gives %v after %v", err, failed)
			}
			failed = err
			break
		}
		if !errors.Is(failed, syscall.EFBIG) || !strings.Contains(failed.Error(), dir) || !strings.Contains(failed.Error(), "make room") {
			t.Errorf("%d records: the error is %v", records, failed)
		}
		if err := s.Add(1, nil); err != failed {
			t.Errorf("Add gives %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%d records: the file stays: %v", records, left)
		}
	}
}
