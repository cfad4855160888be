// Package batch sends requests through OpenAI's Batch API: half the price, an
// answer within a day. A [Queue] gathers the requests of many callers into
// input files, sends each file as one batch, waits for it, and answers every
// caller as a chat completion would have been answered, only later.
//
// What the package promises, kill -9 at any moment included:
//
//   - No request is paid for twice. Before a batch is created, that it will be
//     is durable on disk. Whoever finds such a note, or gets no clear answer to
//     the call that creates, first looks for the batch in the server's list, by
//     the id in its metadata and by its input file. A request that is in a batch
//     under way is never put into another one.
//   - No paid reply is lost. Results are on disk before anybody is answered, and
//     stay there until the caller says with [Queue.Keep] that it has made the
//     reply durable. Results that nobody has asked for yet are found by a later
//     [Queue.Do], of this process or of a later one, without a request.
//   - Only what is asked for is paid for. Requests that were gathered or
//     uploaded, but whose batch was never created, are forgotten at a restart
//     and sent when they are asked for again: an upload costs nothing.
//
// Each batch has a directory of its own in [Options.Dir], with its input file,
// a small state.json that is replaced after each step, the two files of results
// and a log of the ids that were kept. It is removed when every reply in it is
// kept; answers that are errors cost nothing and are not waited for. Nothing is
// ever deleted at the server. A directory belongs to one process at a time.
//
// API keys are none of the package's business: [Options.HTTP] adds them, and
// they reach no file. A server's words appear in errors, never in the log, for
// the package could not tell a key in them.
package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"tinyv/internal/durable"
	"tinyv/internal/lock"
)

// What Options have where their fields are zero: the limits are OpenAI's.
const (
	DefaultGather      = 10 * time.Second
	DefaultPoll        = 30 * time.Second
	DefaultMaxRequests = 50_000
	DefaultMaxBytes    = 200e6
)

// Options say where batches are sent and how large they become.
type Options struct {
	URL  string       // base URL of the API, ending in /v1
	HTTP *http.Client // adds the API key and other headers; must have no time-out for whole files
	Dir  string       // where the state of batches lives; one for each server, account and model

	Gather time.Duration // a batch is sent when nothing was added to it for this long, or when it is full
	Poll   time.Duration // between two looks at a batch; grows to four times as much

	MaxRequests int   // in one batch
	MaxBytes    int64 // of one input file
	// MaxTokens bounds the prompt tokens of all batches under way, which some
	// accounts have a limit for; 0 = no bound. Tokens are estimated from the
	// length of requests, generously.
	MaxTokens int64

	// Kept says that the caller has the reply to a request already, as a process
	// may die between making it durable and saying so. It is asked by Open alone,
	// about results on disk; nil means that it is not known.
	Kept func(id string) bool

	Log *slog.Logger
}

// Result is an answer as one HTTP request would have got it.
type Result struct {
	Status int    // 200, or what the server refused or failed the request with
	Body   []byte // the completion, or the error
	Batch  string // the server's id of the batch it came in
}

// Progress counts what goes through a queue.
type Progress struct {
	Batches int // sent and not yet fetched
	Waiting int // requests without an answer
	Done    int // requests answered in this process
}

var (
	// ErrTooLarge says that one request alone is larger than a batch may be.
	// Other requests are not touched by it.
	ErrTooLarge = errors.New("request is larger than a batch may be")

	// ErrLost says that one request has no readable result in any of the batches
	// that it was put into. Other requests are not touched by it.
	ErrLost = errors.New("request has no readable result")

	// ErrClosed is what calls get once the queue is closed. Their batches go on
	// at the server.
	ErrClosed = errors.New("batch: the queue is closed")
)

// Queue sends requests in batches. Its methods may be called by any number of
// goroutines.
type Queue struct {
	o        Options
	api      *openai.Client
	patience patience
	lock     *lock.Lock

	ctx    context.Context // ends when the queue is closed or has failed for good
	cancel context.CancelFunc
	wg     sync.WaitGroup
	heard  atomic.Bool   // the server has answered at least once
	begun  chan struct{} // a batch has begun to gather

	mu       sync.Mutex
	err      error               // why the queue ended; nil while it runs
	requests map[string]*request // by id: those without an answer, and those whose answer is not kept
	batches  map[*batch]bool     // those with a directory
	open     *batch              // the one that gathers; nil if none
	done     int
	tokens   int64         // in batches under way
	freed    chan struct{} // closed and replaced when tokens are given back
}

// request is one request of the index. Fields before ready are guarded by the
// queue's mutex; the others are set before ready is closed, and never again.
type request struct {
	batch   *batch // that it is in
	waiting int    // callers
	lost    int    // times that a batch ended without a word about it

	ready  chan struct{}
	answer result
	err    error // in place of an answer
}

func (r *request) answered() bool {
	select {
	case <-r.ready:
		return true
	default:
		return false
	}
}

// Open takes up the batches that an earlier process left in the directory, and
// is ready for requests. Ending ctx stops the queue as Close does.
func Open(ctx context.Context, o Options) (*Queue, error) {
	return open(ctx, o, defaultPatience)
}

