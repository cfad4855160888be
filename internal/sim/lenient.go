package sim

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// Lenient is how a simulated annotator judges what the world does not know, such
// as real data: it compares an answer with the ground truth generously. LaTeX
// dressing, units, words around the answer, white space, case and the order of
// lists do not matter; numbers are compared exactly, as fractions. If the ground
// truth is a number, the last number of the answer counts.
//
// It is a stand-in for a model, not a verifier: it knows no algebra, and it does
// not look at the question.
func Lenient(groundTruth, answer string) bool {
	truth, given := plain(groundTruth), plain(answer)
	if truth == "" || given == "" {
		return false
	}
	if truth == given {
		return true
	}
	if want, ok := number(truth); ok {
		found := numbers.FindAllString(given, -1)
		if len(found) == 0 {
			return false
		}
		got, ok := number(found[len(found)-1])
		return ok && got.Cmp(want) == 0
	}
	return slices.Equal(elements(truth), elements(given))
}

var (
	numbers       = regexp.MustCompile(`-?(?:\d+(?:\.\d+)?|\.\d+)(?:/\d+)?`)
	latexFraction = regexp.MustCompile(`\\[dt]?frac\{(-?\d+)\}\{(-?\d+)\}`)
	textual       = regexp.MustCompile(`\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}`)
	comma         = regexp.MustCompile(`(\d),(\d{3})\b`)
	equation      = regexp.MustCompile(`^[a-z](?:\([a-z]\))?=`)
	dressing      = strings.NewReplacer(
		"{,}", ",", `\left`, "", `\right`, "", `\!`, "", `\,`, "", `\;`, "", `\ `, "", `\$`, "", "$", "", `\%`, "", "%", "", `^\circ`, "", `^{\circ}`, "", "°", "",
		`\(`, "", `\)`, "", `\[`, "", `\]`, "", `\{`, "{", `\}`, "}", `\cdot`, "*", `\times`, "*", `\leq`, "<=", `\le`, "<=", `\geq`, ">=", `\ge`, ">=", "**", "",
	)
)

// plain takes the dressing off an answer.
func plain(s string) string {
	s = dressing.Replace(s)
	s = latexFraction.ReplaceAllString(s, "$1/$2")
	s = textual.ReplaceAllString(s, " $1 ")
	for range 4 { // 1,234,567,890,123
		s = comma.ReplaceAllString(s, "$1$2")
	}
	s = strings.ToLower(strings.Join(strings.Fields(s), ""))
	s = strings.TrimRight(s, ".")
	return equation.ReplaceAllString(s, "")
}

// number reads a decimal or a fraction of whole numbers.
func number(s string) (*big.Rat, bool) {
	if len(s) > 60 || numbers.FindString(s) != s {
		return nil, false
	}
	if _, denominator, ok := strings.Cut(s, "/"); ok && strings.Trim(denominator, "0") == "" {
		return nil, false
	}
	numerator, denominator, isFraction := strings.Cut(s, "/")
	x, ok := new(big.Rat).SetString(numerator)
	if !ok || !isFraction {
		return x, ok
	}
	y, ok := new(big.Rat).SetString(denominator)
	if !ok {
		return nil, false
	}
	return x.Quo(x, y), true
}

// elements splits a list or set and sorts it. Intervals and tuples keep their order.
func elements(s string) []string {
	if strings.HasPrefix(s, "(") || strings.HasPrefix(s, "[") {
		return []string{s}
	}
	s = strings.Trim(s, "{}")
	s = strings.NewReplacer("or", ",", "and", ",", ";", ",").Replace(s)
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
	for i, p := range parts {
		parts[i] = equation.ReplaceAllString(p, "")
	}
	slices.Sort(parts)
	return parts
}
