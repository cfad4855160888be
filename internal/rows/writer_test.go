package rows

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestWriterParts(t *testing.T) {
	for _, ext := range ownFormats {
		for n, want := range map[int]int{0: 1, 1: 1, 9: 1, 10: 1, 11: 2, 20: 2, 21: 3} {
			dir := filepath.Join(t.TempDir(), "made", "by Create")
			rows := make([]Rejected, n)
			for i := range rows {
				rows[i].Row = int64(i)
			}
			files := writeAll(t, dir, ext, 10, rows)
			if len(files) != want || !slices.Equal(files, names(t, dir)) {
				t.Errorf("%s: %d rows give the parts %q, the directory has %q; want %d", ext, n, files, names(t, dir), want)
			}
			if got := readAll[Rejected](t, dir); !slices.Equal(got, rows) {
				t.Errorf("%s: %d rows come back as %v", ext, n, got)
			}
		}
	}
}

func TestEmptySetHasItsSchema(t *testing.T) {
	dir := t.TempDir()
	writeAll(t, dir, "parquet", 0, []Rejected(nil))
	if got := readError[Problem](t, dir); !strings.Contains(got, `no column "problem_id"`) {
		t.Errorf("an empty file of other rows: %s", got)
	}
	if got := outline(dir); got != nil {
		t.Errorf("it has rows: %q", got)
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, ext := range []string{"", "json", "json.gz", "csv", ".jsonl", "JSONL", "x.jsonl", "parquet.gz"} {
		if w, err := Create[Rejected](t.TempDir(), "part", ext, 0); err == nil {
			w.Abort()
			t.Errorf("Create takes the extension %q", ext)
		}
	}
	if _, err := Create[Rejected](t.TempDir(), "part", "jsonl", -1); err == nil {
		t.Error("Create takes -1 rows a part")
	}
	if _, err := Create[struct{ C chan int }](t.TempDir(), "part", "parquet", 0); err == nil {
		t.Error("Create takes rows of channels")
	}
	file := put(t, t.TempDir(), "file", nil)
	if _, err := Create[Rejected](filepath.Join(file, "dir"), "part", "jsonl", 0); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a directory in a file: %v", err)
	}
}

func TestAbort(t *testing.T) {
	for _, ext := range ownFormats {
		dir := t.TempDir()
		w, err := Create[Rejected](dir, "part", ext, 2)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := w.Write(Rejected{}); err != nil {
				t.Fatal(err)
			}
		}
		if got := names(t, dir); len(got) != 2 || got[1] != "part-00001."+ext+".tmp" {
			t.Errorf("%s: while writing, the directory has %q", ext, got)
		}
		if parts, err := Parts(dir); err != nil || len(parts) != 1 {
			t.Errorf("%s: while writing, the parts are %q, %v", ext, parts, err)
		}
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"part-00000." + ext}) || !slices.Equal(got, w.Files()) {
			t.Errorf("%s: after Abort, the directory has %q and Files is %q", ext, got, w.Files())
		}
		if err := errors.Join(w.Abort(), w.Close(), w.Abort()); err != nil {
			t.Errorf("%s: ending it again: %v", ext, err)
		}
		if err := w.Write(Rejected{}); err == nil {
			t.Errorf("%s: Write after Abort does nothing and says nothing", ext)
		}
		if got := len(readAll[Rejected](t, dir)); got != 2 {
			t.Errorf("%s: %d rows are left, want 2", ext, got)
		}
	}
}

func TestCloseTwice(t *testing.T) {
	dir := t.TempDir()
	w, err := Create[Rejected](dir, "part", "jsonl", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(Rejected{}), w.Close(), w.Close(), w.Abort()); err != nil {
		t.Error(err)
	}
	if err := w.Write(Rejected{}); err == nil {
		t.Error("Write after Close does nothing and says nothing")
	}
	if got := names(t, dir); !slices.Equal(got, []string{"part-00000.jsonl"}) {
		t.Errorf("the directory has %q", got)
	}
}

