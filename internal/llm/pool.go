package llm

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	openai "github.com/sashabaranov/go-openai"
	"golang.org/x/time/rate"

	"tinyv/internal/journal"
	"tinyv/internal/llm/batch"
)

// What Options have where fields are zero.
const (
	DefaultMaxUnanswered = 20
	DefaultPatience      = 10 * time.Minute
)

// Options say what a pool asks and what it keeps replies in.
type Options struct {
	Endpoints     []Endpoint       // at least one; all of one identity, with the same Extra and Mode
	Journal       *journal.Journal // nil keeps nothing; that is for tests
	BatchDir      string           // where ModeBatch keeps its state
	BatchGather   time.Duration    // a batch is sent when nothing was added to it for this long; 0 = batch.DefaultGather
	BatchPoll     time.Duration    // between two looks at a batch; 0 = batch.DefaultPoll
	Budget        *Budget          // nil = no limit
	MaxUnanswered int              // requests in a row that may go without a reply before the pool stops; 0 = DefaultMaxUnanswered
	Patience      time.Duration    // how long all endpoints may fail once they have worked, before the pool stops; 0 = DefaultPatience; negative = none
	Log           *slog.Logger
}

// Pool asks one model through any number of endpoints. It is safe for use by
// several goroutines at once.
type Pool struct {
	servers  []*server
	journal  *journal.Journal
	budget   *Budget
	log      *slog.Logger
	warnings *rate.Sometimes
	stats    counters

	maxUnanswered int64
	patience      time.Duration
	firstWait     time.Duration // of the back-off; tests shorten it

	successes  atomic.Int64
	succeeded  atomic.Int64 // time of the last success, Unix nanoseconds; 0 = none
	unanswered atomic.Int64 // requests in a row

	mu       sync.Mutex
	queue    *list.List // of *waiter, in the order of callers
	timer    *time.Timer
	closed   bool
	stopped  error         // what ended the pool
	stopping chan struct{} // closed then

	flightsMu sync.Mutex
	flights   map[journal.Key]*flight
}

// flight is one request on its way; identical requests wait for it.
type flight struct {
	done  chan struct{} // closed when reply and err are set
	reply Reply
	err   error
}

