package synth

import (
	"regexp"
	"slices"
	"strings"

	"tinyv/verify/algebra"
)

// shape is what kind of answer a text is.
type shape int

const (
	values shape = iota // a number or formula, or a list or set of them, in any order
	tuple               // a point or vector; in parentheses and of two, it may be an interval, too
	region              // intervals, or inequalities of one variable
	ratio
	option // the letter of a choice
	word   // yes, no, and other words with an opposite
)

// A reading is what an answer says, with the places where it says it. Changes are
// made at these places, and what they change is proven on a reading of the result.
type reading struct {
	text     string
	shape    shape
	parts    []part
	pieces   []piece // of a region
	ends     []span  // of a region: the signs that say whether an end belongs to it
	elements []span  // of a list: what can be left out, with the names in front
	constant *span   // "+ C", of an antiderivative
	said     string  // of an option or a word
	bounded  bool    // an interval for certain, not a point
	vector   bool    // a column or row of a matrix: its order counts

	unitExpected bool // a letter behind a number is a unit
	effort       *algebra.Effort
}

type span struct{ lo, hi int }

func (r *reading) at(s span) string { return r.text[s.lo:s.hi] }

// A part is one expression in an answer.
type part struct {
	span
	outer    int       // where a sign goes: before the currency
	name     string    // what it is the value of, in "x = 3"
	values   []formula // one, or two for plus or minus
	infinite int       // -1 and 1 for an infinite end
	measure  measure
}

// A piece is an interval, its ends being two values.
type piece struct {
	lo, hi             part
	loClosed, hiClosed bool
}

const (
	maxAnswer   = 400 // bytes; a longer one is no answer to change in one place
	maxElements = 12
	maxEffort   = 20 * algebra.DefaultEffort // for all comparisons with one answer; thousands of ordinary ones
)

// readAnswer reads an answer; it is not ok where the text can be read in two ways.
func readAnswer(text string) (reading, bool) { return reading{text: text}.read() }

// readLike reads an answer that was made of another: where that one is an interval
// or has a unit, so has this. They share what may be spent on comparisons.
func readLike(text string, other *reading) (reading, bool) {
	r := reading{text: text, bounded: other.shape == region, effort: other.effort}
	r.unitExpected = slices.ContainsFunc(other.parts, func(p part) bool { return p.measure.text != "" })
	return r.read()
}

func (r reading) read() (reading, bool) {
	if r.effort == nil {
		effort := algebra.Effort(maxEffort)
		r.effort = &effort
	}
	text := r.text
	if len(text) > maxAnswer {
		return r, false
	}
	whole := r.peel(span{0, len(text)})
	if whole.lo >= whole.hi {
		return r, false
	}
	body := r.at(whole)
	if m := optionRE.FindStringSubmatchIndex(body); m != nil {
		r.say(option, whole.lo, m[2:])
		return r, true
	}
	if m := wordRE.FindStringSubmatchIndex(body); m != nil && opposites[strings.ToLower(body[m[2]:m[3]])] != "" {
		r.say(word, whole.lo, m[2:])
		return r, true
	}
	if strings.Contains(body, `\mathbb`) || strings.Contains(body, `\ldots`) || strings.Contains(body, `\dots`) || strings.Contains(body, "...") {
		return r, false
	}
	for _, read := range []func(span) (bool, bool){r.region, r.matrix, r.tuple, r.ratio} {
		if mine, ok := read(whole); mine {
			return r, ok
		}
	}
	return r, r.list(whole)
}

var (
	optionRE = regexp.MustCompile(`^(?:\\(?:text|textbf|mathrm|mathbf)\s*\{\s*\(?([A-E])\)?\s*\}|\(([A-E])\))$`)
	wordRE   = regexp.MustCompile(`^(?:\\(?:text|textbf|mathrm|mathbf)\s*\{\s*)?([A-Za-z]{2,12})\.?\s*\}?$`)
)

