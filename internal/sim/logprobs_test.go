package sim

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTokensAreTheText: whatever the text, its tokens joined are the text.
func TestTokensAreTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		pieces := splitTokens(text)
		if got := strings.Join(pieces, ""); got != text {
			t.Fatalf("%q is split into %q", text, pieces)
		}
	})
	if got := fmt.Sprintf("%q", splitTokens(`{"is_correct": true} x2345 é  b.`)); got != `["{" "\"" "is" "_" "correct" "\"" ":" " true" "}" " x" "234" "5" " é" "  " "b" "."]` {
		t.Errorf("tokens: %s", got)
	}
}

func TestLogprobs(t *testing.T) {
	w := DefaultWorld()
	w.SolverReasoning = ReasoningTags
	h := NewServer(w, quiet).Handler()
	p := w.problem(3)
	for model, prompt := range map[string]string{SolverModel: p.question, "sim-annotator-a": judgePrompt(p.question, p.truth, p.truth), "sim-annotator-b": judgePrompt(p.question, p.truth, p.wrong[0]) + " is_correct"} {
		plain := chat(t, h, model, prompt, 1, `, "n": 3`)
		for _, top := range []int{0, 1, 5, 20} {
			r := chat(t, h, model, prompt, 1, fmt.Sprintf(`, "n": 3, "logprobs": true, "top_logprobs": %d`, top))
			if again := chat(t, h, model, prompt, 1, fmt.Sprintf(`, "n": 3, "logprobs": true, "top_logprobs": %d`, top)); fmt.Sprint(again) == "" || mustJSON(t, again) != mustJSON(t, r) {
				t.Errorf("%s: the same request gets other logprobs", model)
			}
			for i, c := range r.Choices {
				var text strings.Builder
				for _, token := range c.Logprobs.Content {
					text.WriteString(token.Token)
					bytes := make([]byte, len(token.Bytes))
					for i, b := range token.Bytes {
						bytes[i] = byte(b)
					}
					if string(bytes) != token.Token || token.Logprob > 0 || len(token.TopLogprobs) != top || top > 0 && token.TopLogprobs[0].Token != token.Token {
						t.Fatalf("%s: %+v", model, token)
					}
					sum, last := 0.0, 0.0
					for i, other := range token.TopLogprobs {
						sum += math.Exp(other.Logprob)
						if i > 0 && other.Logprob > last {
							t.Fatalf("%s: not by falling probability: %+v", model, token)
						}
						last = other.Logprob
					}
					if sum > 1.0001 {
						t.Fatalf("%s: probabilities of %v in sum: %+v", model, sum, token)
					}
				}
				if text.String() != c.Message.Content {
					t.Errorf("%s: tokens %q of %q", model, text.String(), c.Message.Content)
				}
				c.Logprobs = nil
				if c != plain.Choices[i] {
					t.Errorf("%s: %+v, without logprobs %+v", model, c, plain.Choices[i])
				}
			}
		}
	}
	if text := mustJSON(t, chat(t, h, SolverModel, p.question, 1, "")); strings.Contains(text, "logprobs") {
		t.Errorf("logprobs that nobody asked for: %s", text)
	}
	if text := mustJSON(t, chat(t, h, SolverModel, p.question, 1, `, "logprobs": true`)); !strings.Contains(text, `"top_logprobs":[]`) || !strings.Contains(text, `"refusal":null`) {
		t.Errorf("not OpenAI's form: %.300s", text)
	}
	for _, more := range []string{`"logprobs": true, "top_logprobs": 21`, `"logprobs": true, "top_logprobs": -1`, `"top_logprobs": 1`} {
		if status, _, body := post(t, h, `{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], `+more+`}`); status != 400 {
			t.Errorf("%s: %s", more, body)
		}
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestConfidence: the verdict's probability follows the stated quality, is lower
// where the annotator errs, and belongs to the verdict's token in each format.
func TestConfidence(t *testing.T) {
	w := &World{Seed: 4, Annotators: map[string]Annotator{"good": {Sensitivity: 0.95, Specificity: 0.95}, "poor": {Sensitivity: 0.7, Specificity: 0.7}}}
	h := NewServer(w, quiet).Handler()
	means := map[string]float64{}
	for name, a := range w.Annotators {
		var sum [2]float64
		var n [2]int
		for i := range 400 {
			p := w.problem(i)
			right := i%2 == 0
			answer := p.wrong[i%5]
			if right {
				answer = p.right[i%5]
			}
			prompt := judgePrompt(p.question, p.truth, answer)
			if i%3 == 0 {
				prompt += " is_correct"
			}
			c := chat(t, h, name, prompt, int64(i), `, "logprobs": true, "top_logprobs": 2`).Choices[0]
			found := 0
			for _, token := range c.Logprobs.Content {
				word := strings.TrimSpace(token.Token)
				if !strings.EqualFold(word, "true") && !strings.EqualFold(word, "false") {
					continue
				}
				other := strings.TrimSpace(token.TopLogprobs[1].Token)
				if strings.EqualFold(other, word) || !strings.EqualFold(other, "true") && !strings.EqualFold(other, "false") {
					continue // a word of the answer
				}
				found++
				probability := math.Exp(token.Logprob)
				erred := 0
				if strings.EqualFold(word, "true") != right {
					erred = 1
				}
				sum[erred] += probability
				n[erred]++
				if probability < 0.5 || erred == 1 && probability > a.Sensitivity || erred == 0 && probability < a.Sensitivity-1e-9 {
					t.Errorf("%s: probability %v, erred %d", name, probability, erred)
				}
			}
			if found != 1 {
				t.Errorf("%s: %d verdicts in %q", name, found, c.Message.Content)
			}
		}
		if n[0] < 250 || n[1] < 5 {
			t.Errorf("%s: right and wrong %v times", name, n)
		}
		means[name] = sum[0] / float64(n[0])
	}
	if means["good"] <= means["poor"] {
		t.Errorf("mean probabilities %v", means)
	}
}

// TestReasoning: thoughts come beside or within the content, change nothing in the
// reply, and count as tokens.
func TestReasoning(t *testing.T) {
	plainWorld := DefaultWorld()
	plain := NewServer(plainWorld, quiet).Handler()
	p := plainWorld.problem(3)
	for _, way := range []Reasoning{ReasoningField, ReasoningTags} {
		w := DefaultWorld()
		w.ShowReasoning(way)
		h := NewServer(w, quiet).Handler()
		for model, prompt := range map[string]string{SolverModel: p.question, "sim-annotator-a": judgePrompt(p.question, p.truth, p.truth)} {
			want := chat(t, plain, model, prompt, 1, "")
			got := chat(t, h, model, prompt, 1, "")
			said, thought := got.Choices[0].Message.Content, got.Choices[0].Message.ReasoningContent
			if way == ReasoningTags {
				rest, ok := strings.CutPrefix(said, "<think>\n")
				before, after, closed := strings.Cut(rest, "\n</think>\n\n")
				if !ok || !closed || thought != "" {
					t.Fatalf("%s: %q", model, said)
				}
				said, thought = after, before
			}
			if said != want.Choices[0].Message.Content || len(thought) < 20 || strings.Contains(thought, "boxed") || strings.Contains(thought, "True") {
				t.Errorf("%s, %s: thought %q, said %q, want %q", model, way, thought, said, want.Choices[0].Message.Content)
			}
			if got.Usage.CompletionTokens <= want.Usage.CompletionTokens || got.Usage.TotalTokens != got.Usage.PromptTokens+got.Usage.CompletionTokens {
				t.Errorf("%s, %s: usage %+v, without thoughts %+v", model, way, got.Usage, want.Usage)
			}
			for limit := 1; limit <= got.Usage.CompletionTokens; limit += 3 {
				cut := chat(t, h, model, prompt, 1, fmt.Sprintf(`, "max_tokens": %d`, limit))
				if c := cut.Choices[0]; cut.Usage.CompletionTokens > limit || limit < got.Usage.CompletionTokens-1 && c.FinishReason != "length" ||
					!strings.HasPrefix(got.Choices[0].Message.Content, c.Message.Content) || !strings.HasPrefix(got.Choices[0].Message.ReasoningContent, c.Message.ReasoningContent) {
					t.Fatalf("%s, %s: cut to %d tokens: %+v, %+v", model, way, limit, c, cut.Usage)
				}
			}
			if more := chat(t, h, model, prompt, 1, `, "stop": "Let me"`).Choices[0]; way == ReasoningField && more.Message.ReasoningContent != thought {
				t.Errorf("%s: a stop text cuts the thoughts: %+v", model, more)
			}
		}
	}
	if text := mustJSON(t, chat(t, plain, SolverModel, p.question, 1, "")); strings.Contains(text, "reasoning") {
		t.Errorf("thoughts that nobody asked for: %s", text)
	}
}
