package rows

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tinyv/internal/brief"
)

// Read reads the project's own files into rows of a struct type: one file, or a
// directory of parts in name order.
//
// It is strict. The columns must be those of T by name, and of T's types; a
// missing, unknown or differently typed column, a null where T has no pointer, a
// broken line and any other fault ends the reading with one error that names
// file, row or line, and column. What other tools may change in a file's layout
// without changing its meaning is accepted: nullable columns without a null, and
// any spelling of lists. Null and empty lists both read as nil.
//
// T's fields are strings, booleans, int32, int64, float64, pointers to those for
// null, lists, and structs of these, named by their parquet or json tags.
//
// Parquet is decoded some rows ahead, by a goroutine that ends with the reading.
// The strings of a row share memory with those of rows near it, some tens of
// kilobytes at most, besides its own long ones; its lists share nothing.
func Read[T any](path string) iter.Seq2[T, error] { return read[T](path, false) }

// ReadColumns is Read for a T that has only some of the columns. Columns that T
// lacks, in the file or in its structs and lists of structs, are not decoded and
// are no error; those that T has must be there and as it wants them.
func ReadColumns[T any](path string) iter.Seq2[T, error] { return read[T](path, true) }

func read[T any](path string, some bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		parts, err := Parts(path)
		if err != nil {
			yield(zero, err)
			return
		}
		for _, part := range parts {
			f, _ := formatOf(part)
			tag := "json"
			if f.enc == encParquet {
				tag = "parquet"
			}
			row, err := shapeOf(reflect.TypeFor[T](), tag, some)
			switch {
			case err == nil && row.kind != reflect.Struct:
				err = fmt.Errorf("rows are structs, not %v", row.kind)
			case err == nil && f.enc == encJSON:
				err = fmt.Errorf("reading %q: rows of the project are in .parquet or .jsonl files, not .%s", part, f.ext)
			}
			if err != nil {
				yield(zero, err)
				return
			}
			readPart := readLines[T]
			if f.enc == encParquet {
				readPart = readParquet[T]
			}
			if !readPart(part, row, yield) {
				return
			}
		}
	}
}

// readLines yields the rows of one file of JSON lines. It returns false if there
// are no more rows to read, because of an error or because it was told to stop.
func readLines[T any](path string, row *shape, yield func(T, error) bool) bool {
	var zero T
	for r, err := range scan(path) {
		var value T
		if err == nil {
			if err = row.assign(reflect.ValueOf(&value).Elem(), r.values); err != nil {
				err = fmt.Errorf("reading %q: row %d: %w", path, r.row, err)
			}
		} else if bad, ok := errors.AsType[*RowError](err); ok {
			err = fmt.Errorf("reading %q: row %d: %w", path, bad.Row, bad.Err)
		}
		if err != nil {
			yield(zero, err)
			return false
		}
		if !yield(value, nil) {
			return false
		}
	}
	return true
}

// shape is a Go type as files see it.
type shape struct {
	typ     reflect.Type // what a pointer points to
	kind    reflect.Kind // String, Bool, Int32, Int64, Float64, Slice or Struct
	null    bool         // a pointer
	element *shape       // of a slice
	fields  []field      // of a struct
	some    bool         // a struct that may lack columns of the file
}

type field struct {
	name     string
	index    int
	offset   uintptr
	optional bool // the writer may leave it out
	*shape
}

func shapeOf(t reflect.Type, tag string, some bool) (*shape, error) {
	s := &shape{typ: t, kind: t.Kind(), some: some}
	if s.kind == reflect.Pointer {
		t = t.Elem()
		s.typ, s.kind, s.null = t, t.Kind(), true
	}
	var err error
	switch s.kind {
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
	case reflect.Slice:
		s.element, err = shapeOf(t.Elem(), tag, some)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, rest, _ := strings.Cut(f.Tag.Get(tag), ",")
			if name == "-" || !f.IsExported() && !f.Anonymous {
				continue
			}
			if f.Anonymous {
				return nil, fmt.Errorf("%v embeds %v, which files have no use for; name the field", t, f.Type)
			}
			if name == "" {
				name = f.Name
			}
			options := strings.Split(rest, ",")
			fs, err := shapeOf(f.Type, tag, some)
			if err != nil {
				return nil, err
			}
			s.fields = append(s.fields, field{
				name: name, index: i, offset: f.Offset, shape: fs,
				optional: tag == "json" && (slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero")),
			})
		}
		if len(s.fields) == 0 {
			return nil, fmt.Errorf("%v has no field to read", t)
		}
	default:
		err = fmt.Errorf("rows with a %v cannot be read", t)
	}
	return s, err
}

func (s *shape) describe() string {
	switch s.kind {
	case reflect.Slice:
		return "list of " + s.element.describe()
	case reflect.Struct:
		return "struct"
	case reflect.Float64:
		return "double"
	}
	return s.kind.String()
}

