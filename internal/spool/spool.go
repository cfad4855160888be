// Package spool sorts more records than memory holds: it takes records of a key
// and some bytes, and gives them back by key, then by bytes.
//
// It promises: what comes out depends on the records that went in and not on
// their order; memory is what Create is told plus at most 16 MiB or, beyond some
// four thousand runs, 4 KiB a run; one temporary file, which has no name once it is
// made, so that nothing is left of it however the process ends; after an error
// nothing more comes out. Records that do not fill half of the memory
// touch no disk. Any number of records may have one key.
//
// Memory is filled with records, which are then sorted and appended to the file
// as a run, while the next are taken. Reading merges the runs.
package spool

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"tinyv/internal/durable"
)

// Record is one record.
type Record struct {
	Key     uint64
	Payload []byte // valid until the next record is asked for
}

func compare(a, b Record) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), bytes.Compare(a.Payload, b.Payload))
}

// Spool is a set of records. It is not safe for use by several goroutines, but
// several iterations of one goroutine may be under way at once.
type Spool struct {
	dir, pattern string
	half         int // bytes of a run in memory

	filling *run
	free    *run // the other one, when it is not being written

	writing sync.WaitGroup
	failed  error // of the run that was being written; read after writing.Wait

	file   *os.File
	end    int64   // of what is in the file
	onDisk []chunk // the runs there
	sorted bool    // Sorted was called

	broken  error
	records int64
}

// chunk is a run in the file.
type chunk struct{ from, to int64 }

// MinMemory is the least memory that a spool works with.
const MinMemory = 64 << 10

// Create begins an empty spool that holds about memory bytes (at least MinMemory)
// and whose file, if it needs one, is in dir and named after pattern, as
// os.CreateTemp does it.
func Create(dir, pattern string, memory int) *Spool {
	half := max(memory, MinMemory) / 2
	return &Spool{dir: dir, pattern: pattern, half: half, filling: &run{}, free: &run{}}
}

var (
	errClosed = errors.New("the spool is closed")
	errSorted = errors.New("the spool is being read, and takes no more records")
)

// Len returns the number of records.
func (s *Spool) Len() int64 { return s.records }

// Add adds a record. It keeps no reference to payload. After an error the spool
// is broken and repeats it.
func (s *Spool) Add(key uint64, payload []byte) error {
	switch {
	case s.broken != nil:
		return s.broken
	case s.sorted:
		return errSorted
	case !s.filling.empty() && s.filling.size()+entrySize+len(payload) > s.half:
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.filling.room(len(payload), s.half)
	s.filling.add(key, payload)
	s.records++
	return nil
}

// spill hands the full run to a goroutine that sorts and writes it, when the run
// before it is written.
func (s *Spool) spill() error {
	if err := s.wait(); err != nil {
		return err
	}
	if s.file == nil {
		file, err := os.CreateTemp(s.dir, s.pattern)
		if err != nil {
			s.broken = fmt.Errorf("making a temporary file to sort rows in, in %q: %w", s.dir, durable.Cause(err))
			return s.broken
		}
		s.file = file
		if err := os.Remove(file.Name()); err != nil {
			s.broken = fmt.Errorf("taking its name from the temporary file %q, so that it goes with us: %w", file.Name(), durable.Cause(err))
			return s.broken
		}
	}
	full := s.filling
	s.filling, s.free = s.free, nil
	s.writing.Go(func() {
		full.sort()
		s.failed = s.write(full)
		full.reset()
		s.free = full
	})
	return nil
}

// wait waits for the run that is being written.
func (s *Spool) wait() error {
	s.writing.Wait()
	if s.failed != nil && s.broken == nil {
		s.broken = fmt.Errorf("writing the temporary file %q, which rows are sorted in: %w; make room there, or name another output directory", s.file.Name(), durable.Cause(s.failed))
	}
	return s.broken
}

// write appends a sorted run to the file: of each record the key, the length of
// the payload, and the payload.
func (s *Spool) write(r *run) error {
	out := bufio.NewWriterSize(s.file, 256<<10)
	from := s.end
	var head [8 + binary.MaxVarintLen64]byte
	for i := range r.entries {
		record := r.record(i)
		binary.BigEndian.PutUint64(head[:], record.Key)
		n := 8 + binary.PutUvarint(head[8:], uint64(len(record.Payload)))
		out.Write(head[:n]) // bufio keeps the first error for Flush
		out.Write(record.Payload)
		s.end += int64(n + len(record.Payload))
	}
	s.onDisk = append(s.onDisk, chunk{from, s.end})
	return out.Flush()
}

// Close lets go of the file. What is being read must have been read before.
func (s *Spool) Close() error {
	s.writing.Wait()
	s.broken = errClosed
	s.filling, s.free = nil, nil
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("closing the temporary file %q: %w", file.Name(), durable.Cause(err))
	}
	return nil
}

// run is the records of one half of the memory.
type run struct {
	entries []entry
	data    []byte
}

// entry is a record whose payload is in data.
type entry struct {
	key      uint64
	from, to int
}

const entrySize = 24

func (r *run) empty() bool { return len(r.entries) == 0 }

func (r *run) size() int { return len(r.entries)*entrySize + len(r.data) }

func (r *run) add(key uint64, payload []byte) {
	from := len(r.data)
	r.data = append(r.data, payload...)
	r.entries = append(r.entries, entry{key, from, len(r.data)})
}

func (r *run) record(i int) Record {
	e := r.entries[i]
	return Record{e.key, r.data[e.from:e.to]}
}

func (r *run) sort() {
	slices.SortFunc(r.entries, func(a, b entry) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return bytes.Compare(r.data[a.from:a.to], r.data[b.from:b.to])
	})
}

// soon is how much data a run has when it is taken for one that will fill up.
const soon = 1 << 20

// room makes room for a payload. A run that is likely to fill its half gets all of it
// at once: to copy tens of megabytes whenever there are some more costs more than to
// sort them. What is not used yet is no memory.
func (r *run) room(payload, half int) {
	need := len(r.data) + payload
	if need > cap(r.data) && need > soon && need <= half {
		r.data = append(make([]byte, 0, half), r.data...)
	}
}

func (r *run) reset() { r.entries, r.data = r.entries[:0], r.data[:0] }
