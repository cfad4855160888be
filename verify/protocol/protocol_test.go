package protocol_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"tinyv/internal/rows"
	"tinyv/verify/prime"
	"tinyv/verify/protocol"
)

// run answers text and returns what was written and which lines were bad.
func run(t testing.TB, in string) (protocol.Counts, string, map[int64]string) {
	t.Helper()
	var out bytes.Buffer
	bad := map[int64]string{}
	counts, err := protocol.Run(t.Context(), prime.Verifier{}, rows.LinesOf("test", strings.NewReader(in)), &out, func(line int64, err error) { bad[line] = err.Error() })
	if err != nil {
		t.Fatal(err)
	}
	return counts, out.String(), bad
}

func TestMembersAreCopiedToTheLetter(t *testing.T) {
	in := `{"z": 1.50e+03, "ground_truth": "2", "a": {"y": [1, 2],  "x": null}, "prediction": "2", "u": "\u00e9<&>", "big": 12345678901234567890}`
	want := `{"z":1.50e+03,"ground_truth":"2","a":{"y": [1, 2],  "x": null},"prediction":"2","u":"\u00e9<&>","big":12345678901234567890,"correct":true,"extracted":"2","reason":"math_normal_form"}` + "\n"
	if _, got, _ := run(t, in); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// An earlier verdict is replaced, so that a file can be verified again.
	if _, got, _ := run(t, `{"correct": false, "ground_truth": "2", "prediction": "2", "reason": "x", "extracted": 7}`); got != `{"ground_truth":"2","prediction":"2","correct":true,"extracted":"2","reason":"math_normal_form"}`+"\n" {
		t.Errorf("got %s", got)
	}
}

func TestBadRows(t *testing.T) {
	big := strings.Repeat("step ", 1<<20)
	in := strings.Join([]string{
		`{"ground_truth": "2", "prediction": "2"}`, ``, `{"prediction": "2"}`, `{"ground_truth": null, "prediction": "2"}`, `{"ground_truth": "2", "prediction": 2}`,
		`{"ground_truth": "2"}`, `{"ground_truth": "2", "prediction": "2", "response": "2"}`, "{\"ground_truth\": \"\xff\", \"prediction\": \"2\"}", `[1]`, `{`,
		`{"ground_truth": "2", "response": "` + big + `\\boxed{2}"}`, `{"ground_truth": "2", "prediction": "2", "question": 5}`, `{"ground_truth": "", "response": ""}`,
	}, "\n")
	counts, out, bad := run(t, in)
	for line, want := range map[int64]string{
		3: "no ground_truth", 4: "ground_truth is null", 5: "prediction is a number", 6: "wanted one of", 7: "wanted one of", 8: "UTF-8", 9: "a list", 10: "not JSON", 12: "question is a number",
	} {
		if !strings.Contains(bad[line], want) {
			t.Errorf("line %d: %q does not say %q", line, bad[line], want)
		}
		delete(bad, line)
	}
	if len(bad) > 0 {
		t.Errorf("also bad: %v", bad)
	}
	if counts.Rows != 12 || counts.Bad != 9 || counts.Correct < 2 {
		t.Errorf("counts %+v", counts)
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 12 || !strings.Contains(lines[9], `"correct":true`) {
		t.Errorf("%d lines; the answer to 5 MB ends in %.80q", len(lines), lines[9][max(0, len(lines[9])-80):])
	}
}

// numbered yields rows without holding them.
func numbered(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		for i := range n {
			if _, err := fmt.Fprintf(w, `{"ground_truth": "%d", "response": "%s \\boxed{%d}", "i": %d}`+"\n", i, strings.Repeat("x", 500), i, i); err != nil {
				return
			}
		}
		w.Close()
	}()
	return r
}

