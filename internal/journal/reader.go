package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
)

// Reader is a journal as it was when it was opened. It works beside a writer,
// takes no lock and changes nothing. Its methods are safe for use by several
// goroutines at once.
type Reader struct {
	store *store
}

// Record is a reply and where it lies.
type Record struct {
	Key        Key
	Reply      Reply
	File       string // base name of the segment
	Line       int64  // 1-based, of the segment's text
	Bytes      int    // of the line
	Superseded bool   // a later record has the same key
}

// reopenings is how often OpenReader begins anew because a segment was compacted
// under it. A compaction takes seconds for each segment, so this is plenty.
const reopenings = 10

// OpenReader opens the journal in dir to read. The error is [ErrNone] if there
// is none. What a writer has begun and not finished is left out.
func OpenReader(dir string) (*Reader, error) {
	for tries := 0; ; tries++ {
		s, err := openStore(dir, mode{})
		if errors.Is(err, fs.ErrNotExist) {
			if _, missing := os.Stat(dir); missing != nil {
				err = ErrNone
			} else if tries < reopenings {
				continue
			}
		}
		if err == nil && len(s.segments) == 0 {
			err = errors.Join(s.close(), ErrNone)
		}
		if err != nil {
			return nil, fmt.Errorf("opening the journal %q: %w", dir, err)
		}
		return &Reader{store: s}, nil
	}
}

// Get returns the reply of key, and whether there is one.
func (r *Reader) Get(key Key) (Reply, bool, error) {
	seg, at, ok := r.store.find(key)
	if !ok {
		return Reply{}, false, nil
	}
	reply, err := r.store.reply(seg, key, at)
	if errors.Is(err, os.ErrClosed) {
		err = ErrClosed
	}
	return reply, err == nil, err
}

// Len returns the number of keys.
func (r *Reader) Len() int { return r.store.keys }

// Size returns the number of segments and the bytes that they and their indexes
// take on disk.
func (r *Reader) Size() (segments int, bytes int64) {
	return len(r.store.segments), r.store.bytes()
}

// All returns every record in file order, superseded ones too. Damage is yielded
// as a [*Damage], after which the records go on; any other error is the last.
func (r *Reader) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, seg := range r.store.segments {
			pass := scan{segment: seg}
			for rec, err := range pass.records() {
				if err != nil {
					if !yield(Record{}, err) {
						return
					}
					continue
				}
				reply, err := decodeReply(rec.key, rec.value)
				if err != nil {
					err = pass.notReply(rec, err)
				}
				last, at, _ := r.store.find(rec.key)
				found := Record{
					Key: rec.key, Reply: reply, File: seg.name(), Line: rec.line, Bytes: int(rec.at.len),
					Superseded: last != seg || at != rec.at,
				}
				if !yield(found, err) {
					return
				}
			}
		}
	}
}

// notReply is the damage of a sound record that holds something else.
func (s *scan) notReply(rec record, err error) error {
	return &Damage{
		File: s.segment.name(), Line: rec.line, Offset: rec.at.off, Length: int64(rec.at.len),
		Begins: beginning(rec.value), Err: err,
	}
}

// Find returns up to limit keys, in order, whose hex digits begin with prefix.
func (r *Reader) Find(prefix string, limit int) ([]Key, error) {
	low, high, err := keyRange(prefix)
	if err != nil {
		return nil, err
	}
	within := func(k Key) bool { return slices.Compare(k[:], low[:]) >= 0 && slices.Compare(k[:], high[:]) <= 0 }
	var keys []Key
	for _, seg := range r.store.segments {
		if seg.index == nil {
			for k := range seg.recent {
				if within(k) {
					keys = append(keys, k)
				}
			}
			continue
		}
		from := seg.index.from(low[:])
		for i := from; i < min(seg.index.head.Keys, from+limit) && within(Key(seg.index.key(i))); i++ {
			keys = append(keys, Key(seg.index.key(i)))
		}
	}
	slices.SortFunc(keys, func(a, b Key) int { return slices.Compare(a[:], b[:]) })
	keys = slices.Compact(keys)
	return keys[:min(len(keys), limit)], nil
}

// keyRange returns the first and the last key that begin with prefix.
func keyRange(prefix string) (low, high Key, err error) {
	if len(prefix) > 2*len(low) {
		return low, high, fmt.Errorf("key %q has more than %d digits", prefix, 2*len(low))
	}
	for i := range high {
		high[i] = 0xff
	}
	for i, c := range []byte(prefix) {
		var digit byte
		switch {
		case c >= '0' && c <= '9':
			digit = c - '0'
		case c >= 'a' && c <= 'f':
			digit = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			digit = c - 'A' + 10
		default:
			return low, high, fmt.Errorf("key %q: %q is no hex digit", prefix, c)
		}
		shift := 4 * (1 - i%2)
		low[i/2] |= digit << shift
		high[i/2] &^= (0xf &^ digit) << shift
	}
	return low, high, nil
}

// Close closes the files.
func (r *Reader) Close() error { return r.store.close() }
