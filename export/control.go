package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tinyv/verify/model"
)

// loaderPlaces are what LLaMA-Factory takes for more than text in a message: the
// places of pictures and sounds, which fail the loading under the template of a
// model that sees or hears, and {{idx}}, which it overwrites with the number of the
// turn.
var loaderPlaces = []string{"<image>", "<video>", "<audio>", "{{idx}}"}

// controls makes text of what a tokenizer or loader takes for more.
type controls struct {
	names  []string
	begins string // the bytes that a token begins with, each once
	tokens *strings.Replacer
}

// newControls knows the control tokens of the usual chat formats and those that it
// is given.
func newControls(special []string) controls {
	all := slices.Concat(loaderPlaces, special)
	// The longest first, of those that begin alike.
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	all = slices.Compact(all)
	begins := "<" // of those that model.EscapeControlTokens knows
	var pairs []string
	for _, token := range all {
		pairs = append(pairs, token, asText(token))
		if strings.IndexByte(begins, token[0]) < 0 {
			begins += token[:1]
		}
	}
	return controls{all, begins, strings.NewReplacer(pairs...)}
}

// asText writes the first character of a token as HTML does.
func asText(token string) string {
	first, size := utf8.DecodeRuneInString(token)
	if first == '<' {
		return "&lt;" + token[size:]
	}
	return fmt.Sprintf("&#%d;", first) + token[size:]
}

// escape returns a text without control tokens, and whether that could be done: of
// a token that holds another, or that HTML's way to write a character holds, it cannot.
func (c controls) escape(text string) (string, bool) {
	if !c.begun(text) { // as are most texts, and looking for all tokens takes long
		return text, true
	}
	clean := c.tokens.Replace(model.EscapeControlTokens(text))
	return clean, clean == c.tokens.Replace(clean)
}

// begun says whether a text has a byte that a token begins with.
func (c controls) begun(text string) bool {
	for i := range len(c.begins) {
		if strings.IndexByte(text, c.begins[i]) >= 0 {
			return true
		}
	}
	return false
}

// first returns a token that a text of the user's own holds; empty if there is none.
func (c controls) first(text string) string {
	for _, token := range c.names {
		if strings.Contains(text, token) {
			return token
		}
	}
	return ""
}
