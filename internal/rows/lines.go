package rows

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
)

// Line is one line of JSON lines as it stands, without its line break.
type Line struct {
	Row  int64 // 1-based
	Data []byte
}

// Lines returns the lines of a file of JSON lines (plain, .gz or .zst) that are
// not blank, unparsed. A line longer than 64 MiB is a [*RowError]; any other
// error is fatal and the last thing yielded.
func Lines(path string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		f, ok := formatOf(path)
		if !ok || f.enc == encParquet {
			yield(Line{}, fmt.Errorf("%q: wanted JSON lines (.jsonl, .jsonl.gz or .jsonl.zst)", path))
			return
		}
		t, err := openText(path, f)
		if err != nil {
			yield(Line{}, err)
			return
		}
		defer t.Close()
		t.lines(maxLine, yield)
	}
}

// LinesOf is Lines of an open stream of plain JSON lines; name stands for it in errors.
func LinesOf(name string, r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		t := &text{Reader: bufio.NewReaderSize(r, 256<<10), path: name}
		t.lines(maxLine, yield)
	}
}

func (t *text) lines(limit int, yield func(Line, error) bool) {
	var long []byte
	for row := int64(1); ; row++ {
		data, err := t.line(&long, limit)
		switch {
		case err == io.EOF:
			return
		case err == errTooLong:
			err = &RowError{Input: t.path, Row: row, Err: fmt.Errorf("the line is longer than %s", size(limit))}
		case err != nil:
			yield(Line{}, fmt.Errorf("after line %d: %w", row-1, t.failed(err)))
			return
		}
		data = bytes.TrimSpace(data)
		if err == nil && len(data) == 0 {
			continue
		}
		if !yield(Line{row, bytes.Clone(data)}, err) {
			return
		}
	}
}

// ParseObject reads one JSON object as [Records] reads a line: strictly, so that
// no text is changed by reading it.
func ParseObject(data []byte) (map[string]any, error) { return parseObject(data) }
