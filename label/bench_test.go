package label

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"tinyv/internal/rows"
	"tinyv/internal/sim"
	"tinyv/internal/stagetest"
	"tinyv/verify"
	"tinyv/verify/model"
)

// BenchmarkKnownReplies labels b.N rows with two annotators whose replies are all in
// the journal; the size is -benchtime 250000x. Filling the journal first is
// not counted.
func BenchmarkKnownReplies(b *testing.B) {
	w := &sim.World{Seed: 1, Annotators: map[string]sim.Annotator{"one": {Sensitivity: 0.9, Specificity: 0.9}, "two": {Sensitivity: 0.9, Specificity: 0.9}}}
	server, err := sim.Start(context.WithoutCancel(b.Context()), w, "", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	var in []rows.Response
	for i := range b.N {
		p := w.Problem(i)
		answer := fmt.Sprint(p.GroundTruth, " or so ", i)
		in = append(in, rows.Response{
			ProblemID: p.ProblemID, Source: p.Source, Question: p.Question, GroundTruth: p.GroundTruth,
			Boxed: &answer, Extracted: answer, Rule: "prime", RuleCorrect: new(bool), FinishReason: "stop",
		})
	}
	gen := stagetest.Finished(b, "gen", "responses", in, nil, nil)
	in = nil
	journal := b.TempDir()
	o := Options{Vote: verify.Unanimous, RequireBoxed: true}
	for _, name := range []string{"one", "two"} {
		a := judges(b, server.URL(), name)[0]
		a.Verifier = model.New(model.Profile{Name: name, Prompt: prompt(b), Parser: "json", Attempts: 1}, openPool(b, server.URL(), name, filepath.Join(journal, name)))
		a.Concurrency = 64
		o.Annotators = append(o.Annotators, a)
	}
	if _, err := Run(b.Context(), stagetest.Env(), filepath.Join(b.TempDir(), "label"), gen, "", o); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	m, err := Run(b.Context(), stagetest.Env(), filepath.Join(b.TempDir(), "label"), gen, "", o)
	b.StopTimer()
	if err != nil || m.Spent.PaidCalls != 0 || m.Rows["responses"].Out != int64(b.N) {
		b.Fatalf("%+v, %v", m, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(stagetest.PeakMemory())/1e6, "MB-peak")
}
