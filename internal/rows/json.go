package rows

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tinyv/internal/brief"
	"tinyv/internal/durable"
)

// maxLine is the longest JSON line, or element of a JSON array, that is read, in bytes.
const maxLine = 64 << 20

// Magic numbers by which a file shows that it is not what its name says.
const (
	magicGzip    = "\x1f\x8b"
	magicZstd    = "\x28\xb5\x2f\xfd"
	magicParquet = "PAR1"
)

// text is an open file of JSON, decompressed.
type text struct {
	*bufio.Reader
	path  string
	file  *os.File
	close func() // of the decompressor
}

// openText opens a file of JSON and checks that it is what its name says.
func openText(path string, f format) (*text, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", path, durable.Cause(err))
	}
	t := &text{path: path, file: file, close: func() {}}
	if err := t.open(f); err != nil {
		file.Close()
		return nil, err
	}
	return t, nil
}

func (t *text) open(f format) error {
	raw := bufio.NewReaderSize(t.file, 256<<10)
	head, err := raw.Peek(4)
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading %q: %w", t.path, durable.Cause(err))
	}

	is := "text"
	switch magic := string(head); {
	case strings.HasPrefix(magic, magicGzip):
		is = "gzip"
	case magic == magicZstd:
		is = "zstd"
	case magic == magicParquet:
		is = "Parquet"
	case strings.HasPrefix(magic, "\xff\xfe"), strings.HasPrefix(magic, "\xfe\xff"):
		return fmt.Errorf("reading %q: it is UTF-16 text; convert it to UTF-8", t.path)
	}
	want := [...]string{plain: "text", gzipped: "gzip", zstded: "zstd"}[f.cmp]
	switch {
	case is == want:
	case len(head) == 0:
		return fmt.Errorf("reading %q: the file is empty (0 bytes), not even an empty .%s file; %s", t.path, f.ext, again)
	case is == "text" && len(head) < 4:
		return fmt.Errorf("reading %q: the file ends after %d bytes, inside the %s header; %s", t.path, len(head), want, again)
	default:
		return fmt.Errorf("reading %q: its content is %s, but a name in .%s promises %s; rename it to what it is", t.path, is, f.ext, want)
	}

	switch f.cmp {
	case plain:
		t.Reader = raw
	case gzipped:
		gz, err := gzip.NewReader(raw)
		if err != nil {
			return t.failed(err)
		}
		t.close = func() { gz.Close() }
		t.Reader = bufio.NewReaderSize(gz, 256<<10)
	case zstded:
		// One thread and no read-ahead, so that there is no goroutine to wait for.
		zs, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return t.failed(err)
		}
		t.close = zs.Close
		t.Reader = bufio.NewReaderSize(zs, 256<<10)
	}

	// Some Windows programs begin UTF-8 text with a byte order mark.
	if mark, _ := t.Peek(3); string(mark) == "\ufeff" {
		t.Discard(3)
	}
	return nil
}

func (t *text) Close() {
	t.close()
	t.file.Close() // only read: nothing is lost if it fails
}

// failed explains an error of reading the file's bytes.
func (t *text) failed(err error) error { return t.failedAfter("", err) }

// failedAfter is failed that says how far the reader came, as in "after line 3: ".
func (t *text) failedAfter(where string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("reading %q: %sthe file is cut off inside its compressed data; %s (%w)", t.path, where, again, err)
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("reading %q: %s%w", t.path, where, durable.Cause(err))
	}
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return fmt.Errorf("reading %q: %sits zstd window is larger than %s, which would cost as much memory; compress it again without --long", t.path, where, size(zstd.MaxWindowSize))
	}
	return fmt.Errorf("reading %q: %sits compressed data is damaged; copy it or make it again (%w)", t.path, where, err)
}

// scanJSON returns the objects of one file. No line or array element longer
// than limit bytes is read.
func scanJSON(path string, f format, limit int) iter.Seq2[indexed, error] {
	return func(yield func(indexed, error) bool) {
		t, err := openText(path, f)
		if err != nil {
			yield(indexed{}, err)
			return
		}
		defer t.Close()

		if f.enc == encJSON {
			switch c, err := t.peekNonSpace(); {
			case err != nil && err != io.EOF:
				yield(indexed{}, t.failed(err))
				return
			case err == nil && c == '[':
				t.scanArray(limit, yield)
				return
			}
		}
		t.scanLines(limit, yield)
	}
}

