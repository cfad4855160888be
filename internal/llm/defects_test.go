package llm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tinyv/internal/stagetest/fulldisk"
)

// The tests here were written against defects that a review found.

func question(r *http.Request) string {
	b, _ := io.ReadAll(r.Body)
	return string(b)
}

// max_retries: 0 and one 500 after a success: panics.

func TestNoRetriesWhilePatient(t *testing.T) {
	var n atomic.Int64
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 2 {
			status(500, "x")(w, r)
			return
		}
		say(okBody)(w, r)
	})
	e := s.endpoint()
	e.MaxRetries = -1
	p := pool(t, Options{Endpoints: []Endpoint{e}, Patience: time.Minute})
	if _, err := p.Chat(t.Context(), ask("a")); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("PANIC: %v", r)
		}
	}()
	_, err := p.Chat(t.Context(), ask("b"))
	t.Log(err)
}

// 429 for ever after another request was answered: never ends, whatever the patience.

func TestThrottledForEverEnds(t *testing.T) {
	var firstSeen = make(chan struct{})
	var once sync.Once
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(question(r), "good") {
			<-firstSeen
			say(okBody)(w, r)
			return
		}
		once.Do(func() { close(firstSeen) })
		status(429, "daily limit")(w, r)
	})
	e := s.endpoint()
	e.MaxRetries = 2
	p := pool(t, Options{Endpoints: []Endpoint{e}, Patience: 50 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	var bad error
	wg.Go(func() { _, bad = p.Chat(ctx, ask("bad")) })
	wg.Go(func() { p.Chat(ctx, ask("good")) })
	wg.Wait()
	if errors.Is(bad, context.DeadlineExceeded) {
		t.Errorf("after %d calls it is still asking", s.calls.Load())
	}
}

// An outage of every endpoint, shorter than the patience, marks a row.

func TestOutageMarksNoRow(t *testing.T) {
	var n atomic.Int64
	begun, answered := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		q := question(r)
		if strings.Contains(q, "good") {
			<-begun
			say(okBody)(w, r)
			return
		}
		once.Do(func() { close(begun) })
		<-answered        // before the outage, and nobody after it
		if n.Add(1) < 8 { // the outage: eight tries
			status(503, "down")(w, r)
			return
		}
		say(okBody)(w, r)
	})
	e := s.endpoint()
	e.MaxRetries = 3
	p := pool(t, Options{Endpoints: []Endpoint{e}, Patience: time.Hour})
	var wg sync.WaitGroup
	var bad error
	wg.Go(func() { _, bad = p.Chat(t.Context(), ask("long")) })
	wg.Go(func() {
		defer close(answered)
		p.Chat(t.Context(), ask("good"))
	})
	wg.Wait()
	if bad != nil {
		t.Errorf("marked although nobody was answered meanwhile: %v", bad)
	}
}

// One endpoint is down at the start, the other is slow: the pool stops.

func TestOneIsDownTheOtherSlow(t *testing.T) {
	release := make(chan struct{})
	good := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		say(okBody)(w, r)
	})
	down := Endpoint{URL: "http://" + strings.TrimPrefix(closedPort(t), "http://"), Model: "m", Concurrency: 2}
	down.URL = strings.TrimSuffix(down.URL, "/v1") + "/v1"
	ok := good.endpoint()
	ok.Concurrency = 2
	p := pool(t, Options{Endpoints: []Endpoint{down, ok}, Patience: time.Hour})
	p.firstWait = 5 * time.Millisecond
	go func() { // slow: the other has been tried more often than would end a run
		defer close(release)
		for tries := int64(0); tries < 2*(unheardRetries+2) && p.stopError() == nil; time.Sleep(time.Millisecond) {
			tries = 0
			for _, n := range p.Calls().Failures {
				tries += n
			}
		}
	}()
	for i, err := range askAll(t, p, 4) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// Two endpoints that both ask to wait for a day: nobody is told.

func TestAllAskToWaitADay(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "86400")
		w.WriteHeader(429)
	}
	a, b := newSite(t, h), newSite(t, h)
	p := pool(t, Options{Endpoints: []Endpoint{a.endpoint(), b.endpoint()}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := p.Chat(ctx, ask("q"))
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waits for a day")
	}
}

// The last endpoint that had not denied the request dies: the run ends, though another lives.