// check compares the columns of a Parquet file with the type.
func (s *shape) check(columns []*column) error { return s.checkMembers("", columns) }

func (s *shape) checkMembers(prefix string, columns []*column) error {
	byName := make(map[string]*column, len(columns))
	names := make([]string, len(columns))
	for i, c := range columns {
		byName[c.name] = c
		names[i] = prefix + c.name
	}
	for _, f := range s.fields {
		c, ok := byName[f.name]
		if !ok {
			return fmt.Errorf("it has no column %q (%s); its columns are %s", prefix+f.name, f.describe(), strings.Join(names, ", "))
		}
		delete(byName, f.name)
		if err := f.checkColumn(prefix+f.name, c); err != nil {
			return err
		}
	}
	if s.some {
		return nil
	}
	for _, c := range columns {
		if _, unknown := byName[c.name]; unknown {
			return fmt.Errorf("it has an unknown column %q (%s); is it a file of another stage, or of another version of this program?", prefix+c.name, c.describe())
		}
	}
	return nil
}

func (s *shape) checkColumn(path string, c *column) error {
	switch {
	case s.kind == reflect.Struct && c.kind == kindStruct:
		return s.checkMembers(path+".", c.members)
	case s.kind == reflect.Slice && c.kind == kindList:
		return s.element.checkColumn(path, c.members[0])
	case c.kind == kindLeaf && c.typ == s.describe():
		return nil
	}
	return fmt.Errorf("its column %q is %s, wanted %s", path, c.describe(), s.describe())
}

// misfit is a value that does not fit its field.
type misfit struct {
	path string
	err  error
}

func (e *misfit) Error() string { return fmt.Sprintf("column %q: %v", e.path, e.err) }

func (e *misfit) Unwrap() error { return e.err }

// within adds to the path of a misfit, or of a fault of the file, on the way up.
func within(path string, err error) error {
	switch e := err.(type) {
	case *misfit:
		if !strings.HasPrefix(e.path, "[") {
			path += "."
		}
		e.path = path + e.path
		return e
	case *fileFault:
		return &fileFault{fmt.Errorf("%s: %w", path, e.error)}
	}
	return &misfit{path, err}
}

// assign sets a Go value from a row's value.
func (s *shape) assign(to reflect.Value, v any) error {
	if v == nil {
		if s.null || s.kind == reflect.Slice {
			return nil // the row is new, it is nil
		}
		return fmt.Errorf("null, wanted %s", s.describe())
	}
	if s.null {
		to.Set(reflect.New(to.Type().Elem()))
		to = to.Elem()
	}
	switch s.kind {
	case reflect.String:
		if text, ok := v.(string); ok {
			to.SetString(text)
			return nil
		}
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			to.SetBool(b)
			return nil
		}
	case reflect.Int32, reflect.Int64:
		n, ok := v.(int64)
		if text, isNumber := v.(json.Number); isNumber {
			var err error
			n, err = strconv.ParseInt(string(text), 10, 64)
			ok = err == nil
		}
		if ok && !to.OverflowInt(n) {
			to.SetInt(n)
			return nil
		}
	case reflect.Float64:
		f, ok := v.(float64)
		if text, isNumber := v.(json.Number); isNumber {
			var err error
			f, err = strconv.ParseFloat(string(text), 64)
			ok = err == nil
		}
		if ok {
			to.SetFloat(f)
			return nil
		}
	case reflect.Slice:
		if elements, ok := v.([]any); ok {
			return s.assignElements(to, elements)
		}
	case reflect.Struct:
		if members, ok := v.(map[string]any); ok {
			return s.assignMembers(to, members)
		}
	}
	if n, ok := v.(json.Number); ok {
		return fmt.Errorf("the number %s, wanted %s", brief.Of(string(n), 40), s.describe())
	}
	return fmt.Errorf("%s, wanted %s", describe(v), s.describe())
}

func (s *shape) assignElements(to reflect.Value, elements []any) error {
	if len(elements) == 0 {
		return nil
	}
	to.Set(reflect.MakeSlice(to.Type(), len(elements), len(elements)))
	for i, v := range elements {
		if err := s.element.assign(to.Index(i), v); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	return nil
}

func (s *shape) assignMembers(to reflect.Value, members map[string]any) error {
	found := 0
	for _, f := range s.fields {
		v, ok := members[f.name]
		if !ok {
			if f.optional {
				continue
			}
			return within(f.name, fmt.Errorf("missing, wanted %s", f.describe()))
		}
		found++
		if err := f.assign(to.Field(f.index), v); err != nil {
			return within(f.name, err)
		}
	}
	if s.some || found == len(members) {
		return nil
	}
	var unknown []string
	for name := range members {
		if !slices.ContainsFunc(s.fields, func(f field) bool { return f.name == name }) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return within(unknown[0], errors.New("an unknown column; is it a file of another stage, or of another version of this program?"))
}
