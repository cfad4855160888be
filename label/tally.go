package label

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/label/stats"
	"tinyv/verify"
	"tinyv/verify/model"
)

// tally counts what the funnel, the manifest and the statistics show of a run.
type tally struct {
	responses  *manifest.Counts
	candidates *manifest.Counts
	figures    map[string]int64
	votes      manifest.Spent
	stats      *stats.Collector
	annotators []string
}

func newTally(o Options) *tally {
	t := &tally{responses: &manifest.Counts{}, candidates: &manifest.Counts{}, figures: map[string]int64{}}
	for _, name := range []string{"labelled_true", "labelled_false", "disagreed", "undecided", "votes_saved"} {
		t.figures[name] = 0
	}
	for _, outcome := range []string{"", "_true", "_false", "_disagreed", "_undecided"} {
		t.figures[rows.OriginSampled+outcome] = 0
	}
	for _, a := range o.all() {
		for _, outcome := range []verify.Outcome{verify.Correct, verify.Incorrect, verify.Undecided} {
			t.figures[a.Name+"_"+outcome.String()] = 0
		}
	}
	var annotators []stats.Annotator
	for _, a := range o.all() {
		annotators = append(annotators, stats.Annotator{Name: a.Name, Samples: a.Samples})
	}
	t.stats = stats.New(annotators)
	for _, a := range o.Annotators {
		t.annotators = append(t.annotators, a.Name)
	}
	return t
}

// add counts a row. It is called in the order of the rows, so that sums of costs
// come out the same whatever the order of the replies was.
func (t *tally) add(l labelled) error {
	a := l.annotation
	if err := t.stats.Add(&a); err != nil {
		return err
	}
	t.votes.PaidCalls += l.paid
	if l.category.cost.PromptTokens > 0 || l.category.usd != nil {
		t.votes.Spend(l.category.cost.PromptTokens, l.category.cost.CompletionTokens, l.category.usd)
	}
	outcome := "undecided"
	switch {
	case a.Label == nil && a.LabelReason == verify.ReasonDisagreed:
		outcome = "disagreed"
		t.figures[outcome]++
	case a.Label == nil:
		t.figures[outcome]++
	default:
		outcome = fmt.Sprint(*a.Label)
		t.figures["labelled_"+outcome]++
	}
	t.figures[a.Origin]++
	t.figures[a.Origin+"_"+outcome]++
	asked := map[string]bool{}
	for _, v := range a.Votes {
		asked[v.Annotator] = true
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
	if len(a.Votes) > 0 {
		for _, name := range t.annotators {
			if !asked[name] {
				t.figures["votes_saved"]++
			}
		}
	}
	if a.KnownCorrect != nil && a.Origin == rows.OriginSampled {
		label := "undecided"
		if a.Label != nil {
			label = fmt.Sprint(*a.Label)
		}
		t.figures[fmt.Sprintf("label_%s_known_%v", label, *a.KnownCorrect)]++
	}
	return nil
}

// StatsTable is the name of the file that shows the statistics as text.
const StatsTable = "stats.txt"

// writeStats writes what the labels are worth.
func (t *tally) writeStats(dir string, upstream *manifest.Manifest) error {
	before := stats.Before{Questions: upstream.Figures["problems"], Rejected: upstream.Figures["rejected"], Accepted: upstream.Figures["accepted"]}
	if c := upstream.Rows["responses"]; c != nil {
		before.Responses = c.Out
	}
	s := t.stats.Stats(before)
	data, err := s.JSON()
	if err != nil {
		return err
	}
	if err := rows.WriteFile(filepath.Join(dir, stats.File), data); err != nil {
		return err
	}
	var table bytes.Buffer
	if err := s.Table(&table); err != nil {
		return err
	}
	return rows.WriteFile(filepath.Join(dir, StatsTable), table.Bytes())
}
