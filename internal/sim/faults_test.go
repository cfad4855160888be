package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"tinyv/internal/stagetest/buffer"
)

// start serves a world until the test ends, and returns a client without any
// cleverness.
func start(t testing.TB, w *World) (*Running, *http.Client) {
	t.Helper()
	r, err := Start(t.Context(), w, "", quiet)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, client
}

// answer is what a client sees of an answer.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error // of the request, or of reading the body
}

func send1(ctx context.Context, client *http.Client, url, body string) answer {
	req, err := http.NewRequestWithContext(ctx, "POST", url+"/chat/completions", strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	data, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, data, errors.Join(err, resp.Body.Close())}
}

// readStats returns what /stats says.
func readStats(t testing.TB, client *http.Client, url string) (s struct {
	Requests, Outcomes, Faults map[string]int64
	AnsweredAgain              int64 `json:"answered_again"`
	InFlight                   int64 `json:"in_flight"`
	MaxInFlight                int64 `json:"max_in_flight"`
}) {
	t.Helper()
	resp, err := client.Get(strings.TrimSuffix(url, "/v1") + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// writtenLog is a request log that a test may read while it is written.
type writtenLog struct{ buffer.Locked }

func (r *writtenLog) lines(t testing.TB) (lines []logLine) {
	t.Helper()
	for line := range strings.Lines(r.String()) {
		var l logLine
		if err := json.Unmarshal([]byte(line), &l); err != nil || !strings.HasSuffix(line, "\n") {
			t.Fatalf("log line %q: %v", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// eventually waits for what another goroutine is about to do.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in two minutes: %s", what)
		}
	}
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

// isEnd reports that a connection ended before its answer: how that shows depends
// on what the transport was doing.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// TestFaultKinds: what a plain client sees of each kind, that the next try
// succeeds, and what the log and the counts say of both.
func TestFaultKinds(t *testing.T) {
	status := func(want int, retryAfter string) func(answer) bool {
		return func(a answer) bool {
			var e struct{ Error struct{ Message string } }
			return a.err == nil && a.status == want && a.header.Get("Retry-After") == retryAfter && json.Unmarshal(a.body, &e) == nil && e.Error.Message != ""
		}
	}
	page := func(want int) func(answer) bool {
		return func(a answer) bool {
			return a.err == nil && a.status == want && a.header.Get("Content-Type") == "text/html" && strings.Contains(string(a.body), "<html>")
		}
	}
	whole := func(a answer) bool {
		var r chatReply
		return a.err == nil && a.status == 200 && json.Unmarshal(a.body, &r) == nil && len(r.Choices) == 1 && r.Choices[0].Message.Content != ""
	}
	type seen struct {
		ok     func(answer) bool
		status int // in the log
		whole  bool
	}
	sees := map[string]seen{
		"429": {status(429, "2"), 429, false}, faultBareLimit: {status(429, ""), 429, false},
		faultReset: {func(a answer) bool { return a.status == 0 && isReset(a.err) }, 0, false},
		faultHang:  {func(a answer) bool { return a.status == 0 && isEnd(a.err) }, 0, false},
		faultCut:   {func(a answer) bool { return a.status == 200 && isEnd(a.err) && len(a.body) > 0 }, 200, false},
		faultStall: {func(a answer) bool { return a.status == 200 && isEnd(a.err) && len(a.body) > 0 }, 200, false},
		faultHTML:  {page(200), 200, false}, faultHTML502: {page(502), 502, false},
		faultGarbage: {func(a answer) bool { return a.err == nil && a.status == 200 && !json.Valid(a.body) }, 200, false},
		faultWrongJSON: {func(a answer) bool {
			return a.err == nil && a.status == 200 && json.Valid(a.body) && !strings.Contains(string(a.body), "choices")
		}, 200, false},
		faultEmpty: {func(a answer) bool {
			return a.err == nil && a.status == 200 && json.Valid(a.body) && strings.Contains(string(a.body), `"choices": []`)
		}, 200, false},
		faultDuplicate: {func(a answer) bool {
			half := len(a.body) / 2
			return a.err == nil && a.status == 200 && !json.Valid(a.body) && json.Valid(a.body[:half]) && bytes.Equal(a.body[:half], a.body[half:])
		}, 200, false},
		faultChunked: {func(a answer) bool { return whole(a) && a.header.Get("Content-Length") == "" }, 200, true},
		faultSlow:    {whole, 200, true},
		faultContentFilter: {func(a answer) bool {
			return a.err == nil && a.status == 400 && strings.Contains(string(a.body), `"code":"content_filter"`)
		}, 400, false},
		faultFiltered: {func(a answer) bool {
			return a.err == nil && a.status == 200 && strings.Contains(string(a.body), `"finish_reason":"content_filter"`) && strings.Contains(string(a.body), `"completion_tokens":0`)
		}, 200, true},
	}
	for _, kind := range append(FaultKinds(), "418") {
		t.Run(kind, func(t *testing.T) {
			want, ok := sees[kind]
			if !ok {
				want = seen{status(statusOf(kind), ""), statusOf(kind), false}
			}
			var log writtenLog
			w := &World{RequestLog: &log, Faults: Faults{Rate: 1, Kinds: []Fault{{Kind: kind}}, RetryAfter: 2 * time.Second, Hold: 50 * time.Millisecond, Slow: 20 * time.Millisecond}}
			r, client := start(t, w)
			// A body as a POST of its own is not sent again by the transport.
			if got := send1(t.Context(), client, r.URL(), ask(1)); !want.ok(got) {
				t.Errorf("status %d, header %v, error %v: %s", got.status, got.header, got.err, got.body)
			}
			if got := send1(t.Context(), client, r.URL(), ask(1)); !whole(got) {
				t.Errorf("second try: status %d, error %v: %s", got.status, got.err, got.body)
			}
			eventually(t, "two lines in the log", func() bool { return len(log.lines(t)) == 2 })
			lines := log.lines(t)
			slices.SortFunc(lines, func(a, b logLine) int { return a.Try - b.Try }) // a client whose connection ends may be faster than the log
			first, second := lines[0], lines[1]
			if first.Fault != kind || first.Status != want.status || first.Whole != want.whole || first.Try != 0 || first.Model != SolverModel || len(first.Request) != 16 {
				t.Errorf("logged as %+v", first)
			}
			if second.Fault != "" || second.Status != 200 || !second.Whole || second.Try != 1 || second.Request != first.Request {
				t.Errorf("second try logged as %+v", second)
			}
			eventually(t, "all is counted", func() bool { return r.api.tally.inFlight.Load() == 0 })
			s := readStats(t, client, r.URL())
			again := int64(0)
			if want.whole {
				again = 1
			}
			if s.Faults[kind] != 1 || s.Outcomes["fault"] != 1 || s.Outcomes["answered"] != 1 || s.AnsweredAgain != again || s.InFlight != 0 || s.MaxInFlight > 2 || s.Requests[SolverModel] != 2 {
				t.Errorf("stats: %+v", s)
			}
		})
	}
}

// TestModelsThatFail: the models do as the faults of their names.
func TestModelsThatFail(t *testing.T) {
	w := &World{Faults: Faults{Hold: 20 * time.Millisecond}}
	r, client := start(t, w)
	for model, ok := range map[string]func(answer) bool{
		"sim-reset": func(a answer) bool { return isReset(a.err) }, "sim-hang": func(a answer) bool { return a.status == 0 && isEnd(a.err) },
		"sim-stall": func(a answer) bool { return a.status == 200 && isEnd(a.err) }, "sim-cut": func(a answer) bool { return a.status == 200 && isEnd(a.err) },
		"sim-duplicate":  func(a answer) bool { return a.err == nil && !json.Valid(a.body) },
		"sim-wrong-json": func(a answer) bool { return a.err == nil && json.Valid(a.body) },
		"sim-slow":       func(a answer) bool { return a.status == 404 },
	} {
		for range 2 { // always
			if got := send1(t.Context(), client, r.URL(), `{"model": "`+model+`", "messages": [{"role": "user", "content": "x"}]}`); !ok(got) {
				t.Errorf("%s: status %d, error %v: %s", model, got.status, got.err, got.body)
			}
		}
	}
	eventually(t, "all is counted", func() bool { return r.api.tally.inFlight.Load() == 0 })
	if s := readStats(t, client, r.URL()); s.Faults["reset"] != 2 || len(s.Requests) != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// TestWhichTriesFail: the share, the tries in a row and the weights are as asked
// for, and nothing depends on order.
func TestWhichTriesFail(t *testing.T) {
	f := Faults{Rate: 0.2, Seed: 3, Tries: 3, Statuses: []int{418}, Kinds: []Fault{{"reset", 3}, {"hang", 0}, {"429", 0.5}}}
	const n = 20_000
	kinds := map[string]int{}
	failed := 0
	for request := range uint64(n) {
		first := f.kind(request, 0)
		for try := range 5 {
			kind := f.kind(request, try)
			if (kind != "") != (first != "" && try < 3) {
				t.Fatalf("request %d fails on try 0 with %q and on try %d with %q", request, first, try, kind)
			}
			if kind != "" {
				kinds[kind]++
			}
		}
		if first != "" {
			failed++
		}
	}
	if !within(failed, n, 0.2) {
		t.Errorf("%d of %d fail", failed, n)
	}
	for kind, weight := range map[string]float64{"reset": 3, "hang": 1, "429": 0.5, "418": 1} {
		if !within(kinds[kind], 3*failed, weight/5.5) {
			t.Errorf("%s is %d of %d, its weight is %v of 5.5", kind, kinds[kind], 3*failed, weight)
		}
	}
	if len(kinds) != 4 {
		t.Errorf("kinds: %v", kinds)
	}
}

// TestFaultsProperty: any mix of kinds gives kinds of the mix only.
func TestFaultsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f Faults
		f.Rate, f.Seed, f.Tries = 1, rapid.Uint64().Draw(t, "seed"), 1
		wanted := map[string]bool{}
		for _, kind := range rapid.SliceOfN(rapid.SampledFrom(FaultKinds()), 1, 5).Draw(t, "kinds") {
			f.Kinds = append(f.Kinds, Fault{kind, rapid.Float64Range(0, 1e6).Draw(t, "weight")})
			wanted[kind] = true
		}
		request := rapid.Uint64().Draw(t, "request")
		if kind := f.kind(request, 0); !wanted[kind] || kind != f.kind(request, 0) {
			t.Fatalf("%+v fails with %q", f, kind)
		}
	})
}

// TestLateFaultsTakeTheirTime: what a model has worked on comes after its latency,
// what it has not comes at once.
func TestLateFaultsTakeTheirTime(t *testing.T) {
	for kind, want := range map[string]time.Duration{"500": 0, "429": 0, "html_502": 0, "content_filter": 0, "garbage": time.Second, "cut": time.Second, "empty": time.Second, "filtered": time.Second, "slow": 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			h := NewServer(&World{Latency: time.Second, Faults: Faults{Rate: 1, Kinds: []Fault{{Kind: kind}}}}, quiet).Handler()
			began := time.Now()
			post(t, h, ask(1))
			// The last byte of a slow reply comes with its last piece, which is not waited for.
			if took := time.Since(began); took > want || took < want-200*time.Millisecond {
				t.Errorf("%s took %v, want %v", kind, took, want)
			}
		})
	}
}

