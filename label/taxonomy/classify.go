package taxonomy

import (
	"regexp"
	"slices"
	"strings"

	"tinyv/verify/algebra"
)

// maxText is how many bytes of a text are compared by more than its letters.
const maxText = 1500

// maxEffort is what the formulas of one pair may cost, in package algebra's units.
const maxEffort = 20_000

// Classify says why a rule verifier rejected an answer that is right, as the
// package comment describes. It is false if one of the texts is empty.
func Classify(question, groundTruth, answer string) (Category, bool) {
	truth, given := strings.TrimSpace(groundTruth), strings.TrimSpace(answer)
	if truth == "" || given == "" {
		return "", false
	}
	if c, ok := byLooks(truth, given); ok {
		return c, true
	}
	if len(truth) > maxText || len(given) > maxText {
		return byShape(spaced(truth), spaced(given)), true
	}
	truth, given = canonical(truth), canonical(given)
	if truth == "" || given == "" {
		return FormattingOther, true
	}
	c := comparison{effort: maxEffort, asked: wordsOf(strings.ToLower(question)), peelings: map[peeling]string{}}
	if category, ok := c.peeled(truth, given); ok {
		return category, true
	}
	return byShape(truth, given), true
}

// byLooks compares the texts in the growing steps that change no value.
func byLooks(truth, given string) (Category, bool) {
	if truth == given {
		return FormattingOther, true
	}
	steps := []struct {
		category Category
		apply    func(string) string
	}{
		{Whitespace, spaced},
		{Symbol, func(s string) string { return normal.symbols(hideSuperscripts(s)) }},
		{Markup, func(s string) string { return spaced(lastStop.ReplaceAllString(markup(s), "")) }},
		{FormattingOther, strings.ToLower},
	}
	for _, step := range steps {
		truth, given = step.apply(truth), step.apply(given)
		if solid(truth) == solid(given) {
			if step.category == FormattingOther && !isProse(truth) {
				return "", false // x and X are two variables
			}
			return step.category, true
		}
	}
	return "", false
}

// A comparison holds what the comparisons of one pair share.
type comparison struct {
	effort algebra.Effort
	asked  []string
	depth  int // of lists within lists

	peelings map[peeling]string
	hasUnit  bool // one of the texts names a unit
	placing  bool // letters are replaced by their places
}

// peeled compares the texts with more and more parts taken off: first as they
// stand, then by value.
func (c *comparison) peeled(truth, given string) (Category, bool) {
	c.hasUnit = withoutUnit(truth, c.asked) != truth || withoutUnit(given, c.asked) != given
	all := c.pairs(truth, given)
	for _, p := range all {
		if solid(p.truth) == solid(p.given) {
			if p.category == ExplanatoryText && hasWords(truth) && hasWords(given) {
				return Phrasing, true // each says it in its own words
			}
			return p.category, true
		}
	}
	for _, p := range all {
		if category, ok := c.same(p.truth, p.given); ok {
			return category, true
		}
	}
	return "", false
}

// A pair is what is left of two texts, and how it is named that parts were taken
// off.
type pair struct {
	truth, given string
	category     Category
}

// pairs lists all that taking parts off leaves, the least that is taken off first.
func (c *comparison) pairs(truth, given string) []pair {
	type texts struct{ truth, given string }
	seen := map[texts]bool{}
	var all []pair
	for _, chosen := range subsets {
		p := pair{truth, given, FormattingOther}
		for _, i := range turns {
			if slices.Contains(chosen, i) {
				p.truth, p.given = c.off(i, p.truth), c.off(i, p.given)
			}
		}
		if len(chosen) > 0 {
			p.category = peels[chosen[0]].category
		}
		if t := (texts{p.truth, p.given}); !seen[t] {
			seen[t] = true
			all = append(all, p)
		}
	}
	return all
}

// off applies a peel, once to each text: most subsets come to the same.
func (c *comparison) off(peel int, s string) string {
	key := peeling{peel, s}
	rest, ok := c.peelings[key]
	if !ok {
		rest = peels[peel].off(s, c.asked)
		c.peelings[key] = rest
	}
	return rest
}