func TestOrderAndMemory(t *testing.T) {
	const n = 60_000 // 33 MB of rows
	check := &checker{t: t}
	counts, err := protocol.Run(t.Context(), prime.Verifier{}, rows.LinesOf("test", numbered(n)), check, func(int64, error) {})
	if err != nil || counts.Correct != n || check.next != n {
		t.Errorf("%+v, %d rows in order, %v", counts, check.next, err)
	}
	if check.most > 24<<20 {
		t.Errorf("the heap held %d MiB", check.most>>20)
	}
}

// checker wants rows in order and looks at the heap now and then.
type checker struct {
	t    *testing.T
	rest []byte
	next int
	most uint64
}

func (c *checker) Write(p []byte) (int, error) {
	c.rest = append(bytes.Clone(c.rest), p...)
	for {
		i := bytes.IndexByte(c.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		if want := fmt.Sprintf(`"i":%d,"correct":true`, c.next); !bytes.Contains(c.rest[:i], []byte(want)) {
			c.t.Fatalf("row %d is %.100s", c.next, c.rest[:i])
		}
		c.rest = c.rest[i+1:]
		if c.next++; c.next%10_000 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			c.most = max(c.most, m.HeapAlloc)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := protocol.Run(ctx, prime.Verifier{}, rows.LinesOf("test", strings.NewReader(`{"ground_truth": "2", "prediction": "2"}`)), io.Discard, func(int64, error) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// FuzzRun wants one line of valid JSON for every line that is not blank.
func FuzzRun(f *testing.F) {
	f.Add(`{"ground_truth": "2", "prediction": "2"}`)
	f.Add(`{"ground_truth": "2", "response": "\\boxed{", "": 1, "correct": []}` + "\n\n{}")
	f.Add("{\"ground_truth\": \"\\ud800\"}\n\xff\n[")
	f.Add(`{"a":1,"a":2,"ground_truth":"x","prediction":"y"} {"b":1}`)
	f.Fuzz(func(t *testing.T, in string) {
		want := 0
		for _, line := range strings.Split(in, "\n") {
			if len(bytes.TrimSpace([]byte(line))) > 0 {
				want++
			}
		}
		in = strings.TrimPrefix(in, "\ufeff")
		_, out, _ := run(t, in)
		if got := strings.Count(out, "\n"); got != want {
			t.Fatalf("%d lines answer %d", got, want)
		}
		for line := range strings.Lines(out) {
			if !json.Valid([]byte(line)) {
				t.Fatalf("not JSON: %s", line)
			}
		}
	})
}

var streamRows = flag.Int("rows", 1_000_000, "rows of the longer run of BenchmarkStream")

// BenchmarkStream reports the most memory that the process held, for a short and
// a long stream of rows. `make memory` runs it with ten million.
func BenchmarkStream(b *testing.B) {
	for _, n := range []int{10_000, *streamRows} {
		b.Run(fmt.Sprint("rows=", n), func(b *testing.B) {
			var most uint64
			for b.Loop() {
				runtime.GC()
				debug.FreeOSMemory()
				done := make(chan struct{})
				watched := make(chan struct{})
				go func() {
					defer close(watched)
					tick := time.NewTicker(50 * time.Millisecond)
					defer tick.Stop()
					for {
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						most = max(most, m.Sys-m.HeapReleased)
						select {
						case <-done:
							return
						case <-tick.C:
						}
					}
				}()
				counts, err := protocol.Run(b.Context(), prime.Verifier{}, rows.LinesOf("bench", numbered(n)), io.Discard, func(int64, error) {})
				close(done)
				<-watched
				if err != nil || counts.Correct != int64(n) {
					b.Fatal(counts, err)
				}
			}
			b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkRun(b *testing.B) {
	var in bytes.Buffer
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&in, `{"ground_truth": "\\frac{%d}{7}", "response": "%s \\boxed{%d/7}"}`+"\n", i, strings.Repeat("so we get ", 40), i+i%2)
	}
	b.SetBytes(int64(in.Len()))
	for b.Loop() {
		if _, err := protocol.Run(b.Context(), prime.Verifier{}, rows.LinesOf("bench", bytes.NewReader(in.Bytes())), io.Discard, func(int64, error) {}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
