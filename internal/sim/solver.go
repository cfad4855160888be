package sim

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// The shares by which the solver replies; the package comment states them.
const (
	shareRight     = 0.60
	shareUsualForm = 0.38 // of right answers
	shareUnboxed   = 0.04
	shareCutOff    = 0.02
)

var tag = regexp.MustCompile(`\[simulated problem (\d{1,9})\]`)

// tagged returns the number of the last problem that a text names.
func tagged(text string) (int, bool) {
	at := strings.LastIndex(text, "[simulated problem ")
	if at < 0 {
		return 0, false
	}
	m := tag.FindStringSubmatch(text[at:])
	if m == nil {
		return 0, false
	}
	i, err := strconv.Atoi(m[1])
	return i, err == nil
}

// reply is what a model says, before it is cut to the request's limits.
type reply struct {
	text   string
	finish string
}

const noProblem = "I cannot find a simulated problem in this request, so I make no claim."

// solve replies to a request for a solution.
func (w *World) solve(r *rand.Rand, prompt string) reply {
	i, ok := tagged(prompt)
	if !ok {
		return reply{noProblem, "stop"}
	}
	p := w.problem(i)
	answer := pick(r, p.wrong)
	if r.Float64() < shareRight {
		answer = p.truth
		if r.Float64() >= shareUsualForm {
			answer = pick(r, p.right)
		}
	}
	var b strings.Builder
	b.WriteString(pick(r, openings))
	for range between(r, 1, 3) {
		fmt.Fprintf(&b, pick(r, steps), between(r, 2, 40))
	}
	how := r.Float64()
	switch {
	case how < shareCutOff:
		b.WriteString("Now I go on to")
		return reply{b.String(), "length"}
	case how < shareCutOff+shareUnboxed:
		fmt.Fprintf(&b, "So the answer is %s", answer)
	default:
		fmt.Fprintf(&b, pick(r, closings), answer)
	}
	return reply{b.String(), "stop"}
}

var (
	openings = []string{
		"Let me work through this carefully.\n\n", "We read off what is given and compute.\n\n", "First I restate the problem in symbols.\n\n",
		"There is a direct way to see this.\n\n", "To solve the problem, I go step by step.\n\n",
	}
	steps = []string{
		"Step: the quantities on both sides are brought to the same form, which uses the factor %d.\n", "I check the case %d separately; it changes nothing.\n",
		"Substituting back gives a value that agrees with the estimate of about %d.\n", "Here I note that the term with %d cancels.\n", "Both sides are divided by %d where that is needed.\n",
	}
	closings = []string{
		"\nThe final answer is $\\boxed{%s}$.", "\n\\[\n\\boxed{%s}\n\\]", "\nThus we get $\\boxed{%s}$", "\nHence\n$$\\boxed{%s}$$\nwhich was to be found.", "\n**Final answer:** \\(\\boxed{%s}\\)",
	}
)

// Solve returns the solver's reply to the bare question of the i-th problem, for
// looking at the world without a server.
func (w *World) Solve(i int, seed uint64) string {
	p := w.problem(i)
	return w.solve(draw(w.Seed, "solve", strconv.FormatUint(seed, 10), p.question), p.question).text
}
