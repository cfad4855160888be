package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Key names a record. It is a SHA-256 of what was asked; the journal does not
// look into it.
type Key [32]byte

// String returns the key as the file has it, 64 lower-case hex digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Reply is what is kept of a model's reply. There is no field for an API key,
// and none may be put into one of these.
type Reply struct {
	Content          string          `json:"content"`
	Reasoning        string          `json:"reasoning,omitempty"`
	FinishReason     string          `json:"finish_reason"`
	Model            string          `json:"model"`              // as the server calls itself
	Identity         string          `json:"identity,omitempty"` // what requests' keys know the model by
	PromptTokens     int64           `json:"prompt_tokens"`
	CompletionTokens int64           `json:"completion_tokens"`
	CostUSD          *float64        `json:"cost_usd,omitempty"` // nil = the endpoint had no price
	LatencyMS        float64         `json:"latency_ms"`
	Host             string          `json:"host"`            // of the endpoint's URL
	Batch            string          `json:"batch,omitempty"` // id of the batch it came in
	Simulated        bool            `json:"simulated,omitempty"`
	Logprobs         json.RawMessage `json:"logprobs,omitempty"`
	Time             time.Time       `json:"time"` // when it arrived; kept in UTC
}

// encode returns r as JSON on one line.
func (r Reply) encode() ([]byte, error) {
	r.Time = r.Time.UTC()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // people read it, and maths is full of < and &
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("a reply that JSON cannot hold: %w", err)
	}
	value := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	switch {
	case len(value) > MaxValue:
		return nil, fmt.Errorf("a reply of %d bytes is longer than %d", len(value), MaxValue)
	case !utf8.Valid(value): // strings are made valid by the encoder, raw JSON is not
		return nil, errors.New("logprobs are not valid UTF-8")
	}
	return value, nil
}

func decodeReply(key Key, value []byte) (Reply, error) {
	var r Reply
	if err := json.Unmarshal(value, &r); err != nil {
		return Reply{}, fmt.Errorf("record %s is not a reply: %w", key, err)
	}
	return r, nil
}