// say notes the one word of an answer; groups are the places of a match's groups, of
// which one has matched.
func (r *reading) say(as shape, from int, groups []int) {
	for groups[0] < 0 {
		groups = groups[2:]
	}
	s := span{from + groups[0], from + groups[1]}
	r.shape, r.said, r.parts = as, r.at(s), []part{{span: s}}
}

// opposites are words that answer a question the other way round.
var opposites = map[string]string{
	"yes": "no", "no": "yes", "true": "false", "false": "true", "even": "odd", "odd": "even", "increasing": "decreasing", "decreasing": "increasing",
	"convergent": "divergent", "divergent": "convergent", "rational": "irrational", "irrational": "rational", "monday": "tuesday", "tuesday": "wednesday", "wednesday": "thursday",
	"thursday": "friday", "friday": "saturday", "saturday": "sunday", "sunday": "monday",
}

// peel takes off what is around a whole answer.
func (r *reading) peel(s span) span {
	for {
		before := s
		for s.lo < s.hi && strings.IndexByte(" \t\n", r.text[s.lo]) >= 0 {
			s.lo++
		}
		for s.lo < s.hi && strings.IndexByte(" \t\n", r.text[s.hi-1]) >= 0 {
			s.hi--
		}
		if body := r.at(s); strings.HasSuffix(body, ".") && !strings.HasSuffix(body, "..") {
			s.hi--
		}
		for _, pair := range [][2]string{{"$$", "$$"}, {"$", "$"}, {`\(`, `\)`}, {`\[`, `\]`}, {`\boxed{`, "}"}} {
			if body := r.at(s); unwrap(body, pair[0], pair[1]) != body {
				s.lo, s.hi = s.lo+len(pair[0]), s.hi-len(pair[1])
			}
		}
		if s == before {
			return s
		}
	}
}

// split splits a span at the places outside of all brackets where at says that a
// separator of n bytes begins.
func (r *reading) split(s span, at func(rest string) int) (parts, separators []span) {
	depth, begin := 0, s.lo
	for i := s.lo; i < s.hi; {
		rest := r.text[i:s.hi]
		if depth == 0 {
			if n := at(rest); n > 0 {
				parts, separators = append(parts, span{begin, i}), append(separators, span{i, i + n})
				i += n
				begin = i
				continue
			}
		}
		switch {
		case strings.HasPrefix(rest, `\begin`):
			depth++
			i += len(`\begin`)
			continue
		case strings.HasPrefix(rest, `\end`):
			depth--
			i += len(`\end`)
			continue
		case rest[0] == '\\' && len(rest) > 1 && rest[1] != '{' && rest[1] != '}':
			i++
		case strings.IndexByte("([{", rest[0]) >= 0:
			depth++
		case strings.IndexByte(")]}", rest[0]) >= 0:
			depth--
		}
		i++
	}
	return append(parts, span{begin, s.hi}), separators
}

var (
	listSeparator = regexp.MustCompile(`^(?:[,;]\s*)?(?:\\(?:text|mbox|textrm)\s*\{\s*,?\s*(?:or|and)\s*\}|\s(?:or|and)\s|[,;])`)
	groupAhead    = regexp.MustCompile(`^(?:,\\!|,)\d{3}(?:\D|$)`)
	relation      = regexp.MustCompile(`^(?:\\leq|\\geq|\\le\b|\\ge\b|\\lt\b|\\gt\b|<=|>=|<|>|≤|≥)`)
	cup           = regexp.MustCompile(`^\\cup\b|^∪`)
	either        = regexp.MustCompile(`^(?:\\(?:text|mbox|textrm)\s*\{\s*or\s*\}|\sor\s)`)
	nameRE        = regexp.MustCompile(`^\s*((?:[A-Za-z]|\\(?:theta|alpha|beta|lambda|angle\s*[A-Z]))(?:_\{?[A-Za-z0-9]{1,3}\}?)?(?:\s*\(\s*[A-Za-z]\s*\))?)\s*(?:=|\\in\b)\s*`)
	antiderived   = regexp.MustCompile(`\s*\+\s*C\s*$`)
)

