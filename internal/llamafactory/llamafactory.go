// Package llamafactory says what LLaMA-Factory would do with a dataset_dir, without
// running it.
//
// LLaMA-Factory drops rows that it cannot use and says so in a warning among many,
// or fails hours after the start at the one row that it cannot read. This package
// applies its loader's own rules: those of dataset_info.json, of the JSON reader
// beneath it, and of roles, types and empty values in every row, in the layouts
// sharegpt, openai and alpaca, for supervised training and for preferences.
//
// It promises: what the loaders of versions 0.9.2 and 0.9.5 drop or fail on is
// reported (testdata/check_loader.py runs the table in testdata/cases.json through
// those loaders themselves); memory does not grow with the rows.
package llamafactory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// InfoFile describes the datasets of a dataset_dir.
const InfoFile = "dataset_info.json"

// Effect is what LLaMA-Factory would do about a problem.
type Effect string

// The effects, the worst first.
const (
	Fails     Effect = "fails"     // the dataset does not load
	Drops     Effect = "drops"     // the row is left out, without a word in the totals
	Misreads  Effect = "misreads"  // the row trains, on something else than is meant
	Unchecked Effect = "unchecked" // this package cannot tell
)

// Problem is one thing that LLaMA-Factory would not take as it is meant.
type Problem struct {
	Dataset string `json:"dataset"` // its name in dataset_info.json
	File    string `json:"file"`    // relative to the directory
	Row     int64  `json:"row"`     // 1-based row, or line of JSON lines; 0 if it is about all of them
	Kind    string `json:"kind"`    // a stable code
	Effect  Effect `json:"effect"`
	Detail  string `json:"detail"` // what is wrong, and how to mend it
}

func (p Problem) String() string {
	where := p.File
	if p.Row > 0 {
		where = fmt.Sprintf("%s: row %d", p.File, p.Row)
	}
	return fmt.Sprintf("dataset %q: %s: %s (%s: %s)", p.Dataset, where, p.Detail, p.Kind, p.Effect.does())
}

func (e Effect) does() string {
	switch e {
	case Fails:
		return "LLaMA-Factory fails to load the dataset"
	case Drops:
		return "LLaMA-Factory leaves the row out"
	case Misreads:
		return "LLaMA-Factory trains on something else than is meant"
	}
	return "this is not checked"
}

// Dataset is one entry of dataset_info.json.
type Dataset struct {
	Name    string `json:"name"`
	File    string `json:"file"`    // file or directory, relative to the dataset_dir; empty if it is not a local one
	Ranking bool   `json:"ranking"` // for preferences
	Rows    int64  `json:"rows"`
	Kept    int64  `json:"kept"` // rows that train; 0 if it does not load
}

// Report is what was found in a dataset_dir.
type Report struct {
	Datasets []Dataset        `json:"datasets"` // in the order of the file
	Problems []Problem        `json:"problems"` // the first of each kind in each dataset
	Counts   map[string]int64 `json:"counts"`   // of all problems, by kind
}

// Text writes the report for a person.
func (r *Report) Text(w io.Writer) error {
	for _, p := range r.Problems {
		if _, err := fmt.Fprintln(w, p); err != nil {
			return err
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Counts)) {
		if _, err := fmt.Fprintf(w, "%8d  %s\n", r.Counts[kind], kind); err != nil {
			return err
		}
	}
	for _, d := range r.Datasets {
		if _, err := fmt.Fprintf(w, "%s: %d of %d rows train\n", d.Name, d.Kept, d.Rows); err != nil {
			return err
		}
	}
	return nil
}

// checker applies the rules to one dataset_dir.
type checker struct {
	dir     string
	version string
	most    int
	batch   int
	report  Report
	current Dataset
	kinds   map[string]int // problems of the current dataset by kind
	broken  bool           // the current dataset does not load
	reading string         // the file that rows are from; empty for what is about all of them
}

// Validate checks every dataset of a dataset_dir as the given version of
// LLaMA-Factory would load it; version "" is the newest that is known. Of each kind
// of problem the first most of a dataset are listed; all are counted. The error is
// one of reading, not of content: then nothing is known.
func Validate(ctx context.Context, dir, version string, most int) (*Report, error) {
	return validate(ctx, dir, version, most, batch)
}

