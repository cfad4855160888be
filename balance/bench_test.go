package balance

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
)

// BenchmarkBalance balances b.N annotations of some 400 bytes of text, four of
// each problem, and keeps the largest set of 1:1: run it with -benchtime 1000000x or
// 10000000x, which takes about 0.6 KB of disk a row below TMPDIR. The peak is that
// of the process, and so counts the making of the rows; -run '^$' keeps tests out.
func BenchmarkBalance(b *testing.B) {
	if b.N < 1000 {
		return // the trial that comes before every benchmark
	}
	labels := generated(b, b.N)
	dir := filepath.Join(b.TempDir(), "balance")
	b.ResetTimer()
	m, err := Run(b.Context(), stagetest.Env(), dir, labels, Options{Seed: 1, Ratio: "1:1", EvalShare: 0.05, MaxPerProblem: 100})
	if err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if m.Rows["annotations"].In != int64(b.N) {
		b.Fatalf("%d rows of %d", m.Rows["annotations"].In, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(stagetest.PeakMemory())/1e6, "peak-MB")
}

// generated makes a finished label stage of so many rows.
func generated(b *testing.B, n int) string {
	dir := filepath.Join(b.TempDir(), "label")
	s, _, err := manifest.Begin(dir, "label", nil, nil, []string{"annotations-*"})
	if err != nil {
		b.Fatal(err)
	}
	w, err := rows.Create[rows.Annotation](dir, "annotations", "parquet", 0)
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	var problem rows.Annotation
	for i := range n {
		if i%4 == 0 {
			problem = rows.Annotation{
				ProblemID: fmt.Sprintf("%016x", random.Uint64()), Source: fmt.Sprint("source", random.IntN(12)), Domain: []string{"Mathematics -> Algebra -> Other"},
				Question: prose(random, 35), GroundTruth: fmt.Sprint(random.IntN(1000)), Rule: "prime", LabelReason: "unanimous",
			}
		}
		a := problem
		a.Sample, a.Answer = int32(i%4), fmt.Sprintf(`\frac{%d}{%d}`, random.IntN(1000), random.IntN(1000))
		a.Extracted, a.Label = a.Answer, []*bool{yes, no, no}[random.IntN(3)]
		a.Origin = []string{rows.OriginSampled, rows.OriginSampled, rows.OriginSampled, rows.OriginSynthetic}[random.IntN(4)]
		a.Votes = []rows.AnnotatorVote{{Annotator: "judge", Model: "a-model-7b", Correct: a.Label, Reason: prose(random, 8), Reply: prose(random, 10), FinishReason: "stop", PromptTokens: 200, CompletionTokens: 30}}
		if err := w.Write(a); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Finish(w.Files(), map[string]*manifest.Counts{"responses": {In: int64(n), Out: int64(n)}}, nil, nil, false); err != nil {
		b.Fatal(err)
	}
	if size, err := os.Stat(filepath.Join(dir, w.Files()[0])); err == nil {
		b.Logf("%d rows; the first part has %d bytes", n, size.Size())
	}
	return dir
}

func prose(random *rand.Rand, n int) string {
	var s strings.Builder
	for range n {
		fmt.Fprintf(&s, "w%x ", random.Uint64N(1+random.Uint64N(1<<20)))
	}
	return s.String()
}
