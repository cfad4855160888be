package model

import (
	"maps"
	"regexp"

	"tinyv/verify"
)

// anyWord is the words of all the vocabularies that have no letters or numbers.
var anyWord = func() map[string]verify.Outcome {
	all := map[string]verify.Outcome{}
	for _, v := range []*vocabulary{&trueFalse, &correctIncorrect, &yesNo} {
		maps.Copy(all, v.words)
	}
	return all
}()

var announcedVerdict = vocabulary{
	names: "True nor False",
	words: anyWord,
	takesBack: map[verify.Outcome]*regexp.Regexp{
		verify.Correct:   regexp.MustCompile(`(?i)\b(?:false|incorrect|wrong)\b|\bnot\s+(?:\w+\s+)?(?:true|correct)\b`),
		verify.Incorrect: regexp.MustCompile(`(?i)\b(?:true|yes)\b|\bcorrect` + endOfClause),
	},
}

// verdictWord finds a word of a verdict in an announcement that is not bare.
var verdictWord = regexp.MustCompile(`(?i)\b(?:true|false|correct|incorrect|yes|no)\b`)

// readAnswer takes the last line that announces a verdict, or the last line of
// all if that is a verdict alone, as models write it after a thought.
func readAnswer(text string) reading {
	v := &announcedVerdict
	if f, ok := v.bare(text, span{0, len(text)}); ok {
		return v.decide(text, []finding{f})
	}
	all := lines(text)
	for i := len(all) - 1; i >= 0; i-- {
		content, isAnnounced := announced(text, all, i)
		if !isAnnounced {
			if f, ok := v.bare(text, all[i]); ok && i == len(all)-1 {
				// A verdict on the line below "Answer:" is the announced one.
				r := v.decide(text, []finding{f})
				r.overruled = true
				return r
			}
			continue
		}
		f, ok := v.given(text, content)
		if !ok && !verdictWord.MatchString(content.of(text)) {
			continue // an answer to the problem, say
		}
		if !ok {
			return undecided("the last announced verdict is not clear")
		}
		r := v.decide(text, []finding{f})
		r.overruled = true
		return r
	}
	return undecided("no line announces True or False")
}
