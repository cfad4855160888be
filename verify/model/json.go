package model

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tinyv/verify"
)

// A reader of the JSON that models write: complete objects only, but tolerant
// of raw line breaks and undoubled backslashes in strings, of Python's True,
// False and None, and of a comma before a closing bracket.

// value is a string, bool, nil, object, []value, or number.
type value any

// number is any number, whose size nobody asks for.
type number struct{}

// object keeps its members in order, those of one name too.
type object []member

type member struct {
	name  string
	value value
}

// verdict returns what the object's is_correct says, and whether it says
// anything. Undecided means that it says both.
func (o object) verdict() (verify.Outcome, bool) {
	outcome, said := verify.Undecided, false
	for _, m := range o {
		if m.name != "is_correct" {
			continue
		}
		correct, ok := m.value.(bool)
		if s, isString := m.value.(string); isString {
			s = strings.TrimSpace(s)
			correct = strings.EqualFold(s, "true")
			ok = correct || strings.EqualFold(s, "false")
		}
		if !ok {
			continue
		}
		if said && outcome != verify.OutcomeOf(correct) {
			return verify.Undecided, true
		}
		outcome, said = verify.OutcomeOf(correct), true
	}
	return outcome, said
}

// text returns the last string of the name, or "".
func (o object) text(name string) string {
	for _, m := range slices.Backward(o) {
		if s, ok := m.value.(string); ok && m.name == name {
			return s
		}
	}
	return ""
}

// findObjects returns the objects of a text that have is_correct, in order, and
// whether something that began like an object could not be read to its end.
func findObjects(text string) (found []object, broken bool) {
	for at := 0; at < len(text); {
		open := strings.IndexByte(text[at:], '{')
		if open < 0 {
			return found, false
		}
		at += open
		r := reader{text: text, at: at}
		if v, ok := r.value(0); ok {
			found = collect(found, v)
			at = r.at
			continue
		}
		if beginsObject(text[at:]) {
			return found, true
		}
		at++ // a brace of prose or mathematics
	}
	return found, false
}

// collect adds the outermost objects in v that have is_correct.
func collect(found []object, v value) []object {
	switch v := v.(type) {
	case object:
		if slices.ContainsFunc(v, func(m member) bool { return m.name == "is_correct" }) {
			return append(found, v)
		}
		for _, m := range v {
			found = collect(found, m.value)
		}
	case []value:
		for _, e := range v {
			found = collect(found, e)
		}
	}
	return found
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
	end := r.at
	for end < len(r.text) && strings.IndexByte(",]} \t\r\n", r.text[end]) < 0 {
		end++
	}
	word := r.text[r.at:end]
	r.at = end
	switch word {
	case "true", "True", "TRUE":
		return true, true
	case "false", "False", "FALSE":
		return false, true
	case "null", "None":
		return nil, true
	}
	if word != "" && strings.Trim(word, "+-.0123456789eE") == "" {
		return number{}, true
	}
	return nil, false
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
		v, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		o = append(o, member{name, v})
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

// unescape decodes the escapes of a JSON string whose writer may not have
// doubled the backslashes of LaTeX. An escape that JSON does not know is a
// backslash. One that it knows is LaTeX after all if the letters make up a
// command: always for \b and \f before a letter, since backspace and form feed
// occur in no reply; for \t, \r and \n by a list of commands; and for the few
// commands that also begin a plausible line (\ne, \not) only if the string has
// other backslashes that JSON does not know and none that are doubled.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	careless := isCareless(s)
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		next := s[i+1]
		word := letters(s[i+1:])
		i += 2
		switch {
		case next == '"' || next == '\\' || next == '/':
			b.WriteByte(next)
		case next == 'u':
			r, n := hexRune(s[i-2:])
			if n == 0 {
				b.WriteString(`\u`)
				continue
			}
			b.WriteRune(r)
			i += n - 2
		case strings.IndexByte("bfnrt", next) < 0 || isCommand(word, careless):
			b.WriteByte('\\')
			i-- // the letter is read as text
		default:
			b.WriteByte(map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[next])
		}
	}
	return b.String()
}

// isCareless reports whether a string has backslashes that only LaTeX can mean
// and none that are doubled as JSON wants them.
func isCareless(s string) bool {
	careless := false
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		i++
		if s[i] == '\\' {
			return false
		}
		if strings.IndexByte(`"/bfnrtu`, s[i]) < 0 {
			careless = true
		}
	}
	return careless
}

func letters(s string) string {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return s[:i]
		}
	}
	return s
}

// isCommand reports whether the letters after a backslash, the first of which
// is one of JSON's escapes, are meant as a LaTeX command.
func isCommand(word string, careless bool) bool {
	switch word[0] {
	case 'b', 'f':
		return len(word) > 1
	}
	return slices.Contains(commands, word) || careless && slices.Contains(ambiguous, word)
}

// LaTeX commands of mathematics that begin with n, r or t.
var commands = strings.Fields(`
	nabla natural ncong nearrow neg neq newline nexists ngeq ngeqslant ngtr nleftarrow nleq nleqslant nless nmid
	nolimits nonumber norm notag notin nparallel nprec nrightarrow nRightarrow nsim nsubseteq nsucc nsupseteq nwarrow
	rVert rangle rank rbrace rbrack rceil rfloor rho right rightarrow rightharpoonup rightleftharpoons rm root rvert
	tan tanh tau tbinom text textbf textit textnormal textrm textstyle textsf texttt tfrac therefore theta thickapprox
	thicksim thinspace tilde times to top triangle triangleleft triangleq triangleright`)

// Commands that may as well be a line break and the beginning of a word.
var ambiguous = strings.Fields(`ne ni not nu`)

// hexRune decodes \uXXXX at the head of s, a surrogate pair too, and returns
// the bytes that it took, 0 if it is none (\underline).
func hexRune(s string) (rune, int) {
	first, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(first) {
		if second, ok := hex4(s[6:]); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, 12
			}
		}
		return utf8.RuneError, 6
	}
	return first, 6
}

func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}
