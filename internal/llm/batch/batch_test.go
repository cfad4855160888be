package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tinyv/internal/stagetest/buffer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quick = patience{
	first:   time.Millisecond,
	longest: 5 * time.Millisecond,
	total:   time.Minute,
	unheard: time.Minute,
	call:    time.Minute,
	stall:   time.Minute,
	settle:  time.Millisecond,
}

// keyed is a client that adds a key, as the pool's does.
func keyed() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true // so that no idle connection looks like a leak
	return &http.Client{Transport: addKey{t}}
}

const secret = "sk-0123456789abcdef"

type addKey struct{ next http.RoundTripper }

func (a addKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+secret)
	return a.next.RoundTrip(r)
}

func options(t *testing.T, f *fake, dir string) (Options, *buffer.Locked) {
	log := &buffer.Locked{}
	return Options{
		URL: f.URL + "/v1", HTTP: keyed(), Dir: dir,
		Gather: 5 * time.Millisecond, Poll: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}, log
}

// together keeps requests that are made at once in one batch, also where the machine
// stalls between two of them.
const together = 200 * time.Millisecond

func start(t *testing.T, o Options) *Queue {
	t.Helper()
	q, err := open(t.Context(), o, quick)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func body(id string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf("{\n \"model\": \"m\", \"say\": %q, \"seed\": 12345678901234567890}", id))
}

func echo(id string) string {
	return fmt.Sprintf(`{"echo":{"model":"m","say":%q,"seed":12345678901234567890}}`, id)
}

type outcome struct {
	Result
	err error
}

// ask does all requests at once.
func ask(ctx context.Context, q *Queue, ids ...string) map[string]outcome {
	var (
		mu  sync.Mutex
		wg  sync.WaitGroup
		got = map[string]outcome{}
	)
	for _, id := range ids {
		wg.Go(func() {
			res, err := q.Do(ctx, id, body(id))
			mu.Lock()
			defer mu.Unlock()
			got[id] = outcome{res, err}
		})
	}
	wg.Wait()
	return got
}

func ids(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%064x", i+1))
	}
	return all
}

// dirs lists what batches left on disk.
func dirs(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// waitGone waits until no batch is on disk. The last caller may be answered a
// little before its batch is done with.
func waitGone(t *testing.T, dir string) {
	t.Helper()
	for range 60_000 {
		if len(dirs(t, dir)) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("left on disk: %v", dirs(t, dir))
}

func TestAnswers(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	o, log := options(t, f, dir)
	o.MaxRequests = 3
	q := start(t, o)
	defer q.Close()
	all := ids(10)
	got := ask(t.Context(), q, all...)
	for _, id := range all {
		if r := got[id]; r.err != nil || r.Status != 200 || string(r.Body) != echo(id) || !strings.HasPrefix(r.Batch, "batch_") {
			t.Errorf("%s: %+v", id, r)
		}
	}
	f.paidOnce(all...)
	if len(f.batches) < 4 {
		t.Errorf("%d batches for 10 requests, at most 3 in each", len(f.batches))
	}
	if diff := cmp.Diff(map[string]bool{"Bearer " + secret: true}, f.auth); diff != "" {
		t.Error(diff)
	}

	// Asked again, the answers come from the disk, until they are kept.
	if again := ask(t.Context(), q, all...); cmp.Diff(got, again, cmp.AllowUnexported(outcome{})) != "" {
		t.Errorf("answered %v, then %v", got, again)
	}
	f.paidOnce(all...)
	if n := len(dirs(t, dir)); n != len(f.batches) {
		t.Errorf("%d directories for %d batches", n, len(f.batches))
	}
	noSecret(t, dir, log)
	for i, id := range all {
		if len(dirs(t, dir)) == 0 {
			t.Errorf("nothing on disk when %d replies were kept", i)
		}
		q.Keep(id)
	}
	waitGone(t, dir)
	if diff := cmp.Diff(Progress{Done: 10}, q.Progress()); diff != "" {
		t.Error(diff)
	}
}

func noSecret(t *testing.T, dir string, log *buffer.Locked) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("the log holds the key: %s", log)
	}
}

