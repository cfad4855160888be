package train

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// published is the recipe of TinyV-1.5B's card.
var published = Options{
	Model: "Qwen/Qwen2.5-1.5B-Instruct", Template: "qwen", LearningRate: 1e-5, Epochs: 2, WarmupRatio: 0.1, CutoffLen: 2048,
	BatchPerDevice: 8, GradAccumulation: 8, GPUs: 8, Seed: 42, OutputDir: "/ckpt/tinyv 1.5b",
}

func TestYAML(t *testing.T) {
	got := string(published.yaml("/runs/x/export", "tinyv_train", "tinyv_eval"))
	golden := filepath.Join("testdata", "train.yaml")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("train.yaml (-want +got), rewrite with -update:\n%s", diff)
	}
	if without := string(published.yaml("/x", "tinyv_train", "")); strings.Contains(without, "eval") {
		t.Errorf("evaluation without an evaluation set:\n%s", without)
	}
}

func TestFloat(t *testing.T) {
	for x, want := range map[float64]string{1e-5: "1.0e-05", 2: "2.0", 0.1: "0.1", 0.999: "0.999", 1e-8: "1.0e-08", 1.5e-4: "0.00015", 2.5e-7: "2.5e-07", 3e21: "3.0e+21"} {
		if got := float(x); got != want {
			t.Errorf("float(%v) = %s, want %s", x, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for s, want := range map[string]string{"qwen": "qwen", "Qwen/Qwen2.5-1.5B": "Qwen/Qwen2.5-1.5B", "no": `"no"`, "1e5": `"1e5"`, "": `""`, "a b": `"a b"`, "-x": `"-x"`, `a"b`: `"a\"b"`, "x: y": `"x: y"`} {
		if got := text(s); got != want {
			t.Errorf("text(%q) = %s, want %s", s, got, want)
		}
	}
}

// finishedExport is a finished export with the given numbers of rows.
func finishedExport(t *testing.T, train, eval int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "export")
	s, _, err := manifest.Begin(dir, "export", nil, nil, []string{"dataset_info.json"})
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.WriteFile(filepath.Join(dir, "dataset_info.json"), []byte(`{"tinyv_train": {}, "tinyv_eval": {}}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Finish([]string{"dataset_info.json"}, nil, map[string]int64{"train": train, "eval": eval}, nil, true); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWrite(t *testing.T) {
	export := finishedExport(t, 1025, 10)
	dir := filepath.Join(t.TempDir(), "train")
	m, plan, err := Write(dir, export, "tinyv_train", "tinyv_eval", published)
	if err != nil {
		t.Fatal(err)
	}
	// 1,025 rows at 512 a step are 3 steps an epoch.
	if plan.RowsPerStep != 512 || plan.Steps != 6 || m.Figures["steps"] != 6 || !m.Simulated {
		t.Errorf("plan %+v, figures %v, simulated %v", plan, m.Figures, m.Simulated)
	}
	if got := strings.Join(append(plan.Environment, plan.Command...), " "); got != "FORCE_TORCHRUN=1 NPROC_PER_NODE=8 llamafactory-cli train "+filepath.Join(dir, "train.yaml") {
		t.Errorf("command is %s", got)
	}
	if _, plan, err = Write(dir, export, "tinyv_train", "tinyv_eval", published); err != nil || plan == nil {
		t.Errorf("a second time: %v, %v", plan, err)
	}
	if _, _, err := Write(filepath.Join(t.TempDir(), "t"), export, "other_train", "other_eval", published); err == nil || !strings.Contains(err.Error(), `"other_train"`) {
		t.Errorf("a dataset that is not there: %v", err)
	}
	if _, _, err := Write(filepath.Join(t.TempDir(), "t"), t.TempDir(), "tinyv_train", "tinyv_eval", published); err == nil || !strings.Contains(err.Error(), "--in") {
		t.Errorf("no export there: %v", err)
	}
}
