package rows

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// leaf reads one leaf column of a row group, value by value in the order of its
// rows. A page is decoded when its first value is asked for.
type leaf struct {
	column *column
	pages  parquet.Pages
	page   parquet.Page

	values     int    // of the page, nulls counted
	at         int    // the next of them
	reps, defs []byte // their levels; empty if the column has none

	stored  int     // the next value that is not null, of those below
	indexes []int32 // where the values are in a dictionary, which then is below
	bools   []byte  // a bit each
	int32s  []int32
	int64s  []int64
	doubles []float64
	bytes   []byte
	ends    []uint32 // of byte arrays: offsets of the first and of the end of each
	width   int      // of byte arrays of one length, which have no ends

	texts texts
	spare spare
}

// open begins the column in a row group.
func (l *leaf) open(chunk parquet.ColumnChunk) {
	l.pages, l.values, l.at = chunk.Pages(), 0, 0
}

func (l *leaf) close() error {
	if l.pages == nil {
		return nil
	}
	parquet.Release(l.page)
	pages := l.pages
	l.pages, l.page = nil, nil
	return pages.Close()
}

// more reports whether the row group has another value of the column.
func (l *leaf) more() (bool, error) {
	for l.at == l.values {
		parquet.Release(l.page)
		l.page, l.values, l.at = nil, 0, 0
		page, err := l.pages.ReadPage()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		l.page = page
		if err := l.turn(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// turn begins a page.
func (l *leaf) turn() error {
	l.values, l.stored = int(l.page.NumValues()), 0
	l.reps, l.defs = l.page.RepetitionLevels(), l.page.DefinitionLevels()
	if len(l.reps) != 0 && len(l.reps) != l.values || len(l.defs) != 0 && len(l.defs) != l.values {
		return errors.New("as many levels as values are wanted")
	}

	data := l.page.Data()
	l.indexes = nil
	if dictionary := l.page.Dictionary(); dictionary != nil {
		l.indexes = data.Int32()
		data = dictionary.Page().Data()
	}
	switch l.page.Type().Kind() {
	case parquet.Boolean:
		l.bools = data.Boolean()
	case parquet.Int32:
		l.int32s = data.Int32()
	case parquet.Int64:
		l.int64s = data.Int64()
	case parquet.Double:
		l.doubles = data.Double()
	case parquet.ByteArray:
		l.bytes, l.ends = data.ByteArray()
	case parquet.FixedLenByteArray:
		l.bytes, l.width = data.FixedLenByteArray()
	}
	return nil
}

var (
	errTooFewValues = errors.New("fewer values than rows")
	errOutOfPlace   = errors.New("values out of place")
)

// level returns the definition level of the next value, whose repetition level
// must be rep.
func (l *leaf) level(rep int) (int, error) {
	if l.at == l.values {
		if more, err := l.more(); err != nil {
			return 0, err
		} else if !more {
			return 0, errTooFewValues
		}
	}
	if len(l.reps) > 0 && int(l.reps[l.at]) != rep {
		return 0, errOutOfPlace
	}
	if len(l.defs) == 0 {
		return l.column.def, nil
	}
	return int(l.defs[l.at]), nil
}

// goesOn reports whether the next value is of another entry of the list whose
// entries begin at the repetition level rep.
func (l *leaf) goesOn(rep int) (bool, error) {
	if more, err := l.more(); !more || err != nil {
		return false, err
	}
	if len(l.reps) == 0 || int(l.reps[l.at]) > rep {
		return false, errOutOfPlace
	}
	return int(l.reps[l.at]) == rep, nil
}

// entries returns how many entries, from the next value on, such a list has as
// far as the page goes.
func (l *leaf) entries(rep int) int {
	n := 1
	for _, r := range l.reps[min(l.at+1, len(l.reps)):] {
		if int(r) < rep {
			break
		}
		if int(r) == rep {
			n++
		}
	}
	return n
}

// skip passes over a value that is null, or in a list that is.
func (l *leaf) skip(rep int) error {
	def, err := l.level(rep)
	if err != nil {
		return err
	}
	if l.at++; def == l.column.def {
		l.stored++
	}
	return nil
}

// take passes over a value that is not null and returns its index among the
// page's, or the dictionary's.
func (l *leaf) take() int {
	i := l.stored
	l.stored++
	l.at++
	if l.indexes != nil {
		return int(l.indexes[i])
	}
	return i
}

func (l *leaf) bool() bool {
	i := l.take()
	return l.bools[i>>3]>>(i&7)&1 == 1
}

func (l *leaf) int32() int32     { return l.int32s[l.take()] }
func (l *leaf) int64() int64     { return l.int64s[l.take()] }
func (l *leaf) float64() float64 { return l.doubles[l.take()] }

func (l *leaf) string() (string, error) {
	i := l.take()
	if l.width > 0 {
		return l.texts.text(l.bytes[i*l.width : (i+1)*l.width])
	}
	return l.texts.text(l.bytes[l.ends[i]:l.ends[i+1]])
}

// texts makes strings of the values of a column. Short ones share memory, for
// one allocation each would cost more than all else; but little of it, since who
// keeps one row of a file keeps what its strings share.
type texts struct {
	last  string // the rows of a problem follow one another, and repeat its texts
	chunk strings.Builder
}

const (
	sharedText = 256     // the longest string that shares memory, in bytes
	textChunk  = 2 << 10 // what strings share
)

func (t *texts) text(b []byte) (string, error) {
	if string(b) == t.last {
		return t.last, nil
	}
	if !utf8.Valid(b) {
		return "", errNotUTF8{invalidAt(string(b))}
	}
	if len(b) > sharedText {
		t.last = string(b)
		return t.last, nil
	}
	if t.chunk.Cap()-t.chunk.Len() < len(b) {
		t.chunk = strings.Builder{}
		t.chunk.Grow(textChunk)
	}
	begin := t.chunk.Len()
	t.chunk.Write(b)
	t.last = t.chunk.String()[begin:]
	return t.last, nil
}

// spare are values for pointers to point to, made some at a time.
type spare struct {
	bools   []bool
	int32s  []int32
	int64s  []int64
	doubles []float64
}

// one takes a value from those that are spare.
func one[V any](spare *[]V) *V {
	if len(*spare) == 0 {
		*spare = make([]V, 64)
	}
	v := &(*spare)[0]
	*spare = (*spare)[1:]
	return v
}