func open(ctx context.Context, o Options, p patience) (*Queue, error) {
	o.URL = strings.TrimRight(o.URL, "/")
	if o.URL == "" || o.Dir == "" || o.HTTP == nil || o.Log == nil {
		return nil, errors.New("batch: URL, HTTP, Dir and Log must be given")
	}
	if o.Gather == 0 {
		o.Gather = DefaultGather
	}
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = DefaultMaxRequests
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Gather < 0 || o.Poll < 0 || o.MaxRequests < 0 || o.MaxBytes < 0 || o.MaxTokens < 0 {
		return nil, errors.New("batch: no option may be negative")
	}
	if err := durable.MakeDir(o.Dir); err != nil { // its name, too, must not be lost with what is paid for
		return nil, fmt.Errorf("batch: %w", err)
	}
	held, err := lock.Take(filepath.Join(o.Dir, lockName))
	if _, other := errors.AsType[*lock.HeldError](err); other {
		err = fmt.Errorf("%w; wait for it to end", err)
	}
	if err != nil {
		return nil, fmt.Errorf("batch: opening %q: %w", o.Dir, err)
	}
	config := openai.DefaultConfig("") // the client below adds the key
	config.BaseURL, config.HTTPClient = o.URL, o.HTTP
	q := &Queue{
		o:        o,
		api:      openai.NewClientWithConfig(config),
		patience: p,
		lock:     held,
		begun:    make(chan struct{}, 1),
		requests: map[string]*request{},
		batches:  map[*batch]bool{},
		freed:    make(chan struct{}),
	}
	q.ctx, q.cancel = context.WithCancel(ctx)
	if err := q.takeUp(); err != nil {
		q.cancel()
		held.Release()
		return nil, fmt.Errorf("batch: taking up the batches in %q: %w", o.Dir, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for b := range q.batches {
		if !b.delivered {
			q.wg.Go(func() { q.run(b) })
		}
	}
	q.wg.Go(q.gather)
	return q, nil
}

// Do returns the answer to the request that id stands for, and blocks until
// there is one. The body is sent, in some batch, if no batch under way and no
// result on disk has that id. The answer stays on disk until Keep; one that is
// no success is forgotten once it was returned, so that asking again sends the
// request again. An error other than ErrTooLarge and that of ctx concerns other
// requests too. When ctx ends, only the caller leaves; its request stays.
func (q *Queue) Do(ctx context.Context, id string, body json.RawMessage) (Result, error) {
	line, err := inputLine(id, body)
	if err != nil {
		return Result{}, err
	}
	if int64(len(line)) > q.o.MaxBytes {
		return Result{}, fmt.Errorf("batch: request %s has %d bytes, the limit is %d: %w", id, len(line), q.o.MaxBytes, ErrTooLarge)
	}
	r, err := q.claim(id, line)
	if err != nil {
		return Result{}, err
	}
	defer q.leave(r)
	select {
	case <-r.ready:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	case <-q.ctx.Done():
		if !r.answered() {
			return Result{}, q.ended()
		}
	}
	if r.err != nil {
		return Result{}, r.err
	}
	got, err := r.answer.read(r.batch)
	if err != nil {
		return Result{}, err
	}
	if !r.answer.success() {
		q.forget(r)
	}
	return got, nil
}

// claim finds the request of that id, or puts it into the batch that gathers,
// and counts the caller.
func (q *Queue) claim(id string, line []byte) (*request, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.requests[id]
	if q.ctx.Err() != nil && (r == nil || !r.answered()) {
		return nil, q.endedLocked()
	}
	if r == nil {
		r = &request{ready: make(chan struct{})}
		if err := q.add(r, id, line); err != nil {
			return nil, err
		}
	}
	r.waiting++
	r.batch.waiting++
	return r, nil
}

func (q *Queue) leave(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r.waiting--
	r.batch.waiting--
	q.removeIfDone(r.batch)
}

// forget takes an answer that nothing was paid for out of the index.
func (q *Queue) forget(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests[r.answer.id] == r {
		delete(q.requests, r.answer.id)
	}
}

// Keep says that the caller has made the reply durable, or wants no more of it.
// The id is forgotten: a later Do with it is a new request, and paid for.
func (q *Queue) Keep(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.requests[id]
	if r == nil || !r.answered() || r.err != nil || !r.answer.success() {
		return
	}
	if err := r.batch.noteKept(id); err != nil {
		// The answer will be found again at a restart: that costs only space.
		q.o.Log.Warn("batch: a reply that was kept could not be noted as such", "dir", r.batch.dir, "error", err)
	}
	delete(q.requests, id)
	r.batch.unkept--
	q.removeIfDone(r.batch)
}

// Has reports whether the request of that id is in a batch, or its result on disk.
func (q *Queue) Has(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.requests[id] != nil
}

// Progress counts batches and requests at this moment.
func (q *Queue) Progress() Progress {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := Progress{Done: q.done}
	for b := range q.batches {
		if !b.delivered && b != q.open {
			p.Batches++
		}
	}
	for _, r := range q.requests {
		if !r.answered() {
			p.Waiting++
		}
	}
	return p
}

// Close stops the queue and waits for its goroutines. Calls that wait return
// ErrClosed; batches go on at the server, and the next Open takes them up.
func (q *Queue) Close() error {
	q.fail(ErrClosed)
	q.wg.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	for b := range q.batches {
		b.closeFiles()
	}
	q.lock.Release()
	return nil // as yet nothing of it can fail
}

// fail ends the queue, and with it every call that waits.
func (q *Queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	q.cancel()
}

func (q *Queue) ended() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.endedLocked()
}

func (q *Queue) endedLocked() error {
	if q.err != nil {
		return q.err
	}
	return fmt.Errorf("batch: the queue was stopped: %w", context.Cause(q.ctx))
}
