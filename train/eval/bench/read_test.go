package bench_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/shareddata"
	"tinyv/internal/stagetest"
	"tinyv/train/eval/bench"
)

func read(paths []string, l bench.Layout) (all []bench.Row, err error) {
	for row, e := range bench.Read(paths, l) {
		if e != nil {
			return all, e
		}
		all = append(all, row)
	}
	return all, nil
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLayouts(t *testing.T) {
	q := bench.Row{Question: "1+1?", GroundTruth: "2"}
	with := func(id, answer string, label bool, change func(*bench.Row)) bench.Row {
		row := q
		row.ID, row.Answer, row.Label = id, answer, label
		if change != nil {
			change(&row)
		}
		return row
	}
	for _, c := range []struct {
		name, file, content string
		layout              bench.Layout
		want                []bench.Row
	}{
		{"HardVerify-Math", "b.json", `[{"id": 7, "split": "benchmarks", "source": "Olympiad", "question": "1+1?", "ground_truth": "2", "fn_output": "two", "tn_output": 3}]`, bench.Layout{},
			[]bench.Row{
				with("7/fn", "two", true, func(r *bench.Row) { r.Source = "Olympiad" }),
				with("7/tn", "3", false, func(r *bench.Row) { r.Source = "Olympiad" }),
			}},
		{"HardVerify-Math as lines, without ids", "b.jsonl", "\n" + `{"question": "1+1?", "ground_truth": "2", "fn_output": "two", "tn_output": "3", "category": "language.phrasing"}` + "\n", bench.Layout{},
			[]bench.Row{with("2/fn", "two", true, func(r *bench.Row) { r.Category = "language.phrasing" }), with("2/tn", "3", false, nil)}},
		{"forms of labels", "b.jsonl", `{"question": "1+1?", "ground_truth": "2", "answer": "a", "label": true}
{"question": "1+1?", "ground_truth": "2", "answer": "b", "label": 0}
{"question": "1+1?", "ground_truth": "2", "answer": "", "label": "False"}
{"question": "1+1?", "ground_truth": "2", "answer": "d", "label": 1.0}`, bench.Layout{},
			[]bench.Row{with("1", "a", true, nil), with("2", "b", false, nil), with("3", "", false, nil), with("4", "d", true, nil)}},
		{"other names, a split", "b.jsonl", `{"p": {"q": "1+1?"}, "gold": 2, "prediction": "a", "ok": true, "uid": "x", "split": "train"}
{"p": {"q": "1+1?"}, "gold": 2, "prediction": "b", "ok": true, "uid": "y", "split": "eval"}`,
			bench.Layout{Split: "eval", Columns: map[string]string{"question": "p.q", "ground_truth": "gold", "answer": "prediction", "label": "ok", "id": "uid"}},
			[]bench.Row{with("y", "b", true, nil)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := read([]string{file(t, c.file, c.content)}, c.layout)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(bench.Row{}, "Pair")); diff != "" {
				t.Error(diff)
			}
			for _, row := range got {
				if row.Pair == "" || row.Pair != got[0].Pair {
					t.Errorf("rows of one question are of the pairs %q and %q", got[0].Pair, row.Pair)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, content string
		layout        bench.Layout
		want          []string // parts of the error
	}{
		{"no question", `{"problem": "1+1?", "ground_truth": "2", "answer": "2", "label": true}`, bench.Layout{}, []string{"b.jsonl, row 1", `no "question"`, "answer, ground_truth, label, problem", "Name the column"}},
		{"no wrong answer", `{"question": "q", "ground_truth": "2", "fn_output": "two"}`, bench.Layout{}, []string{"row 1", `no "tn_output"`}},
		{"null answer", `{"question": "q", "ground_truth": "2", "answer": null, "label": true}`, bench.Layout{}, []string{`"answer" is null`}},
		{"later row", `{"question": "q", "ground_truth": "2", "answer": "2", "label": true}` + "\n" + `{"question": "q", "answer": "2", "label": true}`, bench.Layout{}, []string{"row 2", `no "ground_truth"`}},
		{"label", `{"question": "q", "ground_truth": "2", "answer": "2", "label": "yes"}`, bench.Layout{}, []string{"row 1", `"label" is "yes"`, "write true or false"}},
		{"null label", `{"question": "q", "ground_truth": "2", "answer": "2", "label": null}`, bench.Layout{}, []string{`"label" is null`}},
		{"number as label", `{"question": "q", "ground_truth": "2", "answer": "2", "label": 2}`, bench.Layout{}, []string{`"label" is "2"`}},
		{"list as answer", `{"question": "q", "ground_truth": "2", "answer": ["2"], "label": true}`, bench.Layout{}, []string{`"answer" is a list, not a text`}},
		{"empty truth", `{"question": "q", "ground_truth": " ", "answer": "2", "label": true}`, bench.Layout{}, []string{`"ground_truth" is empty`}},
		{"twice", `{"id": 1, "question": "q", "ground_truth": "2", "answer": "2", "label": true}` + "\n" + `{"id": 1, "question": "q", "ground_truth": "2", "answer": "3", "label": false}`, bench.Layout{}, []string{"row 2", `"1" once more`}},
		{"training split", `{"question": "q", "ground_truth": "2", "answer": "2", "label": true, "split": "train"}`, bench.Layout{}, []string{`"split" is "train"`, "held_out"}},
		{"split of nothing", `{"question": "q", "ground_truth": "2", "answer": "2", "label": true, "split": "train"}`, bench.Layout{Split: "eval"}, []string{`no row whose split is "eval"`}},
		{"no split", `{"question": "q", "ground_truth": "2", "answer": "2", "label": true}`, bench.Layout{Split: "eval"}, []string{`no "split"`}},
		{"no rows", "", bench.Layout{}, []string{"has no rows"}},
		{"bad line", `{"question": `, bench.Layout{}, []string{"b.jsonl:1"}},
		{"unknown name", `{}`, bench.Layout{Columns: map[string]string{"truth": "gold"}}, []string{`"truth"`, "ground_truth"}},
		{"named column absent", `{"question": "q", "ground_truth": "2", "answer": "2", "label": true}`, bench.Layout{Columns: map[string]string{"id": "uid"}}, []string{`no "uid"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read([]string{file(t, "b.jsonl", c.content)}, c.layout)
			if err == nil {
				t.Fatal("it was read")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q: %v", part, err)
				}
			}
		})
	}
	if _, err := read(nil, bench.Layout{}); err == nil || !strings.Contains(err.Error(), "--bench") {
		t.Errorf("no file: %v", err)
	}
}

// Files of one name and ids of their own make one benchmark only where ids differ.
func TestSeveralFiles(t *testing.T) {
	row := `{"id": 1, "question": "q", "ground_truth": "2", "answer": "2", "label": true}`
	a, b := file(t, "a.jsonl", row), file(t, "b.jsonl", row)
	got, err := read([]string{a, b}, bench.Layout{})
	if err != nil || len(got) != 2 || got[0].ID != "a.jsonl:1" || got[1].ID != "b.jsonl:1" || got[0].Pair != got[1].Pair {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := read([]string{a, file(t, "a.jsonl", row)}, bench.Layout{}); err == nil {
		t.Error("the same ids of two files were read")
	}
}

// The examples of the balance stage are a benchmark by their directory.
func TestStageDirectory(t *testing.T) {
	examples := []rows.Example{
		{ProblemID: "p", Question: "q", GroundTruth: "2", Answer: "two", Label: true, Origin: rows.OriginSampled, Sample: 3, Category: "language.phrasing", Source: "s", Split: rows.SplitEval, Simulated: true},
		{ProblemID: "p", Question: "q", GroundTruth: "2", Answer: "two", Label: true, Origin: rows.OriginSampled, Sample: 3, Copy: 1, Split: rows.SplitEval},
		{ProblemID: "r", Question: "r", GroundTruth: "2", Answer: "3", Origin: rows.OriginSampled, Split: rows.SplitTrain},
	}
	dir := stagetest.Finished(t, "balance", "examples", examples, nil, nil)
	got, err := read([]string{dir}, bench.Layout{Split: rows.SplitEval})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := bench.Row{ID: "p/sampled/3", Pair: got[0].Pair, Source: "s", Category: "language.phrasing", Question: "q", GroundTruth: "2", Answer: "two", Label: true, Simulated: true}
	if diff := cmp.Diff(want, got[0]); diff != "" || got[1].ID != "p/sampled/3/copy1" {
		t.Errorf("%s second: %+v", diff, got[1])
	}
	if _, err := read([]string{dir}, bench.Layout{}); err == nil || !strings.Contains(err.Error(), "held_out") {
		t.Errorf("the training split was read: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "examples-00000.parquet")); err != nil {
		t.Fatal(err)
	}
	if _, err := read([]string{dir}, bench.Layout{Split: rows.SplitEval}); err == nil {
		t.Error("a stage without its files was read")
	}
	other := stagetest.Finished(t, "gen", "responses", []rows.Response{{}}, map[string]*manifest.Counts{}, nil)
	if _, err := read([]string{other}, bench.Layout{}); err == nil || !strings.Contains(err.Error(), `stage "gen"`) {
		t.Errorf("a stage without labels: %v", err)
	}
}

func TestHardVerifyMath(t *testing.T) {
	got, err := read([]string{shareddata.Path(t, "data", "hardverify-math-even.json")}, bench.Layout{})
	if err != nil || len(got) != 250 || got[0].ID != "0/fn" || got[1].Answer != "f(x)=x" || got[249].ID != "248/tn" {
		t.Errorf("%d rows, first %+v, %v", len(got), got[0], err)
	}
}

// Whatever a file holds, reading it ends with rows or an error and never panics.
func FuzzRead(f *testing.F) {
	f.Add(`{"question": "q", "ground_truth": "2", "answer": "2", "label": true}`)
	f.Add(`{"question": "q", "ground_truth": "2", "fn_output": "2", "tn_output": 1e400}`)
	f.Add(`[{"id": {}, "split": 3, "label": []}]`)
	f.Fuzz(func(t *testing.T, content string) {
		ids := map[string]bool{}
		all, err := read([]string{file(t, "b.json", content)}, bench.Layout{})
		for _, row := range all {
			if ids[row.ID] || row.GroundTruth == "" {
				t.Errorf("%+v", row)
			}
			ids[row.ID] = true
		}
		if err == nil && len(all) == 0 {
			t.Error("neither rows nor an error")
		}
	})
}
