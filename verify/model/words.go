package model

import (
	"regexp"
	"strings"

	"tinyv/verify"
)

// vocabulary is the words in which a parser's verdicts are given.
type vocabulary struct {
	names   string                    // of the verdicts, for messages
	words   map[string]verify.Outcome // in lower case, but for letters
	exact   bool                      // case matters
	leading *regexp.Regexp            // a verdict as the first words, set off from what follows; group 1 is the word
	// How prose that begins with a verdict may take it back, by that verdict.
	takesBack map[verify.Outcome]*regexp.Regexp
	sentence  *regexp.Regexp // a line that is a verdict in a sentence; nil = none
	glossed   *regexp.Regexp // a word with its meaning, as in "A: CORRECT"; nil = none
}

// What comes between a first word and the rest of a reply.
const (
	beforeLeading = `^[\s*_` + "`" + `"'#(\[]*`
	closing       = `[)\]*_` + "`" + `"']*`
	afterLeading  = closing + `(?:\s*[.,;:!]|\s+[-–—]|\s*\n)`
)

// What follows a word that ends a clause, as a verdict in a sentence does.
const endOfClause = `[\s*_` + "`" + `"')\]]*(?:[.,;:!?]|$)`

var trueFalse = vocabulary{
	names:   "True nor False",
	words:   map[string]verify.Outcome{"true": verify.Correct, "false": verify.Incorrect},
	leading: regexp.MustCompile(`(?i)` + beforeLeading + `(true|false)` + afterLeading),
	takesBack: map[verify.Outcome]*regexp.Regexp{
		verify.Correct:   regexp.MustCompile(`(?i)\bfalse\b`),
		verify.Incorrect: regexp.MustCompile(`(?i)\btrue\b`),
	},
}

// A verdict may be explained with the words of the other one ("Incorrect. The
// correct value is 5.", "Yes. There is no difference."), so only where they end
// a clause do they take it back.
var correctIncorrect = vocabulary{
	names: "Correct nor Incorrect",
	words: map[string]verify.Outcome{"correct": verify.Correct, "incorrect": verify.Incorrect},
	// "Correct: 5. Model: 6." only labels an answer.
	leading: regexp.MustCompile(`(?i)` + beforeLeading + `(correct|incorrect)` + closing + `(?:\s*[.,;!]|\s+[-–—]|\s*\n)`),
	takesBack: map[verify.Outcome]*regexp.Regexp{
		verify.Correct:   regexp.MustCompile(`(?i)\b(?:incorrect|wrong|not\s+(?:\w+\s+)?correct)\b`),
		verify.Incorrect: regexp.MustCompile(`(?i)\bcorrect` + endOfClause),
	},
	sentence: regexp.MustCompile(`(?i)^(?:(?:so|thus|therefore|hence|overall),?\s+)?(?:the\s+)?(?:(?:model|student|given|provided|predicted|candidate)(?:['’]s)?\s+)?(?:answer|response|solution|prediction)\s+is\s+(?:therefore\s+|thus\s+)?[*_"']*(correct|incorrect)[*_"'.!]*$`),
}

var yesNo = vocabulary{
	names:   "Yes nor No",
	words:   map[string]verify.Outcome{"yes": verify.Correct, "no": verify.Incorrect},
	leading: regexp.MustCompile(`(?i)` + beforeLeading + `(yes|no)` + afterLeading),
	takesBack: map[verify.Outcome]*regexp.Regexp{
		verify.Correct:   regexp.MustCompile(`(?i)\bno` + endOfClause),
		verify.Incorrect: regexp.MustCompile(`(?i)\byes\b|^\W*no\.\s*[0-9]`), // "No. 5" is a number
	},
}

// Between a letter and its meaning.
const gloss = `[\s*_.:(){}\[\]=–—-]+`

