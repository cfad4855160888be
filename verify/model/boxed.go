package model

import (
	"maps"
	"regexp"
	"strings"

	"tinyv/verify"
)

var boxedVerdict = vocabulary{
	names: "1 nor 0",
	words: func() map[string]verify.Outcome {
		all := map[string]verify.Outcome{"1": verify.Correct, "0": verify.Incorrect}
		maps.Copy(all, anyWord)
		return all
	}(),
}

var boxOpens = regexp.MustCompile(`\\boxed\s*\{`)

// readBoxed takes the last box. Boxes before it are part of the reasoning, which
// often boxes the answers that it compares, but those on the same line as the
// last must not say the opposite.
func readBoxed(text string) reading {
	v := &boxedVerdict
	opens := boxOpens.FindAllStringIndex(text, -1)
	if len(opens) == 0 {
		return undecided(`no \boxed{} in the reply`)
	}
	last := opens[len(opens)-1]
	from := strings.LastIndexByte(text[:last[0]], '\n') + 1
	var found []finding
	for _, open := range opens {
		if open[0] < from {
			continue
		}
		content, ok := braced(text, open[1])
		if !ok {
			return undecided("the last box does not end")
		}
		f, ok := v.bare(text, content)
		if !ok && open[0] == last[0] {
			return undecided("the last box holds neither " + v.names)
		}
		if ok {
			found = append(found, f)
		}
	}
	r := v.decide(text, found)
	if len(found) > 0 {
		r.word = found[len(found)-1].word
	}
	r.overruled = true
	return r
}

// braced returns what stands before the brace that closes the one before at. A
// verdict is short, and so is the search.
func braced(text string, at int) (span, bool) {
	const longest = 200
	depth := 1
	for i := at; i < len(text) && i-at <= longest; i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return span{at, i}, true
			}
		}
	}
	return span{}, false
}