func matches(re *regexp.Regexp) func(string) int {
	return func(rest string) int { return len(re.FindString(rest)) }
}

// listSeparatorAt finds a comma, "and" or "or". 1{,}234 and 1,\!234 hold none.
func listSeparatorAt(rest string) int {
	if groupAhead.MatchString(rest) && strings.HasPrefix(rest, `,\!`) {
		return 0
	}
	return len(listSeparator.FindString(rest))
}

// region reads intervals and their unions, and inequalities.
func (r *reading) region(s span) (mine, ok bool) {
	if relations, _ := r.split(s, matches(relation)); len(relations) > 1 {
		r.shape, r.bounded = region, true
		alternatives, _ := r.split(s, matches(either))
		for _, alternative := range alternatives {
			if !r.chain(alternative) {
				return true, false
			}
		}
		return true, true
	}
	body := s
	if m := nameRE.FindString(r.at(s)); strings.Contains(m, `\in`) {
		body.lo += len(m)
		r.bounded = true
	}
	intervals, _ := r.split(body, matches(cup))
	r.bounded = r.bounded || len(intervals) > 1
	for _, interval := range intervals {
		if !r.interval(r.trim(interval)) {
			certain := len(r.ends) < len(r.parts) || slices.ContainsFunc(r.pieces, func(p piece) bool { return p.loClosed || p.hiClosed })
			r.pieces, r.ends, r.parts = nil, nil, nil
			return certain || len(intervals) > 1, false
		}
	}
	if !r.bounded { // (1,2) is a point
		r.pieces, r.ends, r.parts = nil, nil, nil
		return false, false
	}
	r.shape = region
	return true, r.sound()
}

func (r *reading) trim(s span) span {
	s.lo = s.hi - len(strings.TrimLeft(r.at(s), " "))
	s.hi = s.lo + len(strings.TrimRight(r.at(s), " "))
	return s
}

var (
	opening = regexp.MustCompile(`^(?:\\left)?\s*([(\[])`)
	closing = regexp.MustCompile(`(?:\\right)?\s*([)\]])$`)
)

// interval reads one; square or unlike brackets and infinite ends make it bounded,
// that is, certain.
func (r *reading) interval(s span) bool {
	body := r.at(s)
	left, right := opening.FindStringSubmatchIndex(body), closing.FindStringSubmatchIndex(body)
	if left == nil || right == nil || left[1] > right[0] {
		return false
	}
	ends, _ := r.split(span{s.lo + left[1], s.lo + right[0]}, matches(comma))
	if len(ends) != 2 {
		return false
	}
	lo, loOK := r.end(ends[0])
	hi, hiOK := r.end(ends[1])
	if !loOK || !hiOK {
		return false
	}
	p := piece{lo: lo, hi: hi, loClosed: body[left[2]] == '[', hiClosed: body[right[2]] == ']'}
	r.bounded = r.bounded || p.loClosed || p.hiClosed || lo.infinite != 0 || hi.infinite != 0
	if lo.infinite == 0 {
		r.ends = append(r.ends, span{s.lo + left[2], s.lo + left[3]})
	}
	if hi.infinite == 0 {
		r.ends = append(r.ends, span{s.lo + right[2], s.lo + right[3]})
	}
	r.pieces = append(r.pieces, p)
	r.parts = append(r.parts, lo, hi)
	return true
}

var (
	comma    = regexp.MustCompile(`^,`)
	infinity = regexp.MustCompile(`^([+-]?)\s*(?:\\infty|∞|\\text\{inf\})$`)
)

// end reads an end of an interval: a number, or infinity.
func (r *reading) end(s span) (part, bool) {
	s = r.trim(s)
	if m := infinity.FindStringSubmatch(r.at(s)); m != nil {
		p := part{span: s, infinite: 1}
		if m[1] == "-" {
			p.infinite = -1
		}
		return p, true
	}
	p, ok := r.part(s)
	if !ok || len(p.values) != 1 || p.measure.text != "" || p.name != "" {
		return part{}, false
	}
	_, real := p.values[0].number()
	return p, real
}

