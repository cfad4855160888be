// Package question says when two written forms of a question are one question,
// and when two written forms of an answer are.
//
// It promises: any bytes are taken and nothing panics; text that is UTF-8 stays
// UTF-8; normalising what is normalised changes nothing; time is linear.
package question

import (
	"iter"
	"strings"
)

// Normalize returns the form in which two spellings of one question are equal:
// its tokens with one space between them, so that "Find $x+1$." and "find x + 1"
// are both "find x + 1". Tokens are words, numbers, LaTeX commands, operators and
// brackets.
//
// Spelling is: case; Unicode's compatible forms, and characters that LaTeX has a
// command for (≤, ², π, ½); how mathematics is marked ($, \( \), \[ \]), sized
// (\left, \displaystyle, \dfrac), spaced (\, \quad ~) and set (\text, \mathrm);
// the names \leq and \le; braces around one character; quotes, question marks and
// full stops; beside a word of three letters or more commas, colons and semicolons,
// after one exclamation marks, and between two of them hyphens.
//
// What can tell two questions apart stays: digits, the point inside a number and
// the comma between numbers ("1,234" is not "1234"), signs, operators,
// comparisons, factorials, primes, dots that stand for terms, superscripts and
// subscripts (2³ is not 23), and brackets. The case of a letter that stands alone
// stays if the text has it in both cases (s and S), a and i aside. Otherwise two
// questions that differ in case only are taken for one, 5 mW and 5 MW among them.
func Normalize(s string) string {
	if !ascii(s) {
		s = plain(s)
	}
	buffer := make([]byte, 2*len(s)) // no token takes more than twice its source, the space before it included
	f := form{in: s, out: buffer}
	f.run()
	if both := f.lower & f.upper &^ articles; both != 0 {
		f = form{in: s, out: buffer, cased: both}
		f.run()
	}
	return string(f.out[:f.n])
}

// Words returns the tokens of a question that Normalize returned, in order.
func Words(normalised string) iter.Seq[string] {
	return strings.FieldsSeq(normalised)
}
