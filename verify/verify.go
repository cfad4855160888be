// Package verify says what a verifier is: something that decides whether an
// answer to a mathematics problem is correct.
//
// Everything in tinyv that decides is a [Verifier]: the published rule verifier
// (verify/prime), a language model behind an endpoint (verify/model), a vote of
// several ([Vote]). A new kind is one new type; every stage then has it.
//
// This package imports nothing else of the project, so a verifier can be used
// without the rest of the toolkit.
package verify

import "context"

// Case is one question put to a verifier.
type Case struct {
	Question    string // the problem; rule verifiers do not look at it
	GroundTruth string // the reference answer
	Answer      string // an answer that is already extracted; used if Response is empty
	Response    string // a full model reply, from which the verifier extracts the answer
}

// Outcome is what a verifier decided. The zero value is Undecided, so a verdict
// that nobody filled in is never mistaken for a rejection.
type Outcome int8

// The three outcomes. A verifier that could not decide says Undecided; it does
// not guess, and it does not return an error for it.
const (
	Undecided Outcome = iota
	Correct
	Incorrect
)

// String returns "correct", "incorrect" or "undecided".
func (o Outcome) String() string {
	switch o {
	case Correct:
		return "correct"
	case Incorrect:
		return "incorrect"
	}
	return "undecided"
}

// Bool returns the outcome as the files of the project hold it: true, false, or
// nil for undecided.
func (o Outcome) Bool() *bool {
	switch o {
	case Correct:
		b := true
		return &b
	case Incorrect:
		b := false
		return &b
	}
	return nil
}

// OutcomeOf returns Correct for true and Incorrect for false.
func OutcomeOf(correct bool) Outcome {
	if correct {
		return Correct
	}
	return Incorrect
}

// Cost is what verdicts cost. Rule verifiers cost nothing.
type Cost struct {
	Calls            int64 // requests sent and paid; answers from a journal are not
	PromptTokens     int64
	CompletionTokens int64
}

// Plus returns the sum of two costs.
func (c Cost) Plus(d Cost) Cost {
	return Cost{c.Calls + d.Calls, c.PromptTokens + d.PromptTokens, c.CompletionTokens + d.CompletionTokens}
}

// Verdict is what a verifier says of a Case.
type Verdict struct {
	Outcome   Outcome
	Extracted string // the answer that was judged
	Reason    string // why, in one line: a stable code for rules, prose for models
	Cost      Cost
	// Confidence is the probability of the verdict against its opposite, 0 to 1,
	// by the model's own token probabilities; nil if it is not known.
	Confidence *float64
	Model      *ModelReply // for the verdict of a model: what it said, to the letter
	Votes      []Ballot    // for the verdict of a vote: the verdicts behind it, in the voters' order
}

// ModelReply is the evidence behind a model's verdict.
type ModelReply struct {
	Model        string // as the endpoint calls it
	PromptSHA256 string // hex, of the rendered prompt
	Reply        string
	Reasoning    string // the separate reasoning text of a reasoning model, if any
	FinishReason string // as the endpoint gave it: "stop", "length", ...

	// Tokens of all replies behind the verdict, paid now or in an earlier run.
	PromptTokens, CompletionTokens int64
	CostUSD                        *float64 // of the same replies; nil if one of them has no price
}

// Ballot is the verdict of one voter in a Vote.
type Ballot struct {
	Voter   string
	Verdict Verdict
}

// A Verifier decides Cases. Implementations are safe for use by several
// goroutines at once, and return the same verdict for the same Case unless
// their documentation says otherwise.
//
// An error means that the verifier could not be asked (a cancelled context, an
// endpoint that is down, a full disk); the Case then has no verdict at all. A
// reply that makes no sense is a verdict, Undecided, and not an error.
type Verifier interface {
	Verify(ctx context.Context, c Case) (Verdict, error)
}
