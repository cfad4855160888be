package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	openai "github.com/sashabaranov/go-openai"
	"go.uber.org/goleak"

	"tinyv/internal/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const okBody = `{"id":"1","object":"chat.completion","model":"served-name","choices":[{"index":0,
	"message":{"role":"assistant","content":"4"},"finish_reason":"stop"}],
	"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`

// reply is an answer with the given message object.
func reply(message string) string {
	return `{"model":"m","choices":[{"index":0,"message":` + message + `,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`
}

func ask(s string) Request { return Request{Messages: []Message{{Role: "user", Content: s}}} }

// serve starts a server and returns a client for it with short waits.
func serve(t testing.TB, e Endpoint, j *journal.Journal, h http.HandlerFunc) *Pool {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	e.URL = srv.URL + "/v1"
	return client(t, e, j, slog.New(slog.DiscardHandler))
}

func client(t testing.TB, e Endpoint, j *journal.Journal, log *slog.Logger) *Pool {
	t.Helper()
	if e.Model == "" {
		e.Model = "m"
	}
	return pool(t, Options{Endpoints: []Endpoint{e}, Journal: j, Log: log})
}

// pool makes a pool with short waits, and without patience.
func pool(t testing.TB, o Options) *Pool {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Patience == 0 {
		o.Patience = -1
	}
	p, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p.firstWait = time.Millisecond
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func openJournal(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body)
	}
}

var quietLog = slog.New(slog.DiscardHandler)

func ptr[T any](v T) *T { return &v }

