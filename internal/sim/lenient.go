package sim

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxJudged is how many bytes of an answer or a ground truth Lenient reads; of a
// longer one, the last.
const maxJudged = 10_000

// Lenient is how a simulated annotator judges what the world does not know, such
// as real data: it compares an answer with the ground truth generously.
//
//   - LaTeX dressing, white space, case, "x =" in front and a full stop at the end
//     do not matter.
//   - If the ground truth is a number, with or without a unit, the last number of
//     the answer counts, if it stands by itself: not 5x, 5\pi or \sqrt{5}. Numbers are compared exactly, as fractions: decimals,
//     1,234 and 1{,}234, \frac{1}{2} and 1/2, 1\frac{1}{2}, 12\% and 0.12. Where
//     one side alone has a percent sign, it may also have been left out.
//   - Lists and sets are compared element by element, in any order, their elements
//     by these rules too; tuples and intervals as they stand.
//   - Anything else is compared as text, with what stands in \text{...} and
//     without it.
//
// It is a stand-in for a model, not a verifier: it knows no algebra and no units,
// and it does not look at the question.
func Lenient(groundTruth, answer string) bool {
	truth, given := undress(groundTruth), undress(answer)
	if truth == "" || given == "" {
		return false
	}
	return same(truth, given) || sameSet(truth, given)
}

// same compares two undressed texts that are not lists.
func same(truth, given string) bool {
	truth, given = subject.ReplaceAllString(truth, ""), subject.ReplaceAllString(given, "")
	if solid(truth, true) == solid(given, true) {
		return true
	}
	if want, ok := quantity(truth); ok {
		got, ok := lastNumber(given)
		return ok && want.equal(got)
	}
	bare := solid(truth, false)
	return bare != "" && bare == solid(given, false)
}

// sameSet compares lists or sets without regard to their order.
func sameSet(truth, given string) bool {
	want, got := elements(truth), elements(given)
	if len(want) < 2 || len(want) != len(got) || len(want) > 64 {
		return false
	}
	for _, w := range want {
		at := slices.IndexFunc(got, func(g string) bool { return same(w, g) })
		if at < 0 {
			return false
		}
		got = slices.Delete(got, at, at+1)
	}
	return true
}

var (
	textual  = regexp.MustCompile(`\\(?:text|textbf|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}`)
	fracs    = regexp.MustCompile(`(\d)?\s*\\[dt]?frac\s*\{\s*(-?[\d.]+)\s*\}\s*\{\s*(-?[\d.]+)\s*\}`)
	commas   = regexp.MustCompile(`(\d),(\d{3})\b`)
	subject  = regexp.MustCompile(`^\s*(?:[A-Za-z](?:_\{?\w\}?)?(?:\s*\(\s*[A-Za-z]\s*\))?\s*(?:=|\\in\b))\s*`)
	joints   = regexp.MustCompile(`(?i)[,;]|\x02\s*,?\s*(?:or|and)\s*\x03|\b(?:or|and)\b`)
	words    = regexp.MustCompile(`\x02[^\x03]*\x03`)
	numerals = regexp.MustCompile(`-?(?:\d+(?:\.\d+)?|\.\d+)(?:/-?\d+(?:\.\d+)?)?(?:\s*%)?`)
	// A number that is part of an expression: 5x, 5\pi, \sqrt{5}, 2^5.
	partOfMore = regexp.MustCompile(`\\(?:sqrt|pi|log|ln|sin|cos|tan|pm)\b|[√π∞]|\d\s*[b-z]\b|\^`)
	dressing   = strings.NewReplacer(
		`\left`, "", `\right`, "", `\!`, "", `\,`, "", `\;`, "", `\:`, "", `\ `, " ", "~", " ", `\$`, "", "$", "", `\%`, "%", `^\circ`, "", `^{\circ}`, "", "°", "", `\(`, "", `\)`, "", `\[`, "", `\]`, "",
		`\{`, "{", `\}`, "}", "{,}", ",", `\cdot`, "*", `\times`, "*", `\leq`, "<=", `\le`, "<=", "≤", "<=", `\geq`, ">=", `\ge`, ">=", "≥", ">=", "**", "", "−", "-", "\x02", "", "\x03", "", `\infty`, "∞", `+\infty`, "∞",
	)
)

// undress takes the dressing off an answer. Texts stay, between \x02 and \x03.
func undress(s string) string {
	if len(s) > maxJudged {
		s = strings.ToValidUTF8(s[len(s)-maxJudged:], "")
	}
	s = dressing.Replace(s)
	s = textual.ReplaceAllString(s, "\x02$1\x03")
	s = fracs.ReplaceAllStringFunc(s, func(f string) string {
		m := fracs.FindStringSubmatch(f)
		if m[1] != "" { // a mixed number: 1\frac{1}{2} is 1&1/2
			return m[1] + "&" + m[2] + "/" + m[3]
		}
		return m[2] + "/" + m[3]
	})
	for previous := ""; s != previous && strings.Contains(s, ","); { // 1,234,567
		previous, s = s, commas.ReplaceAllString(s, "$1$2")
	}
	return strings.TrimSpace(strings.TrimRight(strings.TrimSpace(s), "."))
}

