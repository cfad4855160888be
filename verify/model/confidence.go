package model

import (
	"encoding/json"
	"math"
	"strings"
	"unicode"

	"tinyv/verify"
)

// topLogprobs is how many alternatives are asked for at each token.
const topLogprobs = 5

// tokenLogprob is a token of a reply as OpenAI's API gives it.
type tokenLogprob struct {
	likely
	TopLogprobs []likely `json:"top_logprobs"`
}

type likely struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"` // of tokens that end inside a character; may be absent
}

// text is the token to the byte.
func (l likely) text() string {
	if len(l.Bytes) == 0 {
		return l.Token
	}
	b := make([]byte, len(l.Bytes))
	for i, c := range l.Bytes {
		b[i] = byte(c)
	}
	return string(b)
}

// confidence is the probability of the verdict against its opposite, by the
// alternatives that the model had for the token with which the verdict began;
// nil if that cannot be told. content is the reply that r was read from.
func (r reading) confidence(content string, logprobs json.RawMessage) *float64 {
	if r.outcome == verify.Undecided || r.words == nil || len(logprobs) == 0 {
		return nil
	}
	var given struct {
		Content []tokenLogprob `json:"content"`
	}
	if json.Unmarshal(logprobs, &given) != nil {
		return nil
	}
	token, ok := tokenAt(given.Content, content, r.word.at)
	if !ok {
		return nil
	}
	var own, opposite float64
	counted := false
	count := func(l likely) {
		p := math.Exp(l.Logprob)
		switch r.begins(l.text()) {
		case r.outcome:
			own += p
		case verify.Undecided:
		default:
			opposite += p
		}
		counted = counted || l.text() == token.text()
	}
	for _, l := range token.TopLogprobs {
		count(l)
	}
	if !counted {
		count(token.likely)
	}
	if !(own > 0) || !(opposite > 0) || math.IsInf(own+opposite, 0) {
		return nil
	}
	c := own / (own + opposite)
	return &c
}

// tokenAt returns the token that holds the byte at. The tokens must be the reply to the letter, with the thought that was split off its
// head before it, and some servers' token of the end after it.
func tokenAt(tokens []tokenLogprob, content string, at int) (tokenLogprob, bool) {
	texts := make([]string, len(tokens))
	for i, t := range tokens {
		texts[i] = t.text()
	}
	all := strings.Join(texts, "")
	if !strings.HasSuffix(all, content) && len(texts) > 0 {
		all = strings.Join(texts[:len(texts)-1], "")
	}
	if !strings.HasSuffix(all, content) {
		return tokenLogprob{}, false
	}
	at += len(all) - len(content)
	for i, text := range texts {
		if at < len(text) {
			return tokens[i], true
		}
		at -= len(text)
	}
	return tokenLogprob{}, false
}

// begins returns the outcome whose word a token is or begins ("In" of
// "Incorrect"), Undecided if none or both. A blank or a quotation mark before the
// word does not matter: its alternatives may have it or not.
func (r reading) begins(token string) verify.Outcome {
	notWord := func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }
	token = strings.TrimLeftFunc(token, notWord)
	head := token
	if i := strings.IndexFunc(token, notWord); i >= 0 {
		head = token[:i]
	}
	if head == "" {
		return verify.Undecided
	}
	whole := len(head) < len(token) // something follows that is no letter
	if outcome, ok := r.words.meaning(head); ok {
		return outcome
	}
	if whole {
		return verify.Undecided
	}
	if !r.words.exact {
		head = strings.ToLower(head)
	}
	found := verify.Undecided
	for word, outcome := range r.words.words {
		if !strings.HasPrefix(word, head) {
			continue
		}
		if found != verify.Undecided && found != outcome {
			return verify.Undecided
		}
		found = outcome
	}
	return found
}
