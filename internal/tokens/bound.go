package tokens

import (
	"math"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bound returns a number of tokens that a text does not exceed, for want of its
// tokenizer. It holds for every tokenizer that Load would take, whether it composes
// characters (NFC) or not, if
//
//   - its merges join a space to each ASCII letter, and each pair in letterPairs,
//     as those of Qwen's vocabulary do; and
//   - its added tokens begin and end with ASCII punctuation, as <|im_end|> does.
//
// A tokenizer that was trained on a small corpus may lack some of these merges; then
// only the number of bytes of the text is sure, or three times that for NFC, which
// takes a few characters apart.
//
// Why it holds: a word ends as tokens of which no two neighbours can be merged. So
// no two neighbours can be single bytes whose pair is a merge, unless the word is cut
// between them. Bound is the largest number of tokens of which that is true. It comes
// to about 2.4 times the real count on problems and replies in English with LaTeX,
// where the number of bytes is 2.9 times the count.
func Bound(text string) int {
	text = valid(text)
	n, ascii := mostTokens(text)
	if ascii {
		return n
	}
	if !norm.NFC.IsNormalString(text) {
		other, _ := mostTokens(composed(text))
		return max(n, other)
	}
	return n
}

// mostTokens cuts text into as many tokens as the rule of Bound allows. Tokens of
// three bytes and more would not make it more. It says, too, whether all of it is ASCII.
func mostTokens(text string) (n int, ascii bool) {
	const none = math.MinInt32 / 4
	// The most tokens up to here, less the number of bytes, where the last token is a
	// single byte, or is of two.
	single, double := none, 0
	before := none // the most up to the byte before
	apart := 0     // letters that an apostrophe may cut off one by one
	last, all := byte(0), byte(0)
	for i := range len(text) {
		c := text[i]
		merged := 0 // or none, not a condition: texts are too irregular for branches to be foreseen
		if joined[last][c] {
			merged = none
		}
		if c == '\'' {
			apart = 3
			merged = 0
		} else if apart > 0 {
			apart--
			merged = 0
		}
		single, double, before = max(double, single+merged), before, max(single, double)-1
		last, all = c, all|c
	}
	return len(text) + max(single, double), all < utf8.RuneSelf
}

// letterPairs are the pairs of letters among the first 1,000 merges of Qwen's
// vocabulary.
const letterPairs = "" +
	"ab ac ad ag ak al am an ap ar as at av aw ax ay bo ca cc ce ch ck cl co ct dd de du ec ed ef eg " +
	"ek el em en ep er es et ew ex ey ff fo ft ge gh gr he ht ia ib ic id ie if ig il im in io ip ir " +
	"is it iv ix iz ke ld le li ll lo ly ml ms nc nd ne ng nt ob oc od of og ok ol om on op or os ot " +
	"ou ov ow pe ph pl pp pr pt qu ra re ri ro rr ry se sh so ss st te th to tp tr ub ud ue ug ul um " +
	"un up ur us ut ve we wo ww yp ys"

// joined holds the pairs that Bound counts on.
var joined = func() (pairs [256][256]bool) {
	for i := range 26 {
		pairs[' ']['a'+i] = true
		pairs[' ']['A'+i] = true
	}
	for p := range strings.FieldsSeq(letterPairs) {
		pairs[p[0]][p[1]] = true
	}
	return pairs
}()
