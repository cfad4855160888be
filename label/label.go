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
	"iter"
	"unicode/utf8"

	"tinyv/internal/manifest"
	"tinyv/internal/ordered"
	"tinyv/internal/progress"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/verify"
)

// AnnotationsStem is the stem of this stage's parts.
const AnnotationsStem = "annotations"

// MaxAnswer is the longest answer, in characters, that goes to the annotators. A
// longer one is no answer but a whole reply whose answer could not be found; the
// rule verifier cuts at 1,000.
const MaxAnswer = 4000

// The reasons for which a response stays behind.
const (
	reasonAccepted      = "accepted_by_rule"
	reasonRuleUndecided = "rule_undecided"
	reasonUnboxed       = "unboxed"
	reasonCutOff        = "cut_off"
	reasonNoAnswer      = "no_answer"
	reasonAnswerTooLong = "answer_too_long"
)

// Annotator is one voter, with what it takes to fingerprint it.
type Annotator struct {
	Name        string
	Verifier    verify.Verifier
	Settings    any // everything that changes its verdicts
	Concurrency int // cases it takes at once
	Simulated   bool
	Calls       func() progress.Calls // what its replies cost in this run so far
}

// Options says which rejections are annotated, and how the votes decide.
type Options struct {
	Vote            verify.Rule
	Annotators      []Annotator
	RequireBoxed    bool // responses without a boxed answer stay behind
	RequireFinished bool // responses cut off by length stay behind
}

// Run annotates the rejections of the finished stage in genDir and writes
// annotations-*.parquet to dir, in the order of the responses. Replies are in the
// annotators' journal before they are used, so a stage that was cut off asks
// again only for what it had no reply to.
func Run(ctx context.Context, env stage.Env, dir, genDir string, o Options) (*manifest.Manifest, error) {
	upstream, err := manifest.Require(genDir)
	if err != nil {
		return nil, err
	}
	inputs, err := manifest.HashAll(genDir)
	if err != nil {
		return nil, err
	}
	s, done, err := manifest.Begin(dir, "label", o.settings(), inputs, []string{AnnotationsStem + "-*"})
	if err != nil || done != nil {
		return done, err
	}
	out, err := rows.Create[rows.Annotation](dir, AnnotationsStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer out.Abort()

	vote := &verify.Vote{Rule: o.Vote}
	workers, simulated := 0, false
	for _, a := range o.Annotators {
		vote.Voters = append(vote.Voters, verify.Voter{Name: a.Name, Verifier: a.Verifier})
		workers += max(a.Concurrency, 1)
		simulated = simulated || a.Simulated
	}
	t := newTally(o)
	bar := env.Progress.Start("labelling", upstream.Figures["rejected"], o.calls)
	defer bar.Finish()
	annotate := func(ctx context.Context, r rows.Response) (rows.Annotation, error) {
		verdict, err := vote.Verify(ctx, verify.Case{Question: r.Question, GroundTruth: r.GroundTruth, Answer: r.Answer()})
		if err != nil {
			return rows.Annotation{}, fmt.Errorf("annotating reply %d to problem %s: %w", r.Sample, r.ProblemID, err)
		}
		t.spend(verdict)
		a := annotation(r, verdict)
		a.Simulated = a.Simulated || simulated
		return a, nil
	}
	rejections := o.rejections(rows.Read[rows.Response](genDir), t.counts)
	for a, err := range ordered.Map(ctx, stage.Until(env.Stop, rejections), stage.Workers(workers), stage.Window(workers), annotate) {
		if err != nil {
			return nil, err
		}
		bar.Add(1)
		t.add(a)
		if err := out.Write(a); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	t.counts.Out = out.Rows()
	return s.Finish(out.Files(), map[string]*manifest.Counts{"responses": t.counts}, t.figures, t.spent(), upstream.Simulated || simulated)
}

// Undecided returns the share of the annotated rows that no label could be given,
// 0 to 1, from a manifest of this stage.
func Undecided(m *manifest.Manifest) float64 {
	all := m.Rows["responses"].Out
	if all == 0 {
		return 0
	}
	return float64(m.Figures["disagreed"]+m.Figures["undecided"]) / float64(all)
}

// calls adds up what the annotators cost so far.
func (o Options) calls() progress.Calls {
	var sum progress.Calls
	for _, a := range o.Annotators {
		if a.Calls != nil {
			sum = sum.Plus(a.Calls())
		}
	}
	return sum
}

func (o Options) settings() any {
	type annotator struct {
		Name     string `json:"name"`
		Settings any    `json:"settings"`
	}
	var annotators []annotator
	for _, a := range o.Annotators {
		annotators = append(annotators, annotator{a.Name, a.Settings})
	}
	return struct {
		Vote            verify.Rule `json:"vote"`
		RequireBoxed    bool        `json:"require_boxed"`
		RequireFinished bool        `json:"require_finished"`
		Annotators      []annotator `json:"annotators"`
	}{o.Vote, o.RequireBoxed, o.RequireFinished, annotators}
}

// rejections passes on what the annotators are to see and counts the rest.
// counts is written only by the goroutine that reads the input, and read when
// that has ended.
func (o Options) rejections(in iter.Seq2[rows.Response, error], counts *manifest.Counts) iter.Seq2[rows.Response, error] {
	return func(yield func(rows.Response, error) bool) {
		for r, err := range in {
			if err != nil {
				yield(r, err)
				return
			}
			counts.In++
			if reason := o.staysBehind(&r); reason != "" {
				counts.Drop(reason)
				continue
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (o Options) staysBehind(r *rows.Response) string {
	switch answer := r.Answer(); {
	case r.RuleCorrect == nil:
		return reasonRuleUndecided
	case *r.RuleCorrect:
		return reasonAccepted
	case o.RequireFinished && r.FinishReason == rows.FinishLength:
		return reasonCutOff
	case o.RequireBoxed && r.Boxed == nil:
		return reasonUnboxed
	case answer == "":
		return reasonNoAnswer
	case len(answer) > MaxAnswer && utf8.RuneCountInString(answer) > MaxAnswer:
		return reasonAnswerTooLong
	}
	return ""
}

func annotation(r rows.Response, verdict verify.Verdict) rows.Annotation {
	a := rows.Annotation{
		ProblemID: r.ProblemID, Source: r.Source, Domain: r.Domain, Question: r.Question, GroundTruth: r.GroundTruth,
		Sample: r.Sample, Answer: r.Answer(), Extracted: r.Extracted, Rule: r.Rule, RuleCorrect: r.RuleCorrect,
		Label: verdict.Outcome.Bool(), LabelReason: verdict.Reason, Origin: rows.OriginSampled,
		KnownCorrect: r.KnownCorrect, Extra: r.Extra, Simulated: r.Simulated,
	}
	for _, ballot := range verdict.Votes {
		v := rows.AnnotatorVote{Annotator: ballot.Voter, Correct: ballot.Verdict.Outcome.Bool(), Reason: ballot.Verdict.Reason}
		if m := ballot.Verdict.Model; m != nil {
			v.Model, v.Reply, v.Reasoning, v.FinishReason, v.PromptSHA256 = m.Model, m.Reply, m.Reasoning, m.FinishReason, m.PromptSHA256
			v.PromptTokens, v.CompletionTokens, v.CostUSD = int32(m.PromptTokens), int32(m.CompletionTokens), m.CostUSD
		}
		a.Votes = append(a.Votes, v)
	}
	return a
}