func TestDeniedWhileTheOtherDies(t *testing.T) {
	deniedAt := make(chan struct{})
	var once sync.Once
	a := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(question(r), "denied") {
			once.Do(func() { close(deniedAt) })
			status(403, "no")(w, r)
			return
		}
		say(okBody)(w, r)
	})
	b := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		<-deniedAt
		time.Sleep(100 * time.Millisecond)
		status(402, "no credit")(w, r)
	})
	ea, eb := a.endpoint(), b.endpoint()
	ea.Concurrency, eb.Concurrency = 1, 1
	eb.Weight = 0.5
	p := pool(t, Options{Endpoints: []Endpoint{ea, eb}})
	if _, err := p.Chat(t.Context(), ask("first")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	// occupy b: hold a by hand
	s, err := p.acquire(t.Context(), want{})
	if err != nil || s.server != p.servers[0] {
		t.Fatal(s, err)
	}
	wg.Go(func() {
		if _, err := p.Chat(t.Context(), ask("busy")); err != nil {
			t.Logf("busy: %v", err)
		}
	})
	for b.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	p.release(s, 0, 0, nil)
	_, err = p.Chat(t.Context(), ask("denied"))
	wg.Wait()
	var none *UnansweredError
	if !errors.As(err, &none) {
		t.Errorf("the run ends with %v", err)
	}
}

// A caller that leaves while an endpoint is doubted takes it out.

func TestLeavingCallerKillsNothing(t *testing.T) {
	seen := make(chan struct{})
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(question(r), "odd") {
			<-seen
			status(404, "odd")(w, r)
			return
		}
		close(seen)
		time.Sleep(500 * time.Millisecond)
		say(okBody)(w, r)
	})
	p := pool(t, Options{Endpoints: []Endpoint{s.endpoint()}})
	p.firstWait = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { p.Chat(ctx, ask("odd")) })
	wg.Go(func() { p.Chat(t.Context(), ask("good")) })
	wg.Wait()
	s.Config.Handler = http.HandlerFunc(say(okBody))
	if err := p.stopError(); err != nil {
		t.Errorf("one caller left, and the pool stopped: %v", err)
	}
}

// After the journal has failed, more is asked and paid for, and lost.

func TestNothingIsAskedAfterTheJournalFailed(t *testing.T) {
	if !fulldisk.Alone(t) {
		return
	}
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond)
		say(okBody)(w, r)
	})
	j := openJournal(t, t.TempDir())
	p := pool(t, Options{Endpoints: []Endpoint{s.endpoint()}, Journal: j})
	if _, err := p.Chat(t.Context(), ask("a")); err != nil {
		t.Fatal(err)
	}
	failed := 0
	fulldisk.At(t, 400, func() {
		for i := range 100 {
			if _, err := p.Chat(t.Context(), ask(fmt.Sprint(i))); err != nil {
				failed++
			}
		}
	})
	if n := s.calls.Load(); n > 5 {
		t.Errorf("%d calls paid, %d of 100 failed, journal has %d", n, failed, j.Len())
	}
}

// vLLM's usual key: every reply with that word is changed.

func TestShortSecretsStayInReplies(t *testing.T) {
	t.Setenv("REV_KEY", "EMPTY")
	t.Setenv("REV_ORG", "7")
	p := serve(t, Endpoint{KeyEnv: "REV_KEY"}, nil, say(reply(`{"role":"assistant","content":"The set is EMPTY"}`)))
	got, err := p.Chat(t.Context(), ask("q"))
	if err != nil || got.Content != "The set is EMPTY" {
		t.Errorf("%q %v", got.Content, err)
	}
	j := openJournal(t, t.TempDir())
	q := serve(t, Endpoint{Headers: map[string]string{"X-Org": "$REV_ORG"}}, j, say(`{"choices":[{"message":{"content":"4"},"finish_reason":"stop","logprobs":{"content":[{"token":"4","logprob":-0.7}]}}]}`))
	if _, err := q.Chat(t.Context(), ask("q")); err != nil {
		t.Errorf("paid and lost: %v", err)
	}
}

// Logprobs that are not UTF-8 end the run, and are paid for again in every run.

func TestLogprobsOfHalfARune(t *testing.T) {
	j := openJournal(t, t.TempDir())
	p := serve(t, Endpoint{}, j, say("{\"choices\":[{\"message\":{\"content\":\"4\"},\"finish_reason\":\"stop\",\"logprobs\":{\"content\":[{\"token\":\"\xe2\x88\",\"logprob\":-0.7}]}}]}"))
	if _, err := p.Chat(t.Context(), ask("q")); err != nil {
		t.Errorf("paid and lost: %v", err)
	}
}

// The timer is overwritten by a later waiter's later time.

