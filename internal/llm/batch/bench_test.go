package batch

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkFullBatch is 50,000 calls that wait for one batch of 4 KiB requests.
func BenchmarkFullBatch(b *testing.B) {
	const n = DefaultMaxRequests
	text := strings.Repeat("x", 4096)
	for b.Loop() {
		b.StopTimer()
		f := newFake(b)
		q, err := open(b.Context(), Options{
			URL: f.URL + "/v1", HTTP: keyed(), Dir: b.TempDir(), MaxBytes: 1e9,
			Gather: time.Hour, Poll: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		}, quick)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				id := fmt.Sprintf("%064x", i)
				body, _ := json.Marshal(map[string]string{"say": text})
				if res, err := q.Do(b.Context(), id, body); err != nil || res.Status != 200 {
					b.Errorf("%s: %v", id, err)
				}
				q.Keep(id)
			})
		}
		for q.Progress().Waiting < n {
			time.Sleep(10 * time.Millisecond)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapInuse+m.StackInuse)/n, "bytes/waiting-call")
		q.mu.Lock()
		q.seal()
		q.mu.Unlock()
		wg.Wait()
		b.StopTimer()
		q.Close()
		f.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "requests/s")
}
