package near

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
)

// Options says what is near.
type Options struct {
	Threshold float64 `json:"threshold"` // the least Jaccard similarity of two questions' shingles, above 0 and at most 1
	Seed      int64   `json:"seed"`      // of the hash functions
	Shingle   int     `json:"shingle"`   // tokens in a shingle; 0 is 3
}

const defaultShingle = 3

// Index collects questions. It is not safe for use by several goroutines.
type Index struct {
	bands, rows int
	least       int // hashes that two near questions have in common
	sketcher    *sketcher
	seen        keySet
	count       uint32 // questions on disk; the number of one is its place in every file

	dir      string
	keys     *spool
	sketches *spool
	hashes   []*spool // of the questions' bands, one file for each band
	sketch   []byte   // scratch
	failed   error    // why the files are not whole
}

// New returns an empty index that keeps its files in a new directory below dir,
// which exists.
func New(dir string, o Options) (*Index, error) {
	if !(o.Threshold > 0 && o.Threshold <= 1) {
		return nil, fmt.Errorf("near duplicates: the threshold is %v; want a share above 0 and at most 1, such as 0.8", o.Threshold)
	}
	if o.Shingle < 0 {
		return nil, fmt.Errorf("near duplicates: a shingle has %d words; want 1 or more, or 0 for %d", o.Shingle, defaultShingle)
	}
	if o.Shingle == 0 {
		o.Shingle = defaultShingle
	}
	own, err := os.MkdirTemp(dir, "near-*")
	if err != nil {
		return nil, fmt.Errorf("near duplicates: making a directory for temporary files: %w", err)
	}
	x := &Index{sketcher: newSketcher(o.Seed, o.Shingle), dir: own, sketch: make([]byte, sketchSize)}
	x.bands, x.rows = bands(o.Threshold)
	x.least = leastCommon(o.Threshold)
	x.keys, err = newSpool(own, "keys")
	if err == nil {
		x.sketches, err = newSpool(own, "sketches")
	}
	for i := 0; i < x.bands && err == nil; i++ {
		var s *spool
		s, err = newSpool(own, fmt.Sprintf("band-%03d", i))
		x.hashes = append(x.hashes, s)
	}
	if err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

// Add adds a question under the hash of its normal form (see package question).
// A key that was added before is ignored. After an error of Add or Clusters the
// index is of no more use.
func (x *Index) Add(key uint64, question string) error {
	if x.failed != nil {
		return x.failed
	}
	if x.seen.has(key) {
		return nil
	}
	var sig signature
	numbers, ok := x.sketcher.sketch(question, &sig)
	if !ok {
		return nil
	}
	if x.count == math.MaxUint32 {
		return x.fail(errors.New("near duplicates: more than 4,294,967,295 distinct questions"))
	}
	x.seen.add(key)
	x.count++

	if err := x.keys.number(key); err != nil {
		return x.fail(err)
	}
	binary.LittleEndian.PutUint64(x.sketch, numbers)
	for i, v := range sig {
		binary.LittleEndian.PutUint16(x.sketch[8+2*i:], uint16(v))
	}
	if err := x.sketches.write(x.sketch); err != nil {
		return x.fail(err)
	}
	for i, s := range x.hashes {
		if err := s.number(sig.band(i, x.rows, numbers)); err != nil {
			return x.fail(err)
		}
	}
	return nil
}

func (x *Index) fail(err error) error {
	x.failed = err
	return err
}

// Close deletes the index's files.
func (x *Index) Close() error {
	var errs []error
	for _, s := range append([]*spool{x.keys, x.sketches}, x.hashes...) {
		if s != nil {
			errs = append(errs, s.file.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(x.dir))...)
}

// spool is a file that is written once, in order, and then read.
type spool struct {
	file *os.File
	w    *bufio.Writer
}

func newSpool(dir, name string) (*spool, error) {
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("near duplicates: making a temporary file: %w", err)
	}
	return &spool{file, bufio.NewWriterSize(file, 64<<10)}, nil
}

func (s *spool) write(p []byte) error {
	if _, err := s.w.Write(p); err != nil {
		return s.wrap(err)
	}
	return nil
}

func (s *spool) number(v uint64) error {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	return s.write(b[:])
}

// at reads the number-th of things of len(p) bytes.
func (s *spool) at(p []byte, number uint32) error {
	if _, err := s.file.ReadAt(p, int64(number)*int64(len(p))); err != nil {
		return fmt.Errorf("near duplicates: reading a temporary file: %w", err)
	}
	return nil
}

func (s *spool) wrap(err error) error {
	return fmt.Errorf("near duplicates: temporary files take up to a kilobyte for every distinct question: %w", err)
}

// numbers reads what number wrote, in order.
func (s *spool) numbers(yield func(i uint32, v uint64) error) error {
	if err := s.w.Flush(); err != nil {
		return s.wrap(err)
	}
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("near duplicates: %w", err)
	}
	r := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, info.Size()), 256<<10)
	var b [8]byte
	for i := range uint32(info.Size() / 8) {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return fmt.Errorf("near duplicates: reading a temporary file: %w", err)
		}
		if err := yield(i, binary.LittleEndian.Uint64(b[:])); err != nil {
			return err
		}
	}
	return nil
}
