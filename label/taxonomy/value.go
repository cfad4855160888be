package taxonomy

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tinyv/verify/algebra"
)

// value evaluates a formula without variables.
func (f formula) value() (float64, bool) {
	z, ok := f.expr.Value()
	if !ok || math.Abs(imag(z)) > 1e-9*(1+math.Abs(real(z))) {
		return 0, false
	}
	return real(z), true
}

var (
	grouped    = regexp.MustCompile(`^[-+]?\d{1,3}(?:(?:,| )\d{3})+(?:\.\d+)?$`)
	plain      = regexp.MustCompile(`^[-+]?(?:\d+\.?\d*|\.\d+)%?$`)
	rational   = regexp.MustCompile(`^[-+\d./(){} %]*(?:\\frac ?\{[-\d. ]+\} ?\{[-\d. ]+\}|/ ?\(?-?\d+\)?)?[)} %]*$`)
	rootBelow  = regexp.MustCompile(`(?:\\frac\{[^{}]*\}\{[^{}]*|/\(?)\\sqrt`)
	scientific = regexp.MustCompile(`10 ?\^`)
)

// ungrouped takes the commas and blanks out of 1,234,567.
func ungrouped(s string) string {
	if !grouped.MatchString(s) {
		return s
	}
	return strings.NewReplacer(",", "", " ", "").Replace(s)
}

// numbers compares what are numbers.
func (c *comparison) numbers(truth, given string) (Category, bool) {
	truthText, givenText := ungrouped(truth), ungrouped(given)
	n := names{letters: map[string]string{}}
	a, okA := n.read(truthText)
	b, okB := n.read(givenText)
	if !okA || !okB {
		return "", false
	}
	// A value is taken out of the effort by its length.
	if c.effort -= algebra.Effort(2 * (len(truthText) + len(givenText))); c.effort < 0 {
		return "", false
	}
	x, okA := a.value()
	y, okB := b.value()
	if !okA || !okB || x == 0 && y != 0 || y == 0 && x != 0 {
		return "", false
	}
	if x == y || math.Abs(x-y) <= 1e-9*math.Abs(x) && equal(a, b, &c.effort) {
		return kindOfNumber(a.text, b.text), true
	}
	return c.near(a.text, b.text, x, y)
}

// kindOfNumber names the difference of two ways to write the same number.
func kindOfNumber(truth, given string) Category {
	both := truth + given
	switch {
	case plain.MatchString(truth) && plain.MatchString(given) && strings.Contains(truth, "%") == strings.Contains(given, "%"):
		return NumericOther // 7.0, +7, 1,234
	case slashed(truth) == slashed(given):
		return Symbol
	case strings.Contains(truth, "°") != strings.Contains(given, "°") && strings.Contains(both, "π"):
		return Unit
	case hasFunction(both):
		return LogTrig
	case scientific.MatchString(both):
		return ExactForm
	case rootSigns(truth) != rootSigns(given) || rootBelow.MatchString(truth) != rootBelow.MatchString(given) || strings.Contains(truth, "^") != strings.Contains(given, "^"):
		return RootExponent
	case rational.MatchString(truth) && rational.MatchString(given):
		return ExactForm
	case strings.Contains(both, "^"):
		return RootExponent
	}
	return Algebraic
}

func rootSigns(s string) string {
	var b strings.Builder
	for i := range s {
		if strings.HasPrefix(s[i:], `\sqrt`) || strings.HasPrefix(s[i:], "√") {
			rest := strings.TrimPrefix(strings.TrimPrefix(s[i:], `\sqrt`), "√")
			rest = strings.TrimLeft(rest, "{(")
			end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
			if end < 0 {
				end = len(rest)
			}
			b.WriteString(rest[:end] + ";")
		}
	}
	return b.String()
}

func hasFunction(s string) bool {
	return slices.ContainsFunc(functions, func(f struct{ written, meant, inverse string }) bool {
		return f.written != "sqrt" && f.written != "exp" && strings.Contains(s, f.written)
	})
}

// near names the difference of two numbers that are not equal: a right answer
// may be rounded, or be in another unit.
func (c *comparison) near(truth, given string, x, y float64) (Category, bool) {
	const close = 5e-3
	if math.Abs(x-y) <= close*math.Max(math.Abs(x), math.Abs(y)) {
		if plain.MatchString(truth) && plain.MatchString(given) {
			return Rounding, true
		}
		return Approximate, true
	}
	// A decimal with few digits may be further away.
	for _, pair := range [][2]string{{truth, given}, {given, truth}} {
		_, decimals, ok := strings.Cut(pair[0], ".")
		if !ok || !plain.MatchString(pair[0]) {
			continue
		}
		if math.Abs(x-y) <= 0.5000001*math.Pow(10, -float64(len(strings.TrimSuffix(decimals, "%")))) {
			if plain.MatchString(pair[1]) {
				return Rounding, true
			}
			return Approximate, true
		}
	}
	if !c.hasUnit || c.depth > 0 {
		return "", false
	}
	for _, factor := range []float64{10, 100, 1000, 1e4, 1e6, 60, 3600, 24, 12, 3.6, 180 / math.Pi} {
		for _, quotient := range []float64{x / y, y / x} {
			if math.Abs(quotient-factor) < 1e-9*factor {
				return Unit, true
			}
		}
	}
	return "", false
}

var (
	ones = []string{
		"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
		"fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}
	tens = []string{"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}

	numeral = regexp.MustCompile(`(?i)\b(?:(` + strings.Join(tens, "|") + `)(?:[- ](` + strings.Join(ones[1:10], "|") + `))?|(` + strings.Join(ones, "|") + `|half|hundred|thousand|million))\b`)
)

// digits writes numbers in words below a hundred as digits.
func digits(s string) string {
	return numeral.ReplaceAllStringFunc(s, func(m string) string {
		low := strings.ToLower(m)
		switch low {
		case "half":
			return `\frac{1}{2}`
		case "hundred":
			return "100"
		case "thousand":
			return "1000"
		case "million":
			return "1000000"
		}
		if i := slices.Index(ones, low); i >= 0 {
			return strconv.Itoa(i)
		}
		ten, one, _ := strings.Cut(strings.ReplaceAll(low, "-", " "), " ")
		n := 10 * (slices.Index(tens, ten) + 2)
		return strconv.Itoa(n + max(slices.Index(ones, one), 0))
	})
}

var sums = strings.NewReplacer(" percent", "%", " to the power ", "^", " squared", "^2", " cubed", "^3", " over ", "/", " plus ", "+", " minus ", "-", " times ", "*", " pi", "π")

// numerals compares with words for numbers, signs and constants read as signs.
func (c *comparison) numerals(truth, given string) (Category, bool) {
	a, b := sums.Replace(digits(truth)), sums.Replace(digits(given))
	if a == truth && b == given {
		return "", false
	}
	if solid(a) == solid(b) {
		return Phrasing, true
	}
	_, ok := c.numbers(c.bare(withoutProse(a, nil)), c.bare(withoutProse(b, nil)))
	return Phrasing, ok
}
