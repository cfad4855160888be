package journal

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// words make texts that compress about as replies on maths do.
var words = strings.Fields(`we have the equation so let x be a root of this polynomial and then since both sides are
equal it follows that \frac{1}{2} \sqrt{3} x^2+1 = 0 therefore must hold for all integers n \geq 1 however wait check that again
substitute into gives \boxed{ } \left( \right) \cdot a_{n+1} mod p sum of first terms is \pi r^2 triangle angle circle radius area
ratio probability 3 7 12 144 0.25 -5 k<-5 answer hence we conclude prime factor even odd Step case 1: case 2:`)

// mathsReply is a reply of about size bytes that reads like one on maths.
func mathsReply(n, size int) Reply {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(words[random.IntN(len(words))])
		if b.WriteByte(' '); random.IntN(8) == 0 {
			fmt.Fprintf(&b, "%d ", random.IntN(1000))
		}
	}
	return Reply{
		Content: b.String(), FinishReason: "stop", Model: "Qwen2.5-72B-Instruct", Identity: "Qwen/Qwen2.5-72B-Instruct",
		PromptTokens: int64(300 + random.IntN(500)), CompletionTokens: int64(size / 4), CostUSD: new(float64(size) / 1e7),
		LatencyMS: float64(random.IntN(60_000)), Host: "gpu-03.cluster:8000", Time: time.Date(2026, 11, 21, 10, 0, 0, n, time.UTC),
	}
}

// putAll puts replies 0 to n-1 with as many callers.
func putAll(b testing.TB, j *Journal, n, callers, size int) {
	work := make(chan int)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range work {
				if err := j.Put(b.Context(), keyOf(i), mathsReply(i, size)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
}

func BenchmarkPut(b *testing.B) {
	for _, callers := range []int{1, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			j := mustOpen(b, b.TempDir(), nil)
			r := mathsReply(0, 4096)
			work := make(chan int)
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for n := range work {
						if err := j.Put(b.Context(), keyOf(n), r); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.SetBytes(4096)
			for n := 0; b.Loop(); n++ {
				work <- n
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "replies/s")
		})
	}
}

// BenchmarkGet looks up replies of 4 KiB where they can lie: in the newest segment,
// in sealed ones, in compacted ones at random and in the order of the file, and
// one that is not there.
func BenchmarkGet(b *testing.B) {
	const n = 20_000
	bench := func(name string, j *Journal, next func(i int) Key, there bool) {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				if _, ok, err := j.Get(next(i)); err != nil || ok != there {
					b.Fatal(ok, err)
				}
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lookups/s")
		})
	}
	keys := make([]Key, n)
	for i := range keys {
		keys[i] = keyOf(i)
	}
	random := func(int) Key { return keys[rand.IntN(n)] }
	inOrder := func(i int) Key { return keys[i%n] }
	absent := func(i int) Key { k := keys[i%n]; k[31] ^= 1; return k }

	dir := b.TempDir()
	j := openSmall(b, dir, 1<<40, nil)
	putAll(b, j, n, 256, 4096)
	bench("newest", j, random, true)
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	j = openSmall(b, dir, 1, nil)
	bench("sealed", j, random, true)
	bench("absent", j, absent, false)
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	if _, err := Compact(b.Context(), dir, slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
	j = openSmall(b, dir, segmentBytes, nil)
	bench("compacted/random", j, random, true)
	bench("compacted/in-order", j, inOrder, true)
}

// millionEnv names a directory with room for 5 GB, which BenchmarkMillion needs.
const millionEnv = "TINYV_JOURNAL_BENCH_DIR"

// BenchmarkMillion makes a journal of a million replies of 4 KiB, opens it, looks
// up in it, and compacts it.
func BenchmarkMillion(b *testing.B) {
	if os.Getenv(millionEnv) == "" {
		b.Skipf("needs 5 GB of disk; set %s to a directory", millionEnv)
	}
	const n = 1_000_000
	dir, err := os.MkdirTemp(os.Getenv(millionEnv), "journal")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	quiet := slog.New(slog.DiscardHandler)
	j, err := Open(dir, quiet)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	putAll(b, j, n, 256, 3700)
	b.Logf("put %d replies in %v", n, time.Since(start))
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	measure := func(name string) {
		b.Run(name+"/open", func(b *testing.B) {
			for b.Loop() {
				j, err := Open(dir, quiet)
				if err != nil || j.Len() != n {
					b.Fatal(err)
				}
				j.Close()
			}
		})
		before := heap()
		j, err := Open(dir, quiet)
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%s: %.1f bytes of memory a reply, %.0f on disk", name, float64(heap()-before)/n, float64(onDisk(b, dir))/n)
		b.Run(name+"/get", func(b *testing.B) {
			for b.Loop() {
				if _, ok, err := j.Get(keyOf(rand.IntN(n))); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	measure("plain")
	start = time.Now()
	if _, err := Compact(b.Context(), dir, quiet); err != nil {
		b.Fatal(err)
	}
	b.Logf("compacted in %v", time.Since(start))
	measure("compacted")
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func onDisk(b testing.TB, dir string) (bytes int64) {
	for _, name := range names(b, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			b.Fatal(err)
		}
		bytes += info.Size()
	}
	return bytes
}
