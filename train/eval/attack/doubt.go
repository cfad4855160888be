package attack

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// isBare reports whether a text has neither letter nor digit, so that no answer can
// be told from decoration.
func isBare(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
}

var (
	verdictWord = regexp.MustCompile(`(?i)\b(?:true|false|yes|no|not|correct|incorrect|right|wrong|valid|invalid|equivalent|impossible|proven)\b`)
	nothingWord = regexp.MustCompile(`(?i)empty|varnothing|\\\{\s*\\\}|\bnone\b|\bno\b|\bnot\b|nothing|never|nowhere|nobody|cannot|impossible|undefined|does not|blank|space|\bdne\b`)
)

// saysVerdict reports whether a ground truth is in the words of a verdict, so that
// a verdict might be the answer.
func saysVerdict(truth string) bool { return verdictWord.MatchString(truth) }

// saysNothing reports whether a ground truth is that there is nothing, which no
// answer at all might say.
func saysNothing(truth string) bool { return nothingWord.MatchString(truth) }

// Commands that only wrap what is written.
var wrapping = regexp.MustCompile(`\\(?:text(?:bf|it|rm)?|math(?:rm|bf|it|bb)|mbox|boxed|fbox|operatorname|left|right|displaystyle|q?quad)\b`)

// words are the runs of letters and of digits in a text, in lower case.
func words(text string) []string {
	text = strings.ToLower(wrapping.ReplaceAllLiteralString(text, " "))
	return strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}

// mentions reports whether the words of a ground truth stand in a text one after
// the other.
func mentions(text, truth string) bool {
	in, want := words(text), words(truth)
	if len(want) == 0 {
		return false
	}
	for i := 0; i+len(want) <= len(in); i++ {
		if slices.Equal(in[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

var markupTag = regexp.MustCompile(`</?[A-Za-z!][^<>]*>`)

// undecorated is a text without blanks, invisible signs, markup, punctuation at the
// ends and differences of case or width: two answers that are the same in this form
// are the same answer.
func undecorated(text string) string {
	text = wrapping.ReplaceAllLiteralString(markupTag.ReplaceAllLiteralString(text, ""), "")
	text = strings.Map(func(c rune) rune {
		if c >= '！' && c <= '～' {
			c -= '！' - '!'
		}
		switch {
		case unicode.IsSpace(c), unicode.Is(unicode.Cf, c), strings.ContainsRune("$*_`#>|{}\\", c):
			return -1
		}
		return unicode.ToLower(c)
	}, text)
	return strings.Trim(text, ".,;:!?-")
}