// validate is Validate of a reader that settles the types by so many bytes.
func validate(ctx context.Context, dir, version string, most, batch int) (*Report, error) {
	path := filepath.Join(dir, InfoFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: name the directory of an export, or any dataset_dir of LLaMA-Factory (%w)", dir, InfoFile, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the datasets of LLaMA-Factory: %w", err)
	}
	c := &checker{dir: dir, version: version, most: most, batch: batch, report: Report{Counts: map[string]int64{}}}
	entries, err := parseInfo(data)
	if err != nil {
		c.begin("", InfoFile)
		c.problem(0, "info_broken", Fails, "it is not an object of datasets by name, which LLaMA-Factory needs: %v", err)
		return &c.report, nil
	}
	for _, e := range entries {
		if err := c.dataset(ctx, e); err != nil {
			return nil, err
		}
	}
	return &c.report, nil
}

func (c *checker) begin(name, file string) {
	c.current = Dataset{Name: name, File: file}
	c.kinds = map[string]int{}
	c.broken = false
}

// problem counts a problem of the current dataset and lists it if there is room.
func (c *checker) problem(row int64, kind string, effect Effect, format string, args ...any) {
	c.broken = c.broken || effect == Fails
	c.report.Counts[kind]++
	if c.kinds[kind]++; c.kinds[kind] > c.most {
		return
	}
	c.report.Problems = append(c.report.Problems, Problem{
		Dataset: c.current.Name, File: cmp.Or(c.reading, c.current.File), Row: row, Kind: kind, Effect: effect, Detail: fmt.Sprintf(format, args...),
	})
}

func (c *checker) dataset(ctx context.Context, e entry) error {
	c.begin(e.name, InfoFile)
	defer func() {
		if c.broken {
			c.current.Kept = 0
		}
		c.report.Datasets = append(c.report.Datasets, c.current)
	}()
	if e.again {
		c.problem(0, "dataset_twice", Misreads, "the name stands twice, and only the last is read; rename one")
		return nil
	}
	a, ok := c.attributes(e)
	if !ok {
		c.current.File = ""
		return nil
	}
	files, ok := c.files(a)
	c.current.File, c.current.Ranking = a.file, a.ranking
	if !ok {
		return nil
	}
	l := &layout{checker: c, a: a}
	for _, file := range files {
		c.reading = file
		if err := l.read(ctx, file); err != nil {
			return err
		}
	}
	c.reading = ""
	l.finish()
	return nil
}

// types are the extensions that LLaMA-Factory reads, by the type of their reader.
var types = map[string]string{".arrow": "arrow", ".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet", ".txt": "text"}

// files lists the files of a dataset, relative to the directory.
func (c *checker) files(a attributes) ([]string, bool) {
	info, err := os.Stat(filepath.Join(c.dir, a.file))
	if err != nil {
		c.problem(0, "no_file", Fails, "%q is not there: %v", a.file, err)
		return nil, false
	}
	files := []string{a.file}
	if info.IsDir() {
		entries, err := os.ReadDir(filepath.Join(c.dir, a.file))
		if err != nil || len(entries) == 0 {
			c.problem(0, "no_file", Fails, "the directory %q has no file in it (%v)", a.file, err)
			return nil, false
		}
		files = nil
		for _, e := range entries {
			files = append(files, filepath.Join(a.file, e.Name()))
		}
	}
	first := types[filepath.Ext(files[0])]
	for _, file := range files {
		switch t := types[filepath.Ext(file)]; {
		case t == "":
			c.problem(0, "file_type", Fails, "%q has none of the extensions that LLaMA-Factory reads: arrow, csv, json, jsonl, parquet, txt (a compressed file has none of them; unpack it)", file)
			return nil, false
		case t != first:
			c.problem(0, "file_type", Fails, "%q and %q are of two types; a directory must have one", files[0], file)
			return nil, false
		}
	}
	if first != "json" && first != "parquet" {
		c.problem(0, "not_checked", Unchecked, "files of type %s are not checked; JSON lines and Parquet are", first)
		return nil, false
	}
	return files, true
}

// atLeast says whether the version is the given one of 0.9 or newer.
func (c *checker) atLeast(patch int) bool {
	rest, ok := strings.CutPrefix(c.version, "0.9.")
	if !ok {
		return true
	}
	var n int
	if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
		return true
	}
	return n >= patch
}
