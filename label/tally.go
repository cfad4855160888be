package label

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/durable"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/label/stats"
	"tinyv/label/taxonomy"
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
	agreement  *taxonomy.Agreement // of our rules with a model; nil if none is asked
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
	if o.CategoryLLM != nil {
		t.agreement = &taxonomy.Agreement{}
	}
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
	if falseNegative(&a) && t.agreement != nil {
		t.agreement.Add(taxonomy.Category(a.Category), taxonomy.Category(a.CategoryLLM))
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

const (
	// StatsTable is the name of the file that shows the statistics as text.
	StatsTable = "stats.txt"
	// TaxonomyFile is the name of the file that says how often our rules and a model
	// name the same category.
	TaxonomyFile = "taxonomy.json"
)

// writeStats writes what the labels are worth, and returns the names of the files.
func (t *tally) writeStats(dir string, upstream *manifest.Manifest) (files []string, err error) {
	before := stats.Before{Questions: upstream.Figures["problems"], Rejected: upstream.Figures["rejected"], Accepted: upstream.Figures["accepted"]}
	if c := upstream.Rows["responses"]; c != nil {
		before.Responses = c.Out
	}
	s := t.stats.Stats(before)
	data, err := s.JSON()
	if err != nil {
		return nil, err
	}
	if err := durable.WriteFile(filepath.Join(dir, stats.File), data); err != nil {
		return nil, err
	}
	files = append(files, stats.File)
	var table bytes.Buffer
	if err := s.Table(&table); err != nil {
		return nil, err
	}
	if t.agreement != nil {
		fmt.Fprint(&table, "\nCategories by our rules (rows) and by the model (columns)\n")
		if err := t.agreement.WriteTable(&table); err != nil {
			return nil, err
		}
		if data, err = json.MarshalIndent(struct {
			Summary taxonomy.Summary    `json:"summary"`
			Counts  *taxonomy.Agreement `json:"counts"`
		}{t.agreement.Summary(), t.agreement}, "", "  "); err != nil {
			return nil, fmt.Errorf("encoding the agreement on categories: %w", err)
		}
		if err := durable.WriteFile(filepath.Join(dir, TaxonomyFile), append(data, '\n')); err != nil {
			return nil, err
		}
		files = append(files, TaxonomyFile)
	}
	return append(files, StatsTable), durable.WriteFile(filepath.Join(dir, StatsTable), table.Bytes())
}
