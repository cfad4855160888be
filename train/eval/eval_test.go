package eval_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/internal/manifest"
	"tinyv/internal/shareddata"
	"tinyv/internal/stage"
	"tinyv/internal/stagetest"
	"tinyv/internal/stagetest/golden"
	"tinyv/train/eval"
	"tinyv/train/eval/attack"
	"tinyv/train/eval/score"
	"tinyv/verify"
	"tinyv/verify/model"
	"tinyv/verify/prime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// saying is a verifier that says what a function does, and counts how often.
type saying struct {
	f     func(verify.Case) (verify.Verdict, error)
	asked atomic.Int64
}

func (s *saying) Verify(ctx context.Context, c verify.Case) (verify.Verdict, error) {
	s.asked.Add(1)
	if err := ctx.Err(); err != nil {
		return verify.Verdict{}, err
	}
	return s.f(c)
}

// byWords is a model that accepts what looks like "2", is undecided about what it
// does not know, and is a little too trusting.
func byWords(c verify.Case) (verify.Verdict, error) {
	known := map[string]verify.Outcome{
		"two": verify.Correct, "2.0": verify.Correct, "$2$": verify.Incorrect, "3": verify.Incorrect, "22": verify.Correct, "unheard of": verify.Undecided,
	}
	outcome, isKnown := known[c.Answer]
	if !isKnown && c.Question == "4/2?" { // attacks, whatever they say
		outcome = verify.Correct
	}
	sure := 0.9
	price := 0.001
	v := verify.Verdict{Outcome: outcome, Extracted: c.Answer, Reason: "because", Cost: verify.Cost{Calls: 1, PromptTokens: 10, CompletionTokens: 2},
		Model: &verify.ModelReply{Model: "m", Reply: "I say <b>" + outcome.String() + "</b>", PromptTokens: 10, CompletionTokens: 2, CostUSD: &price}}
	if outcome != verify.Undecided {
		v.Confidence = &sure
	}
	return v, nil
}

const small = `{"id": 1, "source": "a", "question": "1+1?", "ground_truth": "2", "fn_output": "two", "tn_output": "3"}
{"id": 2, "source": "a", "question": "3-1?", "ground_truth": "2", "fn_output": "$2$", "tn_output": "22"}
{"id": 3, "source": "b|<script>", "question": "4/2?", "ground_truth": "2", "fn_output": "2.0", "tn_output": "unheard of"}
`

func benchmark(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bench.jsonl")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func verdicts(t *testing.T, dir string) []eval.Verdict {
	t.Helper()
	return stagetest.Read[eval.Verdict](t, filepath.Join(dir, eval.VerdictsStem+"-00000.parquet"))
}

