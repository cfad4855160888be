package model

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

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