// What becomes of one request among others.
func TestFates(t *testing.T) {
	const bad = `{"error":{"message":"no"}}`
	tests := []struct {
		name    string
		fates   []string // in one batch after the other
		status  string   // of the first batch
		want    outcome
		wantErr string
		log     string
		batches int
	}{
		{name: "400", fates: []string{"400"}, want: outcome{Result: Result{Status: 400, Body: []byte(bad)}}, batches: 1},
		{name: "429 in the output file", fates: []string{"output 429"}, want: outcome{Result: Result{Status: 429, Body: []byte(bad)}}, batches: 1},
		{name: "500", fates: []string{"500"}, want: outcome{Result: Result{Status: 500, Body: []byte(bad)}}, batches: 1},
		{name: "error without an answer", fates: []string{"failure"}, want: outcome{Result: Result{Status: 500, Body: []byte(`{"error":{"code":"server_error","message":"oh"}}`)}}, batches: 1},
		{name: "expired", fates: []string{"expired", ""}, status: "expired", log: "expired=1", want: ok, batches: 2},
		{name: "expired again and again", fates: []string{"expired", "expired", "expired", "expired", "expired", ""}, status: "expired", want: ok, batches: 6},
		{name: "cancelled", fates: []string{"cancelled"}, status: "cancelled", log: "cancelled=1", wantErr: "was cancelled at the server", batches: 1},
		{name: "cancelled without a word", fates: []string{"silent"}, status: "cancelled", log: "cancelled=1", wantErr: "was cancelled at the server", batches: 1},
		{name: "twice", fates: []string{"twice"}, log: "duplicates=1", want: ok, batches: 1},
		{name: "results of a stranger", fates: []string{"stranger"}, log: "not in the batch", want: ok, batches: 1},
		{name: "missing", fates: []string{"silent", ""}, log: "missing=1", want: ok, batches: 2},
		{name: "malformed", fates: []string{"garbled", ""}, log: "malformed_lines=1", want: ok, batches: 2},
		{name: "malformed for ever", fates: []string{"garbled", "garbled", "garbled"}, wantErr: "none had a readable result", batches: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they wait
			f := newFake(t)
			all := ids(3)
			sick := all[1]
			// Goes with it into every batch, for a batch of which nothing can be read is
			// another case.
			const company = "company"
			f.fate = func(id string, tries int) string {
				switch {
				case id == company && tries < tt.batches-1:
					return "expired"
				case id == sick && tries < len(tt.fates):
					return tt.fates[tries]
				}
				return ""
			}
			f.status = func(n int) string {
				if n == 0 {
					return tt.status
				}
				return ""
			}
			dir := t.TempDir()
			o, log := options(t, f, dir)
			o.Gather = together
			q := start(t, o)
			defer q.Close()
			if tt.batches > 1 && tt.status == "" {
				all = append(all, company)
			}
			got := ask(t.Context(), q, all...)
			for _, id := range []string{all[0], all[2]} {
				if r := got[id]; r.err != nil || r.Status != 200 || string(r.Body) != echo(id) {
					t.Errorf("%s beside it: %+v", id, r)
				}
			}
			r := got[sick]
			switch {
			case tt.wantErr != "":
				if r.err == nil || !strings.Contains(r.err.Error(), tt.wantErr) || !strings.Contains(r.err.Error(), "batch_") {
					t.Errorf("got %+v, want an error with %q", r, tt.wantErr)
				}
			case tt.want.Status == 200:
				if r.err != nil || string(r.Body) != echo(sick) {
					t.Errorf("got %+v", r)
				}
			default:
				if r.err != nil || r.Status != tt.want.Status || string(r.Body) != string(tt.want.Body) {
					t.Errorf("got %+v %s, want %+v", r, r.Body, tt.want)
				}
			}
			f.mu.Lock()
			if tries := f.tries[sick]; tries != tt.batches {
				t.Errorf("it was in %d batches, want %d", tries, tt.batches)
			}
			f.mu.Unlock()
			until(t, "saying "+tt.log+" in the log", func() bool { return strings.Contains(log.String(), tt.log) })
		})
	}
}

var ok = outcome{Result: Result{Status: 200}}

