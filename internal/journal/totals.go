package journal

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Totals are sums over all records, superseded ones too, as long as no compaction
// has dropped those: they were paid for.
type Totals struct {
	Replies          int64   `json:"replies"`
	PromptTokens     int64   `json:"prompt_tokens"`
	CompletionTokens int64   `json:"completion_tokens"`
	CostUSD          float64 `json:"cost_usd"`
	Unpriced         int64   `json:"unpriced"` // replies without cost
}

func (t *Totals) add(other Totals) {
	t.Replies += other.Replies
	t.PromptTokens += other.PromptTokens
	t.CompletionTokens += other.CompletionTokens
	t.CostUSD += other.CostUSD
	t.Unpriced += other.Unpriced
}

func totalsOf(prompt, completion int64, cost *float64) Totals {
	t := Totals{Replies: 1, PromptTokens: prompt, CompletionTokens: completion}
	if cost == nil {
		t.Unpriced = 1
	} else {
		t.CostUSD = *cost
	}
	return t
}

// tally returns the totals of one record. Opening reads every record of the
// unsealed segment, up to a quarter of a GiB, and encoding/json would take
// seconds over it; so the three numbers are found by skipping what lies between.
// Whatever is not as [Reply.encode] writes it goes to encoding/json.
func tally(value []byte) Totals {
	prompt, completion, cost, ok := skim(value)
	if ok {
		return totalsOf(prompt, completion, cost)
	}
	var r struct {
		PromptTokens     int64    `json:"prompt_tokens"`
		CompletionTokens int64    `json:"completion_tokens"`
		CostUSD          *float64 `json:"cost_usd"`
	}
	// A record that is no reply is reported where it is read; it has no tokens.
	_ = json.Unmarshal(value, &r)
	return totalsOf(r.PromptTokens, r.CompletionTokens, r.CostUSD)
}

// skim reads the numbers of totals from the members of a JSON object, of which
// logprobs alone may be nested.
func skim(b []byte) (prompt, completion int64, cost *float64, ok bool) {
	if len(b) == 0 || b[0] != '{' {
		return 0, 0, nil, false
	}
	for b = b[1:]; ; b = b[1:] {
		end := stringEnd(b)
		if end < 0 || end >= len(b) || b[end] != ':' {
			return 0, 0, nil, false
		}
		name := string(b[1 : end-1])
		b = b[end+1:]
		end = valueEnd(b)
		if end <= 0 || end >= len(b) {
			return 0, 0, nil, false
		}
		var err error
		switch name {
		case "prompt_tokens":
			prompt, err = strconv.ParseInt(string(b[:end]), 10, 64)
		case "completion_tokens":
			completion, err = strconv.ParseInt(string(b[:end]), 10, 64)
		case "cost_usd":
			var usd float64
			usd, err = strconv.ParseFloat(string(b[:end]), 64)
			cost = &usd
		}
		if err != nil {
			return 0, 0, nil, false
		}
		b = b[end:]
		if b[0] == '}' {
			return prompt, completion, cost, len(b) == 1
		}
		if b[0] != ',' {
			return 0, 0, nil, false
		}
	}
}

// stringEnd returns where the string that b begins with ends, or -1.
func stringEnd(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return -1
	}
	for i := 1; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		quote := i + n
		backslashes := 0
		for b[quote-1-backslashes] == '\\' {
			backslashes++
		}
		if i = quote + 1; backslashes%2 == 0 {
			return i
		}
	}
}

// valueEnd returns where the value that b begins with ends, or -1.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := stringEnd(b[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '{', '[':
			depth++
		case '}', ']', ',':
			if depth == 0 {
				return i
			}
			if b[i] != ',' {
				depth--
			}
		}
	}
	return -1
}
