package llm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tinyv/internal/progress"
)

// site is a server that counts its requests.
type site struct {
	*httptest.Server
	calls atomic.Int64
}

func newSite(t *testing.T, h http.HandlerFunc) *site {
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) endpoint() Endpoint { return Endpoint{URL: s.URL + "/v1", Model: "m"} }

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// askAll asks n different questions at once and returns the errors.
func askAll(t *testing.T, p *Pool, n int) []error {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { _, errs[i] = p.Chat(t.Context(), ask(fmt.Sprint("question ", i))) })
	}
	wg.Wait()
	return errs
}

func noErrors(t *testing.T, errs []error) {
	t.Helper()
	for i, err := range errs {
		if err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
}

// Work goes to the least loaded endpoint for its weight.
func TestLoadIsSharedByWeight(t *testing.T) {
	release := make(chan struct{})
	held := func(w http.ResponseWriter, r *http.Request) {
		<-release
		say(okBody)(w, r)
	}
	a, b := newSite(t, held), newSite(t, held)
	heavy, light := a.endpoint(), b.endpoint()
	heavy.Weight, heavy.Concurrency, light.Concurrency = 3, 400, 500
	p := pool(t, Options{Endpoints: []Endpoint{heavy, light}})
	if p.Concurrency() != 900 {
		t.Errorf("concurrency is %d", p.Concurrency())
	}
	done := make(chan []error)
	go func() { done <- askAll(t, p, 40) }()
	for p.Calls().InFlight < 40 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	noErrors(t, <-done)
	if a.calls.Load() != 30 || b.calls.Load() != 10 {
		t.Errorf("weights 3 and 1 gave %d and %d calls", a.calls.Load(), b.calls.Load())
	}
}

// An endpoint that fails is rested, and the others get its work.
func TestFailingEndpointIsRested(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	bad := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			status(500, "broken")(w, r)
			return
		}
		say(okBody)(w, r)
	})
	good := newSite(t, say(okBody))
	var log bytes.Buffer
	p := pool(t, Options{Endpoints: []Endpoint{bad.endpoint(), good.endpoint()}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	p.firstWait = 50 * time.Millisecond
	for i := range 300 {
		if _, err := p.Chat(t.Context(), ask(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := bad.calls.Load(); n < failuresToRest || n > 100 {
		t.Errorf("the broken endpoint got %d of 300 requests", n)
	}
	if !strings.Contains(log.String(), "rested") {
		t.Errorf("the log does not say so: %s", &log)
	}
	if resting := p.Calls().Resting; len(resting) != 1 || !strings.Contains(bad.URL, resting[0]) {
		t.Errorf("resting: %v", resting)
	}

	// Well again, it is found by a probe.
	broken.Store(false)
	before := bad.calls.Load()
	for i := 0; bad.calls.Load() < before+20; i++ {
		if _, err := p.Chat(t.Context(), ask(fmt.Sprint("later ", i))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	if resting := p.Calls().Resting; len(resting) != 0 {
		t.Errorf("resting: %v", resting)
	}
}

// An endpoint whose key, model or URL is wrong leaves the pool; the last one ends it.
func TestDeadEndpointLeaves(t *testing.T) {
	wrong, page := newSite(t, status(401, `{"error":{"message":"bad key"}}`)), newSite(t, say("<html><title>Hi</title></html>"))
	good := newSite(t, say(okBody))
	p := pool(t, Options{Endpoints: []Endpoint{wrong.endpoint(), page.endpoint(), good.endpoint()}})
	noErrors(t, askAll(t, p, 100))
	if wrong.calls.Load() > 20 || page.calls.Load() > 20 || good.calls.Load() != 100 {
		t.Errorf("%d, %d and %d calls", wrong.calls.Load(), page.calls.Load(), good.calls.Load())
	}

	p = pool(t, Options{Endpoints: []Endpoint{wrong.endpoint(), page.endpoint()}})
	for _, err := range askAll(t, p, 30) {
		var failed *EndpointError
		if !errors.As(err, &failed) {
			t.Errorf("err = %v", err)
		}
	}
}

// One odd answer among the first ones does not end a run.
func TestOddFirstAnswer(t *testing.T) {
	for name, odd := range map[string]http.HandlerFunc{
		"page":      say("<html><title>Hi</title></html>"),
		"not JSON":  say("what?"),
		"twice":     say(okBody + okBody),
		"forbidden": status(403, `{"error":{"message":"not you"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) == 1 {
					odd(w, r)
					return
				}
				time.Sleep(20 * time.Millisecond)
				say(okBody)(w, r)
			})
			p := pool(t, Options{Endpoints: []Endpoint{s.endpoint()}})
			p.firstWait = 20 * time.Millisecond
			unanswered := 0
			for _, err := range askAll(t, p, 10) {
				var none *UnansweredError
				if errors.As(err, &none) && none.Kind == RefusedDenied && name == "forbidden" {
					unanswered++
				} else if err != nil {
					t.Error(err)
				}
			}
			if name == "forbidden" && unanswered != 1 {
				t.Errorf("%d requests unanswered, want the one that was denied", unanswered)
			}
		})
	}
}

// A request that one endpoint denies goes to another one, once.
func TestDeniedGoesElsewhere(t *testing.T) {
	moody := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte("secret")) {
			status(403, `{"error":{"message":"not this"}}`)(w, r)
			return
		}
		say(okBody)(w, r)
	})
	good := newSite(t, say(okBody))
	p := pool(t, Options{Endpoints: []Endpoint{moody.endpoint(), good.endpoint()}})
	noErrors(t, askAll(t, p, 20))
	for i := range 10 {
		if _, err := p.Chat(t.Context(), ask(fmt.Sprint("secret ", i))); err != nil {
			t.Error(err)
		}
	}
	only := pool(t, Options{Endpoints: []Endpoint{moody.endpoint()}})
	noErrors(t, askAll(t, only, 3))
	before := moody.calls.Load()
	_, err := only.Chat(t.Context(), ask("secret"))
	var none *UnansweredError
	if !errors.As(err, &none) || none.Kind != RefusedDenied || none.Words != "not this" || moody.calls.Load() != before+1 {
		t.Errorf("err = %v after %d calls", err, moody.calls.Load()-before)
	}
}

// A request that always fails is given up; the run goes on.
func TestPoisonedRequest(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte("poison")) {
			status(500, "crash")(w, r)
			return
		}
		say(okBody)(w, r)
	})
	e := s.endpoint()
	e.MaxRetries = 3
	p := pool(t, Options{Endpoints: []Endpoint{e}})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			p.Chat(ctx, ask(fmt.Sprint("fine ", i)))
		}
	})
	_, err := p.Chat(t.Context(), ask("poison"))
	stop()
	wg.Wait()
	var none *UnansweredError
	if !errors.As(err, &none) || none.Kind != GaveUp || none.Tries != 4 || none.Words != "crash" {
		t.Errorf("err = %v", err)
	}
	if _, err := p.Chat(t.Context(), ask("after")); err != nil {
		t.Error(err)
	}
}

func TestUnansweredInARowEndTheRun(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case bytes.Contains(body, []byte("long")):
			status(400, `{"error":{"message":"maximum context length is 10 tokens"}}`)(w, r)
		case bytes.Contains(body, []byte("bad")):
			status(400, `{"error":{"message":"no such parameter"}}`)(w, r)
		default:
			say(okBody)(w, r)
		}
	})
	p := pool(t, Options{Endpoints: []Endpoint{s.endpoint()}, MaxUnanswered: 3})
	chat := func(question string) error {
		_, err := p.Chat(t.Context(), ask(question))
		return err
	}
	var none *UnansweredError
	var failed *EndpointError
	for i, question := range []string{"bad 1", "bad 2", "good", "bad 3", "bad 4", "long 1", "long 2", "long 3", "long 4"} {
		if err := chat(question); (question == "good") != (err == nil) || err != nil && !errors.As(err, &none) {
			t.Errorf("%d, %s: %v", i, question, err)
		}
	}
	if err := chat("bad 5"); !errors.As(err, &failed) || !strings.Contains(failed.Hint, "limits.max_unanswered") || failed.Words != "no such parameter" {
		t.Errorf("the third in a row: %v", err)
	}
	if err := chat("good, but too late"); !errors.As(err, &failed) {
		t.Errorf("after the end: %v", err)
	}
	if c := p.Calls(); c.Unanswered != 9 || c.Paid != 1 || c.Failures["400"] != 9 {
		t.Errorf("calls %+v", c)
	}
}

// While one endpoint pauses, as its Retry-After asks, the other is used.
func TestPauseOfOneEndpoint(t *testing.T) {
	busy := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "500")
		w.WriteHeader(429)
	})
	good := newSite(t, say(okBody))
	p := pool(t, Options{Endpoints: []Endpoint{busy.endpoint(), good.endpoint()}})
	noErrors(t, askAll(t, p, 100))
	if n := busy.calls.Load(); n == 0 || n > DefaultConcurrency {
		t.Errorf("the busy endpoint got %d requests", n)
	}
	if resting := p.Calls().Resting; len(resting) != 1 {
		t.Errorf("resting: %v", resting)
	}
}

func TestRequestsPerMinute(t *testing.T) {
	s := newSite(t, say(okBody))
	e := s.endpoint()
	e.RequestsPerMinute = 60 * 50 // 50 a second, 100 at once
	p := pool(t, Options{Endpoints: []Endpoint{e}})
	start := time.Now()
	noErrors(t, askAll(t, p, 125))
	if took := time.Since(start); took < 400*time.Millisecond {
		t.Errorf("125 requests took %s, at 50 a second after the first 100", took)
	}
}

func TestTokensPerMinute(t *testing.T) {
	s := newSite(t, say(reply(`{"content":"x"}`)))
	e := s.endpoint()
	e.TokensPerMinute = 60 * 500 // 500 a second, 1,000 at once
	p := pool(t, Options{Endpoints: []Endpoint{e}})
	r := ask("q")
	r.MaxTokens = 400
	// Held at 408, settled at 2: what was held too much is given back.
	start := time.Now()
	for i := range 60 {
		r.Sample = i
		if _, err := p.Chat(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("60 requests of 2 tokens took %s; 24,000 estimated tokens would take 48 s", took)
	}
	b := newBucket(600, time.Unix(0, 0))
	b.take(time.Unix(0, 0), 15)
	if at := b.until(time.Unix(0, 0), 10); at.Before(time.Unix(0, 5e8)) || at.After(time.Unix(0, 6e8)) {
		t.Errorf("10 of 20 with 5 left at 10 a second: %s", at)
	}
	if at := b.until(time.Unix(0, 0), 1e6); at.Before(time.Unix(1, 5e8)) || at.After(time.Unix(1, 6e8)) {
		t.Errorf("more than it holds: %s, want when it is full", at)
	}
}

func TestRateLimitHeaders(t *testing.T) {
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		headers map[string]string
		want    time.Duration
	}{
		{"none", nil, 0},
		{"plenty", map[string]string{"remaining-requests": "10", "reset-requests": "1s", "remaining-tokens": "5000", "reset-tokens": "1s"}, 0},
		{"no requests, all back in 6 s", map[string]string{"remaining-requests": "0", "limit-requests": "60", "reset-requests": "6s"}, 100 * time.Millisecond},
		{"no requests, limit unknown", map[string]string{"remaining-requests": "0", "reset-requests": "20ms"}, 20 * time.Millisecond},
		{"too few tokens", map[string]string{"remaining-tokens": "500", "limit-tokens": "10500", "reset-tokens": "10s"}, 500 * time.Millisecond},
		{"both", map[string]string{"remaining-requests": "0", "reset-requests": "2s", "remaining-tokens": "0", "reset-tokens": "1m0s", "limit-tokens": "60000"}, 2 * time.Second},
		{"a date", map[string]string{"remaining-requests": "0", "reset-requests": "2026-11-21T00:00:03Z"}, 3 * time.Second},
		{"seconds", map[string]string{"remaining-requests": "0", "reset-requests": "1.5"}, 1500 * time.Millisecond},
		{"too long", map[string]string{"remaining-requests": "0", "reset-requests": "24h0m0s"}, maxHeaderPause},
		{"nonsense", map[string]string{"remaining-requests": "few", "reset-requests": "soon"}, 0},
	} {
		h := http.Header{}
		for name, value := range tt.headers {
			h.Set("x-ratelimit-"+name, value)
		}
		if got := headerPause(h, 1000, now); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}

	var calls atomic.Int64
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("x-ratelimit-remaining-requests", "0")
			w.Header().Set("x-ratelimit-reset-requests", "200ms")
		}
		say(okBody)(w, r)
	})
	p := pool(t, Options{Endpoints: []Endpoint{s.endpoint()}})
	start := time.Now()
	for i := range 2 {
		if _, err := p.Chat(t.Context(), ask(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 200*time.Millisecond {
		t.Errorf("the second request did not wait: %s", took)
	}
}

// A stalled answer is noticed long before the time-out.
func TestStall(t *testing.T) {
	var calls atomic.Int64
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > 1 {
			// Slow is not stalled: the whole takes longer than the pieces may be apart.
			for _, piece := range []string{okBody[:10], okBody[10:20], okBody[20:30], okBody[30:50], okBody[50:]} {
				time.Sleep(300 * time.Millisecond)
				io.WriteString(w, piece)
				w.(http.Flusher).Flush()
			}
			return
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, okBody[:20])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	e := s.endpoint()
	e.IdleTimeout = time.Second
	p := pool(t, Options{Endpoints: []Endpoint{e}})
	if got, err := p.Chat(t.Context(), ask("q")); err != nil || got.Content != "4" {
		t.Errorf("got %+v, %v", got, err)
	}
	if f := p.Calls().Failures; f["stalled"] < 1 || len(f) != 1 { // more where the machine itself stalls
		t.Errorf("failures %v", f)
	}
}

// The server is gone for a while: nothing fails, and it is not hammered meanwhile.
func TestOutage(t *testing.T) {
	var gone atomic.Bool
	var during atomic.Int64
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			during.Add(1)
			panic(http.ErrAbortHandler)
		}
		time.Sleep(time.Millisecond)
		say(okBody)(w, r)
	})
	e := s.endpoint()
	e.MaxRetries = 2
	p := pool(t, Options{Endpoints: []Endpoint{e}, Patience: time.Minute})
	p.firstWait = 10 * time.Millisecond
	noErrors(t, askAll(t, p, 10))
	gone.Store(true)
	back := time.AfterFunc(time.Second, func() { gone.Store(false) })
	defer back.Stop()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if _, err := p.Chat(t.Context(), ask(fmt.Sprint("outage ", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := during.Load(); n > 100 {
		t.Errorf("%d requests in an outage of one second", n)
	}
}

func TestBudget(t *testing.T) {
	release := make(chan struct{})
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		say(okBody)(w, r)
	})
	close(release)
	price := 1e5 // a dollar for ten tokens
	for name, tt := range map[string]struct {
		budget *Budget
		limit  string
		most   int64
	}{
		"tokens":              {NewBudget(0, 1000, 0, 0), "limits.max_tokens", 100},
		"tokens, some spent":  {NewBudget(0, 1000, 0, 500), "limits.max_tokens", 50},
		"dollars":             {NewBudget(50, 0, 0, 0), "limits.max_cost", 50},
		"dollars, some spent": {NewBudget(50, 0, 30.5, 1), "limits.max_cost", 19},
	} {
		t.Run(name, func(t *testing.T) {
			e := s.endpoint()
			e.PriceIn, e.PriceOut = &price, &price
			p := pool(t, Options{Endpoints: []Endpoint{e}, Budget: tt.budget})
			var answered, stopped int64
			var wg sync.WaitGroup
			var mu sync.Mutex
			for i := range 200 {
				wg.Go(func() {
					r := ask(fmt.Sprint(i))
					r.MaxTokens = 40 // so at most 49 to 50 tokens are held for each
					_, err := p.Chat(t.Context(), r)
					mu.Lock()
					defer mu.Unlock()
					var over *BudgetError
					if err == nil {
						answered++
					} else if errors.As(err, &over) && over.Limit == tt.limit {
						stopped++
					} else {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			// The last few replies' worth stays unspent: a reply could be as long as max_tokens.
			if answered+stopped != 200 || answered > tt.most || answered < tt.most-5 {
				t.Errorf("%d answered, %d stopped; at most %d fit", answered, stopped, tt.most)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Setenv("GATEWAY_SECRET", "gateway-0123456789")
	var got http.Header
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		status(400, `{"error":{"message":"echo `+r.Header.Get("X-Api-Key")+`"}}`)(w, r)
	})
	e := s.endpoint()
	e.Headers = map[string]string{"X-Title": "tinyv", "x-api-key": "$GATEWAY_SECRET"}
	p := pool(t, Options{Endpoints: []Endpoint{e}})
	_, err := p.Chat(t.Context(), ask("q"))
	if got.Get("X-Title") != "tinyv" || got.Get("X-Api-Key") != "gateway-0123456789" {
		t.Errorf("headers %v", got)
	}
	if err == nil || strings.Contains(err.Error(), "gateway") {
		t.Errorf("err = %v", err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer sk-1", "api-key": "abc", "Content-Length": "7", "X Y": "z", "": "z", "X-A": "b\r\nX-C: d", "X-Title": "$TINYV_TEST_UNSET",
	} {
		e.Headers = map[string]string{name: value}
		if _, err := New(t.Context(), Options{Endpoints: []Endpoint{e}, Log: slog.New(slog.DiscardHandler)}); err == nil || strings.Contains(err.Error(), "sk-1") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEndpointsOfOnePoolAreAlike(t *testing.T) {
	base := Endpoint{URL: "http://a/v1", Model: "m"}
	for name, other := range map[string]Endpoint{
		"identity":  {URL: "http://b/v1", Model: "other"},
		"simulated": {URL: "http://b/v1", Model: "m", Simulated: true},
		"modes":     {URL: "http://b/v1", Model: "m", Mode: ModeBatch},
		"extra":     {URL: "http://b/v1", Model: "m", Extra: map[string]any{"top_k": 1}},
	} {
		_, err := New(t.Context(), Options{Endpoints: []Endpoint{base, other}, Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := pool(t, Options{Endpoints: []Endpoint{base, {URL: "http://b/v1", Model: "alias", Identity: "m"}}})
	if m := p.Model(); m.Identity != "m" || m.Name != "m" {
		t.Errorf("model %+v", m)
	}
}

func TestCalls(t *testing.T) {
	s := newSite(t, say(okBody))
	e := s.endpoint()
	in, out := 1.0, 2.0
	e.PriceIn, e.PriceOut = &in, &out
	p := pool(t, Options{Endpoints: []Endpoint{e}, Journal: openJournal(t, t.TempDir())})
	noErrors(t, askAll(t, p, 5))
	noErrors(t, askAll(t, p, 8))
	c := p.Calls()
	want := progress.Calls{Paid: 8, Known: 5, Tokens: 80, CostUSD: 8 * (7*1 + 3*2) / 1e6}
	if c.Paid != want.Paid || c.Known != want.Known || c.Tokens != want.Tokens || c.CostUSD < want.CostUSD-1e-12 || c.CostUSD > want.CostUSD+1e-12 || c.Unpriced != 0 || len(c.Failures) != 0 {
		t.Errorf("got %+v, want %+v", c, want)
	}
}
