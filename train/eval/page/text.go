package page

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is the most characters that are shown of a text.
const maxText = 3000

// visible names what cannot be seen in a text, such as a zero-width space or a
// sign that turns the direction of writing, by its code point.
func visible(s string) string {
	var out strings.Builder
	for _, r := range strings.ReplaceAll(s, "\r\n", "\n") {
		switch {
		case r == '\n', r == '\t', r == ' ':
			out.WriteRune(r)
		case !unicode.IsPrint(r), unicode.Is(unicode.Variation_Selector, r), r == utf8.RuneError:
			fmt.Fprintf(&out, "⟨U+%04X⟩", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// shown is a text for an example: visible, and not longer than a reader wants.
func shown(s string) string {
	n := utf8.RuneCountInString(s)
	if n <= maxText {
		return visible(s)
	}
	runes := []rune(s)
	return visible(string(runes[:maxText])) + fmt.Sprintf(" … (%d more characters)", n-maxText)
}

// examples are the errors of one kind as a page shows them.
type examples struct {
	Kind  Kind
	Items []Example
}

func showAll(of map[Kind][]Example) []examples {
	var all []examples
	for _, kind := range []Kind{FalseRejection, FalseAcceptance, Undecided, Attack, LostRight} {
		if len(of[kind]) == 0 {
			continue
		}
		e := examples{Kind: kind}
		for _, x := range of[kind] {
			for _, text := range []*string{&x.ID, &x.Source, &x.Category, &x.Family, &x.Question, &x.GroundTruth, &x.Answer, &x.Extracted, &x.Reason, &x.Reply} {
				*text = shown(*text)
			}
			e.Items = append(e.Items, x)
		}
		all = append(all, e)
	}
	return all
}
