package label

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/verify"
	"tinyv/verify/model"
)

// tally counts what the funnel and the manifest show of a run.
type tally struct {
	counts    *manifest.Counts
	figures   map[string]int64
	paidCalls atomic.Int64 // counted where the calls are made
	votes     manifest.Spent
}

func newTally(o Options) *tally {
	t := &tally{counts: &manifest.Counts{}, figures: map[string]int64{}}
	for _, name := range []string{"labelled_true", "labelled_false", "disagreed", "undecided"} {
		t.figures[name] = 0
	}
	for _, a := range o.Annotators {
		for _, outcome := range []verify.Outcome{verify.Correct, verify.Incorrect, verify.Undecided} {
			t.figures[a.Name+"_"+outcome.String()] = 0
		}
	}
	return t
}

// spend is called by the workers; the rest of tally by the writer alone.
func (t *tally) spend(v verify.Verdict) { t.paidCalls.Add(v.Cost.Calls) }

func (t *tally) add(a rows.Annotation) {
	switch {
	case a.Label == nil && a.LabelReason == verify.ReasonDisagreed:
		t.figures["disagreed"]++
	case a.Label == nil:
		t.figures["undecided"]++
	default:
		t.figures[fmt.Sprintf("labelled_%v", *a.Label)]++
	}
	for _, v := range a.Votes {
		outcome := verify.Undecided
		if v.Correct != nil {
			outcome = verify.OutcomeOf(*v.Correct)
		}
		t.figures[v.Annotator+"_"+outcome.String()]++
		if code, _, _ := strings.Cut(v.Reason, ":"); v.Correct == nil && slices.Contains(model.Codes(), code) {
			t.figures[v.Annotator+"_"+code]++
		}
		if v.PromptTokens+v.CompletionTokens > 0 { // a vote without a reply costs nothing
			t.votes.Spend(int64(v.PromptTokens), int64(v.CompletionTokens), v.CostUSD)
		}
	}
	if a.KnownCorrect != nil {
		label := "undecided"
		if a.Label != nil {
			label = fmt.Sprint(*a.Label)
		}
		t.figures[fmt.Sprintf("label_%s_known_%v", label, *a.KnownCorrect)]++
	}
}

// spent is what the votes cost.
func (t *tally) spent() *manifest.Spent {
	t.votes.PaidCalls = t.paidCalls.Load()
	return &t.votes
}
