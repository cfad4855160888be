// Package llm asks language models behind OpenAI-compatible endpoints. It is
// the only package of the project that opens a connection to a model.
//
// A [Pool] speaks for one model behind any number of endpoints. [Pool.Chat]
// answers a request that the journal knows without asking again; else it asks the
// least loaded endpoint within its limits, retries what is worth retrying, and
// returns only once the reply is durable in the journal. So nothing that was paid
// for is lost, and nothing is paid for twice.
//
// Errors come in the two kinds that a caller treats differently:
// [*UnansweredError], when this one request has no reply and others can go on,
// and everything else ([*EndpointError], [*BudgetError], a failed journal, a
// cancelled context), which ends the run. API keys appear in none of them.
//
// # What is done about failures
//
// Statuses 408, 409 and 5xx, resets, time-outs, stalls and damaged answers are
// tried again, with exponential back-off. An endpoint that fails five times in a
// row is rested and probed with one request at a time; the others get its work.
// On 429 the endpoint pauses for as long as it asks, and before that when its
// x-ratelimit headers say that nothing is left.
//
// Statuses 400, 413 and 422 are the request's fault: it goes unanswered, with
// the server's words. 401, 403, 404 and the like are never tried again at the same
// endpoint; if no other answers, the request goes unanswered. An endpoint that
// has never answered anything else is not what the config takes it for: it is
// taken out, and the pool stops with the last. It also stops when too many
// requests in a row go unanswered, and when every endpoint has failed for longer
// than its patience.
package llm

import (
	"encoding/json"
	"time"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"` // "system", "user" or "assistant"
	Content string `json:"content"`
}

// Request is what a model is asked. Equal requests to endpoints of equal
// identity have one reply, which is paid for once.
type Request struct {
	Messages    []Message
	Temperature *float64 // nil = not sent, the server's default; 0 is sent
	TopP        *float64 // nil = not sent
	MaxTokens   int      // 0 = not sent
	Stop        []string
	Seed        *int64
	Extra       map[string]any // further body fields; they win over those of the same name, the endpoint's too
	Sample      int            // number of this sample of the request: part of the journal's key, not sent
}

// Reply is what a model answered.
type Reply struct {
	Content          string // without the reasoning
	Reasoning        string // the separate reasoning text, or that of <think>…</think> at the head of the content
	FinishReason     string // as the server gave it: "stop", "length", ...
	Model            string // as the server calls itself
	PromptTokens     int64
	CompletionTokens int64
	Logprobs         json.RawMessage // of the answer's tokens, as the server gave them; nil if it gave none
	CostUSD          *float64        // nil = the endpoint has no price
	Host             string          // of the endpoint's URL
	Batch            string          // id of the batch it came in; "" = it was asked for alone
	Paid             bool            // false: answered from the journal, or by another caller's identical request
	Latency          time.Duration   // of the try that succeeded; of the original request if not Paid
}
