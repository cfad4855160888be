package taxonomy

import (
	"slices"
	"strings"
)

// contained reports whether the words of one text are all of the other but for
// what it explains besides: "odd" and "the function is odd". Cases, articles and
// punctuation do not matter.
func (c *comparison) contained(truth, given string) (Category, bool) {
	if !isProse(truth) || !isProse(given) {
		return "", false
	}
	a, b := wordList(truth), wordList(given)
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) == 0 {
		return "", false
	}
	if slices.Equal(a, b) {
		return FormattingOther, true
	}
	for i := 0; i+len(a) <= len(b); i++ {
		if slices.Equal(a, b[i:i+len(a)]) {
			return ExplanatoryText, true
		}
	}
	return "", false
}

func wordList(s string) []string {
	list := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune(" .,;:!?()\"{}$", r) })
	return slices.DeleteFunc(list, func(w string) bool { return w == "the" || w == "a" || w == "an" })
}
