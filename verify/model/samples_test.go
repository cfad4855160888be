package model

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/journal"
	"tinyv/verify"
)

// replies are what the server says, one for each letter: yes, no, and one that
// does not parse.
func replies(letters string) []said {
	var all []said
	for i, l := range letters {
		switch l {
		case 'y':
			all = append(all, said{content: fmt.Sprintf(`{"reasoning": "yes %d", "is_correct": true}`, i)})
		case 'n':
			all = append(all, said{content: fmt.Sprintf(`{"reasoning": "no %d", "is_correct": false}`, i)})
		case '?':
			all = append(all, said{content: fmt.Sprintf("What? %d", i)})
		case 'x':
			all = append(all, said{status: 400, content: `{"error":{"message":"no"}}`})
		}
	}
	return all
}

func TestSamples(t *testing.T) {
	const unparsed = "parse_error: no JSON object with is_correct true or false"
	tests := []struct {
		samples, attempts int
		said              string
		want              verify.Outcome
		reason            string
		calls             int64
	}{
		{1, 1, "y", verify.Correct, "yes 0", 1},
		{3, 1, "yyy", verify.Correct, "yes 0", 3},
		{3, 1, "nyy", verify.Correct, "yes 1", 3},
		{3, 1, "ynn", verify.Incorrect, "no 1", 3},
		{3, 1, "?yy", verify.Correct, "yes 1", 3},
		{3, 1, "yn?", verify.Undecided, "samples_disagree: 1 correct, 1 incorrect, 1 undecided", 3},
		{2, 1, "yn", verify.Undecided, "samples_disagree: 1 correct, 1 incorrect, 0 undecided", 2},
		{4, 1, "yynn", verify.Undecided, "samples_disagree: 2 correct, 2 incorrect, 0 undecided", 4},
		{2, 1, "y?", verify.Undecided, unparsed, 2},
		{3, 1, "y??", verify.Undecided, unparsed, 3},
		{3, 1, "???", verify.Undecided, unparsed, 3},
		{3, 1, "xyy", verify.Correct, "yes 1", 2},
		{3, 1, "yxx", verify.Undecided, "bad_request: no", 1},
		{2, 3, "??y?y", verify.Correct, "yes 2", 5},
		{2, 2, "??y", verify.Undecided, unparsed, 3},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d of %s", tt.samples, tt.said), func(t *testing.T) {
			p := theProfile
			p.Samples, p.Attempts = tt.samples, tt.attempts
			v, s := newVerifier(t, p, nil, replies(tt.said)...)
			got, err := v.Verify(t.Context(), theCase)
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != tt.want || got.Reason != tt.reason || got.Cost.Calls != tt.calls || len(s.bodies) != len(tt.said) {
				t.Errorf("%s (%s), %d paid, %d asked; want %s (%s), %d", got.Outcome, got.Reason, got.Cost.Calls, len(s.bodies), tt.want, tt.reason, tt.calls)
			}
			if got.Model.PromptTokens != 100*tt.calls || got.Model.CompletionTokens != 10*tt.calls || got.Extracted != "four" || got.Confidence != nil {
				t.Errorf("%+v", got.Model)
			}
			if code, _, _ := strings.Cut(got.Reason, ":"); got.Outcome == verify.Undecided && !slices.Contains(Codes(), code) {
				t.Errorf("%q is no code", code)
			}
			var voters []string
			var of verify.Cost
			for _, b := range got.Votes {
				voters = append(voters, b.Voter)
				of = of.Plus(b.Verdict.Cost)
			}
			var want []string
			for i := range tt.samples {
				want = append(want, fmt.Sprintf("sample %d", i))
			}
			if tt.samples == 1 {
				want, of = nil, got.Cost
			}
			if diff := cmp.Diff(want, voters); diff != "" || of != got.Cost {
				t.Errorf("ballots: %s %+v", diff, of)
			}
			for _, body := range s.bodies {
				if _, ok := body["seed"]; ok {
					t.Error("a seed was sent")
				}
			}
		})
	}
}

