package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Verified is what a verification has read.
type Verified struct {
	Segments int
	Replies  int64 // sound records
	Keys     int
	Bytes    int64 // on disk, with indexes
	Damages  int64 // reported, without an unfinished last line
}

// Verify reads the whole journal in dir: every checksum, every reply's JSON, and
// every index against its segment. Damage is given to report as it is found; an
// unfinished last line of the newest segment too, which is no damage but a record
// that is being written, or one that a killed process was never told is kept.
func Verify(dir string, report func(*Damage)) (Verified, error) {
	r, err := OpenReader(dir)
	if err != nil {
		return Verified{}, err
	}
	defer r.Close()
	v := Verified{Segments: len(r.store.segments), Keys: r.store.keys, Bytes: r.store.bytes()}
	found := func(d *Damage) {
		if !d.Torn {
			v.Damages++
		}
		report(d)
	}
	for _, seg := range r.store.segments {
		again, err := seg.verify(found)
		if err != nil {
			return v, fmt.Errorf("verifying the journal %q: %w", dir, err)
		}
		v.Replies += again.totals.Replies
	}
	return v, nil
}

// verify reads the segment again and compares.
func (s *segment) verify(found func(*Damage)) (*segment, error) {
	again := &segment{dir: s.dir, number: s.number, compressed: s.compressed, file: s.file, size: s.size, recent: make(map[Key]span)}
	sound := true
	pass := scan{segment: again}
	for rec, err := range pass.records() {
		if err == nil {
			again.take(rec.key, rec.at, tally(rec.value))
			if _, fault := decodeReply(rec.key, rec.value); fault != nil {
				err = pass.notReply(rec, fault)
			}
		}
		if damage, ok := errors.AsType[*Damage](err); ok {
			sound = false
			found(damage)
		} else if err != nil {
			return nil, err
		}
	}
	if s.torn > 0 {
		found(&Damage{File: s.name(), Line: pass.line + 1, Offset: s.size, Length: s.torn, Torn: true, Begins: s.tornBegins, Err: errNoEnd})
	}
	index := filepath.Base(s.indexPath())
	switch {
	case s.index == nil, errors.Is(s.indexFault, fs.ErrNotExist): // being sealed or compacted, or made anew by the next run
		return again, nil
	case s.indexFault != nil:
		found(&Damage{File: index, Err: fmt.Errorf("damaged or stale: %w; the next run makes it anew", s.indexFault)})
		return again, nil
	}
	again.seal(pass.frames)
	if sound && !again.index.equal(s.index) {
		found(&Damage{File: index, Err: errors.New("it does not say what its segment holds")})
	}
	return again, nil
}