func TestContextLength(t *testing.T) {
	prompt := strings.Repeat("x", 4*90)
	for _, c := range []struct {
		vllm  bool
		more  string
		want  int
		holds []string
	}{
		{false, `, "max_tokens": 10`, 200, nil},
		{false, ``, 200, nil},
		{false, `, "max_tokens": 11`, 400, []string{`"code":"context_length_exceeded"`, `"param":"messages"`, "maximum context length is 100 tokens. However, you requested 101 tokens (90 in the messages, 11 in the completion)"}},
		{false, `, "max_completion_tokens": 4096`, 400, []string{`"code":"context_length_exceeded"`}},
		{true, `, "max_tokens": 10`, 200, nil},
		{true, `, "max_tokens": 11`, 400, []string{`"code":400`, `"BadRequestError"`, "is too large: 11. This model's maximum context length is 100 tokens and your request has 90 input tokens"}},
	} {
		s := NewServer(&World{ContextLength: 100, VLLMWords: c.vllm}, quiet)
		status, _, body := post(t, s.Handler(), `{"model": "sim-solver", "messages": [{"role": "user", "content": "`+prompt+`"}]`+c.more+`}`)
		if status != c.want {
			t.Errorf("%s: status %d: %s", c.more, status, body)
		}
		for _, text := range c.holds {
			if !strings.Contains(string(body), text) {
				t.Errorf("%s: no %s in %s", c.more, text, body)
			}
		}
		if got := s.tally.outcomes["context_length"]; got != int64(c.want/400) {
			t.Errorf("%s: counted %d times", c.more, got)
		}
	}
	for _, vllm := range []bool{false, true} {
		_, _, body := post(t, NewServer(&World{ContextLength: 10, VLLMWords: vllm}, quiet).Handler(), `{"model": "sim-solver", "messages": [{"role": "user", "content": "`+prompt+`"}]}`)
		if !strings.Contains(string(body), "maximum context length is 10 tokens") {
			t.Errorf("a prompt alone: %s", body)
		}
	}
}

