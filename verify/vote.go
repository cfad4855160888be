package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// Any is Correct when one voter says so, and Incorrect when all say that.
	Any Rule = "any"
	// Weighted decides when voters with more than half of all weight agree.
	Weighted Rule = "weighted"
)

// Rules lists every Rule, for messages.
func Rules() []Rule { return []Rule{Unanimous, Majority, Any, Weighted} }

// The reasons of a vote besides the rule that decided it.
const (
	ReasonDisagreed      = "disagreed"       // voters decided, and not alike
	ReasonVoterUndecided = "voter_undecided" // a voter that the rule needed did not decide
	ReasonTieBreaker     = "tie_breaker"     // voters disagreed, and the tie-breaker decided
)

// maxStaged bounds the voters of a staged vote: what is still open is found by
// going through all that the others could say.
const maxStaged = 8

// Voter is a named member of a Vote.
type Voter struct {
	Name     string
	Verifier Verifier
	Weight   float64 // under Weighted; 0 = 1
}

// Vote asks voters and decides by a rule. Disagreement is Undecided, never
// guessed. Voters are asked in order, one after the other.
type Vote struct {
	Rule   Rule
	Voters []Voter

	// TieBreaker, if not nil, is asked when voters disagree and the rule does not
	// decide; what it says is then the outcome.
	TieBreaker *Voter

	// Staged asks a voter only while the outcome is still open. It never changes
	// the outcome, only what it costs; so the cheapest voter comes first.
	Staged bool
}

// Check says what is wrong with a vote, if anything is.
func (v *Vote) Check() error {
	if !slices.Contains(Rules(), v.Rule) {
		return fmt.Errorf("vote rule %q is not one of %q", v.Rule, Rules())
	}
	if v.Staged && len(v.Voters) > maxStaged {
		return fmt.Errorf("a staged vote has at most %d voters, not %d", maxStaged, len(v.Voters))
	}
	for _, voter := range v.Voters {
		if !(voter.Weight >= 0) {
			return fmt.Errorf("the weight of %s must be 0 or more, not %v", voter.Name, voter.Weight)
		}
	}
	return nil
}

// Verify implements Verifier. The verdict carries one Ballot for each voter that
// was asked, in their order, the tie-breaker's last. If a voter fails, the vote
// fails: a verdict without that voter would be another vote than the one asked for.
func (v *Vote) Verify(ctx context.Context, c Case) (Verdict, error) {
	if err := v.Check(); err != nil {
		return Verdict{}, err
	}
	var out Verdict
	var said []Outcome
	ask := func(voter Voter) (Outcome, error) {
		verdict, err := voter.Verifier.Verify(ctx, c)
		if err != nil {
			return Undecided, fmt.Errorf("asking %s: %w", voter.Name, err)
		}
		out.Cost = out.Cost.Plus(verdict.Cost)
		out.Extracted = verdict.Extracted
		out.Votes = append(out.Votes, Ballot{Voter: voter.Name, Verdict: verdict})
		return verdict.Outcome, nil
	}
	for _, voter := range v.Voters {
		if v.Staged && v.settled(said) {
			break
		}
		outcome, err := ask(voter)
		if err != nil {
			return Verdict{}, err
		}
		said = append(said, outcome)
	}
	out.Outcome, out.Reason = v.decide(said)
	if out.Reason == ReasonDisagreed && v.TieBreaker != nil {
		outcome, err := ask(*v.TieBreaker)
		if err != nil {
			return Verdict{}, err
		}
		if outcome != Undecided {
			out.Outcome, out.Reason = outcome, ReasonTieBreaker
		}
	}
	return out, nil
}

// settled reports whether the voters that were not asked yet cannot change the
// outcome any more, nor whether the tie-breaker is asked.
func (v *Vote) settled(said []Outcome) bool {
	if len(said) == 0 {
		return false
	}
	first, firstTie := Undecided, false
	seen := false
	err := v.completions(slices.Clone(said), func(all []Outcome) error {
		outcome, reason := v.decide(all)
		tie := reason == ReasonDisagreed && v.TieBreaker != nil
		if seen && (outcome != first || tie != firstTie) {
			return errOpen
		}
		first, firstTie, seen = outcome, tie, true
		return nil
	})
	return err == nil
}

var errOpen = errors.New("still open")

// completions calls f with everything that all voters could say after said.
func (v *Vote) completions(said []Outcome, f func([]Outcome) error) error {
	if len(said) == len(v.Voters) {
		return f(said)
	}
	for _, next := range []Outcome{Correct, Incorrect, Undecided} {
		if err := v.completions(append(said, next), f); err != nil {
			return err
		}
	}
	return nil
}

// decide applies the rule to what voters said; the first ones, if not all were asked.
func (v *Vote) decide(said []Outcome) (Outcome, string) {
	var all, correct, incorrect float64
	for i, voter := range v.Voters {
		weight := 1.0
		if v.Rule == Weighted && voter.Weight != 0 {
			weight = voter.Weight
		}
		all += weight
		if i >= len(said) {
			continue
		}
		switch said[i] {
		case Correct:
			correct += weight
		case Incorrect:
			incorrect += weight
		}
	}
	enough := func(n float64) bool { return n > all/2 }
	if v.Rule == Unanimous {
		enough = func(n float64) bool { return n == all && n > 0 }
	}
	switch {
	case enough(correct), v.Rule == Any && correct > 0:
		return Correct, string(v.Rule)
	case v.Rule != Any && enough(incorrect), v.Rule == Any && incorrect == all && all > 0:
		return Incorrect, string(v.Rule)
	case correct > 0 && incorrect > 0:
		return Undecided, ReasonDisagreed
	}
	return Undecided, ReasonVoterUndecided
}
