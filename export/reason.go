package export

import (
	"regexp"
	"strings"

	"tinyv/verify"
	"tinyv/verify/model"
)

// announcement is a line that is nothing but a verdict, as annotators end their
// reasons with.
var announcement = regexp.MustCompile(`(?i)^[^\pL\pN]*(?:(?:the[^\pL\pN]+)?(?:final[^\pL\pN]+)?(?:answer|verdict|judge?ment|decision|conclusion)[^\pL\pN]+(?:is[^\pL\pN]+)?)?(?:true|false|correct|incorrect|yes|no)[^\pL\pN]*$`)

// argument returns a reason without the verdicts at its end, which the reply says
// in its own words. It is not ok if the reason announces the other verdict: a reply
// that contradicts itself teaches nothing, and the words may be those of an answer
// that talked the annotator into them.
func argument(reason string, correct bool) (string, bool) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return "", true
	}
	opposite := verify.Incorrect
	if !correct {
		opposite = verify.Correct
	}
	for {
		if outcome, _ := model.Parse(replyParser, nil, reason); outcome == opposite {
			return "", false
		}
		head, last := "", reason
		if i := strings.LastIndexByte(reason, '\n'); i >= 0 {
			head, last = strings.TrimSpace(reason[:i]), reason[i+1:]
		}
		if !announcement.MatchString(last) {
			return reason, true
		}
		reason = head
		if reason == "" {
			return "", true
		}
	}
}

// Unusable says of the options' kind of reply why there can be none of a row, as the
// reason code for which Run drops it; empty if there can. What the other texts of the
// row may do to it is not looked at.
func (o Options) Unusable(reason string, label bool) string {
	if o.Reply != ReplyReasoning {
		return ""
	}
	_, why := usable(reason, label)
	return why
}

// usable returns the words of a reason for a reasoning reply, or why there can be none.
func usable(reason string, label bool) (words, why string) {
	words, ok := argument(reason, label)
	switch {
	case !ok:
		return "", reasonContradicts
	case words == "":
		return "", reasonNoReason
	}
	return words, ""
}

// replyParser reads the verdict of a reasoned reply when the verifier serves.
const replyParser = "answer"

func reasoned(reason string, correct bool) string {
	return reason + "\n\nAnswer: " + verdictWord(correct)
}
