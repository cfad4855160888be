package question

import (
	"unicode"
	"unicode/utf8"
)

// NormalizeAnswer returns an answer or a ground truth without what a reader does
// not see: white space around it and runs of white space in it, the delimiters $,
// \( \) and \[ \], \left and \right, and the spacing commands (\, \; \: \quad and ~
// are a space, \! is none). A ~ before everything else means "about" and stays.
//
// It is gentler than [Normalize] and keeps case, \dfrac, \text, braces and
// punctuation: a verifier is trained on written forms, so two written forms of one
// answer are two rows, and only those that look the same are one.
func NormalizeAnswer(s string) string {
	a := answer{out: make([]byte, 0, len(s)+8)}
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case r == '$':
			a.gap = true
		case unicode.IsSpace(r), r == '~' && len(a.out) > 0:
			a.space = true
		case r == '\\':
			size = a.backslash(s[i:])
		default:
			a.write(s[i : i+size])
		}
		i += size
	}
	return string(a.out)
}

// answer is a normal form in the making.
type answer struct {
	out     []byte
	space   bool // before what comes
	gap     bool // something was dropped before what comes
	command bool // out ends in a command's name
}

func (a *answer) write(text string) {
	c := text[0]
	if len(a.out) > 0 && (a.space || a.gap && a.command && lowered[c] != 0) {
		a.out = append(a.out, ' ')
		a.command = false
	}
	a.out = append(a.out, text...)
	a.command = a.command && lowered[c] != 0 || c == '\\' && len(text) > 1 && lowered[text[1]] != 0
	a.space, a.gap = false, false
}

// backslash takes the command or the escaped character that s begins with and
// returns its length.
func (a *answer) backslash(s string) int {
	j := 1
	for j < len(s) && lowered[s[j]] != 0 {
		j++
	}
	switch name := s[1:j]; name {
	case "":
	case "quad", "qquad", "enspace", "thinspace":
		a.space = true
		return j
	case "left", "right":
		a.gap = true
		for j < len(s) && s[j] == ' ' {
			j++
		}
		if j < len(s) && s[j] == '.' {
			j++ // no bracket on this side
		}
		return j
	default:
		a.write(s[:j])
		return j
	}
	r, size := utf8.DecodeRuneInString(s[1:])
	switch {
	case r == '(', r == ')', r == '[', r == ']', r == '!':
		a.gap = true
	case r == ',', r == ';', r == ':', r == '>', unicode.IsSpace(r):
		a.space = true
	default:
		a.write(s[:1+size])
	}
	return 1 + size
}
