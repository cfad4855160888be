package model

import (
	"regexp"
	"strings"

	"tinyv/verify"
)

// Parsers returns the names of the parsers, in alphabetical order.
//
//   - json: an object with a boolean is_correct and a text reasoning, anywhere
//     in the reply; see [Parse].
//   - true_false: True or False.
func Parsers() []string { return []string{"json", "true_false"} }

// Parse reads a verdict out of a reply, and the reason that the reply gives for
// it. A reply without a clear verdict is Undecided, with a reason that begins
// with "parse_error: ".
//
// What stands before the last </think> is never looked at, and a thought that
// does not end is no verdict.
//
// The json parser takes every complete JSON object whose is_correct is true or
// false (or one of these words as a string), wherever it stands: in a code
// fence, between sentences, inside another object. Several must agree. LaTeX
// whose backslashes were not doubled comes out as it was meant, also where JSON
// happens to know the escape (\frac, \times, \neq). If an object breaks off or
// is malformed, nothing in the reply is believed: what looks like another
// object may be a quotation inside it.
//
// The true_false parser takes a reply that is True or False, apart from case,
// punctuation and Markdown; or begins with it, as a sentence of its own; or has
// it as its last line; or has a line like "Answer: True". All of these that
// there are must agree.
func Parse(parser, reply string) (verify.Outcome, string) {
	text, ok := withoutThought(reply)
	if !ok {
		return parseError("the thought does not end")
	}
	if strings.TrimSpace(text) == "" {
		return parseError("the reply is empty")
	}
	switch parser {
	case "json":
		return parseJSON(text)
	case "true_false":
		return parseTrueFalse(text)
	}
	return parseError("there is no parser " + parser)
}

func parseError(why string) (verify.Outcome, string) {
	return verify.Undecided, codeParseError + ": " + why
}

func withoutThought(reply string) (rest string, ok bool) {
	const opened, closed = "<think>", "</think>"
	if i := strings.LastIndex(reply, closed); i >= 0 {
		return reply[i+len(closed):], true
	}
	return reply, !strings.HasPrefix(strings.TrimSpace(reply), opened)
}

func parseJSON(text string) (verify.Outcome, string) {
	objects, broken := findObjects(text)
	if broken {
		return parseError("a JSON object is malformed or breaks off")
	}
	outcome, reason := verify.Undecided, ""
	for _, o := range objects {
		found, ok := o.verdict()
		if !ok {
			continue
		}
		if outcome != verify.Undecided && found != outcome || found == verify.Undecided {
			return parseError("the verdicts contradict each other")
		}
		outcome, reason = found, o.text("reasoning")
	}
	if outcome == verify.Undecided {
		return parseError("no JSON object with is_correct true or false")
	}
	return outcome, reason
}

const decoration = " \t\r\n*_`'\"#>$.,;:!()[]{}|“”‘’。！"

var (
	// Wrappers that a verdict comes in.
	wrapper = regexp.MustCompile(`(?is)^(?:<(?:answer|verdict|result|output)>(.*)</(?:answer|verdict|result|output)>|\\boxed\{(.*)\}|\\text(?:bf|it)?\{(.*)\})$`)

	// A line that announces a verdict. "Model answer: True" is not one: it
	// repeats what was asked.
	announced = regexp.MustCompile(`(?i)^(?:(?:my|the|so|thus|therefore|hence),?\s+)*(?:final\s+|overall\s+)?(?:answer|verdict|decision|judge?ment|conclusion|result|output|return)(?:\s+is)?[\s*_` + "`" + `]*[:：][\s*_` + "`" + `]*(.+)$`)

	// A verdict as the first words, set off from what follows.
	leading = regexp.MustCompile(`(?is)^[\s*_` + "`" + `"'#]*(true|false)[*_` + "`" + `"']*(?:\s*[.,;:!]|\s+[-–—]|\s*\n)`)

	anyTrue  = regexp.MustCompile(`(?i)\btrue\b`)
	anyFalse = regexp.MustCompile(`(?i)\bfalse\b`)
)

func parseTrueFalse(text string) (verify.Outcome, string) {
	if outcome := bare(text); outcome != verify.Undecided {
		return outcome, strings.TrimSpace(text)
	}
	var found []verify.Outcome
	var last string
	for line := range strings.Lines(text) {
		line = strings.Trim(line, " \t\r\n*_`#>-")
		if line == "" {
			continue
		}
		last = line
		if m := announced.FindStringSubmatch(line); m != nil {
			if outcome := bare(m[1]); outcome != verify.Undecided {
				found = append(found, outcome)
			}
		}
	}
	if outcome := bare(last); outcome != verify.Undecided {
		found = append(found, outcome)
	}
	if m := leading.FindStringSubmatch(text); m != nil {
		// A sentence that begins with the word may go on to take it back, so
		// the other word must not occur at all.
		outcome := bare(m[1])
		if anyTrue.MatchString(text) && anyFalse.MatchString(text) && len(found) == 0 {
			return parseError("the reply names both True and False")
		}
		found = append(found, outcome)
	}
	if len(found) == 0 {
		return parseError("neither True nor False as a verdict")
	}
	for _, outcome := range found {
		if outcome != found[0] {
			return parseError("the verdicts contradict each other")
		}
	}
	return found[0], strings.TrimSpace(text)
}

// bare reads a text that is nothing but True or False.
func bare(s string) verify.Outcome {
	const longest = 200 // with all its wrappers; it also bounds the work
	for {
		if s = strings.TrimSpace(s); len(s) > longest {
			return verify.Undecided
		}
		trimmed := strings.Trim(s, decoration)
		// Trimming may take the last brace of \boxed{True}.
		for _, whole := range []string{s, strings.Trim(s, " *_`$."), trimmed} {
			if m := wrapper.FindStringSubmatch(whole); m != nil {
				trimmed = m[1] + m[2] + m[3]
				break
			}
		}
		if trimmed == s {
			break
		}
		s = trimmed
	}
	switch {
	case strings.EqualFold(s, "true"):
		return verify.Correct
	case strings.EqualFold(s, "false"):
		return verify.Incorrect
	}
	return verify.Undecided
}