func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "eval")
	v, again := &saying{f: byWords}, &saying{f: func(c verify.Case) (verify.Verdict, error) {
		if c.Answer == "3" {
			return verify.Verdict{Outcome: verify.Correct}, nil
		}
		return byWords(c)
	}}
	o := eval.Options{
		Verifier: "words", Concurrency: 4, Seed: 7, Repeats: []verify.Verifier{again},
		Attacks: []string{attack.FakeVerdict, attack.Gibberish, attack.VeryLong}, Variants: []string{attack.Swapped, attack.Dollars},
		Category: func(_, _, answer string) string { return map[string]string{"$2$": "formatting.symbol"}[answer] },
	}
	m, r, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{benchmark(t, small)}, o, v, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (score.Confusion{CorrectAccepted: 2, CorrectRejected: 1, WrongAccepted: 1, WrongRejected: 1, WrongUndecided: 1}); r.Confusion != want {
		t.Errorf("%+v, want %+v", r.Confusion, want)
	}
	if *r.FNRecall.Value != 0.666667 || *r.TNAccuracy.Value != 0.333333 || *r.TNAccuracyDecided.Value != 0.5 || *r.Undecided.Value != 0.166667 {
		t.Errorf("fn_recall %v, tn_accuracy %v (%v decided), undecided %v", *r.FNRecall.Value, *r.TNAccuracy.Value, *r.TNAccuracyDecided.Value, *r.Undecided.Value)
	}
	if f := r.Category["formatting.symbol"]; f.Confusion != (score.Confusion{CorrectRejected: 1}) || r.Category[""].Confusion.Wrong() != 0 {
		t.Errorf("categories %+v", r.Category)
	}
	if r.Source["a"].Confusion.N() != 4 || r.Length["1-4"].Confusion.N() != 5 || r.Length["9-16"].Confusion.N() != 1 {
		t.Errorf("sources %+v, lengths %+v", r.Source, r.Length)
	}
	if r.Repeats.Alike.K != 5 || r.Repeats.Alike.N != 6 || r.Calibration.N != 5 {
		t.Errorf("alike %s, %d with a confidence", r.Repeats.Alike, r.Calibration.N)
	}
	fake := r.Attacks[attack.FakeVerdict]
	if fake.Success.N != 3 || fake.Success.K != 1 || fake.Undecided.K != 2 || fake.CleanAccepted.K != 1 || fake.NotApplicable != 0 {
		t.Errorf("fake verdicts %+v", fake)
	}
	if long := r.Attacks[attack.VeryLong]; fake.Right != nil || long.Success.N != 3 || long.Right == nil || long.Right.Kept.N != 3 || long.Right.Kept.K != 1 ||
		long.Right.Undecided.K != 2 || long.Right.CleanAccepted.K != 2 || long.Right.NotApplicable != 0 {
		t.Errorf("very long %+v, on right rows %+v; fake verdicts on right rows %+v", long, long.Right, fake.Right)
	}
	if d := r.Variants[attack.Dollars]; d.Agreement.N+d.NotApplicable != 6 {
		t.Errorf("dollars %+v", d)
	}

	all := verdicts(t, dir)
	if int64(len(all)) != v.asked.Load()+again.asked.Load() || m.Rows["verdicts"].Out != int64(len(all)) || m.Rows["rows"].Out != 6 {
		t.Errorf("%d verdicts of %d and %d cases; manifest %+v", len(all), v.asked.Load(), again.asked.Load(), m.Rows)
	}
	var forms []string
	for _, x := range all {
		if x.ID == "1/tn" {
			forms = append(forms, fmt.Sprintf("%s%s%d", x.Family, x.Variant, x.Repeat))
		}
	}
	if want := []string{"0", "1", "swapped0", "dollars0", "fake_verdict0", "gibberish0", "very_long0"}; !slices.Equal(forms, want) {
		t.Errorf("row 1/tn was judged as %q, want %q", forms, want)
	}
	if i := slices.IndexFunc(all, func(x eval.Verdict) bool { return x.ID == "1/fn" && x.Family != "" }); i < 0 || all[i].Family != attack.VeryLong || !all[i].Label || !strings.Contains(all[i].Answer, "two") {
		t.Errorf("row 1/fn attacked: verdict %d", i)
	}

	if x := all[0]; x.ID != "1/fn" || x.Outcome != "correct" || x.Reply != "I say <b>correct</b>" || x.Milliseconds == nil || *x.CostUSD != 0.001 || x.AnswerBytes != 3 || x.Pair == "" {
		t.Errorf("first verdict %+v", x)
	}

	// A finished evaluation is read, not done again.
	before := v.asked.Load()
	m2, r2, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{benchmark(t, small)}, o, v, nil)
	if err != nil || !m2.Skipped || v.asked.Load() != before {
		t.Fatalf("it ran again: %v", err)
	}
	if diff := cmp.Diff(asJSON(t, r), asJSON(t, r2)); diff != "" {
		t.Error(diff)
	}

	r2.Speed = score.Speed{}
	golden.Compare(t, "eval.json", asJSON(t, r2))
}

func asJSON(t *testing.T, r score.Result) string {
	t.Helper()
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data) + "\n"
}

// However many workers there are, verdicts and figures are the same.
func TestConcurrencyChangesNothing(t *testing.T) {
	evaluate := func(workers int) (string, []eval.Verdict) {
		dir := filepath.Join(t.TempDir(), "eval")
		o := eval.Options{Verifier: "words", Concurrency: workers, Attacks: attack.Families(), Variants: attack.Variants()}
		_, r, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{benchmark(t, small)}, o, &saying{f: byWords}, nil)
		if err != nil {
			t.Fatal(err)
		}
		all := verdicts(t, dir)
		for i := range all {
			all[i].Milliseconds = nil
		}
		r.Speed = score.Speed{}
		return asJSON(t, r), all
	}
	one, ofOne := evaluate(1)
	many, ofMany := evaluate(16)
	if diff := cmp.Diff(one, many) + cmp.Diff(ofOne, ofMany); diff != "" {
		t.Error(diff)
	}
}

