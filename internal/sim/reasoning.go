package sim

import (
	"math/rand/v2"
	"strings"
)

// Reasoning says whether and how a model shows the thoughts before its reply. The
// reply itself is the same either way.
type Reasoning string

// The ways of servers: none, a member of the message beside the content, or within
// the content.
const (
	NoReasoning    Reasoning = ""
	ReasoningField Reasoning = "field" // reasoning_content
	ReasoningTags  Reasoning = "tags"  // <think>…</think> before the reply
)

// ponder returns what the solver thinks before its reply. It names no answer: one
// that is cut off has none.
func ponder(r *rand.Rand, p *problem) string {
	if p == nil {
		return "I look for a problem that I know, and find none."
	}
	var b strings.Builder
	b.WriteString(pick(r, []string{"Okay, what is asked here? ", "Let me think. ", "Hmm. "}))
	for _, step := range p.steps {
		if r.IntN(3) == 0 {
			b.WriteString("Wait. ")
		}
		b.WriteString(step)
		b.WriteByte(' ')
	}
	b.WriteString("Now I can write it down.")
	return b.String()
}

// weigh returns what an annotator thinks before its reply. It holds no word that a
// parser could take for the verdict.
func weigh(r *rand.Rand, j judgement) string {
	if j.none {
		return "I look for the answer to judge, and find none."
	}
	return pick(r, []string{"First I bring both answers to a common form. ", "Let me compare the two answers. "}) + pick(r, []string{
		"Notation and units must not count, the value must.", "I check each part on its own, then the whole.", "Is anything changed or lost? I go through it once more.",
	})
}

// ShowReasoning lets all models of the world show their thoughts in one way.
func (w *World) ShowReasoning(way Reasoning) {
	w.SolverReasoning = way
	for name, a := range w.Annotators {
		a.Reasoning = way
		w.Annotators[name] = a
	}
}
