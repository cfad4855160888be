package export

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
	"tinyv/internal/stagetest/golden"
)

// runTargets writes examples to the targets named.
func runTargets(t testing.TB, in []rows.Example, o Options, targets ...string) (*manifest.Manifest, string, error) {
	t.Helper()
	o.Targets = targets
	dir := filepath.Join(t.TempDir(), "export")
	m, err := runInto(t, stagetest.Env(), dir, in, o)
	return m, dir, err
}

// records are the rows of Parquet files as JSON lines, whatever columns they have.
func records(t *testing.T, paths ...string) string {
	t.Helper()
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	for _, path := range paths {
		for r, err := range rows.Records(path) {
			if err != nil {
				t.Fatal(err)
			}
			if err := enc.Encode(r.Values); err != nil {
				t.Fatal(err)
			}
		}
	}
	return text.String()
}

func TestHuggingFaceGolden(t *testing.T) {
	for _, c := range []struct{ name, system string }{{"plain", ""}, {"system", "You judge answers."}} {
		in := hostile()
		in[0].Domain, in[0].Source, in[0].Reason, in[0].Sample, in[0].Simulated = []string{"Mathematics -> Algebra", "Other"}, "big_math", "They are equal.", 3, true
		in[1].Origin, in[1].Kind, in[1].Category, in[1].Copy = rows.OriginNearMiss, "sign", "numeric", 2
		m, dir, err := runTargets(t, in, Options{Seed: 3, Prompt: template, System: c.system, Dataset: "tinyv"}, "hugging_face")
		if err != nil {
			t.Fatal(err)
		}
		var outputs []string
		for _, f := range m.Outputs {
			outputs = append(outputs, f.Path)
		}
		shards := []string{"data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet", "data/held_out-00000-of-00001.parquet"}
		if want := append(append([]string{"provenance-00000.parquet"}, shards...), CardFile); !slices.Equal(outputs, want) {
			t.Errorf("outputs %q, want %q", outputs, want)
		}
		for i, s := range shards {
			shards[i] = filepath.Join(dir, filepath.FromSlash(s))
		}
		golden.Compare(t, c.name+".hugging_face.jsonl", records(t, shards...))
	}
}

// TestShards checks names, order and that a second run with fewer shards leaves none of the first.
func TestShards(t *testing.T) {
	dir := t.TempDir()
	j := job{dir: dir, splits: []string{rows.SplitTrain}, upstream: &manifest.Manifest{}, Options: Options{Prompt: template, Dataset: "d"}}
	opened, err := openHuggingFace(j)
	if err != nil {
		t.Fatal(err)
	}
	hub := opened.(*huggingFace)
	hub.rowsPerShard = 2
	for _, answer := range []string{"a", "b", "c", "d", "e"} {
		if err := hub.write(row{Example: example("q", answer, true), prompt: "p", reply: "True"}); err != nil {
			t.Fatal(err)
		}
	}
	names, err := hub.finish()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"data/train-00000-of-00003.parquet", "data/train-00001-of-00003.parquet", "data/train-00002-of-00003.parquet", CardFile}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	var answers []string
	for _, p := range stagetest.Read[published](t, filepath.Join(dir, "data")) {
		answers = append(answers, p.Answer)
	}
	if !slices.Equal(answers, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("answers %q", answers)
	}
	hub.abort()
	if entries, err := os.ReadDir(filepath.Join(dir, "data")); err != nil || len(entries) != 3 {
		t.Errorf("abort after finish leaves %d shards, want 3: %v", len(entries), err)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	for _, name := range Targets() {
		dir := t.TempDir()
		j := job{dir: dir, splits: []string{rows.SplitTrain}, upstream: &manifest.Manifest{}, Options: Options{Prompt: template, Dataset: "d"}}
		opened, err := targets()[name].open(j)
		if err != nil {
			t.Fatal(err)
		}
		if err := opened.write(row{Example: example("q", "a", true), prompt: "p", reply: "True", wrong: "False"}); err != nil {
			t.Fatal(err)
		}
		opened.abort()
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("%s leaves %v behind: %v", name, entries, err)
		}
	}
}

// TestForeignFilesStay runs one target, and then another that would write over a
// file that the user put there.
func TestForeignFilesStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "export")
	export := func(seed int64, targets ...string) error {
		_, err := runInto(t, stagetest.Env(), dir, hostile(), Options{Seed: seed, Targets: targets})
		return err
	}
	if err := export(1, "llama_factory"); err != nil {
		t.Fatal(err)
	}
	readme := filepath.Join(dir, CardFile)
	if err := os.WriteFile(readme, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := export(2, "llama_factory"); err != nil {
		t.Errorf("a file that no target of the run makes is in the way: %v", err)
	}
	if err := export(2, "llama_factory", "hugging_face"); err == nil || !strings.Contains(err.Error(), readme) {
		t.Errorf("a README.md of the user's: %v", err)
	}
	if text, err := os.ReadFile(readme); err != nil || string(text) != "mine" {
		t.Errorf("the user's file is now %q, %v", text, err)
	}
}
