//go:build unix

package rows

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tinyv/internal/durable"
	"tinyv/internal/stagetest/fulldisk"
)

// A full disk, as a limit on the size of files: no half part gets a final name,
// whole parts stay, and the error is told.
func TestDiskFull(t *testing.T) {
	if !fulldisk.Alone(t) {
		return
	}
	fulldisk.At(t, 300<<10, func() { diskFull(t) })
}

func diskFull(t *testing.T) {
	noise := make([]byte, 64<<10) // that does not compress
	random := rand.NewChaCha8([32]byte{1})
	for _, ext := range ownFormats {
		dir := t.TempDir()
		w, err := Create[Rejected](dir, "part", ext, 20)
		if err != nil {
			t.Fatal(err)
		}
		failed := error(nil)
		for i := 0; i < 20+100 && failed == nil; i++ {
			row := Rejected{Row: int64(i)}
			if i >= 20 {
				random.Read(noise)
				row.Detail = strings.ToValidUTF8(strings.Map(func(r rune) rune { return r & 0x3ff }, string(noise)), "\ufffd")
			}
			failed = w.Write(row)
		}
		closing := w.Close()
		if failed == nil {
			failed = closing
		}
		if !errors.Is(failed, syscall.EFBIG) || !strings.Contains(failed.Error(), filepath.Join(dir, "part-0000")) {
			t.Errorf("%s: the error is %v", ext, failed)
		}
		if closing == nil {
			t.Errorf("%s: Close says nothing", ext)
		}
		if got := names(t, dir); len(got) == 0 || strings.HasSuffix(got[len(got)-1], durable.Suffix) || len(got) != len(w.Files()) {
			t.Errorf("%s: the directory has %q, Files is %q", ext, got, w.Files())
		}
		if got := len(readAll[Rejected](t, dir)); got != 20*len(w.Files()) {
			t.Errorf("%s: %d whole parts have %d rows", ext, len(w.Files()), got)
		}
	}
}