// Samples and attempts have numbers of their own in the journal. Those of the
// first sample are what they were without samples, so its replies are found.
func TestSamplesAreJournalled(t *testing.T) {
	j, err := journal.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	verdict := func(samples int, said string) (verify.Verdict, int) {
		p := theProfile
		p.Samples = samples
		v, s := newVerifier(t, p, j, replies(said)...)
		got, err := v.Verify(t.Context(), theCase)
		if err != nil {
			t.Fatal(err)
		}
		return got, len(s.bodies)
	}
	if got, asked := verdict(0, "?y"); got.Outcome != verify.Correct || asked != 2 {
		t.Fatalf("%s after %d", got.Outcome, asked)
	}
	got, asked := verdict(3, "n?n")
	if got.Outcome != verify.Incorrect || asked != 3 || got.Cost.Calls != 3 || got.Votes[0].Verdict.Outcome != verify.Correct || got.Votes[0].Verdict.Cost.Calls != 0 {
		t.Errorf("%s after %d: %+v", got.Outcome, asked, got.Votes)
	}
	again, asked := verdict(3, "y")
	if asked != 0 || again.Cost != (verify.Cost{}) || again.Outcome != verify.Incorrect || again.Model.PromptTokens != 500 {
		t.Errorf("again: %s after %d, %+v", again.Outcome, asked, again.Model)
	}
}

func TestMeanConfidence(t *testing.T) {
	ballot := func(o verify.Outcome, c *float64) verify.Ballot {
		return verify.Ballot{Verdict: verify.Verdict{Outcome: o, Confidence: c, Model: &verify.ModelReply{}}}
	}
	for _, tt := range []struct {
		ballots []verify.Ballot
		want    any
	}{
		{[]verify.Ballot{ballot(verify.Correct, ptr(0.75)), ballot(verify.Correct, ptr(0.5))}, 0.625},
		{[]verify.Ballot{ballot(verify.Correct, ptr(0.75)), ballot(verify.Incorrect, ptr(0.75)), ballot(verify.Correct, ptr(0.5))}, 0.5},
		{[]verify.Ballot{ballot(verify.Correct, ptr(0.75)), ballot(verify.Correct, ptr(0.75)), ballot(verify.Undecided, nil)}, 0.75},
		{[]verify.Ballot{ballot(verify.Correct, ptr(0.75)), ballot(verify.Correct, nil)}, nil},
		{[]verify.Ballot{ballot(verify.Correct, ptr(0.75)), ballot(verify.Incorrect, ptr(0.75))}, nil},
	} {
		if got := show(majority(tt.ballots).Confidence); got != tt.want {
			t.Errorf("got %v, want %v", got, tt.want)
		}
	}
}

// A sample without a reply costs nothing; one without a price makes the sum
// unknown.
func TestCostOfSamples(t *testing.T) {
	ballot := func(cost *float64) verify.Ballot {
		return verify.Ballot{Verdict: verify.Verdict{Model: &verify.ModelReply{FinishReason: "stop", PromptTokens: 1, CostUSD: cost}}}
	}
	refused := verify.Ballot{Verdict: verify.Verdict{Model: &verify.ModelReply{}}}
	for _, tt := range []struct {
		ballots []verify.Ballot
		want    any
	}{
		{[]verify.Ballot{ballot(ptr(0.25)), ballot(ptr(0.5))}, 0.75},
		{[]verify.Ballot{ballot(ptr(0.25)), refused, ballot(ptr(0.5))}, 0.75},
		{[]verify.Ballot{refused, ballot(ptr(0.5))}, 0.5},
		{[]verify.Ballot{ballot(nil), ballot(ptr(0.5))}, nil},
		{[]verify.Ballot{ballot(ptr(0.5)), ballot(nil), ballot(ptr(0.5))}, nil},
		{[]verify.Ballot{refused, refused}, nil},
	} {
		if got := show(majority(tt.ballots).Model.CostUSD); got != tt.want {
			t.Errorf("got %v, want %v", got, tt.want)
		}
	}
}

