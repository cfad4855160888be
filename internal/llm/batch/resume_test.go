package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// until waits for something that another goroutine brings about.
func until(t *testing.T, what string, there func() bool) {
	t.Helper()
	for range 60_000 {
		if there() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s did not happen", what)
}

// stopAt runs a process that is closed when a request for path arrives.
func stopAt(t *testing.T, f *fake, o Options, method, path string, ids ...string) {
	t.Helper()
	arrived := make(chan struct{})
	var once sync.Once
	f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
		if r.Method == method && strings.HasPrefix(r.URL.Path, path) {
			once.Do(func() { close(arrived) })
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		handle(w, r)
	}
	o.Gather = together
	q := start(t, o)
	var wg sync.WaitGroup
	wg.Go(func() {
		for id, r := range ask(t.Context(), q, ids...) {
			if !errors.Is(r.err, ErrClosed) {
				t.Errorf("%s: %+v", id, r)
			}
		}
	})
	<-arrived
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	f.intercept = nil
}

// Results are fetched although nobody asks, and stay on disk for whoever does,
// processes later.
func TestResultsWaitOnDisk(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	stopAt(t, f, o, "GET", "/v1/batches/", "a", "b")
	q := start(t, o)
	until(t, "the fetch", func() bool { return q.Progress().Batches == 0 })
	q.Close()
	f.intercept = func(w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		t.Errorf("%s %s, when all results are on disk", r.Method, r.URL)
		w.WriteHeader(500)
	}
	for _, id := range []string{"a", "b"} {
		q = start(t, o)
		if r := ask(t.Context(), q, id)[id]; r.err != nil || string(r.Body) != echo(id) || r.Batch != "batch_0" {
			t.Errorf("%s: %+v", id, r)
		}
		q.Keep(id)
		q.Close()
	}
	if left := dirs(t, dir); len(left) > 0 {
		t.Errorf("left on disk: %v", left)
	}
	f.paidOnce("a", "b")
}

// An error among results on disk does not hide that its request is under way
// again.
func TestErrorBesideNewTry(t *testing.T) {
	f := newFake(t)
	f.fate = func(id string, tries int) string {
		if id == "b" && tries == 0 {
			return "500"
		}
		return ""
	}
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	o.Gather = together
	q := start(t, o)
	if r := ask(t.Context(), q, "a", "b")["b"]; r.Status != 500 {
		t.Errorf("%+v", r)
	}
	q.Close() // a is not kept
	q = start(t, o)
	if r := ask(t.Context(), q, "b")["b"]; r.Status != 500 { // the next process is told once more
		t.Errorf("%+v", r)
	}
	var wg sync.WaitGroup
	wg.Go(func() { ask(t.Context(), q, "b") })
	until(t, "the second batch", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.batches) == 2 })
	wg.Wait()
	q.Close()
	// As if the process had died before it saw the end of the second batch.
	for _, name := range dirs(t, dir) {
		path := filepath.Join(dir, name, stateName)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "batch_1") {
			data = []byte(strings.Replace(string(data), `"step": "fetched"`, `"step": "created"`, 1))
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	q = start(t, o)
	defer q.Close()
	if r := ask(t.Context(), q, "b")["b"]; r.err != nil || r.Status != 200 {
		t.Errorf("%+v", r)
	}
	f.paidOnce("a", "b")
}

// What was not created costs nothing yet, so only what is asked for again is
// sent.
func TestNotCreatedIsForgotten(t *testing.T) {
	for _, step := range []step{written, uploaded, creating} {
		t.Run(string(step), func(t *testing.T) {
			f := newFake(t)
			dir := t.TempDir()
			o, _ := options(t, f, dir)
			stopAt(t, f, o, "POST", "/v1/batches", "a", "b", "c")
			setStep(t, dir, creating, step)
			q := start(t, o)
			defer q.Close()
			if r := ask(t.Context(), q, "b")["b"]; r.err != nil || string(r.Body) != echo("b") {
				t.Errorf("%+v", r)
			}
			f.paidOnce("b")
		})
	}
}

