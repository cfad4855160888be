package model

import (
	"context"
	"fmt"

	"tinyv/verify"
)

// codeSamplesDisagree is the code of samples that came to different verdicts
// without a majority.
const codeSamplesDisagree = "samples_disagree"

// verifySamples asks every sample, one after the other, and takes the majority.
func (v *Verifier) verifySamples(ctx context.Context, prompt, answer string) (verify.Verdict, error) {
	var ballots []verify.Ballot
	for i := range v.profile.Samples {
		verdict, err := v.verifySample(ctx, prompt, answer, i)
		if err != nil {
			return verify.Verdict{}, fmt.Errorf("sample %d: %w", i, err)
		}
		ballots = append(ballots, verify.Ballot{Voter: fmt.Sprintf("sample %d", i), Verdict: verdict})
	}
	return majority(ballots), nil
}

// majority is the verdict of more than half of all samples; one that did not
// decide counts for neither side. Its Reason and the texts of its Model are those
// of the first sample that is of the same mind, the tokens and costs those of all.
func majority(ballots []verify.Ballot) verify.Verdict {
	count := map[verify.Outcome]int{}
	for _, b := range ballots {
		count[b.Verdict.Outcome]++
	}
	outcome := verify.Undecided
	for _, o := range []verify.Outcome{verify.Correct, verify.Incorrect} {
		if 2*count[o] > len(ballots) {
			outcome = o
		}
	}
	out := firstOf(ballots, outcome)
	out.Outcome = outcome
	out.Confidence = meanConfidence(ballots, outcome)
	if outcome == verify.Undecided && count[verify.Correct] > 0 && count[verify.Incorrect] > 0 {
		out.Reason = fmt.Sprintf("%s: %d correct, %d incorrect, %d undecided", codeSamplesDisagree,
			count[verify.Correct], count[verify.Incorrect], count[verify.Undecided])
	}
	evidence := *out.Model
	evidence.PromptTokens, evidence.CompletionTokens, evidence.CostUSD = 0, 0, nil
	out.Cost = verify.Cost{}
	first := true
	for _, b := range ballots {
		out.Cost = out.Cost.Plus(b.Verdict.Cost)
		m := b.Verdict.Model
		if m.FinishReason == "" && m.PromptTokens+m.CompletionTokens == 0 {
			continue // no reply, so nothing whose cost is unknown
		}
		evidence.PromptTokens += m.PromptTokens
		evidence.CompletionTokens += m.CompletionTokens
		evidence.CostUSD = addCost(evidence.CostUSD, m.CostUSD, first)
		first = false
	}
	out.Model = &evidence
	out.Votes = ballots
	return out
}

// firstOf returns the first verdict of that outcome, or the first of all: a tie
// has no undecided one.
func firstOf(ballots []verify.Ballot, outcome verify.Outcome) verify.Verdict {
	for _, b := range ballots {
		if b.Verdict.Outcome == outcome {
			return b.Verdict
		}
	}
	return ballots[0].Verdict
}

// meanConfidence is the mean probability that the samples which decided give to
// the outcome; nil if one of them does not say.
func meanConfidence(ballots []verify.Ballot, outcome verify.Outcome) *float64 {
	if outcome == verify.Undecided {
		return nil
	}
	var sum float64
	var n int
	for _, b := range ballots {
		c := b.Verdict.Confidence
		switch {
		case b.Verdict.Outcome == verify.Undecided:
			continue
		case c == nil:
			return nil
		case b.Verdict.Outcome == outcome:
			sum += *c
		default:
			sum += 1 - *c
		}
		n++
	}
	mean := sum / float64(n)
	return &mean
}
