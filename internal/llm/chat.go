package llm

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	openai "github.com/sashabaranov/go-openai"
)

const (
	// A server that was never heard of gets this many retries of a refused
	// connection: enough for one that is just starting, without keeping the
	// user of a misspelt URL waiting.
	unheardRetries = 3

	maxWait       = time.Minute      // between two tries, where the server does not say
	maxRetryAfter = 10 * time.Minute // the longest wait that a server may ask for

	hintURL = "url should be the base URL of an OpenAI-compatible API, which as a rule ends in /v1"
)

// failure is a try that failed.
type failure struct {
	words   string
	hint    string
	status  int           // 0 = no answer
	after   time.Duration // the server's Retry-After; 0 = none
	final   bool          // trying again would not help
	refused string        // kind of refusal; "" if it is the endpoint's failure and not the request's
	unheard bool          // nothing listens at the URL
}

// ask sends r, again and again where that may help, and returns the reply, or
// the error that Chat returns.
func (c *Client) ask(ctx context.Context, r Request) (Reply, error) {
	wait := backoff.ExponentialBackOff{
		InitialInterval:     c.firstWait,
		RandomizationFactor: 0.5,
		Multiplier:          2,
		MaxInterval:         maxWait,
	}
	for try := 1; ; try++ {
		reply, fail, err := c.try(ctx, r)
		if err != nil {
			return Reply{}, err
		}
		if fail == nil {
			return reply, nil
		}
		if fail.refused != "" {
			return Reply{}, &RefusedError{URL: c.endpoint.URL, Status: fail.status, Kind: fail.refused, Words: c.words(fail.words)}
		}
		retries := c.endpoint.MaxRetries
		if fail.unheard && !c.answered.Load() {
			retries = min(retries, unheardRetries)
		}
		if fail.after > maxRetryAfter {
			fail.final = true
			fail.hint = fmt.Sprintf("the server asks to wait %s; run the same command again then, it resumes", fail.after.Round(time.Second))
		}
		if fail.final || try > retries {
			return Reply{}, &EndpointError{URL: c.endpoint.URL, Status: fail.status, Tries: try, Words: c.words(fail.words), Hint: fail.hint}
		}
		// Never sooner than the server asked for, and not all callers at once.
		pause := fail.after + wait.NextBackOff()
		c.warn(fail, try, pause)
		if err := sleep(ctx, pause); err != nil {
			return Reply{}, err
		}
	}
}

func (c *Client) warn(fail *failure, try int, pause time.Duration) {
	c.warnings.Do(func() {
		c.log.Warn("llm: a request failed and is tried again; not every one is logged",
			"endpoint", c.endpoint.URL, "model", c.endpoint.Model, "status", fail.status,
			"server_says", c.words(fail.words), "try", try, "wait", pause.Round(time.Millisecond))
	})
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try sends r once, when one of the endpoint's slots is free. The error is that
// of ctx.
func (c *Client) try(ctx context.Context, r Request) (Reply, *failure, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return Reply{}, nil, ctx.Err()
	}
	defer func() { <-c.slots }()

	limited, cancel := context.WithTimeout(ctx, c.endpoint.Timeout)
	defer cancel()
	x := &exchange{fields: c.fields(r)}
	start := time.Now()
	// go-openai sees as little as it can do with: it refuses parameters, and
	// whole requests, by the model's name.
	resp, err := c.api.CreateChatCompletion(withExchange(limited, x), openai.ChatCompletionRequest{})
	latency := time.Since(start)
	if x.status == 0 {
		if ctx.Err() != nil {
			return Reply{}, nil, ctx.Err()
		}
		return Reply{}, c.networkFailure(err), nil
	}
	c.answered.Store(true)
	if fail := c.answerFailure(x, resp, err); fail != nil {
		return Reply{}, fail, nil
	}
	reply := readReply(resp, x.body)
	reply.Latency = latency
	reply.Paid = true
	reply.Content = c.withoutKey(reply.Content)
	reply.Reasoning = c.withoutKey(reply.Reasoning)
	reply.FinishReason = c.withoutKey(reply.FinishReason)
	reply.Model = c.withoutKey(reply.Model)
	return reply, nil, nil
}