// An error is handed out once: to ask again is to send again. It does not keep
// the batch on disk.
func TestErrorIsForgotten(t *testing.T) {
	f := newFake(t)
	f.fate = func(id string, tries int) string { return []string{"500", ""}[tries] }
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	q := start(t, o)
	defer q.Close()
	if r := ask(t.Context(), q, "a")["a"]; r.Status != 500 {
		t.Errorf("got %+v", r)
	}
	waitGone(t, dir)
	if r := ask(t.Context(), q, "a")["a"]; r.Status != 200 {
		t.Errorf("got %+v", r)
	}
}

// A file of results that was cut off on the way is read again before anything
// in it is paid for again.
func TestDamagedDownload(t *testing.T) {
	f := newFake(t)
	all := ids(20)
	downloads := 0
	f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
		if strings.HasSuffix(r.URL.Path, "/content") {
			if downloads++; downloads < 3 {
				f.mu.Lock()
				data := f.files[r.PathValue("id")+f.batches[0].output]
				f.mu.Unlock()
				w.Write(data[:len(data)/downloads-20])
				return
			}
		}
		handle(w, r)
	}
	o, _ := options(t, f, t.TempDir())
	o.Gather = together
	q := start(t, o)
	defer q.Close()
	for id, r := range ask(t.Context(), q, all...) {
		if r.err != nil || string(r.Body) != echo(id) {
			t.Errorf("%s: %+v", id, r)
		}
	}
	f.paidOnce(all...)
}

// If no line can be read, nothing is sent again: the next run reads the file anew.
func TestUnreadableResults(t *testing.T) {
	f := newFake(t)
	broken := true
	f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
		if broken && strings.HasSuffix(r.URL.Path, "/content") {
			io.WriteString(w, "<html>we are sorry</html>")
			return
		}
		handle(w, r)
	}
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	q := start(t, o)
	for range 2 {
		if r := ask(t.Context(), q, "a")["a"]; r.err == nil || !strings.Contains(r.err.Error(), "no line of the results") {
			t.Errorf("got %+v", r)
		}
	}
	q.Close()
	broken = false
	q = start(t, o)
	defer q.Close()
	if r := ask(t.Context(), q, "a")["a"]; r.err != nil || string(r.Body) != echo("a") {
		t.Errorf("got %+v", r)
	}
	f.paidOnce("a")
}