// letterGrades reads upper case only: "a" is an article.
var letterGrades = vocabulary{
	names:   "A, B nor C",
	words:   map[string]verify.Outcome{"A": verify.Correct, "B": verify.Incorrect, "C": verify.Undecided},
	exact:   true,
	leading: regexp.MustCompile(beforeLeading + `([ABC])` + afterLeading),
	takesBack: map[verify.Outcome]*regexp.Regexp{
		verify.Correct:   regexp.MustCompile(`\b[BC]` + endOfClause + `|(?i:\b(?:incorrect|invalid|wrong|not\s+(?:\w+\s+)?correct)\b)`),
		verify.Incorrect: regexp.MustCompile(`\b[AC]` + endOfClause + `|(?i:^[\s*_"'#(\[]*B` + gloss + `(?:correct|invalid)\b|\binvalid\b)|(?i:\bcorrect` + endOfClause + `)`),
		verify.Undecided: regexp.MustCompile(`\b[AB]` + endOfClause + `|(?i:^[\s*_"'#(\[]*C` + gloss + `(?:correct|incorrect)\b)`),
	},
	glossed: regexp.MustCompile(`^([ABC])` + gloss + `((?i:correct|incorrect|invalid))$`),
}

var meanings = map[string]verify.Outcome{"correct": verify.Correct, "incorrect": verify.Incorrect, "invalid": verify.Undecided}

const decoration = "*_`'\"#>$.,;:!()[]{}|“”‘’。！"

// Wrappers that a verdict comes in.
var wrapper = regexp.MustCompile(`(?is)^(?:<(?:answer|verdict|result|output)>(.*)</(?:answer|verdict|result|output)>|\\boxed\{(.*)\}|\\text(?:bf|it)?\{(.*)\})$`)

// A line that announces a verdict. "Model answer: True" is not one: it repeats
// what was asked.
var announcement = regexp.MustCompile(`(?i)^(?:(?:my|the|so|thus|therefore|hence),?\s+){0,3}(?:final\s+|overall\s+)?(?:final|answer|verdict|decision|judge?ment|conclusion|grade|result|output|return)(?:\s+is)?[\s*_` + "`" + `]*[:：][\s*_` + "`" + `]*`)

// finding is a verdict at one of the places where they are given.
type finding struct {
	outcome verify.Outcome
	word    span
	clash   bool // the word and its meaning contradict each other
}

// read takes the verdict from the places where one is given, which must agree.
func (v *vocabulary) read(text string) reading {
	if f, ok := v.bare(text, span{0, len(text)}); ok {
		return v.decide(text, []finding{f})
	}
	found, restated := v.atLines(text)
	if m := v.leading.FindStringSubmatchIndex(text); m != nil && !restated {
		word, _ := span{0, len(text)}.group(m)
		outcome, _ := v.meaning(word.of(text))
		if len(found) == 0 && v.isTakenBack(outcome, text) {
			return undecided("the first word of the reply is taken back")
		}
		found = append([]finding{{outcome: outcome, word: word}}, found...)
	}
	return v.decide(text, found)
}

// atLines finds the verdicts that stand on lines of their own, and says whether
// the reply restates what the words mean ("A: CORRECT", "B: INCORRECT").
func (v *vocabulary) atLines(text string) (found []finding, restated bool) {
	all := lines(text)
	var listed []finding
	for i, line := range all {
		if content, ok := announced(text, all, i); ok {
			if f, ok := v.given(text, content); ok {
				found = append(found, f)
			}
			continue
		}
		if v.sentence != nil {
			if word, ok := line.group(v.sentence.FindStringSubmatchIndex(line.of(text))); ok {
				outcome, _ := v.meaning(word.of(text))
				found = append(found, finding{outcome: outcome, word: word})
				continue
			}
		}
		f, ok := v.bare(text, line)
		switch {
		case !ok:
		case v.glossed != nil && v.glossed.MatchString(line.trim(text, decoration).of(text)):
			listed = append(listed, f)
		case i == len(all)-1:
			found = append(found, f)
		}
	}
	for _, f := range listed {
		restated = restated || f.outcome != listed[0].outcome
	}
	if !restated {
		found = append(found, listed...)
	}
	return found, restated
}