func TestTheSoonestTimerIsKept(t *testing.T) {
	a, b := newSite(t, say(okBody)), newSite(t, say(okBody))
	p := pool(t, Options{Endpoints: []Endpoint{a.endpoint(), b.endpoint()}})
	now := time.Now()
	p.mu.Lock()
	p.servers[0].pausedUntil = now.Add(time.Hour)
	p.servers[1].pausedUntil = now.Add(300 * time.Millisecond)
	p.mu.Unlock()
	done := make(chan time.Duration, 1)
	go func() {
		if s, err := p.acquire(t.Context(), want{not: p.servers[:1]}); err == nil {
			done <- time.Since(now)
			p.release(s, 0, 0, nil)
		}
	}()
	time.Sleep(50 * time.Millisecond)
	go func() {
		if s, err := p.acquire(t.Context(), want{not: p.servers[1:]}); err == nil {
			p.release(s, 0, 0, nil)
		}
	}()
	select {
	case d := <-done:
		if d < 300*time.Millisecond {
			t.Errorf("its endpoint was free after 0.3 s, it got it after %s", d)
		}
	case <-time.After(time.Minute):
		t.Error("its endpoint was free after 0.3 s, it did not get it in a minute")
	}
}

// A reply whose server does not say what it took is counted at the most that it can.
func TestBudgetOfRepliesWithoutUsage(t *testing.T) {
	none := newSite(t, say(`{"choices":[{"message":{"content":"4"},"finish_reason":"stop"}]}`))
	price := 1e6
	e := none.endpoint()
	e.PriceIn, e.PriceOut = &price, &price
	p := pool(t, Options{Endpoints: []Endpoint{e}, Budget: NewBudget(100, 0, 0, 0)})
	answered := 0
	for i := range 300 {
		r := ask(fmt.Sprint(i))
		r.MaxTokens = 10
		if _, err := p.Chat(t.Context(), r); err == nil {
			answered++
		}
	}
	if answered == 300 {
		t.Errorf("no usage: %d replies of up to $18 each under max_cost 100; Calls %+v", answered, p.Calls())
	}
	// the request's own extra
	r := ask("x")
	r.Extra = map[string]any{"max_tokens": 100000}
	if est := p.estimate(r); est.completion < 100000 {
		t.Errorf("extra max_tokens 100000, estimate %d", est.completion)
	}
}

// Identical requests in flight are in no count.

func TestSharedRepliesAreCounted(t *testing.T) {
	p := serve(t, Endpoint{}, nil, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(100 * time.Millisecond)
		say(okBody)(w, r)
	})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { p.Chat(t.Context(), ask("same")) })
	}
	wg.Wait()
	if c := p.Calls(); c.Paid+c.Known+c.Unanswered != 10 {
		t.Errorf("10 answered calls of Chat, counted %+v", c)
	}
}

// A stopped pool's caller that waits for the budget is not told.

func TestStoppedPoolLeavesTheBudget(t *testing.T) {
	b := NewBudget(0, 5000, 0, 0)
	s := newSite(t, say(okBody))
	p := pool(t, Options{Endpoints: []Endpoint{s.endpoint()}, Budget: b})
	settle, err := b.reserve(t.Context(), nil, 0, 4900) // another pool's request that takes long
	if err != nil {
		t.Fatal(err)
	}
	defer settle(0, 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	time.AfterFunc(50*time.Millisecond, func() { p.stop(errors.New("stopped")) })
	if _, err := p.Chat(ctx, ask("q")); errors.Is(err, context.DeadlineExceeded) {
		t.Error("the pool stopped, its caller was not woken")
	}
}

// batch server

type batchSite struct {
	*site
	mu      sync.Mutex
	creates []string
	inputs  []string
}

func newBatchSite(t *testing.T, hold bool, line func(id string) string) *batchSite {
	b := &batchSite{}
	b.site = newSite(t, func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/files"):
			f, _, _ := r.FormFile("file")
			d, _ := io.ReadAll(f)
			b.inputs = append(b.inputs, string(d))
			fmt.Fprintf(w, `{"id":"file-%d"}`, len(b.inputs)-1)
		case r.Method == "POST" && strings.HasSuffix(r.URL.Path, "/batches"):
			var n int
			body := question(r)
			fmt.Sscanf(body[strings.Index(body, "file-"):], "file-%d", &n)
			b.creates = append(b.creates, b.inputs[n])
			fmt.Fprintf(w, `{"id":"batch-%d","status":"in_progress","input_file_id":"file-%d"}`, n, n)
		case strings.HasSuffix(r.URL.Path, "/content"):
			var n int
			fmt.Sscanf(filepath.Base(filepath.Dir(r.URL.Path)), "out-%d", &n)
			for l := range strings.Lines(b.inputs[n]) {
				_, rest, _ := strings.Cut(l, `"custom_id":"`)
				id, _, _ := strings.Cut(rest, `"`)
				io.WriteString(w, line(id)+"\n")
			}
		case r.Method == "GET" && strings.Contains(r.URL.Path, "/batches/"):
			var n int
			fmt.Sscanf(filepath.Base(r.URL.Path), "batch-%d", &n)
			if hold {
				fmt.Fprintf(w, `{"id":"batch-%d","status":"in_progress","input_file_id":"file-%d"}`, n, n)
				return
			}
			fmt.Fprintf(w, `{"id":"batch-%d","status":"completed","input_file_id":"file-%d","output_file_id":"out-%d","request_counts":{"completed":1,"total":1}}`, n, n, n)
		default:
			fmt.Fprint(w, `{"data":[],"has_more":false}`)
		}
	})
	return b
}

