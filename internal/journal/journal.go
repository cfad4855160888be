// Package journal is the durable record of every paid reply.
//
// A journal is a directory of segments and a lock file. The newest segment,
// journal-00000.jsonl and so on, is a file of JSON lines that is appended to; one
// line is one record:
//
//	{"key":"<64 hex digits>","crc32c":"<8 hex digits>","value":<JSON>}
//
// written exactly so, without other blanks, so that the file can be searched
// with grep and jq and still be read back at speed. The checksum is CRC-32C
// (Castagnoli) over the key's 64 digits followed by the value's bytes; the value
// is a [Reply]. A key that occurs twice has the value of its last record.
//
// A segment that has grown to 256 MiB is sealed: it gets an index beside it,
// journal-00000.jsonl.idx, and a new one is begun. [Compact] rewrites sealed
// segments as journal-00000.jsonl.zst. Opening reads the indexes and only the
// newest segment; an index that is missing, damaged or of another state of its
// segment is made anew.
//
// What the package promises:
//
//   - Once [Journal.Put] has returned nil, the record survives kill -9 and, as far
//     as fsync tells the truth, a power failure.
//   - What was damaged is reported through the logger and never silently dropped:
//     an unfinished last line is cut off, damage elsewhere is skipped and left in
//     the file until [Compact].
//   - No record is returned whose checksum or key is wrong.
//   - One process writes at a time; a second one is refused with the name of the
//     first. Readers ([OpenReader]) work beside it.
//   - Sealing and compacting can be killed at any moment: the next opening
//     finishes or undoes what was begun.
//   - Memory: 44 bytes for a reply in sealed segments, about 100 for one in the
//     newest, and 8 MiB of decompressed text.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"tinyv/internal/durable"
	"tinyv/internal/lock"
)

const (
	// A commit gathers the records that wait for it, up to this many bytes, so
	// that one fsync serves them all and the write buffer stays small.
	commitBytes = 8 << 20

	// A segment of this size is sealed. Larger ones make opening slower (the
	// newest is read), smaller ones make looking up slower (each is searched).
	segmentBytes = 256 << 20

	fileMode = 0o644
)

// ErrClosed is returned by calls on a Journal or Reader that was closed.
var ErrClosed = errors.New("the journal is closed")

// Journal is an open journal. Its methods are safe for use by several
// goroutines at once.
type Journal struct {
	log   *slog.Logger
	lock  *lock.Lock
	limit int64 // segmentBytes, or less in tests

	mu    sync.RWMutex // for what commits change: the list of segments, the open one, the sums
	store *store

	puts    chan *put     // unbuffered: what the writer has taken, it answers
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed by the writer as it ends
	close   func() error

	// The writer's own.
	buf []byte // reused between commits
	err error  // the first disk error; nothing is written after it
}

type put struct {
	key    Key
	line   []byte
	totals Totals
	done   chan error // holds one, so that the writer never waits for a caller that left
}

// Open opens the journal in dir, and makes the directory if it is missing. It
// mends what a killed process left, and reports that and all damage it finds
// through log. It fails if another process (or another Journal of this one) has
// the journal open; the error names that process.
func Open(dir string, log *slog.Logger) (*Journal, error) {
	if log == nil {
		return nil, errors.New("opening a journal: no logger given to report damage to")
	}
	j, err := open(dir, log, segmentBytes)
	if err != nil {
		return nil, fmt.Errorf("opening the journal %q: %w", dir, advise(err))
	}
	go j.write()
	return j, nil
}

// open does all that Open does but start the writer.
func open(dir string, log *slog.Logger, limit int64) (_ *Journal, err error) {
	held, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			held.Release()
		}
	}()
	s, err := openStore(dir, mode{repair: true, log: log})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	j := &Journal{
		log:     log,
		lock:    held,
		limit:   limit,
		store:   s,
		puts:    make(chan *put),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	j.close = sync.OnceValue(j.shut)
	if s.open() == nil {
		if err := j.begin(); err != nil {
			return nil, err
		}
	}
	if err := j.sealFull(); err != nil {
		return nil, err
	}
	return j, nil
}

const lockName = "journal.lock"

func lockDir(dir string) (*lock.Lock, error) {
	if err := durable.MakeDir(dir); err != nil {
		return nil, err
	}
	held, err := lock.Take(filepath.Join(dir, lockName))
	if _, other := errors.AsType[*lock.HeldError](err); other {
		return nil, fmt.Errorf("%w; wait for it to end or name another journal", err)
	}
	return held, err
}

// Len returns the number of keys.
func (j *Journal) Len() int {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.store.keys
}

// Totals returns the sums over all records.
func (j *Journal) Totals() Totals {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.store.totals
}

// Get returns the reply of key, and whether there is one. It is checked against
// its checksum; a record that was damaged since it was indexed is an error.
func (j *Journal) Get(key Key) (Reply, bool, error) {
	select {
	case <-j.closing:
		return Reply{}, false, ErrClosed
	default:
	}
	j.mu.RLock()
	seg, at, ok := j.store.find(key)
	j.mu.RUnlock()
	if !ok {
		return Reply{}, false, nil
	}
	r, err := j.store.reply(seg, key, at)
	if errors.Is(err, os.ErrClosed) {
		return Reply{}, false, ErrClosed // Close came between
	}
	return r, err == nil, err
}

