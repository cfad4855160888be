package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// Damage is a stretch of a file that should hold records and does not.
type Damage struct {
	File   string // base name
	Line   int64  // 1-based, of the file's text; 0 = a whole compressed frame, or an index
	Offset int64  // of the stretch in the file's text; in the file itself where Line is 0
	Length int64  // in bytes
	Torn   bool   // the last line of the newest segment, without an end: being written, or left by a killed process
	Begins string // its first 200 characters
	Err    error
}

// Error names the place.
func (d *Damage) Error() string {
	if d.Line == 0 {
		return fmt.Sprintf("%s: %d bytes at offset %d: %v", d.File, d.Length, d.Offset, d.Err)
	}
	return fmt.Sprintf("%s:%d: %d bytes at offset %d: %v", d.File, d.Line, d.Length, d.Offset, d.Err)
}

// Unwrap returns what is wrong.
func (d *Damage) Unwrap() error { return d.Err }

var errNoEnd = errors.New("the last line has no end")

// span is where a line lies in the text of a segment.
type span struct {
	off int64
	len int32
}

// record is one line that was read. Its value is good until the next one.
type record struct {
	key   Key
	value []byte
	at    span
	line  int64
}

// scan is one pass over a segment.
type scan struct {
	segment *segment
	open    bool  // it is the open segment, whose last line may be unfinished
	off     int64 // in the text
	line    int64
	buf     []byte
	torn    int64   // length of the last line of an open segment, if it has no end
	tail    []byte  // that line
	frames  []frame // of a compressed segment, those that were read
}

// records returns every record in file order, with a [*Damage] for what is none.
// Any other error is the last thing yielded.
func (s *scan) records() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		if s.segment.compressed {
			s.compressed(yield)
			return
		}
		size := s.segment.size
		s.text(bufio.NewReaderSize(io.NewSectionReader(s.segment.file, 0, size), int(min(size, 1<<20))), yield)
	}
}

// text reads lines until r ends; false means to stop.
func (s *scan) text(r *bufio.Reader, yield func(record, error) bool) bool {
	for {
		line, n, err := readLine(r, &s.buf)
		if err != nil && err != io.EOF {
			yield(record{}, fmt.Errorf("reading %s: %w", s.segment.name(), err))
			return false
		}
		if n == 0 {
			return true
		}
		s.line++
		at := s.off
		s.off += n
		torn := err == io.EOF && s.open
		var key Key
		var value []byte
		if err == io.EOF {
			err = errNoEnd
		} else {
			key, value, err = parseLine(line)
		}
		if torn {
			s.torn, s.tail = n, line
		}
		rec := record{key: key, value: value, at: span{at, int32(min(n, int64(longest)))}, line: s.line}
		if err != nil {
			err = &Damage{
				File: s.segment.name(), Line: s.line, Offset: at, Length: n, Err: err, Begins: beginning(line), Torn: torn,
			}
			rec = record{}
		}
		if !yield(rec, err) {
			return false
		}
	}
}

// compressed reads frame after frame. Where one is damaged it goes on at the
// next place that looks like the beginning of one.
func (s *scan) compressed(yield func(record, error) bool) {
	decoder, err := newDecoder()
	if err != nil {
		yield(record{}, err)
		return
	}
	defer decoder.Close()
	r := bufio.NewReaderSize(nil, frameText)
	for off := int64(0); off < s.segment.size; {
		text, length, err := decodeFrameAt(decoder, s.segment.file, off, s.segment.size)
		if err != nil {
			next, searched := nextFrame(s.segment.file, off+1, s.segment.size)
			if searched != nil {
				yield(record{}, fmt.Errorf("reading %s: %w", s.segment.name(), searched))
				return
			}
			damage := &Damage{File: s.segment.name(), Offset: off, Length: next - off, Err: fmt.Errorf("compressed frame: %w", err)}
			if !yield(record{}, damage) {
				return
			}
			off = next
			continue
		}
		s.frames = append(s.frames, frame{off: off, len: int32(length), text: s.off, textLen: int32(len(text))})
		off += length
		r.Reset(bytes.NewReader(text))
		if !s.text(r, yield) {
			return
		}
	}
}

func newDecoder() (*zstd.Decoder, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(uint64(longest+frameText)))
	if err != nil {
		return nil, fmt.Errorf("making a zstd decoder: %w", err)
	}
	return d, nil
}

func beginning(line []byte) string {
	const most = 200
	if len(line) > most*utf8.UTFMax {
		line = line[:most*utf8.UTFMax]
	}
	text := []rune(strings.ToValidUTF8(string(line), string(utf8.RuneError)))
	return string(text[:min(len(text), most)])
}
