package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"tinyv/internal/journal"
	"tinyv/internal/llm/batch"
)

const (
	// A server that was never heard of gets this many retries of a refused
	// connection: enough for one that is just starting, without keeping the
	// user of a misspelt URL waiting.
	unheardRetries = 3

	maxWait       = time.Minute      // between two tries, where the server does not say
	maxRetryAfter = 10 * time.Minute // the longest wait that a server may ask for
)

// ask sends r, again and again where that may help, and returns the reply, or
// the error that Chat returns.
func (p *Pool) ask(ctx context.Context, key journal.Key, r Request) (Reply, error) {
	most := p.estimate(r)
	settle, err := p.budget.reserve(ctx, p.stopping, most.cost, most.prompt+most.completion)
	if err == errStopping {
		err = p.stopError()
	}
	if err != nil {
		return Reply{}, err
	}
	reply, err := p.tryUntil(ctx, key, r, want{need: float64(most.prompt + most.completion)})
	if err != nil {
		settle(0, 0)
		return Reply{}, err
	}
	var cost float64
	if reply.CostUSD != nil {
		cost = *reply.CostUSD
	}
	if used := reply.PromptTokens + reply.CompletionTokens; used > 0 {
		settle(cost, used)
	} else { // the server does not say
		settle(most.cost, most.prompt+most.completion)
	}
	p.succeed(reply)
	return reply, nil
}

func (p *Pool) succeed(reply Reply) {
	p.successes.Add(1)
	p.succeeded.Store(time.Now().UnixNano())
	p.unanswered.Store(0)
	p.stats.paid(reply)
}

// estimate is the most that a request can take.
type estimate struct {
	prompt, completion int64
	cost               float64 // of the dearest endpoint
}

const (
	bytesPerToken       = 2    // fewer than text has; it is the most that is wanted
	messageTokens       = 8    // around each message
	unlimitedCompletion = 4096 // where a request sets no max_tokens
)

func (p *Pool) estimate(r Request) estimate {
	var e estimate
	for _, m := range r.Messages {
		e.prompt += int64(len(m.Content)/bytesPerToken + messageTokens)
	}
	e.completion = int64(r.MaxTokens)
	for _, name := range []string{"max_completion_tokens", "max_tokens"} {
		for _, extra := range []map[string]any{p.servers[0].Extra, r.Extra} {
			switch n := extra[name].(type) {
			case int:
				e.completion = int64(n)
			case float64:
				e.completion = int64(n)
			}
		}
	}
	if e.completion <= 0 {
		e.completion = unlimitedCompletion
	}
	for _, s := range p.servers {
		if c := s.cost(e.prompt, e.completion); c != nil {
			e.cost = max(e.cost, *c)
		}
	}
	return e
}

