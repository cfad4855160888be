//go:build unix

package spool

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"tinyv/internal/stagetest/fulldisk"
)

// A full disk, as a limit on the size of files: the error names the file and the
// way out, every later call repeats it, and the file goes.
func TestDiskFull(t *testing.T) {
	if !fulldisk.Alone(t) {
		return
	}
	fulldisk.At(t, 300<<10, func() { diskFull(t) })
}

func diskFull(t *testing.T) {
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
