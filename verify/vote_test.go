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
