// Package label is stage 2: it puts every rejection of the rule verifier to the
// annotators, and keeps what each said beside the label their vote makes.
//
// It promises that no label is made up: a reply without a verdict, a request that
// the server refused, and annotators that disagree leave the label empty (null),
// with the reason; never False.
package label

import (
	"context"
	"fmt"
	"slices"

	"tinyv/internal/manifest"
	"tinyv/internal/ordered"
	"tinyv/internal/progress"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/label/stats"
	"tinyv/verify"
)

// AnnotationsStem is the stem of this stage's parts.
const AnnotationsStem = "annotations"

// MaxAnswer is the longest answer, in characters, that goes to the annotators. A
// longer one is no answer but a whole reply whose answer could not be found; the
// rule verifier cuts at 1,000.
const MaxAnswer = 4000

// ReasonByConstruction is the reason of a label that nobody had to be asked for:
// that of an answer which was made to be wrong.
const ReasonByConstruction = "by_construction"

// Annotator is one voter, with what it takes to fingerprint it.
type Annotator struct {
	Name        string
	Verifier    verify.Verifier
	Settings    any     // everything that changes its verdicts
	Samples     int     // replies it is asked for of each answer; 0 = 1
	Weight      float64 // under verify.Weighted; 0 = 1
	Concurrency int     // cases it takes at once
	Simulated   bool
	Calls       func() progress.Calls // what its replies cost in this run so far
}

// Options says which answers are annotated, and how the votes decide.
type Options struct {
	Vote            verify.Rule
	Annotators      []Annotator
	TieBreaker      *Annotator // asked when the others disagree; nil = nobody
	Staged          bool       // ask an annotator only while the vote is open
	RequireBoxed    bool       // responses without a boxed answer stay behind
	RequireFinished bool       // responses cut off by length stay behind
	Acceptances     float64    // share of the responses that the rule accepts and that are annotated all the same, 0 to 1
	Seed            int64      // of which acceptances

	// Category says by rule why the rule verifier rejected a correct answer; nil
	// leaves it open.
	Category func(question, groundTruth, answer string) string
	// CategoryLLM asks a model the same; nil asks nobody. An empty category is one
	// that the model did not give.
	CategoryLLM         func(ctx context.Context, question, groundTruth, answer string) (category string, spent verify.Cost, costUSD *float64, err error)
	CategoryLLMSettings any // everything that changes its answers
}

// subject is an answer on its way to the annotators.
type subject struct {
	annotation rows.Annotation // without votes and label
	known      *bool           // the label, where nobody needs to be asked
}

// labelled is what became of a subject.
type labelled struct {
	annotation rows.Annotation
	paid       int64 // calls in this run
	category   spending
}

// spending is what a reply that is no vote cost.
type spending struct {
	cost verify.Cost
	usd  *float64
}

