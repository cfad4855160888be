package rows

import (
	"encoding/json"
	"io"
	"reflect"
	"unsafe"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	bytesPerBlock = bytesPerWrite // of lines, before they are compressed and written
	blocksBehind  = 4             // that wait for it
)

// lines writes rows as JSON lines.
type lines[T any] struct {
	encoder *encoder      // nil for row types that it does not know
	other   *json.Encoder // for those
	block   []byte
	behind  *behind[[]byte]
	zip     io.WriteCloser // nil for plain lines
}

func newLines[T any](out io.Writer, c compression) (*lines[T], error) {
	l := &lines[T]{encoder: encoderOf(reflect.TypeFor[T]())}
	switch c {
	case gzipped:
		l.zip = gzip.NewWriter(out)
		out = l.zip
	case zstded:
		// One thread: no other goroutine to wait for, and the same bytes every time.
		// A set without rows still gets a zstd frame.
		zip, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
		if err != nil {
			return nil, err
		}
		l.zip = zip
		out = l.zip
	}
	l.other = json.NewEncoder(l)
	l.other.SetEscapeHTML(false)
	l.behind = startBehind(blocksBehind, func(block *[]byte) error {
		_, err := out.Write(*block)
		*block = (*block)[:0]
		return err
	})
	return l, nil
}

// Write takes what encoding/json has made of a row.
func (l *lines[T]) Write(line []byte) (int, error) {
	l.block = append(l.block, line...)
	return len(line), nil
}

func (l *lines[T]) write(row *T) error {
	if err := l.encode(row); err != nil {
		return err
	}
	if len(l.block) < bytesPerBlock {
		return nil
	}
	var err error
	l.block, err = l.behind.add(l.block)
	return err
}

func (l *lines[T]) encode(row *T) error {
	if l.encoder == nil {
		fillLists(reflect.ValueOf(row).Elem())
		return l.other.Encode(row)
	}
	line, err := l.encoder.append(l.block, unsafe.Pointer(row))
	if err != nil {
		return err
	}
	l.block = append(line, '\n')
	return nil
}

// fillLists makes the nil lists of a row empty, so that JSON has [] for both;
// Parquet has one form for them anyway.
func fillLists(row reflect.Value) {
	for i := range row.NumField() {
		if f := row.Field(i); f.Kind() == reflect.Slice && f.IsNil() && f.CanSet() {
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		}
	}
}

func (l *lines[T]) close() error {
	if _, err := l.behind.add(l.block); err != nil {
		return err
	}
	if err := l.behind.finish(); err != nil {
		return err
	}
	if l.zip == nil {
		return nil
	}
	return l.zip.Close()
}
