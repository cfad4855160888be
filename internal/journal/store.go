package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/durable"
)

// ErrNone is in the error of opening a directory to read that has no journal.
var ErrNone = errors.New("there is no journal")

// store is the segments of a journal and what is in them.
type store struct {
	dir      string
	segments []*segment // oldest first; only the last may be open. The slice is replaced, not changed
	cache    *frameCache
	keys     int
	totals   Totals
}

// mode is how a store is opened.
type mode struct {
	repair bool         // the caller holds the lock: finish and mend what a killed process left
	rescan bool         // trust no index
	log    *slog.Logger // nil = report nothing
}

// openStore reads the indexes, and the segments that have none.
func openStore(dir string, m mode) (_ *store, err error) {
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	cache, err := newFrameCache()
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, cache: cache}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	found, err := list(dir)
	if err != nil {
		return nil, err
	}
	if m.repair {
		if found, err = tidy(dir, found, m.log); err != nil {
			return nil, err
		}
	} else {
		found = preferCompressed(found)
	}
	for i, f := range found {
		last := i == len(found)-1 && !f.compressed
		seg, err := openSegment(f, m)
		if err != nil {
			return nil, err
		}
		s.segments = append(s.segments, seg)
		if err := seg.load(last, m); err != nil {
			return nil, err
		}
	}
	s.count()
	return s, nil
}

// list returns the segments of a directory, oldest first. Where there are a plain
// and a compressed file of one number, the compressed one comes second.
func list(dir string) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []*segment
	for _, e := range entries {
		if number, compressed, ok := parseName(e.Name()); ok {
			found = append(found, &segment{dir: dir, number: number, compressed: compressed})
		}
	}
	slices.SortFunc(found, func(a, b *segment) int {
		if a.number != b.number {
			return a.number - b.number
		}
		return strings.Compare(a.name(), b.name())
	})
	return found, nil
}

// tidy removes what a killed process left beside the segments.
func tidy(dir string, found []*segment, log *slog.Logger) ([]*segment, error) {
	unfinished, err := filepath.Glob(filepath.Join(escapeGlob(dir), namePrefix+"*"+durable.Suffix))
	if err != nil {
		return nil, err
	}
	for _, path := range unfinished {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		log.Info("journal: removed an unfinished file of a killed process", "file", path)
	}
	var kept []*segment
	for i, s := range found {
		if i+1 < len(found) && found[i+1].number == s.number {
			// Compaction was killed between renaming and deleting. What it
			// renamed is whole, but the plain file is not given up on trust.
			whole, err := found[i+1].undamaged()
			if err != nil {
				return nil, err
			}
			surplus := s
			if !whole {
				surplus = found[i+1]
				found[i+1] = s
			}
			if err := surplus.remove(); err != nil {
				return nil, err
			}
			log.Info("journal: removed a file that compaction left", "file", surplus.path())
			continue
		}
		kept = append(kept, s)
	}
	return kept, nil
}

// preferCompressed leaves out plain segments that compaction is about to delete.
func preferCompressed(found []*segment) []*segment {
	var kept []*segment
	for i, s := range found {
		if i+1 == len(found) || found[i+1].number != s.number {
			kept = append(kept, s)
		}
	}
	return kept
}