type peeling struct {
	peel int
	text string
}

// subsets lists the sets of peels of up to four, small ones first. They hold
// places in peels, in its order.
var subsets = subsetsUpTo(len(peels), 4)

// Of one size, those with the last peels come first: the least that is taken off.
func subsetsUpTo(n, size int) [][]int {
	sets := [][]int{nil}
	last := sets
	for range size {
		var next [][]int
		for _, set := range last {
			from := 0
			if len(set) > 0 {
				from = set[len(set)-1] + 1
			}
			for i := from; i < n; i++ {
				next = append(next, append(slices.Clone(set), i))
			}
		}
		last = next
		sets = append(sets, backward(next)...)
	}
	return sets
}

func backward(sets [][]int) [][]int {
	sets = slices.Clone(sets)
	slices.Reverse(sets)
	return sets
}

// same compares two canonical texts. The category is empty if they are equal as
// they stand.
func (c *comparison) same(truth, given string) (Category, bool) {
	if solid(truth) == solid(given) {
		return "", true
	}
	if truth == "" || given == "" {
		return "", false
	}
	if c.effort -= algebra.Effort(5 + (len(truth)+len(given))/16); c.effort < 0 {
		return "", false
	}
	for _, compare := range []func(truth, given string) (Category, bool){
		c.scripts, c.ratios, c.realSets, c.vectors, c.joined, c.lists, c.contained, c.numbers, c.numerals, c.formulas, c.equations, c.custom, c.renamed,
	} {
		if category, ok := compare(truth, given); ok {
			return category, true
		}
	}
	return "", false
}

// scripts compares without the signs of sub- and superscripts: a_1, a_{1}, a1.
func (c *comparison) scripts(truth, given string) (Category, bool) {
	if !strings.Contains(truth+given, "_") {
		return "", false
	}
	flat := func(s string) string {
		return strings.NewReplacer("_", "", "{", "", "}", "", "(", "", ")", "", " ", "", "^", "").Replace(s)
	}
	return Script, flat(truth) == flat(given)
}

var bigOperator = regexp.MustCompile(`\\(?:sum|prod|int|lim)([^A-Za-z]|$)`)

// byShape chooses a class for two texts that nothing made equal.
func byShape(truth, given string) Category {
	switch proseTruth, proseGiven := isProse(truth), isProse(given); {
	case proseTruth && proseGiven:
		return Phrasing
	case proseTruth || proseGiven:
		if hasInequality(truth) || hasInequality(given) || isInterval(truth) || isInterval(given) {
			return Phrasing // "all numbers greater than 3"
		}
		return LanguageOther
	}
	n := names{letters: map[string]string{}}
	a, isFormula := n.read(truth)
	b, bothFormulas := n.read(given)
	switch {
	case bigOperator.MatchString(truth + given):
		return ExpressionOther
	case isInterval(truth) || isInterval(given) || hasInequality(truth) || hasInequality(given):
		return NotationOther
	case len(splitList(truth).elements) > 1 || len(splitList(given).elements) > 1:
		return SetListOther
	case isFormula && bothFormulas:
		_, isNumber := a.value()
		_, bothNumbers := b.value()
		if isNumber && bothNumbers {
			return NumericOther
		}
		return ExpressionOther
	case strings.Contains(truth+given, `\`) && !strings.Contains(truth+given, `\frac`) && !strings.Contains(truth+given, `\sqrt`):
		return SymbolicOther
	case strings.ContainsAny(truth+given, "=^_+") || strings.Contains(truth+given, `\frac`) || strings.Contains(truth+given, `\sqrt`):
		return ExpressionOther
	}
	return FormattingOther
}

func hasWords(s string) bool { return slices.ContainsFunc(wordsOf(s), isWord) }

// isProse reports whether words make up more than half of a text.
func isProse(s string) bool {
	letters := 0
	for _, w := range wordsOf(s) {
		if isWord(w) {
			letters += len(w)
		}
	}
	return 2*letters > len(solid(s))
}