// TestPaidTwice: the same request, in whatever order of members, is counted again;
// another parameter makes another request.
func TestPaidTwice(t *testing.T) {
	s := NewServer(DefaultWorld(), quiet)
	h := s.Handler()
	for _, body := range []string{
		`{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], "top_k": 20}`,
		`{"top_k": 2e1, "messages": [{"content": "\u0078", "role": "user"}], "model": "sim-solver"}`,
		`{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], "top_k": 21}`,
	} {
		if status, _, reply := post(t, h, body); status != 200 {
			t.Fatal(string(reply))
		}
	}
	if s.tally.answeredAgain != 1 {
		t.Errorf("%d requests were answered again", s.tally.answeredAgain)
	}
}

func askedFor(s *Server) int64 {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	return s.tally.asked[SolverModel]
}

// TestLeftIsLogged: a client that goes before its reply is no whole reply.
func TestLeftIsLogged(t *testing.T) {
	var log writtenLog
	r, client := start(t, &World{Latency: time.Hour, RequestLog: &log})
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan answer, 1)
	go func() { answered <- send1(ctx, client, r.URL(), ask(1)) }()
	eventually(t, "the request waits", func() bool { return askedFor(r.api) == 1 })
	cancel()
	if got := <-answered; !errors.Is(got.err, context.Canceled) {
		t.Errorf("%+v", got)
	}
	eventually(t, "the client is known to have left", func() bool { return r.api.tally.inFlight.Load() == 0 })
	if s := readStats(t, client, r.URL()); s.Outcomes["left"] != 1 || len(s.Outcomes) != 1 {
		t.Errorf("stats: %+v", s)
	}
	if lines := log.lines(t); len(lines) != 1 || lines[0].Whole || lines[0].Status != 0 || lines[0].Fault != "" {
		t.Errorf("logged as %+v", lines)
	}
}

