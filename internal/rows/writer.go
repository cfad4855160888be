package rows

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tinyv/internal/durable"
)

const defaultRowsPerPart = 1_000_000

// Writer writes rows of a struct type as the parts of one set:
// stem-00000.ext, stem-00001.ext and so on, each at most rowsPerPart rows. A part
// is written beside its name with .tmp added, flushed to disk and renamed when
// it is whole, so that a part under its own name is always sound. A set without
// rows is one part without rows.
//
// Rows are compressed and written by a goroutine that ends with Close or Abort,
// one of which must be called, so an error may be told by a later Write than that
// of its row, or by Close. What a row points to must not change once it is
// written.
//
// Callers give valid UTF-8 (see [strings.ToValidUTF8]): Parquet keeps other bytes as they
// are and [Read] then refuses the file, JSON turns them into U+FFFD.
//
// After an error of Write the writer is broken and repeats the error; Close then
// removes the unfinished part.
type Writer[T any] struct {
	dir, stem   string
	single      string // name of the only file; empty for a set of parts
	format      format
	rowsPerPart int64

	part  *part[T] // being written, or nil
	files []string
	rows  int64
	err   error // what broke the writer, or errClosed
}

var errClosed = errors.New("the writer is closed")

// Create begins a set of parts in a directory, which it makes if need be. ext is
// "parquet", "jsonl", "jsonl.gz" or "jsonl.zst"; rowsPerPart 0 means 1,000,000.
// Parts of an earlier run stay until one of the same name replaces them;
// Close removes those that are left over.
func Create[T any](dir, stem, ext string, rowsPerPart int64) (*Writer[T], error) {
	f, ok := formatOf("." + ext)
	if !ok || f.enc == encJSON || f.ext != ext {
		return nil, fmt.Errorf("cannot write %q files; use parquet, jsonl, jsonl.gz or jsonl.zst", ext)
	}
	if rowsPerPart < 0 {
		return nil, fmt.Errorf("cannot write parts of %d rows", rowsPerPart)
	}
	if rowsPerPart == 0 {
		rowsPerPart = defaultRowsPerPart
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("making directory %q: %w", dir, durable.Cause(err))
	}
	w := &Writer[T]{dir: dir, stem: stem, format: f, rowsPerPart: rowsPerPart}
	if err := w.begin(); err != nil { // now, so that a directory that takes no files is known before the work
		return nil, err
	}
	return w, nil
}

// CreateFile begins one file of the given path, whose extension says its format.
// It promises what a set of parts does: the file appears when it is whole.
func CreateFile[T any](path string) (*Writer[T], error) {
	f, ok := formatOf(path)
	if !ok || f.enc == encJSON {
		return nil, fmt.Errorf("cannot write %q; its name must end in .parquet, .jsonl, .jsonl.gz or .jsonl.zst", path)
	}
	w := &Writer[T]{dir: filepath.Dir(path), single: filepath.Base(path), format: f, rowsPerPart: math.MaxInt64}
	if err := w.begin(); err != nil {
		return nil, err
	}
	return w, nil
}

// Rows returns how many rows were written.
func (w *Writer[T]) Rows() int64 { return w.rows }

// Files returns the base names of the parts that are whole, in order.
func (w *Writer[T]) Files() []string { return slices.Clone(w.files) }

func (w *Writer[T]) name(number int) string {
	if w.single != "" {
		return w.single
	}
	return fmt.Sprintf("%s-%05d.%s", w.stem, number, w.format.ext)
}

func (w *Writer[T]) begin() error {
	p, err := newPart[T](filepath.Join(w.dir, w.name(len(w.files))), w.format)
	if err != nil {
		return err
	}
	w.part = p
	return nil
}

// Write adds a row.
func (w *Writer[T]) Write(row T) error {
	if w.err != nil {
		return w.err
	}
	if err := w.write(row); err != nil {
		w.err = err
		return err
	}
	w.rows++
	return nil
}

func (w *Writer[T]) write(row T) error {
	if w.part != nil && w.part.rows >= w.rowsPerPart {
		if err := w.finish(); err != nil {
			return err
		}
	}
	if w.part == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	return w.part.write(&row)
}

func (w *Writer[T]) finish() error {
	p := w.part
	w.part = nil
	if err := p.finish(); err != nil {
		return err
	}
	w.files = append(w.files, filepath.Base(p.path))
	return nil
}

