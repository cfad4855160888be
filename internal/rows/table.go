package rows

import (
	"fmt"
	"io"
	"reflect"
	"unsafe"

	"github.com/parquet-go/parquet-go"
	pzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

const (
	// A Parquet row group ends at whichever comes first. It bounds the memory of
	// the writer; a reply may have 5 MB.
	rowsPerGroup  = 64 << 10
	bytesPerGroup = 32 << 20 // of text

	// Rows gathered before Parquet takes them. It bounds the size of a page.
	rowsPerBatch  = 64
	bytesPerBatch = 1 << 20

	batchesBehind = 8 // that wait for Parquet to take them
)

// table writes Parquet: zstd, with row groups and pages bounded by their text.
type table[T any] struct {
	w        *parquet.GenericWriter[T]
	textSize *textSize
	gathered tableBatch[T]
	behind   *behind[tableBatch[T]]

	groupRows  int // of the goroutine behind
	groupBytes int
}

type tableBatch[T any] struct {
	rows  []T
	bytes int // of text
}

func newTable[T any](out io.Writer) (*table[T], error) {
	t := &table[T]{textSize: textSizeOf(reflect.TypeFor[T]())}
	if err := guardType(func() {
		schema := parquet.SchemaOf(new(T))
		options := []parquet.WriterOption{schema, parquet.Compression(&pzstd.Codec{Level: levelOf[T]()})}
		// Smallest and largest values serve searches. Of texts they would repeat
		// whole replies in each page's header and in the footer.
		for _, path := range schema.Columns() {
			if leaf, _ := schema.Lookup(path...); leaf.Node.Type().Kind() == parquet.ByteArray {
				options = append(options, parquet.SkipPageBounds(path...), parquet.SkipPageStatistics(path...))
			}
		}
		t.w = parquet.NewGenericWriter[T](out, options...)
	}); err != nil {
		return nil, err
	}
	t.behind = startBehind(batchesBehind, t.take)
	return t, nil
}

// levelOf is how hard rows of a type are compressed. Examples are made anew in
// seconds, of annotations that stay, and are written twice: a tenth more bytes for
// half the time is a good price. What replies are in is kept for long.
func levelOf[T any]() pzstd.Level {
	if _, ok := any(*new(T)).(Example); ok {
		return pzstd.SpeedFastest
	}
	return pzstd.SpeedDefault
}

// guardType calls f, and makes an error of the library's panic over a row type
// that it cannot write.
func guardType(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("row type: %v", r)
		}
	}()
	f()
	return nil
}

func (t *table[T]) write(row *T) error {
	b := &t.gathered
	b.rows = append(b.rows, *row)
	if t.textSize != nil {
		b.bytes += t.textSize.of(unsafe.Pointer(row))
	}
	if len(b.rows) < rowsPerBatch && b.bytes < bytesPerBatch {
		return nil
	}
	var err error
	t.gathered, err = t.behind.add(t.gathered)
	return err
}

// take writes a batch, and the row group if that is full, and leaves the batch empty.
func (t *table[T]) take(b *tableBatch[T]) error {
	if _, err := t.w.Write(b.rows); err != nil {
		return err
	}
	t.groupRows += len(b.rows)
	t.groupBytes += b.bytes
	clear(b.rows)
	b.rows, b.bytes = b.rows[:0], 0
	if t.groupRows < rowsPerGroup && t.groupBytes < bytesPerGroup {
		return nil
	}
	t.groupRows, t.groupBytes = 0, 0
	return t.w.Flush()
}

func (t *table[T]) close() error {
	if len(t.gathered.rows) > 0 {
		if _, err := t.behind.add(t.gathered); err != nil {
			return err
		}
	}
	if err := t.behind.finish(); err != nil {
		return err
	}
	return t.w.Close()
}