func TestRequestBody(t *testing.T) {
	type result struct {
		path, auth string
		body       map[string]any
	}
	t.Setenv("TEST_KEY", " secret-key-0123456789\n")
	tests := []struct {
		name     string
		endpoint Endpoint
		request  Request
		want     string
	}{
		{
			"bare", Endpoint{Model: "m"}, ask("2+2?"),
			`{"model":"m","messages":[{"role":"user","content":"2+2?"}]}`,
		},
		{
			"greedy: zero is sent", Endpoint{Model: "m"},
			Request{Messages: []Message{{"system", ""}, {"user", "x<y"}}, Temperature: ptr(0.0), TopP: ptr(0.0), Seed: ptr(int64(0))},
			`{"model":"m","messages":[{"role":"system","content":""},{"role":"user","content":"x<y"}],"temperature":0,"top_p":0,"seed":0}`,
		},
		{
			"all", Endpoint{Model: "m", Extra: map[string]any{
				"top_k": 20, "min_p": 0.05, "chat_template_kwargs": map[string]any{"enable_thinking": false}, "reasoning_effort": "high",
			}},
			Request{
				Messages: ask("q").Messages, Temperature: ptr(0.7), TopP: ptr(0.95), MaxTokens: 32768,
				Stop: []string{"</s>"}, Seed: ptr(int64(1) << 52), Sample: 3,
			},
			`{"model":"m","messages":[{"role":"user","content":"q"}],"temperature":0.7,"top_p":0.95,"max_tokens":32768,
			  "stop":["</s>"],"seed":4503599627370496,"top_k":20,"min_p":0.05,"chat_template_kwargs":{"enable_thinking":false},"reasoning_effort":"high"}`,
		},
		{
			"names that go-openai refuses parameters for", Endpoint{Model: "gpt-5-mini"},
			Request{Messages: ask("q").Messages, Temperature: ptr(0.5), MaxTokens: 10},
			`{"model":"gpt-5-mini","messages":[{"role":"user","content":"q"}],"temperature":0.5,"max_tokens":10}`,
		},
		{
			"the request's own extra fields win over all", Endpoint{Model: "m", Extra: map[string]any{"top_k": 1, "min_p": 0.1}},
			Request{Messages: ask("q").Messages, Extra: map[string]any{"top_k": 2, "logprobs": true}},
			`{"model":"m","messages":[{"role":"user","content":"q"}],"top_k":2,"min_p":0.1,"logprobs":true}`,
		},
		{
			"extra fields win", Endpoint{Model: "o1", Extra: map[string]any{"max_tokens": nil, "max_completion_tokens": 99}},
			Request{Messages: ask("q").Messages, MaxTokens: 10},
			`{"model":"o1","messages":[{"role":"user","content":"q"}],"max_tokens":null,"max_completion_tokens":99}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got result
			tt.endpoint.KeyEnv = "TEST_KEY"
			c := serve(t, tt.endpoint, nil, func(w http.ResponseWriter, r *http.Request) {
				got.path, got.auth = r.URL.Path, r.Header.Get("Authorization")
				if err := json.NewDecoder(r.Body).Decode(&got.body); err != nil {
					t.Error(err)
				}
				say(okBody)(w, r)
			})
			if _, err := c.Chat(t.Context(), tt.request); err != nil {
				t.Fatal(err)
			}
			want := result{path: "/v1/chat/completions", auth: "Bearer secret-key-0123456789"}
			if err := json.Unmarshal([]byte(tt.want), &want.body); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(result{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoKeyNoHeader(t *testing.T) {
	c := serve(t, Endpoint{}, nil, func(w http.ResponseWriter, r *http.Request) {
		if auth, ok := r.Header["Authorization"]; ok {
			t.Errorf("Authorization is %q", auth)
		}
		say(okBody)(w, r)
	})
	if _, err := c.Chat(t.Context(), ask("q")); err != nil {
		t.Fatal(err)
	}
}

func TestReply(t *testing.T) {
	base := Reply{FinishReason: "stop", Model: "m", PromptTokens: 1, CompletionTokens: 1, Paid: true}
	with := func(content, reasoning string) Reply {
		r := base
		r.Content, r.Reasoning = content, reasoning
		return r
	}
	tests := []struct {
		name, body string
		want       Reply
	}{
		{"plain", okBody, Reply{Content: "4", FinishReason: "stop", Model: "served-name", PromptTokens: 7, CompletionTokens: 3, Paid: true}},
		{"reasoning_content", reply(`{"content":"4","reasoning_content":"2+2"}`), with("4", "2+2")},
		{"reasoning", reply(`{"content":"4","reasoning":"2+2"}`), with("4", "2+2")},
		{"both names", reply(`{"content":"4","reasoning":"2+2","reasoning_content":"2+2"}`), with("4", "2+2")},
		{"reasoning of another type", reply(`{"content":"4","reasoning":{"a":1}}`), with("4", "")},
		{"think", reply(`{"content":"\n<think>\n2+2\n</think>\n\n4"}`), with("\n\n4", "\n2+2\n")},
		{"think without an end", reply(`{"content":"<think>2+2 and"}`), with("", "2+2 and")},
		{"think later on", reply(`{"content":"I <think> so</think>"}`), with("I <think> so</think>", "")},
		{"end of think alone", reply(`{"content":"hm</think>4"}`), with("4", "hm")},
		{"think in the middle", reply(`{"content":"a <think>b</think> c"}`), with("a <think>b</think> c", "")},
		{"think and reasoning", reply(`{"content":"<think>b</think>4","reasoning":"a"}`), with("4", "a\nb")},
		{"null content", reply(`{"content":null,"reasoning":"only"}`), with("", "only")},
		{"refusal", reply(`{"content":null,"refusal":"I can't."}`), with("I can't.", "")},
		{"parts", reply(`{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}`), with("ab", "")},
		{"LaTeX", reply(`{"content":"\\boxed{\\frac{1}{2}} & <x>"}`), with(`\boxed{\frac{1}{2}} & <x>`, "")},
		{"half a surrogate", reply(`{"content":"\ud800!"}`), with("\uFFFD!", "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			j := openJournal(t, dir)
			c := serve(t, Endpoint{}, j, say(tt.body))
			got, err := c.Chat(t.Context(), ask("2+2?"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Latency <= 0 {
				t.Errorf("latency is %s", got.Latency)
			}
			latency := got.Latency
			got.Latency = 0
			if got.Host != c.servers[0].host {
				t.Errorf("host is %q", got.Host)
			}
			tt.want.Host = got.Host
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			again, err := c.Chat(t.Context(), ask("2+2?"))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Paid = false
			tt.want.Latency = again.Latency
			if diff := cmp.Diff(tt.want, again); diff != "" {
				t.Errorf("from the journal: %s", diff)
			}
			if off := again.Latency - latency; off.Abs() > time.Microsecond {
				t.Errorf("latency was %s and comes back as %s", latency, again.Latency)
			}
		})
	}
}

// A reply is asked for once: not again by the same process, nor by a later one,
// nor through another URL or key; but again if anything else of it differs.
func TestJournal(t *testing.T) {
	var calls atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		say(okBody)(w, r)
	}
	dir := t.TempDir()
	full := Request{
		Messages:    []Message{{"system", "s"}, {"user", "u"}},
		Temperature: ptr(0.5), TopP: ptr(0.9), MaxTokens: 10, Stop: []string{"a"}, Seed: ptr(int64(1)), Sample: 1,
	}
	same := func(e Endpoint, r Request, want bool) {
		t.Helper()
		j := openJournal(t, dir)
		defer j.Close()
		before := calls.Load()
		got, err := serve(t, e, j, handler).Chat(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if got.Content != "4" || got.PromptTokens != 7 {
			t.Errorf("got %+v", got)
		}
		if asked := calls.Load() - before; asked == 0 != want || got.Paid == want {
			t.Errorf("asked %d times, paid %v; want an answer from the journal: %v", asked, got.Paid, want)
		}
	}
	t.Setenv("KEY_A", "aaaaaaaaaaaaaaaa")
	t.Setenv("KEY_B", "bbbbbbbbbbbbbbbb")
	extra := map[string]any{"top_k": 20, "nested": map[string]any{"b": 1, "a": 2}}
	e := Endpoint{Model: "m", KeyEnv: "KEY_A", Extra: extra}
	same(e, full, false)
	same(e, full, true)
	same(Endpoint{Model: "m", KeyEnv: "KEY_B", Extra: extra, Concurrency: 3, Timeout: time.Minute, MaxRetries: 1}, full, true)
	same(Endpoint{Model: "alias", Identity: "m", Extra: extra}, full, true)
	same(Endpoint{Model: "m", Extra: map[string]any{"nested": map[string]any{"a": 2.0, "b": 1}, "top_k": 20}}, full, true)

	same(Endpoint{Model: "other", Extra: extra}, full, false)
	same(Endpoint{Model: "m"}, full, false)
	same(Endpoint{Model: "m", Extra: extra, Simulated: true}, full, false)
	for name, change := range map[string]func(*Request){
		"role":           func(r *Request) { r.Messages = []Message{{"user", "s"}, {"user", "u"}} },
		"system prompt":  func(r *Request) { r.Messages = []Message{{"system", "S"}, {"user", "u"}} },
		"split":          func(r *Request) { r.Messages = []Message{{"system", "su"}, {"user", ""}} },
		"temperature":    func(r *Request) { r.Temperature = ptr(0.0) },
		"no temperature": func(r *Request) { r.Temperature = nil },
		"top_p":          func(r *Request) { r.TopP = nil },
		"max_tokens":     func(r *Request) { r.MaxTokens = 11 },
		"stop":           func(r *Request) { r.Stop = []string{"a", "b"} },
		"no stop":        func(r *Request) { r.Stop = nil },
		"seed":           func(r *Request) { r.Seed = ptr(int64(0)) },
		"sample":         func(r *Request) { r.Sample = 2 },
		"extra":          func(r *Request) { r.Extra = map[string]any{"logprobs": true} },
	} {
		r := full
		change(&r)
		t.Log(name)
		same(e, r, false)
		same(e, r, true)
	}
	empty := full
	empty.Stop = []string{} // is the same as none
	same(e, empty, true)
}

// The key of a request never changes, or every reply ever paid for is lost.
func TestRequestKeyIsStable(t *testing.T) {
	c := client(t, Endpoint{URL: "http://localhost/v1", Model: "m", Extra: map[string]any{"top_k": 20}}, nil, slog.New(slog.DiscardHandler))
	key, err := c.requestKey(Request{Messages: []Message{{"user", "1 < 2 ≠ é"}}, Temperature: ptr(0.0), TopP: ptr(0.95), MaxTokens: 1024, Sample: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := "c68a1f6a05fb1922624be1037ca0a67e5de5b0f9ec79c800cb7782a94a29ede1"; key.String() != want {
		t.Errorf("key is %s, was %s", key, want)
	}
}

// What the journal holds can be read with ordinary tools, says where it comes
// from, and not the key.
func TestJournalRecord(t *testing.T) {
	t.Setenv("TEST_KEY", "sk-0123456789abcdef")
	dir := t.TempDir()
	j := openJournal(t, dir)
	c := serve(t, Endpoint{KeyEnv: "TEST_KEY"}, j, say(reply(`{"content":"x < 1 <think> sk-0123456789abcdef","reasoning":"why"}`)))
	before := time.Now().Add(-time.Second)
	if _, err := c.Chat(t.Context(), ask("q")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "journal-00000.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var line struct{ Value journal.Reply }
	if err := json.Unmarshal(data, &line); err != nil {
		t.Fatal(err)
	}
	got := line.Value
	if got.Time.Before(before) || got.Time.After(time.Now()) || got.LatencyMS <= 0 || got.Host != c.servers[0].host || !strings.HasPrefix(got.Host, "127.0.0.1:") {
		t.Errorf("got %+v", got)
	}
	got.Time, got.LatencyMS, got.Host = time.Time{}, 0, ""
	want := journal.Reply{Content: "x < 1 <think> [API key]", Reasoning: "why", FinishReason: "stop", Model: "m", Identity: "m", PromptTokens: 1, CompletionTokens: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if bytes.Contains(data, []byte("sk-0123456789abcdef")) || !bytes.Contains(data, []byte("x < 1 <think>")) {
		t.Errorf("the journal holds %s", data)
	}
}

// A reply that cannot be kept is not used.
func TestJournalFails(t *testing.T) {
	j := openJournal(t, t.TempDir())
	c := serve(t, Endpoint{}, j, func(w http.ResponseWriter, r *http.Request) {
		j.Close()
		say(okBody)(w, r)
	})
	got, err := c.Chat(t.Context(), ask("q"))
	if !errors.Is(err, journal.ErrClosed) || got.Content != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Identical requests that are made at once are sent once.
func TestIdenticalRequestsInFlight(t *testing.T) {
	const callers = 20
	var calls atomic.Int64
	release := make(chan struct{})
	c := serve(t, Endpoint{}, openJournal(t, t.TempDir()), func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		<-release
		say(okBody)(w, r)
	})
	var paid atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			got, err := c.Chat(t.Context(), ask("q"))
			if err != nil || got.Content != "4" {
				t.Errorf("got %+v, %v", got, err)
			}
			if got.Paid {
				paid.Add(1)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	close(release)
	wg.Wait()
	if calls.Load() != 1 || paid.Load() != 1 {
		t.Errorf("%d requests, %d paid", calls.Load(), paid.Load())
	}
}

// A caller that gives up takes neither the callers that wait for the same reply
// with it, nor must it wait for them.
func TestCancelledAmongIdenticalRequests(t *testing.T) {
	var calls atomic.Int64
	arrived := make(chan struct{}, 2)
	release := make(chan struct{})
	c := serve(t, Endpoint{}, nil, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		io.Copy(io.Discard, r.Body) // so that the server notices a lost client
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
		say(okBody)(w, r)
	})
	var wg sync.WaitGroup
	defer wg.Wait()
	first, cancelFirst := context.WithCancel(t.Context())
	defer cancelFirst()
	wg.Go(func() {
		if _, err := c.Chat(first, ask("q")); !errors.Is(err, context.Canceled) {
			t.Errorf("first: %v", err)
		}
	})
	<-arrived
	wg.Go(func() {
		if got, err := c.Chat(t.Context(), ask("q")); err != nil || got.Content != "4" {
			t.Errorf("second: %+v, %v", got, err)
		}
	})
	third, cancelThird := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancelThird()
	if _, err := c.Chat(third, ask("q")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("third: %v", err)
	}
	cancelFirst()
	<-arrived // the second asks in the first's place
	close(release)
	wg.Wait()
	if calls.Load() != 2 {
		t.Errorf("%d requests, want 2", calls.Load())
	}
}

func TestRetries(t *testing.T) {
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			io.WriteString(w, `{"error":{"message":"busy","type":"server_error"}}`)
		}
	}
	tests := map[string]http.HandlerFunc{
		"408": status(408), "409": status(409), "429": status(429), "500": status(500), "502": status(502), "503": status(503), "504": status(504), "529": status(529),
		"429 as a page": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(429)
			io.WriteString(w, "<html><title>Slow down</title></html>")
		},
		"reset": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.(*net.TCPConn).SetLinger(0) // RST
			conn.Close()
		},
		"closed without an answer": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"body shorter than announced": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(okBody)))
			io.WriteString(w, okBody[:len(okBody)/2])
		},
		"chunks that do not end": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, okBody[:len(okBody)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"truncated JSON":     say(okBody[:len(okBody)-1]),
		"empty body":         say(""),
		"empty choices":      say(`{"model":"m","choices":[]}`),
		"null choices":       say(`{"model":"m","choices":null}`),
		"200 that means 503": say(`{"error":{"message":"provider is down","code":503}}`),
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			c := serve(t, Endpoint{}, nil, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet { // is it up at all?
					handler(w, r)
					return
				}
				if calls.Add(1) <= 3 {
					handler(w, r)
					return
				}
				say(okBody)(w, r)
			})
			got, err := c.Chat(t.Context(), ask("q"))
			if err != nil || got.Content != "4" || calls.Load() != 4 {
				t.Errorf("got %+v, %v after %d calls", got, err, calls.Load())
			}

			calls.Store(-1000)
			c.servers[0].MaxRetries = 2
			_, err = c.Chat(t.Context(), ask("q"))
			var failed *EndpointError
			if !errors.As(err, &failed) || failed.Tries != 3 || calls.Load() != -997 || failed.Hint == "" || failed.Words == "" {
				t.Errorf("with 2 retries: %v after %d calls", err, calls.Load()+1000)
			}
		})
	}
}

func TestNoRetries(t *testing.T) {
	c := serve(t, Endpoint{MaxRetries: -1}, nil, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
	_, err := c.Chat(t.Context(), ask("q"))
	var failed *EndpointError
	if !errors.As(err, &failed) || failed.Tries != 1 || failed.Words != "Internal Server Error" {
		t.Errorf("err = %v", err)
	}
}

func TestTimeout(t *testing.T) {
	var calls atomic.Int64
	c := serve(t, Endpoint{Timeout: 500 * time.Millisecond}, nil, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch calls.Add(1) {
		case 1: // no answer at all
			<-r.Context().Done()
		case 2: // an answer that stalls
			io.WriteString(w, okBody[:20])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			say(okBody)(w, r)
		}
	})
	// On a busy machine a request may run out of time before the server sees it, or
	// while it answers.
	if got, err := c.Chat(t.Context(), ask("q")); err != nil || got.Content != "4" || calls.Load() < 3 {
		t.Errorf("got %+v, %v after %d calls", got, err, calls.Load())
	}
	c.servers[0].MaxRetries = 0
	calls.Store(0)
	_, err := c.Chat(t.Context(), ask("q"))
	var failed *EndpointError
	if !errors.As(err, &failed) || !strings.Contains(failed.Words, "within 500ms") || !strings.Contains(failed.Hint, "timeout") {
		t.Errorf("err = %v", err)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"-3":                            0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"0.25":                          250 * time.Millisecond,
		"NaN":                           0,
		"1e300":                         24 * time.Hour,
		"Fri, 20 Nov 2026 12:00:05 GMT": 5 * time.Second,
		"Fri, 20 Nov 2026 11:00:00 GMT": 0,
		"soon":                          0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	var calls atomic.Int64
	var header atomic.Value
	c := serve(t, Endpoint{}, nil, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("Retry-After", header.Load().(string))
			w.WriteHeader(429)
			return
		}
		say(okBody)(w, r)
	})
	header.Store("0.2")
	start := time.Now()
	if _, err := c.Chat(t.Context(), ask("q")); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 200*time.Millisecond {
		t.Errorf("asked again after %s", took)
	}

	header.Store("3600")
	calls.Store(0)
	_, err := c.Chat(t.Context(), ask("q"))
	var failed *EndpointError
	if !errors.As(err, &failed) || calls.Load() != 1 || !strings.Contains(failed.Hint, "1h0m0s") {
		t.Errorf("err = %v after %d calls", err, calls.Load())
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		kind   string
		words  string
	}{
		{"OpenAI", 400, `{"error":{"message":"Unknown parameter: 'top_k'.","type":"invalid_request_error","param":"top_k","code":"unknown_parameter"}}`, RefusedBadRequest, "Unknown parameter: 'top_k'."},
		{"OpenAI, context", 400, `{"error":{"message":"Your input is too big.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, RefusedContextLength, "Your input is too big."},
		{"vLLM, flat", 400, `{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.","type":"BadRequestError","param":null,"code":400}`, RefusedContextLength, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."},
		{"Azure", 400, `{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400}}`, RefusedContentFilter, "The response was filtered"},
		{"OpenRouter", 403, `{"error":{"code":403,"message":"Your input was flagged by moderation"}}`, RefusedContentFilter, "Your input was flagged by moderation"},
		{"OpenRouter, 200", 200, `{"error":{"code":400,"message":"bad"}}`, RefusedBadRequest, "bad"},
		{"FastAPI", 422, `{"detail":[{"loc":["body","messages"],"msg":"field required"}]}`, RefusedBadRequest, `[{"loc":["body","messages"],"msg":"field required"}]`},
		{"FastAPI, text", 422, `{"detail":"no"}`, RefusedBadRequest, "no"},
		{"Ollama", 400, `{"error":"invalid options"}`, RefusedBadRequest, "invalid options"},
		{"text", 400, "bad\r\n\x1b[31mrequest\x00\u202e", RefusedBadRequest, "bad [31mrequest"},
		{"proxy", 413, "<html><head><title>413 Request Entity Too Large</title></head></html>", RefusedBadRequest, "an HTML page titled 413 Request Entity Too Large"},
		{"long", 400, strings.Repeat("é", 10_000), RefusedBadRequest, strings.Repeat("é", 499) + "…"},
		{"empty", 400, "", RefusedBadRequest, "Bad Request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var calls atomic.Int64
			c := serve(t, Endpoint{}, nil, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			_, err := c.Chat(t.Context(), ask("q"))
			var refused *UnansweredError
			if !errors.As(err, &refused) {
				t.Fatalf("err = %v", err)
			}
			if refused.Kind != tt.kind || refused.Words != tt.words || calls.Load() != 1 {
				t.Errorf("%q: %q after %d calls, want %q: %q", refused.Kind, refused.Words, calls.Load(), tt.kind, tt.words)
			}
		})
	}
}

func TestEndpointErrors(t *testing.T) {
	t.Setenv("TEST_KEY", "sk-0123456789abcdef")
	const page = "<!DOCTYPE html><html><head><title>\n Welcome </title></head></html>"
	tests := []struct {
		name   string
		status int
		keyEnv string
		body   string
		words  string
		hint   string
	}{
		{"no key", 401, "", `{"error":{"message":"Missing key"}}`, "Missing key", "key_env"},
		{"bad key", 401, "TEST_KEY", `{"error":{"message":"Incorrect API key"}}`, "Incorrect API key", "$TEST_KEY"},
		{"no credit", 402, "", `{"error":{"message":"Insufficient credits","code":402}}`, "credits", "credit"},
		{"no quota", 429, "", `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}`, "quota", "credit"},
		{"forbidden", 403, "", `{"error":{"message":"no"}}`, "no", `may not use model "m"`},
		{"no such model", 404, "", `{"object":"error","message":"The model 'm' does not exist.","type":"NotFoundError","code":404}`, "does not exist", "/v1/models"},
		{"no such path", 404, "", `{"detail":"Not Found"}`, "Not Found", "/v1"},
		{"page not found", 404, "", page, "an HTML page titled Welcome", "/v1"},
		{"method", 405, "", `{"detail":"Method Not Allowed"}`, "Method Not Allowed", "/v1"},
		{"page of a proxy", 400, "", page, "Welcome", "/v1"},
		{"TLS expected", 400, "", "Client sent an HTTP request to an HTTPS server.\n", "HTTPS", "https://"},
		{"gone", 410, "", `{}`, "{}", "does not take"},
		{"a page", 200, "", page, "an HTML page titled Welcome", "ends in /v1"},
		{"text", 200, "", "It works!", "not JSON: It works!", "ends in /v1"},
		{"a stream", 200, "", "data: {\"id\":1}\n\ndata: [DONE]\n\n", "stream", "ends in /v1"},
		{"another API", 200, "", `{"choices":"none","model":5}`, "cannot unmarshal", "not a chat completion"},
		{"an array", 200, "", `[]`, "cannot unmarshal", "not a chat completion"},
		{"200 that means 401", 200, "", `{"error":{"message":"No auth","code":401}}`, "No auth", "key_env"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var calls atomic.Int64
			c := serve(t, Endpoint{KeyEnv: tt.keyEnv}, nil, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			_, err := c.Chat(t.Context(), ask("q"))
			var failed *EndpointError
			if !errors.As(err, &failed) {
				t.Fatalf("err = %v", err)
			}
			if calls.Load() != 1 || failed.Tries != 1 {
				t.Errorf("%d calls", calls.Load())
			}
			if !strings.Contains(failed.Words, tt.words) || !strings.Contains(failed.Hint, tt.hint) {
				t.Errorf("words %q, hint %q; want %q, %q", failed.Words, failed.Hint, tt.words, tt.hint)
			}
			for _, part := range []string{c.servers[0].URL, failed.Words, failed.Hint} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestRedirect(t *testing.T) {
	c := serve(t, Endpoint{}, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/chat/completions" {
			http.Redirect(w, r, "/api/v1/chat/completions", http.StatusMovedPermanently)
			return
		}
		t.Errorf("the redirect was followed with a %s", r.Method)
	})
	_, err := c.Chat(t.Context(), ask("q"))
	var failed *EndpointError
	if !errors.As(err, &failed) || !strings.Contains(failed.Words, "/api/v1/chat/completions") || !strings.Contains(failed.Hint, "url") {
		t.Errorf("err = %v", err)
	}
}

func TestTooLargeAnswer(t *testing.T) {
	c := serve(t, Endpoint{}, nil, func(w http.ResponseWriter, r *http.Request) {
		blanks := bytes.Repeat([]byte{' '}, 1<<20)
		for range maxBody>>20 + 1 {
			if _, err := w.Write(blanks); err != nil {
				return
			}
		}
	})
	_, err := c.Chat(t.Context(), ask("q"))
	var failed *UnansweredError
	if !errors.As(err, &failed) || failed.Kind != GaveUp || !strings.Contains(failed.Words, "larger than 64 MB") || failed.Tries != 1 {
		t.Errorf("err = %v", err)
	}
}

// closedPort returns the address of a port that nothing listens on. It is bound, so
// that the kernel gives it to nobody else; the test itself may listen there.
func closedPort(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	var name syscall.Sockaddr
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		name, err = syscall.Getsockname(fd)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

func TestConnectionRefused(t *testing.T) {
	addr := closedPort(t)
	c := client(t, Endpoint{URL: "http://" + addr + "/v1"}, nil, slog.New(slog.DiscardHandler))
	_, err := c.Chat(t.Context(), ask("q"))
	var failed *EndpointError
	if !errors.As(err, &failed) || failed.Tries != 1+unheardRetries || failed.Status != 0 || !strings.Contains(failed.Hint, "start the server") {
		t.Errorf("err = %v", err)
	}

	// One that comes up meanwhile is found.
	var wg sync.WaitGroup
	srv := &http.Server{Handler: say(okBody)}
	c = client(t, Endpoint{URL: "http://" + addr + "/v1", MaxRetries: unheardRetries + 2}, nil, slog.New(slog.DiscardHandler))
	c.firstWait = 50 * time.Millisecond
	wg.Go(func() {
		time.Sleep(10 * time.Millisecond)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		srv.Serve(l) // ends with Close
	})
	if got, err := c.Chat(t.Context(), ask("q")); err != nil || got.Content != "4" {
		t.Errorf("got %+v, %v", got, err)
	}
	srv.Close()
	wg.Wait()
	c.Close() // the idle connection

	// One that went away after it had answered gets all retries.
	c.firstWait = time.Millisecond
	_, err = c.Chat(t.Context(), ask("q"))
	if !errors.As(err, &failed) || failed.Tries != 1+unheardRetries+2 {
		t.Errorf("err = %v", err)
	}
}

func TestTLS(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	srv := httptest.NewUnstartedServer(say(okBody))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	plain := httptest.NewServer(say(okBody))
	defer plain.Close()
	for url, hint := range map[string]string{
		srv.URL + "/v1": "certificate is not trusted",
		strings.Replace(srv.URL, "https", "http", 1):     "https:// instead of http://",
		strings.Replace(plain.URL, "http:", "https:", 1): "http:// instead of https://",
	} {
		_, err := client(t, Endpoint{URL: url}, nil, quiet).Chat(t.Context(), ask("q"))
		var failed *EndpointError
		if !errors.As(err, &failed) || !strings.Contains(failed.Hint, hint) || failed.Tries != 1 {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestCancel(t *testing.T) {
	arrived := make(chan struct{}, 8)
	busy := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(429)
		arrived <- struct{}{}
	}
	hang := func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
	}
	check := func(t *testing.T, c *Pool, r Request, ready func()) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		var cancelled time.Time
		var wg sync.WaitGroup
		wg.Go(func() {
			ready()
			time.Sleep(10 * time.Millisecond)
			cancelled = time.Now()
			cancel()
		})
		_, err := c.Chat(ctx, r)
		took := time.Now()
		wg.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
		if d := took.Sub(cancelled); d > 30*time.Second { // of the 60 that it would wait
			t.Errorf("went on for %s", d)
		}
	}
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c := serve(t, Endpoint{}, nil, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
		if _, err := c.Chat(ctx, ask("q")); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("between tries", func(t *testing.T) {
		check(t, serve(t, Endpoint{}, nil, busy), ask("q"), func() { <-arrived })
	})
	t.Run("during a request", func(t *testing.T) {
		check(t, serve(t, Endpoint{}, nil, hang), ask("q"), func() { <-arrived })
	})
	t.Run("waiting for a slot", func(t *testing.T) {
		c := serve(t, Endpoint{Concurrency: 1}, nil, hang)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { c.Chat(ctx, ask("first")) })
		<-arrived
		check(t, c, ask("second"), func() {})
		cancel()
		wg.Wait()
	})
}

// interrupting is a transport under which the caller is interrupted just when
// the whole answer has arrived.
type interrupting struct {
	next      http.RoundTripper
	interrupt func()
}

func (t interrupting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	t.interrupt()
	return resp, nil
}

func TestInterruptKeepsPaidReply(t *testing.T) {
	j := openJournal(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, Endpoint{}, j, say(okBody))
	s := c.servers[0]
	config := openai.DefaultConfig("")
	config.BaseURL = s.URL
	config.HTTPClient = &http.Client{Transport: bodyEditor{next: interrupting{s.transport, cancel}}}
	s.api = openai.NewClientWithConfig(config)
	if _, err := c.Chat(ctx, ask("q")); err != nil {
		t.Errorf("err = %v", err)
	}
	if ctx.Err() == nil || j.Len() != 1 {
		t.Errorf("interrupted: %v; %d replies kept", ctx.Err(), j.Len())
	}
}

func TestConcurrency(t *testing.T) {
	const limit, requests = 4, 40
	var now, most, opened atomic.Int64
	full := make(chan struct{})
	var once sync.Once
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		if n == limit {
			once.Do(func() { close(full) })
		}
		<-full // the first ones wait for one another
		time.Sleep(2 * time.Millisecond)
		say(okBody)(w, r)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := client(t, Endpoint{URL: srv.URL, Concurrency: limit}, nil, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() {
			if _, err := c.Chat(t.Context(), ask(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() != limit {
		t.Errorf("%d requests at once, want %d", most.Load(), limit)
	}
	// A dial that loses the race against a connection set free is kept, too.
	if opened.Load() > 2*limit {
		t.Errorf("%d connections for %d requests at once", opened.Load(), limit)
	}
}

// No server gets the API key into an error, a log or the journal, however it
// writes it.
func TestKeyNeverLeaks(t *testing.T) {
	const key = "sk-proj/0123456789+abcdef"
	t.Setenv("TEST_KEY", key)
	echo := func(status int, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, format, r.Header.Get("Authorization"))
		}
	}
	escaped := strings.ReplaceAll(key, "/", `\/`)
	tests := map[string]http.HandlerFunc{
		"error":        echo(400, `{"error":{"message":"bad header %s"}}`),
		"unauthorized": echo(401, `{"error":{"message":"bad header %s"}}`),
		"text":         echo(500, "bad header %s"),
		"page":         echo(404, "<html><title>%s</title></html>"),
		"detail":       echo(422, `{"detail":[{"input":"%s"}]}`),
		"unknown JSON": echo(422, `{"headers":{"authorization":"%s"}}`),
		"escaped":      say(`{"error":{"message":"bad ` + escaped + `","code":401}}`),
		"escaped, unknown": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, `{"x":"`+escaped+`"}`)
		},
		"not JSON":   echo(200, "bad header %s"),
		"no choices": echo(200, `{"echo":"%s"}`),
		"wrong JSON": echo(200, `{"choices":"%s"}`),
		"control characters inside": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, key[:9]+"\x00\u200b"+key[9:])
		},
		"at the cut": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, strings.Repeat("x", maxWords-12)+" "+key)
		},
		"redirect":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/?key="+key, http.StatusFound) },
		"bad header": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Retry-After", key); w.WriteHeader(503) },
		"content":    echo(200, strings.ReplaceAll(reply(`{"content":"@","reasoning":"@"}`), "@", "%[1]s")),
		"model":      echo(200, `{"model":"%[1]s","choices":[{"message":{"content":"x"},"finish_reason":"%[1]s"}]}`),
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(handler)
			defer srv.Close()
			dir := t.TempDir()
			var log bytes.Buffer
			c := client(t, Endpoint{URL: srv.URL + "/v1", KeyEnv: "TEST_KEY", MaxRetries: 1}, openJournal(t, dir),
				slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			got, err := c.Chat(t.Context(), ask("q"))
			data, readErr := os.ReadFile(filepath.Join(dir, "journal-00000.jsonl"))
			if readErr != nil {
				t.Fatal(readErr)
			}
			all := fmt.Sprintf("%+v\n%v\n%#v\n%s\n%s\n%+v", got, err, err, &log, data, c.Model())
			for _, part := range []string{key, escaped, key[:12], key[len(key)-12:]} {
				if strings.Contains(all, part) {
					t.Errorf("%q is in %s", part, all)
				}
			}
			if err == nil && !strings.Contains(all, "[API key]") {
				t.Errorf("the reply was not tested: %s", all)
			}
		})
	}
}

func TestRetriesAreLoggedAtABoundedRate(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(503)
		io.WriteString(w, `{"error":{"message":"overloaded"}}`)
	}))
	defer srv.Close()
	var log bytes.Buffer
	c := client(t, Endpoint{URL: srv.URL, MaxRetries: 3}, nil, slog.New(slog.NewTextHandler(&log, nil)))
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			if _, err := c.Chat(t.Context(), ask(fmt.Sprint(i))); err == nil {
				t.Error("no error")
			}
		})
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) < 1 || len(lines) > 10 {
		t.Errorf("%d lines for 90 retries", len(lines))
	}
	for _, want := range []string{"level=WARN", "status=503", "overloaded", "try=", "wait="} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("line %q does not say %s", lines[0], want)
		}
	}
}

