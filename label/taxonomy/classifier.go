package taxonomy

import (
	"context"
	"errors"

	"tinyv/internal/llm"
	"tinyv/verify"
	"tinyv/verify/model"
)

// Classifier asks a model for the category of a false negative.
type Classifier struct {
	Pool        *llm.Pool `json:"-"`
	Prompt      string    // with {{QUESTION}}, {{GROUND_TRUTH_ANSWER}} and {{MODEL_ANSWER}}
	Temperature *float64
	TopP        *float64
	MaxTokens   int
}

// Classify returns the code of the category, and what the reply cost: in calls, if
// it was paid for now, and in tokens and US dollars (nil = unknown) whenever it was.
// A request without a reply, and a reply that names no category, give the empty code.
func (c Classifier) Classify(ctx context.Context, question, groundTruth, answer string) (string, verify.Cost, *float64, error) {
	reply, err := c.Pool.Chat(ctx, llm.Request{
		Messages:    []llm.Message{{Role: "user", Content: model.Fill(c.Prompt, question, groundTruth, answer)}},
		Temperature: c.Temperature, TopP: c.TopP, MaxTokens: c.MaxTokens,
	})
	if unanswered := (*llm.UnansweredError)(nil); errors.As(err, &unanswered) {
		return "", verify.Cost{}, nil, nil
	}
	if err != nil {
		return "", verify.Cost{}, nil, err
	}
	cost := verify.Cost{PromptTokens: reply.PromptTokens, CompletionTokens: reply.CompletionTokens}
	if reply.Paid {
		cost.Calls = 1
	}
	category, err := ParseReply(reply.Content)
	if err != nil {
		return "", cost, reply.CostUSD, nil
	}
	return string(category), cost, reply.CostUSD, nil
}
