package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tinyv/internal/manifest"
)

type settings struct{ N int }

var inputs = []manifest.File{{Path: "in", SHA256: "aa"}}

// done does the whole stage in dir and returns its manifest.
func done(t *testing.T, dir string, n int) *manifest.Manifest {
	t.Helper()
	s, found, err := manifest.Begin(dir, "stage", settings{n}, inputs, []string{"part-*"})
	if err != nil {
		t.Fatal(err)
	}
	if found != nil {
		return found
	}
	time.Sleep(3 * time.Millisecond)
	write(t, filepath.Join(dir, "part-00000.jsonl"), "{}\n")
	counts := &manifest.Counts{In: 3, Out: 2}
	counts.Drop("bad")
	m, err := s.Finish([]string{"part-00000.jsonl"}, map[string]*manifest.Counts{"rows": counts}, map[string]int64{"n": 1}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBegin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stage")
	m := done(t, dir, 1)
	if m.Skipped || !m.Complete || !m.Simulated || m.Seconds < 0.003 || m.Seconds > 600 || m.Rows["rows"].Dropped["bad"] != 1 || len(m.Outputs) != 1 || m.Outputs[0].Bytes != 3 {
		t.Errorf("manifest %+v", m)
	}
	if !done(t, dir, 1).Skipped {
		t.Error("a complete, unchanged stage is done again")
	}
	if read, err := manifest.Require(dir); err != nil || read.Figures["n"] != 1 {
		t.Errorf("read back: %+v, %v", read, err)
	}
	if done(t, dir, 2).Skipped {
		t.Error("other settings, and the stage is skipped")
	}
	inputs[0].Path = "moved"
	if !done(t, dir, 2).Skipped {
		t.Error("an input that only moved makes the stage run again")
	}
	inputs[0].SHA256 = "bb"
	if done(t, dir, 2).Skipped {
		t.Error("another input, and the stage is skipped")
	}
	write(t, filepath.Join(dir, "part-00000.jsonl"), "cut")
	write(t, filepath.Join(dir, "part-00000.jsonl"), "")
	if _, err := manifest.Require(dir); err == nil || !strings.Contains(err.Error(), "run it again") {
		t.Errorf("a damaged output: %v", err)
	}
	if done(t, dir, 2).Skipped {
		t.Error("a damaged output, and the stage is skipped")
	}
}

// A record beside a stage decides nothing, and goes when the stage is done again.
func TestAttach(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stage")
	before := *done(t, dir, 1)
	for _, record := range []string{"first", "second"} {
		if err := manifest.Attach(dir, "stage", map[string]string{"ran": record}); err != nil {
			t.Fatal(err)
		}
	}
	m := done(t, dir, 1)
	if !m.Skipped || !strings.Contains(string(m.Record), `"second"`) {
		t.Errorf("skipped %v, record %s", m.Skipped, m.Record)
	}
	if m.Fingerprint != before.Fingerprint || m.Seconds != before.Seconds || len(m.Outputs) != 1 {
		t.Errorf("the stage's own manifest is another: %+v, was %+v", m, before)
	}
	if err := manifest.Attach(dir, "other", nil); err == nil || !strings.Contains(err.Error(), `finished stage "other"`) {
		t.Errorf("another stage's: %v", err)
	}
	if m := done(t, dir, 2); m.Skipped || m.Record != nil {
		t.Errorf("done again: skipped %v, record %s", m.Skipped, m.Record)
	}
	if _, _, err := manifest.Begin(dir, "stage", settings{3}, inputs, []string{"part-*"}); err != nil {
		t.Fatal(err)
	}
	if err := manifest.Attach(dir, "stage", nil); err == nil {
		t.Error("an unfinished stage has a record")
	}
}

func TestOldFilesGoAndForeignOnesStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stage")
	done(t, dir, 1)
	write(t, filepath.Join(dir, "part-00007.jsonl.tmp"), "torn")
	write(t, filepath.Join(dir, "notes.txt"), "mine")
	if _, found, err := manifest.Begin(dir, "stage", settings{9}, inputs, []string{"part-*"}); err != nil || found != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "manifest.json notes.txt" {
		t.Errorf("the directory holds %s", got)
	}
	if _, err := manifest.Require(dir); err == nil || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("an unfinished stage: %v", err)
	}
	if _, _, err := manifest.Begin(dir, "other", settings{9}, inputs, nil); err == nil || !strings.Contains(err.Error(), `stage "stage", not of "other"`) {
		t.Errorf("another stage's directory: %v", err)
	}
}

