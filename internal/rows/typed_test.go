package rows

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// Row types that differ from Rejected by one thing each.
type (
	rejectedLess struct {
		Input  string `parquet:"input" json:"input"`
		Row    int64  `parquet:"row" json:"row"`
		Reason string `parquet:"reason" json:"reason"`
	}
	rejectedMore struct {
		Input  string `parquet:"input" json:"input"`
		Row    int64  `parquet:"row" json:"row"`
		Reason string `parquet:"reason" json:"reason"`
		Detail string `parquet:"detail" json:"detail"`
		Extra  string `parquet:"extra" json:"extra"`
	}
	rejectedText struct {
		Input  string `parquet:"input" json:"input"`
		Row    string `parquet:"row" json:"row"`
		Reason string `parquet:"reason" json:"reason"`
		Detail string `parquet:"detail" json:"detail"`
	}
	rejectedNarrow struct {
		Input  string `parquet:"input" json:"input"`
		Row    int32  `parquet:"row" json:"row"`
		Reason string `parquet:"reason" json:"reason"`
		Detail string `parquet:"detail" json:"detail"`
	}
	rejectedNull struct {
		Input  *string `parquet:"input,optional" json:"input"`
		Row    *int64  `parquet:"row,optional" json:"row"`
		Reason *string `parquet:"reason,optional" json:"reason"`
		Detail *string `parquet:"detail,optional" json:"detail"`
	}
	rejectedList struct {
		Input  string   `parquet:"input" json:"input"`
		Row    int64    `parquet:"row" json:"row"`
		Reason []string `parquet:"reason,list" json:"reason"`
		Detail string   `parquet:"detail" json:"detail"`
	}
	votes struct {
		Votes []AnnotatorVote `parquet:"votes,list" json:"votes"`
	}
	otherVote struct {
		Annotator string `parquet:"annotator" json:"annotator"`
		Correct   string `parquet:"correct" json:"correct"`
	}
	otherVotes struct {
		Votes []otherVote `parquet:"votes,list" json:"votes"`
	}
)

// readError reads until the error, and gives it with PATH for the file.
func readError[T any](t *testing.T, path string) string {
	t.Helper()
	failed := ""
	for _, err := range Read[T](path) {
		if failed != "" {
			t.Errorf("something comes after the error %s", failed)
		}
		if err != nil {
			failed = err.Error()
		}
	}
	return strings.ReplaceAll(failed, fmt.Sprintf("%q", path), "PATH")
}

func TestReadIsStrict(t *testing.T) {
	text, n := "x", int64(1<<40)
	write := map[string]func(dir, ext string){
		"less":   func(dir, ext string) { writeAll(t, dir, ext, 0, []rejectedLess{{}}) },
		"more":   func(dir, ext string) { writeAll(t, dir, ext, 0, []rejectedMore{{}}) },
		"text":   func(dir, ext string) { writeAll(t, dir, ext, 0, []rejectedText{{}}) },
		"narrow": func(dir, ext string) { writeAll(t, dir, ext, 0, []rejectedNarrow{{Row: 5}}) },
		"null":   func(dir, ext string) { writeAll(t, dir, ext, 0, []rejectedNull{{&text, &n, &text, &text}, {}}) },
		"full":   func(dir, ext string) { writeAll(t, dir, ext, 0, []rejectedNull{{&text, &n, &text, &text}}) },
		"list":   func(dir, ext string) { writeAll(t, dir, ext, 0, []rejectedList{{Reason: []string{"x"}}}) },
		"own":    func(dir, ext string) { writeAll(t, dir, ext, 0, []Rejected{{Row: n}}) },
		"votes":  func(dir, ext string) { writeAll(t, dir, ext, 0, []votes{{}, {Votes: make([]AnnotatorVote, 2)}}) },
	}
	rejected := func(path string) string { return readError[Rejected](t, path) }
	const version = "is it a file of another stage, or of another version of this program?"
	for _, test := range []struct {
		written string
		read    func(path string) string
		parquet string
		jsonl   string
	}{
		{"own", rejected, "", ""},
		{"full", rejected, "", ""}, // nullable, but without a null
		{"own", func(path string) string { return readError[rejectedNull](t, path) }, "", ""},
		{"less", rejected, `reading PATH: it has no column "detail" (string); its columns are input, row, reason`, `reading PATH: row 1: column "detail": missing, wanted string`},
		{"more", rejected, `reading PATH: it has an unknown column "extra" (string); ` + version, `reading PATH: row 1: column "extra": an unknown column; ` + version},
		{"text", rejected, `reading PATH: its column "row" is string, wanted int64`, `reading PATH: row 1: column "row": a string, wanted int64`},
		{"narrow", rejected, `reading PATH: its column "row" is int32, wanted int64`, ""}, // JSON has one kind of number
		{"own", func(path string) string { return readError[rejectedNarrow](t, path) }, `reading PATH: its column "row" is int64, wanted int32`, `reading PATH: row 1: column "row": the number 1099511627776, wanted int32`},
		{"own", func(path string) string { return readError[rejectedText](t, path) }, `reading PATH: its column "row" is int64, wanted string`, `reading PATH: row 1: column "row": the number 1099511627776, wanted string`},
		{"null", rejected, `reading PATH: row 2: column "input": null, wanted string`, `reading PATH: row 2: column "input": null, wanted string`},
		{"list", rejected, `reading PATH: its column "reason" is list of string, wanted string`, `reading PATH: row 1: column "reason": a list, wanted string`},
		{"own", func(path string) string { return readError[rejectedList](t, path) }, `reading PATH: its column "reason" is string, wanted list of string`, `reading PATH: row 1: column "reason": a string, wanted list of string`},
		{"votes", func(path string) string { return readError[otherVotes](t, path) }, `reading PATH: its column "votes.correct" is bool, wanted string`, `reading PATH: row 2: column "votes[0].correct": null, wanted string`},
		{"votes", func(path string) string { return readError[votes](t, path) }, "", ""},
	} {
		for _, ext := range []string{"parquet", "jsonl"} {
			dir := t.TempDir()
			write[test.written](dir, ext)
			want := test.parquet
			if ext == "jsonl" {
				want = test.jsonl
			}
			if got := test.read(filepath.Join(dir, "part-00000."+ext)); got != want {
				t.Errorf("%s, %s:\n got %s\nwant %s", test.written, ext, got, want)
			}
		}
	}
}