// peekNonSpace returns the first byte that is not white space, without taking
// it. It looks at what one read gives: a file that begins with more white space
// than that is read as lines.
func (t *text) peekNonSpace() (byte, error) {
	if _, err := t.Peek(1); err != nil {
		return 0, err
	}
	head, _ := t.Peek(t.Buffered())
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 {
		return 0, io.EOF
	}
	return head[0], nil
}

func (t *text) scanLines(limit int, yield func(indexed, error) bool) {
	var long []byte // a line that does not fit the reader's buffer
	begun := false
	for row := int64(1); ; row++ {
		line, err := t.line(&long, limit)
		if err == io.EOF {
			return
		}
		if err != nil && err != errTooLong {
			yield(indexed{}, t.failedAfter(fmt.Sprintf("after line %d: ", row-1), err))
			return
		}
		if err == nil {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			if !begun && (string(line) == "{" || string(line) == "[") {
				yield(indexed{}, fmt.Errorf("reading %q: line %d is only %q, so the file is one indented JSON value; wanted one JSON object a line, or an array of objects in a .json file", t.path, row, line))
				return
			}
			begun = true
		} else {
			err = fmt.Errorf("the line is longer than %s", size(limit))
		}

		var values map[string]any
		if err == nil {
			values, err = parseObject(line)
		}
		if err != nil {
			err = &RowError{Row: row, Err: err}
		}
		if !yield(indexed{row, values}, err) {
			return
		}
	}
}

func size(bytes int) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

var errTooLong = errors.New("line too long")

// line returns the next line, which is valid until the next call. Of a line
// longer than limit it returns errTooLong, having passed over it. A last line
// needs no newline; after it comes io.EOF.
func (t *text) line(long *[]byte, limit int) ([]byte, error) {
	part, err := t.ReadSlice('\n')
	if err == nil || err == io.EOF && len(part) > 0 {
		if len(part) > limit+1 {
			return nil, errTooLong
		}
		return part, nil
	}
	if err != bufio.ErrBufferFull {
		return nil, err
	}

	buf := (*long)[:0]
	tooLong := false
	for {
		if tooLong = tooLong || len(buf)+len(part) > limit+1; !tooLong {
			buf = append(buf, part...)
		}
		if err != bufio.ErrBufferFull {
			break
		}
		part, err = t.ReadSlice('\n')
	}
	*long = buf
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case tooLong:
		*long = nil // do not hold the memory of a line that nobody gets
		return nil, errTooLong
	}
	return buf, nil
}

// metered fails once more than left bytes were read through it.
type metered struct {
	r    io.Reader
	left int
}

func (m *metered) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errTooLong
	}
	n, err := m.r.Read(p)
	m.left -= n
	return n, err
}

func (t *text) scanArray(limit int, yield func(indexed, error) bool) {
	meter := &metered{r: t.Reader, left: limit}
	dec := json.NewDecoder(meter)
	row := int64(0)
	fatal := func(err error) {
		where := fmt.Errorf("after element %d of the array: %w", row, err)
		_, syntax := errors.AsType[*json.SyntaxError](err)
		switch {
		case errors.Is(err, errTooLong):
			yield(indexed{}, fmt.Errorf("reading %q: element %d of the array is longer than %s", t.path, row+1, size(limit)))
		case syntax:
			hint := ""
			if c := err.Error(); strings.HasPrefix(c, "invalid character 'N'") || strings.HasPrefix(c, "invalid character 'I'") {
				hint = "; if it is NaN or Infinity, which JSON does not have, write null"
			}
			yield(indexed{}, fmt.Errorf("reading %q: not JSON %w%s", t.path, where, hint))
		case err == io.EOF, err == io.ErrUnexpectedEOF:
			yield(indexed{}, fmt.Errorf("reading %q: the file is cut off, the JSON array is not closed %w; %s", t.path, where, again))
		default:
			yield(indexed{}, t.failedAfter(fmt.Sprintf("after element %d of the array: ", row), err))
		}
	}

	if _, err := dec.Token(); err != nil { // the '[' that was seen
		fatal(err)
		return
	}
	for dec.More() {
		var element json.RawMessage
		if err := dec.Decode(&element); err != nil {
			fatal(err)
			return
		}
		row++
		// The decoder reads ahead, but only when it needs to, so the next
		// element costs at most its own length.
		meter.left = limit
		values, err := parseObject(element)
		if err != nil {
			err = &RowError{Row: row, Err: err}
		}
		if !yield(indexed{row, values}, err) {
			return
		}
	}
	if _, err := dec.Token(); err != nil { // ']', or why there is no more
		fatal(err)
		return
	}
	if _, err := dec.Token(); err != io.EOF {
		if err == nil {
			err = errors.New("there is more text after the array")
		}
		yield(indexed{}, fmt.Errorf("reading %q: after element %d of the array: %w", t.path, row, err))
	}
}

