package sim

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"
)

// GeneratorModel is the name of the model that lists forms of the right answer, or
// wrong answers.
const GeneratorModel = "sim-generator"

// The shares by which the generator errs; the package comment states them.
const (
	shareOtherKind = 0.10 // of replies, with one item of the kind that was not asked for
	shareRepeated  = 0.20 // of replies, with one item twice
	shareBroken    = 0.10 // of replies, with one item that is no answer
	shareUntagged  = 0.15 // of replies, as numbered lines or JSON in place of tags
)

// The most items of a reply, and how many there are if the prompt names no number.
const (
	maxListed     = 32
	defaultListed = 5
)

// A commission is what the generator is asked for.
type commission struct {
	problem *problem // nil if the prompt names none
	wrong   bool     // wrong answers, not forms of the right one
	count   int
}

// commissioned reads a prompt: it wants wrong answers if the word "wrong" stands
// outside of its sections, and as many as the first number there says.
func commissioned(p *problem, prompt string) commission {
	question, truth := sectionOf(prompt, "question"), sectionOf(prompt, "ground_truth_answer")
	c := commission{problem: p, wrong: asks(prompt, "wrong", question, truth), count: defaultListed}
	for _, s := range []section{question, truth} {
		if s.found { // blanked, so that the places of the other section stay
			prompt = prompt[:s.start] + strings.Repeat(" ", s.end-s.start) + prompt[s.end:]
		}
	}
	at := strings.IndexAny(prompt, "0123456789")
	if question.found && at >= 0 {
		digits := prompt[at:]
		digits = digits[:len(digits)-len(strings.TrimLeft(digits, "0123456789"))]
		if n, err := strconv.Atoi(digits); err == nil {
			c.count = min(max(n, 1), maxListed)
		}
	}
	return c
}

// list replies to a commission.
func (c commission) list(r *rand.Rand) reply {
	if c.problem == nil {
		return reply{text: noProblem, finish: "stop"}
	}
	wanted, other := c.problem.right[1:], c.problem.wrong // the truth itself is no other way to write it
	if c.wrong {
		wanted, other = other, c.problem.right
	}
	var items []string
	for _, at := range r.Perm(len(wanted))[:min(c.count, len(wanted))] {
		items = append(items, wanted[at])
	}
	place := func() int { return r.IntN(len(items) + 1) }
	insert := func(at int, item string) { items = append(items[:at], append([]string{item}, items[at:]...)...) }
	if r.Float64() < shareOtherKind {
		insert(place(), pick(r, other))
	}
	if r.Float64() < shareRepeated && len(items) > 0 {
		insert(len(items), pick(r, items))
	}
	broken := -1
	if r.Float64() < shareBroken {
		broken = place()
		insert(broken, "")
	}
	if r.Float64() < shareUntagged {
		return reply{text: untagged(r, items), finish: "stop"}
	}
	var b strings.Builder
	b.WriteString(pick(r, []string{"", "", "Here they are:\n\n"}))
	for i, item := range items {
		b.WriteString("<answer>")
		b.WriteString(item)
		if i != broken || r.IntN(2) == 0 { // an empty item, or one that is never closed
			b.WriteString("</answer>")
		}
		b.WriteByte('\n')
	}
	return reply{text: b.String(), finish: "stop"}
}

// untagged writes a list without the tags that were asked for.
func untagged(r *rand.Rand, items []string) string {
	if data, err := json.Marshal(items); err == nil && r.IntN(2) == 0 {
		return "```json\n" + string(data) + "\n```"
	}
	var b strings.Builder
	for i, item := range items {
		b.WriteString(strconv.Itoa(i+1) + ". " + item + "\n")
	}
	return b.String()
}

// devise returns what the generator thinks before its reply.
func (c commission) devise(r *rand.Rand) string {
	if c.problem == nil {
		return "I look for a problem that I know, and find none."
	}
	about := "in what other ways the result can be put down"
	if c.wrong {
		about = "where somebody could slip"
	}
	return pick(r, []string{"Let me think ", "First I ask myself "}) + about + ". The problem has " + strconv.Itoa(utf8.RuneCountInString(c.problem.question)) + " characters. Now I write the list."
}
