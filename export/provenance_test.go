package export

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
)

// The provenance is the rows that are not dropped, wherever the first of those
// stands that is; if there is none, the balance stage's files byte for byte.
func TestProvenance(t *testing.T) {
	const n = 3*rowsPerBatch + 7
	for _, dropped := range [][]int{nil, {0}, {n - 1}, {1, 2, rowsPerBatch}, {2*rowsPerBatch + 5, n - 1}} {
		t.Run(fmt.Sprint(dropped), func(t *testing.T) {
			in := make([]rows.Example, n)
			for i := range in {
				in[i] = example(fmt.Sprint("question ", i), "1", i%2 == 0)
			}
			want := append([]rows.Example(nil), in...)
			for k, i := range dropped {
				in[i].Answer = " "
				want = append(want[:i-k], want[i-k+1:]...)
			}
			balance := stagetest.Finished(t, "balance", "examples", in, map[string]*manifest.Counts{"annotations": {In: n, Out: n}}, splitsOf(in))
			dir := filepath.Join(t.TempDir(), "export")
			m, err := Run(t.Context(), stagetest.Env(), dir, balance, Options{Targets: []string{"llama_factory"}, Prompt: template, Dataset: "d"})
			if err != nil {
				t.Fatal(err)
			}
			if c := m.Rows["examples"]; c.In != n || c.Out != int64(len(want)) {
				t.Errorf("counts %+v, want %d of %d", c, len(want), n)
			}
			path := filepath.Join(dir, "provenance-00000.parquet")
			if diff := cmp.Diff(want, stagetest.Read[rows.Example](t, path)); diff != "" {
				t.Error(diff)
			}
			before, err := os.ReadFile(filepath.Join(balance, "examples-00000.parquet"))
			if err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(before, after) != (dropped == nil) {
				t.Errorf("the same bytes as the examples': %v", dropped != nil)
			}
		})
	}
}