// parseObject parses one JSON object, with its numbers as json.Number. Where
// encoding/json would put a replacement character for bytes that are not UTF-8
// or for half a surrogate pair, it returns an error: a changed answer is a
// wrong answer.
func parseObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not valid UTF-8 at byte %d", invalidAt(string(data))+1)
	}
	if at := halfSurrogate(data); at >= 0 {
		return nil, fmt.Errorf("the escape %s at byte %d is half a surrogate pair, which is no character", data[at:at+6], at+1)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, jsonError(err, data)
	}
	if rest := bytes.TrimSpace(data[dec.InputOffset():]); len(rest) > 0 {
		return nil, fmt.Errorf("there is more text after the JSON value, at byte %d", len(data)-len(rest)+1)
	}
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case nil:
		return nil, errors.New("the JSON value is null, wanted an object")
	default:
		return nil, fmt.Errorf("the JSON value is %s, wanted an object", describe(v))
	}
}

func jsonError(err error, data []byte) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not JSON: it ends in the middle")
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at := min(max(0, int(e.Offset)-1), len(data))
		if at > 0 && data[at-1] == '-' {
			at-- // the fault of -Infinity is its I
		}
		for _, name := range [...]string{"NaN", "Infinity", "-Infinity"} {
			if bytes.HasPrefix(data[at:], []byte(name)) {
				return fmt.Errorf("not JSON: %s at byte %d, which JSON does not have; write null", name, at+1)
			}
		}
		return fmt.Errorf("not JSON: %w at byte %d", e, e.Offset)
	}
	return fmt.Errorf("not JSON: %w", err)
}

// describe names the kind of a value, for error messages.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return "a number"
}

// invalidAt returns where s stops being UTF-8, or -1.
func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

// halfSurrogate returns where a \u escape stands for a surrogate without its
// other half, or -1. Outside strings a backslash is a syntax error anyway.
func halfSurrogate(data []byte) int {
	unit := func(at int) (rune, bool) {
		if at+6 > len(data) || data[at] != '\\' || data[at+1] != 'u' {
			return 0, false
		}
		u, err := strconv.ParseUint(string(data[at+2:at+6]), 16, 16)
		return rune(u), err == nil && u >= 0xd800 && u <= 0xdfff
	}
	for i := 0; i < len(data); {
		next := bytes.IndexByte(data[i:], '\\')
		if next < 0 {
			return -1
		}
		i += next
		u, surrogate := unit(i)
		if !surrogate {
			i += 2
			continue
		}
		low, ok := unit(i + 6)
		if u >= 0xdc00 || !ok || low < 0xdc00 {
			return i
		}
		i += 12
	}
	return -1
}

// numbers turns every json.Number in an object into int64, float64 or, for an
// integer beyond int64, a string of its digits.
func numbers(object map[string]any) error {
	for name, v := range object {
		w, err := number(v)
		if err != nil {
			return fmt.Errorf("column %q: %w", name, err)
		}
		object[name] = w
	}
	return nil
}

// number does the same for one value. Objects and lists change in place.
func number(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") {
			if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
				return i, nil
			}
			return string(v), nil
		}
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, fmt.Errorf("the number %s is out of range", brief.Of(string(v), 40))
		}
		return f, nil
	case map[string]any:
		return v, numbers(v)
	case []any:
		for i, element := range v {
			w, err := number(element)
			if err != nil {
				return nil, err
			}
			v[i] = w
		}
	}
	return v, nil
}
