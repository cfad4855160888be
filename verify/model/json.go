package model

import "strings"

// A reader of the JSON that models write: complete objects only, but tolerant
// of raw line breaks and undoubled backslashes in strings, of Python's True,
// False and None, of bare words as in a template ("is_correct": true or false),
// and of a comma before a closing bracket.

// value is a string, bool, nil, object, []value, or bare.
type value any

// bare is a number, whose size nobody asks for, or any words.
type bare struct{}

// object keeps its members in order, those of one name too.
type object []member

type member struct {
	name  string
	value value
	span  span // of the value
}

// beginsObject reports whether text begins with a brace, a name in quotes and a
// colon, or breaks off before the colon. Sets such as {"x", "y"} do not.
func beginsObject(text string) bool {
	r := reader{text: text, at: 1}
	r.blanks()
	if !r.is('"') {
		return false
	}
	if _, ok := r.string(); !ok {
		return true
	}
	r.blanks()
	return r.is(':') || r.at == len(text)
}

// maxDepth bounds the recursion; no verdict is nested this deep.
const maxDepth = 32

type reader struct {
	text string
	at   int
}

func (r *reader) is(b byte) bool { return r.at < len(r.text) && r.text[r.at] == b }

func (r *reader) accept(b byte) bool {
	if !r.is(b) {
		return false
	}
	r.at++
	return true
}

func (r *reader) blanks() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *reader) value(depth int) (value, bool) {
	r.blanks()
	switch {
	case depth > maxDepth || r.at == len(r.text):
		return nil, false
	case r.is('{'):
		return r.object(depth)
	case r.is('['):
		return r.array(depth)
	case r.is('"'):
		return r.string()
	}
	const longest = 100
	end := r.at
	for end < len(r.text) && strings.IndexByte(",]}{[\"\r\n", r.text[end]) < 0 {
		if end++; end-r.at > longest {
			return nil, false
		}
	}
	word := strings.TrimRight(r.text[r.at:end], " \t")
	r.at += len(word)
	switch word {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	case "null", "None":
		return nil, true
	}
	return bare{}, word != ""
}

func (r *reader) object(depth int) (value, bool) {
	r.at++ // {
	o := object{}
	for {
		r.blanks()
		if r.accept('}') {
			return o, true
		}
		if !r.is('"') {
			return nil, false
		}
		name, ok := r.string()
		if !ok {
			return nil, false
		}
		r.blanks()
		if !r.accept(':') {
			return nil, false
		}
		r.blanks()
		start := r.at
		v, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		o = append(o, member{name, v, span{start, r.at}})
		r.blanks()
		if !r.accept(',') && !r.is('}') {
			return nil, false
		}
	}
}

func (r *reader) array(depth int) (value, bool) {
	r.at++ // [
	list := []value{}
	for {
		r.blanks()
		if r.accept(']') {
			return list, true
		}
		v, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
		r.blanks()
		if !r.accept(',') && !r.is(']') {
			return nil, false
		}
	}
}

// string reads a string and decodes it.
func (r *reader) string() (string, bool) {
	start := r.at + 1
	for i := start; i < len(r.text); i++ {
		switch r.text[i] {
		case '\\':
			i++
		case '"':
			r.at = i + 1
			return unescape(r.text[start:i]), true
		}
	}
	return "", false
}
