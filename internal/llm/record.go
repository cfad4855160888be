package llm

import (
	"context"
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
	Request     map[string]any `json:"request,omitempty"` // the request's own Extra
}

func (p *Pool) requestKey(r Request) (journal.Key, error) {
	model := p.Model()
	q := canonical{
		Version:     1,
		Identity:    model.Identity,
		Simulated:   model.Simulated,
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
	if len(model.Extra) > 0 {
		q.Extra = model.Extra
	}
	if len(r.Extra) > 0 {
		q.Request = r.Extra
	}
	data, err := json.Marshal(q)
	if err != nil {
		return journal.Key{}, fmt.Errorf("llm: a request that JSON cannot hold: %w", err)
	}
	return sha256.Sum256(data), nil
}

// look returns the reply to a request that the journal knows.
func (p *Pool) look(key journal.Key) (Reply, bool, error) {
	if p.journal == nil {
		return Reply{}, false, nil
	}
	r, known, err := p.journal.Get(key)
	if err != nil || !known {
		return Reply{}, false, err
	}
	reply := Reply{
		Content: r.Content, Reasoning: r.Reasoning, FinishReason: r.FinishReason, Model: r.Model,
		PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens, Logprobs: r.Logprobs,
		CostUSD: r.CostUSD, Host: r.Host, Batch: r.Batch,
		Latency: time.Duration(r.LatencyMS * float64(time.Millisecond)),
	}
	if reply.CostUSD == nil { // its endpoint had no price then
		reply.CostUSD = p.servers[0].cost(r.PromptTokens, r.CompletionTokens)
	}
	return reply, true, nil
}

// keep makes a reply durable.
func (p *Pool) keep(ctx context.Context, key journal.Key, r Reply) error {
	if p.journal == nil {
		return nil
	}
	model := p.Model()
	return p.journal.Put(ctx, key, journal.Reply{
		Content: r.Content, Reasoning: r.Reasoning, FinishReason: r.FinishReason, Model: r.Model, Identity: model.Identity,
		PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens, Logprobs: r.Logprobs,
		CostUSD: r.CostUSD, Host: r.Host, Batch: r.Batch, Simulated: model.Simulated,
		LatencyMS: float64(r.Latency) / float64(time.Millisecond), Time: time.Now().UTC(),
	})
}
