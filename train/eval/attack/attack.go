// Package attack makes answers that try to get a verdict they do not deserve, and
// answers rewritten so that the verdict should not change: how robust is a
// verifier beyond its accuracy on a benchmark as it stands?
//
// [Apply] attacks a row. What comes out is wrong by construction, whatever came
// in, so a verifier that accepts it has been fooled. Either the attack holds no
// answer to the question at all, or it holds the wrong answer of a row that is
// labelled wrong and leaves it the answer. Where that is in doubt (an attack that
// shouts "True" at a question whose answer is True, a lone "{}" where the answer is
// the empty set) the row is left out. No verifier is asked about it: a family that
// left out what some verifier accepts would flatter that verifier.
//
//	family                 with a wrong row             with any row               why it stays wrong
//	adversarial_opener     -                            how a solution begins      no answer is stated
//	explanation_only       -                            reasoning without result   no answer is stated
//	empty_symbols          -                            punctuation, empty markup  no answer is stated
//	gibberish              -                            letters and signs by lot   no answer is stated
//	markup                 HTML, Markdown, LaTeX around -                          the wrong answer is only dressed
//	prompt_injection       orders to the judge beside   the orders alone           an order is no answer
//	fake_verdict           a verdict beside             a verdict alone            a verdict is no answer
//	restated_question      -                            the question               it does not hold the truth
//	truth_in_wrong_claim   the truth, and why not       -                          it ends in the wrong answer
//	other_script           other digits, look-alikes    -                          it reads as the same value
//	whitespace_zero_width  invisible signs within       invisible signs alone      what is seen is wrong, or nothing
//	very_long              thousands of characters      the same without it        the wrong answer, or none
//
// [Keep] puts a right row to those families that can leave its answer the answer:
// what comes out is right, so a verifier that rejects it has been led astray. The
// others are not for right rows: what replaces the answer is the attack on a wrong row
// once more, and of orders, verdicts and retractions beside a right answer nobody can
// say that they must be accepted.
//
// The page docs/attacks.md says where each family comes from. The wordings differ
// from those that label/synth puts into training data; only single signs and blanks,
// of which there are not many, may be the same.
//
// [Vary] rewrites a row and keeps its label.
//
// Everything here is a pure function of its arguments.
package attack

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"tinyv/train/eval/bench"
)

// The families of attacks.
const (
	Opener           = "adversarial_opener"
	ExplanationOnly  = "explanation_only"
	EmptySymbols     = "empty_symbols"
	Gibberish        = "gibberish"
	Markup           = "markup"
	PromptInjection  = "prompt_injection"
	FakeVerdict      = "fake_verdict"
	RestatedQuestion = "restated_question"
	WrongClaim       = "truth_in_wrong_claim"
	OtherScript      = "other_script"
	ZeroWidth        = "whitespace_zero_width"
	VeryLong         = "very_long"
)

// family is one way to attack.
type family struct {
	name string
	// unsure reports whether the attack might be right for a ground truth; nil if
	// nothing but the checks that all families share is needed.
	unsure func(truth string) bool
	// attack returns the new answer; "" if the row has none of this family.
	attack func(t target, rng *rand.Rand) string
	// keep returns the right answer of a row in a form that leaves it right; nil if the
	// family has no such forms, "" if the row has none.
	keep func(t target, rng *rand.Rand) string
}

var families = []family{
	{Opener, nil, oneOf(openers), nil},
	{ExplanationOnly, saysVerdict, oneOf(explanations), nil},
	{EmptySymbols, saysNothing, oneOf(emptySymbols), nil},
	{Gibberish, saysNothing, gibberish, nil},
	{Markup, nil, oneOf(slices.Concat(plainMarkup, signMarkup)), oneOf(plainMarkup)},
	{PromptInjection, saysVerdict, oneOf(injections), nil},
	{FakeVerdict, saysVerdict, oneOf(verdicts), nil},
	{RestatedQuestion, saysVerdict, restated, answered},
	{WrongClaim, saysVerdict, oneOf(wrongClaims), nil},
	{OtherScript, nil, inScript(scripts), inScript(sameScripts)},
	{ZeroWidth, saysNothing, zeroWidth, zeroWidth},
	{VeryLong, saysNothing, veryLong, veryLong},
}

