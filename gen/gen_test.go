package gen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/shareddata"
	"tinyv/internal/sim"
	"tinyv/internal/stage"
	"tinyv/internal/stagetest"
	"tinyv/verify"
	"tinyv/verify/prime"
)

var quiet = slog.New(slog.DiscardHandler)

var rule = Rule{Name: "prime", Verifier: prime.Verifier{}}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func problems(t *testing.T, in Input) (*manifest.Manifest, []rows.Problem, string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "problems")
	m, err := Problems(t.Context(), stagetest.Env(), dir, in, nil, nil, rule)
	if err != nil {
		return nil, nil, dir, err
	}
	return m, stagetest.Read[rows.Problem](t, dir), dir, nil
}

func TestProblems(t *testing.T) {
	in := Input{Path: file(t, "p.jsonl", strings.Join([]string{
		`{"problem": "What is 1+1? Think.", "answer": "2", "source": "s", "domain": ["a", "b"], "llama8b_solve_rate": 0.25, "level": 3, "meta": {"k": "<v>"}}`,
		`{"problem": "What  is\n1+1? Think.", "answer": "2"}`,
		`{"problem": "Half?", "answer": 0.5, "source": null, "domain": null, "llama8b_solve_rate": null}`,
		`{"problem": "A?", "answer": true}`,
		`{"problem": "", "answer": "1"}`,
		`{"problem": "B?", "answer": " "}`,
		`not JSON`,
		`["a list"]`,
		`{"problem": "C?", "answer": "1", "domain": [1]}`,
		`{"problem": "D?", "answer": "1", "llama8b_solve_rate": "high"}`,
	}, "\n")), QuestionSuffix: "Think."}
	m, got, dir, err := problems(t, in)
	if err != nil {
		t.Fatal(err)
	}
	rate := 0.25
	want := []rows.Problem{
		{ProblemID: problemID("What is 1+1?", "2"), Source: "s", Domain: []string{"a", "b"}, Question: "What is 1+1?", GroundTruth: "2", SolveRate: &rate, Extra: `{"level":3,"meta":{"k":"<v>"}}`},
		{ProblemID: problemID("Half?", "0.5"), Question: "Half?", GroundTruth: "0.5"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	counts := &manifest.Counts{In: 10, Out: 2, Dropped: map[string]int64{"duplicate_problem": 1, "bad_type": 3, "no_question": 1, "no_ground_truth": 1, "bad_row": 2}}
	if diff := cmp.Diff(counts, m.Rows["problems"]); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	places := map[int64]string{}
	for _, r := range stagetest.Read[rows.Rejected](t, filepath.Join(dir, stage.RejectedFile)) {
		places[r.Row] = r.Reason
		if r.Input != "p.jsonl" {
			t.Errorf("reject of %q", r.Input)
		}
	}
	if diff := cmp.Diff(map[int64]string{2: "duplicate_problem", 4: "bad_type", 5: "no_question", 6: "no_ground_truth", 7: "bad_row", 8: "bad_row", 9: "bad_type", 10: "bad_type"}, places); diff != "" {
		t.Errorf("rejects by line (-want +got):\n%s", diff)
	}

	in.Limit = 3
	if m, got, _, err := problems(t, in); err != nil || len(got) != 2 || m.Rows["problems"].In != 3 {
		t.Errorf("with a limit of 3 rows: %d problems, %v", len(got), err)
	}
}

func TestColumns(t *testing.T) {
	path := file(t, "p.jsonl", `{"extra_info": {"question": "Q?", "index": 4}, "reward_model": {"ground_truth": "so #### 7", "style": "rule"}, "id": 9}`)
	_, got, _, err := problems(t, Input{Path: path, GroundTruthAfter: "#### ", Columns: map[string]string{"problem_id": "id"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []rows.Problem{{ProblemID: "9", Question: "Q?", GroundTruth: "7", Extra: `{"extra_info":{"index":4},"reward_model":{"style":"rule"}}`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, _, _, err = problems(t, Input{Path: path, Columns: map[string]string{"question": "text"}})
	if err == nil || !strings.Contains(err.Error(), "looked for text") || !strings.Contains(err.Error(), "extra_info.question") || strings.Contains(err.Error(), "ground_truth (looked") {
		t.Errorf("a column that is not there: %v", err)
	}
	if _, _, dir, err := problems(t, Input{Path: path, GroundTruthAfter: "A: "}); err == nil || !strings.Contains(err.Error(), "no_marker:1") {
		t.Errorf("a marker that never occurs: %v", err)
	} else if _, err := os.Stat(filepath.Join(dir, "problems-00000.parquet")); err == nil {
		t.Error("a part with nothing in it is left")
	}
}

func TestBigMath(t *testing.T) {
	path := shareddata.Path(t, "data", "bigmath-rl.parquet")
	m, got, _, err := problems(t, Input{Path: path, QuestionSuffix: `Let's think step by step and output the final answer within \boxed{}.`})
	if err != nil {
		t.Fatal(err)
	}
	c := m.Rows["problems"]
	if c.In != 5000 || c.Dropped["duplicate_problem"] != 27 || c.Dropped["no_ground_truth"] != 1 || c.Out != 4972 || len(got) != 4972 {
		t.Errorf("counts %+v", c)
	}
	first := got[0]
	if first.GroundTruth != `12.36\%` || first.Source != "orca_math" || *first.SolveRate != 0.125 || !strings.HasSuffix(first.Question, "the original price by") {
		t.Errorf("first problem: %+v", first)
	}
	if diff := cmp.Diff([]string{"Mathematics -> Applied Mathematics -> Math Word Problems"}, first.Domain); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(first.Extra, `"output_scores":[0,0,0,1]`) || strings.Contains(first.Extra, `"ground_truth"`) {
		t.Errorf("extra: %s", first.Extra)
	}
	t.Logf("the rule verifier refuses %d of %d ground truths", m.Figures["self_test_refused"], c.Out)
}

func TestSelfTest(t *testing.T) {
	// The published extraction takes what stands after the last `=`.
	path := file(t, "p.jsonl", `{"problem": "f?", "answer": "f(x)=2x+1"}`+"\n"+`{"problem": "n?", "answer": "7"}`)
	m, got, dir, err := problems(t, Input{Path: path})
	if err != nil || len(got) != 2 || m.Figures["self_test_refused"] != 1 {
		t.Fatalf("%d problems, figures %v, %v", len(got), m.Figures, err)
	}
	refused := stagetest.Read[GoldRefused](t, filepath.Join(dir, GoldRefusedFile))
	if len(refused) != 1 || refused[0].GroundTruth != "f(x)=2x+1" || refused[0].Extracted != "2x+1" {
		t.Errorf("refused: %+v", refused)
	}
	m, got, _, err = problems(t, Input{Path: path, DropSelfTestFailures: true})
	if err != nil || len(got) != 1 || m.Rows["problems"].Dropped["self_test_failed"] != 1 {
		t.Errorf("dropping: %d problems, %v", len(got), err)
	}

	blind := Rule{"blind", accepting{}}
	_, err = Problems(t.Context(), stagetest.Env(), filepath.Join(t.TempDir(), "p"), Input{Path: path}, nil, nil, blind)
	if err == nil || !strings.Contains(err.Error(), "its verdicts mean nothing") {
		t.Errorf("a verifier that accepts everything: %v", err)
	}
}

type accepting struct{}

func (accepting) Verify(context.Context, verify.Case) (verify.Verdict, error) {
	return verify.Verdict{Outcome: verify.Correct}, nil
}

func imports(t *testing.T, in Input) (*manifest.Manifest, []rows.Response, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gen")
	m, err := Import(t.Context(), stagetest.Env(), dir, in, rule)
	if err != nil {
		return nil, nil, err
	}
	return m, stagetest.Read[rows.Response](t, dir), nil
}

func TestImport(t *testing.T) {
	m, got, err := imports(t, Input{Columns: map[string]string{"known_correct": "ok"}, Path: file(t, "r.jsonl", strings.Join([]string{
		`{"problem": "A?", "answer": "4", "responses": ["\\boxed{4}", null, "5"], "ok": [true, false, false]}`,
		`{"problem": "A?", "answer": "4", "responses": ["\\boxed{9}"]}`,
		`{"problem": "B?", "answer": "4", "responses": ["x", "y"], "ok": [true]}`,
		`{"problem": "C?", "answer": "4", "responses": []}`,
		`{"problem": "D?", "answer": "4", "responses": "text"}`,
		`{"problem": "E?", "answer": "4", "response": "\\boxed{x}"}`,
		`{"problem": "E?", "answer": "4", "response": ""}`,
		`{"problem": "F?", "answer": "4"}`,
	}, "\n"))})
	if err != nil {
		t.Fatal(err)
	}
	rowsWant := &manifest.Counts{In: 8, Out: 3, Dropped: map[string]int64{"duplicate_problem": 1, "bad_type": 2, "no_response": 2}}
	if diff := cmp.Diff(rowsWant, m.Rows["input_rows"]); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&manifest.Counts{In: 5, Out: 4, Dropped: map[string]int64{"no_response": 1}}, m.Rows["responses"]); diff != "" {
		t.Errorf("responses (-want +got):\n%s", diff)
	}
	var seen []string
	for _, r := range got {
		known := "?"
		if r.KnownCorrect != nil {
			known = fmt.Sprint(*r.KnownCorrect)
		}
		seen = append(seen, fmt.Sprint(r.Question, r.Sample, " ", r.Extracted, " ", *r.RuleCorrect, " ", known))
	}
	if diff := cmp.Diff([]string{"A?0 4 true true", "A?2 5 false false", "E?0 x false ?", "E?1  false ?"}, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m.Figures["problems"] != 2 || m.Figures["boxed"] != 2 || m.Figures["extracted"] != 3 {
		t.Errorf("figures %v", m.Figures)
	}
}

func TestImportRealRollouts(t *testing.T) {
	m, got, err := imports(t, Input{Path: shareddata.Path(t, "data", "math-rollouts.jsonl.gz")})
	if err != nil {
		t.Fatal(err)
	}
	if m.Figures["problems"] != 52 || len(got) != 416 {
		t.Errorf("%d problems, %d replies", m.Figures["problems"], len(got))
	}
	for _, r := range got {
		e := prime.Extract(r.Response)
		if e.Answer != r.Extracted || e.HasBox != (r.Boxed != nil) || e.HasBox && e.Boxed != *r.Boxed {
			t.Errorf("problem %s, reply %d: extracted %q", r.ProblemID, r.Sample, r.Extracted)
		}
	}
}

// solver is a pool of the simulated solver, with a journal in dir.
func solver(t *testing.T, w *sim.World, dir string, concurrency int) *llm.Pool {
	t.Helper()
	return pricedSolver(t, w, dir, concurrency, nil)
}

func pricedSolver(t *testing.T, w *sim.World, dir string, concurrency int, price *float64) *llm.Pool {
	t.Helper()
	server, err := sim.Start(context.WithoutCancel(t.Context()), w, "", quiet)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	c, err := llm.New(t.Context(), llm.Options{Journal: j, Log: quiet, Endpoints: []llm.Endpoint{{
		URL: server.URL(), Model: sim.SolverModel, Identity: "sim", Concurrency: concurrency, Simulated: true, PriceIn: price, PriceOut: price,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.Close(), j.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func worldProblems(t *testing.T, w *sim.World, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "problems")
	if _, err := Problems(t.Context(), stagetest.Env(), dir, Input{}, w.Problems(n), n, rule); err != nil {
		t.Fatal(err)
	}
	return dir
}

func sampling() Sampling {
	one := 1.0
	return Sampling{Seed: 1, SendSeed: true, Samples: 3, Prompt: "{{QUESTION}} Solve it.", Temperature: &one, TopP: &one, MaxTokens: 4096}
}

func TestSample(t *testing.T) {
	w := &sim.World{Seed: 3, Faults: sim.Faults{Rate: 0.02, Statuses: []int{429, 500}}}
	in := worldProblems(t, w, 60)
	journals := t.TempDir()
	run := func(env stage.Env, dir, journal string, concurrency int, o Sampling) (*manifest.Manifest, error) {
		return Sample(t.Context(), env, dir, in, o, rule, solver(t, w, filepath.Join(journals, journal), concurrency))
	}
	undisturbed := filepath.Join(t.TempDir(), "gen")
	m, err := run(stagetest.Env(), undisturbed, "a", 16, sampling())
	if err != nil {
		t.Fatal(err)
	}
	if c := m.Rows["responses"]; c.In != 180 || c.Out != 180 || m.Spent.PaidCalls != 180 || !m.Simulated || m.Spent.CostUSD != nil {
		t.Errorf("counts %+v, spent %+v", c, m.Spent)
	}
	replies := stagetest.Read[rows.Response](t, undisturbed)
	for i, r := range replies {
		if r.ProblemID != fmt.Sprintf("sim-%06d", i/3) || r.Sample != int32(i%3) || !r.Simulated || r.Model != sim.SolverModel {
			t.Fatalf("row %d: %+v", i, r)
		}
	}
	if m.Figures["boxed"] == 180 || m.Figures["cut_off"] == 0 || m.Figures["accepted"]+m.Figures["rejected"] != 180 {
		t.Errorf("figures %v", m.Figures)
	}

	// One worker makes the same bytes as sixteen.
	single := filepath.Join(t.TempDir(), "gen")
	if _, err := run(stagetest.Env(), single, "b", 1, sampling()); err != nil {
		t.Fatal(err)
	}
	sameBytes(t, undisturbed, single)

	// Stopped in the middle, nothing stands under a final name; the next run pays
	// only for the rest, and makes the same bytes.
	stopped := filepath.Join(t.TempDir(), "gen")
	env, stop := stagetest.Env(), make(chan struct{})
	env.Stop = stop
	c := solver(t, w, filepath.Join(journals, "c"), 1)
	var handled atomic.Int64
	counting := Rule{"prime", counted{func() {
		if handled.Add(1) == 40 {
			close(stop)
		}
	}}}
	if _, err := Sample(t.Context(), env, stopped, in, sampling(), counting, c); !errors.Is(err, stage.ErrInterrupted) {
		t.Fatalf("stopped: %v", err)
	}
	if parts, _ := filepath.Glob(filepath.Join(stopped, "responses-*")); len(parts) > 0 {
		t.Errorf("left behind: %v", parts)
	}
	if _, err := manifest.Require(stopped); err == nil || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("the stage looks finished: %v", err)
	}
	m, err = Sample(t.Context(), stagetest.Env(), stopped, in, sampling(), rule, c)
	if err != nil {
		t.Fatal(err)
	}
	if m.Spent.PaidCalls == 0 || m.Spent.PaidCalls > 140 {
		t.Errorf("resuming paid for %d calls", m.Spent.PaidCalls)
	}
	sameBytes(t, undisturbed, stopped)

	// More samples ask for those only; a known price gives the cost.
	more := sampling()
	more.Samples = 4
	price := 2.0
	c = pricedSolver(t, w, filepath.Join(journals, "d"), 1, &price)
	if _, err := Sample(t.Context(), stagetest.Env(), filepath.Join(t.TempDir(), "gen"), in, sampling(), rule, c); err != nil {
		t.Fatal(err)
	}
	m, err = Sample(t.Context(), stagetest.Env(), stopped, in, more, rule, c)
	if err != nil || m.Spent.PaidCalls != 60 {
		t.Errorf("a fourth sample paid for %d calls, %v", m.Spent.PaidCalls, err)
	}
	if want := 2e-6 * float64(m.Spent.PromptTokens+m.Spent.CompletionTokens); math.Abs(*m.Spent.CostUSD-want) > 1e-12 {
		t.Errorf("cost %v, want %v", *m.Spent.CostUSD, want)
	}
}

// counted calls a function for every verdict.
type counted struct{ f func() }

func (c counted) Verify(ctx context.Context, k verify.Case) (verify.Verdict, error) {
	c.f()
	return prime.Verifier{}.Verify(ctx, k)
}

func sameBytes(t *testing.T, a, b string) {
	t.Helper()
	read := func(dir string) map[string]string {
		files := map[string]string{}
		paths, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, path := range paths {
			if filepath.Base(path) != manifest.Name {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				files[filepath.Base(path)] = string(data)
			}
		}
		return files
	}
	if first, second := read(a), read(b); len(first) < 2 || !maps.Equal(first, second) {
		t.Errorf("%s and %s differ", a, b)
	}
}

func TestSampleRefused(t *testing.T) {
	w := &sim.World{}
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": {"message": "top_k is not allowed"}}`)
	}))
	defer refusing.Close()
	sample := func(problems int) error {
		pool, err := llm.New(t.Context(), llm.Options{Log: quiet, Endpoints: []llm.Endpoint{{URL: refusing.URL + "/v1", Model: "m", Concurrency: 4}}})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		_, err = Sample(t.Context(), stagetest.Env(), filepath.Join(t.TempDir(), "gen"), worldProblems(t, w, problems), sampling(), rule, pool)
		return err
	}
	if err := sample(100); err == nil || !strings.Contains(err.Error(), "20 requests in a row") || !strings.Contains(err.Error(), "top_k is not allowed") {
		t.Errorf("refused throughout: %v", err)
	}
	if err := sample(2); err == nil || !strings.Contains(err.Error(), "none of 6 requests") {
		t.Errorf("refused throughout, few: %v", err)
	}
}