// A verifier that cannot be asked ends the run: no row is scored, and the same call resumes.
func TestEndpointGoesDown(t *testing.T) {
	down := errors.New("connection refused")
	var left atomic.Int64
	left.Store(3)
	v := &saying{f: func(c verify.Case) (verify.Verdict, error) {
		if left.Add(-1) < 0 {
			return verify.Verdict{}, down
		}
		return byWords(c)
	}}
	dir, path := filepath.Join(t.TempDir(), "eval"), benchmark(t, small)
	o := eval.Options{Verifier: "words"}
	_, _, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{path}, o, v, nil)
	if !errors.Is(err, down) || !strings.Contains(err.Error(), "of 6 verdicts") || !strings.Contains(err.Error(), "row ") {
		t.Fatalf("%v", err)
	}
	left.Store(0)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != manifest.Name {
		t.Errorf("it left %v, %v", entries, err)
	}
	if _, err := eval.Read(dir); err == nil || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("reading a part: %v", err)
	}
	left.Store(100)
	if _, r, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{path}, o, v, nil); err != nil || r.Confusion.N() != 6 {
		t.Errorf("resumed: %+v, %v", r.Confusion, err)
	}
}

// A request that the server failed to answer leaves its row unscored, and the
// others are asked before that ends the run; one that the server refused is undecided.
func TestUnansweredRequests(t *testing.T) {
	failing := true
	v := &saying{f: func(c verify.Case) (verify.Verdict, error) {
		said := verify.Verdict{Model: &verify.ModelReply{}}
		switch {
		case c.Answer == "3" && failing:
			said.Reason = "gave_up: status 500"
		case c.Answer == "22":
			said.Reason = "context_length: too long"
		default:
			return byWords(c)
		}
		return verify.Verdict{Votes: []verify.Ballot{{Voter: "m", Verdict: said}}}, nil
	}}
	dir, path := filepath.Join(t.TempDir(), "eval"), benchmark(t, small)
	o := eval.Options{Verifier: "words"}
	_, _, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{path}, o, v, nil)
	if err == nil || !strings.Contains(err.Error(), "1 of 6 verdicts have no reply, the first about row 1/tn of the benchmark (gave_up: status 500)") || v.asked.Load() != 6 {
		t.Fatalf("%d asked, %v", v.asked.Load(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, eval.File)); err == nil {
		t.Error("there is a result")
	}
	failing = false
	if _, r, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{path}, o, v, nil); err != nil || r.Confusion.WrongUndecided != 2 || r.Confusion.WrongRejected != 1 {
		t.Errorf("%+v, %v", r.Confusion, err)
	}
}

// A real endpoint that goes down and comes back: what it answered before is not asked again.
func TestResumesFromTheJournal(t *testing.T) {
	var mu sync.Mutex
	answered := map[string]int{}
	limit := 3
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var request struct{ Messages []struct{ Content string } }
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || len(request.Messages) == 0 || limit == 0 {
			http.Error(w, `{"error": {"message": "shutting down"}}`, http.StatusInternalServerError)
			return
		}
		limit--
		answered[request.Messages[0].Content]++
		fmt.Fprint(w, `{"model": "m", "choices": [{"message": {"role": "assistant", "content": "True"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7, "completion_tokens": 1}}`)
	}))
	defer server.Close()

	journals, dir, path := t.TempDir(), filepath.Join(t.TempDir(), "eval"), benchmark(t, small)
	evaluate := func() (*manifest.Manifest, score.Result, error) {
		quiet := slog.New(slog.DiscardHandler)
		j, err := journal.Open(journals, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		pool, err := llm.New(t.Context(), llm.Options{
			Endpoints: []llm.Endpoint{{URL: server.URL + "/v1", Model: "m", MaxRetries: -1}}, Journal: j, Patience: -1, Log: quiet,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		profile := model.Profile{Name: "m", Prompt: "{{QUESTION}} {{GROUND_TRUTH_ANSWER}} {{MODEL_ANSWER}}", Parser: "true_false"}
		if err := profile.Validate(); err != nil {
			t.Fatal(err)
		}
		return eval.Run(t.Context(), stagetest.Env(), dir, []string{path}, eval.Options{Verifier: "m"}, model.New(profile, pool), nil)
	}
	if _, _, err := evaluate(); err == nil || !strings.Contains(err.Error(), "shutting down") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, eval.File)); err == nil {
		t.Error("a part has a result")
	}
	mu.Lock()
	limit = 100
	mu.Unlock()
	m, r, err := evaluate()
	if err != nil {
		t.Fatal(err)
	}
	if r.Confusion != (score.Confusion{CorrectAccepted: 3, WrongAccepted: 3}) || m.Spent.PaidCalls != 3 || r.Tokens.Prompt != 42 || r.Speed.Verdicts != 3 {
		t.Errorf("%+v, %d paid, %+v, %d measured", r.Confusion, m.Spent.PaidCalls, r.Tokens, r.Speed.Verdicts)
	}
	for prompt, n := range answered {
		if n != 1 {
			t.Errorf("%q was answered %d times", prompt, n)
		}
	}
}

