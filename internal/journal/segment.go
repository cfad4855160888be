package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tinyv/internal/durable"
)

const (
	namePrefix   = "journal-"
	plainSuffix  = ".jsonl"
	packedSuffix = ".jsonl.zst"
	indexSuffix  = ".idx"
)

// segment is one file of records. The newest one is open: it is appended to and
// its records are in recent. All others are sealed and have an index.
type segment struct {
	dir        string
	number     int
	compressed bool
	file       *os.File
	size       int64 // of the file; of an open segment, what is durable

	recent map[Key]span // of the open segment, else nil
	index  *index       // of a sealed segment, else nil
	totals Totals

	torn       int64 // length of an unfinished last line, which is not in size; a reader leaves it alone
	tornBegins string
	damaged    int64 // stretches found when the segment was read
	indexFault error // why the index file cannot be used, or nil
}

func segmentName(number int, compressed bool) string {
	if compressed {
		return fmt.Sprintf("%s%05d%s", namePrefix, number, packedSuffix)
	}
	return fmt.Sprintf("%s%05d%s", namePrefix, number, plainSuffix)
}

func (s *segment) name() string      { return segmentName(s.number, s.compressed) }
func (s *segment) path() string      { return filepath.Join(s.dir, s.name()) }
func (s *segment) indexPath() string { return s.path() + indexSuffix }

// parseName takes the name of a segment apart.
func parseName(name string) (number int, compressed, ok bool) {
	digits, ok := strings.CutPrefix(name, namePrefix)
	if !ok {
		return 0, false, false
	}
	digits, compressed = strings.CutSuffix(digits, packedSuffix)
	if !compressed {
		if digits, ok = strings.CutSuffix(digits, plainSuffix); !ok {
			return 0, false, false
		}
	}
	number, err := strconv.Atoi(digits)
	return number, compressed, err == nil && number >= 0 && segmentName(number, compressed) == name
}

func (s *segment) find(key Key) (span, bool) {
	if s.index != nil {
		return s.index.find(key)
	}
	at, ok := s.recent[key]
	return at, ok
}

// value reads the value of a record and checks it.
func (s *segment) value(key Key, at span, cache *frameCache) ([]byte, error) {
	line, err := s.line(at, cache)
	if err != nil {
		return nil, err
	}
	got, value, err := parseLine(line)
	if err != nil {
		return nil, err
	}
	if got != key {
		return nil, fmt.Errorf("found record %s in its place", got)
	}
	return value, nil
}

func (s *segment) line(at span, cache *frameCache) ([]byte, error) {
	if at.len < int32(shortest) || at.len > int32(longest) {
		return nil, fmt.Errorf("the index has a line of %d bytes", at.len)
	}
	if !s.compressed {
		line := make([]byte, at.len)
		_, err := s.file.ReadAt(line, at.off)
		return line, err
	}
	f, ok := s.index.frameOf(at.off)
	if !ok {
		return nil, fmt.Errorf("the index has no frame for byte %d", at.off)
	}
	text, err := cache.text(s.file, f)
	if err != nil {
		return nil, err
	}
	from := at.off - f.text
	if from+int64(at.len) > int64(len(text)) {
		return nil, fmt.Errorf("the index has a line at byte %d of %d", from, len(text))
	}
	return text[from : from+int64(at.len)], nil
}

// readIndex takes the index from its file. It fails if that is missing, damaged,
// or of another state of the segment.
func (s *segment) readIndex() error {
	data, err := os.ReadFile(s.indexPath())
	if err != nil {
		return err
	}
	x, err := parseIndex(data)
	if err != nil {
		return err
	}
	if x.head.Segment != s.name() || x.head.Size != s.size {
		return fmt.Errorf("it is of %s with %d bytes, and %s has %d", x.head.Segment, x.head.Size, s.name(), s.size)
	}
	s.index, s.totals = x, x.head.Totals
	return nil
}

// seal gives the segment its index.
func (s *segment) seal(frames []frame) {
	s.index = newIndex(s.name(), s.size, s.recent, frames, s.totals)
	s.recent = nil
}

func (s *segment) writeIndex() error {
	data, err := s.index.encode()
	if err != nil {
		return err
	}
	return durable.WriteFile(s.indexPath(), data)
}

// take adds a record that was read or written.
func (s *segment) take(key Key, at span, totals Totals) {
	s.recent[key] = at
	s.totals.add(totals)
}
