package verify_test

import (
	"context"
	"errors"
	"testing"

	"tinyv/verify"
)

type fixed struct {
	outcome verify.Outcome
	err     error
}

func (f fixed) Verify(context.Context, verify.Case) (verify.Verdict, error) {
	return verify.Verdict{Outcome: f.outcome, Cost: verify.Cost{Calls: 1, PromptTokens: 10}}, f.err
}

func TestVote(t *testing.T) {
	const (
		yes = verify.Correct
		no  = verify.Incorrect
		un  = verify.Undecided
	)
	tests := []struct {
		rule   verify.Rule
		voters []verify.Outcome
		want   verify.Outcome
		reason string
	}{
		{verify.Unanimous, []verify.Outcome{yes, yes}, yes, "unanimous"},
		{verify.Unanimous, []verify.Outcome{no, no}, no, "unanimous"},
		{verify.Unanimous, []verify.Outcome{yes, no}, un, verify.ReasonDisagreed},
		{verify.Unanimous, []verify.Outcome{no, yes}, un, verify.ReasonDisagreed},
		{verify.Unanimous, []verify.Outcome{yes, un}, un, verify.ReasonVoterUndecided},
		{verify.Unanimous, []verify.Outcome{un, no}, un, verify.ReasonVoterUndecided},
		{verify.Unanimous, []verify.Outcome{yes, no, un}, un, verify.ReasonDisagreed},
		{verify.Unanimous, []verify.Outcome{no}, no, "unanimous"},
		{verify.Unanimous, nil, un, verify.ReasonVoterUndecided},
		{verify.Majority, []verify.Outcome{yes, yes, no}, yes, "majority"},
		{verify.Majority, []verify.Outcome{no, un, no}, no, "majority"},
		{verify.Majority, []verify.Outcome{yes, no}, un, verify.ReasonDisagreed},
		{verify.Majority, []verify.Outcome{yes, un}, un, verify.ReasonVoterUndecided},
		{verify.Majority, []verify.Outcome{yes, un, un}, un, verify.ReasonVoterUndecided},
		{verify.Any, []verify.Outcome{no, un, yes}, yes, "any"},
		{verify.Any, []verify.Outcome{no, no}, no, "any"},
		{verify.Any, []verify.Outcome{no, no, un}, un, verify.ReasonVoterUndecided},
		{verify.Any, nil, un, verify.ReasonVoterUndecided},
		{verify.Weighted, []verify.Outcome{yes, no}, un, verify.ReasonDisagreed},
	}
	for _, tt := range tests {
		v := &verify.Vote{Rule: tt.rule}
		for _, o := range tt.voters {
			v.Voters = append(v.Voters, verify.Voter{Name: "v", Verifier: fixed{outcome: o}})
		}
		got, err := v.Verify(t.Context(), verify.Case{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != tt.want || got.Reason != tt.reason {
			t.Errorf("%s of %v is %v (%s), want %v (%s)", tt.rule, tt.voters, got.Outcome, got.Reason, tt.want, tt.reason)
		}
		if n := len(tt.voters); len(got.Votes) != n || got.Cost.Calls != int64(n) || got.Cost.PromptTokens != int64(10*n) {
			t.Errorf("%d voters left %d ballots and cost %+v", n, len(got.Votes), got.Cost)
		}
	}
}

func TestVoteFailsWithItsVoter(t *testing.T) {
	down := errors.New("endpoint is down")
	v := &verify.Vote{Rule: verify.Unanimous, Voters: []verify.Voter{{Name: "a", Verifier: fixed{outcome: verify.Incorrect}}, {Name: "b", Verifier: fixed{err: down}}}}
	got, err := v.Verify(t.Context(), verify.Case{})
	if !errors.Is(err, down) || got.Outcome != verify.Undecided {
		t.Errorf("got %v, %v", got.Outcome, err)
	}
	v.Rule = "loudest"
	v.Voters = v.Voters[:1]
	if _, err := v.Verify(t.Context(), verify.Case{}); err == nil {
		t.Error("an unknown rule decides")
	}
}

func TestWeights(t *testing.T) {
	voters := func(outcomes ...verify.Outcome) []verify.Voter {
		var voters []verify.Voter
		for i, o := range outcomes {
			voters = append(voters, verify.Voter{Name: "v", Verifier: fixed{outcome: o}, Weight: []float64{3, 1, 1}[i]})
		}
		return voters
	}
	for _, tt := range []struct {
		voters []verify.Voter
		want   verify.Outcome
	}{
		{voters(verify.Correct, verify.Incorrect, verify.Incorrect), verify.Correct},
		{voters(verify.Undecided, verify.Incorrect, verify.Incorrect), verify.Undecided},
		{voters(verify.Incorrect, verify.Undecided, verify.Correct), verify.Incorrect},
	} {
		got, err := (&verify.Vote{Rule: verify.Weighted, Voters: tt.voters}).Verify(t.Context(), verify.Case{})
		if err != nil || got.Outcome != tt.want {
			t.Errorf("%v (%s), %v; want %v", got.Outcome, got.Reason, err, tt.want)
		}
	}
	heavy := voters(verify.Correct)
	heavy[0].Weight = -1
	if _, err := (&verify.Vote{Rule: verify.Weighted, Voters: heavy}).Verify(t.Context(), verify.Case{}); err == nil {
		t.Error("a negative weight votes")
	}
}

// TestStaged goes through everything that up to four voters and a tie-breaker can
// say: asking in stages never changes the outcome, never costs more, and does cost
// less somewhere for every rule.
func TestStaged(t *testing.T) {
	outcomes := []verify.Outcome{verify.Correct, verify.Incorrect, verify.Undecided}
	for _, rule := range verify.Rules() {
		for _, tie := range []bool{false, true} {
			var asked, saved int64
			for voters := 1; voters <= 4; voters++ {
				combinations := 1
				for range voters + 1 {
					combinations *= len(outcomes)
				}
				for n := range combinations {
					v := verify.Vote{Rule: rule}
					rest := n
					for i := range voters {
						v.Voters = append(v.Voters, verify.Voter{Name: "v", Verifier: fixed{outcome: outcomes[rest%3]}, Weight: float64(1 + i)})
						rest /= 3
					}
					if tie {
						v.TieBreaker = &verify.Voter{Name: "tie", Verifier: fixed{outcome: outcomes[rest%3]}}
					}
					whole, err := v.Verify(t.Context(), verify.Case{})
					if err != nil {
						t.Fatal(err)
					}
					v.Staged = true
					staged, err := v.Verify(t.Context(), verify.Case{})
					if err != nil {
						t.Fatal(err)
					}
					if staged.Outcome != whole.Outcome || staged.Cost.Calls > whole.Cost.Calls {
						t.Fatalf("%s of %d voters, case %d, tie-breaker %v: %v for %d calls, in stages %v for %d",
							rule, voters, n, tie, whole.Outcome, whole.Cost.Calls, staged.Outcome, staged.Cost.Calls)
					}
					asked += whole.Cost.Calls
					saved += whole.Cost.Calls - staged.Cost.Calls
				}
			}
			t.Logf("%-9s tie-breaker %-5v: %d calls, %d saved", rule, tie, asked, saved)
			if saved == 0 {
				t.Errorf("%s, tie-breaker %v: nothing is saved", rule, tie)
			}
		}
	}
}

func TestTieBreaker(t *testing.T) {
	v := verify.Vote{Rule: verify.Unanimous, Voters: []verify.Voter{
		{Name: "a", Verifier: fixed{outcome: verify.Correct}}, {Name: "b", Verifier: fixed{outcome: verify.Incorrect}},
	}, TieBreaker: &verify.Voter{Name: "c", Verifier: fixed{outcome: verify.Incorrect}}}
	got, err := v.Verify(t.Context(), verify.Case{})
	if err != nil || got.Outcome != verify.Incorrect || got.Reason != verify.ReasonTieBreaker || len(got.Votes) != 3 || got.Votes[2].Voter != "c" {
		t.Errorf("got %+v, %v", got, err)
	}
	v.TieBreaker.Verifier = fixed{outcome: verify.Undecided}
	if got, err := v.Verify(t.Context(), verify.Case{}); err != nil || got.Outcome != verify.Undecided || got.Reason != verify.ReasonDisagreed {
		t.Errorf("an undecided tie-breaker: %+v, %v", got, err)
	}
	v.Voters[1].Verifier = fixed{outcome: verify.Undecided}
	if got, err := v.Verify(t.Context(), verify.Case{}); err != nil || len(got.Votes) != 2 {
		t.Errorf("asked without a disagreement: %+v, %v", got, err)
	}
}
