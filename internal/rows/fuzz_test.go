package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// tally reads foreign input to its end, checks the order of what is yielded and
// returns the records and bad rows by their row number, and the fatal error.
func tally(t *testing.T, path string) (good map[int64]Record, bad map[int64]error, fatal error) {
	good, bad = map[int64]Record{}, map[int64]error{}
	last := int64(0)
	for r, err := range Records(path) {
		if fatal != nil {
			t.Fatalf("something comes after the fatal error %v", fatal)
		}
		rowError, isRow := errors.AsType[*RowError](err)
		if err != nil && !isRow {
			fatal = err
			continue
		}
		if r.Row <= last || r.Input != filepath.Base(path) {
			t.Fatalf("row %d of %q comes after row %d", r.Row, r.Input, last)
		}
		last = r.Row
		if isRow {
			if rowError.Row != r.Row {
				t.Fatalf("row %d has an error of row %d", r.Row, rowError.Row)
			}
			bad[r.Row] = err
			continue
		}
		extra, err := r.Extra()
		if err != nil || !utf8.ValidString(extra) || extra != "" && !json.Valid([]byte(extra)) {
			t.Fatalf("row %d becomes %q, %v", r.Row, extra, err)
		}
		for _, column := range r.Columns() {
			if _, ok := r.Lookup(column); !ok {
				t.Fatalf("row %d has a column %q that Lookup does not find", r.Row, column)
			}
		}
		good[r.Row] = r
	}
	return good, bad, fatal
}

// What a line may be refused for beyond not being a JSON object of UTF-8: halves
// of surrogate pairs and numbers out of range.
var refusable = regexp.MustCompile(`\\u[dD][89a-fA-F]|[eE.]`)

// Lines are judged as encoding/json judges them one by one.
func FuzzRecordsLines(f *testing.F) {
	for _, seed := range []string{
		"{\"a\":1}\n{\"a\":{\"b\":[null,\"x\"]}}\r\n\n",
		"{\"a\":1}\nnot JSON\n[1]\n{\"a\":\"\xff\"}\n{\"a\":\"\\ud800\"}\n{\"a\":1e999}\n{}",
		"\ufeff{\"a.b\":-0,\"a\":{\"b\":0.5}}",
		"{\n}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := put(t, t.TempDir(), "in.jsonl", data)
		good, bad, fatal := tally(t, path)
		if fatal != nil {
			return // UTF-16, compressed or indented
		}
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
		rows := int64(0)
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			rows++
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			var object map[string]any
			sound := utf8.Valid(line) && json.Valid(line) && line[0] == '{'
			record, ok := good[rows]
			delete(good, rows)
			switch {
			case ok && !sound:
				t.Errorf("row %d is read from %q", rows, line)
			case ok:
				if err := json.Unmarshal(line, &object); err == nil && len(object) != len(record.Values) {
					t.Errorf("row %d has %d columns, want %d", rows, len(record.Values), len(object))
				}
			case bad[rows] == nil:
				t.Errorf("row %d is passed over: %q", rows, line)
			case sound && !refusable.Match(line):
				t.Errorf("row %d is refused: %v", rows, bad[rows])
			}
		}
		if len(good) > 0 {
			t.Errorf("rows out of nowhere: %v", good)
		}
	})
}

// An array is judged as encoding/json judges it as a whole.
func FuzzRecordsArray(f *testing.F) {
	for _, seed := range []string{`[]`, ` [{"a":1}, {"b":[{}]},3,"x",{"c":"\ud800"}] `, `[{"a":1}`, `[{}]]`, `[{"a":1}{}]`, "[\"\xff\"]", `[,]`, `[{},]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
		if len(text) == 0 || text[0] != '[' {
			return // not an array
		}
		good, bad, fatal := tally(t, put(t, t.TempDir(), "in.json", data))
		var elements []json.RawMessage
		if err := json.Unmarshal(text, &elements); (err == nil) != (fatal == nil) {
			t.Errorf("the whole gives %v, its elements %v", err, fatal)
		} else if err == nil && len(good)+len(bad) != len(elements) {
			t.Errorf("%d elements and %d bad ones, want %d", len(good), len(bad), len(elements))
		}
	})
}

// Corrupt Parquet gives an error, never a panic.
func FuzzRecordsParquet(f *testing.F) {
	dir := f.TempDir()
	half, yes := 0.5, true
	writeAll(f, dir, "parquet", 0, []Problem{{ProblemID: "1", Domain: []string{"a", "b"}, SolveRate: &half}, {}})
	writeAll(f, dir+"/votes", "parquet", 0, []votes{{Votes: []AnnotatorVote{{Correct: &yes}, {}}}, {}})
	for _, path := range []string{
		dir + "/part-00000.parquet",
		dir + "/votes/part-00000.parquet",
		writeLayout(f, parquet.Optional(listNode(parquet.Group{"list": parquet.Repeated(parquet.Group{"item": parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))})})),
			[]levels{{{at("a", 0, 3), at(nil, 1, 2), at("a", 1, 3)}}, {{at(nil, 0, 0)}}}),
		writeLayout(f, parquet.Decimal(2, 9, parquet.FixedLenByteArrayType(4)), []levels{{{parquet.FixedLenByteArrayValue([]byte{0, 1, 2, 3})}}}, parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1)),
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tally(t, put(t, t.TempDir(), "in.parquet", data))
	})
}
