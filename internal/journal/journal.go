// Package journal is the durable record of every paid reply.
//
// A journal is a directory with one append-only file of JSON lines,
// journal-00000.jsonl, and a lock file. One line is one record:
//
//	{"key":"<64 hex digits>","crc32c":"<8 hex digits>","value":<JSON>}
//
// written exactly so, without other blanks, so that the file can be searched
// with grep and jq and still be read back at speed. The checksum is CRC-32C
// (Castagnoli) over the key's 64 digits followed by the value's bytes. A key
// that occurs twice has the value of its last record.
//
// What the package promises: once [Journal.Put] has returned nil, the record
// survives kill -9 and, as far as fsync tells the truth, a power failure. What
// was damaged is reported through the logger and never silently dropped: an
// unfinished last line is cut off, damage before the last line is skipped and
// left in the file. One process writes at a time; a second one is refused with
// the name of the first.
//
// It does not delete, compact, or serve readers beside the writer.
package journal

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"unicode/utf8"
)

const (
	fileName = "journal-00000.jsonl"

	// MaxValue is the size of the largest value that Put takes, in bytes. It
	// bounds what one damaged line can make Open hold in memory.
	MaxValue = 256 << 20

	// A commit gathers the records that wait for it, up to this many bytes, so
	// that one fsync serves them all and the write buffer stays small.
	commitBytes = 8 << 20

	linePrefix = `{"key":"`
	lineCRC    = `","crc32c":"`
	lineValue  = `","value":`
	lineEnd    = "}\n"

	keyAt     = len(linePrefix)
	crcAt     = keyAt + 2*len(Key{}) + len(lineCRC)
	valueAt   = crcAt + 2*crc32.Size + len(lineValue)
	shortest  = valueAt + 1 + len(lineEnd) // a value has at least one byte
	longest   = valueAt + MaxValue + len(lineEnd)
	fileMode  = 0o644
	dirMode   = 0o755
	reportMax = 20 // damaged lines named one by one
)

// ErrClosed is returned by calls on a Journal that was closed.
var ErrClosed = errors.New("the journal is closed")

// Key names a record. It is a SHA-256 of what was asked; the journal does not
// look into it.
type Key [32]byte

// String returns the key as the file has it, 64 lower-case hex digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// span is where a value lies in the file.
type span struct {
	off int64
	len int32
}

// Journal is an open journal. Its methods are safe for use by several
// goroutines at once.
type Journal struct {
	log  *slog.Logger
	file *os.File
	lock *os.File

	mu    sync.RWMutex
	index map[Key]span

	puts    chan *put     // unbuffered: what the writer has taken, it answers
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed by the writer as it ends
	close   func() error

	// The writer's own.
	size int64  // of the file; all records before it are whole
	buf  []byte // reused between commits
	err  error  // the first disk error; nothing is written after it
}

type put struct {
	key   Key
	value []byte
	done  chan error // holds one, so that the writer never waits for a caller that left
}

// Open opens the journal in dir, and makes the directory if it is missing. It
// reads the file once, to build the index and to find damage, which it reports
// through log. It fails if another process (or another Journal of this one)
// has the journal open; the error names that process.
//
// The index takes about 100 bytes of memory for each record; values stay in
// the file.
func Open(dir string, log *slog.Logger) (*Journal, error) {
	if log == nil {
		return nil, errors.New("opening a journal: no logger given to report damage to")
	}
	j, err := open(dir, log)
	if err != nil {
		return nil, fmt.Errorf("opening the journal %q: %w", dir, err)
	}
	go j.write()
	return j, nil
}

