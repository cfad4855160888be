package synth

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The kinds of near misses that are made by rule: what was changed.
const (
	kindSign            = "sign"
	kindOffByOne        = "off_by_one"
	kindDigit           = "digit"
	kindLostSolution    = "lost_solution"
	kindIntervalEnd     = "interval_end"
	kindUnit            = "unit"
	kindReciprocal      = "reciprocal"
	kindSwappedFraction = "swapped_fraction" // one fraction of several, or in a larger expression
	kindDroppedConstant = "dropped_constant"
	kindDroppedFactor   = "dropped_factor" // pi or a root
	kindReordered       = "reordered_tuple"
	kindOption          = "option"
	kindOpposite        = "opposite" // no for yes, odd for even, Tuesday for Monday
)

// change is an answer made of the ground truth by one change, not yet proven wrong.
type change struct {
	kind, answer string
}

// changesOf lists the changes that the rules make of a ground truth. Those of a
// place where the result may be right for another reason than its value are not
// among them.
func changesOf(r *reading, question string) []change {
	if notUnique.MatchString(question) {
		return nil
	}
	if r.constant != nil || indefinite.MatchString(question) && slices.ContainsFunc(r.parts, part.constant) {
		if r.constant == nil {
			return nil
		}
		// Another number beside an arbitrary constant is the same family.
		return []change{{kindDroppedConstant, r.text[:r.constant.lo] + r.text[r.constant.hi:]}}
	}
	e := editor{reading: r, question: question}
	for _, rule := range []func(*editor){
		(*editor).said, (*editor).sign, (*editor).literals, (*editor).lost, (*editor).ends, (*editor).units, (*editor).fractions, (*editor).dropped, (*editor).reordered,
	} {
		rule(&e)
	}
	return e.changes
}

// notUnique finds questions that another answer than the ground truth may answer,
// too: one of several, a vector of any length, an angle that full turns do not change.
var notUnique = regexp.MustCompile(`(?i)\bexample\b|(?:one|a|any) possible|\bany (?:one|such)\b|\bsome (?:integer|value|number)|answers? may vary|\bone of the\b|direction vector|direction of|scalar multiple|polar|cylindrical|spherical`)

var indefinite = regexp.MustCompile(`(?i)\\int|integra|antideriv|differential|general solution`)

// constant reports whether a part may hold an arbitrary constant.
func (p part) constant() bool {
	return slices.ContainsFunc(p.values, func(f formula) bool {
		return strings.Contains(f.text, symbolPrefix+"c") || strings.Contains(f.text, symbolPrefix+"C") || strings.Contains(f.text, symbolPrefix+"k")
	})
}

// nearMisses returns the changes in a seeded order in which every kind has its turn.
func nearMisses(r *reading, question string, rng *rand.Rand) []change {
	byKind := map[string][]change{}
	var kinds []string
	for _, c := range changesOf(r, question) {
		if byKind[c.kind] == nil {
			kinds = append(kinds, c.kind)
		}
		byKind[c.kind] = append(byKind[c.kind], c)
	}
	rng.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	for _, kind := range kinds {
		list := byKind[kind]
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	var all []change
	for len(kinds) > 0 {
		for _, kind := range kinds {
			all = append(all, byKind[kind][0])
			byKind[kind] = byKind[kind][1:]
		}
		kinds = slices.DeleteFunc(kinds, func(kind string) bool { return len(byKind[kind]) == 0 })
	}
	return all
}

// provenWrong reports whether an answer certainly differs from the ground truth.
func (r *reading) provenWrong(answer string) bool {
	other, ok := readLike(answer, r)
	return ok && differ(r, &other)
}

// An editor collects changes of a ground truth.
type editor struct {
	*reading
	question string
	changes  []change
}

func (e *editor) replace(kind string, s span, with string) {
	e.changes = append(e.changes, change{kind, e.text[:s.lo] + with + e.text[s.hi:]})
}

// said changes the letter of a choice to another that the question offers, and a
// word to its opposite.
func (e *editor) said() {
	if e.shape == option {
		letters := "ABCDE"
		if offered := offers.FindAllStringSubmatch(e.question, -1); len(offered) > 1 {
			letters = ""
			for _, m := range offered {
				letters += m[1]
			}
		}
		for i := range len(letters) {
			if letter := letters[i : i+1]; letter != e.reading.said && !strings.Contains(letters[:i], letter) {
				e.replace(kindOption, e.parts[0].span, letter)
			}
		}
	}
	if e.shape == word {
		said := e.reading.said
		opposite := opposites[strings.ToLower(said)]
		switch {
		case said == strings.ToUpper(said):
			opposite = strings.ToUpper(opposite)
		case said[0] >= 'A' && said[0] <= 'Z':
			opposite = strings.ToUpper(opposite[:1]) + opposite[1:]
		}
		e.replace(kindOpposite, e.parts[0].span, opposite)
	}
}

var offers = regexp.MustCompile(`\(([A-E])\)`)

// expressions are the parts that a number can be changed in.
func (e *editor) expressions() []part {
	if e.shape == option || e.shape == word {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.parts), func(p part) bool { return p.infinite != 0 })
}

