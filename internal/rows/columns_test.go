package rows

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"go.uber.org/goleak"
)

// someColumns has some columns of an Annotation, in another order, and votes of some
// members.
type someColumns struct {
	Simulated bool       `parquet:"simulated" json:"simulated"`
	Votes     []someVote `parquet:"votes,list" json:"votes"`
	Label     *bool      `parquet:"label,optional" json:"label"`
	Domain    []string   `parquet:"domain,list" json:"domain"`
	Question  string     `parquet:"question" json:"question"`
}

type someVote struct {
	Correct *bool  `parquet:"correct,optional" json:"correct"`
	Model   string `parquet:"model" json:"model"`
}

func TestReadColumns(t *testing.T) {
	full := annotations(2000)
	full[7].Votes, full[8].Domain, full[9].Simulated = nil, nil, true
	full[10].Votes = slices.Repeat(full[10].Votes, 700)
	var want []someColumns
	for _, a := range full {
		b := someColumns{Simulated: a.Simulated, Label: a.Label, Domain: a.Domain, Question: a.Question}
		for _, v := range a.Votes {
			b.Votes = append(b.Votes, someVote{v.Correct, v.Model})
		}
		want = append(want, b)
	}
	for _, ext := range ownFormats {
		dir := t.TempDir()
		writeAll(t, dir, ext, 900, full)
		var got []someColumns
		for b, err := range ReadColumns[someColumns](dir) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b)
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: %s", ext, cmp.Diff(want, got))
		}
	}
}

// Columns that are wanted are wanted as strictly as by Read.
func TestReadColumnsIsStrict(t *testing.T) {
	first := func(path string) string { return firstError(ReadColumns[someColumns](path), path) }
	other := func(path string) string { return firstError(ReadColumns[otherVotes](path), path) }
	nothing := func(path string) string { return firstError(ReadColumns[struct{}](path), path) }
	for _, test := range []struct {
		read           func(path string) string
		write          func(dir, ext string)
		parquet, jsonl string
	}{
		{first, func(dir, ext string) { writeAll(t, dir, ext, 0, []votes{{}}) },
			`reading PATH: it has no column "simulated" (bool); its columns are votes`, `reading PATH: row 1: column "simulated": missing, wanted bool`},
		{other, func(dir, ext string) { writeAll(t, dir, ext, 0, []votes{{Votes: make([]AnnotatorVote, 1)}}) },
			`reading PATH: its column "votes.correct" is bool, wanted string`, `reading PATH: row 1: column "votes[0].correct": null, wanted string`},
		{nothing, func(dir, ext string) { writeAll(t, dir, ext, 0, []votes{{}}) }, `struct {} has no field to read`, `struct {} has no field to read`},
	} {
		for _, ext := range []string{"parquet", "jsonl"} {
			dir := t.TempDir()
			test.write(dir, ext)
			want := test.parquet
			if ext == "jsonl" {
				want = test.jsonl
			}
			if got := test.read(filepath.Join(dir, "part-00000."+ext)); got != want {
				t.Errorf("%s:\n got %s\nwant %s", ext, got, want)
			}
		}
	}
}

func firstError[T any](rows func(func(T, error) bool), path string) (message string) {
	for _, err := range rows {
		if err != nil {
			message = strings.ReplaceAll(err.Error(), fmt.Sprintf("%q", path), "PATH")
		}
	}
	return message
}

// deep is a type as no file of the project has it, with every way to nest.
type deep struct {
	Groups []*struct {
		Names *[]*string `parquet:"names"`
		Sizes [][]int64  `parquet:"sizes"`
	} `parquet:"groups"`
	One *struct {
		Rate *float64 `parquet:"rate"`
		N    *int32   `parquet:"n"`
		Yes  bool     `parquet:"yes"`
	} `parquet:"one"`
}

func optionalList(element parquet.Node) parquet.Node {
	return parquet.Optional(listNode(parquet.Group{"list": parquet.Repeated(parquet.Group{"element": element})}))
}

