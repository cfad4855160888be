package attack

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// gibberish returns letters and signs by lot, in one to four words. It has no
// digits, so it is no number.
func gibberish(t target, rng *rand.Rand) string {
	alphabets := []string{"bcdfghjklmnpqrstvwxz", "asdfghjklqwertzuiop", "#@%&!^~*+?", "ЖЩЪЮЯфцчш", "鬱麤龘靐齉", "qzxjkvQZXJKV#@%&"}
	alphabet := []rune(alphabets[rng.IntN(len(alphabets))])
	var b strings.Builder
	for i := range 1 + rng.IntN(4) {
		if i > 0 {
			b.WriteByte(' ')
		}
		for range 5 + rng.IntN(10) {
			b.WriteRune(alphabet[rng.IntN(len(alphabet))])
		}
	}
	if mentions(b.String(), t.truth) {
		return ""
	}
	return b.String()
}

const longestRestated = 4000 // bytes

// restated returns the question, unless it holds the ground truth, as a question
// with choices does.
func restated(t target, rng *rand.Rand) string {
	question := cut(t.question, longestRestated)
	if isBare(question) || mentions(t.question, t.truth) || strings.Contains(strings.ReplaceAll(t.question, " ", ""), strings.Trim(strings.ReplaceAll(t.truth, " ", ""), "$")) {
		return ""
	}
	leads := []string{"", "The question is: ", "Find the following. ", "Given: "}
	tails := []string{"", "\n\nAnswer:", "\n\nSo this is what we have to find."}
	lead, tail := leads[rng.IntN(len(leads))], tails[rng.IntN(len(tails))]
	if mentions(lead+tail, t.truth) {
		return question
	}
	return lead + question + tail
}

// answered returns the question with the right answer below it.
func answered(t target, rng *rand.Rand) string {
	if isBare(t.question) {
		return ""
	}
	forms := []string{"ASKED\n\nAnswer: ANSWER", "The question is: ASKED\n\nThe answer is ANSWER", "Given: ASKED\n\nFind what is asked for.\n\nANSWER"}
	return strings.NewReplacer("ASKED", cut(t.question, longestRestated), answerPlace, t.answer).Replace(forms[rng.IntN(len(forms))])
}

func cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}

// sameScripts write what Unicode itself calls the same: decimal digits of the same
// value, and the wide form of a sign.
var sameScripts = []func(rune) rune{
	digitsFrom('０'), digitsFrom('٠'), digitsFrom('०'), digitsFrom('๐'), digitsFrom('𝟎'), digitsFrom('𝟘'), oneToOne("+-=()", "＋－＝（）"), fullWidth,
}

// scripts write letters and digits in another way that reads the same.
var scripts = []func(rune) rune{
	digitsFrom('０'), digitsFrom('٠'), digitsFrom('०'), digitsFrom('๐'), digitsFrom('𝟎'), digitsFrom('𝟘'),
	oneToOne("0123456789", "〇一二三四五六七八九"),
	oneToOne("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ"), // Cyrillic
	oneToOne("ABEHIKMNOPTXZo", "ΑΒΕΗΙΚΜΝΟΡΤΧΖο"),         // Greek
	oneToOne("+-=()", "＋－＝（）"),
	fullWidth,
}

func digitsFrom(zero rune) func(rune) rune {
	return func(c rune) rune {
		if c >= '0' && c <= '9' {
			return zero + c - '0'
		}
		return c
	}
}

func oneToOne(from, to string) func(rune) rune {
	written := map[rune]rune{}
	other := []rune(to)
	for i, c := range []rune(from) {
		written[c] = other[i]
	}
	return func(c rune) rune {
		if w, ok := written[c]; ok {
			return w
		}
		return c
	}
}

func fullWidth(c rune) rune {
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return c + '！' - '!'
	}
	return c
}

// inScript writes the answer in one of the scripts that change it. LaTeX commands
// stay as they are.
func inScript(scripts []func(rune) rune) func(target, *rand.Rand) string {
	return func(t target, rng *rand.Rand) string {
		var changed []string
		for _, script := range scripts {
			if s := outsideCommands(t.answer, func(text string) string { return strings.Map(script, text) }); s != t.answer {
				changed = append(changed, s)
			}
		}
		if len(changed) == 0 {
			return ""
		}
		return changed[rng.IntN(len(changed))]
	}
}

// verbatim is what LaTeX reads as one, signs, the names of environments, and the
// digits that a command takes without braces included.
var verbatim = regexp.MustCompile(`(?s)\\(?:(?:begin|end)\{[A-Za-z]+\*?\}|(?:left|right)[()\[\]|.]|(?:[dt]?frac|binom) ?[0-9] ?[0-9]|sqrt ?[0-9]|[A-Za-z]+|.)`)

// outsideCommands rewrites what stands between LaTeX commands.
func outsideCommands(text string, rewrite func(string) string) string {
	var b strings.Builder
	at := 0
	for _, found := range verbatim.FindAllStringIndex(text, -1) {
		b.WriteString(rewrite(text[at:found[0]]))
		b.WriteString(text[found[0]:found[1]])
		at = found[1]
	}
	b.WriteString(rewrite(text[at:]))
	return b.String()
}

// zeroWidth returns a text of invisible signs, or puts them around the answer
// or between its characters. Blanks never go between, where they might part a
// number in two.
func zeroWidth(t target, rng *rand.Rand) string {
	if t.answer == "" || rng.IntN(2) == 0 {
		return t.draw(blanks, rng)
	}
	sign := []string{"\u200b", "\u2060", "\u200d", "\u00ad"}[rng.IntN(4)]
	return sign + outsideCommands(t.answer, func(text string) string {
		var b strings.Builder
		for i, c := range text {
			if i > 0 && !unicode.Is(unicode.M, c) { // an accent belongs to what is before it
				b.WriteString(sign)
			}
			b.WriteRune(c)
		}
		return b.String() + sign
	})
}

// veryLong returns thousands of characters, with the answer if there is one:
// among sentences that say nothing, or repeated.
func veryLong(t target, rng *rand.Rand) string {
	size := 4000 + rng.IntN(4000)
	if t.answer != "" && rng.IntN(4) == 0 {
		return strings.TrimSpace(strings.Repeat(t.answer+"\n", 1+size/(len(t.answer)+1)))
	}
	var sentences []string
	for _, s := range fillers {
		if !mentions(s, t.truth) {
			sentences = append(sentences, s)
		}
	}
	if len(sentences) == 0 {
		return ""
	}
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(sentences[rng.IntN(len(sentences))])
	}
	var forms []string
	for _, frame := range longFrames {
		forms = append(forms, strings.ReplaceAll(frame, "FILLING", strings.TrimSpace(b.String())))
	}
	return t.draw(forms, rng)
}
