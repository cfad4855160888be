package rows

import (
	"reflect"
	"unsafe"
)

// textSize counts the bytes of all strings in values of a Go type.
type textSize struct {
	kind    reflect.Kind // String, Pointer, Slice or Struct
	element *textSize    // of a pointer or slice
	size    uintptr      // of a slice's elements
	members []sizedMember
}

type sizedMember struct {
	offset uintptr
	*textSize
}

// textSizeOf returns nil for a type without strings.
func textSizeOf(t reflect.Type) *textSize {
	s := &textSize{kind: t.Kind()}
	switch s.kind {
	case reflect.String:
		return s
	case reflect.Pointer, reflect.Slice:
		s.size, s.element = t.Elem().Size(), textSizeOf(t.Elem())
		if s.element == nil {
			return nil
		}
		return s
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); textSizeOf(f.Type) != nil {
				s.members = append(s.members, sizedMember{f.Offset, textSizeOf(f.Type)})
			}
		}
		if len(s.members) > 0 {
			return s
		}
	}
	return nil
}

func (s *textSize) of(value unsafe.Pointer) int {
	n := 0
	switch s.kind {
	case reflect.String:
		n = len(*(*string)(value))
	case reflect.Pointer:
		if to := *(*unsafe.Pointer)(value); to != nil {
			n = s.element.of(to)
		}
	case reflect.Slice:
		elements := *(*[]struct{})(value) // all slices are laid out alike
		first := unsafe.Pointer(unsafe.SliceData(elements))
		for i := range elements {
			n += s.element.of(unsafe.Add(first, uintptr(i)*s.size))
		}
	case reflect.Struct:
		for i := range s.members {
			n += s.members[i].of(unsafe.Add(value, s.members[i].offset))
		}
	}
	return n
}
