package llm

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"tinyv/internal/journal"
)

// canonical is what a request's journal key is the SHA-256 of, as JSON: fields
// in this order, maps with sorted keys. Changing it in any way orphans every
// reply that users have paid for.
type canonical struct {
	Version     int            `json:"v"`
	Identity    string         `json:"identity"`
	Simulated   bool           `json:"simulated"`
	Messages    []Message      `json:"messages"`
	Temperature *float64       `json:"temperature"`
	TopP        *float64       `json:"top_p"`
	MaxTokens   int            `json:"max_tokens"`
	Stop        []string       `json:"stop"`
	Seed        *int64         `json:"seed"`
	Extra       map[string]any `json:"extra"`
	Sample      int            `json:"sample"`
}

func (c *Client) requestKey(r Request) (journal.Key, error) {
	q := canonical{
		Version:     1,
		Identity:    c.endpoint.Identity,
		Simulated:   c.endpoint.Simulated,
		Messages:    r.Messages,
		Temperature: r.Temperature,
		TopP:        r.TopP,
		MaxTokens:   r.MaxTokens,
		Seed:        r.Seed,
		Sample:      r.Sample,
	}
	// Empty and absent are one and the same on the wire.
	if len(r.Stop) > 0 {
		q.Stop = r.Stop
	}
	if len(c.endpoint.Extra) > 0 {
		q.Extra = c.endpoint.Extra
	}
	data, err := json.Marshal(q)
	if err != nil {
		return journal.Key{}, fmt.Errorf("llm: a request that JSON cannot hold: %w", err)
	}
	return sha256.Sum256(data), nil
}

// kept is a Reply as the journal keeps it.
func (c *Client) kept(r Reply, now time.Time) journal.Reply {
	return journal.Reply{
		Content:          r.Content,
		Reasoning:        r.Reasoning,
		FinishReason:     r.FinishReason,
		Model:            r.Model,
		Identity:         c.endpoint.Identity,
		PromptTokens:     r.PromptTokens,
		CompletionTokens: r.CompletionTokens,
		LatencyMS:        float64(r.Latency) / float64(time.Millisecond),
		Host:             c.host,
		Simulated:        c.endpoint.Simulated,
		Time:             now,
	}
}

func known(r journal.Reply) Reply {
	return Reply{
		Content:          r.Content,
		Reasoning:        r.Reasoning,
		FinishReason:     r.FinishReason,
		Model:            r.Model,
		PromptTokens:     r.PromptTokens,
		CompletionTokens: r.CompletionTokens,
		Latency:          time.Duration(r.LatencyMS * float64(time.Millisecond)),
	}
}