func TestNewErrors(t *testing.T) {
	t.Setenv("BLANK_KEY", "  ")
	t.Setenv("ODD_KEY", "sk-secret\nX-Other: 1")
	log := slog.New(slog.DiscardHandler)
	tests := []struct {
		name string
		e    Endpoint
		want string
	}{
		{"no URL", Endpoint{Model: "m"}, "no url"},
		{"no scheme", Endpoint{URL: "localhost:8000/v1", Model: "m"}, `"localhost:8000/v1"`},
		{"other scheme", Endpoint{URL: "ftp://host/v1", Model: "m"}, "http://"},
		{"no host", Endpoint{URL: "http:///v1", Model: "m"}, "host"},
		{"password", Endpoint{URL: "https://user:sk-secret@host/v1", Model: "m"}, "environment variable"},
		{"key in query", Endpoint{URL: "https://host/v1?key=sk-secret", Model: "m"}, "environment variable"},
		{"not a URL", Endpoint{URL: "http://user:sk-secret@host:port\x00/", Model: "m"}, "not a URL"},
		{"method's URL", Endpoint{URL: "https://host/v1/chat/completions/", Model: "m"}, "leave out /chat/completions"},
		{"no model", Endpoint{URL: "http://host/v1"}, "no model"},
		{"unset key", Endpoint{URL: "http://host/v1", Model: "m", KeyEnv: "TINYV_TEST_UNSET"}, `"TINYV_TEST_UNSET"`},
		{"blank key", Endpoint{URL: "http://host/v1", Model: "m", KeyEnv: "BLANK_KEY"}, `"BLANK_KEY"`},
		{"odd key", Endpoint{URL: "http://host/v1", Model: "m", KeyEnv: "ODD_KEY"}, `"ODD_KEY"`},
		{"extra model", Endpoint{URL: "http://host/v1", Model: "m", Extra: map[string]any{"model": "x"}}, `"model"`},
		{"extra stream", Endpoint{URL: "http://host/v1", Model: "m", Extra: map[string]any{"stream": true}}, `"stream"`},
		{"extra n", Endpoint{URL: "http://host/v1", Model: "m", Extra: map[string]any{"n": 2}}, `"n"`},
		{"extra not JSON", Endpoint{URL: "http://host/v1", Model: "m", Extra: map[string]any{"x": map[any]any{1: 2}}}, "extra"},
	}
	for _, tt := range tests {
		_, err := New(t.Context(), Options{Endpoints: []Endpoint{tt.e}, Log: log})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, err := New(t.Context(), Options{Endpoints: []Endpoint{{URL: "http://host/v1", Model: "m"}}}); err == nil {
		t.Error("a pool without a logger was made")
	}
	if _, err := New(t.Context(), Options{Log: log}); err == nil {
		t.Error("a pool without an endpoint was made")
	}
}

func TestDefaults(t *testing.T) {
	c := client(t, Endpoint{URL: "http://host/v1//", Model: "m"}, nil, slog.New(slog.DiscardHandler))
	want := Endpoint{
		URL: "http://host/v1", Model: "m", Identity: "m", Mode: ModeChat, Concurrency: 16, Weight: 1,
		Timeout: 10 * time.Minute, IdleTimeout: 2 * time.Minute, MaxRetries: 8,
	}
	if diff := cmp.Diff(want, c.servers[0].Endpoint); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Chat(t.Context(), Request{}); err == nil {
		t.Error("a request without messages was sent")
	}
}
