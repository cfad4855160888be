package rows

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/parquet-go/parquet-go"
)

// target is a place of a row type (a field, an element of a list, what a
// pointer points to) with the columns of a file whose values go there.
//
// Values go there through unsafe pointers, made of the address of a row and of
// the offsets and types of shape, which come from the row type itself: a value
// is set in a tenth of the time that package reflect takes.
type target struct {
	*shape
	column  *column
	leaves  []*leaf // below it; the first says where it is null and how long its lists are
	element *target // of a list
	members []member
}

type member struct {
	name   string
	offset uintptr
	*target
}

// targetOf joins a type with a column that check found to fit.
func targetOf(s *shape, c *column) *target {
	t := &target{shape: s, column: c}
	switch s.kind {
	case reflect.Struct:
		t.members = membersOf(s, c.members)
		for _, m := range t.members {
			t.leaves = append(t.leaves, m.leaves...)
		}
	case reflect.Slice:
		t.element = targetOf(s.element, c.members[0])
		t.leaves = t.element.leaves
	default:
		t.leaves = []*leaf{{column: c}}
	}
	return t
}

func membersOf(s *shape, columns []*column) []member {
	members := make([]member, len(s.fields))
	for i, f := range s.fields {
		at := slices.IndexFunc(columns, func(c *column) bool { return c.name == f.name })
		members[i] = member{f.name, f.offset, targetOf(f.shape, columns[at])}
	}
	return members
}

// open begins the columns in a row group.
func (t *target) open(chunks []parquet.ColumnChunk) {
	for _, l := range t.leaves {
		l.open(chunks[l.column.first])
	}
}

// end checks that the row group has no more values than were read.
func (t *target) end() error {
	for _, l := range t.leaves {
		if more, err := l.more(); err != nil {
			return err
		} else if more {
			return errors.New("more values than rows")
		}
	}
	return nil
}

func (t *target) close() (err error) {
	for _, l := range t.leaves {
		err = errors.Join(err, l.close())
	}
	return err
}

// readRows sets the field of n rows, which are zero and of a size, from the first
// on. It returns at which row it failed.
func (m *member) readRows(rows unsafe.Pointer, size uintptr, n int) (row int, err error) {
	at := func(row int) unsafe.Pointer { return unsafe.Add(rows, uintptr(row)*size+m.offset) }
	err = guard(func() error {
		for row < n {
			run, err := m.readRun(at(row), size, n-row)
			row += run
			if err == nil && row < n {
				if err = m.read(at(row), 0); err == nil {
					row++
				}
			}
			if f, ok := err.(*fileFault); ok {
				return damaged(fmt.Errorf("column %q: %w", m.name, f.error))
			}
			if err != nil {
				return within(m.name, err)
			}
		}
		return nil
	})
	return row, err
}

// readRun sets what is at to, and further on by size each, to as many of the next
// n values as need no thought: those that the page has side by side, without
// levels and without a dictionary.
func (t *target) readRun(to unsafe.Pointer, size uintptr, n int) (run int, err error) {
	l := t.leaves[0]
	if t.null || t.column.kind != kindLeaf || len(l.defs) > 0 || len(l.reps) > 0 || l.indexes != nil {
		return 0, nil
	}
	n = min(n, l.values-l.at)
	switch t.kind {
	case reflect.String:
		for ; run < n; run++ {
			s, err := l.string()
			if err != nil {
				return run, err
			}
			*(*string)(unsafe.Add(to, uintptr(run)*size)) = s
		}
	case reflect.Bool:
		for ; run < n; run++ {
			*(*bool)(unsafe.Add(to, uintptr(run)*size)) = l.bool()
		}
	case reflect.Int32:
		for ; run < n; run++ {
			*(*int32)(unsafe.Add(to, uintptr(run)*size)) = l.int32()
		}
	case reflect.Int64:
		for ; run < n; run++ {
			*(*int64)(unsafe.Add(to, uintptr(run)*size)) = l.int64()
		}
	case reflect.Float64:
		for ; run < n; run++ {
			*(*float64)(unsafe.Add(to, uintptr(run)*size)) = l.float64()
		}
	}
	return run, nil
}