func TestLimits(t *testing.T) {
	line, err := inputLine("00", body("00"))
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(line))
	tests := []struct {
		name string
		set  func(*Options)
		want []int // requests in each batch
	}{
		{"requests", func(o *Options) { o.MaxRequests = 3 }, []int{3, 3, 1}},
		{"one by one", func(o *Options) { o.MaxRequests = 1 }, []int{1, 1, 1, 1, 1, 1, 1}},
		{"bytes, exactly", func(o *Options) { o.MaxBytes = 4 * size }, []int{4, 3}},
		{"bytes, one too few", func(o *Options) { o.MaxBytes = 4*size - 1 }, []int{3, 3, 1}},
		{"tokens", func(o *Options) { o.MaxTokens = 2 * tokens(line) }, []int{2, 2, 2, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they wait
			f := newFake(t)
			o, _ := options(t, f, t.TempDir())
			o.Gather = time.Second // so that a stall of the machine does not end a batch early
			tt.set(&o)
			under := 0
			if tt.name == "tokens" {
				f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
					handle(w, r)
					f.mu.Lock()
					defer f.mu.Unlock()
					under = 0
					for _, b := range f.batches {
						if b.status != b.final {
							under++
						}
					}
					if under > 1 {
						t.Errorf("%d batches under way, each with all the tokens there may be", under)
					}
				}
			}
			q := start(t, o)
			defer q.Close()
			var all []string
			for i := range 7 {
				all = append(all, fmt.Sprintf("%02d", i))
			}
			for id, r := range ask(t.Context(), q, all...) {
				if r.err != nil || string(r.Body) != echo(id) {
					t.Errorf("%s: %+v", id, r)
				}
			}
			f.paidOnce(all...)
			sizes, want := map[int]int{}, map[int]int{}
			for _, b := range f.batches {
				sizes[b.total]++
				if n := int64(len(f.files[b.input])); n > q.o.MaxBytes {
					t.Errorf("a file of %d bytes", n)
				}
			}
			for _, n := range tt.want {
				want[n]++
			}
			if diff := cmp.Diff(want, sizes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrongRequests(t *testing.T) {
	f := newFake(t)
	o, _ := options(t, f, t.TempDir())
	o.MaxBytes = 200
	q := start(t, o)
	defer q.Close()
	for name, c := range map[string]struct{ id, body string }{
		"no id":      {"", "{}"},
		"id":         {"a\"b", "{}"},
		"long id":    {strings.Repeat("a", 65), "{}"},
		"not JSON":   {"a", "{"},
		"two values": {"a", "{}{}"},
		"nothing":    {"a", ""},
	} {
		if _, err := q.Do(t.Context(), c.id, json.RawMessage(c.body)); err == nil || errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := q.Do(t.Context(), "a", json.RawMessage(`"`+strings.Repeat("x", 200)+`"`)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
	if r := ask(t.Context(), q, "a")["a"]; r.err != nil || string(r.Body) != echo("a") {
		t.Errorf("after them: %+v", r)
	}
	f.paidOnce("a")
}

// What the server's failed validation says reaches everybody who waits, and the
// batch is sent again only by a later process.
func TestRefused(t *testing.T) {
	f := newFake(t)
	f.status = func(n int) string { return []string{"failed", ""}[n] }
	f.problems = func(int) string {
		return `{"code":"invalid_model","message":"no such model","line":2},{"code":"x","message":"y"},{"code":"x","message":"y"},{"code":"x","message":"y"}`
	}
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	o.Gather = together
	q := start(t, o)
	for range 2 {
		for id, r := range ask(t.Context(), q, "a", "b") {
			for _, want := range []string{"batch_0", dir, "input.jsonl, line 2: invalid_model: no such model", "cost nothing", "and 1 more"} {
				if r.err == nil || !strings.Contains(r.err.Error(), want) {
					t.Errorf("%s: %+v, want %q", id, r, want)
				}
			}
		}
	}
	q.Close()
	q = start(t, o)
	defer q.Close()
	for id, r := range ask(t.Context(), q, "a", "b") {
		if r.err != nil || string(r.Body) != echo(id) {
			t.Errorf("%s: %+v", id, r)
		}
	}
	f.paidOnce("a", "b")
}

// An account that has no room for more tokens gets the batch later.
func TestTokenLimit(t *testing.T) {
	f := newFake(t)
	f.status = func(n int) string {
		if n < 3 {
			return "failed"
		}
		return ""
	}
	f.problems = func(int) string {
		return `{"code":"token_limit_exceeded","message":"Enqueued token limit reached"}`
	}
	o, log := options(t, f, t.TempDir())
	q := start(t, o)
	defer q.Close()
	if r := ask(t.Context(), q, "a")["a"]; r.err != nil || string(r.Body) != echo("a") {
		t.Errorf("got %+v", r)
	}
	f.paidOnce("a")
	if n := strings.Count(log.String(), "no room"); n != 3 {
		t.Errorf("said %d times: %s", n, log)
	}
}

// Transient failures of each call, before and after the server did what it was
// asked to.
func TestTransientFailures(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "0.001")
			w.WriteHeader(code)
			io.WriteString(w, `{"error":{"message":"busy `+secret+`","type":"server_error"}}`)
		}
	}
	faults := map[string]http.HandlerFunc{
		"408": status(408), "409": status(409), "429": status(429), "500": status(500), "503": status(503), "529": status(529),
		"reset": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"cut off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"id":`)
		},
		"page": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(502); io.WriteString(w, "<html>") },
	}
	for name, fault := range faults {
		for _, done := range []bool{false, true} {
			if done && name == "429" {
				continue // that is a refusal
			}
			t.Run(fmt.Sprintf("%s, done %v", name, done), func(t *testing.T) {
				f := newFake(t)
				var mu sync.Mutex
				seen := map[string]int{}
				f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
					mu.Lock()
					seen[r.Method+r.URL.Path]++
					first := seen[r.Method+r.URL.Path] <= 2
					mu.Unlock()
					if !first {
						handle(w, r)
						return
					}
					if done {
						handle(nowhere{}, r)
					}
					io.Copy(io.Discard, r.Body)
					fault(w, r)
				}
				dir := t.TempDir()
				o, log := options(t, f, dir)
				q := start(t, o)
				defer q.Close()
				for id, r := range ask(t.Context(), q, "a", "b") {
					if r.err != nil || string(r.Body) != echo(id) {
						t.Errorf("%s: %+v", id, r)
					}
				}
				f.paidOnce("a", "b")
				noSecret(t, dir, log)
			})
		}
	}
}

