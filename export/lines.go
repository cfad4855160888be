package export

import (
	"path/filepath"

	"tinyv/internal/rows"
)

// lines is a target of JSON lines, with one file for each split. A file is begun
// with its first row: readers fail on an empty one.
type lines[T any] struct {
	job
	prefix   string // of the names of files and datasets; may be empty
	of       func(row) T
	describe func() dataset // how LLaMA-Factory is told of a file; nil if that is not its reader
	files    map[string]*rows.Writer[T]
}

// splitFiles are the files of a target of JSON lines.
func splitFiles(prefix string) []string {
	var names []string
	for _, split := range rows.Splits() {
		names = append(names, prefix+split+".jsonl")
	}
	return names
}

func (t *lines[T]) write(r row) error {
	file := t.files[r.Split]
	if file == nil {
		var err error
		file, err = rows.CreateFile[T](filepath.Join(t.dir, t.prefix+r.Split+".jsonl"))
		if err != nil {
			return err
		}
		if t.files == nil {
			t.files = map[string]*rows.Writer[T]{}
		}
		t.files[r.Split] = file
	}
	return file.Write(t.of(r))
}

func (t *lines[T]) finish() ([]string, error) {
	var names []string
	for _, split := range t.splits {
		file := t.files[split]
		if file == nil {
			continue
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
		name := t.prefix + split + ".jsonl"
		names = append(names, name)
		if t.describe != nil {
			d := t.describe()
			d.FileName = name
			t.datasets.add(DatasetName(t.Dataset, t.prefix+split), d)
		}
	}
	return names, nil
}

func (t *lines[T]) abort() {
	for _, file := range t.files {
		file.Abort()
	}
}