// tryUntil tries r at one endpoint after the other until one answers it, or until
// it is clear that none will.
func (p *Pool) tryUntil(ctx context.Context, key journal.Key, r Request, w want) (Reply, error) {
	var first, last int64 // successes of the pool at the first and the last failure
	var denied *failure
	for try, failures := 1, 0; ; try++ {
		w.only = p.holder(key)
		g, err := p.acquire(ctx, w)
		if err == errNoServer && denied != nil {
			return Reply{}, p.unansweredError(w.avoid, denied, try-1)
		}
		if err != nil {
			return Reply{}, err
		}
		s := g.server
		a, err := p.try(ctx, s, key, r)
		p.release(g, w.need, a.tokens(w.need), a)
		if err != nil {
			return Reply{}, err
		}
		fail := a.fail
		if fail == nil {
			return a.reply, nil
		}
		p.stats.failed(fail.name)
		w.avoid = s
		switch {
		case fail.verdict == refuse:
			return Reply{}, p.unansweredError(s, fail, try)
		case fail.verdict == fatal, fail.unproven && !p.provesItself(ctx, s):
			if fail.verdict != fatal && ctx.Err() != nil {
				p.trust(s)
				return Reply{}, ctx.Err()
			}
			p.kill(s, endpointError(s, fail, try))
			if err := p.stopError(); err != nil {
				return Reply{}, err
			}
			continue
		case fail.verdict == deny:
			denied = fail
			w.not = append(slices.Clone(w.not), s)
			if p.anyBut(w.not) {
				continue
			}
			return Reply{}, p.unansweredError(s, fail, try)
		case fail.unheard && try > unheardRetries && !p.heard() && !p.othersAtWork(s),
			fail.after > maxRetryAfter && !p.othersSoon(s):
			err := endpointError(s, fail, try)
			p.stop(err)
			return Reply{}, err
		}
		failures++
		now := p.successes.Load()
		if failures == 1 {
			first, last = now, now
		}
		others, lately := now > first, now > last // were answered while this one failed
		last = now
		switch {
		case failures > s.MaxRetries && others && fail.verdict != throttle:
			fail.refused = GaveUp // so it is this request
			return Reply{}, p.unansweredError(s, fail, try)
		case (failures > s.MaxRetries || p.exhausted()) && !lately && !p.patient() && !p.othersAtWork(s):
			// Restarted, a run has only what it could not get: one poisoned request
			// must not end it each time.
			if p.stats.known.Load()+p.successes.Load() > 0 && s.up(ctx) {
				fail.refused = GaveUp
				return Reply{}, p.unansweredError(s, fail, try)
			}
			err := endpointError(s, fail, try)
			p.stop(err)
			return Reply{}, err
		}
		pause := p.backOff(min(failures, s.MaxRetries))
		if fail.after > 0 {
			pause = 0 // it is the endpoint that pauses
		}
		p.warn(s, fail, try, pause)
		if err := p.sleep(ctx, pause); err != nil {
			return Reply{}, err
		}
	}
}

// patient reports whether endpoints that have worked may be waited for still.
func (p *Pool) patient() bool {
	last := p.succeeded.Load()
	return last != 0 && time.Since(time.Unix(0, last)) < p.patience
}

func endpointError(s *server, fail *failure, tries int) *EndpointError {
	if fail.after > maxRetryAfter {
		fail.hint = fmt.Sprintf("the server asks to wait %s; run the same command again then, it resumes", fail.after.Round(time.Second))
	}
	return &EndpointError{URL: s.URL, Status: fail.status, Tries: tries, Words: s.words(fail.words), Hint: fail.hint}
}

// unansweredError makes the error of one request, or ends the pool if too many
// in a row came to that. What says more about the request than about the
// endpoint does not count, once the endpoint has shown that it works.
func (p *Pool) unansweredError(s *server, fail *failure, tries int) error {
	p.stats.unanswered.Add(1)
	err := &UnansweredError{URL: s.URL, Status: fail.status, Kind: fail.refused, Words: s.words(fail.words), Tries: tries}
	if (err.Kind == RefusedContextLength || err.Kind == RefusedContentFilter) && p.successes.Load() > 0 {
		return err
	}
	if p.unanswered.Add(1) >= p.maxUnanswered {
		end := endpointError(s, fail, tries)
		end.Hint = fmt.Sprintf("%d requests in a row went without a reply (limits.max_unanswered); check model, max_tokens and extra of the endpoint, then run the same command again, it resumes", p.maxUnanswered)
		p.stop(end)
		return p.stopError()
	}
	return err
}

func (p *Pool) warn(s *server, fail *failure, try int, pause time.Duration) {
	p.warnings.Do(func() {
		p.log.Warn("llm: a request failed and is tried again; not every one is logged",
			"endpoint", s.URL, "model", s.Endpoint.Model, "status", fail.status,
			"server_says", s.words(fail.words), "try", try, "wait", max(pause, fail.after).Round(time.Millisecond))
	})
}

// sleep waits between two tries, and ends early with the context's error or what
// ended the pool.
func (p *Pool) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.stopping:
		return p.stopError()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answer is how a try ended.