// sign turns the sign of a part, or one inside of it.
func (e *editor) sign() {
	for _, p := range e.expressions() {
		begin := p.outer
		if e.shape == region || begin > p.lo {
			begin = p.lo
		}
		if rest := e.text[begin:]; strings.HasPrefix(rest, "-") {
			e.replace(kindSign, span{begin, begin + 1 + len(rest[1:]) - len(strings.TrimLeft(rest[1:], " "))}, "")
		} else if !strings.HasPrefix(rest, `\pm`) && !strings.HasPrefix(rest, "+") && !e.neverNegative(p) {
			e.replace(kindSign, span{begin, begin}, "-")
		}
		for i := p.lo + 1; i < p.hi; i++ {
			ahead := strings.TrimRight(e.text[p.lo:i], " ")
			if ahead == "" {
				continue
			}
			inside := strings.IndexByte("({[^", ahead[len(ahead)-1]) < 0 && !strings.HasSuffix(ahead, `\cdot`)
			switch {
			case e.text[i] == '+':
				e.replace(kindSign, span{i, i + 1}, "-")
			case e.text[i] == '-' && inside:
				e.replace(kindSign, span{i, i + 1}, "+")
			case e.text[i] == '-':
				e.replace(kindSign, span{i, i + 1}, "")
			}
		}
	}
}

// neverNegative reports whether a minus in front would show by itself that an
// answer is wrong: False should teach more than that.
func (e *editor) neverNegative(p part) bool {
	_, known := units[p.measure.text]
	if known || p.measure.text == "%" || p.measure.text == "°" {
		return true
	}
	_, number := p.values[0].number()
	return number && e.shape == values && amount.MatchString(e.question)
}

var amount = regexp.MustCompile(`(?i)how (?:many|much|long|old|far|large|tall)|number of|probability|length|area|volume|distance|perimeter|radius|percent|cost|price|dollar|cents|average speed|degree|\$`)

var literal = regexp.MustCompile(`\d+(?:(?:\{,\}|,\\!|\\,|,)\d{3})*(?:\.\d+)?|\.\d+`)

// literals changes the numbers of a part: a whole number by one, one digit of any.
func (e *editor) literals() {
	for _, p := range e.expressions() {
		for _, at := range literal.FindAllStringIndex(e.at(p.span), -1) {
			s := span{p.lo + at[0], p.lo + at[1]}
			n := e.at(s)
			if ahead := e.text[:s.lo]; strings.HasSuffix(ahead, "_") || strings.HasSuffix(ahead, "_{") {
				continue // an index
			}
			if !strings.Contains(n, ".") {
				for _, by := range []int{1, -1} {
					with, ok := stepped(n, by)
					if whole := s == p.span; with == "0" && !whole {
						continue // -0, 3x+0: nobody writes that
					}
					if ok {
						e.replace(kindOffByOne, s, with)
					}
				}
			}
			if strings.Count(n, ".") > 0 || len(n) > 1 {
				e.digits(s)
			}
		}
	}
}