// read sets what is at to, which is zero, to the next value. rep is the
// repetition level that the value must have.
func (t *target) read(to unsafe.Pointer, rep int) error {
	def, err := t.leaves[0].level(rep)
	if err != nil {
		return &fileFault{err}
	}
	if def < t.column.def || def > t.column.def && t.column.kind == kindLeaf {
		if err := t.skip(rep); err != nil {
			return err
		}
		if t.null || t.kind == reflect.Slice {
			return nil
		}
		return fmt.Errorf("null, wanted %s", t.describe())
	}
	switch t.kind {
	case reflect.Struct:
		return t.readMembers(t.pointed(to), rep)
	case reflect.Slice:
		return t.readList(t.pointed(to), def, rep)
	}
	return t.readLeaf(to)
}

// skip passes over the one value that each leaf has where t is null or empty.
func (t *target) skip(rep int) error {
	for _, l := range t.leaves {
		if err := l.skip(rep); err != nil {
			return &fileFault{err}
		}
	}
	return nil
}

// pointed returns to, or what it then points to if it is a pointer.
func (t *target) pointed(to unsafe.Pointer) unsafe.Pointer {
	if !t.null {
		return to
	}
	p := reflect.New(t.typ).UnsafePointer()
	*(*unsafe.Pointer)(to) = p
	return p
}

func (t *target) readMembers(to unsafe.Pointer, rep int) error {
	for i := range t.members {
		m := &t.members[i]
		if err := m.read(unsafe.Add(to, m.offset), rep); err != nil {
			return within(m.name, err)
		}
	}
	return nil
}

func (t *target) readList(to unsafe.Pointer, def, rep int) error {
	if def < t.column.entryDef {
		return t.skip(rep)
	}
	first := t.leaves[0]
	room := first.entries(t.column.entryRep)
	list := reflect.MakeSlice(t.typ, room, room)
	n := 0
	for more := true; more; n++ {
		if n == room { // the list goes on in another page
			room *= 2
			longer := reflect.MakeSlice(t.typ, room, room)
			reflect.Copy(longer, list)
			list = longer
		}
		if err := t.element.read(unsafe.Add(list.UnsafePointer(), uintptr(n)*t.typ.Elem().Size()), rep); err != nil {
			return within(fmt.Sprintf("[%d]", n), err)
		}
		rep = t.column.entryRep
		var err error
		if more, err = first.goesOn(rep); err != nil {
			return &fileFault{err}
		}
	}
	if n < room {
		list = list.Slice(0, n)
	}
	reflect.NewAt(t.typ, to).Elem().Set(list)
	return nil
}

// readLeaf sets what is at to, or a new value that is then pointed to from
// there, to the next value, which is not null.
func (t *target) readLeaf(to unsafe.Pointer) error {
	l := t.leaves[0]
	switch t.kind {
	case reflect.String:
		s, err := l.string()
		if err != nil {
			return err
		}
		*(*string)(t.pointed(to)) = s
	case reflect.Bool:
		set(to, t.null, &l.spare.bools, l.bool())
	case reflect.Int32:
		set(to, t.null, &l.spare.int32s, l.int32())
	case reflect.Int64:
		set(to, t.null, &l.spare.int64s, l.int64())
	case reflect.Float64:
		set(to, t.null, &l.spare.doubles, l.float64())
	}
	return nil
}

func set[V any](to unsafe.Pointer, null bool, spare *[]V, v V) {
	if null {
		p := one(spare)
		*(**V)(to) = p
		to = unsafe.Pointer(p)
	}
	*(*V)(to) = v
}

// fileFault is a fault of the file, and so of no row.
type fileFault struct{ error }
