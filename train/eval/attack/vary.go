package attack

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"tinyv/train/eval/bench"
)

// The variants: ways to write a row again that leave its label as it is.
const (
	Swapped       = "swapped"        // ground truth and answer change places
	Sentence      = "sentence"       // "The answer is X."
	SentenceFirst = "sentence_first" // "X is the answer."
	Spaced        = "spaced"         // blanks around = < > and +, or none where there were
	Dollars       = "dollars"        // $X$ for X, or X for $X$
	Named         = "named"          // "x = 5" for 5 where the ground truth names x, or 5 for "x = 5"
)

// variants says how each rewrites an answer; "" is no change. Swapped is not here,
// since it rewrites the ground truth too.
var variants = []struct {
	name    string
	rewrite func(answer, truth string) string
}{
	{Sentence, func(answer, _ string) string { return "The answer is " + strings.TrimRight(answer, ". ") + "." }},
	{SentenceFirst, func(answer, _ string) string { return strings.TrimRight(answer, ". ") + " is the answer." }},
	{Spaced, spaced},
	{Dollars, dollars},
	{Named, named},
}

// Variants lists the names of the variants.
func Variants() []string {
	names := []string{Swapped}
	for _, v := range variants {
		names = append(names, v.name)
	}
	return names
}

// Vary returns a copy of a row in that variant of Variants, with the same label. It
// is false if the row cannot be written so, or is so already, or if its answer is a
// whole reply and not an answer. It panics if there is no such variant.
//
// Swapping keeps the label because being the same answer is symmetric; a verifier
// whose verdicts change has looked at the order.
func Vary(name string, row bench.Row) (bench.Row, bool) {
	answer, truth := strings.TrimSpace(row.Answer), strings.TrimSpace(row.GroundTruth)
	if !isAnswer(answer) || !isAnswer(truth) {
		return bench.Row{}, false
	}
	if name == Swapped {
		row.GroundTruth, row.Answer = row.Answer, row.GroundTruth
		return row, answer != truth
	}
	for _, v := range variants {
		if v.name != name {
			continue
		}
		rewritten := v.rewrite(answer, truth)
		if rewritten == "" || rewritten == answer {
			return bench.Row{}, false
		}
		row.Answer = rewritten
		return row, true
	}
	panic(fmt.Sprintf("attack: no variant %q; they are %q", name, Variants()))
}

var sentence = regexp.MustCompile(`(?i)\bthe (?:final )?(?:answer|result|value)\b|[a-z]{2,}\.\s+[A-Z]|[.!?]\s*$`)

// isAnswer reports whether a text is an answer and not a reply or a sentence.
func isAnswer(text string) bool {
	const longest = 200
	return !isBare(text) && len(text) <= longest && !strings.Contains(text, "\n") && !sentence.MatchString(text)
}

// A sign that may stand between blanks or not, as long as none of its kind is
// beside it (<=, ->, ++, </p>). A minus may be the hyphen of a word or belong to an exponent, and a comma
// to a number, so neither is one.
var (
	tightSign  = regexp.MustCompile(`([\pL\pN)}\]])([=<>+])([\pL\pN({\[\\-])`)
	spacedSign = regexp.MustCompile(`([\pL\pN)}\]]) +([=<>+]) +([\pL\pN({\[\\-])`)
	exponent   = regexp.MustCompile(`[0-9][eE]\+`)
)

func spaced(answer, _ string) string {
	if strings.Contains(answer, "</") || exponent.MatchString(answer) {
		return ""
	}
	if tight := twice(spacedSign, answer, "$1$2$3"); tight != answer {
		return tight
	}
	return twice(tightSign, answer, "$1 $2 $3")
}

// twice replaces all, also where what follows one match begins the next.
func twice(pattern *regexp.Regexp, text, with string) string {
	return pattern.ReplaceAllString(pattern.ReplaceAllString(text, with), with)
}

func dollars(answer, _ string) string {
	switch n := strings.Count(answer, "$"); {
	case strings.Contains(answer, `\$`), strings.Contains(answer, `\(`), strings.Contains(answer, `\[`), strings.Contains(answer, "%"), isProse(answer):
		return "" // "\$5" is money, and "%" begins a comment
	case n == 0:
		return "$" + answer + "$"
	case n == 2 && strings.HasPrefix(answer, "$") && strings.HasSuffix(answer, "$"):
		return strings.TrimSpace(strings.Trim(answer, "$"))
	}
	return ""
}

var command = regexp.MustCompile(`\\[A-Za-z]+`)

// isProse reports whether a text has words outside LaTeX commands, which dollars
// would run together.
func isProse(text string) bool {
	letters := 0
	for _, c := range command.ReplaceAllLiteralString(text, " ") {
		if !unicode.IsLetter(c) {
			letters = 0
			continue
		}
		if letters++; letters == 3 {
			return true
		}
	}
	return false
}

// A name of one letter and its value.
var nameAndValue = regexp.MustCompile(`^\$?\s*([A-Za-z])\s*=\s*([^=<>,;$]+?)\s*\$?$`)

// named gives or takes the name that the ground truth has for its only value.
func named(answer, truth string) string {
	of := nameAndValue.FindStringSubmatch(truth)
	if of == nil || isProse(answer) {
		return ""
	}
	if m := nameAndValue.FindStringSubmatch(answer); m != nil {
		if m[1] != of[1] {
			return ""
		}
		return m[2]
	}
	if strings.ContainsAny(answer, "=<>,;$") {
		return ""
	}
	return of[1] + " = " + answer
}
