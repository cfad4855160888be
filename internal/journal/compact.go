package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"tinyv/internal/durable"
)

// Compacted says what a compaction did.
type Compacted struct {
	Segments   int     // there were
	Rewritten  int     // of them
	Kept       int64   // records in the rewritten ones
	Superseded Dropped // by a later record of the same key
	Damaged    Dropped // stretches that held no record
	Before     int64   // bytes on disk, with indexes
	After      int64
}

// Dropped is what was left out.
type Dropped struct {
	Count int64
	Bytes int64 // of text; of the file for a damaged compressed frame
}

// Compact seals the newest segment, drops superseded and damaged records, and
// rewrites segments compressed. It needs the writer's lock. Each damage is
// reported through log.
//
// It can be killed at any moment. Each segment is written beside its name and
// renamed when it is durable; only then is the old file deleted. It takes as much
// room on the disk as the largest segment compressed.
func Compact(ctx context.Context, dir string, log *slog.Logger) (Compacted, error) {
	done, err := compact(ctx, dir, log, func(string) {})
	if err != nil {
		return done, fmt.Errorf("compacting the journal %q: %w", dir, advise(err))
	}
	return done, nil
}

// compact calls step after each step that could be the last of a killed process.
func compact(ctx context.Context, dir string, log *slog.Logger, step func(string)) (done Compacted, err error) {
	if found, err := list(dir); errors.Is(err, fs.ErrNotExist) || err == nil && len(found) == 0 {
		return done, ErrNone // before the lock file is made
	}
	held, err := lockDir(dir)
	if err != nil {
		return done, err
	}
	defer held.Release()
	// Every record is read again: what is superseded by a record that has been
	// damaged since it was indexed must not be dropped.
	s, err := openStore(dir, mode{repair: true, rescan: true, log: log})
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	c := compaction{ctx: ctx, store: s, log: log, step: step, done: &done}
	done.Segments = len(s.segments)
	done.Before = s.bytes()
	if err := c.sealOpen(); err != nil {
		return done, err
	}
	for _, seg := range slices.Clone(s.segments) {
		if err := c.segment(seg); err != nil {
			return done, err
		}
	}
	done.After = s.bytes()
	return done, nil
}

type compaction struct {
	ctx   context.Context
	store *store
	log   *slog.Logger
	step  func(string)
	done  *Compacted
}

func (s *store) bytes() int64 {
	var n int64
	for _, seg := range s.segments {
		n += seg.bytes()
	}
	return n
}

// bytes is what the segment and its index take on disk.
func (s *segment) bytes() int64 {
	n := s.size
	if info, err := os.Stat(s.indexPath()); err == nil {
		n += info.Size()
	}
	return n
}

func (c *compaction) sealOpen() error {
	open := c.store.open()
	if open == nil || open.size == 0 {
		return nil
	}
	open.seal(nil)
	if err := open.writeIndex(); err != nil {
		return fmt.Errorf("sealing %s: %w", open.name(), err)
	}
	c.step("sealed")
	return nil
}

// segment rewrites a segment, if there is something to gain.
func (c *compaction) segment(old *segment) error {
	if old.index == nil {
		return nil // an empty open one
	}
	i := slices.Index(c.store.segments, old)
	keep := c.keeps(i)
	if old.compressed && old.damaged == 0 && keep == old.totals.Replies {
		return nil
	}
	c.done.Rewritten++
	if keep == 0 {
		if err := c.drop(old); err != nil {
			return fmt.Errorf("removing %s: %w", old.name(), err)
		}
		c.store.segments = slices.Delete(c.store.segments, i, i+1)
		return old.file.Close()
	}
	packed, err := c.rewrite(old)
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", old.name(), err)
	}
	c.store.segments[i] = packed
	return old.file.Close()
}

// keeps counts the records of segment i that nothing supersedes.
func (c *compaction) keeps(i int) int64 {
	x := c.store.segments[i].index
	var n int64
	for k := range x.head.Keys {
		if last, _, _ := c.store.find(Key(x.key(k))); last == c.store.segments[i] {
			n++
		}
	}
	return n
}

// drop removes a segment of which nothing is kept.
func (c *compaction) drop(old *segment) error {
	if err := c.copyKept(old, func(Key, []byte, Totals) error { return errors.New("it has records to keep") }); err != nil {
		return err
	}
	if err := old.remove(); err != nil {
		return err
	}
	c.step("dropped")
	return nil
}

func (c *compaction) rewrite(old *segment) (*segment, error) {
	packed := &segment{dir: old.dir, number: old.number, compressed: true, recent: make(map[Key]span)}
	if old.compressed {
		// The old index would be that of a file of the same name.
		if err := os.Remove(old.indexPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err := durable.SyncDir(old.dir); err != nil {
			return nil, err
		}
		c.step("index removed")
	}
	var frames []frame
	err := durable.WriteBy(packed.path(), func(f io.Writer) error {
		out := bufio.NewWriterSize(f, frameText)
		w, err := newFrameWriter(out)
		if err != nil {
			return err
		}
		defer w.close()
		err = c.copyKept(old, func(key Key, line []byte, totals Totals) error {
			at, err := w.line(line)
			packed.take(key, at, totals)
			return err
		})
		if err = errors.Join(err, w.flush()); err == nil {
			err = out.Flush()
		}
		packed.size, frames = w.off, w.frames
		c.step("written")
		return err
	})
	if err != nil {
		return nil, err
	}
	c.step("renamed")
	packed.seal(frames)
	if err := packed.writeIndex(); err != nil {
		return nil, err
	}
	c.step("indexed")
	if !old.compressed {
		if err := os.Remove(old.indexPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		c.step("old index removed")
		if err := os.Remove(old.path()); err != nil {
			return nil, err
		}
		if err := durable.SyncDir(old.dir); err != nil {
			return nil, err
		}
		c.step("old segment removed")
	}
	packed.file, err = os.Open(packed.path())
	return packed, err
}

// copyKept gives keep every record of old that stays, and counts and reports the
// others.
func (c *compaction) copyKept(old *segment, keep func(key Key, line []byte, totals Totals) error) error {
	pass := scan{segment: old}
	var line []byte
	for rec, err := range pass.records() {
		if stop := c.ctx.Err(); stop != nil {
			return stop
		}
		if damage, ok := errors.AsType[*Damage](err); ok {
			c.done.Damaged.Count++
			c.done.Damaged.Bytes += damage.Length
			c.log.Warn("journal: dropped a damaged record; what it held will be asked again",
				"file", old.path(), "line", damage.Line, "offset", damage.Offset, "bytes", damage.Length, "reason", damage.Err, "begins", damage.Begins)
			continue
		}
		if err != nil {
			return err
		}
		if last, at, _ := c.store.find(rec.key); last != old || at != rec.at {
			c.done.Superseded.Count++
			c.done.Superseded.Bytes += int64(rec.at.len)
			continue
		}
		c.done.Kept++
		line = appendLine(line[:0], rec.key, rec.value)
		if err := keep(rec.key, line, tally(rec.value)); err != nil {
			return err
		}
	}
	return nil
}
