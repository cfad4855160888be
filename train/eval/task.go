package eval

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"tinyv/internal/interval"
	"tinyv/internal/llm"
	"tinyv/internal/rows"
	"tinyv/train/eval/attack"
	"tinyv/train/eval/bench"
	"tinyv/verify"
)

// task is one row to be judged, in one form.
type task struct {
	row     bench.Row
	family  string
	right   bool // the family attacks a right row, and leaves it right
	variant string
	repeat  int

	// leftOut is set where the family or the variant does nothing to the row: there is
	// nothing to ask, and the row is counted.
	leftOut bool
}

// asked reports whether there is something to put to the verifier.
func (t task) asked() bool { return !t.leftOut }

// tasks makes the tasks of the benchmark: of each row first as it stands, then
// again, then rewritten, then attacked.
func (o Options) tasks(benchmark []string) iter.Seq2[task, error] {
	return func(yield func(task, error) bool) {
		for row, err := range bench.Read(benchmark, o.Layout) {
			if err != nil {
				yield(task{}, err)
				return
			}
			if row.Label && row.Category == "" && o.Category != nil {
				row.Category = o.Category(row.Question, row.GroundTruth, row.Answer)
			}
			for _, t := range o.ofRow(row) {
				if !yield(t, nil) {
					return
				}
			}
		}
	}
}

// ofRow makes the tasks of one row.
func (o Options) ofRow(row bench.Row) []task {
	tasks := []task{{row: row}}
	for i := range o.Repeats {
		tasks = append(tasks, task{row: row, repeat: i + 1})
	}
	for _, name := range o.Variants {
		varied, ok := attack.Vary(name, row)
		tasks = append(tasks, task{row: varied, variant: name, leftOut: !ok})
	}
	for _, name := range o.Attacks {
		if row.Label {
			if attack.Keeps(name) {
				kept, ok := attack.Keep(name, uint64(o.Seed), row)
				tasks = append(tasks, task{row: kept, family: name, right: true, leftOut: !ok})
			}
			continue
		}
		attacked, ok := attack.Apply(name, uint64(o.Seed), row)
		tasks = append(tasks, task{row: attacked, family: name, leftOut: !ok})
	}
	return tasks
}

// count reads the whole benchmark and says how many verdicts it takes.
func (o Options) count(ctx context.Context, benchmark []string) (int64, error) {
	var n int64
	for t, err := range o.tasks(benchmark) {
		if err != nil {
			return 0, err
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if t.asked() {
			n++
		}
	}
	return n, nil
}

// judged is a task with what the verifier said.
type judged struct {
	task
	verdict    Verdict
	outcome    verify.Outcome
	unanswered string // why a model has no reply, where there is no decision for want of it
	known      bool   // from the journal: how long it took says nothing of the verifier
	replied    bool   // by a model, so that there is something to pay
	paid       int64  // calls in this run
}

// judge puts a task to the verifier.
func (o Options) judge(ctx context.Context, v verify.Verifier, t task) (judged, error) {
	if !t.asked() {
		return judged{task: t}, nil
	}
	if t.repeat > 0 {
		v = o.Repeats[t.repeat-1]
	}
	r := t.row
	begun := time.Now()
	said, err := v.Verify(ctx, verify.Case{Question: r.Question, GroundTruth: r.GroundTruth, Answer: r.Answer})
	if err != nil {
		return judged{}, fmt.Errorf("asking %s about row %s of the benchmark: %w", o.Verifier, r.ID, err)
	}
	took := time.Since(begun)
	e := evidenceOf(said)
	j := judged{task: t, outcome: said.Outcome, known: e.asked && said.Cost.Calls == 0, replied: e.paidFor(), paid: said.Cost.Calls, verdict: Verdict{
		ID: r.ID, Pair: r.Pair, Source: r.Source, Category: r.Category, Question: r.Question, GroundTruth: r.GroundTruth,
		Answer: r.Answer, AnswerBytes: int32(len(r.Answer)), Label: r.Label,
		Family: t.family, Variant: t.variant, Repeat: int32(t.repeat),
		Outcome: said.Outcome.String(), Reason: said.Reason, Extracted: said.Extracted, Confidence: said.Confidence,
		Reply: strings.Join(e.texts, "\n"), PromptTokens: rows.Tokens(e.promptTokens), CompletionTokens: rows.Tokens(e.completionTokens), CostUSD: e.costUSD,
		Simulated: r.Simulated || o.Simulated,
	}}
	if said.Outcome == verify.Undecided {
		j.unanswered = unanswered(said)
	}
	if !j.known {
		j.verdict.Milliseconds = interval.Rounded(float64(took.Nanoseconds()) / 1e6)
	}
	return j, nil
}

// unanswered says why a model behind a verdict has no reply that it might have
// another time: every try failed, or the endpoint let nobody in. That is the server's
// doing and not the verifier's. "" if there is no such model; a request that the
// server refuses, as too long or for its content, is one that the verifier cannot decide.
func unanswered(v verify.Verdict) string {
	if kind, _, _ := strings.Cut(v.Reason, ":"); v.Model != nil && (kind == llm.GaveUp || kind == llm.RefusedDenied) {
		return v.Reason
	}
	for _, ballot := range v.Votes {
		if reason := unanswered(ballot.Verdict); reason != "" {
			return reason
		}
	}
	return ""
}

// evidence is what models said, and what it cost, behind a verdict.
type evidence struct {
	asked                          bool // a model was
	texts                          []string
	promptTokens, completionTokens int64
	costUSD                        *float64 // nil if a reply has no price
}

// paidFor reports whether there are replies that could have a price.
func (e evidence) paidFor() bool { return e.promptTokens+e.completionTokens > 0 }

// evidenceOf adds up the replies behind a verdict; of a model that was asked
// several times the verdict itself has the sum.
func evidenceOf(v verify.Verdict) evidence {
	if m := v.Model; m != nil {
		return evidence{true, []string{m.Reply}, m.PromptTokens, m.CompletionTokens, m.CostUSD}
	}
	var all evidence
	for _, ballot := range v.Votes {
		e := evidenceOf(ballot.Verdict)
		switch {
		case !e.paidFor(): // nothing whose cost is unknown
		case !all.paidFor():
			all.costUSD = e.costUSD
		case all.costUSD != nil && e.costUSD != nil:
			sum := *all.costUSD + *e.costUSD
			all.costUSD = &sum
		default:
			all.costUSD = nil
		}
		for _, text := range e.texts {
			all.texts = append(all.texts, ballot.Voter+": "+text)
		}
		all.asked = all.asked || e.asked
		all.promptTokens += e.promptTokens
		all.completionTokens += e.completionTokens
	}
	return all
}