// Close makes the last part whole and removes parts with the same stem and
// extension and a higher number, which an earlier run left. After an error of
// Write it removes the unfinished part and returns that error. Closing again
// does nothing.
func (w *Writer[T]) Close() error {
	if w.err == errClosed {
		return nil
	}
	if broken := w.err; broken != nil {
		return errors.Join(broken, w.Abort())
	}
	w.err = errClosed
	if err := w.finish(); err != nil || w.single != "" {
		return err
	}
	return w.removeLeftOver()
}

// CloseShards is Close, after which the parts have the names that Hugging Face
// gives the shards of a split: stem-00000-of-00002.ext and so on. Until then they
// have the names of parts. Shards of an earlier run are not its matter: the caller
// begins with a directory that has none.
func (w *Writer[T]) CloseShards() error {
	if w.err == errClosed {
		return nil
	}
	if err := w.Close(); err != nil {
		return err
	}
	for i, name := range w.files {
		shard := fmt.Sprintf("%s-%05d-of-%05d.%s", w.stem, i, len(w.files), w.format.ext)
		if err := os.Rename(filepath.Join(w.dir, name), filepath.Join(w.dir, shard)); err != nil {
			return fmt.Errorf("naming %q: %w", filepath.Join(w.dir, shard), durable.Cause(err))
		}
		w.files[i] = shard
	}
	return durable.SyncDir(w.dir)
}

func (w *Writer[T]) removeLeftOver() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return fmt.Errorf("listing %q: %w", w.dir, durable.Cause(err))
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), durable.Suffix) // what a killed run left
		digits, ok := strings.CutPrefix(name, w.stem+"-")
		if !ok {
			continue
		}
		digits, ok = strings.CutSuffix(digits, "."+w.format.ext)
		number, err := strconv.Atoi(digits)
		if !ok || err != nil || number < len(w.files) || w.name(number) != name {
			continue
		}
		if err := os.Remove(filepath.Join(w.dir, e.Name())); err != nil {
			return fmt.Errorf("removing %q of an earlier run: %w", e.Name(), durable.Cause(err))
		}
	}
	return nil
}

// Abort removes the unfinished part and keeps the parts that are whole. After
// Close it does nothing.
func (w *Writer[T]) Abort() error {
	w.err = errClosed
	if w.part == nil {
		return nil
	}
	p := w.part
	w.part = nil
	return p.discard()
}

// part is one file in writing.
type part[T any] struct {
	path  string // once it is whole
	file  *durable.File
	buf   *bufio.Writer
	lines *lines[T] // for JSON lines
	table *table[T] // for Parquet
	rows  int64
}

// bytesPerWrite is how much goes to a file at once. A block that is not smaller is
// not copied before.
const bytesPerWrite = 256 << 10

func newPart[T any](path string, f format) (*part[T], error) {
	file, err := durable.Create(path)
	if err != nil {
		return nil, err
	}
	p := &part[T]{path: path, file: file, buf: bufio.NewWriterSize(file, bytesPerWrite)}
	if err := p.open(f); err != nil {
		return nil, errors.Join(p.wrap(err), p.discard())
	}
	return p, nil
}

func (p *part[T]) open(f format) (err error) {
	if f.enc == encParquet {
		p.table, err = newTable[T](p.buf)
		return err
	}
	p.lines, err = newLines[T](p.buf, f.cmp)
	return err
}

func (p *part[T]) wrap(err error) error {
	return fmt.Errorf("writing %q: %w", p.path, durable.Cause(err))
}

func (p *part[T]) write(row *T) error {
	var err error
	if p.table != nil {
		err = p.table.write(row)
	} else {
		err = p.lines.write(row)
	}
	if err != nil {
		return p.wrap(err)
	}
	p.rows++
	return nil
}

func (p *part[T]) finish() error {
	if err := p.flush(); err != nil {
		return errors.Join(p.wrap(err), p.discard())
	}
	return p.file.Commit()
}

func (p *part[T]) flush() error {
	closing := p.lines.close
	if p.table != nil {
		closing = p.table.close
	}
	if err := closing(); err != nil {
		return err
	}
	return p.buf.Flush()
}

// discard closes and removes the temporary file.
func (p *part[T]) discard() error {
	switch {
	case p.table != nil:
		p.table.behind.stop()
	case p.lines != nil:
		p.lines.behind.stop()
	}
	return p.file.Discard()
}
