package model

import (
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"testing"

	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/internal/sim"
	"tinyv/verify"
)

// token is a token of the given probability, with its alternatives.
func token(text string, p float64, others ...likely) tokenLogprob {
	l := likely{Token: text, Logprob: math.Log(p)}
	return tokenLogprob{l, append([]likely{l}, others...)}
}

func other(text string, p float64) likely { return likely{Token: text, Logprob: math.Log(p)} }

func TestConfidence(t *testing.T) {
	none := math.NaN()
	split := token("é", 1)
	split.likely = likely{Token: "\\xc3", Bytes: []int{0xc3}}
	tail := tokenLogprob{likely: likely{Token: "\\xa9", Bytes: []int{0xa9}}}
	tests := []struct {
		name, parser, content string
		tokens                []tokenLogprob
		want                  float64 // NaN = not known
	}{
		{"one token", "true_false", "True", []tokenLogprob{token("True", 0.9, other("False", 0.1))}, 0.9},
		{"other spellings count", "true_false", "True", []tokenLogprob{token("True", 0.6, other("False", 0.1), other(" true", 0.1), other("FALSE", 0.1), other("Maybe", 0.1))}, 0.7 / 0.9},
		{"the rest is left out", "true_false", "False", []tokenLogprob{token("False", 0.3, other("True", 0.1), other("The", 0.6))}, 0.75},
		{"word in pieces", "correct_incorrect", "Incorrect", []tokenLogprob{token("In", 0.8, other("Cor", 0.2)), token("correct", 0.99, other("valid", 0.01))}, 0.8},
		{"blank before it", "true_false", "So.\n\nAnswer: True.", []tokenLogprob{token("So.\n\nAnswer", 1), token(":", 1), token(" True", 0.8, other(" False", 0.2)), token(".", 1)}, 0.8},
		{"in JSON", "json", `{"is_correct": false}`, []tokenLogprob{token(`{"is_correct"`, 1), token(":", 1), token(" false", 0.9, other(" true", 0.1)), token("}", 1)}, 0.9},
		{"in JSON, with what follows", "json", `{"is_correct":true}`, []tokenLogprob{token(`{"is_correct`, 1), token(`":true}`, 0.75, other(`":false}`, 0.25))}, 0.75},
		{"in JSON, as a string", "json", `{"is_correct": "true"}`, []tokenLogprob{token(`{"is_correct": `, 1), token(`"`, 1), token("true", 0.5, other("false", 0.5)), token(`"}`, 1)}, 0.5},
		{"the object that counts", "json", `{"is_correct": true} {"is_correct": false}`, []tokenLogprob{
			token(`{"is_correct":`, 1), token(" true", 0.99, other(" false", 0.01)), token(`} {"is_correct":`, 1), token(" false", 0.6, other(" true", 0.2)), token("}", 1)}, 0.75},
		{"letter", "letters", "(B)", []tokenLogprob{token("(", 1), token("B", 0.9, other("A", 0.05), other("C", 0.05)), token(")", 1)}, 0.9 / 0.95},
		{"article", "letters", "B", []tokenLogprob{token("B", 0.9, other("a", 0.05), other("An", 0.05))}, none},
		{"box", "boxed", `\boxed{1}`, []tokenLogprob{token(`\boxed{`, 1), token("1", 0.8, other("0", 0.2)), token("}", 1)}, 0.8},
		{"answer", "answer", "Answer: yes", []tokenLogprob{token("Answer:", 1), token(" yes", 0.8, other(" no", 0.2))}, 0.8},
		{"after a thought that was split off", "true_false", "\n\nTrue", []tokenLogprob{token("<think>False?", 1), token("</think>", 1), token("\n\n", 1), token("True", 0.9, other("False", 0.1))}, 0.9},
		{"token of the end", "true_false", "True", []tokenLogprob{token("True", 0.9, other("False", 0.1)), token("<|im_end|>", 1)}, 0.9},
		{"characters in pieces", "true_false", "é\nTrue", []tokenLogprob{split, tail, token("\n", 1), token("True", 0.9, other("False", 0.1))}, 0.9},
		{"chosen but not among the top", "true_false", "True", []tokenLogprob{{other("True", 0.1), []likely{other("False", 0.4), other("The", 0.5)}}}, 0.2},
		{"certain", "true_false", "True", []tokenLogprob{token("True", 1)}, none},
		{"impossible alternative", "true_false", "True", []tokenLogprob{token("True", 1, likely{Token: "False", Logprob: math.Inf(-1)})}, none},
		{"other tokens only", "true_false", "True", []tokenLogprob{token("True", 0.9, other("Yes", 0.1))}, none},
		{"other text", "true_false", "True", []tokenLogprob{token("true", 0.9, other("false", 0.1))}, none},
		{"too little text", "true_false", "It is\nTrue", []tokenLogprob{token("True", 0.9, other("False", 0.1))}, none},
		{"no tokens", "true_false", "True", nil, none},
		{"undecided", "true_false", "Maybe", []tokenLogprob{token("Maybe", 0.5, other("True", 0.3), other("False", 0.2))}, none},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.tokens { // JSON has no infinity; servers write a very low number
				for j := range tt.tokens[i].TopLogprobs {
					tt.tokens[i].TopLogprobs[j].Logprob = max(tt.tokens[i].TopLogprobs[j].Logprob, -9999)
				}
			}
			data, err := json.Marshal(map[string]any{"content": tt.tokens})
			if err != nil {
				t.Fatal(err)
			}
			got := read(tt.parser, nil, tt.content).confidence(tt.content, data)
			if got == nil != math.IsNaN(tt.want) || got != nil && math.Abs(*got-tt.want) > 1e-9 {
				t.Errorf("got %v, want %v", show(got), tt.want)
			}
		})
	}
}