// Put records a reply. It returns nil only once the record is durable. Concurrent
// calls share one fsync. Text that is not valid UTF-8 is made so, and the time is
// kept in UTC.
//
// If ctx ends while Put waits, it returns the context's error, and the record
// may or may not have been kept. After a failed write or fsync the file is cut
// back to its last durable record, if that is possible, and every further Put
// fails with the same error; Get still answers.
func (j *Journal) Put(ctx context.Context, key Key, r Reply) error {
	value, err := r.encode()
	if err != nil {
		return fmt.Errorf("journal record %s: %w", key, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p := &put{
		key:    key,
		line:   appendLine(make([]byte, 0, valueAt+len(value)+len(lineEnd)), key, value),
		totals: totalsOf(r.PromptTokens, r.CompletionTokens, r.CostUSD),
		done:   make(chan error, 1),
	}
	select {
	case j.puts <- p:
	case <-j.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits for the records that were already taken, closes the files and lets
// go of the lock. Calls after the first do nothing more.
func (j *Journal) Close() error { return j.close() }

func (j *Journal) shut() error {
	close(j.closing)
	<-j.stopped
	err := j.store.close()
	j.lock.Release()
	if err != nil {
		return fmt.Errorf("closing the journal: %w", err)
	}
	return nil
}

// write is the one goroutine that writes. Close ends it and waits for it.
func (j *Journal) write() {
	defer close(j.stopped)
	for {
		select {
		case p := <-j.puts:
			j.commit(j.gather(p))
		case <-j.closing:
			return
		}
	}
}

// gather takes what waits besides p, without waiting itself: while one commit
// syncs, the callers of the next line up.
func (j *Journal) gather(p *put) []*put {
	batch := []*put{p}
	for size := len(p.line); size < commitBytes; {
		select {
		case p := <-j.puts:
			batch = append(batch, p)
			size += len(p.line)
		default:
			return batch
		}
	}
	return batch
}

func (j *Journal) commit(batch []*put) {
	if j.err == nil {
		j.fail(j.append(batch))
	}
	for _, p := range batch {
		p.done <- j.err
	}
	if j.err == nil {
		j.fail(j.sealFull()) // these records are durable; the next Put hears of it
	}
}

func (j *Journal) fail(err error) {
	if err == nil {
		return
	}
	j.err = fmt.Errorf("keeping replies in the journal %q: %w", j.store.dir, advise(err))
	j.log.Error("journal: no more replies can be kept", "dir", j.store.dir, "error", err)
}

// advise adds to a disk's error what to do about it.
func advise(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w; free space, run the same command again, it resumes", err)
		}
	}
	if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w; see to the disk, run the same command again, it resumes", err)
	}
	return err
}

func (j *Journal) append(batch []*put) error {
	seg := j.store.open()
	j.buf = j.buf[:0]
	spans := make([]span, len(batch))
	fresh := make([]bool, len(batch)) // not in a sealed segment
	for i, p := range batch {
		spans[i] = span{off: seg.size + int64(len(j.buf)), len: int32(len(p.line))}
		fresh[i] = !j.store.sealedHas(p.key)
		j.buf = append(j.buf, p.line...)
	}
	if _, err := seg.file.WriteAt(j.buf, seg.size); err != nil {
		return cutBack(seg, fmt.Errorf("writing: %w", err))
	}
	// After a failed fsync the kernel may have dropped the pages and forgotten
	// that they were dirty; trying again could "succeed" without them.
	if err := seg.file.Sync(); err != nil {
		return cutBack(seg, fmt.Errorf("making what was written durable: %w", err))
	}
	size := seg.size + int64(len(j.buf))
	if cap(j.buf) > 2*commitBytes {
		j.buf = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	seg.size = size
	for i, p := range batch {
		if _, known := seg.recent[p.key]; !known && fresh[i] {
			j.store.keys++
		}
		seg.take(p.key, spans[i], p.totals)
		j.store.totals.add(p.totals)
	}
	return nil
}

// cutBack removes what is not known to be durable, of which nobody was told that
// it is kept.
func cutBack(seg *segment, err error) error {
	if cut := seg.file.Truncate(seg.size); cut != nil {
		return fmt.Errorf("%w (and cutting off what was half written: %w)", err, cut)
	}
	return err
}

// sealFull seals the open segment if it has grown to the limit, and begins the
// next.
func (j *Journal) sealFull() error {
	open := j.store.open()
	if open.size < j.limit {
		return nil
	}
	sealed := *open // lookups go on in the old one meanwhile
	sealed.seal(nil)
	if err := sealed.writeIndex(); err != nil {
		return fmt.Errorf("sealing %s: %w", sealed.name(), err)
	}
	j.mu.Lock()
	segments := slices.Clone(j.store.segments)
	segments[len(segments)-1] = &sealed
	j.store.segments = segments
	j.mu.Unlock()
	return j.begin()
}

// begin makes a new open segment.
func (j *Journal) begin() error {
	next := &segment{dir: j.store.dir, recent: make(map[Key]span)}
	if n := len(j.store.segments); n > 0 {
		next.number = j.store.segments[n-1].number + 1
	}
	file, err := os.OpenFile(next.path(), os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	if err := durable.SyncDir(next.dir); err != nil {
		return errors.Join(err, file.Close())
	}
	next.file = file
	j.mu.Lock()
	defer j.mu.Unlock()
	j.store.segments = append(slices.Clone(j.store.segments), next)
	return nil
}
