package taxonomy

import (
	"regexp"
	"strings"
)

var ratioForm = regexp.MustCompile(`^([^:<>=|,]+?) ?(?::| to ) ?([^:<>=|,]+)$`)

// ratios compares a:b, a to b, a/b.
func (c *comparison) ratios(truth, given string) (Category, bool) {
	a, b := ratioForm.FindStringSubmatch(truth), ratioForm.FindStringSubmatch(given)
	if a == nil && b == nil {
		return "", false
	}
	quotient := func(s string, m []string) string {
		if m == nil {
			return s
		}
		return "(" + c.bare(m[1]) + ")/(" + c.bare(m[2]) + ")"
	}
	if category, ok := c.numbers(quotient(truth, a), quotient(given, b)); ok && category != Rounding {
		return Ratio, true
	}
	category, ok := c.formulas(quotient(truth, a), quotient(given, b))
	if ok && category != "" {
		return Ratio, true
	}
	return "", false
}

// bare takes units off and writes words for numbers as digits.
func (c *comparison) bare(s string) string { return unitless(digits(s), c.asked) }

// A bracket that has two ends, or a union of such: an interval. A pair of
// numbers looks the same; what it is shows in the other text.
var intervalForm = regexp.MustCompile(`^(?:[a-zA-Z] ?∈ ?)?[\[(\]][^\[\]]*,[^\[\]]*[\])\[]$`)

func isInterval(s string) bool {
	if strings.Contains(s, "∞") || strings.Contains(s, "∪") || strings.Contains(s, "∖") {
		return !hasInequality(s)
	}
	return intervalForm.MatchString(s) && !hasInequality(s)
}

func hasInequality(s string) bool {
	s = strings.ReplaceAll(s, "->", "")
	return strings.ContainsAny(s, "<>")
}

var moreOrLess = regexp.MustCompile(`\b(?:greater|less|more|fewer|larger|smaller|at least|at most|between|above|below|real)\b`)

// realSets tells intervals, inequalities and words for them apart. As the answer
// is right their ends need no comparison.
func (c *comparison) realSets(truth, given string) (Category, bool) {
	switch {
	case hasInequality(truth) && isInterval(given), isInterval(truth) && hasInequality(given):
		if moreOrLess.MatchString(truth + given) {
			return Phrasing, true
		}
		return Interval, true
	case hasInequality(truth) && hasInequality(given):
		if c.turned(truth) == c.turned(given) {
			return NotationOther, true
		}
	case isInterval(truth) && isInterval(given) && strings.Contains(truth+given, "∞"):
		if c.french(truth) == c.french(given) {
			return NotationOther, true
		}
	case moreOrLess.MatchString(truth) != moreOrLess.MatchString(given):
		if hasInequality(truth+given) || isInterval(truth) || isInterval(given) {
			return Phrasing, true
		}
	}
	return "", false
}

var (
	builder   = regexp.MustCompile(`^\\\{ ?[a-zA-Z](?: ?∈ ?ℝ)? ?[|:] ?(.*?) ?\\\}$`)
	twoSides  = regexp.MustCompile(`^([^<>]+)(<=|<|>=|>)([^<>=]+)$`)
	threeSide = regexp.MustCompile(`^([^<>]+)(>=|>)([^<>=]+)(>=|>)([^<>=]+)$`)
)

// turned writes an inequality without the braces of a set and with the smaller
// side on the left.
func (c *comparison) turned(s string) string {
	if m := builder.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	s = solid(s)
	turn := strings.NewReplacer(">=", "<=", ">", "<")
	if m := threeSide.FindStringSubmatch(s); m != nil {
		return m[5] + turn.Replace(m[4]) + m[3] + turn.Replace(m[2]) + m[1]
	}
	if m := twoSides.FindStringSubmatch(s); m != nil && m[2][0] == '>' {
		return m[3] + turn.Replace(m[2]) + m[1]
	}
	return s
}

var outward = regexp.MustCompile(`\]([^\[\](),]*,)|(,[^\[\](),]*)\[`)

// french turns brackets that open outwards, ]a,b[.
func (c *comparison) french(s string) string {
	return outward.ReplaceAllStringFunc(solid(s), func(m string) string {
		if strings.HasPrefix(m, "]") {
			return "(" + m[1:]
		}
		return m[:len(m)-1] + ")"
	})
}

// vectors compares a matrix with a tuple or another way to write it.
func (c *comparison) vectors(truth, given string) (Category, bool) {
	a, isVector := vector(truth)
	b, bothVectors := vector(given)
	if !isVector && !bothVectors {
		return "", false
	}
	if !isVector {
		a = splitList(truth)
	}
	if !bothVectors {
		b = splitList(given)
	}
	category, ok := c.inOrder(a.elements, b.elements)
	if ok && (category == "" || isVector != bothVectors) {
		category = VectorMatrix
	}
	return category, ok
}

// joined compares solutions joined by ± with a list of them.
func (c *comparison) joined(truth, given string) (Category, bool) {
	a, b := strings.Contains(truth, "±"), strings.Contains(given, "±")
	switch {
	case a == b && !a:
		return "", false
	case a && b:
		category, ok := c.same(strings.ReplaceAll(truth, "±", "+"), strings.ReplaceAll(given, "±", "+"))
		if ok && category == "" {
			category = NotationOther
		}
		return category, ok
	case a:
		truth, given = given, truth
	}
	both := strings.ReplaceAll(given, "±", "+") + "," + strings.ReplaceAll(given, "±", "-")
	_, ok := c.lists(withoutNames(truth, nil), withoutNames(both, nil))
	return JoinedSolutions, ok || len(splitList(truth).elements) > 1
}

// lists compares element by element, then in any order.
func (c *comparison) lists(truth, given string) (Category, bool) {
	a, b := splitList(truth), splitList(given)
	if len(a.elements) != len(b.elements) || len(a.elements) < 2 && a.opening == b.opening || c.depth > 2 {
		return "", false
	}
	c.depth++
	defer func() { c.depth-- }()
	category, ok := c.inOrder(a.elements, b.elements)
	switch {
	case ok && category != "":
		return category, true
	case ok && (a.opening != b.opening || a.closing != b.closing):
		return Structure, true
	case ok && a.delimiters != b.delimiters:
		return Delimiter, true
	case ok:
		return "", true
	}
	return Order, c.inAnyOrder(a.elements, b.elements)
}

// inOrder compares elements pairwise. The category is that of the last pair
// which is not equal as it stands.
func (c *comparison) inOrder(truth, given []string) (Category, bool) {
	if len(truth) != len(given) {
		return "", false
	}
	worst := Category("")
	for i := range truth {
		category, ok := c.same(truth[i], given[i])
		if !ok || category == Rounding || category == VariableChoice || category == ExplanatoryText {
			return "", false
		}
		if category != "" {
			worst = category
		}
	}
	return worst, true
}

func (c *comparison) inAnyOrder(truth, given []string) bool {
	taken := make([]bool, len(given))
	for _, t := range truth {
		found := false
		for i, g := range given {
			if taken[i] {
				continue
			}
			if category, ok := c.same(t, g); ok && (category == "" || category == ExactForm || category == Algebraic || category == NumericOther || category == RootExponent) {
				taken[i], found = true, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}
