package rows

import (
	"errors"
	"iter"
	"path/filepath"
)

// indexed is one row as a file's reader gives it. Numbers of JSON files are
// still json.Number.
type indexed struct {
	row    int64
	values map[string]any
}

// scan returns the rows of one file.
func scan(path string) iter.Seq2[indexed, error] {
	f, ok := formatOf(path)
	switch {
	case ok && f.enc == encParquet:
		return scanParquet(path)
	case ok:
		return scanJSON(path, f, maxLine)
	}
	return func(yield func(indexed, error) bool) {
		_, err := Parts(path) // says what is wrong with it
		yield(indexed{}, err)
	}
}

// Records reads foreign input: a file, or a directory of parts in name order
// (see [Parts]). Files are Parquet, JSON lines, or JSON: an array of objects or,
// if it does not begin with '[', JSON lines.
//
// A [*RowError] as error is one bad row: a JSON line that does not parse, is not
// an object or is longer than 64 MiB, text that is not UTF-8, a number out of
// range. Reading goes on after it. Any other error is fatal and the last thing
// yielded. What came before it is sound if the file is cut off, but not always if
// compressed JSON is damaged, whose checksum comes last. No row at all is not an
// error.
//
// JSON has one kind of number: one written without fraction and exponent comes
// as int64, any other as float64. Of a name that occurs twice in an object, the
// last value counts. Blank lines are passed over.
func Records(path string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		parts, err := Parts(path)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for _, part := range parts {
			input := filepath.Base(part)
			for r, err := range scan(part) {
				if err == nil {
					err = numbers(r.values)
					if err != nil {
						err = &RowError{Row: r.row, Err: err}
					}
				}
				if bad, ok := errors.AsType[*RowError](err); ok {
					bad.Input = input
					if !yield(Record{Input: input, Row: bad.Row}, bad) {
						return
					}
					continue
				}
				if err != nil {
					yield(Record{Input: input}, err)
					return
				}
				if !yield(Record{Input: input, Row: r.row, Values: r.values}, nil) {
					return
				}
			}
		}
	}
}
