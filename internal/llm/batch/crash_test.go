package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// world is what outlives a process: the server, the directory, and the caller's
// journal of replies.
type world struct {
	t *testing.T
	f *fake

	mu  sync.Mutex
	now *process

	// crash is asked before and after each request that the server handles. Both
	// are called with the mutex held.
	crash func(r *http.Request, handled bool) bool
	fault func(r *http.Request) bool // the answer gets lost
}

type process struct {
	dir     string
	mu      sync.Mutex
	journal map[string]string
	dead    chan struct{} // closed when it is killed
	next    *process      // what it left
}

func newProcess(t *testing.T) *process {
	return &process{dir: t.TempDir(), journal: map[string]string{}, dead: make(chan struct{})}
}

func (p *process) isDead() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// signed is a client whose requests say which process sends them.
type signed struct {
	next    http.RoundTripper
	process string
}

func (s signed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Process", s.process)
	return s.next.RoundTrip(r)
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, f: newFake(t)}
	w.now = newProcess(t)
	w.f.fate = func(id string, tries int) string {
		switch {
		case id == "refused":
			return "400"
		case id == "expires" && tries == 0:
			return "expired"
		}
		return ""
	}
	w.f.intercept = func(rw http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
		answer := w.serve(r, handle)
		if answer == nil { // nobody will read it
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		if answer.lost {
			panic(http.ErrAbortHandler)
		}
		answer.send(rw)
	}
	return w
}

// serve handles a request, unless its process is dead or dies of it. One at a
// time, so that nothing is done for a process between its death and the moment
// its directory is frozen.
func (w *world) serve(r *http.Request, handle http.HandlerFunc) *held {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.now
	if r.Header.Get("Process") != p.dir || p.isDead() {
		return nil
	}
	if w.crash(r, false) {
		w.kill(p)
		return nil
	}
	answer := &held{header: http.Header{}, lost: w.fault(r)}
	handle(answer, r)
	if w.crash(r, true) {
		w.kill(p)
		return nil
	}
	return answer
}

// held is an answer that is not sent yet.
type held struct {
	header http.Header
	status int
	body   []byte
	lost   bool // on the way
}

func (h *held) Header() http.Header { return h.header }
func (h *held) WriteHeader(code int) {
	h.status = code
}
func (h *held) Write(p []byte) (int, error) {
	h.body = append(h.body, p...)
	return len(p), nil
}
func (h *held) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), h.header)
	if h.status != 0 {
		w.WriteHeader(h.status)
	}
	w.Write(h.body)
}

// kill freezes what is on disk at this moment. What the process does after it
// is seen by nobody.
func (w *world) kill(p *process) {
	next := newProcess(w.t)
	copyDir(w.t, p.dir, next.dir)
	p.mu.Lock() // after the directory: what it says is kept is in the journal
	next.journal = maps.Clone(p.journal)
	p.mu.Unlock()
	p.next = next
	close(p.dead)
}

// copyDir copies a directory that may be in use. The state file comes last, as
// it is what a batch loses first.
func copyDir(t *testing.T, from, to string) {
	for _, name := range dirs(t, from) {
		if err := os.Mkdir(filepath.Join(to, name), 0o755); err != nil {
			t.Error(err)
		}
		for _, file := range []string{inputName, outputName, errorsName, keptName, stateName} {
			data, err := os.ReadFile(filepath.Join(from, name, file))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(to, name, file), data, 0o644)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// live runs one process until all ids are in the journal, or it is killed,
// which it returns.
func (w *world) live(ids []string, small int) bool {
	w.t.Helper()
	w.mu.Lock()
	p := w.now
	w.mu.Unlock()
	has := func(id string) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		_, ok := p.journal[id]
		return ok
	}
	q, err := open(w.t.Context(), Options{
		URL: w.f.URL + "/v1", HTTP: &http.Client{Transport: signed{keyed().Transport, p.dir}}, Dir: p.dir, MaxRequests: small, Kept: has,
		Gather: 3 * time.Millisecond, Poll: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}, quick)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for _, id := range ids {
		if has(id) {
			continue
		}
		wg.Go(func() {
			res, err := q.Do(ctx, id, body(id))
			if err != nil {
				if !p.isDead() {
					w.t.Errorf("%s: %v", id, err)
				}
				return
			}
			p.mu.Lock()
			p.journal[id] = fmt.Sprintf("%d %s", res.Status, res.Body)
			p.mu.Unlock()
			q.Keep(id)
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	select {
	case <-p.dead:
	case <-finished:
	}
	cancel()
	<-finished
	if err := q.Close(); err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.isDead() {
		w.now = p.next
		return true
	}
	return false
}

// check says whether all was answered, paid for once, and cleaned up.
func (w *world) check(ids []string) {
	w.t.Helper()
	var paid []string
	for _, id := range ids {
		want := "200 " + echo(id)
		if id == "refused" {
			want = `400 {"error":{"message":"no"}}`
		} else {
			paid = append(paid, id)
		}
		if got := w.now.journal[id]; got != want {
			w.t.Errorf("%s: %s", id, got)
		}
	}
	w.f.paidOnce(paid...)
	if left := dirs(w.t, w.now.dir); len(left) > 0 {
		w.t.Errorf("left on disk: %v", left)
	}
}

// A process that is killed before or after any of its calls reaches the server
// loses nothing and pays nothing twice, whichever it is.
func TestKilledBetweenAnySteps(t *testing.T) {
	all := []string{"a", "b", "refused", "expires"}
	reached := true
	steps := map[string]bool{}
	cut := 0
	for ; reached; cut++ {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			w := newWorld(t)
			moment := -1
			reached = false
			w.fault = func(*http.Request) bool { return false }
			w.crash = func(r *http.Request, handled bool) bool {
				moment++
				if moment == cut {
					reached = true
					steps[fmt.Sprintf("%s handled=%v", r.Method, handled)] = true
				}
				return moment == cut
			}
			killed := w.live(all, 100)
			if killed != reached {
				t.Fatalf("killed is %v, reached is %v", killed, reached)
			}
			if killed && w.live(all, 100) {
				t.Fatal("killed twice")
			}
			// A batch that holds nothing but errors by then is removed by the next Open.
			w.live(nil, 100)
			w.check(all)
		})
	}
	if cut < 20 || len(steps) != 4 {
		t.Errorf("killed at %d moments only: %v", cut, slices.Sorted(maps.Keys(steps)))
	}
}

// Many deaths of one run, amid answers that get lost after the server has done
// what it was asked to.
func TestManyDeaths(t *testing.T) {
	all := []string{"refused", "expires"}
	for i := range 30 {
		all = append(all, fmt.Sprintf("id-%d", i))
	}
	deaths, lost := 0, 0
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t)
			random := rand.New(rand.NewPCG(seed, 0))
			budget := 12
			w.crash = func(*http.Request, bool) bool {
				if budget == 0 || random.Float64() > 0.06 {
					return false
				}
				budget--
				return true
			}
			w.fault = func(r *http.Request) bool {
				if random.Float64() > 0.15 {
					return false
				}
				lost++
				return true
			}
			for w.live(all, 7) {
				deaths++
			}
			w.mu.Lock()
			budget = 0
			w.mu.Unlock()
			w.live(nil, 7)
			w.check(all)
		})
	}
	if deaths < 30 || lost < 30 {
		t.Errorf("%d deaths and %d lost answers are too few to say anything", deaths, lost)
	}
}