// A reply that says that the answer cannot be judged parses, and is not asked
// for again.
func TestInvalidIsNotAskedAgain(t *testing.T) {
	p := theProfile
	p.Parser, p.Attempts = "letters", 3
	v, s := newVerifier(t, p, nil, said{content: "C: INVALID"}, said{content: "A"})
	got, err := v.Verify(t.Context(), theCase)
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcome != verify.Undecided || got.Reason != "parse_error: the reply calls the answer invalid (C)" || len(s.bodies) != 1 {
		t.Errorf("%s (%s) after %d", got.Outcome, got.Reason, len(s.bodies))
	}
}

// Where the last verdict wins, one in a reply that was cut off is none.
func TestCutOffReplies(t *testing.T) {
	for _, tt := range []struct {
		parser, content string
		want            verify.Outcome
	}{
		{"answer", "Answer: True\nBut wait,", verify.Undecided},
		{"answer", "True", verify.Correct},
		{"boxed", `\boxed{1} But`, verify.Undecided},
		{"true_false", "True", verify.Correct},
		{"true_false", "True. The intervals are", verify.Correct},
		{"json", `{"is_correct": true} The`, verify.Correct},
	} {
		p := theProfile
		p.Parser, p.Attempts = tt.parser, 1
		v, _ := newVerifier(t, p, nil, said{content: tt.content, finish: "length"})
		got, err := v.Verify(t.Context(), theCase)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != tt.want || got.Outcome == verify.Undecided && !strings.HasSuffix(got.Reason, "(the reply was cut off at its length limit)") {
			t.Errorf("%s %q: %s (%s)", tt.parser, tt.content, got.Outcome, got.Reason)
		}
	}
}

func TestExtraFields(t *testing.T) {
	p := theProfile
	p.Structured, p.Confidence = true, true
	v, s := newVerifier(t, p, nil, said{content: `{"reasoning": "", "is_correct": true}`})
	if _, err := v.Verify(t.Context(), theCase); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"model": "judge", "logprobs": true, "top_logprobs": 5.0,
		"messages": []any{map[string]any{"role": "user", "content": thePrompt}},
		"response_format": map[string]any{"type": "json_schema", "json_schema": map[string]any{
			"name": "verdict", "strict": true,
			"schema": map[string]any{
				"type": "object", "additionalProperties": false, "required": []any{"reasoning", "is_correct"},
				"properties": map[string]any{"reasoning": map[string]any{"type": "string"}, "is_correct": map[string]any{"type": "boolean"}},
			},
		}},
	}
	if diff := cmp.Diff([]map[string]any{want}, s.bodies); diff != "" {
		t.Error(diff)
	}
}

// A repetition gets replies of its own; the same one again gets those it has.
func TestRepeat(t *testing.T) {
	j, err := journal.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	v, s := newVerifier(t, theProfile, j, replies("yn")...)
	again := theProfile
	again.Repeat = 1
	for _, step := range []struct {
		v     *Verifier
		want  verify.Outcome
		calls int64
	}{{v, verify.Correct, 1}, {v, verify.Correct, 0}, {New(again, v.pool), verify.Incorrect, 1}, {New(again, v.pool), verify.Incorrect, 0}} {
		got, err := step.v.Verify(t.Context(), theCase)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != step.want || got.Cost.Calls != step.calls {
			t.Errorf("%s, %d paid; want %s, %d", got.Outcome, got.Cost.Calls, step.want, step.calls)
		}
	}
	if len(s.bodies) != 2 {
		t.Errorf("%d requests, want 2", len(s.bodies))
	}
}