// solid is a text without white space and case, with or without what stood in
// \text{...}.
func solid(s string, texts bool) string {
	if !texts {
		s = words.ReplaceAllString(s, "")
	}
	s = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || c == '\x02' || c == '\x03' {
			return -1
		}
		return unicode.ToLower(c)
	}, s)
	s = strings.TrimRight(s, ".")
	// "(B)" is B; a longer tuple or interval stays.
	if inner, ok := strings.CutPrefix(s, "("); ok {
		if inner, ok = strings.CutSuffix(inner, ")"); ok && utf8.RuneCountInString(inner) == 1 {
			return inner
		}
	}
	return s
}

// A numeral is a number and whether it was written with a percent sign, which its
// value does not include.
type numeral struct {
	value   *big.Rat
	percent bool
}

func (n numeral) equal(m numeral) bool {
	if n.value.Cmp(m.value) == 0 {
		return true // also 12% and 12
	}
	return n.percent != m.percent && n.inFull().Cmp(m.inFull()) == 0
}

func (n numeral) inFull() *big.Rat {
	if n.percent {
		return new(big.Rat).Quo(n.value, big.NewRat(100, 1))
	}
	return n.value
}

// quantity reads a text that is a number and nothing else but a unit in letters.
func quantity(s string) (numeral, bool) {
	s = strings.TrimSpace(words.ReplaceAllString(s, ""))
	at := numerals.FindStringIndex(s)
	if at == nil {
		return numeral{}, false
	}
	if mixed, rest, ok := cutMixed(s); ok {
		return numeral{value: mixed}, isUnit(rest)
	}
	if at[0] != 0 || !isUnit(s[at[1]:]) {
		return numeral{}, false
	}
	return readNumeral(s[:at[1]])
}

// isUnit reports whether what follows a number is blank or a word after a blank,
// so that neither 5x nor 5\pi is a number.
func isUnit(s string) bool {
	trimmed := strings.TrimSpace(s)
	if joints.MatchString(trimmed) {
		return false // "3 or 2" is a list; its first element is not the whole of it
	}
	return trimmed == "" || s != trimmed && len(trimmed) > 1 && trimmed != "pi" && strings.Trim(strings.ToLower(trimmed), "abcdefghijklmnopqrstuvwxyz ./^23") == ""
}

// lastNumber reads the number that an answer ends with.
func lastNumber(s string) (numeral, bool) {
	if at := strings.LastIndex(s, "&"); at >= 0 {
		start := strings.LastIndexFunc(s[:at], func(c rune) bool { return c != '-' && (c < '0' || c > '9') }) + 1
		if mixed, rest, ok := cutMixed(s[start:]); ok && !numerals.MatchString(rest) {
			return numeral{value: mixed}, true
		}
	}
	found := numerals.FindAllStringIndex(s, -1)
	if len(found) == 0 || partOfMore.MatchString(s) {
		return numeral{}, false
	}
	last := found[len(found)-1]
	return readNumeral(s[last[0]:last[1]])
}

// cutMixed reads a mixed number, 1&1/2, at the beginning of a text.
func cutMixed(s string) (value *big.Rat, rest string, ok bool) {
	whole, after, ok := strings.Cut(s, "&")
	if !ok {
		return nil, "", false
	}
	at := numerals.FindStringIndex(after)
	if at == nil || at[0] != 0 {
		return nil, "", false
	}
	part, ok := readNumeral(after[:at[1]])
	n, wholeOK := decimalNumber(whole)
	if !ok || !wholeOK {
		return nil, "", false
	}
	if strings.HasPrefix(whole, "-") {
		return n.Sub(n, part.value), after[at[1]:], true
	}
	return n.Add(n, part.value), after[at[1]:], true
}

// readNumeral reads what numerals matches.
func readNumeral(s string) (numeral, bool) {
	s, percent := strings.CutSuffix(s, "%")
	s = strings.TrimSpace(s)
	above, below, isFraction := strings.Cut(s, "/")
	x, ok := decimalNumber(above)
	if !ok || !isFraction {
		return numeral{x, percent}, ok
	}
	y, ok := decimalNumber(below)
	if !ok || y.Sign() == 0 {
		return numeral{}, false
	}
	return numeral{x.Quo(x, y), percent}, true
}

// decimalNumber reads digits with at most one point and a sign. It refuses the
// other notations of big.Rat, and numbers too long to be an answer.
func decimalNumber(s string) (*big.Rat, bool) {
	if len(s) == 0 || len(s) > 60 || strings.Trim(s, "-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// elements splits a list or a set. A tuple or interval is one element.
func elements(s string) []string {
	s = subject.ReplaceAllString(s, "")
	if inner, ok := strings.CutPrefix(s, "{"); ok {
		s = strings.TrimSuffix(inner, "}")
	}
	var parts []string
	start := 0
	for _, at := range joints.FindAllStringIndex(s, -1) {
		part := s[start:at[0]]
		if strings.Count(part, "(")+strings.Count(part, "[") > strings.Count(part, ")")+strings.Count(part, "]") {
			continue // inside a tuple or interval
		}
		parts = append(parts, s[start:at[0]])
		start = at[1]
	}
	parts = append(parts, s[start:])
	return slices.DeleteFunc(parts, func(p string) bool { return strings.TrimSpace(p) == "" })
}
