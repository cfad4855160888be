package verify

import (
	"context"
	"fmt"
)

// Rule says how the ballots of a Vote become its outcome.
type Rule string

// The rules of a Vote.
const (
	// Unanimous decides when all voters decide and agree. The published labels
	// were made with it.
	Unanimous Rule = "unanimous"
	// Majority decides when more than half of all voters agree; an undecided
	// voter counts for neither side.
	Majority Rule = "majority"
)

// Rules lists every Rule, for messages.
func Rules() []Rule { return []Rule{Unanimous, Majority} }

// The reasons of a Vote that stays undecided.
const (
	ReasonDisagreed      = "disagreed"       // voters decided, and not alike
	ReasonVoterUndecided = "voter_undecided" // a voter that the rule needed did not decide
)

// Voter is a named member of a Vote.
type Voter struct {
	Name     string
	Verifier Verifier
}

// Vote asks every voter and decides by a rule. Disagreement is Undecided,
// never guessed. Voters are asked in order, one after the other.
type Vote struct {
	Rule   Rule
	Voters []Voter
}

// Verify implements Verifier. The verdict carries one Ballot per voter. If a
// voter fails, the vote fails: a verdict without that voter would be another
// vote than the one asked for.
func (v *Vote) Verify(ctx context.Context, c Case) (Verdict, error) {
	var out Verdict
	for _, voter := range v.Voters {
		verdict, err := voter.Verifier.Verify(ctx, c)
		if err != nil {
			return Verdict{}, fmt.Errorf("asking %s: %w", voter.Name, err)
		}
		out.Cost = out.Cost.Plus(verdict.Cost)
		out.Extracted = verdict.Extracted
		out.Votes = append(out.Votes, Ballot{Voter: voter.Name, Verdict: verdict})
	}
	outcome, reason, err := v.Rule.decide(out.Votes)
	if err != nil {
		return Verdict{}, err
	}
	out.Outcome, out.Reason = outcome, reason
	return out, nil
}

func (r Rule) decide(ballots []Ballot) (Outcome, string, error) {
	var correct, incorrect int
	for _, b := range ballots {
		switch b.Verdict.Outcome {
		case Correct:
			correct++
		case Incorrect:
			incorrect++
		}
	}
	var need int
	switch r {
	case Unanimous:
		need = len(ballots)
	case Majority:
		need = len(ballots)/2 + 1
	default:
		return Undecided, "", fmt.Errorf("vote rule %q is not one of %q", r, Rules())
	}
	switch {
	case need == 0:
		return Undecided, ReasonVoterUndecided, nil
	case correct >= need:
		return Correct, string(r), nil
	case incorrect >= need:
		return Incorrect, string(r), nil
	case correct > 0 && incorrect > 0:
		return Undecided, ReasonDisagreed, nil
	}
	return Undecided, ReasonVoterUndecided, nil
}
