package sim

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// The shares by which the solver replies; the package comment states them.
const (
	shareRight     = 0.60
	shareUsualForm = 0.30 // of right answers
	shareUnboxed   = 0.04
	shareCutOff    = 0.02
)

// reply is what a model says, before it is cut to the request's limits.
type reply struct {
	text    string
	finish  string // finish reason: "stop" or "length"
	thought string // before the text, if the model shows it
}

const noProblem = "I cannot find a simulated problem in this request."

// solve replies to a request for a solution; p is nil if it names no problem.
func solve(r *rand.Rand, p *problem) reply {
	if p == nil {
		return reply{text: noProblem, finish: "stop"}
	}
	answer := pick(r, p.wrong)
	if r.Float64() < shareRight {
		answer = p.truth
		if r.Float64() >= shareUsualForm {
			answer = pick(r, p.right)
		}
	}
	how := r.Float64()

	var b strings.Builder
	b.Grow(768)
	b.WriteString(pick(r, openings))
	style := r.IntN(3)
	number := 0
	for i, step := range p.steps {
		if len(p.steps)-i > 2-number && r.IntN(4) == 0 {
			continue // at least two are told
		}
		number++
		switch style {
		case 0:
			b.WriteString(step)
			b.WriteByte(' ')
		case 1:
			b.WriteString(strconv.Itoa(number))
			b.WriteString(". ")
			b.WriteString(step)
			b.WriteByte('\n')
		case 2:
			b.WriteString("**Step ")
			b.WriteString(strconv.Itoa(number))
			b.WriteString(":** ")
			b.WriteString(step)
			b.WriteString("\n\n")
		}
		if how < shareCutOff && number == 2 {
			b.WriteString(pick(r, breaks))
			return reply{text: b.String(), finish: "length"}
		}
	}
	if r.IntN(3) == 0 {
		b.WriteString(pick(r, checks))
	}
	closing := pick(r, closings)
	if how < shareCutOff+shareUnboxed {
		closing = pick(r, unboxed)
	}
	b.WriteString(closing.before)
	b.WriteString(answer)
	b.WriteString(closing.after)
	return reply{text: b.String(), finish: "stop"}
}

type closing struct{ before, after string }

var (
	openings = []string{
		"Let me work through this carefully.\n\n", "We read off what is given and compute.\n\n", "There is a direct way to see this.\n\n", "To solve the problem, I go step by step.\n\n",
		"Okay, so what is asked here? First I collect what is given.\n\n", "## Solution\n\n", "",
	}
	checks = []string{
		"Wait, let me check this once more. The steps hold, so I keep the result. ", "A quick check by going through the steps backwards agrees. ", "I also tried a second way, which leads to the same result. ",
	}
	breaks   = []string{"Next we", "Now, putting this together, the", "Let me double-check this, because"}
	closings = []closing{
		{"\n\nThe final answer is $\\boxed{", "}$."}, {"\n\n\\[\n\\boxed{", "}\n\\]"}, {"\n\nThus we get $\\boxed{", "}$"}, {"\n\nHence\n$$\\boxed{", "}$$\nas was to be found."},
		{"\n\n**Final Answer**\n\\(\\boxed{", "}\\)"}, {"\n\nTherefore, the answer is \\boxed{", "}."},
	}
	unboxed = []closing{{"\n\nSo the answer is ", "."}, {"\n\n**Answer:** $", "$"}, {"\n\nThe final answer is ", ""}}
)
