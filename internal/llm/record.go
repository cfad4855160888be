package llm

import (
	"bytes"
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

// record is a Reply as the journal keeps it.
type record struct {
	Content          string    `json:"content"`
	Reasoning        string    `json:"reasoning,omitempty"`
	FinishReason     string    `json:"finish_reason"`
	Model            string    `json:"model"`
	PromptTokens     int64     `json:"prompt_tokens"`
	CompletionTokens int64     `json:"completion_tokens"`
	LatencyMS        float64   `json:"latency_ms"`
	Host             string    `json:"host"` // of the endpoint's URL
	Time             time.Time `json:"time"` // when it arrived
}

func encodeReply(r Reply, host string, now time.Time) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // people read it, and maths is full of < and &
	err := enc.Encode(record{
		Content:          r.Content,
		Reasoning:        r.Reasoning,
		FinishReason:     r.FinishReason,
		Model:            r.Model,
		PromptTokens:     r.PromptTokens,
		CompletionTokens: r.CompletionTokens,
		LatencyMS:        float64(r.Latency) / float64(time.Millisecond),
		Host:             host,
		Time:             now.UTC(),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding a reply for the journal: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decodeReply(key journal.Key, value []byte) (Reply, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return Reply{}, fmt.Errorf("the journal's record %s is not a reply: %w", key, err)
	}
	return Reply{
		Content:          r.Content,
		Reasoning:        r.Reasoning,
		FinishReason:     r.FinishReason,
		Model:            r.Model,
		PromptTokens:     r.PromptTokens,
		CompletionTokens: r.CompletionTokens,
		Latency:          time.Duration(r.LatencyMS * float64(time.Millisecond)),
	}, nil
}
