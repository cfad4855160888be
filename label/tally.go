package label

import (
	"fmt"
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
	paidCalls atomic.Int64        // counted where the calls are made
	tokens    map[string][2]int64 // prompt and completion tokens by annotator
	refused   map[string]int      // votes in a row, from the first on, that an annotator's server refused
}

func newTally(o Options) *tally {
	t := &tally{counts: &manifest.Counts{}, figures: map[string]int64{}, tokens: map[string][2]int64{}, refused: map[string]int{}}
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

// refusalsToStop is how many of its first requests an annotator's server may
// refuse before it is taken for wrongly configured: every row after them would
// stay undecided as well.
const refusalsToStop = 20

// wronglyConfigured returns an error once an annotator has answered nothing but refusals.
func (t *tally) wronglyConfigured(a rows.Annotation) error {
	for _, v := range a.Votes {
		n := t.refused[v.Annotator]
		if n < 0 {
			continue // it has answered
		}
		if !strings.HasPrefix(v.Reason, model.RefusedPrefix) {
			t.refused[v.Annotator] = -1
			continue
		}
		t.refused[v.Annotator] = n + 1
		if n+1 == refusalsToStop {
			return fmt.Errorf("the first %d requests of annotator %s were all refused; the last answer: %s. Check its model, max_tokens and extra in the config", refusalsToStop, v.Annotator, v.Reason)
		}
	}
	return nil
}

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
		tokens := t.tokens[v.Annotator]
		t.tokens[v.Annotator] = [2]int64{tokens[0] + int64(v.PromptTokens), tokens[1] + int64(v.CompletionTokens)}
	}
	if a.KnownCorrect != nil {
		label := "undecided"
		if a.Label != nil {
			label = fmt.Sprint(*a.Label)
		}
		t.figures[fmt.Sprintf("label_%s_known_%v", label, *a.KnownCorrect)]++
	}
}

// spent adds up the annotators. The cost is unknown as soon as one price is.
func (t *tally) spent(o Options) *manifest.Spent {
	s := &manifest.Spent{PaidCalls: t.paidCalls.Load()}
	cost := new(float64)
	for _, a := range o.Annotators {
		tokens := t.tokens[a.Name]
		s.PromptTokens += tokens[0]
		s.CompletionTokens += tokens[1]
		if c := a.Cost(tokens[0], tokens[1]); c == nil {
			cost = nil
		} else if cost != nil {
			*cost += *c
		}
	}
	s.CostUSD = cost
	return s
}
