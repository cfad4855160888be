package taxonomy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ErrNoCategory is wrapped by what ParseReply returns for a reply that names no
// sub-class, or several.
var ErrNoCategory = errors.New("no category in the reply")

var (
	tagged   = regexp.MustCompile(`(?is)<(?:category|code|answer|class)>(.*?)</(?:category|code|answer|class)>`)
	member   = regexp.MustCompile(`(?i)"(?:category|code|sub_?class|answer)"\s*:\s*"([^"]*)"`)
	spoken   = regexp.MustCompile(`(?im)^[\s>*_#-]*(?:(?:final|the|my)\s+)*(?:category|code|sub-?class|answer|classification)\s*(?:is)?[*_\s]*[:=][*_\s]*(.+)$`)
	boxed    = regexp.MustCompile(`\\boxed\{(?:\\text(?:tt)?\{)?([^{}]*)`)
	numbered = regexp.MustCompile(`(?i)\b([A-G])[.\-_ ]?([1-6])\b`)
	notWord  = regexp.MustCompile(`[^a-z]+`)
)

// ParseReply reads the sub-class out of a model's reply to the taxonomy prompt.
//
// It looks, in this order, into the last tag <category>, JSON's "category", a
// line "Category: ...", a box, and the last line. Code, number (A4, also with a
// point) and name count, whatever their case and punctuation. What stands before
// </think> is not looked at. A place that names two sub-classes or none is an
// error that wraps ErrNoCategory: no class is guessed.
func ParseReply(reply string) (Category, error) {
	text := reply
	if i := strings.LastIndex(reply, "</think>"); i >= 0 {
		text = reply[i+len("</think>"):]
	} else if strings.HasPrefix(strings.TrimSpace(reply), "<think>") {
		return "", fmt.Errorf("the thought does not end: %w", ErrNoCategory)
	}
	for _, place := range []*regexp.Regexp{tagged, member, spoken, boxed} {
		if found := place.FindAllStringSubmatch(text, -1); found != nil {
			return one(found[len(found)-1][1])
		}
	}
	lines := strings.Split(strings.TrimSpace(strings.Trim(strings.TrimSpace(text), "`")), "\n")
	return one(lines[len(lines)-1])
}

// maxNamed is how much of a place is looked at.
const maxNamed = 300

// one returns the one sub-class that a short text names.
func one(text string) (Category, error) {
	if len(text) > maxNamed {
		return "", fmt.Errorf("%d bytes where a code should stand: %w", len(text), ErrNoCategory)
	}
	for _, find := range []func(string) []Category{byCode, byNumber, byTitle} {
		found := find(text)
		slices.Sort(found)
		switch found = slices.Compact(found); len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return "", fmt.Errorf("%q names %d sub-classes: %w", text, len(found), ErrNoCategory)
		}
	}
	return "", fmt.Errorf("%q names no sub-class: %w", text, ErrNoCategory)
}

// letters writes a text as its words with one blank around each.
func letters(s string) string {
	return " " + strings.Trim(notWord.ReplaceAllString(strings.ToLower(s), " "), " ") + " "
}

func byCode(text string) []Category {
	text = letters(text)
	return where(func(s Sub) bool { return strings.Contains(text, letters(string(s.Code))) })
}

func byNumber(text string) []Category {
	var found []Category
	for _, m := range numbered.FindAllStringSubmatch(text, -1) {
		number := strings.ToUpper(m[1]) + m[2]
		found = append(found, where(func(s Sub) bool { return s.Number == number })...)
	}
	return found
}

// byTitle finds titles, and the second parts of codes that only one class has.
func byTitle(text string) []Category {
	text = letters(text)
	return where(func(s Sub) bool {
		_, second, _ := strings.Cut(string(s.Code), ".")
		return strings.Contains(text, letters(s.Title)) || second != "other" && text == letters(second)
	})
}

func where(holds func(Sub) bool) []Category {
	var found []Category
	for _, class := range Classes() {
		for _, sub := range class.Subs {
			if holds(sub) {
				found = append(found, sub.Code)
			}
		}
	}
	return found
}