// failingWriter is a full disk.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestRequestLogThatFails(t *testing.T) {
	var told buffer.Locked
	w := &World{RequestLog: failingWriter{}}
	h := NewServer(w, slog.New(slog.NewTextHandler(&told, nil))).Handler()
	for i := range 3 {
		if status, _, body := post(t, h, ask(i)); status != 200 {
			t.Errorf("status %d: %s", status, body)
		}
	}
	if text := told.String(); strings.Count(text, "no space left") != 1 {
		t.Errorf("told %q", text)
	}
}

func TestStartRefuses(t *testing.T) {
	for text, w := range map[string]*World{
		`"rest" is no kind of fault; they are statuses from 400 to 599, 429_bare, reset,`: {Faults: Faults{Kinds: []Fault{{Kind: "rest"}}}},
		"rate of faults is 2":         {Faults: Faults{Rate: 2}},
		"weight -1 of fault reset":    {Faults: Faults{Kinds: []Fault{{"reset", -1}}}},
		"1.5 together":                {Batch: Batch{Expired: 0.5, Failed400: 1}},
		`"loud" is no way of showing`: {Annotators: map[string]Annotator{"a": {Reasoning: "loud"}}},
	} {
		if r, err := Start(t.Context(), w, "", quiet); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("want %q: %v, %v", text, r, err)
		}
	}
	// A server of its own says so when it comes to that.
	status, _, body := post(t, NewServer(&World{Faults: Faults{Rate: 1, Kinds: []Fault{{Kind: "rest"}}}}, quiet).Handler(), ask(1))
	if status != 500 || !strings.Contains(string(body), "knows no fault rest") {
		t.Errorf("status %d: %s", status, body)
	}
}

