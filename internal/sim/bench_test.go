package sim

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkCallers measures replies over loopback HTTP with 256 callers, without
// latency, and with 2,000 at one second, where 2,000 replies/s are the ideal. The
// cores are those of server and callers together, who share the process.
func BenchmarkCallers(b *testing.B) {
	for _, c := range []struct {
		name    string
		callers int
		latency time.Duration
	}{{"256", 256, 0}, {"2000at1s", 2000, time.Second}} {
		b.Run(c.name, func(b *testing.B) { benchmarkCallers(b, c.callers, c.latency) })
	}
}

func benchmarkCallers(b *testing.B, callers int, latency time.Duration) {
	r, err := Start(b.Context(), &World{Latency: latency}, "", quiet)
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	calls := make(chan int)
	var working sync.WaitGroup
	for range callers {
		working.Go(func() {
			for i := range calls {
				resp, err := client.Post(r.URL()+"/chat/completions", "application/json", strings.NewReader(batchBody(i)))
				if err != nil {
					b.Error(err)
					continue
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
					b.Errorf("status %d: %v", resp.StatusCode, err)
				}
				resp.Body.Close()
			}
		})
	}
	b.ReportAllocs()
	cpu := cpuTime(b)
	b.ResetTimer()
	for i := range b.N {
		calls <- i
	}
	close(calls)
	working.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "replies/s")
	b.ReportMetric((cpuTime(b)-cpu).Seconds()/b.Elapsed().Seconds(), "cores")
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.Sys>>20), "MB")
	client.CloseIdleConnections()
	if err := r.Close(); err != nil {
		b.Error(err)
	}
}

func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
