package soak

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/internal/sim"
	"tinyv/internal/stagetest"
)

var (
	calls   = flag.Int("calls", 1_000, "calls of the soak test")
	kills   = flag.Int("kills", 2, "how often the kill test kills")
	latency = flag.Duration("latency", 20*time.Millisecond, "mean latency of the server in the kill tests")
	gone    = flag.Duration("gone", time.Second, "for how long the server goes away")
	places  = flag.Int("places", 2, "at how many of its calls that change files a run is killed; 0: at all")
)

var quiet = slog.New(slog.DiscardHandler)

// program is the path of a freshly built tinyv.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tinyv-soak")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tinyv")
	out, err := exec.Command("go", "build", "-o", path, "tinyv/cmd/tinyv").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building tinyv: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func tinyv(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(path, args...)
}

// everyFault is every kind of fault there is, all alike.
func everyFault() []sim.Fault {
	var faults []sim.Fault
	for _, kind := range sim.FaultKinds() {
		faults = append(faults, sim.Fault{Kind: kind})
	}
	return faults
}

// TestSoak makes many calls at a server with 10% faults of every kind: each is
// answered or marked, the counts add up, and nothing is left behind. It runs alone:
// it counts the files and goroutines of the process, and the servers of the other
// tests of this package are in it.
func TestSoak(t *testing.T) {
	world := sim.DefaultWorld()
	world.Faults = sim.Faults{Rate: 0.1, Seed: 1, Kinds: everyFault(), RetryAfter: time.Second, Slow: 100 * time.Millisecond}
	server, err := sim.Start(context.WithoutCancel(t.Context()), world, "", quiet)
	if err != nil {
		t.Fatal(err)
	}
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	dir := t.TempDir()
	j, err := journal.Open(dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := llm.New(t.Context(), llm.Options{Journal: j, Log: quiet, Endpoints: []llm.Endpoint{{
		URL: server.URL(), Model: "sim-annotator-a", Identity: "soak", Simulated: true, Concurrency: 256,
		Timeout: 3 * time.Second, IdleTimeout: time.Second,
	}}})
	if err != nil {
		t.Fatal(err)
	}

	var next, answered atomic.Int64
	var mu sync.Mutex
	marked := map[string]int{}
	var wg sync.WaitGroup
	start := time.Now()
	for range 320 {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(*calls) {
					return
				}
				_, err := pool.Chat(t.Context(), question(world, int(i)))
				var none *llm.UnansweredError
				switch {
				case err == nil:
					answered.Add(1)
				case errors.As(err, &none):
					mu.Lock()
					marked[fmt.Sprintf("%s %d", none.Kind, none.Status)]++
					mu.Unlock()
				default:
					t.Errorf("call %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	done := pool.Calls()
	if err := errors.Join(pool.Close(), j.Close()); err != nil {
		t.Error(err)
	}
	sum := 0
	for _, n := range marked {
		sum += n
	}
	t.Logf("%d calls in %s: %d answered, %d marked %v; failed tries %v; peak memory %d MiB",
		*calls, took.Round(time.Second), answered.Load(), sum, marked, done.Failures, stagetest.PeakMemory()>>20)
	if int(answered.Load())+sum != *calls || done.Paid != answered.Load() || int(done.Unanswered) != sum {
		t.Errorf("%d answered and %d marked of %d; the pool says %+v", answered.Load(), sum, *calls, done)
	}
	if sum == 0 || len(done.Failures) < 15 {
		t.Errorf("the faults were not there: %v", done.Failures)
	}
	r, err := journal.OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Len() != int(answered.Load()) {
		t.Errorf("%d replies in the journal, %d were answered", r.Len(), answered.Load())
	}
	// A reply that comes after the time-out was never durable and is asked for again:
	// when the machine stalls for seconds that happens. There is no other reason.
	stats := statsOf(t, server.URL())
	late := done.Failures["timeout"] + done.Failures["stalled"] - stats.Faults["hang"] - stats.Faults["stall"]
	if stats.AnsweredAgain > late {
		t.Errorf("%d replies were asked for again after a whole one, %d of them were late", stats.AnsweredAgain, late)
	}
	t.Logf("late, and asked for again: %d", stats.AnsweredAgain)
	settle(t, "goroutines", goroutines, runtime.NumGoroutine)
	settle(t, "open files", files+1, func() int { return descriptors(t) }) // the reader's
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}

// question is the ith call, of about 600 bytes.
func question(w *sim.World, i int) llm.Request {
	p := w.Problem(i)
	temperature := 0.0
	return llm.Request{Temperature: &temperature, MaxTokens: 1024, Messages: []llm.Message{{Role: "user", Content: "Judge the answer.\n<question>" + p.Question +
		"</question>\n<ground_truth_answer>" + p.GroundTruth + "</ground_truth_answer>\n<model_answer>" + p.GroundTruth + "</model_answer>\nAnswer as JSON with is_correct."}}}
}

// settle waits until what closes in the background has closed.
func settle(t *testing.T, what string, most int, count func() int) {
	t.Helper()
	n := count()
	for range 100 {
		if n <= most {
			return
		}
		time.Sleep(50 * time.Millisecond)
		n = count()
	}
	t.Errorf("%d %s, %d before", n, what, most)
}

func descriptors(t testing.TB) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("counts open files in /proc")
	}
	return len(entries)
}

// cpu is the processor time that this process has used.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverStats is what a simulated server says of itself.
type serverStats struct {
	AnsweredAgain int64            `json:"answered_again"` // requests answered whole that had been answered whole before
	Faults        map[string]int64 `json:"faults"`
}

func statsOf(t testing.TB, url string) serverStats {
	t.Helper()
	resp, err := http.Get(strings.TrimSuffix(url, "/v1") + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var stats serverStats
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil || len(stats.Faults) == 0 {
		t.Fatalf("the server's statistics: %+v, %v", stats, err)
	}
	http.DefaultClient.CloseIdleConnections()
	return stats
}

// ledger is a simulated server that writes into every reply the number of its
// request, so that a reply in a journal tells which request it answers, and that
// keeps count of the replies it gave.
type ledger struct {
	*httptest.Server
	sim http.Handler

	mu    sync.Mutex
	asked map[string]int // requests by number, those that failed too
}

func newLedger(t *testing.T, world *sim.World) *ledger {
	l := &ledger{sim: sim.NewServer(world, quiet).Handler(), asked: map[string]int{}}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var asked struct {
		Model    string
		Messages any
		Seed     json.Number
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sum := sha256.Sum256(fmt.Append(nil, asked))
	number := hex.EncodeToString(sum[:8])
	l.mu.Lock()
	l.asked[number]++
	l.mu.Unlock()

	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	l.sim.ServeHTTP(answer, r)
	var reply map[string]any
	if answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &reply) != nil || reply["choices"] == nil {
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
		return
	}
	reply["model"] = fmt.Sprintf("%s#%s", reply["model"], number)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(reply)
}

// counts are the requests so far.
func (l *ledger) counts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.asked)
}

// config writes a config of a whole run at the server.
func (l *ledger) config(t *testing.T, problems int) string { return configAt(t, l.URL+"/v1", problems) }

func configAt(t *testing.T, url string, problems int) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	prompts := filepath.Join(root, "configs", "prompts")
	dir := t.TempDir()
	var input strings.Builder
	world := sim.DefaultWorld()
	for p := range world.Problems(problems) {
		data, err := json.Marshal(map[string]any{"problem": p.Question, "answer": p.GroundTruth, "source": p.Source})
		if err != nil {
			t.Fatal(err)
		}
		input.Write(append(data, '\n'))
	}
	write(t, filepath.Join(dir, "problems.jsonl"), input.String())
	path := filepath.Join(dir, "run.yaml")
	write(t, path, fmt.Sprintf(`seed: 1
problems: {path: problems.jsonl}
gen:
  endpoint: {url: %[1]q, model: sim-solver, concurrency: 24}
  samples: 4
  max_tokens: 4096
label:
  annotators:
    - {name: a, prompt: %[2]s/judge-json.txt, parser: json, endpoint: {url: %[1]q, model: sim-annotator-a, concurrency: 24}}
    - {name: b, prompt: %[2]s/judge-true-false.txt, parser: true_false, endpoint: {url: %[1]q, model: sim-annotator-b, concurrency: 24}}
balance: {ratio: "1:1"}
export: {prompt: %[2]s/train.txt}
`, url, prompts))
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// durable lists the numbers of the requests whose replies a journal holds.
func durable(t *testing.T, dir string) map[string]bool {
	t.Helper()
	numbers := map[string]bool{}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return numbers
	}
	r, err := journal.OpenReader(dir)
	if errors.Is(err, journal.ErrNone) { // killed before the first segment was made
		return numbers
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for record, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		_, number, ok := strings.Cut(record.Reply.Model, "#")
		if !ok {
			t.Fatalf("a reply of model %q", record.Reply.Model)
		}
		numbers[number] = true
	}
	return numbers
}

// outputs are the files of a run, without what differs from run to run: times in
// manifests, and the journal.
func outputs(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "journal") || d.Name() == "manifest.json" {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files in %s: %v", len(files), dir, err)
	}
	return files
}

func sameOutputs(t *testing.T, a, b string) {
	t.Helper()
	first, second := outputs(t, a), outputs(t, b)
	if len(first) != len(second) {
		t.Errorf("%d and %d files", len(first), len(second))
	}
	for name, text := range first {
		if second[name] != text {
			t.Errorf("%s differs", name)
		}
	}
}
