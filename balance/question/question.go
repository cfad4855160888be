// Package question says when two written forms of a question are one question.
package question

import (
	"iter"
	"strings"
)

// Normalize returns the form in which two spellings of one question are equal:
// its tokens, one space between them. Normalising it again changes nothing.
func Normalize(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(s, "$", " "))), " ")
}

// NormalizeAnswer returns an answer or a ground truth without what a reader does
// not see. It is gentler than Normalize, because two written forms of one answer
// are two rows to a verifier that is trained on written forms.
func NormalizeAnswer(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "$", " ")), " ")
}

// Words returns the tokens of a question that Normalize returned, in order:
// words, numbers, LaTeX commands, operators and brackets.
func Words(normalised string) iter.Seq[string] {
	return strings.FieldsSeq(normalised)
}