// A second, shorter run into the same directory leaves no row of the first, and
// nothing else is touched.
func TestLeftOverParts(t *testing.T) {
	dir := t.TempDir()
	others := []string{"manifest.json", "other-00009.jsonl.md", "part-7.jsonl.bak", "part-x.md", "part-00009.jsonl.zst.md"}
	for _, name := range others {
		put(t, dir, name, []byte("keep"))
	}
	put(t, dir, "part-00005.jsonl.tmp", []byte("of a killed run"))
	writeAll(t, dir, "jsonl", 1, []Rejected{{Row: 1}, {Row: 2}, {Row: 3}})
	w, err := Create[Rejected](dir, "part", "jsonl", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(Rejected{Row: 4}); err != nil {
		t.Fatal(err)
	}
	if got := len(readAll[Rejected](t, dir)); got != 3 {
		t.Errorf("before Close, %d rows of the first run are left, want 3", got)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := append([]string{"part-00000.jsonl"}, others...)
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
	if got := readAll[Rejected](t, dir); !slices.Equal(got, []Rejected{{Row: 4}}) {
		t.Errorf("the rows are %v", got)
	}
}

func TestWriteErrorIsKept(t *testing.T) {
	nan := math.NaN()
	dir := t.TempDir()
	w, err := Create[Problem](dir, "part", "jsonl", 0)
	if err != nil {
		t.Fatal(err)
	}
	first := w.Write(Problem{SolveRate: &nan})
	if first == nil || !strings.Contains(first.Error(), "part-00000.jsonl") {
		t.Errorf("writing a NaN to JSON: %v", first)
	}
	if again := w.Write(Problem{}); again != first {
		t.Errorf("the next Write gives %v", again)
	}
	if err := w.Close(); !errors.Is(err, first) {
		t.Errorf("Close gives %v", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the directory has %q", got)
	}
}

// The directory goes away while a part is in writing.
func TestDirectoryRemoved(t *testing.T) {
	for _, ext := range ownFormats {
		dir := filepath.Join(t.TempDir(), "out")
		w, err := Create[Rejected](dir, "part", ext, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(Rejected{}); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		err = w.Close()
		if err == nil || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "part-00000."+ext) {
			t.Errorf("%s: Close gives %v", ext, err)
		}
		if len(w.Files()) != 0 {
			t.Errorf("%s: Files has %q", ext, w.Files())
		}
	}
}

// A single file promises what a set does, and touches nothing beside it.
func TestCreateFile(t *testing.T) {
	for _, ext := range ownFormats {
		dir := t.TempDir()
		path := filepath.Join(dir, "rejected."+ext)
		beside := put(t, dir, "rejected-00009."+ext+".md", nil)
		for _, rows := range [][]Rejected{{{Row: 1}, {Row: 2}}, nil} {
			w, err := CreateFile[Rejected](path)
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
			if got := readAll[Rejected](t, path); !slices.Equal(got, rows) || !slices.Equal(w.Files(), []string{"rejected." + ext}) {
				t.Errorf("%s: the rows are %v, Files is %q", ext, got, w.Files())
			}
		}
		w, err := CreateFile[Rejected](path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(Rejected{Row: 3}), w.Abort()); err != nil {
			t.Fatal(err)
		}
		if got := readAll[Rejected](t, path); len(got) != 0 {
			t.Errorf("%s: after Abort the file has %v", ext, got)
		}
		if got := names(t, dir); !slices.Equal(got, []string{filepath.Base(beside), filepath.Base(path)}) && !slices.Equal(got, []string{filepath.Base(path), filepath.Base(beside)}) {
			t.Errorf("%s: the directory has %q", ext, got)
		}
	}
	for _, name := range []string{"x", "x.json", "x.csv", "gone/x.jsonl"} {
		if w, err := CreateFile[Rejected](filepath.Join(t.TempDir(), name)); err == nil {
			w.Abort()
			t.Errorf("CreateFile takes %q", name)
		}
	}
}

// Row groups are bounded by their text too: replies may have 5 MB.
func TestRowGroupsOfLargeReplies(t *testing.T) {
	dir := t.TempDir()
	large := strings.Repeat("so 1 + 1 = 2. ", 5<<20/14)
	rows := make([]Response, 12)
	for i := range rows {
		rows[i] = Response{ProblemID: fmt.Sprint(i), Response: large[i:]}
	}
	writeAll(t, dir, "parquet", 0, rows)
	p, err := openParquet(filepath.Join(dir, "part-00000.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.file.Close()
	if got := len(p.parquet.RowGroups()); got != 2 {
		t.Errorf("60 MB of text are in %d row groups, want 2", got)
	}
	// Nor does the footer repeat replies, as smallest and largest values.
	if size := p.parquet.Size(); size > 1<<20 {
		t.Errorf("the file has %d bytes", size)
	}
	i := 0
	for r, err := range Read[Response](dir) {
		if err != nil {
			t.Fatal(err)
		}
		if r.ProblemID != rows[i].ProblemID || r.Response != rows[i].Response {
			t.Errorf("reply %d came back different", i)
		}
		i++
	}
	if i != len(rows) {
		t.Errorf("%d rows came back, want %d", i, len(rows))
	}
}

func TestShards(t *testing.T) {
	dir := t.TempDir()
	w, err := Create[Rejected](dir, "train", "parquet", 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(5) {
		if err := w.Write(Rejected{Row: i}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // closing again does nothing
		if err := w.CloseShards(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"train-00000-of-00003.parquet", "train-00001-of-00003.parquet", "train-00002-of-00003.parquet"}
	if !slices.Equal(w.Files(), want) || !slices.Equal(names(t, dir), want) {
		t.Errorf("shards %q, the directory has %q", w.Files(), names(t, dir))
	}
	if got := readAll[Rejected](t, dir); len(got) != 5 || got[4].Row != 4 {
		t.Errorf("the shards have %v", got)
	}
}