// setStep takes the only batch on disk to another step.
func setStep(t *testing.T, dir string, from, to step) {
	t.Helper()
	path := filepath.Join(dir, dirs(t, dir)[0], stateName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was := fmt.Sprintf(`"step": %q`, from)
	if !strings.Contains(string(data), was) {
		t.Fatalf("%s has no %s: %s", path, was, data)
	}
	data = []byte(strings.Replace(string(data), was, fmt.Sprintf(`"step": %q`, to), 1))
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A caller that still reads keeps the files from being removed.
func TestReaderBesideKeep(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	q := start(t, o)
	defer q.Close()
	ask(t.Context(), q, "a")
	until(t, "the end of the batch", func() bool { return q.Progress().Batches == 0 })
	r, err := q.claim("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Keep("a")
	if got, err := r.answer.read(r.batch); err != nil || string(got.Body) != echo("a") {
		t.Errorf("%+v, %v", got, err)
	}
	q.leave(r)
	waitGone(t, dir)
}

// A create without a clear answer that arrives only after the list was searched
// makes a twin. The twin is cancelled when it is seen.
func TestTwin(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	o, log := options(t, f, dir)
	stopAt(t, f, o, "GET", "/v1/batches/", "a")
	setStep(t, dir, created, creating)
	f.fate = func(string, int) string { return "silent" }
	f.mu.Lock()
	twin := *f.batches[0]
	twin.id = "batch_twin"
	f.batches = append(f.batches, &twin)
	f.mu.Unlock()
	q := start(t, o)
	defer q.Close()
	if r := ask(t.Context(), q, "a")["a"]; r.err != nil || string(r.Body) != echo("a") {
		t.Errorf("%+v", r)
	}
	var status []string
	for _, b := range f.batches {
		status = append(status, b.status)
	}
	slices.Sort(status)
	if got := fmt.Sprint(status); got != "[cancelled completed]" || !strings.Contains(log.String(), "twice") {
		t.Errorf("batches are %s; the log: %s", got, log)
	}
}

// A server that loses metadata is searched by the input file.
func TestNoMetadata(t *testing.T) {
	f := newFake(t)
	first := true
	f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
		if r.Method == "POST" && r.URL.Path == "/v1/batches" {
			handle(nowhere{}, r)
			f.mu.Lock()
			f.batches[0].metadata = "null"
			f.mu.Unlock()
			if first {
				first = false
				panic(http.ErrAbortHandler)
			}
		}
		handle(w, r)
	}
	o, _ := options(t, f, t.TempDir())
	q := start(t, o)
	defer q.Close()
	if r := ask(t.Context(), q, "a")["a"]; r.err != nil {
		t.Errorf("%+v", r)
	}
	f.paidOnce("a")
}

// A log of kept ids that ends in half a line loses that line and no other.
func TestTornLogOfKept(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	o.Gather = together
	q := start(t, o)
	all := ids(3)
	ask(t.Context(), q, all...)
	q.Keep(all[0])
	q.Close()
	path := filepath.Join(dir, dirs(t, dir)[0], keptName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, all[1][:20]...), 0o644); err != nil {
		t.Fatal(err)
	}
	q = start(t, o)
	q.Keep(all[2])
	q.Close()
	q = start(t, o)
	defer q.Close()
	if n := len(q.requests); n != 1 || q.requests[all[1]] == nil {
		t.Errorf("%d replies are not kept, want the second alone", n)
	}
	q.Keep(all[1])
	waitGone(t, dir)
}

// A damaged input file of a batch that is paid for is not guessed around.
func TestDamagedInput(t *testing.T) {
	f := newFake(t)
	dir := t.TempDir()
	o, _ := options(t, f, dir)
	stopAt(t, f, o, "GET", "/v1/batches/", "a", "b")
	path := filepath.Join(dir, dirs(t, dir)[0], inputName)
	if err := os.WriteFile(path, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), path+", line 1") || !strings.Contains(err.Error(), "batch_0") {
		t.Errorf("err = %v", err)
	}
}

// The context of Open ends the queue.
func TestContextOfOpen(t *testing.T) {
	f := newFake(t)
	o, _ := options(t, f, t.TempDir())
	o.Gather = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	q, err := open(ctx, o, quick)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		if r := ask(t.Context(), q, "a")["a"]; !errors.Is(r.err, context.Canceled) {
			t.Errorf("%+v", r)
		}
	})
	until(t, "the call", func() bool { return q.Progress().Waiting == 1 })
	cancel()
	wg.Wait()
	if _, err := q.Do(t.Context(), "b", body("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

// A transfer in which nothing moves is begun anew.
func TestStalls(t *testing.T) {
	f := newFake(t)
	var mu sync.Mutex
	seen := map[string]bool{}
	f.intercept = func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
		mu.Lock()
		first := !seen[r.Method+r.URL.Path]
		seen[r.Method+r.URL.Path] = true
		mu.Unlock()
		if first {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		handle(w, r)
	}
	o, log := options(t, f, t.TempDir())
	impatient := quick
	impatient.call, impatient.stall = 200*time.Millisecond, 200*time.Millisecond
	q, err := open(t.Context(), o, impatient)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if r := ask(t.Context(), q, "a")["a"]; r.err != nil || string(r.Body) != echo("a") {
		t.Errorf("%+v: %s", r, log)
	}
	f.paidOnce("a")
}

// A server that never answered is given up early, with what to look at.
func TestNobodyThere(t *testing.T) {
	f := newFake(t)
	o, _ := options(t, f, t.TempDir())
	f.Close()
	impatient := quick
	impatient.unheard = 0
	q, err := open(t.Context(), o, impatient)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if r := ask(t.Context(), q, "a")["a"]; r.err == nil || !strings.Contains(r.err.Error(), "connection refused") || !strings.Contains(r.err.Error(), o.URL) {
		t.Errorf("%+v", r)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "-3": 0, "NaN": 0, "soon": 0,
		"7":                             7 * time.Second,
		"0.25":                          250 * time.Millisecond,
		"1e300":                         maxRetryAfter,
		"Fri, 20 Nov 2026 12:00:05 GMT": 5 * time.Second,
		"Fri, 20 Nov 2026 11:00:00 GMT": 0,
		"Fri, 27 Nov 2026 11:00:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}
