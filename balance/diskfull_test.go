//go:build unix

package balance

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/spool"
	"tinyv/internal/stagetest"
)

// limited says that this process may limit the size of its files: the test runs
// itself again, since go test writes a file of its own beside the tests.
const limited = "TINYV_TEST_LIMITED"

// A disk that fills, as a limit on the size of files, while rows are sorted and
// while examples are written: an error that names the file, and neither a half
// part nor a temporary file stays.
func TestDiskFull(t *testing.T) {
	if os.Getenv(limited) == "" {
		again := exec.Command(os.Args[0], "-test.run=^TestDiskFull$")
		again.Env = append(os.Environ(), limited+"=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	in := many(3000, func(i int, a *rows.Annotation) {
		a.Label, a.Extra = []*bool{yes, no}[i%2], strings.Repeat(words(i), 10)
	})
	labels := labelled(t, in, 0)
	for _, c := range []struct {
		limit  uint64
		memory int
		want   string
	}{{100 << 10, spool.MinMemory, ".spool-"}, {20 << 10, spoolMemory, "examples-00000.parquet"}} {
		out := filepath.Join(t.TempDir(), "balance")
		err := withFileLimit(t, c.limit, func() error {
			_, err := runWithin(t.Context(), stagetest.Env(), out, labels, Options{Ratio: "1:1"}, c.memory)
			return err
		})
		if !errors.Is(err, syscall.EFBIG) || !strings.Contains(err.Error(), filepath.Join(out, c.want)) {
			t.Errorf("%d bytes: %v", c.limit, err)
		}
		leftOnly(t, out, manifest.Name)
		if _, err := manifest.Require(out); err == nil || !strings.Contains(err.Error(), "incomplete") {
			t.Errorf("the stage passes for complete: %v", err)
		}
		if m, err := Run(t.Context(), stagetest.Env(), out, labels, Options{Ratio: "1:1"}); err != nil || m.Figures["train"] != 3000 {
			t.Errorf("with room again: %v, %v", m, err)
		}
	}
}

func withFileLimit(t *testing.T, bytes uint64, do func() error) error {
	signal.Ignore(syscall.SIGXFSZ)
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
			t.Fatal(err)
		}
	}()
	return do()
}