// Run annotates the rejections of the finished stage in genDir, a share of its
// acceptances, and the candidates of the finished stage in candidatesDir (""
// for none), and writes annotations-*.parquet and stats.json to dir, in the order
// of the responses and then of the candidates. Replies are in the annotators'
// journal before they are used, so a stage that was cut off asks again only for
// what it had no reply to.
func Run(ctx context.Context, env stage.Env, dir, genDir, candidatesDir string, o Options) (*manifest.Manifest, error) {
	upstream, err := manifest.Require(genDir)
	if err != nil {
		return nil, err
	}
	inputs, err := manifest.HashAll(genDir)
	if err != nil {
		return nil, err
	}
	made := &manifest.Manifest{Rows: map[string]*manifest.Counts{"candidates": {}}}
	if candidatesDir != "" {
		if made, err = manifest.Require(candidatesDir); err != nil {
			return nil, err
		}
		more, err := manifest.HashAll(candidatesDir)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, more...)
	}
	s, done, err := manifest.Begin(dir, "label", o.settings(), inputs, []string{AnnotationsStem + "-*", stats.File, StatsTable, TaxonomyFile})
	if err != nil || done != nil {
		return done, err
	}
	out, err := rows.Create[rows.Annotation](dir, AnnotationsStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer out.Abort()

	vote, workers, simulated := o.vote()
	t := newTally(o)
	total := upstream.Figures["rejected"] + int64(o.Acceptances*float64(upstream.Figures["accepted"])) + made.Rows["candidates"].Out
	bar := env.Progress.Start("labelling", total, o.calls)
	defer bar.Finish()
	annotate := func(ctx context.Context, s subject) (labelled, error) { return o.annotate(ctx, vote, s) }
	subjects := o.subjects(genDir, candidatesDir, t)
	for l, err := range ordered.Map(ctx, stage.Until(env.Stop, subjects), stage.Workers(workers), stage.Window(workers), annotate) {
		if err != nil {
			return nil, err
		}
		l.annotation.Simulated = l.annotation.Simulated || simulated
		bar.Add(1)
		if err := t.add(l); err != nil {
			return nil, err
		}
		if err := out.Write(l.annotation); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	files, err := t.writeStats(dir, upstream)
	if err != nil {
		return nil, err
	}
	counts := map[string]*manifest.Counts{"responses": t.responses}
	if candidatesDir != "" {
		counts["candidates"] = t.candidates
	}
	return s.Finish(append(out.Files(), files...), counts, t.figures, &t.votes, upstream.Simulated || made.Simulated || simulated)
}

// vote puts the annotators together, and says how many rows they take at once and
// whether any of them is simulated.
func (o Options) vote() (vote *verify.Vote, workers int, simulated bool) {
	vote = &verify.Vote{Rule: o.Vote, Staged: o.Staged}
	for _, a := range o.all() {
		voter := verify.Voter{Name: a.Name, Verifier: a.Verifier, Weight: a.Weight}
		if o.TieBreaker != nil && a.Name == o.TieBreaker.Name {
			vote.TieBreaker = &voter
		} else {
			vote.Voters = append(vote.Voters, voter)
		}
		workers += max(a.Concurrency, 1)
		simulated = simulated || a.Simulated
	}
	return vote, workers, simulated
}

// all lists the annotators, the tie-breaker last.
func (o Options) all() []Annotator {
	if o.TieBreaker == nil {
		return o.Annotators
	}
	return append(slices.Clone(o.Annotators), *o.TieBreaker)
}

// annotate puts a subject to the vote, and says why the rule rejected it if it
// turns out to be correct.
func (o Options) annotate(ctx context.Context, vote *verify.Vote, s subject) (labelled, error) {
	l := labelled{annotation: s.annotation}
	a := &l.annotation
	if s.known != nil {
		a.Label, a.LabelReason = s.known, ReasonByConstruction
		return l, nil
	}
	verdict, err := vote.Verify(ctx, verify.Case{Question: a.Question, GroundTruth: a.GroundTruth, Answer: a.Answer})
	if err != nil {
		return l, fmt.Errorf("annotating answer %d (%s) to problem %s: %w", a.Sample, a.Origin, a.ProblemID, err)
	}
	l.paid = verdict.Cost.Calls
	a.Label, a.LabelReason = verdict.Outcome.Bool(), verdict.Reason
	for _, ballot := range verdict.Votes {
		a.Votes = append(a.Votes, votes(ballot)...)
	}
	if falseNegative(a) && o.Category != nil {
		a.Category = o.Category(a.Question, a.GroundTruth, a.Answer)
	}
	if falseNegative(a) && o.CategoryLLM != nil {
		a.CategoryLLM, l.category.cost, l.category.usd, err = o.CategoryLLM(ctx, a.Question, a.GroundTruth, a.Answer)
		if err != nil {
			return l, fmt.Errorf("classifying answer %d (%s) to problem %s: %w", a.Sample, a.Origin, a.ProblemID, err)
		}
		l.paid += l.category.cost.Calls
	}
	return l, nil
}

// falseNegative reports whether the rule rejected an answer that is labelled correct.
func falseNegative(a *rows.Annotation) bool {
	return a.Label != nil && *a.Label && a.RuleCorrect != nil && !*a.RuleCorrect
}

// votes are the replies of one annotator.
func votes(ballot verify.Ballot) []rows.AnnotatorVote {
	samples := ballot.Verdict.Votes
	if len(samples) == 0 {
		samples = []verify.Ballot{ballot}
	}
	out := make([]rows.AnnotatorVote, 0, len(samples))
	for i, sample := range samples {
		v := rows.AnnotatorVote{
			Annotator: ballot.Voter, Sample: int32(i), Correct: sample.Verdict.Outcome.Bool(), Reason: sample.Verdict.Reason, Confidence: sample.Verdict.Confidence,
		}
		if m := sample.Verdict.Model; m != nil {
			v.Model, v.Reply, v.Reasoning, v.FinishReason, v.PromptSHA256 = m.Model, m.Reply, m.Reasoning, m.FinishReason, m.PromptSHA256
			v.PromptTokens, v.CompletionTokens, v.CostUSD = rows.Tokens(m.PromptTokens), rows.Tokens(m.CompletionTokens), m.CostUSD
		}
		out = append(out, v)
	}
	return out
}

// Undecided returns the share of the annotated rows that no label could be given,
// 0 to 1, from a manifest of this stage.
func Undecided(m *manifest.Manifest) float64 {
	all := m.Rows["responses"].Out
	if c := m.Rows["candidates"]; c != nil {
		all += c.Out
	}
	if all == 0 {
		return 0
	}
	return float64(m.Figures["disagreed"]+m.Figures["undecided"]) / float64(all)
}

// calls adds up what the annotators cost so far.
func (o Options) calls() progress.Calls {
	var sum progress.Calls
	for _, a := range o.all() {
		if a.Calls != nil {
			sum = sum.Plus(a.Calls())
		}
	}
	return sum
}

func (o Options) settings() any {
	type annotator struct {
		Name     string  `json:"name"`
		Weight   float64 `json:"weight,omitempty"`
		Settings any     `json:"settings"`
	}
	settings := struct {
		Vote            verify.Rule `json:"vote"`
		Staged          bool        `json:"staged"`
		RequireBoxed    bool        `json:"require_boxed"`
		RequireFinished bool        `json:"require_finished"`
		Acceptances     float64     `json:"acceptances"`
		Seed            int64       `json:"seed"`
		Annotators      []annotator `json:"annotators"`
		TieBreaker      *annotator  `json:"tie_breaker,omitempty"`
		Taxonomy        any         `json:"taxonomy,omitempty"`
	}{o.Vote, o.Staged, o.RequireBoxed, o.RequireFinished, o.Acceptances, o.Seed, nil, nil, o.CategoryLLMSettings}
	for _, a := range o.Annotators {
		settings.Annotators = append(settings.Annotators, annotator{a.Name, a.Weight, a.Settings})
	}
	if t := o.TieBreaker; t != nil {
		settings.TieBreaker = &annotator{t.Name, t.Weight, t.Settings}
	}
	return settings
}
