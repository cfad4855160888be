package model

import (
	"regexp"
	"slices"
	"strings"
)

// The places in a prompt that values go to.
const (
	questionPlace    = "{{QUESTION}}"
	groundTruthPlace = "{{GROUND_TRUTH_ANSWER}}"
	answerPlace      = "{{MODEL_ANSWER}}"
)

// Fill puts the values into the template's places in one pass, so that a value
// which itself holds {{MODEL_ANSWER}} stays as it is.
//
// In a value, the "<" of a tag that the template uses (</model_answer>, also
// with blanks or invisible characters inside, in any case), or of a control
// token of the usual chat formats (<|im_end|>), is written "&lt;". A template
// has its places between tags, so a value cannot leave its section. Nothing
// else is changed: mathematics such as a<b or 0<|x|<1 stays as written.
func Fill(template, question, groundTruth, answer string) string {
	return NewPrompt(template).Fill(question, groundTruth, answer)
}

// Prompt is a template made ready to be filled many times, as [Fill] does. It is
// safe for use by several goroutines.
type Prompt struct {
	pieces []string // text and places in turn, text first
	tags   *regexp.Regexp
}

var anyPlace = regexp.MustCompile(regexp.QuoteMeta(questionPlace) + "|" + regexp.QuoteMeta(groundTruthPlace) + "|" + regexp.QuoteMeta(answerPlace))

// NewPrompt makes a template ready.
func NewPrompt(template string) Prompt {
	p := Prompt{tags: tagPattern(template)}
	end := 0
	for _, at := range anyPlace.FindAllStringIndex(template, -1) {
		p.pieces = append(p.pieces, template[end:at[0]], template[at[0]:at[1]])
		end = at[1]
	}
	p.pieces = append(p.pieces, template[end:])
	return p
}

// Fill puts the values into the template's places.
func (p Prompt) Fill(question, groundTruth, answer string) string {
	question, groundTruth, answer = escape(p.tags, question), escape(p.tags, groundTruth), escape(p.tags, answer)
	value := func(place string) string {
		switch place {
		case questionPlace:
			return question
		case groundTruthPlace:
			return groundTruth
		}
		return answer
	}
	size := 0
	for i, piece := range p.pieces {
		if i%2 == 1 {
			piece = value(piece)
		}
		size += len(piece)
	}
	var b strings.Builder
	b.Grow(size)
	for i, piece := range p.pieces {
		if i%2 == 1 {
			piece = value(piece)
		}
		b.WriteString(piece)
	}
	return b.String()
}

// Control tokens, which many servers recognise even in the middle of a message:
// ChatML's and Llama's <|im_end|>, DeepSeek's <｜User｜>, and others' </s>,
// <end_of_turn> and </think>. Two letters and fewer between bars are mathematics.
const controlTokens = `\|[A-Za-z_]{3,}[0-9_]*\|>|｜[^｜<>]{1,40}｜>|/s>|(?:bos|eos|start_of_turn|end_of_turn|/?think)>`

var templateTag = regexp.MustCompile(`</?([A-Za-z][A-Za-z0-9_-]*)`)

// tagPattern matches the "<" that must be escaped in values, up to where that
// is certain.
func tagPattern(template string) *regexp.Regexp {
	var names []string
	for _, m := range templateTag.FindAllStringSubmatch(template, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	alternatives := []string{controlTokens}
	for _, name := range slices.Compact(names) {
		// \p{Cf} are characters that take no room, such as a zero-width space.
		const blank = `[\s\p{Cf}]*`
		var b strings.Builder
		b.WriteString(blank + `/?` + blank)
		for _, letter := range name {
			b.WriteString(regexp.QuoteMeta(string(letter)) + `\p{Cf}*`)
		}
		b.WriteString(`(?:[^\pL\pN_-]|$)`) // not the beginning of a longer name
		alternatives = append(alternatives, b.String())
	}
	return regexp.MustCompile(`(?is)<(` + strings.Join(alternatives, "|") + `)`)
}

var controlPattern = tagPattern("")

// EscapeControlTokens writes the "<" of control tokens as Fill does in values, and
// changes nothing else. It is for text that is put into no template.
func EscapeControlTokens(text string) string { return escape(controlPattern, text) }

func escape(tags *regexp.Regexp, value string) string {
	if !strings.Contains(value, "<") {
		return value
	}
	for {
		escaped := tags.ReplaceAllString(value, "&lt;$1")
		if escaped == value {
			return value
		}
		// A match may end with the "<" of the next tag, as in
		// "</question<question>".
		value = escaped
	}
}