// New returns a pool. It reads API keys from the environment now, so that a
// missing one is found before any work is done. ctx bounds the opening only.
func New(ctx context.Context, o Options) (*Pool, error) {
	if o.Log == nil {
		return nil, errors.New("llm: no logger given to report retries to")
	}
	if len(o.Endpoints) == 0 {
		return nil, errors.New("llm: no endpoint given")
	}
	p := &Pool{
		journal: o.Journal, budget: o.Budget, log: o.Log,
		warnings:      &rate.Sometimes{First: 5, Interval: 5 * time.Second},
		maxUnanswered: int64(o.MaxUnanswered), patience: o.Patience,
		firstWait: 500 * time.Millisecond,
		queue:     list.New(), stopping: make(chan struct{}),
		flights: make(map[journal.Key]*flight),
	}
	if p.maxUnanswered <= 0 {
		p.maxUnanswered = DefaultMaxUnanswered
	}
	if p.patience == 0 {
		p.patience = DefaultPatience
	}
	for _, e := range o.Endpoints {
		s, err := newServer(e)
		if err != nil {
			return nil, err
		}
		p.servers = append(p.servers, s)
	}
	if err := p.checkAlike(); err != nil {
		return nil, err
	}
	for _, s := range p.servers {
		if s.Mode != ModeBatch {
			continue
		}
		if err := p.openBatch(ctx, s, o); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

func newServer(e Endpoint) (*server, error) {
	r, err := resolve(e)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s := &server{resolved: r, transport: newTransport(r.Concurrency)}
	if r.Mode == ModeChat { // the Batch API has limits of its own
		s.requests, s.tokens = newBucket(r.RequestsPerMinute, now), newBucket(r.TokensPerMinute, now)
	}
	config := openai.DefaultConfig(r.key)
	config.BaseURL = r.URL
	config.HTTPClient = &http.Client{
		Transport: bodyEditor{next: s.transport, headers: r.headers},
		// A POST that follows a redirect becomes a GET without a body, so the
		// redirect itself is the answer, and an error that says where to go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.api = openai.NewClientWithConfig(config)
	return s, nil
}

// checkAlike refuses a pool whose endpoints would give one request different keys
// in the journal: it would depend on the load which of them answers, and so
// whether a reply is known.
func (p *Pool) checkAlike() error {
	first := p.servers[0]
	for _, s := range p.servers[1:] {
		switch {
		case s.Identity != first.Identity:
			return fmt.Errorf("endpoints %s and %s of one role are models %q and %q; if they are one model, give both the same identity", first.URL, s.URL, first.Identity, s.Identity)
		case s.Simulated != first.Simulated:
			return fmt.Errorf("endpoints %s and %s of one role are a real and a simulated server", first.URL, s.URL)
		case s.Mode != first.Mode:
			return fmt.Errorf("endpoints %s and %s of one role have the modes %s and %s; give both the same", first.URL, s.URL, first.Mode, s.Mode)
		case len(s.Extra)+len(first.Extra) > 0 && !reflect.DeepEqual(s.Extra, first.Extra):
			return fmt.Errorf("endpoints %s and %s of one role have different extra fields, so they would answer one request differently; give both the same", first.URL, s.URL)
		}
	}
	return nil
}

func (p *Pool) openBatch(ctx context.Context, s *server, o Options) error {
	if o.BatchDir == "" {
		return fmt.Errorf("endpoint %s: mode %s needs a directory for the state of batches", s.URL, ModeBatch)
	}
	var err error
	s.batch, err = batch.Open(context.WithoutCancel(ctx), batch.Options{
		URL: s.URL, HTTP: s.client(),
		Dir: filepath.Join(o.BatchDir, s.slug()), Gather: o.BatchGather, Poll: o.BatchPoll, Log: p.log, Kept: p.knows,
	})
	if err != nil {
		return fmt.Errorf("endpoint %s: %w", s.URL, err)
	}
	return nil
}

// knows reports whether the journal has the reply to a request, by the hexadecimal
// form of its key.
func (p *Pool) knows(id string) bool {
	var key journal.Key
	if n, err := hex.Decode(key[:], []byte(id)); err != nil || n != len(key) || p.journal == nil {
		return false
	}
	_, known, err := p.journal.Get(key)
	return known && err == nil
}

// slug names the endpoint's model and host in a file name.
func (s *server) slug() string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, s.Identity)
	sum := sha256.Sum256([]byte(s.Identity + "\n" + s.URL))
	return fmt.Sprintf("%.60s-%x", name, sum[:4])
}

// client sends plain requests to the endpoint, with its key and headers.
func (s *server) client() *http.Client {
	return &http.Client{Transport: authorizer{next: s.transport, host: s.host, key: s.key, headers: s.headers}}
}

// up reports whether the endpoint answers at all: it lists its models.
func (s *server) up(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/models", nil)
	if err != nil {
		return false
	}
	resp, err := s.client().Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var models struct {
		Data []json.RawMessage `json:"data"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&models)
	return resp.StatusCode/100 == 2 && err == nil && len(models.Data) > 0
}

// Model is what a pool asks. Embedded into the settings of a stage, it says there
// all that changes the replies.
type Model struct {
	Name      string         `json:"model"`           // as the first endpoint calls it
	Identity  string         `json:"identity"`        // what the journal knows it by
	Extra     map[string]any `json:"extra,omitempty"` // body fields passed through
	Simulated bool           `json:"-"`               // not a setting: manifests and rows say it themselves
}

// Model returns what the pool asks.
func (p *Pool) Model() Model {
	s := p.servers[0]
	return Model{s.Endpoint.Model, s.Identity, s.Extra, s.Simulated}
}

// Concurrency returns how many requests the pool has in flight at most.
func (p *Pool) Concurrency() int {
	n := 0
	for _, s := range p.servers {
		n += s.Concurrency
	}
	return n
}

var errClosed = errors.New("llm: the pool is closed")

// Close closes idle connections and stops polling batches, which go on at the
// server. It does not wait for calls of Chat.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.dismiss() // nothing would wake them
	p.mu.Unlock()
	var errs []error
	for _, s := range p.servers {
		if s.batch != nil {
			errs = append(errs, s.batch.Close())
		}
		s.transport.CloseIdleConnections()
	}
	return errors.Join(errs...)
}

// Chat returns the reply to r, from the journal if it is there. It returns as
// soon as ctx ends. A reply that arrived is kept even if ctx ends meanwhile.
func (p *Pool) Chat(ctx context.Context, r Request) (Reply, error) {
	if len(r.Messages) == 0 {
		return Reply{}, errors.New("llm: the request has no messages")
	}
	if err := checkExtra(r.Extra); err != nil {
		return Reply{}, fmt.Errorf("llm: %w", err)
	}
	key, err := p.requestKey(r)
	if err != nil {
		return Reply{}, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return Reply{}, err
		}
		p.flightsMu.Lock()
		f, shared := p.flights[key]
		if !shared {
			f = &flight{done: make(chan struct{})}
			p.flights[key] = f
		}
		p.flightsMu.Unlock()

		if !shared {
			f.reply, f.err = p.answer(ctx, key, r)
			p.flightsMu.Lock()
			delete(p.flights, key)
			p.flightsMu.Unlock()
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
		if none := (*UnansweredError)(nil); f.err == nil {
			p.stats.known.Add(1)
		} else if errors.As(f.err, &none) {
			p.stats.unanswered.Add(1)
		}
		return reply, f.err
	}
}

// answer looks into the journal, asks if it must, and keeps the reply.
func (p *Pool) answer(ctx context.Context, key journal.Key, r Request) (Reply, error) {
	reply, known, err := p.look(key)
	if err != nil {
		return Reply{}, err
	}
	if known {
		p.stats.known.Add(1)
		p.kept(key)
		return reply, nil
	}
	reply, err = p.ask(ctx, key, r)
	if err != nil {
		return Reply{}, err
	}
	// It is paid for: an interrupt must not lose it.
	if err := p.keep(context.WithoutCancel(ctx), key, reply); err != nil {
		err = fmt.Errorf("keeping a reply of %s: %w", p.Model().Name, err)
		p.stop(err) // whatever is asked from now on would be paid for and lost
		return Reply{}, err
	}
	p.kept(key)
	return reply, nil
}

// kept lets the batch that brought a reply forget it, now that the journal has it.
func (p *Pool) kept(key journal.Key) {
	for _, s := range p.servers {
		if s.batch != nil {
			s.batch.Keep(key.String())
		}
	}
}