// digits offers other digits at each place. Three of nine are enough to choose from.
func (e *editor) digits(s span) {
	n := e.at(s)
	for i := range len(n) {
		if n[i] < '0' || n[i] > '9' {
			continue
		}
		for _, by := range []byte{1, 3, 7} {
			d := '0' + (n[i]-'0'+by)%10
			if d == '0' && i == 0 || !strings.Contains(n, ".") && i == len(n)-1 && by == 1 {
				continue // a leading zero; the same as off by one
			}
			if strings.Contains(n, ".") && i == len(n)-1 && approximate.MatchString(e.question) {
				continue // near enough, maybe
			}
			e.replace(kindDigit, span{s.lo + i, s.lo + i + 1}, string(d))
		}
	}
}

var approximate = regexp.MustCompile(`(?i)approximat|estimat|\babout\b|roughly`)

// stepped counts a whole number, as it is written, up or down by one. It is not ok
// if a number with separators of thousands would get other ones.
func stepped(n string, by int) (string, bool) {
	if value, err := strconv.Atoi(n); err == nil && len(n) < 16 {
		return strconv.Itoa(value + by), value+by >= 0
	}
	digits := []byte(n)
	for i := len(digits) - 1; i >= 0; i-- {
		d := digits[i]
		if d < '0' || d > '9' {
			continue
		}
		switch {
		case by > 0 && d < '9':
			digits[i]++
			return string(digits), true
		case by > 0:
			digits[i] = '0'
		case d > '0':
			digits[i]--
			return string(digits), digits[0] != '0'
		default:
			digits[i] = '9'
		}
	}
	return "", false
}

// lost leaves one of several solutions out.
func (e *editor) lost() {
	if e.shape == values {
		for i, p := range e.parts {
			if at := strings.Index(e.at(p.span), `\pm`); at >= 0 {
				s := span{p.lo + at, p.lo + at + len(`\pm`)}
				blank := s.hi + len(e.text[s.hi:]) - len(strings.TrimLeft(e.text[s.hi:], " "))
				plus := "+"
				if at == 0 {
					plus = ""
				}
				e.replace(kindLostSolution, span{s.lo, blank}, plus)
				e.replace(kindLostSolution, span{s.lo, blank}, "-")
			}
			if len(e.elements) > 1 {
				e.replace(kindLostSolution, e.withSeparator(e.elements, i), "")
			}
		}
	}
	if e.shape == region && len(e.pieces) > 1 {
		alternatives, _ := e.split(e.peel(span{0, len(e.text)}), func(rest string) int { return max(len(cup.FindString(rest)), len(either.FindString(rest))) })
		if len(alternatives) == len(e.pieces) && nameRE.FindString(e.text) == "" {
			for i := range alternatives {
				e.replace(kindLostSolution, e.withSeparator(alternatives, i), "")
			}
		}
	}
}

// withSeparator is an element with what parts it from its neighbour.
func (e *editor) withSeparator(elements []span, i int) span {
	s := elements[i]
	if i > 0 {
		return span{len(strings.TrimRight(e.text[:elements[i-1].hi], " ")), s.hi}
	}
	next := elements[1].lo
	return span{s.lo, next + len(e.text[next:]) - len(strings.TrimLeft(e.text[next:], " "))}
}

var otherEnd = map[string]string{
	"(": "[", "[": "(", ")": "]", "]": ")", "<=": "<", ">=": ">", "≤": "<", "≥": ">", `\le`: "<", `\leq`: "<", `\ge`: ">", `\geq`: ">", `\lt`: `\le`, `\gt`: `\ge`,
}

