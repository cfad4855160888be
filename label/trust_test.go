package label

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/sim"
	"tinyv/internal/stagetest"
	"tinyv/verify"
	"tinyv/verify/model"
	"tinyv/verify/prime"
)

// worldAnswers are answers of the simulated solver to n problems of w, with the
// world's truth, as responses that the rule has rejected.
func worldAnswers(t testing.TB, w *sim.World, url string, problems, samples int) []rows.Response {
	t.Helper()
	pool := openPool(t, url, sim.SolverModel, "")
	responses := make([]rows.Response, problems*samples)
	var wg sync.WaitGroup
	limit := make(chan struct{}, 32)
	for i := range responses {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			p, seed := w.Problem(i/samples), int64(i)
			reply, err := pool.Chat(t.Context(), llm.Request{Messages: []llm.Message{{Role: "user", Content: p.Question}}, Seed: &seed})
			if err != nil {
				t.Error(err)
				return
			}
			e := prime.Extract(reply.Content)
			if !e.HasBox {
				return
			}
			correct, known := w.Truth(i/samples, e.Boxed)
			if !known {
				t.Errorf("the world does not know its own answer %q to problem %d", e.Boxed, i/samples)
			}
			responses[i] = rows.Response{
				ProblemID: p.ProblemID, Source: p.Source, Question: p.Question, GroundTruth: p.GroundTruth, Sample: int32(i % samples),
				Boxed: &e.Boxed, Extracted: e.Answer, Rule: "prime", RuleCorrect: new(bool), FinishReason: "stop", KnownCorrect: &correct, Simulated: true,
			}
		})
	}
	wg.Wait()
	kept := responses[:0]
	for _, r := range responses {
		if r.Boxed != nil {
			kept = append(kept, r)
		}
	}
	return kept
}