func okLine(id string) string {
	return `{"custom_id":"` + id + `","response":{"status_code":200,"body":` + strings.ReplaceAll(okBody, "\n", "") + `}}`
}

func batchPool(t *testing.T, dir string, gather time.Duration, sites ...*batchSite) *Pool {
	o := Options{BatchDir: dir, BatchGather: gather, BatchPoll: 5 * time.Millisecond}
	for _, s := range sites {
		e := s.endpoint()
		e.Mode, e.Identity = ModeBatch, "same"
		o.Endpoints = append(o.Endpoints, e)
	}
	o.Log = quietLog
	o.Patience = -1
	p, err := New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	p.firstWait = time.Millisecond
	return p
}

// A restart puts a request that is in a batch under way at one endpoint into a batch of the other.

func TestTwoBatchEndpointsPayOnce(t *testing.T) {
	a, b := newBatchSite(t, true, okLine), newBatchSite(t, true, okLine)
	dir := t.TempDir()
	created := func() int {
		n := 0
		for _, s := range []*batchSite{a, b} {
			s.mu.Lock()
			n += len(s.creates)
			s.mu.Unlock()
		}
		return n
	}
	looks := func() int64 { return a.calls.Load() + b.calls.Load() }
	run := func(names ...string) {
		p := batchPool(t, dir, 10*time.Millisecond, a, b)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i, name := range names {
			wg.Go(func() { p.Chat(ctx, ask(name)) })
			for p.Calls().InFlight < int64(i+1) {
				time.Sleep(time.Millisecond)
			}
		}
		// Both are in batches, and looked at for longer than another batch would gather.
		for created() < len(names) {
			time.Sleep(time.Millisecond)
		}
		for before, end := looks(), time.Now().Add(100*time.Millisecond); looks() < before+20 || time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		cancel()
		wg.Wait()
		p.Close()
	}
	run("one", "two")
	run("two", "one") // the same requests, in another order
	if n := created(); n != 2 {
		t.Errorf("2 requests were put into %d batches at two servers", n)
	}
}

// One request whose result is never readable ends every run.

func TestLostBatchRequestIsMarked(t *testing.T) {
	a := newBatchSite(t, false, func(id string) string { return okLine(strings.Repeat("f", 64)) })
	p := batchPool(t, t.TempDir(), 10*time.Millisecond, a)
	defer p.Close()
	_, err := p.Chat(t.Context(), ask("q"))
	var none *UnansweredError
	if !errors.As(err, &none) {
		t.Errorf("the run ends: %v", err)
	}
	t.Log(p.stopError())
}

// Two roles of one run with one batch endpoint.

// ctx "bounds the opening only".

func TestContextOfNewBoundsTheOpeningOnly(t *testing.T) {
	a := newBatchSite(t, false, okLine)
	e := a.endpoint()
	e.Mode = ModeBatch
	ctx, cancel := context.WithCancel(t.Context())
	p, err := New(ctx, Options{Endpoints: []Endpoint{e}, BatchDir: t.TempDir(), BatchGather: 10 * time.Millisecond, BatchPoll: time.Millisecond, Log: quietLog})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	cancel()
	if _, err := p.Chat(t.Context(), ask("q")); err != nil {
		t.Error(err)
	}
}

// A redirect of a file takes the API key to another host.

