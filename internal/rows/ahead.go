package rows

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/parquet-go/parquet-go"
)

const (
	// A batch of rows ends at whichever comes first. The second bounds memory.
	rowsAhead  = 512
	bytesAhead = 2 << 20

	batchesAhead = 2 // that wait for who reads them

	decoders = 4 // goroutines, at most, that decode the columns of a batch
)

// batch are rows of one file that follow one another.
type batch[T any] struct {
	rows []T
	err  error // what comes after them instead of a row
}

// readParquet yields the rows of one file. It returns false if there are no more
// rows to read, because of an error or because it was told to stop.
//
// A goroutine decodes the next rows while the caller has the last ones. It has
// ended when readParquet returns.
func readParquet[T any](path string, row *shape, yield func(T, error) bool) bool {
	var none T
	p, err := openParquet(path)
	if err != nil {
		yield(none, err)
		return false
	}
	defer p.file.Close()
	if err := row.check(p.columns); err != nil {
		yield(none, fmt.Errorf("reading %q: %w", path, err))
		return false
	}

	d := decoder[T]{
		file: p, columns: membersOf(row, p.columns),
		full: make(chan batch[T], batchesAhead), spent: make(chan []T, batchesAhead+2), stop: make(chan struct{}),
	}
	for i := range d.columns {
		d.order = append(d.order, i)
	}
	slices.SortStableFunc(d.order, func(i, j int) int { return len(d.columns[j].leaves) - len(d.columns[i].leaves) })
	var decoding sync.WaitGroup
	defer decoding.Wait()
	defer close(d.stop)
	decoding.Go(d.run)

	for b := range d.full {
		for i := range b.rows {
			if !yield(b.rows[i], nil) {
				return false
			}
		}
		if b.err != nil {
			yield(none, b.err)
			return false
		}
		d.spent <- b.rows
	}
	return true
}

// decoder decodes a file batch by batch.
type decoder[T any] struct {
	file    *parquetFile
	columns []member
	order   []int // of the columns, by work: the most first
	full    chan batch[T]
	spent   chan []T // rows that were read, for others; it never fills
	stop    chan struct{}
	row     int64 // how many were decoded
}

func (d *decoder[T]) run() {
	defer close(d.full)
	for i, group := range d.file.parquet.RowGroups() {
		meta := &d.file.parquet.Metadata().RowGroups[i]
		if isEmpty(meta) {
			continue
		}
		size := min(rowsAhead, max(1, bytesAhead*group.NumRows()/max(1, meta.TotalByteSize)))
		more, err := d.group(group, size)
		if err != nil {
			d.pass(batch[T]{err: fmt.Errorf("reading %q: after row %d: %w", d.file.path, d.row, err)})
			return
		}
		if !more {
			return
		}
	}
}

// pass hands a batch on. It returns false if nobody wants it, or what would
// come after it.
func (d *decoder[T]) pass(b batch[T]) bool {
	select {
	case d.full <- b:
		return b.err == nil
	case <-d.stop:
		return false
	}
}

// group decodes a row group. It returns false if there is nothing to do after it.
func (d *decoder[T]) group(group parquet.RowGroup, size int64) (more bool, err error) {
	defer func() {
		for _, m := range d.columns {
			err = errors.Join(err, guard(m.close))
		}
	}()
	if err := guard(func() error {
		for _, m := range d.columns {
			m.open(group.ColumnChunks())
		}
		return nil
	}); err != nil {
		return false, err
	}
	for left := group.NumRows(); left > 0; {
		n := min(size, left)
		b := d.batch(int(n))
		if !d.pass(b) {
			return false, nil
		}
		left -= n
	}
	return true, guard(func() error {
		for _, m := range d.columns {
			if err := m.end(); err != nil {
				return damaged(fmt.Errorf("column %q: %w", m.name, err))
			}
		}
		return nil
	})
}

// batch decodes n rows. If one of them cannot be read, the batch has those
// before it.
func (d *decoder[T]) batch(n int) batch[T] {
	var rows []T
	select {
	case rows = <-d.spent:
		rows = rows[:cap(rows)]
		clear(rows)
	default:
	}
	if len(rows) < n {
		rows = make([]T, n)
	}
	rows = rows[:n]

	faults := d.decode(rows)
	var fault error
	for i, f := range faults {
		if f.err != nil && (fault == nil || f.row < len(rows)) {
			rows, fault = rows[:f.row], faults[i].err
		}
	}
	d.row += int64(len(rows))
	if fault == nil {
		return batch[T]{rows: rows}
	}
	if m, ok := fault.(*misfit); ok {
		return batch[T]{rows, fmt.Errorf("reading %q: row %d: %w", d.file.path, d.row+1, m)}
	}
	return batch[T]{rows, fmt.Errorf("reading %q: after row %d: %w", d.file.path, d.row, fault)}
}

// decode sets the fields of rows, which are zero, and returns for each the row at
// which that failed. Idle processors share the work, field by field.
func (d *decoder[T]) decode(rows []T) []fieldFault {
	faults := make([]fieldFault, len(d.columns))
	var begun atomic.Int32
	work := func() {
		for {
			i := int(begun.Add(1)) - 1
			if i >= len(d.columns) {
				return
			}
			m, f := &d.columns[d.order[i]], &faults[d.order[i]]
			f.row, f.err = m.readRows(unsafe.Pointer(unsafe.SliceData(rows)), unsafe.Sizeof(rows[0]), len(rows))
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), decoders, len(d.columns)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return faults
}

// fieldFault is why a field could not be set, and in which row of a batch.
type fieldFault struct {
	row int
	err error
}
