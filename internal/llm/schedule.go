package llm

import (
	"container/list"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"tinyv/internal/journal"
	"tinyv/internal/llm/batch"
)

const (
	// failuresToRest is how many tries an endpoint fails without a reply in between,
	// at least, before it is rested.
	failuresToRest = 5

	maxRest = 30 * time.Second

	// throttlesToPause is how many answers 429 in a row, without a Retry-After, are
	// taken for the bad luck of single requests.
	throttlesToPause = 3
)

// server is one endpoint of a pool. The fields below mu belong to the pool's mu.
type server struct {
	*resolved
	api       *openai.Client
	transport *http.Transport
	batch     *batch.Queue // nil unless ModeBatch

	inFlight    int
	requests    *bucket // nil = no limit
	tokens      *bucket
	pausedUntil time.Time // the server asked for it, by Retry-After or the x-ratelimit headers
	throttles   int       // answers 429 in a row
	failures    int       // failed tries in a row, throttles aside
	rests       int       // in a row
	restUntil   time.Time
	resting     bool // one request at a time, as a probe, after restUntil
	probing     bool // that one is in flight
	answered    bool // it has answered something, so it is there
	succeeded   bool // it has given a whole reply, so url, key and model are right
	doubted     bool // its first answers say that it is not what the config takes it for; it gets no more until those in flight say more
	dead        *EndpointError
}

// want is what a caller wants of the endpoint for its request.
type want struct {
	need  float64   // tokens
	avoid *server   // has just failed this request: another one is taken where one is free
	only  *server   // has a batch under way, or results, with this request; nil = any
	not   []*server // are of no use for this request
}

// waiter is a caller that waits for an endpoint.
type waiter struct {
	want
	got chan grant // one without an endpoint is sent when there will be none
}

// grant is the right to send one request to an endpoint, until release.
type grant struct {
	*server
	probe bool // the endpoint is rested, and this request finds out how it is
}

// errNoServer is returned by acquire when no endpoint that is left would do.
var errNoServer = errors.New("no endpoint is left for this request")

// acquire waits for an endpoint that may be sent a request, the least loaded for
// its weight, in the order of callers. The request then counts as in flight
// until release.
func (p *Pool) acquire(ctx context.Context, w want) (grant, error) {
	p.mu.Lock()
	if p.stopped != nil {
		defer p.mu.Unlock()
		return grant{}, p.stopped
	}
	if p.queue.Len() == 0 {
		g, _, err := p.pick(time.Now(), w)
		if g.server != nil || err != nil {
			p.mu.Unlock()
			return g, err
		}
	}
	if p.closed {
		defer p.mu.Unlock()
		return grant{}, errClosed
	}
	waits := &waiter{want: w, got: make(chan grant, 1)}
	at := p.queue.PushBack(waits)
	p.dispatch()
	p.mu.Unlock()

	select {
	case g := <-waits.got:
		if g.server != nil {
			return g, nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case p.stopped != nil:
			return grant{}, p.stopped
		case p.closed:
			return grant{}, errClosed
		}
		return grant{}, errNoServer
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case g := <-waits.got: // meanwhile
		if g.server != nil {
			p.giveBack(g, time.Now(), w.need)
			g.requests.take(time.Now(), -1)
			p.dispatch()
		}
	default:
		p.queue.Remove(at)
	}
	return grant{}, ctx.Err()
}

// giveBack ends a grant, and returns n tokens to the endpoint's limit.
func (p *Pool) giveBack(g grant, now time.Time, n float64) {
	g.inFlight--
	if g.probe {
		g.probing = false
	}
	g.tokens.take(now, -n)
}

// dispatch hands endpoints to waiters, and sets the timer for the moment at which
// the first of those that are left can be served. Only a waiter that is choosy is
// passed over for those behind it.
func (p *Pool) dispatch() {
	now := time.Now()
	var next *list.Element
	var first time.Time
	defer func() {
		if !first.IsZero() {
			p.wakeAt(first)
		}
	}()
	for at := p.queue.Front(); at != nil; at = next {
		next = at.Next()
		w := at.Value.(*waiter)
		g, wake, err := p.pick(now, w.want)
		if g.server != nil || err != nil {
			p.queue.Remove(at)
			w.got <- g
			continue
		}
		if !wake.IsZero() && (first.IsZero() || wake.Before(first)) {
			first = wake
		}
		if len(w.not) == 0 && w.only == nil {
			return
		}
	}
}

