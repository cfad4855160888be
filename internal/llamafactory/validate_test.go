package llamafactory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/rows"
)

// directory writes a dataset_dir.
func directory(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	good = `{"conversations":[{"from":"human","value":"Q"},{"from":"gpt","value":"True"}]}` + "\n"
	bad  = `{"conversations":[{"from":"gpt","value":"True"},{"from":"human","value":"Q"}]}` + "\n"
	info = `{"first":{"file_name":"a.jsonl","formatting":"sharegpt"},"second":{"file_name":"b.jsonl","formatting":"sharegpt"}}`
)

func TestReport(t *testing.T) {
	dir := directory(t, map[string]string{InfoFile: info, "a.jsonl": good + strings.Repeat(bad, 5) + good, "b.jsonl": good + bad})
	report, err := Validate(t.Context(), dir, "", 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []Dataset{{Name: "first", File: "a.jsonl", Rows: 7, Kept: 2}, {Name: "second", File: "b.jsonl", Rows: 2, Kept: 1}}
	if diff := cmp.Diff(want, report.Datasets); diff != "" {
		t.Errorf("datasets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"role_order": 6}, report.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	var got []string
	for _, p := range report.Problems {
		got = append(got, p.String())
	}
	const words = "message 1 after the system message is of assistant, wanted user; those who ask and those who reply take turns (role_order: LLaMA-Factory leaves the row out)"
	if diff := cmp.Diff([]string{
		`dataset "first": a.jsonl: row 2: ` + words, `dataset "first": a.jsonl: row 3: ` + words, `dataset "second": b.jsonl: row 2: ` + words,
	}, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// A problem in a directory names the file.
func TestDirectoryOfFiles(t *testing.T) {
	dir := directory(t, map[string]string{InfoFile: `{"d":{"file_name":"sub","formatting":"sharegpt"}}`})
	for name, text := range map[string]string{"a.jsonl": good, "b.jsonl": good + bad} {
		if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "sub", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	report, err := Validate(t.Context(), dir, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) != 1 || report.Problems[0].File != filepath.Join("sub", "b.jsonl") || report.Problems[0].Row != 2 {
		t.Errorf("problems %v", report.Problems)
	}
}

func TestInfo(t *testing.T) {
	for _, c := range []struct{ name, info, want string }{
		{"broken", `{"a":`, "info_broken"},
		{"an array", `[]`, "info_broken"},
		{"more after it", info + info, "info_broken"},
		{"twice", `{"first":{"file_name":"a.jsonl","formatting":"sharegpt"},"first":{"file_name":"a.jsonl","formatting":"sharegpt"}}`, "dataset_twice"},
		{"an entry is a text", `{"first":"a.jsonl"}`, "entry_type"},
		{"a column is a number", `{"first":{"file_name":"a.jsonl","formatting":"sharegpt","columns":{"messages":1}}}`, "entry_type"},
	} {
		report, err := Validate(t.Context(), directory(t, map[string]string{InfoFile: c.info, "a.jsonl": good, "b.jsonl": good}), "", 10)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if len(report.Problems) != 1 || report.Problems[0].Kind != c.want {
			t.Errorf("%s: problems %v, want %s", c.name, report.Problems, c.want)
		}
	}
	if _, err := Validate(t.Context(), t.TempDir(), "", 10); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "name the directory of an export") {
		t.Errorf("without %s: %v", InfoFile, err)
	}
}

func TestParquet(t *testing.T) {
	type message struct {
		From  string `parquet:"from"`
		Value string `parquet:"value"`
	}
	type row struct {
		Messages []message `parquet:"conversations,list"`
		ID       int64     `parquet:"id"`
	}
	dir := directory(t, map[string]string{InfoFile: `{"d":{"file_name":"a.parquet","formatting":"sharegpt"}}`})
	w, err := rows.CreateFile[row](filepath.Join(dir, "a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []row{{[]message{{"human", "Q"}, {"gpt", "True"}}, 1}, {[]message{{"human", "Q"}}, 2}, {nil, 3}} {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := Validate(t.Context(), dir, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int64{"message_count": 1, "no_messages": 1}, report.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s\n%v", diff, report.Problems)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.parquet"), []byte("PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if report, err = Validate(t.Context(), dir, "", 10); err != nil || report.Counts["file_broken"] != 1 {
		t.Errorf("a broken file: %+v, %v", report, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Validate(ctx, directory(t, map[string]string{InfoFile: info, "a.jsonl": good, "b.jsonl": good}), "", 10); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTwice(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "", `{"a":1,"b":{"a":1}}`: "", `{"a":"a","b":["a","a",{"a":1},{"a":1}]}`: "", `{"a":1,"a":1}`: "a", `{"x":[{"a":1,"b":[1],"a":2}]}`: "a",
		`{"a\"b":1,"a\"b":2}`: `a\"b`, `{"a":"{\"a\":1,\"a\":2}"}`: "", `{"a":{},"a":{}}`: "a", `{"a":[1,2],"b":",","a":0}`: "a",
	} {
		if got := twice([]byte(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// Nothing in a file makes the validator panic or count what is not there.
func FuzzValidate(f *testing.F) {
	data, err := os.ReadFile(casesFile)
	if err != nil {
		f.Fatal(err)
	}
	var cases []loaderCase
	if err := json.Unmarshal(data, &cases); err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		entry, err := json.Marshal(c.Entry)
		if err != nil {
			f.Fatal(err)
		}
		text := c.Files["d.jsonl"]
		for _, row := range c.Rows {
			text += string(row) + "\n"
		}
		f.Add(string(entry), text)
	}
	f.Fuzz(func(t *testing.T, entry, text string) {
		var body map[string]any
		if json.Unmarshal([]byte(entry), &body) != nil || body == nil {
			return
		}
		body["file_name"] = "d.jsonl"
		data, err := json.Marshal(map[string]any{"d": body})
		if err != nil {
			return
		}
		report, err := Validate(t.Context(), directory(t, map[string]string{InfoFile: string(data), "d.jsonl": text}), "", 1)
		if err != nil {
			return
		}
		d := report.Datasets[0]
		if d.Kept > d.Rows || d.Kept < 0 {
			t.Errorf("%d of %d rows are kept", d.Kept, d.Rows)
		}
		fails := false
		for _, p := range report.Problems {
			fails = fails || p.Effect == Fails
		}
		if fails && d.Kept > 0 {
			t.Errorf("%d rows are kept of a dataset that does not load", d.Kept)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	var text strings.Builder
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&text, `{"conversations":[{"from":"human","value":"%s %d"},{"from":"gpt","value":"True"}]}`+"\n", strings.Repeat("What is it? ", 30), i)
	}
	dir := directory(b, map[string]string{InfoFile: `{"first":{"file_name":"a.jsonl","formatting":"sharegpt"}}`, "a.jsonl": text.String()})
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if report, err := Validate(b.Context(), dir, "", 10); err != nil || report.Datasets[0].Kept != n {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
}
