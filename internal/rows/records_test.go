package rows

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tinyv/internal/shareddata"
)

// put writes a file and returns its path.
func put(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(t testing.TB, ext string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	switch {
	case strings.HasSuffix(ext, ".gz"):
		w := gzip.NewWriter(&out)
		w.Write(data)
		w.Close()
	case strings.HasSuffix(ext, ".zst"):
		w, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(data)
		w.Close()
	default:
		return data
	}
	return out.Bytes()
}

// outline reads foreign input and gives a line for each row: its values as
// canonical JSON, or what was wrong with it; last, the fatal error if any.
func outline(path string) []string {
	var out []string
	for r, err := range Records(path) {
		if bad, ok := errors.AsType[*RowError](err); ok {
			if bad.Input != r.Input || bad.Row != r.Row {
				out = append(out, fmt.Sprintf("the error is of %s:%d, the record of %s:%d", bad.Input, bad.Row, r.Input, r.Row))
			}
			out = append(out, fmt.Sprintf("bad %v", err))
			continue
		}
		if err != nil {
			out = append(out, fmt.Sprintf("fatal %v", err))
			continue
		}
		extra, err := r.Extra()
		if err != nil {
			extra = err.Error()
		}
		out = append(out, fmt.Sprintf("%s:%d: %s", r.Input, r.Row, extra))
	}
	return out
}

func TestRecordsOfJSON(t *testing.T) {
	for _, test := range []struct {
		name, ext, data string
		want            []string
	}{
		{"lines", "jsonl", "{\"a\":1}\n{\"a\":2}\n", []string{`:1: {"a":1}`, `:2: {"a":2}`}},
		{"no last newline", "jsonl", "{\"a\":1}\n{\"a\":2}", []string{`:1: {"a":1}`, `:2: {"a":2}`}},
		{"CRLF, blank lines, byte order mark", "jsonl", "\ufeff\r\n{\"a\":1}\r\n  \r\n\t{\"a\":2} \r\n", []string{`:2: {"a":1}`, `:4: {"a":2}`}},
		{"nothing", "jsonl", "", nil},
		{"only space", "jsonl", "\n \n", nil},
		{"kinds", "jsonl", `{"s":"x","i":-3,"f":2.50,"e":1e3,"b":false,"n":null,"l":[1,[2.5]],"o":{"p":{"q":9007199254740993}}}`,
			[]string{`:1: {"b":false,"e":1000,"f":2.5,"i":-3,"l":[1,[2.5]],"n":null,"o":{"p":{"q":9007199254740993}},"s":"x"}`}},
		{"integers beyond int64 keep their digits", "jsonl", `{"a":[9223372036854775807,9223372036854775808,-9223372036854775809]}`,
			[]string{`:1: {"a":[9223372036854775807,"9223372036854775808","-9223372036854775809"]}`}},
		{"broken lines", "jsonl", strings.Join([]string{
			`{"a":1}`, `{"a":`, `{"a":1}}`, `{"a":1} {"a":2}`, `[1]`, `"x"`, `null`, `7`, `true`, `hello`, `{"a":1e999}`, `{"a":NaN}`, `{"a":-Infinity}`, `{'a':1}`, `{"a":2}`}, "\n"),
			[]string{
				`:1: {"a":1}`,
				`bad :2: not JSON: it ends in the middle`,
				`bad :3: there is more text after the JSON value, at byte 8`,
				`bad :4: there is more text after the JSON value, at byte 9`,
				`bad :5: the JSON value is a list, wanted an object`,
				`bad :6: the JSON value is a string, wanted an object`,
				`bad :7: the JSON value is null, wanted an object`,
				`bad :8: the JSON value is a number, wanted an object`,
				`bad :9: the JSON value is a boolean, wanted an object`,
				`bad :10: not JSON: invalid character 'h' looking for beginning of value at byte 1`,
				`bad :11: column "a": the number 1e999 is out of range`,
				`bad :12: not JSON: NaN at byte 6, which JSON does not have; write null`,
				`bad :13: not JSON: -Infinity at byte 6, which JSON does not have; write null`,
				`bad :14: not JSON: invalid character '\'' looking for beginning of object key string at byte 2`,
				`:15: {"a":2}`,
			}},
		{"not UTF-8", "jsonl", "{\"a\":\"caf\xe9\"}\n{\"a\":\"caf\u00e9 \ufffd\"}\n{\"a\":\"\xed\xa0\x80\"}\n", []string{
			`bad :1: not valid UTF-8 at byte 10`, `:2: {"a":"café ` + "\ufffd" + `"}`, `bad :3: not valid UTF-8 at byte 7`}},
		{"surrogates", "jsonl", `{"a":"\ud83d\ude00 \\ud800 \\\\ud800"}` + "\n" + `{"a":"\ud83d"}` + "\n" + `{"a":"\ude00\ud83d"}` + "\n" + `{"a":"\\\udbff\u0041"}`, []string{
			`:1: {"a":"😀 \\ud800 \\\\ud800"}`,
			`bad :2: the escape \ud83d at byte 7 is half a surrogate pair, which is no character`,
			`bad :3: the escape \ude00 at byte 7 is half a surrogate pair, which is no character`,
			`bad :4: the escape \udbff at byte 9 is half a surrogate pair, which is no character`}},
		{"indented object", "jsonl", "\n{\n \"a\": 1\n}\n", []string{
			`fatal reading PATH: line 2 is only "{", so the file is one indented JSON value; wanted one JSON object a line, or an array of objects in a .json file`}},
		{"indented object", "json", "{\n \"data\": []\n}\n", []string{
			`fatal reading PATH: line 1 is only "{", so the file is one indented JSON value; wanted one JSON object a line, or an array of objects in a .json file`}},
		{"lines in a .json file", "json", "\n{\"a\":1}\n{\"a\":2}\n", []string{`:2: {"a":1}`, `:3: {"a":2}`}},
		{"empty .json file", "json", "", nil},
		{"array", "json", "\ufeff\n [ {\"a\":1}\n,{\n\"a\":{\"b\":[2]}} ]\n", []string{`:1: {"a":1}`, `:2: {"a":{"b":[2]}}`}},
		{"empty array", "json", "[]", nil},
		{"array with bad elements", "json", `[{"a":1}, 7, [], {"a":"` + "\xff" + `"}, {"a":"\udc00"}, {"a":1e400}, {"a":2}]`, []string{
			`:1: {"a":1}`,
			`bad :2: the JSON value is a number, wanted an object`,
			`bad :3: the JSON value is a list, wanted an object`,
			`bad :4: not valid UTF-8 at byte 7`,
			`bad :5: the escape \udc00 at byte 7 is half a surrogate pair, which is no character`,
			`bad :6: column "a": the number 1e400 is out of range`,
			`:7: {"a":2}`}},
		{"array cut in an element", "json", `[{"a":1},{"a":`, []string{`:1: {"a":1}`, `fatal reading PATH: the file is cut off, the JSON array is not closed after element 1 of the array: unexpected EOF; what wrote or copied it did not finish: make it again`}},
		{"array cut between elements", "json", `[{"a":1},`, []string{`:1: {"a":1}`, `fatal reading PATH: the file is cut off, the JSON array is not closed after element 1 of the array: EOF; what wrote or copied it did not finish: make it again`}},
		{"array not closed", "json", `[{"a":1}`, []string{`:1: {"a":1}`, `fatal reading PATH: the file is cut off, the JSON array is not closed after element 1 of the array: EOF; what wrote or copied it did not finish: make it again`}},
		{"array broken", "json", `[{"a":1} {"a":2}]`, []string{`:1: {"a":1}`, `fatal reading PATH: not JSON after element 1 of the array: expected comma after array element`}},
		{"array with a NaN", "json", `[{"a":NaN}]`, []string{`fatal reading PATH: not JSON after element 0 of the array: invalid character 'N' looking for beginning of value; if it is NaN or Infinity, which JSON does not have, write null`}},
		{"text after the array", "json", `[{"a":1}] x`, []string{`:1: {"a":1}`, `fatal reading PATH: after element 1 of the array: invalid character 'x' looking for beginning of value`}},
		{"two arrays", "json", `[{"a":1}] []`, []string{`:1: {"a":1}`, `fatal reading PATH: after element 1 of the array: there is more text after the array`}},
		{"UTF-16", "jsonl", "\xff\xfe{\x00}\x00", []string{`fatal reading PATH: it is UTF-16 text; convert it to UTF-8`}},
	} {
		for _, zip := range []string{"", ".gz", ".zst"} {
			if test.name == "UTF-16" && zip != "" {
				continue
			}
			name := "in." + test.ext + zip
			t.Run(test.name+"/"+name, func(t *testing.T) {
				path := put(t, t.TempDir(), name, zipped(t, zip, []byte(test.data)))
				var want []string
				for _, line := range test.want {
					line = strings.ReplaceAll(line, "PATH", fmt.Sprintf("%q", path))
					if rest, ok := strings.CutPrefix(line, "bad "); ok {
						line = "bad " + name + rest
					} else if !strings.HasPrefix(line, "fatal ") {
						line = name + line
					}
					want = append(want, line)
				}
				if diff := cmp.Diff(want, outline(path)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// Lines around the reader's buffer size and the limit, each of which the next
// line must survive.
func TestLongLines(t *testing.T) {
	const limit = 1 << 20
	for _, n := range []int{100, 256<<10 - 1, 256 << 10, 256<<10 + 1, limit - 1, limit, limit + 1, 3 * limit} {
		for _, ending := range []string{"\n", "\n{\"b\":1}\n"} {
			data := `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}` + ending
			path := put(t, t.TempDir(), "in.jsonl", []byte(data))
			var got []string
			for r, err := range scanJSON(path, formats[1], limit) {
				if bad, ok := errors.AsType[*RowError](err); ok {
					got = append(got, fmt.Sprintf("%d bad: %v", bad.Row, bad.Err))
				} else if err != nil {
					t.Fatal(err)
				} else if a, ok := r.values["a"].(string); ok {
					got = append(got, fmt.Sprintf("%d a %d", r.row, len(a)))
				} else {
					got = append(got, fmt.Sprintf("%d %v", r.row, r.values))
				}
			}
			want := []string{fmt.Sprintf("1 a %d", n-len(`{"a":""}`))}
			if n > limit {
				want[0] = "1 bad: the line is longer than 1 MiB"
			}
			if len(ending) > 1 {
				want = append(want, "2 map[b:1]")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("a line of %d bytes: %s", n, diff)
			}
		}
	}
}

// The real limit, through the real entry.
func TestLineOf64MiB(t *testing.T) {
	line := func(n int) string { return `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + "\"}\n" }
	path := put(t, t.TempDir(), "in.jsonl.zst", zipped(t, ".zst", []byte(line(maxLine+1)+line(6<<20)+line(8))))
	var got []string
	for r, err := range Records(path) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		a, _ := r.Lookup("a")
		got = append(got, fmt.Sprint(r.Row, len(a.(string))))
	}
	want := []string{"in.jsonl.zst:1: the line is longer than 64 MiB", fmt.Sprint(2, 6<<20-8), "3 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Lines gives what is there, judged or not.
func TestLines(t *testing.T) {
	data := "\ufeff{\"a\":1}\r\n\n  not JSON \n{\"a\":\"\xff\"}\n" + strings.Repeat("x", maxLine+1) + "\nlast"
	path := put(t, t.TempDir(), "in.jsonl.zst", zipped(t, ".zst", []byte(data)))
	var got []string
	for line, err := range Lines(path) {
		if bad, ok := errors.AsType[*RowError](err); ok {
			got = append(got, fmt.Sprintf("%d bad %v", bad.Row, bad.Err))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s", line.Row, line.Data))
	}
	want := []string{`1 {"a":1}`, "3 not JSON", "4 {\"a\":\"\xff\"}", "5 bad the line is longer than 64 MiB", "6 last"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	for line, err := range LinesOf("standard input", strings.NewReader("a\n\nb")) {
		got = append(got, fmt.Sprintf("%d %s %v", line.Row, line.Data, err))
	}
	if diff := cmp.Diff([]string{"1 a <nil>", "3 b <nil>"}, got); diff != "" {
		t.Error(diff)
	}
	for _, err := range Lines("in.parquet") {
		if err == nil {
			t.Error("Lines takes Parquet")
		}
	}
}

func TestLongArrayElement(t *testing.T) {
	const limit = 1 << 20
	long := `{"a":"` + strings.Repeat("x", 2*limit) + `"}` // the reader may have some of it already, so not just above the limit
	path := put(t, t.TempDir(), "in.json", []byte("["+strings.Repeat(long[:limit/2]+`"},`, 5)+long+"]"))
	n := 0
	for _, err := range scanJSON(path, formats[4], limit) {
		if err == nil {
			n++
			continue
		}
		if want := fmt.Sprintf("reading %q: element 6 of the array is longer than 1 MiB", path); n != 5 || err.Error() != want {
			t.Errorf("after %d elements: %v, want %s", n, err, want)
		}
		return
	}
	t.Error("no error")
}

func TestRealRollouts(t *testing.T) {
	for _, test := range []struct {
		file             string
		rows, responses  int
		column, lastKind string
	}{
		{"math-rollouts.jsonl.gz", 52, 416, "responses", "[]interface {}"},
		{"gsm8k-rollouts.jsonl.gz", 764, 3056, "responses", "[]interface {}"},
	} {
		path := shareddata.Path(t, "data", test.file)
		rows, responses := 0, 0
		for r, err := range Records(path) {
			if err != nil {
				t.Fatal(err)
			}
			v, ok := r.Lookup(test.column)
			list, isList := v.([]any)
			if !ok || !isList {
				t.Fatalf("%s:%d: responses are %T", test.file, r.Row, v)
			}
			rows++
			responses += len(list)
		}
		if rows != test.rows || responses != test.responses {
			t.Errorf("%s: %d rows with %d replies, want %d with %d", test.file, rows, responses, test.rows, test.responses)
		}
	}
	rows := 0
	for r, err := range Records(shareddata.Path(t, "data", "hardverify-math-even.json")) {
		if err != nil {
			t.Fatal(err)
		}
		if rows++; r.Row != int64(rows) {
			t.Fatalf("row %d is called %d", rows, r.Row)
		}
		for _, column := range []string{"question", "ground_truth", "fn_output", "tn_output", "source"} {
			if v, _ := r.Lookup(column); v == nil || v == "" {
				t.Errorf("row %d: %s is %v", r.Row, column, v)
			}
		}
	}
	if rows != 125 {
		t.Errorf("%d rows of HardVerify-Math, want 125", rows)
	}
}

func TestParts(t *testing.T) {
	lines := []byte("{\"a\":1}\n")
	dir := func(names ...string) string {
		d := t.TempDir()
		for _, name := range names {
			if strings.HasSuffix(name, "/") {
				if err := os.Mkdir(filepath.Join(d, name), 0o777); err != nil {
					t.Fatal(err)
				}
				continue
			}
			put(t, d, name, lines)
		}
		return d
	}
	for _, test := range []struct {
		name  string
		files []string
		want  string // base names, or the error with DIR for the directory
	}{
		{"in name order", []string{"b.jsonl", "a.jsonl", "part-00010.jsonl", "part-00009.jsonl"}, "a.jsonl b.jsonl part-00009.jsonl part-00010.jsonl"},
		{"only what is a part", []string{"a.jsonl", ".b.jsonl", "c.jsonl.tmp", "manifest.json", "README.md", "x.txt", "_SUCCESS", "sub.jsonl/"}, "a.jsonl"},
		{"upper case", []string{"A.JSONL"}, "A.JSONL"},
		{"mixed", []string{"a.jsonl", "b.jsonl", "c.parquet"}, `directory DIR mixes formats: "a.jsonl" and "c.parquet"; keep one format, or name one file`},
		{"mixed compression", []string{"a.jsonl", "b.jsonl.gz"}, `directory DIR mixes formats: "a.jsonl" and "b.jsonl.gz"; keep one format, or name one file`},
		{"none", []string{"manifest.json", "a.txt"}, `directory DIR has no file to read; looked for .parquet, .jsonl, .jsonl.gz, .jsonl.zst, .json, .json.gz, .json.zst`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := dir(test.files...)
			parts, err := Parts(d)
			var got string
			if err != nil {
				got = strings.ReplaceAll(err.Error(), fmt.Sprintf("%q", d), "DIR")
			} else {
				for i, p := range parts {
					if filepath.Dir(p) != d {
						t.Errorf("%q is not in the directory", p)
					}
					if i > 0 {
						got += " "
					}
					got += filepath.Base(p)
				}
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}

	d := dir("a.jsonl", "b.csv")
	if parts, err := Parts(filepath.Join(d, "a.jsonl")); err != nil || len(parts) != 1 || parts[0] != filepath.Join(d, "a.jsonl") {
		t.Errorf("Parts of a file: %q, %v", parts, err)
	}
	for name, want := range map[string]string{
		"b.csv":      "its extension is none of .parquet",
		"gone.jsonl": "no such file or directory",
	} {
		_, err := Parts(filepath.Join(d, name))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) || strings.Count(err.Error(), name) != 1 {
			t.Errorf("Parts(%q): %v, want one mention of the file and %q", name, err, want)
		}
		for _, err2 := range Records(filepath.Join(d, name)) {
			if err2 == nil || err2.Error() != err.Error() {
				t.Errorf("Records(%q): %v, want %v", name, err2, err)
			}
		}
	}
}

// A window that a user chose with zstd --long is not damage.
func TestLargeZstdWindow(t *testing.T) {
	// The header of a frame: magic, no content size, a window of 1 GiB.
	path := put(t, t.TempDir(), "in.jsonl.zst", []byte(magicZstd+"\x00\xa0\x01\x00\x00"))
	want := fmt.Sprintf("fatal reading %q: after line 0: its zstd window is larger than 512 MiB, which would cost as much memory; compress it again without --long", path)
	if diff := cmp.Diff([]string{want}, outline(path)); diff != "" {
		t.Error(diff)
	}
}

// Links count as what they point to, as in a Hugging Face cache.
func TestPartsThroughLinks(t *testing.T) {
	blobs, d := t.TempDir(), t.TempDir()
	put(t, blobs, "0123abcd", []byte("{\"a\":1}\n"))
	if err := os.Symlink(filepath.Join(blobs, "0123abcd"), filepath.Join(d, "train.jsonl")); err != nil {
		t.Skip(err)
	}
	if diff := cmp.Diff([]string{`train.jsonl:1: {"a":1}`}, outline(d)); diff != "" {
		t.Error(diff)
	}
	if err := os.Symlink(filepath.Join(blobs, "gone"), filepath.Join(d, "x.jsonl")); err != nil {
		t.Fatal(err)
	}
	if got := outline(d); len(got) != 1 || !strings.Contains(got[0], "x.jsonl") {
		t.Errorf("a link to nothing gives %q", got)
	}
}

// A directory reads as its parts in order, each with its own row numbers; a bad
// row does not end it, a broken part does.
func TestRecordsOfDirectory(t *testing.T) {
	d := t.TempDir()
	put(t, d, "a.jsonl", []byte("{\"a\":1}\nx\n"))
	put(t, d, "b.jsonl", nil)
	put(t, d, "c.jsonl", []byte("{\"a\":2}\n"))
	want := []string{`a.jsonl:1: {"a":1}`, `bad a.jsonl:2: not JSON: invalid character 'x' looking for beginning of value at byte 1`, `c.jsonl:1: {"a":2}`}
	if diff := cmp.Diff(want, outline(d)); diff != "" {
		t.Error(diff)
	}
}

// An iterator that is stopped early, or that fails, closes its files.
func TestFilesAreClosed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts open files in /proc")
	}
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	rows := make([]Problem, 500)
	for _, ext := range ownFormats {
		d := t.TempDir()
		writeAll(t, d, ext, 200, rows)
		before, goroutines := open(), runtime.NumGoroutine()
		for range Records(d) {
			break
		}
		for range Read[Problem](d) {
			break
		}
		n := 0
		for range Read[Problem](d) {
			if n++; n > 250 { // in the second part
				break
			}
		}
		for range Read[Rejected](d) {
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: a panic of the caller does not come through", ext)
				}
			}()
			for range Records(d) {
				panic("of the caller")
			}
		}()
		if after := open(); after > before {
			t.Errorf("%s: %d open files, %d before", ext, after, before)
		}
		// One that has told its end may still be there for a moment.
		after := runtime.NumGoroutine()
		for end := time.Now().Add(time.Minute); after > goroutines && time.Now().Before(end); after = runtime.NumGoroutine() {
			time.Sleep(time.Millisecond)
		}
		if after > goroutines {
			t.Errorf("%s: %d goroutines, %d before", ext, after, goroutines)
		}
	}
}
