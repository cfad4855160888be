package model

import (
	"fmt"
	"slices"
	"strings"

	"tinyv/verify"
)

// Parsers returns the names of the parsers, in alphabetical order.
//
//   - answer: the last line such as "Answer: True", after any reasoning.
//   - boxed: the last \boxed{1}, \boxed{0}, \boxed{Correct}, ...
//   - correct_incorrect: Correct or Incorrect.
//   - json: an object with a boolean is_correct and a text reasoning.
//   - letters: A for correct, B for incorrect, C for an answer that is no answer.
//   - score: a number, correct from the threshold on.
//   - true_false: True or False.
//   - yes_no: Yes or No, as in "Final Decision: Yes".
func Parsers() []string {
	return []string{
		parserAnswer, parserBoxed, parserCorrectIncorrect, parserJSON, parserLetters, parserScore, parserTrueFalse, parserYesNo,
	}
}

const (
	parserAnswer           = "answer"
	parserBoxed            = "boxed"
	parserCorrectIncorrect = "correct_incorrect"
	parserJSON             = "json"
	parserLetters          = "letters"
	parserScore            = "score"
	parserTrueFalse        = "true_false"
	parserYesNo            = "yes_no"
)

// Parse reads a verdict out of a reply, and the reason that the reply gives for
// it. A reply without a clear verdict is Undecided, with a reason that begins
// with "parse_error: ". Only the score parser looks at the threshold.
//
// What stands before the last </think> is never looked at, and a thought that
// does not end is no verdict.
//
// The json parser takes the last complete JSON object whose is_correct is true
// or false (or one of these words as a string), wherever it stands: in a code
// fence, between sentences, inside another object. LaTeX whose backslashes were
// not doubled comes out as it was meant, also where JSON happens to know the
// escape (\frac, \times, \neq). If an object breaks off or is malformed, nothing
// in the reply is believed: what looks like another object may be a quotation
// inside it.
//
// The true_false, correct_incorrect, yes_no and letters parsers look at the
// places where a verdict is given: the whole reply, its first sentence if that
// is the word alone, its last line, and lines such as "Answer: True". What
// stands there must agree; neither the first nor the last wins.
//
// The answer parser takes True or False (Correct, Incorrect, Yes, No) from the
// last line that announces one, or from the last line if that is the word
// alone. The boxed and score parsers, too, take the last of their kind, so
// models may reason before it.
func Parse(parser string, threshold *float64, reply string) (verify.Outcome, string) {
	r := read(parser, threshold, reply)
	return r.outcome, r.reason
}

// reading is what a parser reads in a reply.
type reading struct {
	outcome verify.Outcome
	reason  string

	abstains  bool // undecided because the reply says so: asking again is no use
	overruled bool // if the reply went on, it might say otherwise

	// For the confidence: where in the reply the word of the verdict stands, and
	// what might have stood there. words is nil if that is not known.
	word  span
	words *vocabulary
}

func undecided(why string) reading {
	return reading{reason: codeParseError + ": " + why}
}

const contradiction = "the verdicts contradict each other"

func read(parser string, threshold *float64, reply string) reading {
	text, ok := withoutThought(reply)
	if !ok {
		return undecided("the thought does not end")
	}
	if strings.TrimSpace(text) == "" {
		return undecided("the reply is empty")
	}
	var r reading
	switch parser {
	case parserAnswer:
		r = readAnswer(text)
	case parserBoxed:
		r = readBoxed(text)
	case parserCorrectIncorrect:
		r = correctIncorrect.read(text)
	case parserJSON:
		r = readJSON(text)
	case parserLetters:
		r = letterGrades.read(text)
	case parserScore:
		r = readScore(text, threshold)
	case parserTrueFalse:
		r = trueFalse.read(text)
	case parserYesNo:
		r = yesNo.read(text)
	default:
		return undecided("there is no parser " + parser)
	}
	before := len(reply) - len(text)
	r.word = span{before + r.word.at, before + r.word.end}
	return r
}

// checkParser says what is wrong with a parser and its threshold.
func checkParser(parser string, threshold *float64) error {
	if !slices.Contains(Parsers(), parser) {
		return fmt.Errorf("parser %q is not one of %q%s", parser, Parsers(), didYouMean(parser, Parsers()))
	}
	switch {
	case parser == parserScore && threshold == nil:
		return fmt.Errorf("parser score needs a threshold, such as 0.5 for scores from 0 to 1, or 7 for scores from 0 to 10")
	case parser == parserScore && !(*threshold > 0 && *threshold <= 100):
		return fmt.Errorf("threshold %v is not above 0 and at most 100", *threshold)
	case parser != parserScore && threshold != nil:
		return fmt.Errorf("threshold is for parser score, not for %s", parser)
	}
	return nil
}

func withoutThought(reply string) (rest string, ok bool) {
	const opened, closed = "<think>", "</think>"
	if i := strings.LastIndex(reply, closed); i >= 0 {
		return reply[i+len(closed):], true
	}
	return reply, !strings.HasPrefix(strings.TrimSpace(reply), opened)
}