// deepFile writes rows of deep as pyarrow would, each row after a pattern of its
// own, and gives the path.
func deepFile(t testing.TB, rows int, options ...parquet.WriterOption) string {
	optional := parquet.Optional
	text := optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
	node := parquet.Group{
		"groups": optionalList(optional(parquet.Group{"names": optionalList(text), "sizes": optionalList(optionalList(parquet.Leaf(parquet.Int64Type)))})),
		"one": optional(parquet.Group{"rate": optional(parquet.Leaf(parquet.DoubleType)), "n": optional(parquet.Encoded(parquet.Leaf(parquet.Int32Type), &parquet.RLEDictionary)),
			"yes": parquet.Leaf(parquet.BooleanType)}),
	}
	path := filepath.Join(t.TempDir(), "in.parquet")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := parquet.NewWriter(file, append(options, parquet.NewSchema("schema", node))...)
	for i := range rows {
		names := []parquet.Value{at(nil, 0, i%3)}
		sizes := []parquet.Value{at(nil, 0, i%3)}
		if i%4 > 1 {
			names = []parquet.Value{at(nil, 0, 3), at(nil, 1, 2), at("n"+fmt.Sprint(i%17), 1, 6), at(nil, 2, 5), at("", 2, 6), at(nil, 1, 4)}
			sizes = []parquet.Value{at(int64(i), 0, 7), at(int64(-i), 3, 7), at(nil, 2, 5), at(nil, 1, 2), at(nil, 1, 4), at(nil, 1, 3)}
		}
		one := [][]parquet.Value{{at(int32(i%5), 0, 2)}, {at(float64(i)/8, 0, 2)}, {at(i%2 == 0, 0, 1)}}
		if i%5 == 0 {
			one = [][]parquet.Value{{at(nil, 0, 1)}, {at(nil, 0, 1)}, {at(true, 0, 1)}}
		} else if i%7 == 0 {
			one = [][]parquet.Value{{at(nil, 0, 0)}, {at(nil, 0, 0)}, {at(nil, 0, 0)}}
		}
		var row parquet.Row
		for column, values := range append([][]parquet.Value{names, sizes}, one...) {
			for _, v := range values {
				row = append(row, v.Level(v.RepetitionLevel(), v.DefinitionLevel(), column))
			}
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// readByRecords reads as Records does and assigns the values by name: slowly, and
// another way than Read.
func readByRecords[T any](t testing.TB, path string) (all []T, err error) {
	row, err := shapeOf(reflect.TypeFor[T](), "parquet", false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := openParquet(path)
	if err != nil {
		return nil, err
	}
	p.file.Close()
	if err := row.check(p.columns); err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	for r, err := range scan(path) {
		var value T
		if err == nil {
			err = row.assign(reflect.ValueOf(&value).Elem(), r.values)
		}
		if err != nil {
			return all, err
		}
		all = append(all, value)
	}
	return all, nil
}

func TestReadOfDeepColumns(t *testing.T) {
	for name, options := range map[string][]parquet.WriterOption{
		"default":        nil,
		"version 1":      {parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy)},
		"small pages":    {parquet.PageBufferSize(64)},
		"many groups":    {parquet.MaxRowsPerRowGroup(701)},
		"small v1 pages": {parquet.DataPageVersion(1), parquet.PageBufferSize(64), parquet.MaxRowsPerRowGroup(513)},
	} {
		path := deepFile(t, 2000, options...)
		want, err := readByRecords[deep](t, path)
		if err != nil || len(want) != 2000 {
			t.Fatal(len(want), err)
		}
		if got := readAll[deep](t, path); !reflect.DeepEqual(want, got) {
			t.Errorf("%s: %s", name, cmp.Diff(want, got))
		}
	}
}

// Corrupt files give the rows that a slower reader gives, or an error.
func FuzzReadParquet(f *testing.F) {
	dir := f.TempDir()
	writeAll(f, dir, "parquet", 0, annotations(5))
	for _, path := range []string{dir + "/part-00000.parquet", deepFile(f, 12), deepFile(f, 12, parquet.DataPageVersion(1), parquet.PageBufferSize(16))} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := put(t, t.TempDir(), "in.parquet", data)
		compareReaders[Annotation](t, path)
		compareReaders[deep](t, path)
	})
}

func compareReaders[T any](t *testing.T, path string) {
	want, wantErr := readByRecords[T](t, path)
	var got []T
	var gotErr error
	for row, err := range Read[T](path) {
		if gotErr = err; err == nil {
			got = append(got, row)
		}
	}
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("the error is %v, of the slower reader %v", gotErr, wantErr)
	}
	if gotErr == nil && len(got) != len(want) {
		t.Fatalf("%d rows, of the slower reader %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("row %d: %s", i+1, diff)
		}
	}
}

// What decodes ahead ends with the reading, however that ends.
func TestReadLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	writeAll(t, dir, "parquet", 2000, examples(5000))
	for _, stop := range []int{0, 1, 511, 512, 513, 2000, 2001, 4999} {
		n := 0
		for _, err := range Read[Example](dir) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n > stop {
				break
			}
		}
	}
	for range Read[Example](put(t, t.TempDir(), "in.parquet", []byte("PAR1 and not more"))) {
	}
	if err := func() (err any) {
		defer func() { err = recover() }()
		for range Read[Example](dir) {
			panic("of the caller")
		}
		return nil
	}(); err != "of the caller" {
		t.Errorf("a panic of the caller comes through as %v", err)
	}
}

// The goroutine that writes ends with the writer.
func TestWriterLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	rows := examples(3000)
	for _, ext := range ownFormats {
		for _, end := range []func(w *Writer[Example]) error{(*Writer[Example]).Close, (*Writer[Example]).Abort} {
			w, err := Create[Example](t.TempDir(), "part", ext, 1300)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				err = errors.Join(err, w.Write(row))
			}
			if err := errors.Join(err, end(w)); err != nil {
				t.Errorf("%s: %v", ext, err)
			}
		}
	}
}

// A row that is kept keeps little of what came with it.
func TestKeptRowsHoldLittle(t *testing.T) {
	const rows, every, most = 16_000, 400, 48 << 10
	dir := t.TempDir()
	writeAll(t, dir, "parquet", 0, annotations(rows))
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var kept []Annotation
	n := 0
	before := heap()
	for a, err := range Read[Annotation](dir) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%every == 0 {
			kept = append(kept, a)
		}
	}
	after := heap()
	if held := after - min(before, after); held > rows/every*most {
		t.Errorf("a kept row holds %d KB", held/(rows/every)>>10)
	}
	runtime.KeepAlive(kept)
}
