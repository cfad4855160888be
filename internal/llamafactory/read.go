package llamafactory

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tinyv/internal/rows"
)

// layout checks the rows of one dataset.
type layout struct {
	*checker
	a       attributes
	shape   shape // of all rows
	bytes   int   // of the lines read, about
	settled bool  // the rows by which the reader settles the types have passed
	dropped int64
	system  systems
}

// batch is how much of a file the reader looks at before it settles the types.
const batch = 10 << 20

// systems counts the rows that state a system message and those that do not.
type systems struct {
	with, without int64
	firstOther    int64 // the first row that is not as the first row of all
}

// read checks the rows of one file, after those of the files before it.
func (l *layout) read(ctx context.Context, name string) error {
	l.settled = l.current.Rows > 0
	path := filepath.Join(l.dir, name)
	if filepath.Ext(name) == ".parquet" {
		return l.records(ctx, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading a dataset of LLaMA-Factory: %w", err)
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 256<<10)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		in.Discard(3)
	}
	if head, _ := in.Peek(512); bytes.HasPrefix(bytes.TrimSpace(head), []byte("[")) {
		if filepath.Ext(name) == ".json" {
			return l.records(ctx, path)
		}
		l.problem(0, "not_checked", Unchecked, "%s holds one JSON array and not JSON lines; name it .json and it is checked", name)
		return nil
	}
	for line, err := range rows.LinesOf(path, in) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if bad, ok := errors.AsType[*rows.RowError](err); ok {
			l.problem(bad.Row, "not_checked", Unchecked, "%v", bad.Err)
			continue
		}
		if err != nil {
			return err
		}
		l.current.Rows++
		l.line(line)
		l.bytes += len(line.Data) + 1
		l.settled = l.settled || l.bytes >= l.batch
	}
	return nil
}

func (l *layout) line(line rows.Line) {
	if string(line.Data) == "null" { // to the reader a row in which every column is null
		l.row(line.Row, nil)
		return
	}
	values, err := rows.ParseObject(line.Data)
	if err != nil {
		l.problem(line.Row, "json", Fails, "not one JSON object on a line: %v", err)
		return
	}
	if key := twice(line.Data); key != "" {
		l.problem(line.Row, "key_twice", Fails, "the key %s stands twice in one object; leave one", quoted(key))
		return
	}
	l.row(line.Row, values)
}

// records checks the rows of a Parquet file, or of a JSON array.
func (l *layout) records(ctx context.Context, path string) error {
	for r, err := range rows.Records(path) {
		if err := ctx.Err(); err != nil {
			return err
		}
		bad, isRow := errors.AsType[*rows.RowError](err)
		if err != nil && !isRow {
			l.problem(0, "file_broken", Fails, "%v", err)
			return nil
		}
		l.current.Rows++
		if isRow {
			l.problem(bad.Row, "json", Fails, "not a JSON object: %v", bad.Err)
			continue
		}
		l.row(r.Row, r.Values)
	}
	return nil
}

// row applies the rules to one row.
func (l *layout) row(number int64, values map[string]any) {
	if c := l.shape.take(values, l.settled); c != nil {
		if c.was == unseen || c.was == allNull || c.was == allDates {
			l.problem(number, "type_late", Fails, "%s is %s here and %s in the first %d MiB (or the first file), by which the reader settles the columns; state it in every row, from the first on", c.path, c.is, c.was, batch>>20)
			return
		}
		l.problem(number, "type_changes", Fails, "%s is %s here and %s before; a column has one type in all rows, null aside", c.path, c.is, c.was)
		return
	}
	if l.a.formatting == "alpaca" {
		l.instruction(number, values)
	} else {
		l.conversation(number, values)
	}
}

// drop counts a row that is left out.
func (l *layout) drop(number int64, kind, format string, args ...any) {
	l.dropped++
	l.problem(number, kind, Drops, format, args...)
}

// states counts whether a kept row has a system message.
func (l *layout) states(number int64, system bool) {
	first := l.system.with+l.system.without == 0
	if system {
		l.system.with++
	} else {
		l.system.without++
	}
	if !first && l.system.firstOther == 0 && l.system.with > 0 && l.system.without > 0 {
		l.system.firstOther = number
	}
}

// finish applies the rules about all rows.
func (l *layout) finish() {
	if l.current.Rows == 0 {
		if l.kinds["not_checked"] > 0 {
			return
		}
		l.problem(0, "no_rows", Fails, "it has no row; leave the dataset out of %s", InfoFile)
		return
	}
	for _, key := range l.a.read() {
		name := l.a.columns[key]
		if name == "" {
			continue
		}
		if _, ok := l.shape.fields[name]; !ok {
			l.problem(0, "no_column", Fails, "columns.%s is %q, and no row has that column; name the one that is meant, or leave columns.%s out", key, name, key)
		}
	}
	for _, text := range l.texts() {
		if s := l.shape.at(text...); s != nil && s.stamps > 0 && s.stamps == s.values {
			l.problem(0, "timestamps", Fails, "every text of %q is a date, and the JSON reader makes times of them, which are no texts", text)
		}
	}
	if messages := l.shape.at(l.a.columns["messages"], each); messages != nil && l.a.formatting != "alpaca" {
		for _, key := range []string{"role_tag", "content_tag"} {
			if _, ok := messages.fields[l.a.tags[key]]; !ok {
				l.problem(0, "no_key", Fails, "tags.%s is %q, and no message has that key", key, l.a.tags[key])
			}
		}
	}
	if l.dropped == l.current.Rows {
		l.problem(0, "all_dropped", Fails, "all of its %d rows are dropped, which ends the training", l.dropped)
	}
	if l.system.with > 0 && l.system.without > 0 {
		l.problem(l.system.firstOther, "mixed_system", Misreads, "%d rows state a system message and %d do not, where the template's own is put in; state it in every row or in none", l.system.with, l.system.without)
	}
	l.current.Kept = l.current.Rows - l.dropped
}

// texts are the paths of the texts that rows train on.
func (l *layout) texts() [][]string {
	if l.a.formatting == "alpaca" {
		var all [][]string
		for _, key := range []string{"prompt", "query", "response", "system", "chosen", "rejected"} {
			if name := l.a.columns[key]; name != "" {
				all = append(all, []string{name})
			}
		}
		return all
	}
	content := l.a.tags["content_tag"]
	all := [][]string{{l.a.columns["messages"], each, content}}
	for _, key := range []string{"chosen", "rejected"} {
		if name := l.a.columns[key]; name != "" {
			all = append(all, []string{name, content})
		}
	}
	return all
}