// nowhere is the answer of a server that nobody hears.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// What no other call would escape ends all calls, and says what to do.
func TestFinalFailures(t *testing.T) {
	tests := []struct {
		name, path, answer string
		status             int
		want               string
		others             bool // other batches go on
	}{
		{name: "no files", path: "/files", status: 404, answer: "404 page not found", want: "remove mode: batch"},
		{name: "no batches", path: "/batches", status: 404, answer: `{"detail":"Not Found"}`, want: "remove mode: batch"},
		{name: "not that method", path: "/batches", status: 405, answer: "", want: "remove mode: batch"},
		{name: "key", path: "/files", status: 401, answer: `{"error":{"message":"Incorrect API key"}}`, want: "Incorrect API key"},
		{name: "rights", path: "/batches", status: 403, answer: `{"error":{"message":"missing scope"}}`, want: "missing scope"},
		{name: "credit", path: "/batches", status: 429, answer: `{"error":{"message":"quota","code":"insufficient_quota"}}`, want: "topping up"},
		{name: "refused", path: "/batches", status: 400, answer: `{"error":{"message":"billing hard limit"}}`, want: "billing hard limit", others: true},
		{name: "batch is gone", path: "/batches/batch_0", status: 404, answer: `{"error":{"message":"No batch"}}`, want: "was the key changed", others: true},
		{name: "results are gone", path: "/content", status: 404, answer: `{"error":{"message":"No file"}}`, want: "deleted there", others: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			var mu sync.Mutex
			calls := 0
			f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
				if strings.HasSuffix(r.URL.Path, tt.path) {
					mu.Lock()
					calls++
					n := calls
					mu.Unlock()
					if n == 1 || !tt.others {
						io.Copy(io.Discard, r.Body)
						http.Error(w, tt.answer, tt.status)
						return
					}
				}
				handle(w, r)
			}
			o, _ := options(t, f, t.TempDir())
			o.Gather = together
			q := start(t, o)
			defer q.Close()
			for id, r := range ask(t.Context(), q, "a", "b") {
				if r.err == nil || !strings.Contains(r.err.Error(), tt.want) || !strings.Contains(r.err.Error(), fmt.Sprint(tt.status)) {
					t.Errorf("%s: %v, want %q", id, r.err, tt.want)
				}
			}
			r := ask(t.Context(), q, "later")["later"]
			if tt.others != (r.err == nil) {
				t.Errorf("after it: %+v", r)
			}
			if calls != 1 && !tt.others {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

// A caller that leaves takes nothing with it.
func TestCallerLeaves(t *testing.T) {
	f := newFake(t)
	release := make(chan struct{})
	f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
		if r.URL.Path == "/v1/batches/batch_0" {
			<-release
		}
		handle(w, r)
	}
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	q := start(t, o)
	defer q.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if r := ask(ctx, q, "a")["a"]; !errors.Is(r.err, context.Canceled) {
			t.Errorf("got %+v", r)
		}
	})
	for q.Progress().Batches == 0 {
		time.Sleep(time.Millisecond)
	}
	if diff := cmp.Diff(Progress{Batches: 1, Waiting: 1}, q.Progress()); diff != "" {
		t.Error(diff)
	}
	cancel()
	wg.Wait()
	close(release)
	if r := ask(t.Context(), q, "a")["a"]; r.err != nil || string(r.Body) != echo("a") {
		t.Errorf("got %+v", r)
	}
	f.paidOnce("a")
}

func TestOneProcessAtATime(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	q := start(t, o)
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("err = %v", err)
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	if _, err := q.Do(t.Context(), "a", body("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("err = %v", err)
	}
	start(t, o).Close()
}

func TestDamagedState(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "abc"), 0o755); err != nil {
		t.Fatal(err)
	}
	o, _ := options(t, f, dir)
	path := filepath.Join(dir, "abc", stateName)
	for _, data := range []string{"{", "", `{"id":"other","step":"created"}`} {
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", data, err)
		}
	}
}
