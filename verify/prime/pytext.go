package prime

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The functions of this file read text as Python 3 does, because the original
// is written in Python and its verdicts depend on these details. A byte that is
// not valid UTF-8 counts as one character that is no letter, digit or space.

// isSpace reports whether Python's str.isspace holds for r; str.strip takes
// these characters off. It is Unicode's white space and four control characters.
func isSpace(r rune) bool {
	return r >= 0x1c && r <= 0x1f || unicode.IsSpace(r)
}

func strip(s string) string { return strings.TrimFunc(s, isSpace) }

// digitsBeyondDecimal are the characters that Python's str.isdigit accepts
// beside the decimal digits (Unicode's category Nd): superscripts, circled
// digits and the like, by Unicode's property Numeric_Type=Digit.
var digitsBeyondDecimal = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00b2, Hi: 0x00b3, Stride: 1},
		{Lo: 0x00b9, Hi: 0x00b9, Stride: 1},
		{Lo: 0x1369, Hi: 0x1371, Stride: 1},
		{Lo: 0x19da, Hi: 0x19da, Stride: 1},
		{Lo: 0x2070, Hi: 0x2070, Stride: 1},
		{Lo: 0x2074, Hi: 0x2079, Stride: 1},
		{Lo: 0x2080, Hi: 0x2089, Stride: 1},
		{Lo: 0x2460, Hi: 0x2468, Stride: 1},
		{Lo: 0x2474, Hi: 0x247c, Stride: 1},
		{Lo: 0x2488, Hi: 0x2490, Stride: 1},
		{Lo: 0x24ea, Hi: 0x24ea, Stride: 1},
		{Lo: 0x24f5, Hi: 0x24fd, Stride: 1},
		{Lo: 0x24ff, Hi: 0x24ff, Stride: 1},
		{Lo: 0x2776, Hi: 0x277e, Stride: 1},
		{Lo: 0x2780, Hi: 0x2788, Stride: 1},
		{Lo: 0x278a, Hi: 0x2792, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x10a40, Hi: 0x10a43, Stride: 1},
		{Lo: 0x10e60, Hi: 0x10e68, Stride: 1},
		{Lo: 0x11052, Hi: 0x1105a, Stride: 1},
		{Lo: 0x1f100, Hi: 0x1f10a, Stride: 1},
	},
	LatinOffset: 2,
}

// isDigit reports whether Python's str.isdigit holds for r.
func isDigit(r rune) bool {
	if r < utf8.RuneSelf {
		return '0' <= r && r <= '9'
	}
	return unicode.Is(unicode.Nd, r) || unicode.Is(digitsBeyondDecimal, r)
}

// isDecimal reports whether r is in Unicode's category Nd, which is what \d
// matches in a Python pattern.
func isDecimal(r rune) bool {
	if r < utf8.RuneSelf {
		return '0' <= r && r <= '9'
	}
	return unicode.Is(unicode.Nd, r)
}

// decimalValue returns the value of a decimal digit, 0 to 9. The digits of
// every script stand in runs of ten, so the value is the distance from the
// start of the run.
func decimalValue(r rune) byte {
	if r < utf8.RuneSelf {
		return byte(r - '0')
	}
	var n rune
	for unicode.Is(unicode.Nd, r-n-1) {
		n++
	}
	return byte(n % 10)
}

const (
	dottedCapitalFold = "i\u0307" // Python's lower case of 'İ': two characters
	capitalSigma      = 'Σ'
	finalSigma        = 'ς'
	smallSigma        = 'σ'
)

// lower returns s.lower() of Python: Unicode's full mapping, in which 'İ' grows
// to two characters and 'Σ' at the end of a word becomes 'ς'.
func lower(s string) string {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && !('A' <= s[i] && s[i] <= 'Z') {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	b.WriteString(s[:i])
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteByte(s[i])
		case r == 'İ':
			b.WriteString(dottedCapitalFold)
		case r == capitalSigma && endsWord(s, i, i+size):
			b.WriteRune(finalSigma)
		case r == capitalSigma:
			b.WriteRune(smallSigma)
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		i += size
	}
	return b.String()
}