func TestForeignDirectories(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "thesis.txt"), "mine")
	if _, _, err := manifest.Begin(dir, "stage", nil, nil, []string{"*"}); err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("a directory of other people's: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "thesis.txt")); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(dir, "manifest.json"), `{"tool": "webpack"}`)
	if _, _, err := manifest.Begin(dir, "stage", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "not a manifest of tinyv") {
		t.Errorf("another tool's manifest: %v", err)
	}
	write(t, filepath.Join(dir, "manifest.json"), `{"tool": "tinyv", "stage": "stage", "writes": ["../*"]}`)
	outside := filepath.Join(filepath.Dir(dir), "outside.txt")
	write(t, outside, "mine")
	if _, _, err := manifest.Begin(dir, "stage", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("a manifest that names files outside: %v", err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

// A run that is killed while it writes its first manifest leaves a part of one,
// which is no reason to refuse the directory. Another tool's file is.
func TestKilledInTheFirstManifest(t *testing.T) {
	whole := t.TempDir()
	done(t, whole, 1)
	data, err := os.ReadFile(filepath.Join(whole, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 12, 40, len(data) / 2, len(data)} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "manifest.json.tmp"), string(data[:n]))
		if m := done(t, dir, 1); m.Skipped || !m.Complete {
			t.Errorf("killed after %d bytes: %+v", n, m)
		}
	}
	for _, text := range []string{`{"tool": "webpack"`, "{\n  \"tool\": \"t\"", "mine"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "manifest.json.tmp"), text)
		if _, _, err := manifest.Begin(dir, "stage", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "did not write") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCountsMustAddUp(t *testing.T) {
	s, _, err := manifest.Begin(filepath.Join(t.TempDir(), "s"), "stage", nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Finish(nil, map[string]*manifest.Counts{"rows": {In: 3, Out: 2}}, nil, nil, false); err == nil || !strings.Contains(err.Error(), "do not add up") {
		t.Errorf("got %v", err)
	}
}

func TestSpend(t *testing.T) {
	cost := func(x float64) *float64 { return &x }
	for _, tt := range []struct {
		costs []*float64
		want  *float64
	}{
		{nil, nil},
		{[]*float64{cost(0.5), cost(0.25)}, cost(0.75)},
		{[]*float64{cost(0), cost(0.25)}, cost(0.25)},
		{[]*float64{nil, cost(1)}, nil},
		{[]*float64{cost(1), nil, cost(1)}, nil},
	} {
		var s manifest.Spent
		for _, c := range tt.costs {
			s.Spend(2, 1, c)
		}
		if n := int64(len(tt.costs)); s.PromptTokens != 2*n || s.CompletionTokens != n || (s.CostUSD == nil) != (tt.want == nil) || tt.want != nil && *s.CostUSD != *tt.want {
			t.Errorf("spent %+v", s)
		}
	}
}

func TestFilesInADirectoryOfTheStage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stage")
	begin := func(n int, writes ...string) error {
		_, _, err := manifest.Begin(dir, "stage", settings{n}, inputs, writes)
		return err
	}
	if err := begin(1, "data/train-*"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	made, mine := filepath.Join(dir, "data", "train-00000.parquet.tmp"), filepath.Join(dir, "data", "notes.txt")
	write(t, made, "torn")
	write(t, mine, "mine")
	if err := begin(2, "data/train-*"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(made); !os.IsNotExist(err) {
		t.Errorf("a file of the earlier run stays: %v", err)
	}
	for i, pattern := range []string{"data/*", "data/notes*", "../outside-*", "/etc/hosts"} {
		if err := begin(3+i, pattern); err == nil {
			t.Errorf("a stage that writes %s begins", pattern)
		}
		if _, err := os.Stat(mine); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
