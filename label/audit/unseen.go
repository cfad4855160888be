package audit

import (
	"fmt"
	"strings"
	"unicode"
)

// unseen reports whether a character cannot be seen, or steers what is around it:
// controls, marks of direction, blanks of zero or odd width, letters that are blank.
func unseen(r rune) bool {
	switch r {
	case ' ':
		return false
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800': // fillers and the blank of Braille
		return true
	}
	return !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) || unicode.Is(unicode.Variation_Selector, r)
}

// segment is a run of text as it is, or the code of one unseen character.
type segment struct{ Text, Code string }

// segments cuts a text so that the page can show what would not be seen: two
// answers that differ in nothing visible must not look alike to who judges them.
func segments(s string) []segment {
	var out []segment
	s = strings.ReplaceAll(s, "\r\n", "\n")
	from := 0
	for i, r := range s {
		if r == '\n' || r == '\t' || !unseen(r) {
			continue
		}
		if from < i {
			out = append(out, segment{Text: s[from:i]})
		}
		out = append(out, segment{Code: fmt.Sprintf("U+%04X", r)})
		from = i + len(string(r))
	}
	if from < len(s) {
		out = append(out, segment{Text: s[from:]})
	}
	return out
}