func show(f *float64) any {
	if f == nil {
		return nil
	}
	return *f
}

func TestConfidenceOfOtherShapes(t *testing.T) {
	for _, logprobs := range []string{"", "null", "{}", "[]", `{"content": null}`, `{"content": "True"}`, `{"tokens": ["True"], "token_logprobs": [-0.1]}`} {
		if got := read("true_false", nil, "True").confidence("True", json.RawMessage(logprobs)); got != nil {
			t.Errorf("%s: %v", logprobs, *got)
		}
	}
}

// The simulated annotators give confidences that can be read, from every form
// that they write, and never for a reply without a verdict.
func TestConfidenceOfTheSimulatedServer(t *testing.T) {
	world := sim.DefaultWorld()
	running, err := sim.Start(t.Context(), world, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { running.Close() })
	j, err := journal.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	for name, parser := range map[string]string{"judge-json.txt": "json", "judge-true-false.txt": "true_false"} {
		pool, err := llm.New(t.Context(), llm.Options{
			Endpoints: []llm.Endpoint{{URL: running.URL(), Model: "sim-annotator-a", Simulated: true}}, Journal: j, Patience: -1, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		v := New(Profile{Name: "judge", Prompt: readPrompt(t, name), Parser: parser, Confidence: true}, pool)
		decided := 0
		for i := range 60 {
			c := verify.Case{Question: "What is 1+1?" + strings.Repeat(" ", i), GroundTruth: "2", Answer: "2.0"}
			got, err := v.Verify(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Confidence == nil) != (got.Outcome == verify.Undecided) {
				t.Errorf("%s: %s with confidence %v: %s", parser, got.Outcome, show(got.Confidence), got.Model.Reply)
			}
			if got.Confidence != nil && (*got.Confidence < 0.5 || *got.Confidence > 1) {
				t.Errorf("%s: confidence %v", parser, *got.Confidence)
			}
			if got.Outcome != verify.Undecided {
				decided++
			}
			again, err := v.Verify(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if show(again.Confidence) != show(got.Confidence) || again.Cost != (verify.Cost{}) {
				t.Errorf("%s: from the journal the confidence is %v, cost %+v; it was %v", parser, show(again.Confidence), again.Cost, show(got.Confidence))
			}
		}
		if decided < 50 {
			t.Errorf("%s: only %d of 60 decided", parser, decided)
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}