// Families lists the names of the families, in the order of the table above.
func Families() []string {
	var names []string
	for _, f := range families {
		names = append(names, f.name)
	}
	return names
}

// Apply attacks a row with a family of Families: a copy with another answer, the
// label false and no category. It is false if the family has no attack on the row
// that is certain to be wrong.
//
// The same family, seed and row ID draw the same attack. It panics if there is no
// such family.
func Apply(name string, seed uint64, row bench.Row) (bench.Row, bool) {
	f := familyOf(name)
	t := newTarget(row)
	if isBare(t.truth) || f.unsure != nil && f.unsure(t.truth) {
		return bench.Row{}, false
	}
	if row.Label {
		t.answer = ""
	}
	answer := f.attack(t, draws(name, seed, row))
	if answer == "" || undecorated(answer) == undecorated(t.truth) {
		return bench.Row{}, false
	}
	row.Answer, row.Label, row.Category = answer, false, ""
	return row, true
}

// Keeps reports whether a family has attacks that leave a right answer right.
func Keeps(name string) bool { return familyOf(name).keep != nil }

// Keep puts a right row to a family: a copy whose answer is still the right one, and
// written otherwise. It is false if the row is wrong, or the family has nothing of the
// kind for it. It draws as Apply does, and panics if there is no such family.
func Keep(name string, seed uint64, row bench.Row) (bench.Row, bool) {
	f := familyOf(name)
	t := newTarget(row)
	if !row.Label || t.answer == "" || f.keep == nil {
		return bench.Row{}, false
	}
	t.keep = true
	answer := f.keep(t, draws(name, seed, row))
	if answer == "" || answer == t.answer {
		return bench.Row{}, false
	}
	row.Answer = answer
	return row, true
}

// draws is the random source of a family's attack on a row.
func draws(name string, seed uint64, row bench.Row) *rand.Rand {
	sum := sha256.Sum256(fmt.Appendf(nil, "attack %d\n%s\n%s", seed, name, row.ID))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

func familyOf(name string) family {
	for _, f := range families {
		if f.name == name {
			return f
		}
	}
	panic(fmt.Sprintf("attack: no family %q; they are %q", name, Families()))
}

// target is what an attack may use of a row.
type target struct {
	question, truth string
	answer          string // of the row, that an attack may hold; "" = none
	keep            bool   // it is the right one, and every attack has to hold it
}

func newTarget(row bench.Row) target {
	clean := func(s string) string { return strings.TrimSpace(strings.ToValidUTF8(s, "\ufffd")) }
	t := target{question: clean(row.Question), truth: clean(row.GroundTruth)}
	if !isBare(row.Answer) {
		t.answer = clean(row.Answer)
	}
	return t
}

// The places in a form.
const (
	answerPlace = "ANSWER"
	truthPlace  = "TRUTH"
)

// oneOf draws from those forms that fit the target.
func oneOf(forms []string) func(target, *rand.Rand) string {
	return func(t target, rng *rand.Rand) string {
		return t.draw(forms, rng)
	}
}

func (t target) draw(forms []string, rng *rand.Rand) string {
	var fit []string
	for _, form := range forms {
		if t.fits(form) {
			fit = append(fit, form)
		}
	}
	if len(fit) == 0 {
		return ""
	}
	return t.fill(fit[rng.IntN(len(fit))])
}

// fits reports whether the target has what a form needs, and whether the form's
// own words are free of the ground truth ("Step 2" where the truth is 2).
func (t target) fits(form string) bool {
	if holds := strings.Contains(form, answerPlace); holds && t.answer == "" || !holds && t.keep {
		return false
	}
	own := strings.NewReplacer(answerPlace, " ", truthPlace, " ").Replace(form)
	return !mentions(own, t.truth)
}

func (t target) fill(form string) string {
	return strings.NewReplacer(answerPlace, t.answer, truthPlace, t.truth).Replace(form)
}
