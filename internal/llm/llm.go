// Package llm asks language models behind OpenAI-compatible endpoints. It is
// the only package of the project that opens a connection to a model.
//
// A [Client] speaks for one endpoint. [Client.Chat] answers a request that the
// journal knows without asking again; else it asks, retries what is worth
// retrying, and returns only once the reply is durable in the journal. So
// nothing that was paid for is lost, and nothing is paid for twice.
//
// Errors come in the two kinds that a caller treats differently:
// [*RefusedError], when the server will not answer this one request and others
// can go on, and everything else ([*EndpointError], a failed journal, a
// cancelled context), which ends the run. API keys appear in none of them.
package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	openai "github.com/sashabaranov/go-openai"
	"golang.org/x/time/rate"

	"tinyv/internal/journal"
)

// What an Endpoint has where its fields are zero.
const (
	DefaultConcurrency = 16
	DefaultTimeout     = 10 * time.Minute
	DefaultMaxRetries  = 8
)

// Endpoint is a model at a URL.
type Endpoint struct {
	URL         string         // base URL, as a rule ending in /v1; http or https, without key, query or user name
	Model       string         // as the server calls it
	KeyEnv      string         // name of the environment variable that holds the API key; "" = no key is sent
	Identity    string         // what the journal knows the model by; "" = Model. Servers of one model share it
	Concurrency int            // requests in flight at once; 0 = DefaultConcurrency
	Timeout     time.Duration  // for one try of one request; 0 = DefaultTimeout
	MaxRetries  int            // tries after the first; 0 = DefaultMaxRetries; negative = none
	Extra       map[string]any // body fields passed through untouched; they win over fields of the same name
	Simulated   bool           // the server is internal/sim; its replies are never taken for those of a real model
}

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
	Sample      int // number of this sample of the request: part of the journal's key, not sent
}

// Reply is what a model answered.
type Reply struct {
	Content          string // without the reasoning
	Reasoning        string // the separate reasoning text, or that of <think>…</think> at the head of the content
	FinishReason     string // as the server gave it: "stop", "length", ...
	Model            string // as the server calls itself
	PromptTokens     int64
	CompletionTokens int64
	Paid             bool          // false: answered from the journal, or by another caller's identical request
	Latency          time.Duration // of the try that succeeded; of the original request if not Paid
}

// Client asks one endpoint. It is safe for use by several goroutines at once.
type Client struct {
	endpoint  Endpoint
	key       string
	host      string
	journal   *journal.Journal
	log       *slog.Logger
	warnings  *rate.Sometimes
	api       *openai.Client
	transport *http.Transport
	slots     chan struct{} // one token for each request in flight
	firstWait time.Duration // of the back-off; tests shorten it
	answered  atomic.Bool   // the server has answered something

	mu      sync.Mutex
	flights map[journal.Key]*flight
}

// flight is one request on its way; identical requests wait for it.
type flight struct {
	done  chan struct{} // closed when reply and err are set
	reply Reply
	err   error
}

// New returns a client for e. It reads the API key from the environment now, so
// that a missing one is found before any work is done. With a nil journal
// nothing is kept; that is for tests.
func New(e Endpoint, j *journal.Journal, log *slog.Logger) (*Client, error) {
	if log == nil {
		return nil, errors.New("llm: no logger given to report retries to")
	}
	base, err := checkURL(e.URL)
	if err != nil {
		return nil, err
	}
	if e.Model == "" {
		return nil, fmt.Errorf("endpoint %s names no model", base)
	}
	if err := checkExtra(e.Extra); err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", base, err)
	}
	key, err := readKey(e.KeyEnv)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", base, err)
	}
	e.URL = base.String()
	if e.Identity == "" {
		e.Identity = e.Model
	}
	if e.Concurrency <= 0 {
		e.Concurrency = DefaultConcurrency
	}
	if e.Timeout <= 0 {
		e.Timeout = DefaultTimeout
	}
	if e.MaxRetries == 0 {
		e.MaxRetries = DefaultMaxRetries
	}
	e.MaxRetries = max(e.MaxRetries, 0)

	transport := newTransport(e.Concurrency)
	config := openai.DefaultConfig(key)
	config.BaseURL = e.URL
	config.HTTPClient = &http.Client{
		Transport: bodyEditor{transport},
		// A POST that follows a redirect becomes a GET without a body, so the
		// redirect itself is the answer, and an error that says where to go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Client{
		endpoint:  e,
		key:       key,
		host:      base.Host,
		journal:   j,
		log:       log,
		warnings:  &rate.Sometimes{First: 5, Interval: 5 * time.Second},
		api:       openai.NewClientWithConfig(config),
		transport: transport,
		slots:     make(chan struct{}, e.Concurrency),
		firstWait: 500 * time.Millisecond,
		flights:   make(map[journal.Key]*flight),
	}, nil
}

