package gen

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/verify"
	"tinyv/verify/prime"
)

// judge extracts the answer of a reply and puts it to the rule verifier.
func judge(ctx context.Context, rule Rule, r *rows.Response) error {
	extraction := prime.Extract(r.Response)
	if extraction.HasBox {
		r.Boxed = &extraction.Boxed
	}
	verdict, err := rule.Verifier.Verify(ctx, verify.Case{
		Question: r.Question, GroundTruth: r.GroundTruth, Answer: extraction.Answer, Response: r.Response,
	})
	if err != nil {
		return fmt.Errorf("verifying reply %d to problem %s: %w", r.Sample, r.ProblemID, err)
	}
	r.Rule, r.Extracted = rule.Name, verdict.Extracted
	r.RuleCorrect, r.RuleReason = verdict.Outcome.Bool(), verdict.Reason
	return nil
}

// tally writes responses and counts what the funnel shows of them.
type tally struct {
	out     *rows.Writer[rows.Response]
	rejects *stage.Rejects
	figures map[string]int64
	spent   manifest.Spent

	simulated bool
}

func newTally(dir string) (*tally, error) {
	rejects, err := stage.NewRejects(filepath.Join(dir, stage.RejectedFile), &manifest.Counts{})
	if err != nil {
		return nil, err
	}
	out, err := rows.Create[rows.Response](dir, ResponsesStem, "parquet", 0)
	if err != nil {
		return nil, errors.Join(err, rejects.Abort())
	}
	t := &tally{out: out, rejects: rejects, figures: map[string]int64{}}
	for _, name := range []string{"extracted", "boxed", "cut_off", "accepted", "rejected", "rule_undecided"} {
		t.figures[name] = 0
	}
	return t, nil
}

func (t *tally) add(r rows.Response) error {
	t.rejects.Counts.Out++
	if r.Boxed != nil {
		t.figures["boxed"]++
	}
	if r.Extracted != "" {
		t.figures["extracted"]++
	}
	if r.FinishReason == rows.FinishLength {
		t.figures["cut_off"]++
	}
	switch {
	case r.RuleCorrect == nil:
		t.figures["rule_undecided"]++
	case *r.RuleCorrect:
		t.figures["accepted"]++
	default:
		t.figures["rejected"]++
	}
	if r.KnownCorrect != nil && r.RuleCorrect != nil {
		t.figures[fmt.Sprintf("rule_%v_known_%v", *r.RuleCorrect, *r.KnownCorrect)]++
	}
	t.simulated = t.simulated || r.Simulated
	t.spent.Spend(int64(r.PromptTokens), int64(r.CompletionTokens), r.CostUSD)
	return t.out.Write(r)
}

func (t *tally) abort() {
	// Both are no-ops once closed; on the way out of an error there is nothing
	// better to say than that error.
	_ = t.out.Abort()
	_ = t.rejects.Abort()
}

// writes are the patterns of the files that Sample and Import make.
func writes() []string {
	return []string{ResponsesStem + "-*", stage.RejectedFile, GoldRefusedFile}
}

// fromProblem begins a response to p.
func fromProblem(p rows.Problem, sample int32) rows.Response {
	return rows.Response{
		ProblemID: p.ProblemID, Source: p.Source, Domain: p.Domain, Question: p.Question, GroundTruth: p.GroundTruth,
		SolveRate: p.SolveRate, Sample: sample, Extra: p.Extra, Simulated: p.Simulated,
	}
}
