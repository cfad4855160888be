package model

import (
	"crypto/sha256"
	"encoding/hex"

	"tinyv/internal/llm"
)

// request is the sample of that number. It sends no seed: samples differ by
// chance, and by their number in the journal.
func (v *Verifier) request(prompt string, sample int) llm.Request {
	var messages []llm.Message
	if v.profile.System != "" {
		messages = append(messages, llm.Message{Role: "system", Content: v.profile.System})
	}
	return llm.Request{
		Messages:    append(messages, llm.Message{Role: "user", Content: prompt}),
		Temperature: v.profile.Temperature,
		TopP:        v.profile.TopP,
		MaxTokens:   v.profile.MaxTokens,
		Stop:        v.profile.Stop,
		Extra:       v.profile.extra(),
		Sample:      sample,
	}
}

// extra is the fields of a request that only some endpoints know. It is nil
// where none is wanted, so that the journal's keys are those of plain requests.
func (p Profile) extra() map[string]any {
	if !p.Structured && !p.Confidence {
		return nil
	}
	extra := map[string]any{}
	if p.Structured {
		extra["response_format"] = verdictSchema()
	}
	if p.Confidence {
		extra["logprobs"] = true
		extra["top_logprobs"] = topLogprobs
	}
	return extra
}

// verdictSchema is the form of a reply that the json parser reads. The reasoning
// comes first, because a model that has said true already only defends it.
func verdictSchema() map[string]any {
	return map[string]any{
		"type": "json_schema",
		"json_schema": map[string]any{
			"name":   "verdict",
			"strict": true,
			"schema": map[string]any{
				"type": "object",
				"properties": map[string]any{
					"reasoning":  map[string]any{"type": "string"},
					"is_correct": map[string]any{"type": "boolean"},
				},
				"required":             []string{"reasoning", "is_correct"},
				"additionalProperties": false,
			},
		},
	}
}

func (v *Verifier) promptHash(prompt string) string {
	if v.profile.System != "" {
		prompt = v.profile.System + "\n" + prompt
	}
	sum := sha256.Sum256([]byte(prompt))
	return hex.EncodeToString(sum[:])
}