// Endpoint returns the endpoint with its defaults filled in.
func (c *Client) Endpoint() Endpoint { return c.endpoint }

// Close closes idle connections. It does not wait for calls of Chat.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Chat returns the reply to r, from the journal if it is there. It returns as
// soon as ctx ends. A reply that arrived is kept even if ctx ends meanwhile.
func (c *Client) Chat(ctx context.Context, r Request) (Reply, error) {
	if len(r.Messages) == 0 {
		return Reply{}, errors.New("llm: the request has no messages")
	}
	key, err := c.requestKey(r)
	if err != nil {
		return Reply{}, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return Reply{}, err
		}
		c.mu.Lock()
		f, shared := c.flights[key]
		if !shared {
			f = &flight{done: make(chan struct{})}
			c.flights[key] = f
		}
		c.mu.Unlock()

		if !shared {
			f.reply, f.err = c.answer(ctx, key, r)
			c.mu.Lock()
			delete(c.flights, key)
			c.mu.Unlock()
			close(f.done)
			return f.reply, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return Reply{}, ctx.Err()
		}
		if errors.Is(f.err, context.Canceled) || errors.Is(f.err, context.DeadlineExceeded) {
			continue // that caller gave up, which says nothing about this one
		}
		reply := f.reply
		reply.Paid = false
		return reply, f.err
	}
}

// answer looks into the journal, asks if it must, and keeps the reply.
func (c *Client) answer(ctx context.Context, key journal.Key, r Request) (Reply, error) {
	if c.journal != nil {
		kept, ok, err := c.journal.Get(key)
		if err != nil {
			return Reply{}, err
		}
		if ok {
			return known(kept), nil
		}
	}
	reply, err := c.ask(ctx, r)
	if err != nil {
		return Reply{}, err
	}
	if c.journal != nil {
		// It is paid for: an interrupt must not lose it.
		if err := c.journal.Put(context.WithoutCancel(ctx), key, c.kept(reply, time.Now())); err != nil {
			return Reply{}, fmt.Errorf("keeping a reply of %s: %w", c.endpoint.Model, err)
		}
	}
	return reply, nil
}

func checkURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("endpoint has no url; name the base URL of an OpenAI-compatible server, such as http://localhost:8000/v1")
	}
	u, err := url.Parse(s)
	if err != nil {
		// The error of url.Parse repeats the URL, which may hold a password.
		return nil, errors.New("endpoint url is not a URL; it should look like http://localhost:8000/v1")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("endpoint url of host %q holds a user name, a query or a fragment; keys belong into an environment variable", u.Host)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("endpoint url %q does not begin with http:// or https:// and a host", s)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	if strings.HasSuffix(u.Path, "/chat/completions") {
		return nil, fmt.Errorf("endpoint url %q is that of one method; leave out /chat/completions", s)
	}
	return u, nil
}

// checkExtra refuses fields that would make the reply another than the one the
// caller expects, and values that no JSON can hold.
func checkExtra(extra map[string]any) error {
	for _, name := range []string{"model", "messages", "stream", "n"} {
		if _, ok := extra[name]; ok {
			return fmt.Errorf("extra field %q is not allowed: tinyv sets it itself", name)
		}
	}
	if _, err := json.Marshal(extra); err != nil {
		return fmt.Errorf("extra fields: %w", err)
	}
	return nil
}

func readKey(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	key := strings.TrimSpace(os.Getenv(name))
	if key == "" {
		return "", fmt.Errorf("environment variable %q, which should hold the API key, is not set", name)
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return "", fmt.Errorf("environment variable %q does not hold an API key: it has blanks or characters outside ASCII", name)
		}
	}
	return key, nil
}
