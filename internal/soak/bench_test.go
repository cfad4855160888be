package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/internal/ordered"
	"tinyv/internal/sim"
	"tinyv/internal/stage"
	"tinyv/internal/stagetest"
)

var (
	serverURL = flag.String("server", "", "base URL of a running simulated server, for the benchmarks; default is one of their own")
	questions = flag.String("questions", "", "write the questions of the benchmarks to this file and do nothing else")
)

const benchModel = "sim-annotator-a"

// startServer starts `tinyv sim` as a process of its own, so that what it costs is
// not counted as the client's.
func startServer(b *testing.B, flags ...string) string {
	b.Helper()
	if *serverURL != "" {
		return *serverURL
	}
	cmd := tinyv(b, append([]string{"sim", "--addr", "127.0.0.1:0"}, flags...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(line)
	return fields[len(fields)-1]
}

// drive makes b.N calls, inFlight at once, as a stage makes them: through a pool
// with a journal on the disk, in the order of the input.
func drive(b *testing.B, url string, inFlight int) {
	b.Helper()
	j, err := journal.Open(b.TempDir(), quiet)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	pool, err := llm.New(b.Context(), llm.Options{Journal: j, Log: quiet, Endpoints: []llm.Endpoint{{
		URL: url, Model: benchModel, Simulated: true, Concurrency: inFlight,
	}}})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	world := sim.DefaultWorld()
	in := func(yield func(llm.Request, error) bool) {
		for i := range b.N {
			if !yield(question(world, i), nil) {
				return
			}
		}
	}
	ask := func(ctx context.Context, r llm.Request) (llm.Reply, error) { return pool.Chat(ctx, r) }
	before, start := cpu(b), time.Now()
	b.ResetTimer()
	for _, err := range ordered.Map(b.Context(), in, stage.Workers(inFlight), stage.Window(inFlight), ask) {
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	took, used := time.Since(start), cpu(b)-before
	b.ReportMetric(float64(b.N)/took.Seconds(), "calls/s")
	b.ReportMetric(used.Seconds()/took.Seconds(), "cores")
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "µs-cpu/call")
	b.ReportMetric(float64(stagetest.PeakMemory())/1e6, "MB-peak")
}

// BenchmarkInFlight is 2,000 calls in flight at a server that takes a second for
// each: the ideal is 2,000 calls/s. Run it with -benchtime 120000x.
func BenchmarkInFlight(b *testing.B) {
	drive(b, startServer(b, "--latency", "1s"), 2000)
}

// BenchmarkClient is what a call costs the client when the server answers at once.
func BenchmarkClient(b *testing.B) {
	drive(b, startServer(b), 2000)
}

// TestWriteQuestions writes the benchmarks' questions for the Python peer.
func TestWriteQuestions(t *testing.T) {
	if *questions == "" {
		t.Skip("writes a file only where -questions names one")
	}
	f, err := os.Create(*questions)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	world := sim.DefaultWorld()
	for i := range *calls {
		data, err := json.Marshal(question(world, i).Messages[0].Content)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, string(data)+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}
