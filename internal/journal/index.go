package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"slices"
	"sort"
)

// An index file is a line of JSON (indexHead), the entries sorted by key, the
// frames, and a CRC-32C of all that. It is used as it lies in memory, which makes
// opening quick and takes 44 bytes for a reply.
const (
	indexFormat = 1
	entryBytes  = len(Key{}) + 8 + 4 // key, offset and length of its line in the text
	frameBytes  = 8 + 8 + 4 + 4
	headMost    = 4 << 10
)

// indexHead says what the index is of.
type indexHead struct {
	Format  int    `json:"format"`
	Segment string `json:"segment"` // name of the file
	Size    int64  `json:"size"`    // of that file; another size makes the index stale
	Keys    int    `json:"keys"`
	Frames  int    `json:"frames"`
	Totals  Totals `json:"totals"`
}

// index says where the records of a sealed segment lie. It does not change.
type index struct {
	head    indexHead
	entries []byte
	frames  []frame
}

// newIndex is the index of a segment whose records are in recent.
func newIndex(name string, size int64, recent map[Key]span, frames []frame, totals Totals) *index {
	keys := make([]Key, 0, len(recent))
	for key := range recent {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	entries := make([]byte, 0, len(keys)*entryBytes)
	for _, key := range keys {
		at := recent[key]
		entries = append(entries, key[:]...)
		entries = binary.BigEndian.AppendUint64(entries, uint64(at.off))
		entries = binary.BigEndian.AppendUint32(entries, uint32(at.len))
	}
	head := indexHead{Format: indexFormat, Segment: name, Size: size, Keys: len(keys), Frames: len(frames), Totals: totals}
	return &index{head: head, entries: entries, frames: frames}
}

func (x *index) encode() ([]byte, error) {
	head, err := json.Marshal(x.head)
	if err != nil {
		return nil, fmt.Errorf("encoding the index of %s: %w", x.head.Segment, err) // a cost that is no number
	}
	data := make([]byte, 0, len(head)+1+len(x.entries)+len(x.frames)*frameBytes+crc32.Size)
	data = append(data, head...)
	data = append(data, '\n')
	data = append(data, x.entries...)
	for _, f := range x.frames {
		data = binary.BigEndian.AppendUint64(data, uint64(f.off))
		data = binary.BigEndian.AppendUint64(data, uint64(f.text))
		data = binary.BigEndian.AppendUint32(data, uint32(f.len))
		data = binary.BigEndian.AppendUint32(data, uint32(f.textLen))
	}
	return binary.BigEndian.AppendUint32(data, checksum(data, nil)), nil
}

// parseIndex takes an index file apart; the index keeps data.
func parseIndex(data []byte) (*index, error) {
	if len(data) < crc32.Size {
		return nil, errors.New("it is cut short")
	}
	data, sum := data[:len(data)-crc32.Size], binary.BigEndian.Uint32(data[len(data)-crc32.Size:])
	if got := checksum(data, nil); got != sum {
		return nil, fmt.Errorf("checksum is %08x, the file says %08x", got, sum)
	}
	end := bytes.IndexByte(data[:min(len(data), headMost)], '\n')
	if end < 0 {
		return nil, errors.New("it has no head")
	}
	var x index
	if err := json.Unmarshal(data[:end], &x.head); err != nil {
		return nil, fmt.Errorf("its head: %w", err)
	}
	if x.head.Format != indexFormat {
		return nil, fmt.Errorf("it has format %d, and this program reads format %d", x.head.Format, indexFormat)
	}
	rest := data[end+1:]
	keys, frames := x.head.Keys, x.head.Frames
	if keys < 0 || frames < 0 || keys > len(rest)/entryBytes || frames > len(rest)/frameBytes || keys*entryBytes+frames*frameBytes != len(rest) {
		return nil, fmt.Errorf("%d keys and %d frames do not fit %d bytes", keys, frames, len(rest))
	}
	x.entries = rest[: keys*entryBytes : keys*entryBytes]
	rest = rest[keys*entryBytes:]
	x.frames = make([]frame, frames)
	for i := range x.frames {
		b := rest[i*frameBytes:]
		x.frames[i] = frame{
			off: int64(binary.BigEndian.Uint64(b)), text: int64(binary.BigEndian.Uint64(b[8:])),
			len: int32(binary.BigEndian.Uint32(b[16:])), textLen: int32(binary.BigEndian.Uint32(b[20:])),
		}
	}
	return &x, nil
}

// equal tells whether two indexes say the same.
func (x *index) equal(y *index) bool {
	return x.head == y.head && bytes.Equal(x.entries, y.entries) && slices.Equal(x.frames, y.frames)
}

func (x *index) key(i int) []byte { return x.entries[i*entryBytes : i*entryBytes+len(Key{})] }

func (x *index) span(i int) span {
	b := x.entries[i*entryBytes+len(Key{}):]
	return span{int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:]))}
}

