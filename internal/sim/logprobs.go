package sim

import (
	"math"
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTopLogprobs is the largest top_logprobs, as OpenAI's.
const maxTopLogprobs = 20

type logprobs struct {
	Content []tokenLogprob `json:"content"`
	Refusal []tokenLogprob `json:"refusal"` // always null
}

type tokenLogprob struct {
	likely
	TopLogprobs []likely `json:"top_logprobs"`
}

type likely struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

func likelihood(token string, p float64) likely {
	bytes := make([]int, len(token))
	for i := range len(token) {
		bytes[i] = int(token[i])
	}
	return likely{token, math.Log(p), bytes}
}

// confidence is the probability that an annotator gives to the token of its
// verdict: between its stated quality and 1 if the verdict is right, between one
// half and its quality if it errs. So it ranks verdicts, better the better the
// annotator is, and does not give the errors away.
func (a Annotator) confidence(j judgement, seed uint64, name, system, prompt string) float64 {
	quality := min(max((a.Sensitivity+a.Specificity)/2, 0.5), 0.999)
	u := draw(seed, "confidence", name, system, prompt).Float64()
	if j.said == j.right {
		return 1 - (1-quality)*max(u, 0.001)
	}
	return 0.5 + (quality-0.5)*u
}

// logprobs makes up the probabilities of the tokens of a text, of which the last
// that is the verdict has the voice's confidence. These tokens are words, and more
// or fewer than usage counts, which knows only lengths.
func (v voice) logprobs(r *rand.Rand, text string, top int) *logprobs {
	pieces := splitTokens(text)
	verdict := -1
	for i, piece := range pieces {
		if v.verdict != "" && strings.EqualFold(strings.TrimSpace(piece), v.verdict) {
			verdict = i
		}
	}
	out := &logprobs{Content: make([]tokenLogprob, len(pieces))}
	for i, piece := range pieces {
		p := 0.5 + 0.4999*math.Sqrt(r.Float64())
		others := otherTokens
		if i == verdict {
			p = v.confidence
			others = append([]string{opposite(piece)}, otherTokens...)
		}
		t := tokenLogprob{likely: likelihood(piece, p), TopLogprobs: []likely{}}
		if top > 0 {
			t.TopLogprobs = append(t.TopLogprobs, t.likely)
		}
		rest := 1 - p
		for _, other := range others {
			if len(t.TopLogprobs) >= top {
				break
			}
			if other != piece {
				t.TopLogprobs = append(t.TopLogprobs, likelihood(other, rest*0.6))
				rest *= 0.4
			}
		}
		out.Content[i] = t
	}
	return out
}

// otherTokens are tokens that might have come instead.
var otherTokens = []string{
	" the", ",", ".", " a", " is", " of", " and", " to", "\n", " so", " we", " in", " that", " which", " it", ":", " as", " not", " this", " both", " be",
}

// opposite is the other verdict, written as this one is.
func opposite(verdict string) string {
	for from, to := range map[string]string{"True": "False", "False": "True", "true": "false", "false": "true"} {
		if strings.TrimSpace(verdict) == from {
			return strings.Replace(verdict, from, to, 1)
		}
	}
	return verdict
}

// splitTokens splits a text into tokens as they look like: words with the blank before
// them, up to three digits, signs. Together they are the text.
func splitTokens(text string) []string {
	var pieces []string
	for text != "" {
		n := 0
		if text[0] == ' ' && len(text) > 1 {
			n = 1
		}
		first, size := utf8.DecodeRuneInString(text[n:])
		n += size
		for count := 1; n < len(text); count++ {
			next, size := utf8.DecodeRuneInString(text[n:])
			if !(unicode.IsLetter(first) && unicode.IsLetter(next)) && !(unicode.IsDigit(first) && unicode.IsDigit(next) && count < 3) {
				break
			}
			n += size
		}
		pieces = append(pieces, text[:n])
		text = text[n:]
	}
	return pieces
}