// endsWord reports whether the sigma at s[start:end] is in Unicode's Final_Sigma
// position: after a cased letter and not before one, case-ignorable characters
// in between not counted.
func endsWord(s string, start, end int) bool {
	before := false
	for start > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:start])
		start -= size
		if !caseIgnorable(r) {
			before = cased(r)
			break
		}
	}
	if !before {
		return false
	}
	for _, r := range s[end:] {
		if !caseIgnorable(r) {
			return !cased(r)
		}
	}
	return true
}

func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// caseIgnorable is Unicode's Case_Ignorable: the categories and the characters
// of the word-break classes that the definition names.
func caseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', '^', '`', 0xa8, 0xad, 0xaf, 0xb4, 0xb7, 0xb8, 0x2018, 0x2019, 0x2024, 0x2027, 0x387, 0x55f, 0x5f4, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

// parseFloat reads what Python's float() accepts: white space around, an
// underscore between digits, the digits of any script, "inf", "infinity" and
// "nan" in any case; no hexadecimal. A number too large is infinite.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, unicode.IsSpace) // float() keeps the four that str.strip knows beside
	if s == "" || s[0] > '9' && s[0] < utf8.RuneSelf && !strings.ContainsRune("iInN", rune(s[0])) {
		return 0, false
	}
	sign, body := "", s
	if body[0] == '+' || body[0] == '-' {
		sign, body = body[:1], body[1:]
	}
	switch len(body) {
	case 3, 8:
		if strings.EqualFold(body, "inf") || strings.EqualFold(body, "infinity") {
			if sign == "-" {
				return math.Inf(-1), true
			}
			return math.Inf(1), true
		}
		if strings.EqualFold(body, "nan") {
			return math.NaN(), true
		}
	}
	text, ok := decimalText(body)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(sign+text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// decimalText checks that s is an unsigned decimal literal of Python and
// returns it in ASCII without underscores.
func decimalText(s string) (string, bool) {
	plain := true
	var digits, exponent int
	const (
		inInteger = iota
		inFraction
		inExponent
	)
	part := inInteger
	var previous rune
	for i, r := range s {
		switch {
		case isDecimal(r):
			digits++
			if part == inExponent {
				exponent++
			}
			if r >= utf8.RuneSelf {
				plain = false
			}
		case r == '_':
			plain = false
			next, _ := utf8.DecodeRuneInString(s[i+1:])
			if !isDecimal(previous) || !isDecimal(next) {
				return "", false
			}
		case r == '.' && part == inInteger:
			part = inFraction
		case (r == 'e' || r == 'E') && part != inExponent && digits > 0:
			part = inExponent
		case (r == '+' || r == '-') && (previous == 'e' || previous == 'E'):
		default:
			return "", false
		}
		previous = r
	}
	if digits-exponent == 0 || part == inExponent && exponent == 0 {
		return "", false
	}
	if plain {
		return s, true
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '_':
		case isDecimal(r):
			b.WriteByte('0' + decimalValue(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), true
}

// nearInteger reports whether x is within 1e-7 of an integer, which is what the
// original calls an integer. Infinity and NaN are not.
func nearInteger(x float64) bool {
	return !math.IsInf(x, 0) && math.Abs(x-math.RoundToEven(x)) <= 1e-7
}

// integerText writes a float without a fractional part as Python's str(int(x)).
func integerText(x float64) string {
	if x == 0 {
		return "0"
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

// floatText writes x as Python's str does: the shortest digits that read back,
// in plain notation between 1e-4 and 1e16, else with an exponent of at least
// two digits.
func floatText(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// firstRune splits s after its first character. It must not be empty.
func firstRune(s string) (head, tail string) {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size], s[size:]
}

// isASCIIDigit reports whether c is one of [0-9].
func isASCIIDigit(c byte) bool { return '0' <= c && c <= '9' }

// truncate is Python's int(x) of a finite float.
func truncate(x float64) float64 { return math.Trunc(x) }
