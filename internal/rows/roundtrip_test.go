package rows

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var ownFormats = []string{"parquet", "jsonl", "jsonl.gz", "jsonl.zst"}

// writeAll writes rows as a set named "part" and returns the base names of its parts.
func writeAll[T any](t testing.TB, dir, ext string, rowsPerPart int64, rows []T) []string {
	t.Helper()
	w, err := Create[T](dir, "part", ext, rowsPerPart)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Rows() != int64(len(rows)) {
		t.Fatalf("Rows() = %d after %d rows", w.Rows(), len(rows))
	}
	return w.Files()
}

func readAll[T any](t testing.TB, path string) []T {
	t.Helper()
	var rows []T
	for r, err := range Read[T](path) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// anyText draws text with the characters that file formats trip over.
func anyText(t *rapid.T) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "\x00", "a\x00b", "null", "\ufeff", "\u2028\u2029", "<a href=\"x\">&amp;</a>", "\\boxed{\\frac{1}{2}}", "\r\n", "𝔽₂ é 数", "\ufffd", `"`, `\ud800`}),
		rapid.String(),
	).Draw(t, "text")
}

func anyList[T any](t *rapid.T, draw func(*rapid.T) T) []T {
	return rapid.SliceOfN(rapid.Custom(draw), 0, 4).Draw(t, "list")
}

func maybe[T any](t *rapid.T, draw func(*rapid.T) T) *T {
	return rapid.Ptr(rapid.Custom(draw), true).Draw(t, "pointer")
}

func anyBool(t *rapid.T) bool   { return rapid.Bool().Draw(t, "bool") }
func anyInt32(t *rapid.T) int32 { return rapid.Int32().Draw(t, "int32") }
func anyFloat(t *rapid.T) float64 {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 0.1, 1, 1e20, 1e21, -5e-324, 0.015625})).Draw(t, "float64")
}

func anyProblem(t *rapid.T) Problem {
	return Problem{
		ProblemID: anyText(t), Source: anyText(t), Domain: anyList(t, anyText), Question: anyText(t), GroundTruth: anyText(t),
		SolveRate: maybe(t, anyFloat), Extra: anyText(t), Simulated: anyBool(t),
	}
}

func anyResponse(t *rapid.T) Response {
	return Response{
		ProblemID: anyText(t), Source: anyText(t), Domain: anyList(t, anyText), Question: anyText(t), GroundTruth: anyText(t),
		SolveRate: maybe(t, anyFloat), Sample: anyInt32(t), Model: anyText(t), Response: anyText(t), Reasoning: anyText(t),
		FinishReason: anyText(t), PromptTokens: anyInt32(t), CompletionTokens: anyInt32(t), Boxed: maybe(t, anyText),
		Extracted: anyText(t), Rule: anyText(t), RuleCorrect: maybe(t, anyBool), RuleReason: anyText(t),
		KnownCorrect: maybe(t, anyBool), Extra: anyText(t), Simulated: anyBool(t),
	}
}

func anyAnnotatorVote(t *rapid.T) AnnotatorVote {
	return AnnotatorVote{
		Annotator: anyText(t), Model: anyText(t), Correct: maybe(t, anyBool), Reason: anyText(t), Reply: anyText(t), Reasoning: anyText(t),
		FinishReason: anyText(t), PromptSHA256: anyText(t), PromptTokens: anyInt32(t), CompletionTokens: anyInt32(t),
	}
}

func anyAnnotation(t *rapid.T) Annotation {
	return Annotation{
		ProblemID: anyText(t), Source: anyText(t), Domain: anyList(t, anyText), Question: anyText(t), GroundTruth: anyText(t),
		Sample: anyInt32(t), Answer: anyText(t), Extracted: anyText(t), Rule: anyText(t), RuleCorrect: maybe(t, anyBool),
		Votes: anyList(t, anyAnnotatorVote), Label: maybe(t, anyBool), LabelReason: anyText(t), Origin: anyText(t), Category: anyText(t),
		KnownCorrect: maybe(t, anyBool), Extra: anyText(t), Simulated: anyBool(t),
	}
}

func anyExample(t *rapid.T) Example {
	return Example{
		ProblemID: anyText(t), Source: anyText(t), Domain: anyList(t, anyText), Question: anyText(t), GroundTruth: anyText(t),
		Sample: anyInt32(t), Answer: anyText(t), Label: anyBool(t), Origin: anyText(t), Category: anyText(t), Split: anyText(t),
		Extra: anyText(t), Simulated: anyBool(t),
	}
}

func anyRejected(t *rapid.T) Rejected {
	return Rejected{Input: anyText(t), Row: rapid.Int64().Draw(t, "row"), Reason: anyText(t), Detail: anyText(t)}
}

// Every row type comes back exactly, from every format, in any number of parts.
func TestRoundTrip(t *testing.T) {
	base := t.TempDir()
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		dir := filepath.Join(base, fmt.Sprint(round))
		switch rapid.IntRange(0, 4).Draw(rt, "row type") {
		case 0:
			roundTrip(t, rt, dir, anyProblem)
		case 1:
			roundTrip(t, rt, dir, anyResponse)
		case 2:
			roundTrip(t, rt, dir, anyAnnotation)
		case 3:
			roundTrip(t, rt, dir, anyExample)
		case 4:
			roundTrip(t, rt, dir, anyRejected)
		}
		os.RemoveAll(dir)
	})
}

