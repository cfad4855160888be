//go:build unix

package export

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
	"tinyv/internal/stagetest/fulldisk"
)

// A full disk, as a limit on the size of files: no file that is not whole gets its
// name, nothing temporary stays, the manifest says that the export is incomplete, and the
// same command does it again.
func TestDiskFull(t *testing.T) {
	if !fulldisk.Alone(t) {
		return
	}
	in := []rows.Example{example("first", "1", true)}
	for i := range 400 {
		in = append(in, example(strings.Repeat("long ", 200)+string(rune('a'+i%26)), "1", i%2 == 0))
	}
	counts := map[string]*manifest.Counts{"annotations": {In: int64(len(in)), Out: int64(len(in))}}
	balance := stagetest.Finished(t, "balance", "examples", in, counts, splitsOf(in))
	dir := filepath.Join(t.TempDir(), "export")
	o := Options{Targets: []string{"llama_factory", "preference"}, Prompt: template, Dataset: "d"}

	var failed error
	fulldisk.At(t, 300<<10, func() { _, failed = Run(t.Context(), stagetest.Env(), dir, balance, o) })
	if !errors.Is(failed, syscall.EFBIG) || !strings.Contains(failed.Error(), dir) {
		t.Errorf("the error is %v", failed)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries { // a file that is whole may be there
		if name := e.Name(); name != manifest.Name && name != "provenance-00000.parquet" {
			t.Errorf("%s is left", name)
		}
	}
	if m, err := manifest.Read(dir); err != nil || m.Complete {
		t.Errorf("the manifest: %+v, %v", m, err)
	}
	m, err := Run(t.Context(), stagetest.Env(), dir, balance, o)
	if err != nil || m.Rows["examples"].Out != int64(len(in)) {
		t.Errorf("with room again: %v", err)
	}
}
