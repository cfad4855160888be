package prime

import (
	"strings"
	"unicode/utf8"
)

// mathForm returns the normal form of the MATH data set's published grader,
// which the original compares first. Where that grader fails on its own
// assumptions the answer stays as it is, stripped.
func mathForm(answer string) string {
	answer = strip(answer)
	s := answer
	if inner, ok := enclosedText(s); ok {
		s = strip(inner)
	}
	if form, ok := mathGraderForm(s); ok {
		return form
	}
	return answer
}

// enclosedText returns what `\text{…}` encloses if s is nothing else, a final
// line break aside. The content is one line.
func enclosedText(s string) (string, bool) {
	inner, ok := strings.CutPrefix(s, `\text{`)
	if !ok {
		return "", false
	}
	inner = strings.TrimSuffix(inner, "\n")
	inner, ok = strings.CutSuffix(inner, "}")
	return inner, ok && inner != "" && !strings.Contains(inner, "\n")
}

// mathDeletions are replaced one after the other, each in the outcome of the
// one before.
var mathDeletions = [...][2]string{
	{"\n", ""},
	{`\!`, ""},
	{`\\`, `\`},
	{"tfrac", "frac"},
	{"dfrac", "frac"},
	{`\left`, ""},
	{`\right`, ""},
	{`^{\circ}`, ""},
	{`^\circ`, ""},
	{`\$`, ""},
}

func mathGraderForm(s string) (string, bool) {
	for _, d := range mathDeletions {
		s = strings.ReplaceAll(s, d[0], d[1])
	}
	if before, after, ok := strings.Cut(s, `\text{ `); ok { // a unit to the right
		if strings.Contains(after, `\text{ `) {
			return "", false
		}
		s = before
	}
	s = strings.ReplaceAll(s, `\%`, "")
	s = strings.ReplaceAll(s, " .", " 0.")
	s = strings.ReplaceAll(s, "{.", "{0.")
	if s == "" {
		return "", true
	}
	if s[0] == '.' {
		s = "0" + s
	}
	if left, right, ok := strings.Cut(s, "="); ok && !strings.Contains(right, "=") && utf8.RuneCountInString(left) <= 2 {
		s = right // the "k" of "k=3"
	}
	s, ok := bracedRoots(s)
	if !ok {
		return "", false
	}
	s = strings.ReplaceAll(s, " ", "")
	s, ok = bracedFractions(s)
	if !ok {
		return "", false
	}
	if s == "0.5" {
		s = `\frac{1}{2}`
	}
	return slashFraction(s), true
}

// bracedRoots writes `\sqrt3` as `\sqrt{3}`. A root of nothing is a failure.
func bracedRoots(s string) (string, bool) {
	const root = `\sqrt`
	before, rest, found := strings.Cut(s, root)
	if !found {
		return s, true
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	b.WriteString(before)
	for found {
		var part string
		part, rest, found = strings.Cut(rest, root)
		if part == "" {
			return "", false
		}
		b.WriteString(root)
		if part[0] != '{' {
			var head string
			head, part = firstRune(part)
			b.WriteString("{" + head + "}")
		}
		b.WriteString(part)
	}
	return b.String(), true
}

// bracedFractions writes `\frac12` as `\frac{1}{2}`. A fraction of nothing is a
// failure; one of a single character leaves everything as it was.
func bracedFractions(s string) (string, bool) {
	const fraction = `\frac`
	before, rest, found := strings.Cut(s, fraction)
	if !found {
		return s, true
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	b.WriteString(before)
	for found {
		var part string
		part, rest, found = strings.Cut(rest, fraction)
		if part == "" {
			return "", false
		}
		b.WriteString(fraction)
		if part[0] == '{' {
			b.WriteString(part)
			continue
		}
		numerator, part := firstRune(part)
		if part == "" {
			return s, true
		}
		b.WriteString("{" + numerator + "}")
		if part[0] != '{' {
			var denominator string
			denominator, part = firstRune(part)
			b.WriteString("{" + denominator + "}")
		}
		b.WriteString(part)
	}
	return b.String(), true
}

// slashFraction writes `a/b` of two plain integers as a LaTeX fraction.
func slashFraction(s string) string {
	a, b, ok := strings.Cut(s, "/")
	if !ok || !canonicalInteger(a) || !canonicalInteger(b) {
		return s
	}
	return `\frac{` + a + `}{` + b + `}`
}

// pythonDigits is the length above which Python refuses to read an integer.
const pythonDigits = 4300

// canonicalInteger reports whether s is what Python would write for an integer.
func canonicalInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > pythonDigits || digits[0] == '0' && s != "0" {
		return false
	}
	for i := range len(digits) {
		if !isASCIIDigit(digits[i]) {
			return false
		}
	}
	return true
}