func (p *Pool) wakeAt(t time.Time) {
	if p.closed {
		return
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(time.Until(t), p.wake)
		return
	}
	p.timer.Reset(time.Until(t))
}

func (p *Pool) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dispatch()
}

// pick takes the endpoint for w and counts the request as in flight, or returns
// when it should be called again; zero means after the next release.
func (p *Pool) pick(now time.Time, w want) (_ grant, wake time.Time, err error) {
	var best *server
	load, avoided, left := math.Inf(1), false, false
	for _, s := range p.servers {
		if s.dead != nil || slices.Contains(w.not, s) || w.only != nil && s != w.only {
			continue
		}
		left = true
		free, at := s.free(now, w.need)
		if !free {
			if !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
				wake = at
			}
			continue
		}
		avoid := s == w.avoid
		l := float64(s.inFlight+1) / s.Weight
		if best == nil || avoided && !avoid || avoided == avoid && l < load {
			best, load, avoided = s, l, avoid
		}
	}
	if best == nil {
		if !left {
			err = errNoServer
		}
		return grant{}, wake, err
	}
	best.inFlight++
	best.probing = best.probing || best.resting
	best.requests.take(now, 1)
	best.tokens.take(now, w.need)
	return grant{best, best.resting}, time.Time{}, nil
}

// free reports whether s can be sent a request now, or else when to ask again;
// zero means after the next release.
func (s *server) free(now time.Time, need float64) (bool, time.Time) {
	if s.inFlight >= s.Concurrency || s.probing || s.doubted {
		return false, time.Time{}
	}
	at := s.pausedUntil
	if s.resting && s.restUntil.After(at) {
		at = s.restUntil
	}
	if t := s.requests.until(now, 1); t.After(at) {
		at = t
	}
	if t := s.tokens.until(now, need); t.After(at) {
		at = t
	}
	return !at.After(now), at
}

// release ends a request of about need tokens that took used.
func (p *Pool) release(g grant, need, used float64, a *answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.giveBack(g, now, need-used)
	p.judgeHealth(g.server, now, need, a)
	p.dispatch()
}

// judgeHealth learns from an answer how s is.
func (p *Pool) judgeHealth(s *server, now time.Time, need float64, a *answer) {
	if a == nil {
		return // the caller left, which says nothing
	}
	if a.header != nil {
		s.answered = true
		s.pause(now.Add(headerPause(a.header, need, now)))
	}
	fail := a.fail
	if fail == nil {
		s.succeeded = true
		s.wellAgain()
		return
	}
	s.doubted = s.doubted || fail.unproven && !s.succeeded
	switch fail.verdict {
	case refuse: // it works; the request is at fault
		s.wellAgain()
	case throttle:
		s.throttles++
		wait := fail.after
		if wait == 0 && s.throttles > throttlesToPause {
			wait = p.backOff(s.throttles - throttlesToPause)
		}
		// Spread, or all that wait would come at the same moment.
		s.pause(now.Add(wait + time.Duration(rand.Int64N(int64(wait)/10+1))))
	case again:
		s.pause(now.Add(fail.after))
		s.failures++
		// Failures come sooner than replies, so they must be more than what is still on
		// its way. What was in flight when a rest began is no further sign.
		if s.batch == nil && s.failures >= failuresToRest && (s.resting || s.failures > s.inFlight) && !now.Before(s.restUntil) {
			if !s.resting {
				p.log.Warn("llm: an endpoint keeps failing; it is rested and probed, and others get its work", "endpoint", s.URL, "model", s.Endpoint.Model, "failures", s.failures, "says", s.words(fail.words))
			}
			s.resting = true
			s.rests++
			s.restUntil = now.Add(min(p.backOff(s.rests), maxRest))
		}
	}
}

