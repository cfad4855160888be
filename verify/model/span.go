package model

import (
	"strings"
	"unicode"
)

// span is a stretch of a text. Parsers keep where things stand, because the
// probability of a verdict is found by its place.
type span struct{ at, end int }

func (s span) of(text string) string { return text[s.at:s.end] }

// trim takes blanks and the given characters off both ends.
func (s span) trim(text, characters string) span {
	drop := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(characters, r) }
	left := strings.TrimLeftFunc(s.of(text), drop)
	s.at = s.end - len(left)
	s.end = s.at + len(strings.TrimRightFunc(left, drop))
	return s
}

// group returns the first group that took part in a match of a regular
// expression in s.
func (s span) group(match []int) (span, bool) {
	for i := 2; i+1 < len(match); i += 2 {
		if match[i] >= 0 {
			return span{s.at + match[i], s.at + match[i+1]}, true
		}
	}
	return span{}, false
}

// lines returns the lines of a text that hold more than decoration, without it.
func lines(text string) []span {
	var all []span
	at := 0
	for line := range strings.Lines(text) {
		s := span{at, at + len(line)}
		at += len(line)
		// Marks of quotations and lists stand before a line; after it, ">" may
		// end a tag.
		s.at = s.trim(text, "*_`#>-").at
		s = s.trim(text, "*_`#")
		if s.at < s.end {
			all = append(all, s)
		}
	}
	return all
}