// TestOutage: while the server is gone connects are refused and requests under way
// are cut off; then it is back on its port with what it knew.
func TestOutage(t *testing.T) {
	r, client := start(t, &World{Faults: Faults{Kinds: []Fault{{Kind: "hang"}}}})
	if got := send1(t.Context(), client, r.URL(), ask(1)); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	hung := make(chan answer, 1)
	go func() {
		hung <- send1(t.Context(), client, r.URL(), `{"model": "sim-hang", "messages": [{"role": "user", "content": "x"}]}`)
	}()
	eventually(t, "a request hangs", func() bool { return r.api.tally.inFlight.Load() == 1 })
	for round := range 3 {
		for range 2 { // pausing twice is pausing
			if err := r.Pause(); err != nil {
				t.Fatal(err)
			}
		}
		client.CloseIdleConnections() // the transport may not know yet that they are cut
		if got := send1(t.Context(), client, r.URL(), ask(2)); !errors.Is(got.err, syscall.ECONNREFUSED) {
			t.Errorf("round %d: while paused: status %d, %v", round, got.status, got.err)
		}
		for range 2 {
			if err := r.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := send1(t.Context(), client, r.URL(), ask(2)); got.status != 200 {
			t.Errorf("round %d: when back: %+v", round, got)
		}
	}
	if got := <-hung; got.err == nil {
		t.Errorf("a request under way outlived the outage: %+v", got)
	}
	eventually(t, "all is counted", func() bool { return r.api.tally.inFlight.Load() == 0 }) // a client may know its answer before
	if s := readStats(t, client, r.URL()); s.Outcomes["answered"] != 4 || s.AnsweredAgain != 2 {
		t.Errorf("stats: %+v", s)
	}
	// It can be closed while it is gone, and does not come back then.
	if err := r.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Resume(t.Context()); err != nil {
		t.Error(err)
	}
	client.CloseIdleConnections()
	if got := send1(t.Context(), client, r.URL(), ask(2)); !errors.Is(got.err, syscall.ECONNREFUSED) {
		t.Errorf("after Close: status %d, %v", got.status, got.err)
	}
}

// TestCloseWhileHundredsHang: Close waits for nobody who is held for ever.
func TestCloseWhileHundredsHang(t *testing.T) {
	const n = 500
	r, client := start(t, &World{Latency: time.Hour})
	answers := make(chan answer, n)
	for i := range n {
		model := []string{"sim-hang", "sim-stall"}[i%2]
		if i%100 == 0 {
			model = SolverModel // and some that are late
		}
		go func() {
			answers <- send1(t.Context(), client, r.URL(), fmt.Sprintf(`{"model": %q, "messages": [{"role": "user", "content": "x"}], "seed": %d}`, model, i))
		}()
	}
	eventually(t, "all requests hang", func() bool { return r.api.tally.inFlight.Load() == n })
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for range n {
		if got := <-answers; got.err == nil {
			t.Fatalf("an answer: %+v", got)
		}
	}
	if got := r.api.tally.mostInFlight.Load(); got != n {
		t.Errorf("%d in flight at most, want %d", got, n)
	}
}

// TestFaultsUnderLoad: many clients at once neither break the counts nor race.
func TestFaultsUnderLoad(t *testing.T) {
	w := DefaultWorld()
	var log writtenLog
	w.RequestLog = &log
	w.Faults = Faults{Rate: 0.5, Seed: 2, Hold: 5 * time.Millisecond, Slow: 5 * time.Millisecond}
	for _, kind := range FaultKinds() {
		w.Faults.Kinds = append(w.Faults.Kinds, Fault{Kind: kind})
	}
	w.Delay = Exponential(time.Millisecond)
	r, client := start(t, w)
	const callers, each = 32, 20
	var answered sync.WaitGroup
	for c := range callers {
		answered.Go(func() {
			for i := range each {
				for range 3 { // the transport may have tried once of its own
					got := send1(t.Context(), client, r.URL(), ask(c*each+i))
					var reply chatReply
					if got.err == nil && got.status == 200 && json.Unmarshal(got.body, &reply) == nil && len(reply.Choices) == 1 && reply.Choices[0].FinishReason == "stop" {
						break
					}
				}
			}
		})
	}
	answered.Wait()
	eventually(t, "nothing is in flight", func() bool { return r.api.tally.inFlight.Load() == 0 })
	s := readStats(t, client, r.URL())
	var outcomes, faults int64
	for _, n := range s.Outcomes {
		outcomes += n
	}
	for _, n := range s.Faults {
		faults += n
	}
	if outcomes != s.Requests[SolverModel] || faults != s.Outcomes["fault"] || int(outcomes) != len(log.lines(t)) || !within(int(faults), callers*each, 0.5) {
		t.Errorf("%d lines in the log, stats %+v", len(log.lines(t)), s)
	}
	if got := s.Outcomes["answered"]; got < callers*each*9/10/2 {
		t.Errorf("%d of %d answered", got, callers*each)
	}
}

// TestRepliesDoNotDependOnTheWeather: with every delay and fault the replies are
// those of the plain server.
func TestRepliesDoNotDependOnTheWeather(t *testing.T) {
	plain := NewServer(DefaultWorld(), quiet).Handler()
	w := DefaultWorld()
	w.Delay, w.TokenRate, w.Limits, w.ContextLength = Uniform(0, time.Millisecond), 1e6, Limits{1e6, 1e9, 10}, 10_000
	w.Faults = Faults{Rate: 1, Kinds: []Fault{{Kind: "chunked"}}}
	other := NewServer(w, quiet).Handler()
	for i := range 20 {
		body := fmt.Sprintf(`{"model": "sim-solver", "messages": [{"role": "user", "content": "[simulated problem %d]"}], "n": 2}`, i)
		_, _, want := post(t, plain, body)
		for range 2 {
			rec := httptest.NewRecorder()
			other.ServeHTTP(rec, httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(body)))
			if !bytes.Equal(rec.Body.Bytes(), want) {
				t.Fatalf("%s\nwant\n%s", rec.Body, want)
			}
		}
	}
}