// announced returns what the i-th line announces, which stands on the next line
// if the line ends with the colon.
func announced(text string, all []span, i int) (span, bool) {
	line := all[i]
	m := announcement.FindStringIndex(line.of(text))
	if m == nil {
		return span{}, false
	}
	content := span{line.at + m[1], line.end}
	if content.at == content.end && i+1 < len(all) {
		content = all[i+1]
	}
	return content, true
}

// Between an announced verdict and its explanation on the same line.
var explanation = regexp.MustCompile(`^(.*?)(?:[.;:]\s|\s+[-–—(]|\s+(?:because|since|as)\s)`)

// given reads an announced verdict: the word alone, or the word and an
// explanation that does not take it back.
func (v *vocabulary) given(text string, s span) (finding, bool) {
	if f, ok := v.bare(text, s); ok {
		return f, true
	}
	head, ok := s.group(explanation.FindStringSubmatchIndex(s.of(text)))
	if !ok {
		return finding{}, false
	}
	f, ok := v.bare(text, head)
	if ok && v.isTakenBack(f.outcome, s.of(text)) {
		f.clash = true
	}
	return f, ok
}

var negated = regexp.MustCompile(`(?i)\bnot\s+(?:\w+\s+)?(?:correct|true)\b`)

// Words by which an explanation turns round.
var turning = regexp.MustCompile(`(?i)^\W*\w+[\s*_"')\]]*,?\s*(?:but|however|except|although|though|if|unless)\b|\b(?:wait|actually|on\s+reflection|on\s+second\s+thoughts?)\b`)

// isTakenBack reports whether a verdict and its explanation speak against each
// other. "It is not correct" speaks for Incorrect.
func (v *vocabulary) isTakenBack(outcome verify.Outcome, explanation string) bool {
	if turning.MatchString(explanation) {
		return true
	}
	if outcome == verify.Incorrect {
		explanation = negated.ReplaceAllLiteralString(explanation, "wrong")
	}
	return v.takesBack[outcome].MatchString(explanation)
}

func (v *vocabulary) decide(text string, found []finding) reading {
	if len(found) == 0 {
		return undecided("neither " + v.names + " as a verdict")
	}
	for _, f := range found {
		if f.clash || f.outcome != found[0].outcome {
			return undecided(contradiction)
		}
	}
	f := found[0]
	if f.outcome == verify.Undecided {
		r := undecided("the reply calls the answer invalid (" + f.word.of(text) + ")")
		r.abstains = true
		return r
	}
	return reading{outcome: f.outcome, reason: strings.TrimSpace(text), word: f.word, words: v}
}

// bare reads a stretch that is nothing but a verdict, apart from punctuation,
// Markdown and wrappers.
func (v *vocabulary) bare(text string, s span) (finding, bool) {
	s, ok := unwrap(text, s)
	if !ok {
		return finding{}, false
	}
	if outcome, ok := v.meaning(s.of(text)); ok {
		return finding{outcome: outcome, word: s}, true
	}
	if v.glossed == nil {
		return finding{}, false
	}
	m := v.glossed.FindStringSubmatchIndex(s.of(text))
	word, ok := s.group(m)
	if !ok {
		return finding{}, false
	}
	outcome, _ := v.meaning(word.of(text))
	meant := meanings[strings.ToLower(s.of(text)[m[4]:m[5]])]
	return finding{outcome: outcome, word: word, clash: outcome != meant}, true
}

func (v *vocabulary) meaning(word string) (verify.Outcome, bool) {
	if !v.exact {
		word = strings.ToLower(word)
	}
	outcome, ok := v.words[word]
	return outcome, ok
}

// unwrap takes decoration and wrappers off a short text.
func unwrap(text string, s span) (span, bool) {
	const longest = 200 // with all its wrappers; it also bounds the work
	for {
		s = s.trim(text, "")
		inner := s.trim(text, decoration)
		if inner.end-inner.at > longest {
			return s, false
		}
		// Trimming may take the last brace of \boxed{True}.
		for _, whole := range []span{s, s.trim(text, "*_`$."), inner} {
			if group, ok := whole.group(wrapper.FindStringSubmatchIndex(whole.of(text))); ok {
				inner = group
				break
			}
		}
		if inner == s {
			return s, true
		}
		s = inner
	}
}
