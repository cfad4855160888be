package prime

import (
	"strings"
	"unicode"

	"tinyv/verify/algebra"
)

// equalElements compares two normal forms element by element if they are
// tuples or intervals, and as single expressions otherwise. It returns the
// reason of an acceptance.
func equalElements(truth, answer string, effort *algebra.Effort) (reason string, equal bool) {
	if truth == "" || answer == "" {
		return "", false
	}
	truthElements, answerElements := splitTuple(truth), splitTuple(answer)
	if len(truthElements) != len(answerElements) {
		return "", false
	}
	if len(truthElements) > 1 && !sameEnds(truth, answer) {
		return "", false
	}
	for i := range truthElements {
		if !equalElement(truthElements[i], answerElements[i], effort) {
			return "", false
		}
	}
	if len(truthElements) > 1 {
		return ReasonTuple, true
	}
	return ReasonExpression, true
}

func sameEnds(a, b string) bool {
	return a[0] == b[0] && a[len(a)-1] == b[len(b)-1]
}

const brackets = "()[]"

// splitTuple returns the elements between brackets if there are brackets at
// both ends, of whatever kind, and none in between; else s is one element.
func splitTuple(s string) []string {
	s = withoutThousandsCommas(s)
	if len(s) <= 2 || !strings.Contains(brackets, s[:1]) || !strings.Contains(brackets, s[len(s)-1:]) {
		return []string{s}
	}
	inner := s[1 : len(s)-1]
	if strings.ContainsAny(inner, brackets) {
		return []string{s}
	}
	elements := strings.Split(inner, ",")
	for i, e := range elements {
		elements[i] = strip(e)
	}
	return elements
}

func equalElement(truth, answer string, effort *algebra.Effort) bool {
	if isDigitFraction(truth) && isDigitFraction(answer) {
		return truth == answer // an unreduced fraction is wrong
	}
	_, truthIsInteger := integerValue(truth)
	_, answerIsInteger := integerValue(answer)
	if truthIsInteger != answerIsInteger {
		return false
	}
	return mayBeParsed(truth, answer) && equalExpressions(truth, answer, effort)
}

// isDigitFraction reports whether s is a fraction of digits, with any one
// character behind the numerator and the denominator, and the latter not zero.
func isDigitFraction(s string) bool {
	s = strings.TrimSuffix(s, "\n")
	if strings.Contains(s, "\n") {
		return false
	}
	s = strings.TrimPrefix(s, "-")
	tail := strings.TrimLeft(s, "0123456789")
	if len(tail) == len(s) {
		return false
	}
	denominator, ok := strings.CutPrefix(tail, "/")
	if !ok && tail != "" {
		_, tail = firstRune(tail)
		denominator, ok = strings.CutPrefix(tail, "/")
	}
	if !ok {
		return false
	}
	rest := strings.TrimLeft(denominator, "0123456789")
	digits := denominator[:len(denominator)-len(rest)]
	if strings.Trim(digits, "0") == "" {
		return false
	}
	if rest != "" {
		_, rest = firstRune(rest)
	}
	return rest == ""
}

const maxUnknownLetters = 2

// mayBeParsed reports whether the original hands the difference of two
// elements to sympy: at most two different letters once "sqrt" and "frac" are
// taken out, and no power that could be large. Both are looked for in the text
// "(truth)-(answer)".
func mayBeParsed(truth, answer string) bool {
	var letters [maxUnknownLetters]rune
	count := 0
	for _, s := range [...]string{truth, answer} {
		s = strings.ReplaceAll(s, "sqrt", "")
		s = strings.ReplaceAll(s, "frac", "")
	letter:
		for _, r := range s {
			if !unicode.IsLetter(r) {
				continue
			}
			for _, known := range letters[:count] {
				if r == known {
					continue letter
				}
			}
			if count == maxUnknownLetters {
				return false
			}
			letters[count] = r
			count++
		}
	}
	return !hasLargePower(truth) && !hasLargePower(answer)
}

// hasLargePower reports whether s has a caret before a brace, a round bracket,
// two digits, or digits and another caret.
func hasLargePower(s string) bool {
	for {
		_, after, ok := strings.Cut(s, "^")
		if !ok || after == "" {
			return false
		}
		switch {
		case after[0] == '{' || after[0] == '(':
			return true
		case isASCIIDigit(after[0]) && len(after) > 1 && (isASCIIDigit(after[1]) || after[1] == '^'):
			return true
		}
		s = after
	}
}

// equalExpressions reports whether the difference of two elements is zero. The
// text of the difference is read as one, as the original does, so unbalanced
// brackets of one may fit those of the other.
func equalExpressions(truth, answer string, effort *algebra.Effort) bool {
	if !spend(effort, len(truth)+len(answer)) {
		return false
	}
	e, err := algebra.Parse("("+truth+")-("+answer+")", algebra.Implicit)
	return err == nil && algebra.Zero(e, effort) == algebra.Equal
}