func open(dir string, log *slog.Logger) (_ *Journal, err error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	lock, err := acquire(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			release(lock)
		}
	}()
	file, err := os.OpenFile(filepath.Join(dir, fileName), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	j := &Journal{
		log:     log,
		file:    file,
		lock:    lock,
		index:   make(map[Key]span),
		puts:    make(chan *put),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	j.close = sync.OnceValue(j.shut)
	if err := j.load(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", fileName, err)
	}
	return j, nil
}

// Len returns the number of keys.
func (j *Journal) Len() int {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return len(j.index)
}

// Get returns the value of key, and whether there is one. The value is checked
// against its checksum; a record that was damaged since Open is an error.
func (j *Journal) Get(key Key) ([]byte, bool, error) {
	select {
	case <-j.closing:
		return nil, false, ErrClosed
	default:
	}
	j.mu.RLock()
	at, ok := j.index[key]
	j.mu.RUnlock()
	if !ok {
		return nil, false, nil
	}
	line := make([]byte, valueAt+int(at.len)+len(lineEnd))
	if _, err := j.file.ReadAt(line, at.off-int64(valueAt)); err != nil {
		return nil, false, fmt.Errorf("reading the journal's record %s: %w", key, err)
	}
	got, value, err := parseLine(line)
	if err != nil {
		return nil, false, fmt.Errorf("reading the journal's record %s: %w", key, err)
	}
	if got != key {
		return nil, false, fmt.Errorf("reading the journal's record %s: found %s in its place", key, got)
	}
	return value, true, nil
}

// Put records a value, which must be JSON on one line, in valid UTF-8, of at
// most [MaxValue] bytes; it is kept to the letter. Put returns nil only once
// the record is durable. Concurrent calls share one fsync.
//
// If ctx ends while Put waits, it returns the context's error, and the record
// may or may not have been kept. After a disk error the file is cut back to its
// last whole record and every further Put fails; Get still answers.
func (j *Journal) Put(ctx context.Context, key Key, value []byte) error {
	if err := checkValue(value); err != nil {
		return fmt.Errorf("journal record %s: %w", key, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p := &put{key: key, value: value, done: make(chan error, 1)}
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

func checkValue(value []byte) error {
	switch {
	case len(value) > MaxValue:
		return fmt.Errorf("value of %d bytes is longer than %d", len(value), MaxValue)
	case !json.Valid(value):
		return errors.New("value is not JSON")
	case !utf8.Valid(value):
		return errors.New("value is not valid UTF-8")
	}
	for _, b := range value {
		if b == '\n' || b == '\r' {
			return errors.New("value is more than one line")
		}
	}
	return nil
}

// Close waits for the records that were already taken, closes the file and lets
// go of the lock. Calls after the first do nothing more.
func (j *Journal) Close() error { return j.close() }

func (j *Journal) shut() error {
	close(j.closing)
	<-j.stopped
	err := j.file.Close()
	release(j.lock)
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
	for size := len(p.value); size < commitBytes; {
		select {
		case p := <-j.puts:
			batch = append(batch, p)
			size += len(p.value)
		default:
			return batch
		}
	}
	return batch
}

func (j *Journal) commit(batch []*put) {
	if j.err == nil {
		j.err = j.append(batch)
		if j.err != nil {
			j.log.Error("journal: no more replies can be kept", "file", j.file.Name(), "error", j.err)
		}
	}
	for _, p := range batch {
		p.done <- j.err
	}
}

func (j *Journal) append(batch []*put) error {
	j.buf = j.buf[:0]
	spans := make([]span, len(batch))
	for i, p := range batch {
		spans[i] = span{off: j.size + int64(len(j.buf)+valueAt), len: int32(len(p.value))}
		j.buf = appendLine(j.buf, p.key, p.value)
	}
	if _, err := j.file.WriteAt(j.buf, j.size); err != nil {
		err = fmt.Errorf("writing to the journal: %w", err)
		if cut := j.file.Truncate(j.size); cut != nil {
			err = fmt.Errorf("%w (and cutting off what was half written: %w)", err, cut)
		}
		return err
	}
	// After a failed fsync the kernel may have dropped the pages and forgotten
	// that they were dirty; trying again could "succeed" without them.
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("making the journal durable: %w", err)
	}
	j.size += int64(len(j.buf))
	if cap(j.buf) > commitBytes {
		j.buf = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, p := range batch {
		j.index[p.key] = spans[i]
	}
	return nil
}

// load reads the file into the index, cuts off an unfinished last line and
// reports damage before it.
func (j *Journal) load() error {
	r := bufio.NewReaderSize(j.file, 1<<20)
	var (
		line    []byte
		lineNo  int
		damaged int
		lines   []int // the first few damaged ones
		reason  error // of the first damage
	)
	for {
		var n int64
		var err error
		line, n, err = readLine(r, line[:0])
		if err == io.EOF {
			if n > 0 {
				if err := j.mend(line, n); err != nil {
					return err
				}
			}
			break
		}
		if err != nil {
			return err
		}
		lineNo++
		key, value, err := parseLine(line)
		if err != nil {
			damaged++
			if len(lines) < reportMax {
				lines = append(lines, lineNo)
			}
			if reason == nil {
				reason = err
			}
		} else {
			j.index[key] = span{off: j.size + int64(valueAt), len: int32(len(value))}
		}
		j.size += n
	}
	if damaged > 0 {
		j.log.Warn("journal: damaged records are skipped and left in the file; what they held will be asked again",
			"file", j.file.Name(), "damaged", damaged, "lines", lines, "first", reason)
	}
	return nil
}

// mend deals with a last line of n bytes that does not end: it was being
// written when the process died. A record that lacks nothing but the line's end
// is kept; anything less is cut off.
func (j *Journal) mend(line []byte, n int64) error {
	if key, value, err := parseLine(append(line, '\n')); err == nil {
		if _, err := j.file.WriteAt([]byte{'\n'}, j.size+n); err != nil {
			return fmt.Errorf("ending the last line: %w", err)
		}
		j.index[key] = span{off: j.size + int64(valueAt), len: int32(len(value))}
		j.size += n + 1
		j.log.Warn("journal: the last record was whole but its line had no end; it is kept", "file", j.file.Name())
	} else {
		if err := j.file.Truncate(j.size); err != nil {
			return fmt.Errorf("cutting off the torn tail: %w", err)
		}
		j.log.Warn("journal: the file ended in the middle of a record; the torn tail is cut off",
			"file", j.file.Name(), "bytes_cut", n, "size", j.size)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("making the repair durable: %w", err)
	}
	return nil
}

// readLine reads a line and its end, and returns it and the bytes that it took
// in the file. A line that is too long to be a record comes back cut short,
// which parseLine then refuses. io.EOF means that the line has no end.
func readLine(r *bufio.Reader, line []byte) ([]byte, int64, error) {
	var n int64
	for {
		piece, err := r.ReadSlice('\n')
		n += int64(len(piece))
		if len(line) <= longest {
			line = append(line, piece...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		return line, n, err
	}
}

func appendLine(b []byte, key Key, value []byte) []byte {
	b = append(b, linePrefix...)
	start := len(b)
	b = hex.AppendEncode(b, key[:])
	sum := checksum(b[start:], value)
	b = append(b, lineCRC...)
	b = hex.AppendEncode(b, binary.BigEndian.AppendUint32(nil, sum))
	b = append(b, lineValue...)
	b = append(b, value...)
	return append(b, lineEnd...)
}

// parseLine takes a line apart. The checksum vouches for the value, so its JSON
// is not parsed again.
func parseLine(line []byte) (key Key, value []byte, err error) {
	if len(line) < shortest || len(line) > longest ||
		string(line[:keyAt]) != linePrefix ||
		string(line[crcAt-len(lineCRC):crcAt]) != lineCRC ||
		string(line[valueAt-len(lineValue):valueAt]) != lineValue ||
		string(line[len(line)-len(lineEnd):]) != lineEnd {
		return Key{}, nil, errors.New("not a record")
	}
	digits := line[keyAt : keyAt+2*len(key)]
	if _, err := hex.Decode(key[:], digits); err != nil {
		return Key{}, nil, fmt.Errorf("key: %w", err)
	}
	var sum [crc32.Size]byte
	if _, err := hex.Decode(sum[:], line[crcAt:crcAt+2*len(sum)]); err != nil {
		return Key{}, nil, fmt.Errorf("checksum: %w", err)
	}
	value = line[valueAt : len(line)-len(lineEnd)]
	if want, got := binary.BigEndian.Uint32(sum[:]), checksum(digits, value); got != want {
		return Key{}, nil, fmt.Errorf("checksum is %08x, the record says %08x", got, want)
	}
	return key, value, nil
}

func checksum(digits, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // made once by the standard library
	return crc32.Update(crc32.Checksum(digits, table), table, value)
}

// makeDir makes dir and its missing parents, and makes the new names durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("making the directory %q durable: %w", dir, err)
	}
	return nil
}
