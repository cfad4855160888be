package verify

import (
	"context"
	"errors"
	"fmt"
)

// Cascade asks the next verifier only while none has accepted: a cheap one first,
// which is right when it accepts, then one that wins back what it wrongly rejects.
// The word of the last one asked counts. This is how the published verifier works
// beside its rule.
type Cascade struct {
	Steps []Voter // in the order in which they are asked; weights play no part
}

// Verify implements Verifier. The verdict carries one Ballot for each step that was
// asked, and the extracted answer, reason and confidence of the last. If a step
// fails, the cascade fails.
func (v *Cascade) Verify(ctx context.Context, c Case) (Verdict, error) {
	if len(v.Steps) == 0 {
		return Verdict{}, errors.New("a cascade needs at least one verifier")
	}
	var out Verdict
	for _, step := range v.Steps {
		verdict, err := step.Verifier.Verify(ctx, c)
		if err != nil {
			return Verdict{}, fmt.Errorf("asking %s: %w", step.Name, err)
		}
		out.Cost = out.Cost.Plus(verdict.Cost)
		out.Votes = append(out.Votes, Ballot{Voter: step.Name, Verdict: verdict})
		out.Outcome, out.Extracted, out.Reason, out.Confidence = verdict.Outcome, verdict.Extracted, verdict.Reason, verdict.Confidence
		if verdict.Outcome == Correct {
			break
		}
	}
	return out, nil
}