func (s *server) wellAgain() {
	s.resting, s.doubted, s.restUntil = false, false, time.Time{}
	s.failures, s.throttles, s.rests = 0, 0, 0
}

func (s *server) pause(until time.Time) {
	if until.After(s.pausedUntil) {
		s.pausedUntil = until
	}
}

// backOff is the nth wait of an exponential back-off, jittered by half.
func (p *Pool) backOff(n int) time.Duration {
	wait := min(p.firstWait<<min(max(n-1, 0), 20), maxWait)
	return wait/2 + time.Duration(rand.Int64N(int64(wait)+1))
}

// kill takes an endpoint that is of no use as configured out of the pool, and
// stops the pool if it was the last.
func (p *Pool) kill(s *server, err *EndpointError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.dead == nil {
		s.dead = err
		if len(p.servers) > 1 {
			p.log.Error("llm: an endpoint is taken out of the pool; the others go on", "endpoint", s.URL, "error", err)
		}
	}
	for _, other := range p.servers {
		if other.dead == nil {
			p.dispatch()
			return
		}
	}
	p.stopLocked(err)
}

// stop ends the pool: whoever waits or asks from now on gets err. Requests in
// flight go on, and what they bring is kept.
func (p *Pool) stop(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopLocked(err)
}

func (p *Pool) stopLocked(err error) {
	if p.stopped != nil {
		return
	}
	p.stopped = err
	close(p.stopping)
	inFlight := 0
	for _, s := range p.servers {
		inFlight += s.inFlight
	}
	if inFlight > 0 {
		p.log.Error("llm: asks nothing more; requests in flight are waited for, and their replies kept", "model", p.Model().Name, "in_flight", inFlight, "error", err)
	}
	p.dismiss()
}

// dismiss wakes all waiters; stopped or closed says why.
func (p *Pool) dismiss() {
	for at := p.queue.Front(); at != nil; at = p.queue.Front() {
		p.queue.Remove(at).(*waiter).got <- grant{}
	}
}

func (p *Pool) stopError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// provesItself reports whether s has ever given a whole reply. Where it has not,
// it waits for those of its requests that are in flight, for a moment: one odd
// answer among the first must not end a run.
func (p *Pool) provesItself(ctx context.Context, s *server) bool {
	for {
		p.mu.Lock()
		proven, waits := s.succeeded, s.inFlight > 0 && s.dead == nil && p.stopped == nil
		p.mu.Unlock()
		if proven || !waits || p.sleep(ctx, p.firstWait) != nil {
			return proven
		}
	}
}

// trust lets an endpoint that is doubted be asked again: who could have cleared
// it up has left.
func (p *Pool) trust(s *server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.doubted = false
	p.dispatch()
}

// holder returns the endpoint in whose batches the request is already.
func (p *Pool) holder(key journal.Key) *server {
	if len(p.servers) == 1 || p.servers[0].batch == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.servers {
		if s.dead == nil && s.batch.Has(key.String()) {
			return s
		}
	}
	return nil
}

// othersAtWork reports whether another endpoint has requests in flight and no
// failure: what they bring is waited for.
func (p *Pool) othersAtWork(s *server) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.servers, func(o *server) bool { return o != s && o.dead == nil && o.inFlight > 0 && o.failures == 0 })
}

// othersSoon reports whether another endpoint may be asked within maxRetryAfter.
func (p *Pool) othersSoon(s *server) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := time.Now().Add(maxRetryAfter)
	return slices.ContainsFunc(p.servers, func(o *server) bool { return o != s && o.dead == nil && o.pausedUntil.Before(limit) })
}

// anyBut reports whether an endpoint besides those is not dead.
func (p *Pool) anyBut(not []*server) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.servers, func(s *server) bool { return s.dead == nil && !slices.Contains(not, s) })
}

// exhausted reports whether every endpoint that is left is being rested, and has
// failed as many probes as a request has tries.
func (p *Pool) exhausted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !slices.ContainsFunc(p.servers, func(s *server) bool { return s.dead == nil && s.rests <= s.MaxRetries })
}

// heard reports whether any of the pool's endpoints has ever answered.
func (p *Pool) heard() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.servers, func(s *server) bool { return s.answered })
}