// escapeGlob keeps a directory's name from being read as a pattern.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func (s *segment) undamaged() (bool, error) {
	file, err := os.Open(s.path())
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	check := scan{segment: &segment{dir: s.dir, number: s.number, compressed: s.compressed, file: file, size: info.Size()}}
	for _, err := range check.records() {
		if damage := (*Damage)(nil); errors.As(err, &damage) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// remove deletes the segment's files, the index first: an index without its
// segment could be taken for that of a later file of the same name.
func (s *segment) remove() error {
	if err := os.Remove(s.indexPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(s.path()); err != nil {
		return err
	}
	return durable.SyncDir(s.dir)
}

func openSegment(s *segment, m mode) (*segment, error) {
	flags := os.O_RDONLY
	if m.repair && !s.compressed {
		flags = os.O_RDWR // it may be the open one
	}
	var err error
	if s.file, err = os.OpenFile(s.path(), flags, fileMode); err != nil {
		return nil, err
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	s.size = info.Size()
	return s, nil
}

// load reads the index, or the records if there is none to be had. The newest
// segment, if it is plain and has no index, is the open one.
func (s *segment) load(last bool, m mode) error {
	s.indexFault = s.readIndex()
	if s.indexFault == nil && !m.rescan {
		return nil
	}
	stored := s.index
	open := last && s.indexFault != nil
	s.recent, s.index, s.totals = make(map[Key]span), nil, Totals{}
	pass := scan{segment: s, open: open}
	if err := s.scanInto(&pass, m.log); err != nil {
		return err
	}
	if !open {
		s.seal(pass.frames)
		if stored != nil && !stored.equal(s.index) {
			s.indexFault = errors.New("it does not say what its segment holds")
		}
		return s.replaceIndex(m)
	}
	if !errors.Is(s.indexFault, fs.ErrNotExist) && m.repair {
		m.log.Warn("journal: removed an index that does not fit its segment", "file", s.indexPath(), "reason", s.indexFault)
		if err := os.Remove(s.indexPath()); err != nil {
			return err
		}
	}
	s.size -= pass.torn
	if pass.torn == 0 {
		return nil
	}
	if m.repair {
		return s.mend(&pass, m.log)
	}
	s.torn, s.tornBegins = pass.torn, beginning(pass.tail)
	return nil
}

// replaceIndex writes the index that was made anew.
func (s *segment) replaceIndex(m mode) error {
	if s.indexFault == nil || !m.repair {
		return nil
	}
	m.log.Warn("journal: an index is missing, damaged or stale; it is made anew from its segment",
		"file", s.indexPath(), "replies", s.index.head.Keys, "reason", s.indexFault)
	if err := s.writeIndex(); err != nil {
		// The journal works without; only the next opening is slow again.
		m.log.Warn("journal: the index cannot be written", "file", s.indexPath(), "error", err)
	}
	return nil
}

const reportMax = 20 // damaged lines named one by one

func (s *segment) scanInto(pass *scan, log *slog.Logger) error {
	var (
		damaged, bytes int64
		places         []int64
		first          *Damage
	)
	for rec, err := range pass.records() {
		damage, isDamage := errors.AsType[*Damage](err)
		switch {
		case err == nil:
			s.take(rec.key, rec.at, tally(rec.value))
		case !isDamage:
			return err
		case !damage.Torn:
			damaged++
			bytes += damage.Length
			if len(places) < reportMax {
				places = append(places, damage.Line)
			}
			if first == nil {
				first = damage
			}
		}
	}
	s.damaged = damaged
	if damaged > 0 {
		log.Warn("journal: damaged records are skipped and left in the file; what they held will be asked again; `tinyv journal compact` drops them",
			"file", s.path(), "damaged", damaged, "bytes", bytes, "lines", places, "offset", first.Offset, "first", first.Err)
	}
	return nil
}

// mend deals with a last line that does not end: it was being written when the
// process died. A record that lacks nothing but the line's end is kept; anything
// less is cut off.
func (s *segment) mend(pass *scan, log *slog.Logger) error {
	torn := pass.torn
	key, value, err := parseLine(append(pass.tail, '\n'))
	if err == nil {
		if _, err := s.file.WriteAt([]byte{'\n'}, s.size+torn); err != nil {
			return fmt.Errorf("ending the last line of %s: %w", s.name(), err)
		}
		s.take(key, span{s.size, int32(torn + 1)}, tally(value))
		s.size += torn + 1
		log.Warn("journal: the last record was whole but its line had no end; it is kept", "file", s.path())
	} else {
		if err := s.file.Truncate(s.size); err != nil {
			return fmt.Errorf("cutting off the torn tail of %s: %w", s.name(), err)
		}
		log.Warn("journal: the file ended in the middle of a record; the torn tail is cut off",
			"file", s.path(), "bytes_cut", torn, "offset", s.size, "begins", beginning(pass.tail))
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("making the repair of %s durable: %w", s.name(), err)
	}
	return nil
}

// count sums up the segments.
func (s *store) count() {
	var indexes []*index
	s.totals = Totals{}
	for _, seg := range s.segments {
		s.totals.add(seg.totals)
		if seg.index != nil {
			indexes = append(indexes, seg.index)
		}
	}
	s.keys = countKeys(indexes)
	if open := s.open(); open != nil {
		for key := range open.recent {
			if !s.sealedHas(key) {
				s.keys++
			}
		}
	}
}

// open returns the open segment, or nil.
func (s *store) open() *segment {
	if n := len(s.segments); n > 0 && s.segments[n-1].index == nil {
		return s.segments[n-1]
	}
	return nil
}

func (s *store) sealedHas(key Key) bool {
	for _, seg := range s.segments {
		if seg.index == nil {
			continue
		}
		if _, ok := seg.index.find(key); ok {
			return true
		}
	}
	return false
}

// find returns the last record of key.
func (s *store) find(key Key) (*segment, span, bool) {
	for _, seg := range slices.Backward(s.segments) {
		if at, ok := seg.find(key); ok {
			return seg, at, true
		}
	}
	return nil, span{}, false
}

// reply reads a record that find has found.
func (s *store) reply(seg *segment, key Key, at span) (Reply, error) {
	value, err := seg.value(key, at, s.cache)
	if err == nil {
		var r Reply
		if r, err = decodeReply(key, value); err == nil {
			return r, nil
		}
	}
	if err == io.EOF {
		err = errors.New("the file ends before it")
	}
	return Reply{}, fmt.Errorf("reading the journal's record %s at byte %d of %q: %w; `tinyv journal verify` names all damage, `tinyv journal compact` drops it, and the reply is then asked for again",
		key, at.off, seg.path(), err)
}

func (s *store) close() error {
	var errs []error
	for _, seg := range s.segments {
		errs = append(errs, seg.file.Close())
	}
	s.cache.close()
	return errors.Join(errs...)
}
