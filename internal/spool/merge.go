package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"tinyv/internal/durable"
)

const (
	// Read buffers of all runs together, as long as there are not more of them
	// than readBuffers / minReadBuffer.
	readBuffers   = 12 << 20
	maxReadBuffer = 256 << 10
	minReadBuffer = 4 << 10

	// Records on their way from the goroutine that merges to the one that reads.
	batchRecords = 1024
	batchBytes   = 512 << 10
	batchesAhead = 2
)

// Sorted returns all records by key and then by payload. It ends the adding. It
// may be called again, and then returns the same. A goroutine reads and merges
// ahead, and has ended when the iteration has, however it ends. An error is the
// last thing yielded.
func (s *Spool) Sorted() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := s.finish(); err != nil {
			yield(Record{}, err)
			return
		}
		full, spent, stop := make(chan *run, batchesAhead), make(chan *run, batchesAhead+2), make(chan struct{})
		var failed error // of the merge; read after full is closed
		var merging sync.WaitGroup
		defer merging.Wait()
		defer close(stop)
		merging.Go(func() {
			defer close(full)
			failed = s.merge(full, spent, stop)
		})
		for batch := range full {
			for i := range batch.entries {
				if !yield(batch.record(i), nil) {
					return
				}
			}
			batch.reset()
			spent <- batch // has room for every batch there is
		}
		if failed != nil {
			yield(Record{}, fmt.Errorf("reading the temporary file %q, which rows are sorted in: %w", s.file.Name(), durable.Cause(failed)))
		}
	}
}

// finish ends the adding: it sorts the last run, which stays in memory.
func (s *Spool) finish() error {
	if s.broken != nil {
		return s.broken
	}
	if s.sorted {
		return nil
	}
	if err := s.wait(); err != nil {
		return err
	}
	s.free = nil
	s.filling.sort()
	s.sorted = true
	return nil
}

// merge sends all records in order, in batches.
func (s *Spool) merge(full chan<- *run, spent <-chan *run, stop <-chan struct{}) error {
	m := merger{}
	if !s.filling.empty() {
		m.sources = append(m.sources, &source{memory: s.filling})
	}
	size := maxReadBuffer
	if n := len(s.onDisk); n > 0 {
		size = min(max(readBuffers/n, minReadBuffer), maxReadBuffer)
	}
	for _, c := range s.onDisk {
		m.sources = append(m.sources, &source{
			file: bufio.NewReaderSize(io.NewSectionReader(s.file, c.from, c.to-c.from), size), left: c.to - c.from,
		})
	}
	if err := m.begin(); err != nil {
		return err
	}
	for made := 0; len(m.sources) > 0; {
		var batch *run
		select {
		case batch = <-spent:
		default:
			if made < batchesAhead+2 {
				made++
				batch = &run{}
				break
			}
			select {
			case batch = <-spent:
			case <-stop:
				return nil
			}
		}
		for len(m.sources) > 0 && len(batch.entries) < batchRecords && len(batch.data) < batchBytes {
			first := m.sources[0]
			batch.add(first.Key, first.Payload)
			if err := m.next(); err != nil {
				return err
			}
		}
		select {
		case full <- batch:
		case <-stop:
			return nil
		}
	}
	return nil
}

// merger is a heap of runs by their next record. Equal records come out in any
// order, since nothing tells them apart.
type merger struct{ sources []*source }

// begin reads the first record of every run, none of which is empty.
func (m *merger) begin() error {
	for _, s := range m.sources {
		if _, err := s.next(); err != nil {
			return err
		}
	}
	slices.SortFunc(m.sources, func(a, b *source) int { return compare(a.Record, b.Record) }) // a sorted list is a heap
	return nil
}

// next reads the next record of the first run, and puts that run where it belongs.
func (m *merger) next() error {
	more, err := m.sources[0].next()
	if err != nil {
		return err
	}
	if !more {
		last := len(m.sources) - 1
		m.sources[0] = m.sources[last]
		m.sources[last] = nil
		m.sources = m.sources[:last]
	}
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.sources); child++ {
			if compare(m.sources[child].Record, m.sources[least].Record) < 0 {
				least = child
			}
		}
		if least == i {
			return nil
		}
		m.sources[i], m.sources[least] = m.sources[least], m.sources[i]
		i = least
	}
}

// source is a sorted run in reading: that in memory, or one in the file.
type source struct {
	Record // the next one

	memory *run
	number int // of the record after the next one in memory

	file  *bufio.Reader
	left  int64 // bytes of the run that are not read yet
	space []byte
}

func (s *source) next() (more bool, err error) {
	if s.memory != nil {
		if s.number == len(s.memory.entries) {
			return false, nil
		}
		s.Record = s.memory.record(s.number)
		s.number++
		return true, nil
	}
	if s.left == 0 {
		return false, nil
	}
	// A record has 9 bytes at least; what a shorter rest holds is none.
	head, err := s.file.Peek(int(min(s.left, headSize)))
	if err != nil {
		return false, cutOff(err)
	}
	if len(head) < 9 {
		return false, errForeign
	}
	key := binary.BigEndian.Uint64(head)
	size, n := binary.Uvarint(head[8:])
	s.left -= int64(8 + n)
	if n <= 0 || size > uint64(s.left) {
		return false, errForeign
	}
	s.file.Discard(8 + n) // of what was peeked
	s.space = slices.Grow(s.space[:0], int(size))[:size]
	if _, err := io.ReadFull(s.file, s.space); err != nil {
		return false, cutOff(err)
	}
	s.left -= int64(size)
	s.Record = Record{key, s.space}
	return true, nil
}

// headSize is the most that comes before the payload of a record.
const headSize = 8 + binary.MaxVarintLen64

var errForeign = errors.New("it is damaged; does something else write to it?")

// cutOff names the end of a file that ends too early.
func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
