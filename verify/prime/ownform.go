package prime

import (
	"strings"
	"unicode/utf8"
)

var (
	ownReplacements = [...][2]string{
		{`\%`, "%"},
		{`\$`, "$"},
		{"$", ""},
		{"%", ""},
		{" or ", " , "},
		{" and ", " , "},
		{"million", "*10^6"},
		{"billion", "*10^9"},
		{"trillion", "*10^12"},
	}

	// units are removed in this order, wherever they stand: "second" becomes
	// empty, and so does it within "seconds"; "minute" leaves nothing of "minutes^2".
	units = [...]string{
		"degree", "cm", "centimeter", "meter", "mile", "second", "minute", "hour", "day", "week", "month", "year",
		"foot", "feet", "inch", "yard", "liter",
	}

	fractionMacros = [...][2]string{
		{`\tfrac`, `\frac`},
		{`\dfrac`, `\frac`},
		{`\frac`, ` \frac`}, // the space makes "7\frac34" a mixed number
	}

	spelledSymbols = [...][2]string{
		{"√", "sqrt"},
		{"π", "pi"},
		{"∞", "inf"},
		{"∪", "U"},
		{"·", "*"},
		{"×", "*"},
	}
)

// ownForm returns the original's own normal form of an answer.
func ownForm(s string) string {
	if inner, ok := enclosedText(s); ok {
		s = inner
	}
	for _, r := range ownReplacements {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	for _, unit := range units {
		s = withoutUnit(s, unit)
	}
	s = withoutDegreeSign(s)
	if len(s) > 1 && s[0] == '{' && s[len(s)-1] == '}' {
		s = s[1 : len(s)-1]
	}
	s = withoutNegativeSpace(s)
	if x, ok := parseFloat(s); ok && nearInteger(x) {
		s = integerText(x)
	}
	if strings.Contains(s, `\`) {
		s = spelledLaTeX(s)
	}
	s = closedMinus(s)
	s = mixedNumbers(s)
	s = lower(s)
	if x, ok := integerValue(s); ok {
		s = integerText(x)
	}
	return s
}

// withoutUnit removes a unit with its plural ending, the spaces after it and a
// power of digits.
func withoutUnit(s, unit string) string {
	i := strings.Index(s, unit)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i >= 0 {
		b.WriteString(s[:i])
		s = s[i+len(unit):]
		s = strings.TrimPrefix(s, "es")
		s = strings.TrimPrefix(s, "s")
		s = strings.TrimLeft(s, " ")
		if len(s) > 1 && s[0] == '^' && isASCIIDigit(s[1]) {
			s = strings.TrimLeft(s[1:], "0123456789")
		}
		i = strings.Index(s, unit)
	}
	b.WriteString(s)
	return b.String()
}

// withoutDegreeSign removes `^\circ`, with spaces after the caret or not.
func withoutDegreeSign(s string) string {
	const circle = `\circ`
	if !strings.Contains(s, circle) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for {
		i := strings.Index(s, circle)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		if before, ok := strings.CutSuffix(strings.TrimRight(s[:i], " "), "^"); ok {
			b.WriteString(before)
		} else {
			b.WriteString(s[:i+len(circle)])
		}
		s = s[i+len(circle):]
	}
}

// withoutNegativeSpace removes `,\!` and the spaces after it.
func withoutNegativeSpace(s string) string {
	const mark = `,\!`
	before, rest, ok := strings.Cut(s, mark)
	if !ok {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for ok {
		b.WriteString(before)
		before, rest, ok = strings.Cut(strings.TrimLeft(rest, " "), mark)
	}
	b.WriteString(before)
	return b.String()
}

// spelledLaTeX turns LaTeX into text with the symbols spelled that the
// comparison of expressions knows. LaTeX without a text form stays.
func spelledLaTeX(s string) string {
	code := s
	for _, r := range fractionMacros {
		code = strings.ReplaceAll(code, r[0], r[1])
	}
	text, err := latexToText(code)
	if err != nil {
		return s
	}
	for _, r := range spelledSymbols {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	return strip(text)
}

// closedMinus removes the spaces after a minus.
func closedMinus(s string) string {
	before, rest, ok := strings.Cut(s, "- ")
	if !ok {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for ok {
		b.WriteString(before + "-")
		before, rest, ok = strings.Cut(strings.TrimLeft(rest, " "), "- ")
	}
	b.WriteString(before)
	return b.String()
}

// mixedNumbers writes "7 3/4" as "7+3/4": a plus for the spaces between two
// digits. A digit belongs to one replacement only, so of "1 2 3" the second
// gap stays.
func mixedNumbers(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		gap := i + 1
		for gap < len(s) && s[gap] == ' ' {
			gap++
		}
		if gap > i+1 && gap < len(s) && isASCIIDigit(s[i]) && isASCIIDigit(s[gap]) {
			if b.Len() == 0 {
				b.Grow(len(s))
				b.WriteString(s[:i])
			}
			b.WriteByte(s[i])
			b.WriteByte('+')
			b.WriteByte(s[gap])
			i = gap + 1
			continue
		}
		if b.Len() > 0 {
			b.WriteString(s[i:gap])
		}
		i = gap
	}
	if b.Len() == 0 {
		return s
	}
	return b.String()
}

// withoutThousandsCommas removes commas between a digit and three digits that
// no fourth follows. A character belongs to one match only, so a comma right
// behind a match waits for the next pass, in which it may not match any more.
func withoutThousandsCommas(s string) string {
	for strings.Contains(s, ",") {
		next := thousandsPass(s)
		if len(next) == len(s) {
			return s
		}
		s = next
	}
	return s
}

func thousandsPass(s string) string {
	var b strings.Builder
	done := 0 // s[:done] is written, and belongs to earlier matches
	for {
		i := strings.IndexByte(s[done:], ',')
		// Commas that cannot match are passed over one at a time.
		for i >= 0 {
			at := done + i
			if end, ok := thousandsGroup(s, done, at); ok {
				b.WriteString(s[done:at])
				b.WriteString(s[at+1 : end])
				done = end
				break
			}
			next := strings.IndexByte(s[at+1:], ',')
			if next < 0 {
				i = -1
			} else {
				i = at + 1 + next - done
			}
		}
		if i < 0 {
			b.WriteString(s[done:])
			return b.String()
		}
	}
}

// thousandsGroup reports whether the comma at s[at] separates thousands, using
// no character before from, and where its match ends: behind the character
// after the three digits, or at the end of s.
func thousandsGroup(s string, from, at int) (end int, ok bool) {
	before, size := utf8.DecodeLastRuneInString(s[from:at])
	if size == 0 || !isDecimal(before) {
		return 0, false
	}
	end = at + 1
	for range 3 {
		r, size := utf8.DecodeRuneInString(s[end:])
		if size == 0 || !isDecimal(r) {
			return 0, false
		}
		end += size
	}
	if end == len(s) || s[end:] == "\n" {
		return end, true
	}
	r, size := utf8.DecodeRuneInString(s[end:])
	return end + size, !isDecimal(r)
}

// integerValue reads an integer with thousands commas. A number within 1e-7 of
// an integer counts as one; its value is cut, not rounded, as in the original.
func integerValue(s string) (float64, bool) {
	x, ok := parseFloat(withoutThousandsCommas(s))
	if !ok || !nearInteger(x) {
		return 0, false
	}
	return truncate(x), true
}
