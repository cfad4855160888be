package prime

import (
	"errors"
	"math"
	"strings"
	"unicode/utf8"

	"tinyv/verify/algebra"
)

// errRefused stands for an exception of the original, which makes the whole
// comparison a rejection.
var errRefused = errors.New("the original raises an exception")

const (
	tolerance          = 1e-4 // relative, of numbers
	maxPredictionChars = 1000 // of an answer; the rest is cut
)

// The values of pi that are tried in turn, as Python writes them.
var piTexts = [...]string{"3.141592653589793", "3.14"}

const piMacro = `\pi`

// mathEqual is the original's second opinion, on the answer and the ground
// truth as they are. It returns the reason of an acceptance.
func mathEqual(answer, truth string, effort *algebra.Effort) (reason string, equal bool) {
	if !strings.Contains(answer, piMacro) && !strings.Contains(truth, piMacro) {
		reason, err := equalValues(answer, truth, piTexts[0], effort)
		return reason, err == nil && reason != ""
	}
	for _, pi := range piTexts {
		r, err := equalValues(answer, truth, pi, effort)
		if err != nil {
			return "", false // in the original an error in either stops both
		}
		if reason == "" {
			reason = r
		}
	}
	return reason, reason != ""
}

// value is an answer that is being compared, as text or evaluated.
type value struct {
	text        string // of what was evaluated: as Python writes it
	isEvaluated bool
}

// equalValues returns the reason why two answers are equal, or "".
func equalValues(answerText, truthText, pi string, effort *algebra.Effort) (reason string, err error) {
	if !spend(effort, len(answerText)+len(truthText)) {
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
	if !answer.isEvaluated {
		answer.text = firstChars(answer.text, maxPredictionChars)
	}
	if !answer.isEvaluated && !truth.isEvaluated && sameText(answer.text, truth.text) {
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
	return equalStructures(bracketNotation(strip(answer.text)), strip(truth.text), effort)
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
		return value{text: integerText(truncate(x)), isEvaluated: true}, nil
	}
	if !strings.Contains(s, piMacro) || len(s) > maxEvaluatedText {
		return value{text: s}, nil
	}
	s = withPi(s, pi)
	if text, ok := evaluate(s, 0); ok {
		return value{text: text, isEvaluated: true}, nil
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
// the result: a number, or a list or tuple. Names and calls are not evaluated.
func evaluate(s string, depth int) (string, bool) {
	s = strings.Trim(s, " \t")
	if text, ok := evaluateNumber(s); ok {
		return text, true
	}
	if depth > maxEvaluated {
		return "", false
	}
	if parts := topLevelParts(s); len(parts) > 1 {
		return evaluateAll("(", parts, ")", depth)
	}
	switch {
	case hasEnds(s, '[', ']'):
		return evaluateAll("[", topLevelParts(inside(s)), "]", depth)
	case hasEnds(s, '(', ')'):
		return evaluate(inside(s), depth+1)
	}
	return "", false
}

const (
	maxEvaluated     = 20     // levels of brackets
	maxEvaluatedText = 10_000 // bytes; longer texts keep their pi
)

func evaluateAll(open string, parts []string, closing string, depth int) (string, bool) {
	texts := make([]string, len(parts))
	for i, part := range parts {
		text, ok := evaluate(part, depth+1)
		if !ok {
			return "", false
		}
		texts[i] = text
	}
	return open + strings.Join(texts, ", ") + closing, true
}

// topLevelParts cuts s at the commas outside brackets.
func topLevelParts(s string) []string {
	var parts []string
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, s[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, s[from:])
}

func evaluateNumber(s string) (string, bool) {
	n, ok := arithmetic(s)
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

func equalStructures(answer, truth string, effort *algebra.Effort) (reason string, err error) {
	a, t := answer, truth
	if hasEnds(answer, '[', ']') && !strings.HasPrefix(truth, "(") || hasEnds(answer, '(', ')') && !strings.HasPrefix(truth, "[") {
		a, t = strings.Trim(a, brackets), strings.Trim(t, brackets)
	}
	if bracketless.Replace(a) == bracketless.Replace(t) {
		return ReasonText, nil
	}
	if answer != "" && truth != "" && strings.Contains("([", answer[:1]) && strings.Contains(")]", answer[len(answer)-1:]) && sameEnds(answer, truth) {
		equal, err := equalLists(inside(answer), inside(truth), effort)
		if err != nil || equal {
			return ReasonTuple, err
		}
	}
	if strings.Contains(answer, ",") && strings.Contains(truth, ",") {
		answers, truths := strippedParts(answer), strippedParts(truth)
		if len(answers) == len(truths) {
			equal, err := equalParts(answers, truths, effort)
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
			equal, err := equalLists(answer[open:max(open, len(answer)-1)], inside(truth), effort)
			if err != nil || equal {
				return ReasonTuple, err
			}
		}
	}
	if equalSymbolically(answer, truth, effort) {
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

func equalLists(answer, truth string, effort *algebra.Effort) (bool, error) {
	if strings.Count(answer, ",") != strings.Count(truth, ",") {
		return false, nil
	}
	return equalParts(strings.Split(answer, ","), strings.Split(truth, ","), effort)
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
func equalParts(answers, truths []string, effort *algebra.Effort) (bool, error) {
	for i := range answers {
		reason, err := equalValues(answers[i], truths[i], piTexts[0], effort)
		if err != nil || reason == "" {
			return false, err
		}
	}
	return true, nil
}

// equalSymbolically compares two texts as sympy's plain parser reads them: the
// difference zero, or the values within the tolerance. A text that it does not
// read has a value only if it is a formula with carets for powers.
func equalSymbolically(answer, truth string, effort *algebra.Effort) bool {
	if !spend(effort, len(answer)+len(truth)) {
		return false
	}
	a, errA := algebra.Parse(answer, algebra.Plain)
	t, errT := algebra.Parse(truth, algebra.Plain)
	if errA == nil && errT == nil && algebra.Zero(algebra.Difference(a, t), effort) == algebra.Equal {
		return true
	}
	x, ok := plainValue(a, answer)
	if !ok {
		return false
	}
	y, ok := plainValue(t, truth)
	return ok && isClose(x, y)
}

// plainValue returns the value of a formula that is a real number. Read may be
// nil.
func plainValue(read *algebra.Expr, text string) (float64, bool) {
	if read == nil {
		var err error
		if read, err = algebra.Parse(text, algebra.PlainPower); err != nil {
			return 0, false
		}
	}
	z, ok := read.Value()
	return real(z), ok && imag(z) == 0
}