// The project's own lines are not tolerated broken, and files of other formats
// are not its own.
func TestReadOfBrokenLines(t *testing.T) {
	good := `{"input":"a","row":1,"reason":"r","detail":""}`
	for _, test := range []struct{ name, data, want string }{
		{"in.jsonl", good + "\n" + good + "\n", ""},
		{"in.jsonl", "", ""},
		{"in.jsonl", good + "\n{\n", `reading PATH: row 2: not JSON: it ends in the middle`},
		{"in.jsonl", good + good + "\n", `reading PATH: row 1: there is more text after the JSON value, at byte 47`},
		{"in.jsonl", strings.Replace(good, "1", "1.0", 1), `reading PATH: row 1: column "row": the number 1.0, wanted int64`},
		{"in.jsonl", strings.Replace(good, "1", "99999999999999999999", 1), `reading PATH: row 1: column "row": the number 99999999999999999999, wanted int64`},
		{"in.jsonl", strings.Replace(good, `"a"`, "\"\xff\"", 1), `reading PATH: row 1: not valid UTF-8 at byte 11`},
		{"in.jsonl", strings.Replace(good, "input", "Input", 1), `reading PATH: row 1: column "input": missing, wanted string`},
		{"in.json", good, `reading PATH: rows of the project are in .parquet or .jsonl files, not .json`},
		{"in.csv", good, `cannot read PATH: its extension is none of ` + extensions},
	} {
		path := put(t, t.TempDir(), test.name, []byte(test.data))
		if got := readError[Rejected](t, path); got != test.want {
			t.Errorf("%s with %q:\n got %s\nwant %s", test.name, test.data, got, test.want)
		}
	}
	for _, err := range Read[string](put(t, t.TempDir(), "in.jsonl", nil)) {
		if err == nil {
			t.Error("rows of strings")
		}
	}
}

// Text that is not UTF-8 must not pass from a file into a prompt or an example.
func TestReadRefusesInvalidUTF8InParquet(t *testing.T) {
	dir := t.TempDir()
	writeAll(t, dir, "parquet", 0, []Rejected{{Input: "good"}, {Input: "caf\xe9"}, {Input: strings.ToValidUTF8("caf\xe9", "\ufffd")}})
	path := filepath.Join(dir, "part-00000.parquet")
	if got, want := readError[Rejected](t, path), `reading PATH: row 2: column "input": not valid UTF-8 at byte 4`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got := outline(path)
	want := []string{
		`part-00000.parquet:1: {"detail":"","input":"good","reason":"","row":0}`,
		`bad part-00000.parquet:2: column "input": not valid UTF-8 at byte 4`,
		`part-00000.parquet:3: {"detail":"","input":"caf` + "\ufffd" + `","reason":"","row":0}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}