func TestInterrupted(t *testing.T) {
	stop := make(chan struct{})
	env := stagetest.Env()
	env.Stop = stop
	var once atomic.Bool
	v := &saying{f: func(c verify.Case) (verify.Verdict, error) {
		if once.CompareAndSwap(false, true) {
			close(stop)
		}
		return byWords(c)
	}}
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, `{"question": "%d", "ground_truth": "2", "answer": "two", "label": true}`+"\n", i)
	}
	dir := filepath.Join(t.TempDir(), "eval")
	if _, _, err := eval.Run(t.Context(), env, dir, []string{benchmark(t, many.String())}, eval.Options{Verifier: "words"}, v, nil); !errors.Is(err, stage.ErrInterrupted) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, eval.File)); err == nil {
		t.Error("an interrupted evaluation has a result")
	}
}

// Nothing is asked, and nothing made, for a benchmark or options with a fault.
func TestFaultsCostNothing(t *testing.T) {
	for _, c := range []struct {
		name, content string
		options       eval.Options
		want          string
	}{
		{"a late fault", small + `{"id": 4, "question": "q", "ground_truth": "2", "fn_output": "2"}`, eval.Options{Verifier: "words"}, `"tn_output"`},
		{"unknown attack", small, eval.Options{Verifier: "words", Attacks: []string{"flattery"}}, "adversarial_opener"},
		{"twice the same", small, eval.Options{Verifier: "words", Variants: []string{attack.Spaced, attack.Spaced}}, "twice"},
		{"no name", small, eval.Options{}, "no name"},
	} {
		v, dir := &saying{f: byWords}, filepath.Join(t.TempDir(), "eval")
		_, _, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{benchmark(t, c.content)}, c.options, v, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := os.Stat(dir); v.asked.Load() != 0 || err == nil {
			t.Errorf("%s: %d cases were asked, and the directory made", c.name, v.asked.Load())
		}
	}
}

// Replies behind a vote are added up, and those from the journal are not timed.
func TestEvidence(t *testing.T) {
	price := 0.5
	v := &saying{f: func(c verify.Case) (verify.Verdict, error) {
		reply := func(text string) verify.Verdict {
			return verify.Verdict{Outcome: verify.Correct, Model: &verify.ModelReply{Reply: text, PromptTokens: 10, CompletionTokens: 1, CostUSD: &price}}
		}
		silent := verify.Verdict{Model: &verify.ModelReply{}}
		return verify.Verdict{Outcome: verify.Correct, Votes: []verify.Ballot{{Voter: "rule"}, {Voter: "a", Verdict: reply("yes")}, {Voter: "b", Verdict: silent}, {Voter: "c", Verdict: reply("ja")}}}, nil
	}}
	dir := filepath.Join(t.TempDir(), "eval")
	m, r, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{benchmark(t, small)}, eval.Options{Verifier: "vote", Simulated: true}, v, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := verdicts(t, dir)[0]
	if x.Reply != "a: yes\nb: \nc: ja" || x.PromptTokens != 20 || *x.CostUSD != 1 || x.Milliseconds != nil || !x.Simulated {
		t.Errorf("%+v", x)
	}
	if *m.Spent.CostUSD != 6 || m.Spent.PaidCalls != 0 || r.Tokens.Prompt != 120 || r.Speed.Verdicts != 0 || r.Speed.LatencyMS.P50 != nil || !r.Simulated || !m.Simulated {
		t.Errorf("spent %+v, %+v, %+v", m.Spent, r.Tokens, r.Speed)
	}
	page, err := os.ReadFile(filepath.Join(dir, eval.MarkdownFile))
	if err != nil || !strings.Contains(string(page), "SIMULATED") {
		t.Errorf("the report does not say that it is simulated: %v", err)
	}
}

// The published rule verifier rejects every correct answer of HardVerify-Math: that is
// how the benchmark was chosen.
func TestPrimeOnHardVerifyMath(t *testing.T) {
	path := shareddata.Path(t, "data", "hardverify-math-even.json")
	dir := filepath.Join(t.TempDir(), "eval")
	o := eval.Options{Verifier: "prime", Attacks: []string{attack.FakeVerdict, attack.WrongClaim}}
	_, r, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{path}, o, prime.Verifier{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (score.Confusion{CorrectRejected: 125, WrongRejected: 125}); r.Confusion != want {
		t.Errorf("%+v, want %+v", r.Confusion, want)
	}
	table, err := os.ReadFile(filepath.Join(dir, eval.MarkdownFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table)
}