func roundTrip[T any](t *testing.T, rt *rapid.T, dir string, draw func(*rapid.T) T) {
	ext := rapid.SampledFrom(ownFormats).Draw(rt, "format")
	rows := rapid.SliceOfN(rapid.Custom(draw), 0, 40).Draw(rt, "rows")
	perPart := rapid.Int64Range(15, 50).Draw(rt, "rows per part")
	files := writeAll(t, dir, ext, perPart, rows)
	if want := max(1, (len(rows)+int(perPart)-1)/int(perPart)); len(files) != want {
		rt.Fatalf("%d parts, want %d", len(files), want)
	}
	if diff := cmp.Diff(rows, readAll[T](t, dir), cmpopts.EquateEmpty()); diff != "" {
		rt.Fatalf("rows came back different (-written +read):\n%s", diff)
	}
}

// Nulls right after values, in rows that share a batch: where readers that
// reuse memory go wrong.
func TestNullAfterValue(t *testing.T) {
	half, yes, box := 0.5, true, "2"
	full := Response{ProblemID: "full", Domain: []string{"a", "b"}, SolveRate: &half, Boxed: &box, RuleCorrect: &yes, KnownCorrect: &yes}
	rows := slices.Repeat([]Response{full, {ProblemID: "bare"}}, 100)
	for _, ext := range ownFormats {
		t.Run(ext, func(t *testing.T) {
			dir := t.TempDir()
			writeAll(t, dir, ext, 0, rows)
			if diff := cmp.Diff(rows, readAll[Response](t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A file of the project is also a foreign file: the columns keep their names
// and null stays null.
func TestRecordsOfOwnFiles(t *testing.T) {
	yes := true
	row := Annotation{ProblemID: "p1", Domain: []string{"Algebra -> Linear"}, Sample: 3, Votes: []AnnotatorVote{{Annotator: "a", Correct: &yes}, {Annotator: "b"}}}
	for _, ext := range ownFormats {
		t.Run(ext, func(t *testing.T) {
			dir := t.TempDir()
			writeAll(t, dir, ext, 0, []Annotation{row})
			for r, err := range Records(dir) {
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]any{"input": r.Input, "row": r.Row}
				for _, path := range []string{"problem_id", "domain", "sample", "votes", "label"} {
					v, ok := r.Lookup(path)
					if !ok {
						t.Errorf("no column %q", path)
					}
					got[path] = v
				}
				vote := func(name string, correct any) any {
					return map[string]any{"annotator": name, "sample": int64(0), "confidence": nil, "model": "", "correct": correct, "reason": "", "reply": "", "reasoning": "",
						"finish_reason": "", "prompt_sha256": "", "prompt_tokens": int64(0), "completion_tokens": int64(0), "cost_usd": nil}
				}
				want := map[string]any{
					"input": "part-00000." + ext, "row": int64(1), "problem_id": "p1", "domain": []any{"Algebra -> Linear"},
					"sample": int64(3), "votes": []any{vote("a", true), vote("b", nil)}, "label": nil,
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// Equal rows give equal bytes, and JSON is one line a row with its keys in the
// order of the struct and nothing escaped for HTML.
func TestWriteIsDeterministic(t *testing.T) {
	rows := rapid.SliceOfN(rapid.Custom(anyAnnotation), 50, 50).Example(1)
	for _, ext := range ownFormats {
		var first []byte
		for range 2 {
			dir := t.TempDir()
			writeAll(t, dir, ext, 0, rows)
			data, err := os.ReadFile(filepath.Join(dir, "part-00000."+ext))
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = data
			}
			if !bytes.Equal(first, data) {
				t.Errorf("%s: two writes of the same rows differ", ext)
			}
		}
	}

	dir := t.TempDir()
	writeAll(t, dir, "jsonl", 0, []Rejected{{Input: "a&b.jsonl", Row: 7, Reason: "empty", Detail: "<no answer>\n"}})
	data, err := os.ReadFile(filepath.Join(dir, "part-00000.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"input":"a&b.jsonl","row":7,"reason":"empty","detail":"<no answer>\n"}` + "\n"
	if string(data) != want {
		t.Errorf("wrote %s, want %s", data, want)
	}

	dir = t.TempDir()
	writeAll(t, dir, "jsonl", 0, []Annotation{{}, {Domain: []string{}, Votes: []AnnotatorVote{}}})
	data, err = os.ReadFile(filepath.Join(dir, "part-00000.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.SplitAfter(data, []byte("\n")); len(lines) != 3 || !bytes.Equal(lines[0], lines[1]) || !bytes.Contains(lines[0], []byte(`"votes":[],`)) {
		t.Errorf("nil and empty lists are not both written as []:\n%s", data)
	}
}

// The two kinds of tags name the same columns, so that a set can change format.
func TestTagsAgree(t *testing.T) {
	dir := t.TempDir()
	same := func(write func(ext string)) {
		t.Helper()
		var columns [2][]string
		for i, ext := range []string{"parquet", "jsonl"} {
			os.RemoveAll(dir)
			write(ext)
			for r, err := range Records(dir) {
				if err != nil {
					t.Fatal(err)
				}
				columns[i] = r.Columns()
			}
		}
		if len(columns[0]) == 0 || !slices.Equal(columns[0], columns[1]) {
			t.Errorf("columns of Parquet %v, of JSON lines %v", columns[0], columns[1])
		}
	}
	same(func(ext string) { writeAll(t, dir, ext, 0, []Problem{{}}) })
	same(func(ext string) { writeAll(t, dir, ext, 0, []Response{{}}) })
	same(func(ext string) { writeAll(t, dir, ext, 0, []Annotation{{}}) })
	same(func(ext string) { writeAll(t, dir, ext, 0, []AnnotatorVote{{}}) })
	same(func(ext string) { writeAll(t, dir, ext, 0, []Example{{}}) })
	same(func(ext string) { writeAll(t, dir, ext, 0, []Rejected{{}}) })
}