func openPool(t testing.TB, url, modelName, journalDir string) *llm.Pool {
	t.Helper()
	o := llm.Options{Log: slog.New(slog.DiscardHandler), Endpoints: []llm.Endpoint{{URL: url, Model: modelName, Simulated: true, Concurrency: 32}}}
	if journalDir != "" {
		j, err := journal.Open(journalDir, o.Log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		o.Journal = j
	}
	pool, err := llm.New(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// prompt is that of the JSON judge.
func prompt(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "configs", "prompts", "judge-json.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func judges(t testing.TB, url string, names ...string) []Annotator {
	t.Helper()
	var annotators []Annotator
	for _, name := range names {
		profile := model.Profile{Name: name, Prompt: prompt(t), Parser: "json", Attempts: 1}
		annotators = append(annotators, Annotator{Name: name, Verifier: model.New(profile, openPool(t, url, name, "")), Concurrency: 32, Simulated: true})
	}
	return annotators
}

// TestVoteIsAsGoodAsTheorySays labels answers whose truth is known with annotators
// of stated sensitivity and specificity: the precision and recall of the labels
// must be what theory says, within 99.9% of chance.
func TestVoteIsAsGoodAsTheorySays(t *testing.T) {
	const sens1, spec1, sens2, spec2, sens3, spec3 = 0.90, 0.85, 0.80, 0.95, 0.95, 0.90
	w := &sim.World{Seed: 5, Annotators: map[string]sim.Annotator{
		"one": {Sensitivity: sens1, Specificity: spec1}, "two": {Sensitivity: sens2, Specificity: spec2}, "three": {Sensitivity: sens3, Specificity: spec3},
	}}
	server, err := sim.Start(context.WithoutCancel(t.Context()), w, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	// An annotator's error depends on the answer alone, so equal answers are one trial.
	type answer struct{ question, text string }
	seen := map[answer]bool{}
	in := slices.DeleteFunc(worldAnswers(t, w, server.URL(), 400, 4), func(r rows.Response) bool {
		key := answer{r.Question, *r.Boxed}
		defer func() { seen[key] = true }()
		return seen[key]
	})

	type shares struct{ trueOfRight, falseOfRight, trueOfWrong, falseOfWrong float64 }
	both := func(a, b float64) float64 { return a * b }
	two := func(a, b, c float64) float64 { return a*b*(1-c) + a*(1-b)*c + (1-a)*b*c + a*b*c }
	for _, tt := range []struct {
		rule  verify.Rule
		names []string
		want  shares
	}{
		{verify.Unanimous, []string{"one", "two"}, shares{both(sens1, sens2), both(1-sens1, 1-sens2), both(1-spec1, 1-spec2), both(spec1, spec2)}},
		{verify.Majority, []string{"one", "two", "three"}, shares{two(sens1, sens2, sens3), two(1-sens1, 1-sens2, 1-sens3), two(1-spec1, 1-spec2, 1-spec3), two(spec1, spec2, spec3)}},
		{verify.Any, []string{"one", "two"}, shares{1 - both(1-sens1, 1-sens2), both(1-sens1, 1-sens2), 1 - both(spec1, spec2), both(spec1, spec2)}},
	} {
		t.Run(string(tt.rule), func(t *testing.T) {
			_, got, err := run(t, in, Options{Vote: tt.rule, Annotators: judges(t, server.URL(), tt.names...), Staged: true})
			if err != nil {
				t.Fatal(err)
			}
			var right, wrong, trueOfRight, falseOfRight, trueOfWrong, falseOfWrong int
			for _, a := range got {
				isTrue, isFalse := a.Label != nil && *a.Label, a.Label != nil && !*a.Label
				if *a.KnownCorrect {
					right++
					trueOfRight += b2i(isTrue)
					falseOfRight += b2i(isFalse)
				} else {
					wrong++
					trueOfWrong += b2i(isTrue)
					falseOfWrong += b2i(isFalse)
				}
			}
			if right < 500 || wrong < 400 {
				t.Fatalf("only %d right and %d wrong answers", right, wrong)
			}
			check := func(what string, k, n int, want float64) {
				lo, hi := wilson(k, n, 3.29) // 99.9%
				t.Logf("%-32s %.3f of %4d, theory %.3f, interval %.3f to %.3f", what, float64(k)/float64(n), n, want, lo, hi)
				if want < lo || want > hi {
					t.Errorf("%s: %d of %d, theory says %.3f", what, k, n, want)
				}
			}
			check("right answers labelled True", trueOfRight, right, tt.want.trueOfRight)
			check("right answers labelled False", falseOfRight, right, tt.want.falseOfRight)
			check("wrong answers labelled True", trueOfWrong, wrong, tt.want.trueOfWrong)
			check("wrong answers labelled False", falseOfWrong, wrong, tt.want.falseOfWrong)
			share := float64(right) / float64(right+wrong)
			truth, lie := share*tt.want.trueOfRight, (1-share)*tt.want.trueOfWrong
			check("precision of True", trueOfRight, trueOfRight+trueOfWrong, truth/(truth+lie))
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func wilson(k, n int, z float64) (lo, hi float64) {
	p, m := float64(k)/float64(n), float64(n)
	center := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m)) / (1 + z*z/m)
	return center - half, center + half
}

// TestMadeAnswersAndAcceptances: answers that no model sampled and a share of what
// the rule accepts are annotated with their origin; what is wrong by construction
// is labelled without asking.
func TestMadeAnswersAndAcceptances(t *testing.T) {
	var in []rows.Response
	for i := range 1000 {
		r := response(fmt.Sprint("nn", i), true)
		r.Sample = int32(i)
		in = append(in, r)
	}
	in = append(in, response("yy", false))
	wrong := false
	candidates := []rows.Candidate{
		{ProblemID: "p", Question: "q", GroundTruth: "g", Answer: "yy2", Origin: rows.OriginSynthetic, Kind: "equivalent", RuleCorrect: &wrong},
		{ProblemID: "p", Question: "q", GroundTruth: "g", Sample: 1, Answer: "nn2", Origin: rows.OriginNearMiss, Kind: "sign", RuleCorrect: &wrong},
		{ProblemID: "p", Question: "q", GroundTruth: "g", Sample: 2, Answer: "?", Origin: rows.OriginHardening, Kind: "lone_symbol", Known: &wrong, RuleCorrect: &wrong},
	}
	gen := stagetest.Finished(t, "gen", "responses", in, nil, nil)
	made := stagetest.Finished(t, "synth", "candidates", candidates, map[string]*manifest.Counts{"candidates": {In: 3, Out: 3}}, nil)
	o := options()
	o.Acceptances, o.Seed = 0.1, 3
	o.Category = func(_, _, answer string) string { return "of " + answer }
	dir := filepath.Join(t.TempDir(), "label")
	m, err := Run(t.Context(), stagetest.Env(), dir, gen, made, o)
	if err != nil {
		t.Fatal(err)
	}
	got := stagetest.Read[rows.Annotation](t, dir)
	var acceptances int
	byOrigin := map[string]rows.Annotation{}
	for _, a := range got {
		byOrigin[a.Origin] = a
		if a.Origin == rows.OriginAcceptance {
			acceptances++
			if *a.Label || a.Category != "" {
				t.Errorf("%+v", a)
			}
		}
	}
	if acceptances < 60 || acceptances > 140 || m.Figures["acceptance_false"] != int64(acceptances) || m.Rows["responses"].Dropped["accepted_by_rule"] != int64(1000-acceptances) {
		t.Errorf("%d of 1,000 acceptances with a share of 0.1; figures %v, counts %+v", acceptances, m.Figures, m.Rows["responses"])
	}
	if a := byOrigin[rows.OriginSynthetic]; !*a.Label || a.Kind != "equivalent" || a.Category != "of yy2" {
		t.Errorf("synthetic: %+v", a)
	}
	if a := byOrigin[rows.OriginNearMiss]; *a.Label || a.Kind != "sign" || len(a.Votes) != 2 {
		t.Errorf("near miss: %+v", a)
	}
	if a := byOrigin[rows.OriginHardening]; *a.Label || a.LabelReason != ReasonByConstruction || len(a.Votes) != 0 {
		t.Errorf("hardening: %+v", a)
	}
	if c := m.Rows["candidates"]; c.In != 3 || c.Out != 3 {
		t.Errorf("counts %+v", c)
	}

	// Which acceptances are drawn depends on the seed and on nothing else.
	again := filepath.Join(t.TempDir(), "label")
	o.Seed = 4
	if _, err := Run(t.Context(), stagetest.Env(), again, gen, "", o); err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, a := range stagetest.Read[rows.Annotation](t, again) {
		for _, b := range got {
			if a.Origin == rows.OriginAcceptance && b.Origin == a.Origin && a.Sample == b.Sample {
				same++
			}
		}
	}
	if same > acceptances/2 {
		t.Errorf("another seed drew %d of %d again", same, acceptances)
	}
}
