package tokens

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// composed returns text in normal form C as the real package has it. x/text tells
// whether text is composed already, and knows the characters; the composing is done
// here, because x/text puts a joiner (U+034F) into runs of more than 30 marks, and
// because the real package's tables are those of Unicode 9.
func composed(text string) string {
	if norm.NFC.IsNormalString(text) {
		return text
	}
	marks := decomposed(text)
	out := marks[:0]
	starter := -1 // in out
	last := uint8(0)
	for _, m := range marks {
		// A mark joins its starter unless one of its class or above lies between.
		if starter >= 0 && (starter == len(out)-1 || last < m.class) {
			if r, ok := join(out[starter].r, m.r); ok {
				out[starter].r = r
				continue
			}
		}
		if m.class == 0 {
			starter = len(out)
		}
		last = m.class
		out = append(out, m)
	}
	composed := make([]byte, 0, len(text))
	for _, m := range out {
		composed = utf8.AppendRune(composed, m.r)
	}
	return string(composed)
}

// mark is a character and its canonical combining class; starters have 0.
type mark struct {
	r     rune
	class uint8
}

// decomposed returns the characters of text, each fully taken apart, with the marks
// between two starters in canonical order.
func decomposed(text string) []mark {
	marks := make([]mark, 0, len(text))
	from := 0
	order := func() {
		slices.SortStableFunc(marks[from:], func(a, b mark) int { return int(a.class) - int(b.class) })
	}
	add := func(r rune, class uint8) {
		if class == 0 {
			order()
			from = len(marks) + 1
		}
		marks = append(marks, mark{r, class})
	}
	for _, r := range text {
		if unicode.Is(newer, r) {
			add(r, 0)
			continue
		}
		whole := string(r)
		p := norm.NFD.PropertiesString(whole)
		d := p.Decomposition()
		if d == nil {
			add(r, p.CCC())
			continue
		}
		for len(d) > 0 {
			part, size := utf8.DecodeRune(d)
			add(part, norm.NFD.Properties(d[:size]).CCC())
			d = d[size:]
		}
	}
	order()
	return marks
}

// join returns the one character that two compose to.
func join(a, b rune) (rune, bool) {
	if unicode.Is(newer, b) {
		return 0, false
	}
	var text, space [4 * utf8.UTFMax]byte
	two := utf8.AppendRune(utf8.AppendRune(text[:0], a), b)
	one := norm.NFC.Append(space[:0], two...)
	r, size := utf8.DecodeRune(one)
	return r, size == len(one)
}

// newer are the marks of Unicode 15 that the real package (tokenizers 0.23) takes
// for letters, neither to be put in order nor to be composed. testdata/check_tokens.py
// compares all marks.
var newer = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x07fd, 0x07fd, 1},
		{0x0898, 0x089f, 1},
		{0x08ca, 0x08d3, 1},
		{0x09fe, 0x09fe, 1},
		{0x0c3c, 0x0c3c, 1},
		{0x0d3b, 0x0d3c, 1},
		{0x0eba, 0x0eba, 1},
		{0x1715, 0x1715, 1},
		{0x1abf, 0x1ace, 1},
		{0x1df6, 0x1dfa, 1},
		{0xa82c, 0xa82c, 1},
	},
	R32: []unicode.Range32{
		{0x10d24, 0x10d27, 1},
		{0x10eab, 0x10eac, 1},
		{0x10efd, 0x10eff, 1},
		{0x10f46, 0x10f50, 1},
		{0x10f82, 0x10f85, 1},
		{0x11070, 0x11070, 1},
		{0x1133b, 0x1133b, 1},
		{0x1145e, 0x1145e, 1},
		{0x11839, 0x1183a, 1},
		{0x11930, 0x11930, 1},
		{0x11938, 0x11938, 1},
		{0x1193d, 0x1193e, 1},
		{0x11943, 0x11943, 1},
		{0x119e0, 0x119e0, 1},
		{0x11a34, 0x11a34, 1},
		{0x11a47, 0x11a47, 1},
		{0x11a99, 0x11a99, 1},
		{0x11d42, 0x11d42, 1},
		{0x11d44, 0x11d45, 1},
		{0x11d97, 0x11d97, 1},
		{0x11f41, 0x11f42, 1},
		{0x16ff0, 0x16ff1, 1},
		{0x1e08f, 0x1e08f, 1},
		{0x1e130, 0x1e136, 1},
		{0x1e2ae, 0x1e2ae, 1},
		{0x1e2ec, 0x1e2ef, 1},
		{0x1e4ec, 0x1e4ef, 1},
	},
}
