package llm

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tinyv/internal/sim"
)

// A pool in batch mode gives the replies that asking one by one gives, retries what
// failed or expired, and pays for nothing twice.
func TestBatchMode(t *testing.T) {
	world := sim.DefaultWorld()
	world.Batch = sim.Batch{Failed500: 0.1, Failed400: 0.05, Expired: 0.1}
	server, err := sim.Start(t.Context(), world, "", quietLog)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const n = 100
	request := func(i int) Request {
		p := world.Problem(i)
		return ask(p.Question + " Solve it.")
	}
	chatDir, batchDir := t.TempDir(), t.TempDir()
	one := Endpoint{URL: server.URL(), Model: sim.SolverModel, Identity: "solver", Simulated: true}
	chat := pool(t, Options{Endpoints: []Endpoint{one}, Journal: openJournal(t, chatDir)})
	many := one
	many.Mode = ModeBatch
	p := pool(t, Options{
		Endpoints: []Endpoint{many}, Journal: openJournal(t, filepath.Join(batchDir, "journal")),
		BatchDir: batchDir, BatchGather: 20 * time.Millisecond, BatchPoll: 5 * time.Millisecond,
	})
	if p.Concurrency() != DefaultBatchConcurrency {
		t.Errorf("concurrency is %d", p.Concurrency())
	}
	refused := map[int]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			got, err := p.Chat(t.Context(), request(i))
			var none *UnansweredError
			if errors.As(err, &none) && none.Status == 400 {
				mu.Lock()
				refused[i] = true
				mu.Unlock()
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			want, err := chat.Chat(t.Context(), request(i))
			if err != nil || want.Content != got.Content || want.PromptTokens != got.PromptTokens || !got.Paid || got.Batch == "" {
				t.Errorf("request %d: %+v, alone %+v, %v", i, got, want, err)
			}
		})
	}
	wg.Wait()
	if len(refused) == 0 || len(refused) > n/4 {
		t.Errorf("%d of %d refused", len(refused), n)
	}
	if c := p.Calls(); c.Paid != int64(n-len(refused)) || c.Failures["500"] == 0 {
		t.Errorf("calls %+v", c)
	}
	for i := range n {
		if refused[i] {
			continue // it has no reply yet
		}
		if got, err := p.Chat(t.Context(), request(i)); err != nil || got.Paid {
			t.Errorf("request %d was paid for twice", i)
			break
		}
	}
}

func TestNoBatchThere(t *testing.T) {
	s := newSite(t, status(404, `{"detail":"Not Found"}`))
	e := s.endpoint()
	e.Mode = ModeBatch
	p := pool(t, Options{Endpoints: []Endpoint{e}, BatchDir: t.TempDir(), BatchGather: 20 * time.Millisecond})
	_, err := p.Chat(t.Context(), ask("q"))
	var failed *EndpointError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "mode: batch") {
		t.Errorf("err = %v", err)
	}
	if _, err := New(t.Context(), Options{Endpoints: []Endpoint{e}, Log: quietLog}); err == nil {
		t.Error("a batch endpoint without a directory was opened")
	}
}
