package prime

import (
	"errors"
	"math"
	"strings"
	"unicode/utf8"
)

// errRefused stands for an exception of the original, which makes the whole
// comparison a rejection.
var errRefused = errors.New("the original raises an exception")

const (
	tolerance          = 1e-4 // relative, of numbers
	maxPredictionChars = 1000 // of an answer; the rest is cut
	maxNesting         = 400  // of brackets within brackets
)

// The values of pi that are tried in turn, as Python writes them.
var piTexts = [...]string{"3.141592653589793", "3.14"}

const piMacro = `\pi`

// mathEqual is the original's second opinion, on the answer and the ground
// truth as they are. It returns the reason of an acceptance.
func mathEqual(answer, truth string) (reason string, equal bool) {
	if !strings.Contains(answer, piMacro) && !strings.Contains(truth, piMacro) {
		reason, err := equalValues(answer, truth, piTexts[0], 0)
		return reason, err == nil && reason != ""
	}
	for _, pi := range piTexts {
		r, err := equalValues(answer, truth, pi, 0)
		if err != nil {
			return "", false // in the original an error in either stops both
		}
		if reason == "" {
			reason = r
		}
	}
	return reason, reason != ""
}

// value is an answer that is being compared: a text, or a number once it was
// evaluated.
type value struct {
	text     string // of a number: as Python writes it
	isNumber bool
}

// equalValues returns the reason why two answers are equal, or "".
func equalValues(answerText, truthText, pi string, depth int) (reason string, err error) {
	if depth > maxNesting {
		return "", errRefused
	}
	answer, err := prepare(answerText, pi)
	if err != nil {
		return "", err
	}
	truth, err := prepare(truthText, pi)
	if err != nil {
		return "", err
	}
	if !answer.isNumber {
		answer.text = firstChars(answer.text, maxPredictionChars)
	}
	if !answer.isNumber && !truth.isNumber && sameText(answer.text, truth.text) {
		return ReasonText, nil
	}
	if a, ok := digitValue(answer.text); ok {
		if t, ok := digitValue(truth.text); ok {
			if closeToAny(a, t) {
				return ReasonNumber, nil
			}
			return "", nil
		}
	}
	if answer.text == "" {
		return "", nil
	}
	return equalStructures(bracketNotation(strip(answer.text)), strip(truth.text), depth)
}

// prepare applies the rules for dollars, percent, bases and pi.
func prepare(s, pi string) (value, error) {
	if rest, ok := strings.CutPrefix(s, "$"); ok {
		if r, _ := utf8.DecodeRuneInString(rest); isDecimal(r) {
			return value{text: rest}, nil
		}
	}
	if number, ok := percentNumber(s); ok {
		return value{text: number}, nil
	}
	if before, _, ok := strings.Cut(s, "_"); ok { // a number in some base, without the base
		x, ok := parseFloat(before)
		if !ok || math.IsInf(x, 0) || math.IsNaN(x) {
			return value{}, errRefused
		}
		return value{text: integerText(truncate(x)), isNumber: true}, nil
	}
	if !strings.Contains(s, piMacro) {
		return value{text: s}, nil
	}
	s = withPi(s, pi)
	if text, ok := evaluate(s); ok {
		return value{text: text, isNumber: true}, nil
	}
	return value{text: s}, nil
}