// ends opens or closes an end of an interval.
func (e *editor) ends() {
	for _, s := range e.reading.ends {
		with, ok := otherEnd[e.at(s)]
		if mark := e.at(s); !ok && strings.Contains(e.text, `\`) {
			with = map[string]string{"<": `\le `, ">": `\ge `}[mark]
		} else if !ok {
			with = mark + "="
		}
		e.replace(kindIntervalEnd, s, with)
	}
}

// units writes a unit for which the right one is mistaken, or a thousand times as much.
func (e *editor) units() {
	for _, p := range e.expressions() {
		if p.measure.text == "" {
			continue
		}
		for _, with := range units[p.measure.text].mistaken {
			e.replace(kindUnit, span{p.measure.lo, p.measure.hi}, with)
		}
		if _, known := units[p.measure.text]; known && digitsOnly.MatchString(e.at(p.span)) {
			e.replace(kindUnit, span{p.hi, p.hi}, "000")
		}
	}
}

var digitsOnly = regexp.MustCompile(`^[1-9]\d{0,3}$`)

var (
	texFraction   = regexp.MustCompile(`\\[dtc]?frac\s*(\{[^{}]*\}|\d)\s*(\{[^{}]*\}|\d)`)
	plainFraction = regexp.MustCompile(`^-?\s*(\d+)\s*(/)\s*(\d+)$`)
)

// fractions turns fractions and ratios upside down.
func (e *editor) fractions() {
	swap := func(kind string, a, b span) {
		e.changes = append(e.changes, change{kind, e.text[:a.lo] + e.at(b) + e.text[a.hi:b.lo] + e.at(a) + e.text[b.hi:]})
	}
	if e.shape == ratio {
		for i := range len(e.parts) - 1 {
			swap(kindReciprocal, e.parts[i].span, e.parts[i+1].span)
		}
		return
	}
	for _, p := range e.expressions() {
		body := e.at(p.span)
		if m := plainFraction.FindStringSubmatchIndex(body); m != nil {
			swap(kindReciprocal, span{p.lo + m[2], p.lo + m[3]}, span{p.lo + m[6], p.lo + m[7]})
		}
		for _, m := range texFraction.FindAllStringSubmatchIndex(body, -1) {
			kind := kindSwappedFraction
			if strings.Trim(body[:m[0]], "- ") == "" && m[1] == len(body) {
				kind = kindReciprocal
			}
			a, b := span{p.lo + m[2], p.lo + m[3]}, span{p.lo + m[4], p.lo + m[5]}
			if strings.Trim(e.at(a), "{} ") == "1" { // nobody writes \frac{12}{1}
				if kind == kindReciprocal {
					e.replace(kind, span{p.lo + m[0], b.hi}, strings.Trim(e.at(b), "{} "))
				}
				continue
			}
			if e.text[a.lo] != '{' && !strings.HasSuffix(e.text[:a.lo], "frac") {
				continue // \frac 12
			}
			swap(kind, a, b)
		}
	}
}

var factors = regexp.MustCompile(`\s*(?:\\cdot\s*)?(?:\\pi\b|\\sqrt\{[^{}]*\}|π)`)

// dropped leaves out a constant term, or a factor pi or root behind a number.
func (e *editor) dropped() {
	for _, p := range e.expressions() {
		terms, signs := e.split(p.span, func(rest string) int {
			if rest[0] == '+' || rest[0] == '-' {
				return 1
			}
			return 0
		})
		for i := range signs {
			// The sign in front of the first term parts nothing.
			term := terms[i+1]
			f, ok := readFormula(e.at(term), e.effort)
			if strings.TrimSpace(e.text[p.lo:signs[i].lo]) == "" || !ok || strings.Contains(f.text, symbolPrefix) {
				continue
			}
			e.replace(kindDroppedConstant, span{p.lo + len(strings.TrimRight(e.text[p.lo:signs[i].lo], " ")), term.hi}, "")
		}
		for _, at := range factors.FindAllStringIndex(e.at(p.span), -1) {
			s := span{p.lo + at[0], p.lo + at[1]}
			if s.lo > p.lo && e.text[s.lo-1] >= '0' && e.text[s.lo-1] <= '9' {
				e.replace(kindDroppedFactor, s, "")
			}
		}
	}
}

var orderMatters = regexp.MustCompile(`(?i)ordered|coordinate|point|vertex|vertices|cent(?:er|re)\b|focus|foci|vector|tuple|\(\s*x\s*,`)

// reordered exchanges neighbours where their order counts for certain: in the column
// of a vector, and in a tuple whose question speaks of coordinates or the like.
func (e *editor) reordered() {
	if e.shape != tuple || !e.vector && !orderMatters.MatchString(e.question) {
		return
	}
	if strings.Contains(e.text, "matrix") && !e.vector {
		return
	}
	for i := range len(e.parts) - 1 {
		a, b := e.parts[i].span, e.parts[i+1].span
		e.changes = append(e.changes, change{kindReordered, e.text[:a.lo] + e.at(b) + e.text[a.hi:b.lo] + e.at(a) + e.text[b.hi:]})
	}
}
