package spool

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"unsafe"
)

// Shelves puts more records than memory holds to places that are known when they
// come: 0 up to a number of places, each with one record or some. Where Spool
// compares and merges, Shelves only copies: a shelf is the records of neighbouring
// places, which are put in order when it is taken down.
//
// It promises what Spool does; what is read needs the memory of a shelf, which is
// a thousandth of all records or some few.
type Shelves struct {
	scratch
	half     int    // bytes in memory, while as many are written
	perShelf uint64 // places

	filling *load
	free    *load // the other one, when it is not being written

	onDisk [][]chunk // of each shelf
	ended  bool      // All was called
}

// load is the records in memory, by shelf: of each the place on the shelf, the
// length of the payload, and the payload.
type load struct {
	shelves [][]byte
	bytes   int
}

func (l *load) reset() {
	for i := range l.shelves {
		l.shelves[i] = l.shelves[i][:0]
	}
	l.bytes = 0
}

// Shelves are 1024 at most, so that each gets a good piece of the file at a time,
// and have so many places at least that taking one down is worth a goroutine's turn.
const (
	mostShelves   = 1024
	leastPerShelf = 16
)

// CreateShelves begins empty shelves with so many places. The rest is as Create has it.
func CreateShelves(dir, pattern string, memory int, places uint64) *Shelves {
	per := max(leastPerShelf, (places+mostShelves-1)/mostShelves)
	n := (places + per - 1) / per
	return &Shelves{
		scratch: scratch{dir: dir, pattern: pattern}, half: max(memory, MinMemory) / 2, perShelf: per,
		filling: &load{shelves: make([][]byte, n)}, free: &load{shelves: make([][]byte, n)}, onDisk: make([][]chunk, n),
	}
}

// Put puts a record to its place. It keeps no reference to payload. After an error
// the shelves are broken and repeat it.
func (s *Shelves) Put(place uint64, payload []byte) error {
	switch {
	case s.broken != nil:
		return s.broken
	case s.ended:
		return errSorted
	case s.filling.bytes > 0 && s.filling.bytes+len(payload) > s.half:
		if err := s.spill(); err != nil {
			return err
		}
	}
	shelf := &s.filling.shelves[place/s.perShelf]
	before := len(*shelf)
	*shelf = binary.AppendUvarint(*shelf, place%s.perShelf)
	*shelf = binary.AppendUvarint(*shelf, uint64(len(payload)))
	*shelf = append(*shelf, payload...)
	s.filling.bytes += len(*shelf) - before
	return nil
}

func (s *Shelves) spill() error {
	if err := s.wait(); err != nil {
		return err
	}
	full := s.filling
	s.filling, s.free = s.free, nil
	return s.behind(func() error {
		for i, data := range full.shelves {
			if len(data) == 0 {
				continue
			}
			if _, err := s.file.Write(data); err != nil {
				return err
			}
			s.onDisk[i] = append(s.onDisk[i], chunk{s.end, s.end + int64(len(data))})
			s.end += int64(len(data))
		}
		full.reset()
		s.free = full
		return nil
	})
}

// All returns the shelves in their order. It ends the putting. A shelf stays valid
// when the next is asked for. An error is the last thing yielded.
func (s *Shelves) All() iter.Seq2[Shelf, error] {
	return func(yield func(Shelf, error) bool) {
		s.ended = true
		if err := s.wait(); err != nil {
			yield(Shelf{}, err)
			return
		}
		s.free = nil
		for i := range s.onDisk {
			data, err := s.takeDown(i)
			if err != nil {
				yield(Shelf{}, s.unreadable(err))
				return
			}
			if !yield(Shelf{uint64(i) * s.perShelf, data}, nil) {
				return
			}
		}
	}
}

func (s *Shelves) takeDown(i int) ([]byte, error) {
	last := s.filling.shelves[i]
	size := int64(len(last))
	for _, c := range s.onDisk[i] {
		size += c.to - c.from
	}
	data := make([]byte, 0, size)
	for _, c := range s.onDisk[i] {
		n := len(data)
		data = data[:n+int(c.to-c.from)]
		if _, err := s.file.ReadAt(data[n:], c.from); err != nil {
			return nil, cutOff(err)
		}
	}
	return append(data, last...), nil
}

// Close lets go of the file.
func (s *Shelves) Close() error {
	err := s.close()
	s.filling, s.free = nil, nil
	return err
}

// Shelf is the records of neighbouring places.
type Shelf struct {
	first uint64 // place
	data  []byte
}

// Placed is a record and its place.
type Placed struct {
	Place   uint64
	Payload string
}

// Records returns the records by place, then by payload. The payloads are parts of
// one text.
func (s Shelf) Records() ([]Placed, error) {
	var all []Placed
	text := unsafe.String(unsafe.SliceData(s.data), len(s.data)) // nothing writes to it any more
	for data := s.data; len(data) > 0; {
		place, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, errForeign
		}
		size, m := binary.Uvarint(data[n:])
		if m <= 0 || size > uint64(len(data)-n-m) {
			return nil, errForeign
		}
		data = data[n+m:]
		from := len(text) - len(data)
		all = append(all, Placed{s.first + place, text[from : from+int(size)]})
		data = data[size:]
	}
	slices.SortFunc(all, func(a, b Placed) int {
		return cmp.Or(cmp.Compare(a.Place, b.Place), strings.Compare(a.Payload, b.Payload))
	})
	return all, nil
}