// percentNumber returns the number of `12.5%` or `12.5\%`.
func percentNumber(s string) (string, bool) {
	body, ok := strings.CutSuffix(strings.TrimSuffix(s, "\n"), "%")
	if !ok {
		return "", false
	}
	body = strings.TrimSuffix(body, `\`)
	whole, fraction, hasPoint := strings.Cut(body, ".")
	if !allDecimal(whole) || hasPoint && !allDecimal(fraction) {
		return "", false
	}
	if strings.HasSuffix(s, "\n") {
		body += "\n"
	}
	return body, true
}

func allDecimal(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isDecimal(r) })
}

// withPi writes `\pi` as a product: "*3.14" behind a digit, else "1*3.14".
func withPi(s, pi string) string {
	var b strings.Builder
	before, rest, ok := strings.Cut(s, piMacro)
	previous, _ := utf8.DecodeLastRuneInString(before)
	b.WriteString(before)
	for ok {
		if b.Len() == 0 || !isDigit(previous) {
			b.WriteByte('1')
		}
		b.WriteString("*" + pi)
		before, rest, ok = strings.Cut(rest, piMacro)
		b.WriteString(before)
		previous = '0' // the last digit of pi
		if before != "" {
			previous, _ = utf8.DecodeLastRuneInString(before)
		}
	}
	return b.String()
}

// evaluate evaluates s as Python arithmetic and returns what Python writes for
// the result. Names, tuples and calls are not evaluated.
func evaluate(s string) (string, bool) {
	n, ok := arithmetic(strings.TrimLeft(s, " \t"), false)
	if !ok {
		return "", false
	}
	if n.exact != nil && n.exact.IsInt() {
		return n.exact.Num().String(), true
	}
	return floatText(n.float64()), true
}

func firstChars(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func sameText(a, b string) bool {
	return lower(strip(a)) == lower(strip(b)) || strings.ReplaceAll(a, " ", "") == strings.ReplaceAll(b, " ", "")
}

// digitValue reads a number with commas anywhere, or with `{,}`.
func digitValue(s string) (float64, bool) {
	if strings.Contains(s, "{,}") {
		return parseFloat(strings.ReplaceAll(s, "{,}", ""))
	}
	return parseFloat(strings.ReplaceAll(s, ",", ""))
}

// closeToAny reports whether the answer is the truth, its hundredth or its
// hundredfold.
func closeToAny(answer, truth float64) bool {
	return isClose(truth/100, answer) || isClose(truth, answer) || isClose(truth*100, answer)
}

// isClose is Python's math.isclose with the relative tolerance.
func isClose(a, b float64) bool {
	if a == b {
		return true
	}
	if math.IsInf(a, 0) || math.IsInf(b, 0) {
		return false
	}
	return math.Abs(a-b) <= tolerance*max(math.Abs(a), math.Abs(b))
}

// bracketNotation writes sympy's names of intervals with brackets.
func bracketNotation(s string) string {
	for _, form := range [...]struct{ prefix, open, close string }{
		{"Interval(", "[", "]"},
		{"Interval.Ropen(", "[", ")"},
		{"Interval.Lopen(", "(", "]"},
		{"Interval.open(", "(", ")"},
	} {
		inner, ok := strings.CutPrefix(s, form.prefix)
		if !ok {
			continue
		}
		if inner, ok = strings.CutSuffix(inner, ")"); ok && !strings.Contains(inner, "\n") {
			return form.open + inner + form.close
		}
	}
	return s
}

// bracketless takes brackets and braces off, for comparison as text.
var bracketless = strings.NewReplacer("{", "", "}", "", "(", "", ")", "")

func equalStructures(answer, truth string, depth int) (reason string, err error) {
	a, t := answer, truth
	if hasEnds(answer, '[', ']') && !strings.HasPrefix(truth, "(") || hasEnds(answer, '(', ')') && !strings.HasPrefix(truth, "[") {
		a, t = strings.Trim(a, brackets), strings.Trim(t, brackets)
	}
	if bracketless.Replace(a) == bracketless.Replace(t) {
		return ReasonText, nil
	}
	if answer != "" && truth != "" && strings.Contains("([", answer[:1]) && strings.Contains(")]", answer[len(answer)-1:]) && sameEnds(answer, truth) {
		equal, err := equalLists(inside(answer), inside(truth), depth)
		if err != nil || equal {
			return ReasonTuple, err
		}
	}
	if strings.Contains(answer, ",") && strings.Contains(truth, ",") {
		answers, truths := strippedParts(answer), strippedParts(truth)
		if len(answers) == len(truths) {
			equal, err := equalParts(answers, truths, depth)
			if err != nil || !equal {
				return "", err
			}
			return ReasonList, nil
		}
	}
	if strings.HasPrefix(answer, "Point") {
		if truth == "" {
			return "", errRefused
		}
		if hasEnds(truth, '(', ')') {
			open := strings.IndexByte(answer, '(') + 1
			equal, err := equalLists(answer[open:max(open, len(answer)-1)], inside(truth), depth)
			if err != nil || equal {
				return ReasonTuple, err
			}
		}
	}
	if equalSymbolically(answer, truth) {
		return ReasonExpression, nil
	}
	return "", nil
}

func hasEnds(s string, open, close byte) bool {
	return s != "" && s[0] == open && s[len(s)-1] == close
}

// inside returns s without its first and last byte, or "" of shorter texts.
func inside(s string) string {
	if len(s) < 2 {
		return ""
	}
	return s[1 : len(s)-1]
}

func equalLists(answer, truth string, depth int) (bool, error) {
	if strings.Count(answer, ",") != strings.Count(truth, ",") {
		return false, nil
	}
	return equalParts(strings.Split(answer, ","), strings.Split(truth, ","), depth)
}

func strippedParts(s string) []string {
	parts := strings.Split(s, ",")
	for i, part := range parts {
		parts[i] = strip(part)
	}
	return parts
}

// equalParts stops at the first part that differs, as all() does in Python, so
// an exception behind it is never raised. Pi is gone or has its exact value.
func equalParts(answers, truths []string, depth int) (bool, error) {
	for i := range answers {
		reason, err := equalValues(answers[i], truths[i], piTexts[0], depth+1)
		if err != nil || reason == "" {
			return false, err
		}
	}
	return true, nil
}

// equalSymbolically compares two texts that sympy's plain parser reads: the
// difference zero, or the values within the tolerance.
func equalSymbolically(answer, truth string) bool {
	a, ok := arithmetic(answer, false)
	if !ok {
		return false
	}
	t, ok := arithmetic(truth, false)
	return ok && (a.equal(t) || isClose(a.float64(), t.float64()))
}