// fields is the body of a request.
func (c *Client) fields(r Request) map[string]any {
	fields := map[string]any{"model": c.endpoint.Model, "messages": r.Messages}
	if r.Temperature != nil {
		fields["temperature"] = *r.Temperature
	}
	if r.TopP != nil {
		fields["top_p"] = *r.TopP
	}
	if r.MaxTokens != 0 {
		fields["max_tokens"] = r.MaxTokens
	}
	if len(r.Stop) > 0 {
		fields["stop"] = r.Stop
	}
	if r.Seed != nil {
		fields["seed"] = *r.Seed
	}
	maps.Copy(fields, c.endpoint.Extra)
	return fields
}

// networkFailure judges a try without an answer.
func (c *Client) networkFailure(err error) *failure {
	var (
		dns    *net.DNSError
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		where  *url.Error
	)
	fail := &failure{words: err.Error(), hint: "the endpoint keeps failing; look at the server, then run the same command again, it resumes"}
	if errors.As(err, &where) {
		fail.words = where.Err.Error() // the URL is named anyway
	}
	switch {
	case errors.Is(err, errTooLarge):
		fail.final = true
		fail.hint = "set max_tokens; no chat completion is this long"
	case errors.As(err, &cert):
		fail.final = true
		fail.hint = "the server's certificate is not trusted here; check url, or add its authority to the system's certificates"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		fail.final = true
		fail.hint = "the server does not speak TLS; write http:// instead of https:// in url"
	case errors.Is(err, syscall.ECONNREFUSED):
		fail.unheard = true
		fail.hint = "nothing listens there; start the server or correct url"
	case errors.As(err, &dns):
		fail.unheard = true
		fail.hint = "the host's name is not known; correct url"
	case errors.Is(err, context.DeadlineExceeded):
		fail.words = fmt.Sprintf("no complete answer within %s", c.endpoint.Timeout)
		fail.hint = "raise timeout, lower concurrency or max_tokens"
	}
	return fail
}

// answerFailure judges an answer; nil means that resp is a reply.
func (c *Client) answerFailure(x *exchange, resp openai.ChatCompletionResponse, err error) *failure {
	if x.status < 200 || x.status > 299 {
		return c.statusFailure(x.status, x.header, x.body)
	}
	fail := &failure{status: x.status}
	var syntax *json.SyntaxError
	errors.As(json.Unmarshal(x.body, new(json.RawMessage)), &syntax)
	switch {
	case isHTML(x.body):
		fail.final = true
		fail.words = readError(x.body).message
		fail.hint = "that is a web page and not an API; " + hintURL
	case bytes.HasPrefix(x.body, []byte("data:")):
		fail.final = true
		fail.words = "a stream of events"
		fail.hint = "the server streams although it was not asked to; " + hintURL
	case syntax != nil && syntax.Offset >= int64(len(x.body)):
		fail.words = "the answer breaks off in the middle"
		fail.hint = "the endpoint, or a proxy before it, keeps cutting answers off"
	case syntax != nil:
		fail.final = true
		fail.words = "not JSON: " + string(x.body[:min(len(x.body), 8*maxWords)])
		fail.hint = hintURL
	case len(resp.Choices) == 0 && readError(x.body).status != 0:
		// OpenRouter answers 200 and puts the real status into the body.
		return c.statusFailure(readError(x.body).status, x.header, x.body)
	case err != nil:
		fail.final = true
		fail.words = err.Error()
		fail.hint = "the answer is JSON but not a chat completion; " + hintURL
	case len(resp.Choices) == 0:
		fail.words = "an answer without choices: " + plain(x.body)
		fail.hint = "the endpoint keeps answering without choices; look at the server"
	default:
		return nil
	}
	return fail
}