// chain reads x < 3 or 1 < x <= 3 as an interval.
func (r *reading) chain(s span) bool {
	sides, signs := r.split(s, matches(relation))
	if len(sides) < 2 || len(sides) > 3 {
		return false
	}
	p := piece{lo: part{infinite: -1}, hi: part{infinite: 1}}
	variable := len(sides) - 2 // the middle one of three
	if len(sides) == 2 && !variableRE.MatchString(r.at(sides[0])) {
		variable = 1
	}
	if !variableRE.MatchString(r.at(sides[variable])) {
		return false
	}
	integers := strings.ContainsAny(r.at(sides[variable]), "ijkmn")
	direction := ""
	for i, sign := range signs {
		mark := r.at(sign)
		less := strings.ContainsAny(mark, "<≤") || strings.HasPrefix(mark, `\l`)
		closed := strings.ContainsAny(mark, "=≤≥") || strings.HasPrefix(mark, `\le`) || strings.HasPrefix(mark, `\ge`)
		side := i
		if side >= variable {
			side++
		}
		bound, ok := r.end(sides[side])
		if !ok || bound.infinite != 0 {
			return false
		}
		// x > 2.4 and x > 2.5 are the same for whole numbers.
		if value, _ := bound.values[0].number(); integers && value != float64(int64(value)) {
			return false
		}
		if direction != "" && (direction == "<") != less {
			return false // 1 < x > 2
		}
		direction = map[bool]string{true: "<", false: ">"}[less]
		if less == (side < variable) {
			p.lo, p.loClosed = bound, closed
		} else {
			p.hi, p.hiClosed = bound, closed
		}
		r.ends = append(r.ends, sign)
		r.parts = append(r.parts, bound)
	}
	r.pieces = append(r.pieces, p)
	return r.sound()
}

var variableRE = regexp.MustCompile(`^\s*[A-Za-z]\s*$`)

// sound reports whether every piece has its ends in order; only then do changes of
// an end change the set.
func (r *reading) sound() bool {
	return len(r.pieces) <= maxElements && !slices.ContainsFunc(r.pieces, func(p piece) bool { return !p.inhabited() })
}

func (p piece) inhabited() bool {
	if p.lo.infinite != 0 || p.hi.infinite != 0 {
		return p.lo.infinite != 1 && p.hi.infinite != -1
	}
	return before(p.lo, p.hi)
}

// before reports whether one end lies below another for certain.
func before(a, b part) bool {
	if a.infinite != b.infinite {
		return a.infinite < b.infinite
	}
	if a.infinite != 0 {
		return false
	}
	x, _ := a.values[0].number()
	y, _ := b.values[0].number()
	return x < y && a.values[0].differs(b.values[0])
}

var matrixRE = regexp.MustCompile(`^\\begin\{([pb]matrix)\}((?s).*)\\end\{[pb]matrix\}$`)

// matrix reads a vector or matrix as the tuple of its entries.
func (r *reading) matrix(s span) (mine, ok bool) {
	m := matrixRE.FindStringSubmatchIndex(r.at(s))
	if m == nil {
		return false, false
	}
	inside := span{s.lo + m[4], s.lo + m[5]}
	entries, separators := r.split(inside, matches(cell))
	r.shape = tuple
	// The rows of a matrix can be told apart only by the kind of separator; the
	// order counts for certain where there is one kind.
	r.vector = !slices.ContainsFunc(separators, func(sep span) bool { return r.at(sep)[0] != r.at(separators[0])[0] })
	return true, r.readParts(entries)
}

var cell = regexp.MustCompile(`^(?:&|\\\\)`)

func (r *reading) tuple(s span) (mine, ok bool) {
	body := r.at(s)
	left, right := opening.FindStringSubmatchIndex(body), closing.FindStringSubmatchIndex(body)
	if left == nil || right == nil || left[1] > right[0] {
		return false, false
	}
	entries, _ := r.split(span{s.lo + left[1], s.lo + right[0]}, matches(comma))
	if len(entries) < 2 {
		return false, false
	}
	r.shape = tuple
	return true, r.readParts(entries)
}

