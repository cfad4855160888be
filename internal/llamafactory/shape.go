package llamafactory

import (
	"slices"
	"strings"
	"time"
)

// shape is what the JSON reader beneath LLaMA-Factory infers of a value's type over
// all rows; it fails where the type changes.
type shape struct {
	kind    string            // as typeName says; empty if it was only null
	fields  map[string]*shape // of objects
	element *shape            // of lists
	values  int64             // that were texts
	stamps  int64             // of the first of them, those that the reader takes for a time
}

// each stands for the elements of a list in a path.
const each = "[]"

// stamps are the layouts of texts that the reader takes for a time, after the date
// and without a zone.
var stamps = []string{"", " 15", " 15:04", " 15:04:05", "T15", "T15:04", "T15:04:05"}

// isStamp says whether the JSON reader takes a text for a time.
func isStamp(text string) bool {
	if len(text) < len(time.DateOnly) || text[0] < '0' || text[0] > '9' {
		return false
	}
	if _, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)]); err != nil {
		return false
	}
	for _, layout := range stamps {
		for _, zone := range []string{"", "Z07:00"} {
			if _, err := time.Parse(time.DateOnly+layout+zone, text); err == nil && !strings.Contains(text, ".") {
				return true
			}
		}
	}
	return false
}

// clash is a value that is not of the type of those before it.
type clash struct{ path, was, is string }

// What clash.was says of a type that is settled too late.
const (
	unseen   = "not there"
	allNull  = "always null"
	allDates = "always a date"
)

// take adds a value; nil if it fits. The reader settles the types by the rows that
// it reads first: settled says that those have passed.
func (s *shape) take(v any, settled bool) *clash {
	if m, ok := v.(map[string]any); ok && m == nil || v == nil {
		return nil
	}
	kind := typeName(v)
	switch {
	case s.kind == "" && settled:
		return &clash{"", allNull, kind}
	case s.kind != "" && s.kind != kind:
		return &clash{"", s.kind, kind}
	}
	s.kind = kind
	switch v := v.(type) {
	case string:
		s.values++
		if s.stamps < s.values-1 {
			break // a text before was none
		}
		if isStamp(v) {
			s.stamps++
		} else if settled {
			return &clash{"", allDates, kind}
		}
	case []any:
		if s.element == nil {
			s.element = &shape{}
		}
		for _, e := range v {
			if c := s.element.take(e, settled); c != nil {
				return &clash{each + c.path, c.was, c.is}
			}
		}
	case map[string]any:
		return s.takeFields(v, settled)
	}
	return nil
}

func (s *shape) takeFields(object map[string]any, settled bool) *clash {
	if s.fields == nil {
		s.fields = map[string]*shape{}
	}
	var first *clash
	for key, value := range object {
		f := s.fields[key]
		var c *clash
		switch {
		case f != nil:
			c = f.take(value, settled)
		case settled:
			c = &clash{"", unseen, typeName(value)}
		default:
			f = &shape{}
			s.fields[key] = f
			c = f.take(value, settled)
		}
		if c == nil {
			continue
		}
		c.path = "/" + key + c.path
		if first == nil || c.path < first.path { // of several the same every time
			first = c
		}
	}
	return first
}

// at returns the shape at a path, nil if there is none.
func (s *shape) at(path ...string) *shape {
	for _, step := range path {
		if s == nil {
			return nil
		}
		if step == each {
			s = s.element
		} else {
			s = s.fields[step]
		}
	}
	return s
}

// twice returns a key that stands twice in one object of a JSON text that is known
// to be sound; empty if there is none. Keys count as they are written.
func twice(data []byte) string {
	type level struct {
		object bool
		keys   []string
	}
	var open []level
	key := false // the next text is a key
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			open, key = append(open, level{object: true}), true
		case '[':
			open, key = append(open, level{}), false
		case '}', ']':
			open, key = open[:len(open)-1], false
		case ',':
			key = len(open) > 0 && open[len(open)-1].object
		case ':':
			key = false
		case '"':
			begin := i + 1
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if !key {
				continue
			}
			top, name := &open[len(open)-1], string(data[begin:i])
			if slices.Contains(top.keys, name) {
				return name
			}
			top.keys = append(top.keys, name)
		}
	}
	return ""
}
