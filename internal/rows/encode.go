package rows

import (
	std "encoding"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// encoder appends values of a Go type as JSON, byte for byte what encoding/json
// writes with SetEscapeHTML(false), several times as fast. As in a [target],
// values are found through the offsets and types that the type itself gives.
type encoder struct {
	kind    reflect.Kind // String, Bool, Int32, Int64, Float64, Slice or Struct
	null    bool         // a pointer
	filled  bool         // a list of the row itself: written as [] if it is nil
	element *encoder     // of a slice
	size    uintptr      // of its elements
	fields  []encodedField
}

type encodedField struct {
	name   string // with what stands before and after it
	offset uintptr
	*encoder
}

// encoderOf returns the encoder of a row type, or nil if the type or its tags ask
// for anything that only encoding/json knows.
func encoderOf(t reflect.Type) *encoder {
	e := encoderWithin(t, 0)
	if e == nil || e.kind != reflect.Struct || e.null {
		return nil
	}
	for _, f := range e.fields {
		f.filled = f.kind == reflect.Slice && !f.null
	}
	return e
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[std.TextMarshaler]()
)

func encoderWithin(t reflect.Type, depth int) *encoder {
	if p := reflect.PointerTo(t); depth > 8 || p.Implements(marshaler) || p.Implements(textMarshaler) || t == reflect.TypeFor[json.Number]() {
		return nil
	}
	e := &encoder{kind: t.Kind()}
	switch e.kind {
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return e
	case reflect.Pointer:
		e = encoderWithin(t.Elem(), depth+1)
		if e == nil || e.null || e.kind == reflect.Slice {
			return nil
		}
		e.null = true
		return e
	case reflect.Slice:
		e.size, e.element = t.Elem().Size(), encoderWithin(t.Elem(), depth+1)
		if e.element == nil {
			return nil
		}
		return e
	case reflect.Struct:
		return e.withFields(t, depth)
	}
	return nil
}

func (e *encoder) withFields(t reflect.Type, depth int) *encoder {
	seen := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			return nil
		}
		name := f.Tag.Get("json")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		field := encodedField{offset: f.Offset, encoder: encoderWithin(f.Type, depth+1)}
		if field.encoder == nil || seen[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			return nil
		}
		seen[name] = true
		field.name = `,"` + name + `":`
		if len(e.fields) == 0 {
			field.name = field.name[1:]
		}
		e.fields = append(e.fields, field)
	}
	return e
}

// append appends the value at from.
func (e *encoder) append(out []byte, from unsafe.Pointer) (_ []byte, err error) {
	if e.null {
		if from = *(*unsafe.Pointer)(from); from == nil {
			return append(out, "null"...), nil
		}
	}
	switch e.kind {
	case reflect.String:
		return appendText(out, *(*string)(from)), nil
	case reflect.Bool:
		return strconv.AppendBool(out, *(*bool)(from)), nil
	case reflect.Int32:
		return strconv.AppendInt(out, int64(*(*int32)(from)), 10), nil
	case reflect.Int64:
		return strconv.AppendInt(out, *(*int64)(from), 10), nil
	case reflect.Float64:
		return appendFloat(out, *(*float64)(from))
	case reflect.Slice:
		return e.appendList(out, from)
	}
	out = append(out, '{')
	for i := range e.fields {
		f := &e.fields[i]
		out = append(out, f.name...)
		if out, err = f.append(out, unsafe.Add(from, f.offset)); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func (e *encoder) appendList(out []byte, from unsafe.Pointer) (_ []byte, err error) {
	// All slices are laid out alike, whatever their elements are.
	elements := *(*[]struct{})(from)
	if elements == nil && !e.filled {
		return append(out, "null"...), nil
	}
	first := unsafe.Pointer(unsafe.SliceData(elements))
	out = append(out, '[')
	for i := range elements {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = e.element.append(out, unsafe.Add(first, uintptr(i)*e.size)); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

// appendFloat leaves the numbers that need an exponent, or are none, to encoding/json.
func appendFloat(out []byte, f float64) ([]byte, error) {
	if size := math.Abs(f); f == 0 || size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(out, f, 'f', -1, 64), nil
	}
	text, err := json.Marshal(f)
	return append(out, text...), err
}

// verbatim has the characters that JSON writes as they are. Of those beyond ASCII one
// has to look at more than a byte.
var verbatim = func() (table [256]bool) {
	for b := byte(' '); b < utf8.RuneSelf; b++ {
		table[b] = b != '"' && b != '\\'
	}
	return table
}()

func appendText(out []byte, s string) []byte {
	out = append(out, '"')
	done := 0 // how much of s is in out
	for i := 0; i < len(s); {
		if verbatim[s[i]] {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		escape := escaped(r, size)
		if escape != "" {
			out = append(out, s[done:i]...)
			out = append(out, escape...)
			done = i + size
		}
		i += size
	}
	out = append(out, s[done:]...)
	return append(out, '"')
}

// escaped returns how JSON writes a character of so many bytes, if not as it is.
func escaped(r rune, size int) string {
	switch r {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	case '\r':
		return `\r`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\u2028':
		return `\u2028`
	case '\u2029':
		return `\u2029`
	case utf8.RuneError:
		if size == 1 {
			return `\ufffd` // for bytes that are not UTF-8
		}
	}
	if r < ' ' {
		const digits = "0123456789abcdef"
		return `\u00` + digits[r>>4:r>>4+1] + digits[r&15:r&15+1]
	}
	return ""
}