func (r *reading) ratio(s span) (mine, ok bool) {
	entries, _ := r.split(s, matches(colon))
	if len(entries) < 2 {
		return false, false
	}
	r.shape = ratio
	if !r.readParts(entries) {
		return true, false
	}
	for _, p := range r.parts { // a ratio to nothing
		if v, ok := p.values[0].number(); !ok || v == 0 {
			return true, false
		}
	}
	return true, true
}

var colon = regexp.MustCompile(`^(?::|\\colon\b)`)

// readParts reads the entries of a tuple or ratio: one value each, without names.
func (r *reading) readParts(entries []span) bool {
	if len(entries) > maxElements {
		return false
	}
	for _, e := range entries {
		p, ok := r.part(e)
		if !ok || len(p.values) != 1 || p.measure.text != "" || p.name != "" {
			return false
		}
		r.parts = append(r.parts, p)
	}
	return true
}

// list reads one value or several, in braces or not.
func (r *reading) list(s span) bool {
	r.shape = values
	if m := nameRE.FindString(r.at(s)); m != "" {
		if inner := r.trim(span{s.lo + len(m), s.hi}); strings.HasPrefix(r.at(inner), `\{`) {
			s = inner
		}
	}
	if body := r.at(s); strings.HasPrefix(body, `\{`) && strings.HasSuffix(body, `\}`) {
		s = span{s.lo + 2, s.hi - 2}
		if strings.HasSuffix(r.at(s), `\right`) {
			return false
		}
	}
	if m := antiderived.FindStringIndex(r.at(s)); m != nil {
		r.constant = &span{s.lo + m[0], s.lo + m[1]}
	}
	if groupedWhole.MatchString(strings.TrimPrefix(strings.TrimPrefix(r.at(s), "-"), `\$`)) {
		r.elements = []span{s}
	} else {
		r.elements, _ = r.split(s, listSeparatorAt)
	}
	if len(r.elements) > maxElements {
		return false
	}
	for _, e := range r.elements {
		p, ok := r.part(e)
		if !ok {
			return false
		}
		r.parts = append(r.parts, p)
	}
	return true
}

// part reads one expression with its name and measure.
func (r *reading) part(s span) (part, bool) {
	s = r.trim(s)
	p := part{span: s}
	if m := nameRE.FindStringSubmatch(r.at(s)); m != nil {
		p.name = strings.Join(strings.Fields(m[1]), "")
		p.lo += len(m[0])
	}
	p.outer = p.lo
	p.hi, p.measure = measured(r.text, p.lo, p.hi, r.unitExpected)
	sign := ""
	if body := r.at(p.span); strings.HasPrefix(body, `-\$`) {
		sign, p.lo = "-", p.lo+3
	} else if strings.HasPrefix(body, `\$`) {
		p.lo += 2
	}
	p.span = r.trim(p.span)
	body := r.at(p.span)
	texts := []string{sign + body}
	if at := strings.Index(body, `\pm`); at >= 0 {
		if strings.Contains(body, `\mp`) || strings.Count(body, `\pm`) > 1 {
			return p, false
		}
		texts = []string{body[:at] + "+" + body[at+3:], body[:at] + "-" + body[at+3:]}
	}
	for _, text := range texts {
		f, ok := readFormula(text, r.effort)
		if !ok {
			return p, false
		}
		p.values = append(p.values, f)
	}
	return p, true
}

// differsAt reports whether two values with their names and measures are certainly
// not the same.
func (p part) differsAt(i int, q part, j int) bool {
	a, b := p.values[i], q.values[j]
	if p.name != q.name {
		return true
	}
	if p.measure.text == q.measure.text && p.measure.exponent == q.measure.exponent {
		return a.differs(b)
	}
	x, xDimension, xOK := p.measure.si(a)
	y, yDimension, yOK := q.measure.si(b)
	if !xOK || !yOK {
		return false
	}
	if xDimension != yDimension {
		return a.nonzero() || b.nonzero()
	}
	return x.differs(y)
}