func TestRedirectGetsNoKey(t *testing.T) {
	t.Setenv("REV_KEY", "sk-very-secret-0123456789")
	var got atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.Header.Get("Authorization"))
		status(404, "")(w, r)
	}))
	defer other.Close()
	api := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/blob", http.StatusFound)
	})
	e := api.endpoint()
	e.Mode, e.KeyEnv = ModeBatch, "REV_KEY"
	p := pool(t, Options{Endpoints: []Endpoint{e}, BatchDir: t.TempDir(), BatchGather: 10 * time.Millisecond})
	_, err := p.Chat(t.Context(), ask("q"))
	if got.Load() != nil && got.Load() != "" {
		t.Errorf("another host got %q (%v)", got.Load(), err)
	}
}

// The key at the cut of the batch's words.

func TestHalfAKey(t *testing.T) {
	const key = "sk-very-secret-0123456789"
	t.Setenv("REV_KEY", key)
	api := newSite(t, status(401, `{"error":{"message":"`+strings.Repeat("x ", 240)+"key "+key+` is wrong"}}`))
	e := api.endpoint()
	e.Mode, e.KeyEnv = ModeBatch, "REV_KEY"
	p := pool(t, Options{Endpoints: []Endpoint{e}, BatchDir: t.TempDir(), BatchGather: 10 * time.Millisecond})
	_, err := p.Chat(t.Context(), ask("q"))
	t.Log(err)
	if strings.Contains(fmt.Sprint(err), "sk-very") {
		t.Error("half a key is in the error")
	}
}

// Close stops the timer that would wake a waiter.

func TestCloseWakesWaiters(t *testing.T) {
	s := newSite(t, say(okBody))
	p := pool(t, Options{Endpoints: []Endpoint{s.endpoint()}})
	p.servers[0].pausedUntil = time.Now().Add(300 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	time.AfterFunc(100*time.Millisecond, func() { p.Close() })
	_, err := p.Chat(ctx, ask("q"))
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the endpoint was free after 0.3 s, its waiter never woke")
	}
}

// In batch mode the rest of an endpoint makes a batch of one request, which takes up to a day.

func TestBatchesAreNotProbed(t *testing.T) {
	var a *batchSite
	a = newBatchSite(t, false, func(id string) string {
		if len(a.creates) == 1 {
			return `{"custom_id":"` + id + `","response":{"status_code":500,"body":{"error":{"message":"x"}}}}`
		}
		return okLine(id)
	})
	p := batchPool(t, t.TempDir(), 500*time.Millisecond, a) // all 40 come within
	defer p.Close()
	noErrors(t, askAll(t, p, 40))
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, c := range a.creates {
		t.Logf("batch %d has %d requests", i, strings.Count(c, "\n"))
	}
	if len(a.creates) != 2 {
		t.Errorf("%d batches", len(a.creates))
	}
}

// One odd answer among the first, and replies that take 17 s.

// The journal fails while the oldest row is slow: the whole window is paid for and lost.

// An old request's end lets a second probe go.

func TestOneProbeAtATime(t *testing.T) {
	s := newSite(t, say(okBody))
	p := pool(t, Options{Endpoints: []Endpoint{s.endpoint()}})
	sv := p.servers[0]
	old, _ := p.acquire(t.Context(), want{})
	p.mu.Lock()
	sv.resting = true
	p.mu.Unlock()
	probe, _ := p.acquire(t.Context(), want{})
	p.release(old, 0, 0, nil)
	p.mu.Lock()
	if ok, _ := sv.free(time.Now(), 0); ok {
		t.Error("a second probe may go while the first is in flight")
	}
	p.mu.Unlock()
	p.release(probe, 0, 0, nil)
}

// A caller that leaves as it is handed an endpoint keeps what it took of the limits.

// Resumed with only a poisoned request left, the run stops, each time.

func TestPoisonedRequestAtResume(t *testing.T) {
	j := openJournal(t, t.TempDir())
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			say(`{"object":"list","data":[{"id":"m"}]}`)(w, r)
			return
		}
		if strings.Contains(question(r), "poison") {
			status(500, "cannot")(w, r)
			return
		}
		say(okBody)(w, r)
	})
	for range 2 { // two runs
		e := s.endpoint()
		e.MaxRetries = 3
		p := pool(t, Options{Endpoints: []Endpoint{e}, Journal: j})
		if _, err := p.Chat(t.Context(), ask("good")); err != nil {
			t.Fatal(err)
		}
		_, err := p.Chat(t.Context(), ask("poison"))
		var none *UnansweredError
		if !errors.As(err, &none) {
			t.Errorf("%v", err)
		}
	}
}