func (c *Client) statusFailure(status int, header http.Header, body []byte) *failure {
	said := readError(body)
	fail := &failure{status: status, words: said.message, final: true}
	if said.message == "" {
		fail.words = http.StatusText(status)
	}
	switch {
	case status >= 300 && status < 400:
		fail.words = "redirects to " + header.Get("Location")
		fail.hint = "write the address it redirects to into url"
	case bytes.Contains(body, []byte("HTTP request to an HTTPS server")): // in the words of Go's server
		fail.hint = "write https:// instead of http:// in url"
	case status == http.StatusRequestEntityTooLarge, (status == 400 || status == 422) && !isHTML(body):
		fail.refused = said.kind()
	case status == http.StatusForbidden && said.kind() == RefusedContentFilter:
		fail.refused = RefusedContentFilter
	case status == http.StatusUnauthorized && c.endpoint.KeyEnv == "":
		fail.hint = "the server wants an API key; name the environment variable that holds it in key_env"
	case status == http.StatusUnauthorized:
		fail.hint = fmt.Sprintf("the API key in $%s is not accepted there", c.endpoint.KeyEnv)
	case status == http.StatusPaymentRequired, said.code == "insufficient_quota":
		fail.hint = "the account has no credit left; what was paid for is in the journal, so run the same command again after topping up"
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests, status >= 500:
		fail.final = false
		fail.after = retryAfter(header.Get("Retry-After"), time.Now())
		fail.hint = "the endpoint keeps failing; look at the server, or lower concurrency, then run the same command again, it resumes"
	case status == http.StatusForbidden:
		fail.hint = fmt.Sprintf("the API key may not use model %q", c.endpoint.Model)
	case status == http.StatusNotFound && !isHTML(body) && strings.Contains(strings.ToLower(said.message), "model"):
		fail.hint = fmt.Sprintf("the server has no model %q; GET %s/models lists those it has", c.endpoint.Model, c.endpoint.URL)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, isHTML(body):
		fail.hint = hintURL
	default:
		fail.hint = "the server does not take such requests"
	}
	return fail
}

// retryAfter reads the header's two forms, seconds (fractions too, which some
// servers send) and a date. 0 means that there is none to obey.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		const day = 24 * 60 * 60
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, day) * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// readReply takes the reply out of an answer that has choices.
func readReply(resp openai.ChatCompletionResponse, body []byte) Reply {
	choice := resp.Choices[0]
	content := choice.Message.Content
	for _, part := range choice.Message.MultiContent {
		content += part.Text
	}
	if content == "" {
		content = choice.Message.Refusal // what the model said, after all
	}
	reasoning := choice.Message.ReasoningContent
	if reasoning == "" {
		reasoning = readReasoning(body)
	}
	thought, content := splitThought(content)
	if reasoning != "" && thought != "" {
		reasoning += "\n"
	}
	return Reply{
		Content:          content,
		Reasoning:        reasoning + thought,
		FinishReason:     string(choice.FinishReason),
		Model:            resp.Model,
		PromptTokens:     int64(resp.Usage.PromptTokens),
		CompletionTokens: int64(resp.Usage.CompletionTokens),
	}
}

// readReasoning reads `reasoning`, which newer vLLM and OpenRouter send in place
// of `reasoning_content`, and which go-openai does not know.
func readReasoning(body []byte) string {
	var answer struct {
		Choices []struct {
			Message struct {
				Reasoning json.RawMessage `json:"reasoning"`
			} `json:"message"`
		} `json:"choices"`
	}
	var text string
	if json.Unmarshal(body, &answer) != nil || len(answer.Choices) == 0 ||
		json.Unmarshal(answer.Choices[0].Message.Reasoning, &text) != nil {
		return "" // absent, null, or not a text
	}
	return text
}

// splitThought splits <think>…</think> off the head of a content. A thought
// that does not end (the reply was cut off) is all there is.
func splitThought(content string) (thought, rest string) {
	const opened, closed = "<think>", "</think>"
	inner, ok := strings.CutPrefix(strings.TrimLeft(content, " \t\r\n"), opened)
	if !ok {
		return "", content
	}
	thought, rest, _ = strings.Cut(inner, closed)
	return thought, rest
}
