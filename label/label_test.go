package label

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
	"tinyv/verify"
)

// saying is an annotator whose verdict stands in the answer: its n-th letter is y
// (correct), n (incorrect), ? (undecided) or r (refused by its server).
type saying struct {
	letter int
	cost   *float64
}

func (s saying) Verify(_ context.Context, c verify.Case) (verify.Verdict, error) {
	v := verify.Verdict{Cost: verify.Cost{Calls: 1}, Model: &verify.ModelReply{
		Model: "m", PromptSHA256: "abc", Reply: "reply to " + c.Answer, FinishReason: "stop", PromptTokens: 100, CompletionTokens: 10, CostUSD: s.cost,
	}}
	switch c.Answer[s.letter] {
	case 'y':
		v.Outcome, v.Reason = verify.Correct, "same"
	case 'n':
		v.Outcome, v.Reason = verify.Incorrect, "other"
	case 'r':
		v.Reason, v.Model = "bad_request: top_k is not allowed", nil
	default:
		v.Reason = "parse_error: no verdict"
	}
	return v, nil
}

func options() Options {
	cost := 110e-6
	return Options{Vote: verify.Unanimous, RequireBoxed: true, RequireFinished: true, Annotators: []Annotator{
		{Name: "a", Verifier: saying{0, &cost}, Concurrency: 4}, {Name: "b", Verifier: saying{1, &cost}, Concurrency: 4},
	}}
}

func response(answer string, ruleCorrect bool) rows.Response {
	return rows.Response{ProblemID: answer, Question: "q", GroundTruth: "g", Boxed: &answer, Extracted: "e", Rule: "prime", RuleCorrect: &ruleCorrect, FinishReason: "stop"}
}

func run(t *testing.T, in []rows.Response, o Options) (*manifest.Manifest, []rows.Annotation, error) {
	t.Helper()
	gen := stagetest.Finished(t, "gen", "responses", in, nil, nil)
	dir := filepath.Join(t.TempDir(), "label")
	m, err := Run(t.Context(), stagetest.Env(), dir, gen, "", o)
	if err != nil {
		return nil, nil, err
	}
	return m, stagetest.Read[rows.Annotation](t, dir), nil
}

func TestRun(t *testing.T) {
	unboxed := response("yy", false)
	unboxed.Boxed = nil
	cutOff := response("yy", false)
	cutOff.FinishReason = "length"
	undecided := response("yy", false)
	undecided.RuleCorrect = nil
	known := response("ny", false)
	known.KnownCorrect = new(true)
	in := []rows.Response{
		response("yy", true), response("yy", false), response("nn", false), response("yn", false), response("y?", false), response("rn", false),
		unboxed, cutOff, undecided, response("", false), response("yy"+strings.Repeat("x", MaxAnswer), false), known,
	}
	m, got, err := run(t, in, options())
	if err != nil {
		t.Fatal(err)
	}
	want := &manifest.Counts{In: 12, Out: 6, Dropped: map[string]int64{
		"accepted_by_rule": 1, "unboxed": 1, "cut_off": 1, "rule_undecided": 1, "no_answer": 1, "answer_too_long": 1,
	}}
	if diff := cmp.Diff(want, m.Rows["responses"]); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	var labels []string
	for _, a := range got {
		label := "null"
		if a.Label != nil {
			label = fmt.Sprint(*a.Label)
		}
		labels = append(labels, a.Answer+" "+label+" "+a.LabelReason)
	}
	if diff := cmp.Diff([]string{
		"yy true unanimous", "nn false unanimous", "yn null disagreed", "y? null voter_undecided", "rn null voter_undecided", "ny null disagreed",
	}, labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	cost := 110e-6
	votes := []rows.AnnotatorVote{
		{Annotator: "a", Model: "m", Correct: new(true), Reason: "same", Reply: "reply to yn", FinishReason: "stop", PromptSHA256: "abc", PromptTokens: 100, CompletionTokens: 10, CostUSD: &cost},
		{Annotator: "b", Model: "m", Correct: new(false), Reason: "other", Reply: "reply to yn", FinishReason: "stop", PromptSHA256: "abc", PromptTokens: 100, CompletionTokens: 10, CostUSD: &cost},
	}
	if diff := cmp.Diff(votes, got[2].Votes); diff != "" {
		t.Errorf("votes (-want +got):\n%s", diff)
	}
	for figure, want := range map[string]int64{
		"labelled_true": 1, "labelled_false": 1, "disagreed": 2, "undecided": 2,
		"a_correct": 3, "a_incorrect": 2, "a_undecided": 1, "b_undecided": 1, "b_parse_error": 1, "a_bad_request": 1, "label_undecided_known_true": 1,
	} {
		if m.Figures[figure] != want {
			t.Errorf("%s is %d, want %d", figure, m.Figures[figure], want)
		}
	}
	if s := m.Spent; s.PaidCalls != 12 || s.PromptTokens != 1100 || s.CompletionTokens != 110 || *s.CostUSD < 0.00120 || *s.CostUSD > 0.00122 {
		t.Errorf("spent %+v", s)
	}
	if u := Undecided(m); u != 4.0/6 {
		t.Errorf("undecided share %v", u)
	}
}

func TestSwitches(t *testing.T) {
	unboxed, cutOff := response("", false), response("yn", false)
	unboxed.Boxed, unboxed.Extracted = nil, "yy"
	cutOff.FinishReason = "length"
	o := options()
	o.RequireBoxed, o.RequireFinished, o.Vote = false, false, verify.Majority
	o.Annotators[0].Verifier = saying{0, nil}
	o.Annotators[1].Simulated = true
	m, got, err := run(t, []rows.Response{unboxed, cutOff}, o)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	// Without a box it is the extracted answer that is judged.
	if got[0].Answer != "yy" || !*got[0].Label || got[1].Label != nil || !got[0].Simulated || !m.Simulated {
		t.Errorf("rows %+v", got)
	}
	if m.Spent.CostUSD != nil {
		t.Errorf("a cost of %v, though one price is unknown", *m.Spent.CostUSD)
	}
}
