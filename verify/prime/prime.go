package prime

import (
	"context"

	"tinyv/verify"
	"tinyv/verify/algebra"
)

// The reasons that Equal and Verifier give. The last two are rejections.
const (
	ReasonMathForm   = "math_normal_form" // equal after the MATH data set's normalisation
	ReasonOwnForm    = "own_normal_form"  // equal after the original's own normalisation
	ReasonNumber     = "number"           // numbers within 1e-4, percent or not
	ReasonText       = "text"             // equal but for case, spaces, brackets or braces
	ReasonTuple      = "tuple"            // equal element by element, brackets alike
	ReasonList       = "list"             // equal part by part between commas
	ReasonExpression = "expression"       // expressions of the same value
	ReasonDifferent  = "different"
	ReasonNoAnswer   = "no_answer" // nothing was left to judge
)

// Equal reports whether an answer that is already extracted equals the ground
// truth, and by which rule; see the Reason constants. It is not symmetric.
func Equal(answer, groundTruth string) (equal bool, reason string) {
	if mathForm(answer) == mathForm(groundTruth) {
		return true, ReasonMathForm
	}
	answerForm, truthForm := ownForm(answer), ownForm(groundTruth)
	if answerForm == truthForm {
		return true, ReasonOwnForm
	}
	effort := algebra.Effort(2 * algebra.DefaultEffort)
	if reason, ok := equalElements(truthForm, answerForm, &effort); ok {
		return true, reason
	}
	if reason, ok := mathEqual(answer, groundTruth, &effort); ok {
		return true, reason
	}
	return false, ReasonDifferent
}

// spend takes what reading and splitting n bytes costs out of a verdict's effort
// and reports whether there was enough of it. Where there is not, the original
// would run into its time limit or come near it; the verdict is a rejection.
func spend(effort *algebra.Effort, n int) bool {
	*effort -= algebra.Effort(1 + n/16)
	return *effort >= 0
}

// Verifier is the published rule verifier as a [verify.Verifier]. The zero
// value is ready for use. It always decides, costs nothing, and looks at the
// context only once.
type Verifier struct{}

var _ verify.Verifier = Verifier{}

// Verify extracts the answer from c.Response, or takes c.Answer if that is
// empty, and compares it with c.GroundTruth. The only error is that of a
// context that has ended.
func (Verifier) Verify(ctx context.Context, c verify.Case) (verify.Verdict, error) {
	if err := ctx.Err(); err != nil {
		return verify.Verdict{}, err
	}
	answer := c.Answer
	if c.Response != "" {
		answer = Extract(c.Response).Answer
	}
	equal, reason := Equal(answer, c.GroundTruth)
	if !equal && answer == "" {
		reason = ReasonNoAnswer
	}
	return verify.Verdict{Outcome: verify.OutcomeOf(equal), Extracted: answer, Reason: reason}, nil
}