type answer struct {
	reply  Reply
	fail   *failure    // nil: reply is the reply
	header http.Header // nil: the server was not heard
}

// tokens is what a try took of a limit per minute. What a failed one took is not
// known, so the estimate stands.
func (a *answer) tokens(estimate float64) float64 {
	if a == nil || a.fail != nil {
		return estimate
	}
	return float64(a.reply.PromptTokens + a.reply.CompletionTokens)
}

// try sends r to s once. The error is that of ctx, and then there is no answer.
func (p *Pool) try(ctx context.Context, s *server, key journal.Key, r Request) (*answer, error) {
	body, err := json.Marshal(s.fields(r))
	if err != nil {
		return nil, fmt.Errorf("llm: encoding the request: %w", err)
	}
	p.stats.inFlight.Add(1)
	defer p.stats.inFlight.Add(-1)
	start := time.Now()
	var a *answer
	if s.batch != nil {
		a, err = s.askBatch(ctx, key.String(), body)
	} else {
		a, err = s.askChat(ctx, body)
	}
	if err != nil || a.fail != nil {
		return a, err
	}
	a.reply.Latency = time.Since(start)
	a.reply.Paid = true
	a.reply.Host = s.host
	a.reply.CostUSD = s.cost(a.reply.PromptTokens, a.reply.CompletionTokens)
	for _, text := range []*string{&a.reply.Content, &a.reply.Reasoning, &a.reply.FinishReason, &a.reply.Model} {
		*text = s.withoutLongSecrets(*text)
	}
	if a.reply.Logprobs != nil {
		clean := json.RawMessage(strings.ToValidUTF8(s.withoutLongSecrets(string(a.reply.Logprobs)), "\uFFFD"))
		if !json.Valid(clean) { // a number was a secret
			clean = nil
		}
		a.reply.Logprobs = clean
	}
	return a, nil
}

// fields is the body of a request.
func (s *server) fields(r Request) map[string]any {
	fields := map[string]any{"model": s.Endpoint.Model, "messages": r.Messages}
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
	maps.Copy(fields, s.Extra)
	maps.Copy(fields, r.Extra)
	return fields
}

// askBatch puts a request into a batch and waits for the batch.
func (s *server) askBatch(ctx context.Context, id string, body []byte) (*answer, error) {
	result, err := s.batch.Do(ctx, id, body)
	if ctx.Err() != nil && err != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, batch.ErrTooLarge) {
		return &answer{fail: &failure{name: "too_large", verdict: refuse, refused: RefusedBadRequest, words: err.Error()}}, nil
	}
	if errors.Is(err, batch.ErrLost) {
		return &answer{fail: &failure{name: "lost", verdict: refuse, refused: GaveUp, words: err.Error()}}, nil
	}
	if err != nil {
		return &answer{fail: &failure{name: "batch", verdict: fatal, words: err.Error(), hint: "what was paid for is kept; run the same command again when that is mended, it resumes"}}, nil
	}
	a := s.judge(&exchange{status: result.Status, header: http.Header{}, body: result.Body})
	a.reply.Batch = result.Batch
	if a.fail != nil && result.Status/100 == 2 {
		s.batch.Keep(id) // or the next try would be given the same
	}
	return a, nil
}

// askChat sends one HTTP request.
func (s *server) askChat(ctx context.Context, body []byte) (*answer, error) {
	limited, cancel := context.WithTimeoutCause(ctx, s.Timeout, errTimeout)
	defer cancel()
	limited, stall := context.WithCancelCause(limited)
	defer stall(nil)
	x := &exchange{request: body, idle: s.IdleTimeout, stall: func() { stall(errStalled) }}
	err := s.exchange(limited, x)
	if x.status == 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if cause := context.Cause(limited); errors.Is(cause, errStalled) || errors.Is(cause, errTimeout) {
			err = cause
		}
		return &answer{fail: s.networkFailure(err)}, nil
	}
	return s.judge(x), nil
}