func (x *index) find(key Key) (span, bool) {
	i := x.from(key[:])
	if i == x.head.Keys || string(x.key(i)) != string(key[:]) {
		return span{}, false
	}
	return x.span(i), true
}

// from returns the number of the first entry that is not before key. Keys are
// hashes, so the place is near the one that their first bytes foretell: the
// search widens from there until it encloses the key, and then halves.
func (x *index) from(key []byte) int {
	n := x.head.Keys
	if n == 0 {
		return 0
	}
	guess, _ := bits.Mul64(prefix(key), uint64(n))
	low, high := int(guess), int(guess)
	for step := 1; low > 0 && bytes.Compare(x.key(low), key) >= 0; step *= 2 {
		low = max(low-step, 0)
	}
	for step := 1; high < n && bytes.Compare(x.key(high), key) < 0; step *= 2 {
		high = min(high+step, n)
	}
	return low + sort.Search(high-low, func(i int) bool { return bytes.Compare(x.key(low+i), key) >= 0 })
}

// prefix is the first eight bytes of a key, which may be shorter, as a number.
func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// frameOf returns the frame whose text has the byte at off.
func (x *index) frameOf(off int64) (frame, bool) {
	i := sort.Search(len(x.frames), func(i int) bool { return x.frames[i].text > off }) - 1
	if i < 0 || off < 0 || off > math.MaxInt64-int64(longest) {
		return frame{}, false
	}
	return x.frames[i], true
}

// countKeys returns how many different keys the indexes have, by merging them.
func countKeys(indexes []*index) int {
	merge := make([]cursor, 0, len(indexes))
	for _, x := range indexes {
		if x.head.Keys > 0 {
			merge = append(merge, cursor{prefix(x.entries), x.entries})
		}
	}
	for i := len(merge)/2 - 1; i >= 0; i-- {
		siftDown(merge, i)
	}
	var last []byte
	n := 0
	for len(merge) > 0 {
		top := &merge[0]
		if key := top.rest[:len(Key{})]; !bytes.Equal(key, last) {
			last = key
			n++
		}
		top.rest = top.rest[entryBytes:]
		if len(top.rest) > 0 {
			top.prefix = prefix(top.rest)
		} else {
			*top = merge[len(merge)-1]
			merge = merge[:len(merge)-1]
		}
		siftDown(merge, 0)
	}
	return n
}

// cursor is the place in an index that a merge has come to. The prefix of the
// key there decides nearly every comparison.
type cursor struct {
	prefix uint64
	rest   []byte
}

func (c *cursor) before(d *cursor) bool {
	if c.prefix != d.prefix {
		return c.prefix < d.prefix
	}
	return bytes.Compare(c.rest[:len(Key{})], d.rest[:len(Key{})]) < 0
}

func siftDown(heap []cursor, i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if heap[child].before(&heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}
