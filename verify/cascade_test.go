package verify

import (
	"context"
	"errors"
	"testing"
)

// fixed says the same of every case, and counts how often it is asked.
type fixed struct {
	verdict Verdict
	err     error
	asked   int
}

func (f *fixed) Verify(context.Context, Case) (Verdict, error) {
	f.asked++
	return f.verdict, f.err
}

func TestCascade(t *testing.T) {
	says := func(o Outcome, reason string) *fixed {
		return &fixed{verdict: Verdict{Outcome: o, Reason: reason, Cost: Cost{Calls: 1, PromptTokens: 10}}}
	}
	for _, c := range []struct {
		name        string
		first, last *fixed
		want        Outcome
		reason      string
		asked       int // of the last
	}{
		{"accepted at once", says(Correct, "rule"), says(Incorrect, "model"), Correct, "rule", 0},
		{"won back", says(Incorrect, "rule"), says(Correct, "model"), Correct, "model", 1},
		{"both reject", says(Incorrect, "rule"), says(Incorrect, "model"), Incorrect, "model", 1},
		{"the first is undecided", says(Undecided, "rule"), says(Incorrect, "model"), Incorrect, "model", 1},
		{"the last word is undecided", says(Incorrect, "rule"), says(Undecided, "model"), Undecided, "model", 1},
	} {
		v := &Cascade{Steps: []Voter{{Name: "first", Verifier: c.first}, {Name: "last", Verifier: c.last}}}
		got, err := v.Verify(t.Context(), Case{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != c.want || got.Reason != c.reason || c.last.asked != c.asked {
			t.Errorf("%s: %v because %q, the last asked %d times", c.name, got.Outcome, got.Reason, c.last.asked)
		}
		if got.Cost.Calls != int64(1+c.asked) || len(got.Votes) != 1+c.asked {
			t.Errorf("%s: cost %+v, %d ballots", c.name, got.Cost, len(got.Votes))
		}
	}
	down := errors.New("down")
	v := &Cascade{Steps: []Voter{{Name: "first", Verifier: says(Incorrect, "")}, {Name: "last", Verifier: &fixed{err: down}}}}
	if _, err := v.Verify(t.Context(), Case{}); !errors.Is(err, down) {
		t.Errorf("a step that fails gave %v", err)
	}
	if _, err := (&Cascade{}).Verify(t.Context(), Case{}); err == nil {
		t.Error("an empty cascade decided")
	}
}
