package synth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tinyv/internal/brief"
	"tinyv/internal/llm"
	"tinyv/internal/rows"
	"tinyv/verify"
	"tinyv/verify/model"
)

// The kinds of what the generator lists.
const (
	kindEquivalent = "equivalent"
	kindAsked      = "near_miss_asked"
)

// The reasons for which a proposed answer is dropped.
const (
	reasonAccepted      = "rule_accepts"    // nobody would ask a trained verifier about it
	reasonRuleUndecided = "rule_undecided"  // or so it may be
	reasonSame          = "same_as_truth"   // to the letter
	reasonDuplicate     = "duplicate"       // of another one for the problem
	reasonTooLong       = "too_long"        // an explanation, not an answer
	reasonNotShown      = "not_shown_wrong" // a change that algebra could not show to matter
)

// reasonNoList is why a request is dropped whose reply lists no answer. The other
// reasons are those of package llm.
const reasonNoList = "no_list"

// The places in a prompt that values go to.
const (
	questionPlace    = "{{QUESTION}}"
	groundTruthPlace = "{{GROUND_TRUTH_ANSWER}}"
	countPlace       = "{{COUNT}}"
)

// A maker proposes answers to one problem after the other. It is safe for several
// goroutines.
type maker struct {
	o    Options
	rule Rule
	pool *llm.Pool
}

// A batch is what was made of one problem.
type batch struct {
	kept     []rows.Candidate
	dropped  []rows.Rejected
	requests []request
	figures  map[string]int64
}

// A request is what became of one request to the generator.
type request struct {
	answered, paid                 bool
	promptTokens, completionTokens int64
	cost                           *float64
	drop                           *rows.Rejected
}

func (m maker) propose(ctx context.Context, p rows.Problem) (*batch, error) {
	b := &batch{figures: map[string]int64{}}
	if m.o.Equivalents > 0 {
		if err := m.ask(ctx, b, p, m.o.EquivalentsPrompt, m.o.Equivalents, rows.OriginSynthetic, kindEquivalent); err != nil {
			return nil, err
		}
	}
	wrong, err := m.change(ctx, b, p)
	if err != nil {
		return nil, err
	}
	if m.o.NearMissesAsked > 0 {
		if err := m.ask(ctx, b, p, m.o.NearMissPrompt, m.o.NearMissesAsked, rows.OriginNearMiss, kindAsked); err != nil {
			return nil, err
		}
	}
	return b, m.harden(ctx, b, p, wrong)
}

// change keeps near misses by rule, as many as are wanted, and returns an answer that
// is proven wrong, or nothing.
func (m maker) change(ctx context.Context, b *batch, p rows.Problem) (wrong string, err error) {
	truth, ok := readAnswer(p.GroundTruth)
	if !ok && m.o.NearMisses > 0 {
		b.figures["truths_not_read"]++
	}
	if !ok {
		return "", nil
	}
	kept := 0
	for _, c := range nearMisses(&truth, p.Question, draw(m.o.Seed, "near miss", p.ProblemID)) {
		if wrong != "" && kept >= m.o.NearMisses {
			break
		}
		if !truth.provenWrong(c.answer) {
			if kept < m.o.NearMisses {
				b.drop(p, reasonNotShown, c.kind, c.answer)
			}
			continue
		}
		if wrong == "" {
			wrong = c.answer
		}
		if kept >= m.o.NearMisses {
			continue
		}
		candidate := rows.Candidate{Answer: c.answer, Origin: rows.OriginNearMiss, Kind: c.kind}
		added, err := m.add(ctx, b, p, candidate)
		if err != nil {
			return "", err
		}
		if added {
			kept++
		}
	}
	if m.o.NearMisses > 0 && kept == 0 {
		b.figures["problems_without_near_miss"]++
	}
	return wrong, nil
}

func (m maker) harden(ctx context.Context, b *batch, p rows.Problem, wrong string) error {
	rng := draw(m.o.Seed, "hardening", p.ProblemID)
	if rng.Float64() >= m.o.Hardening {
		return nil
	}
	c, known, ok := attack(p.Question, p.GroundTruth, wrong, rng)
	if !ok {
		b.figures["problems_without_attack"]++
		return nil
	}
	candidate := rows.Candidate{Answer: c.answer, Origin: rows.OriginHardening, Kind: c.kind}
	if known {
		candidate.Known = new(bool)
	}
	_, err := m.add(ctx, b, p, candidate)
	return err
}

// ask sends one request to the generator and proposes what it lists.
func (m maker) ask(ctx context.Context, b *batch, p rows.Problem, prompt string, count int, origin, kind string) error {
	reply, err := m.pool.Chat(ctx, llm.Request{
		Messages:    []llm.Message{{Role: "user", Content: fill(prompt, p, count)}},
		Temperature: m.o.Temperature, TopP: m.o.TopP, MaxTokens: m.o.MaxTokens,
	})
	var unanswered *llm.UnansweredError
	if errors.As(err, &unanswered) {
		b.requests = append(b.requests, request{drop: &rows.Rejected{Input: p.ProblemID, Reason: unanswered.Kind, Detail: kind + ": " + unanswered.Error()}})
		return nil
	}
	if err != nil {
		return fmt.Errorf("asking for answers (%s) to problem %s: %w", kind, p.ProblemID, err)
	}
	r := request{answered: true, paid: reply.Paid, promptTokens: reply.PromptTokens, completionTokens: reply.CompletionTokens, cost: reply.CostUSD}
	items := parseList(reply.Content)
	if len(items) == 0 {
		r.drop = &rows.Rejected{Input: p.ProblemID, Reason: reasonNoList, Detail: kind + ": " + excerpt(reply.Content)}
	}
	b.requests = append(b.requests, r)
	name := reply.Model
	if name == "" {
		name = m.pool.Model().Name
	}
	first := len(b.kept)
	for _, item := range items {
		c := rows.Candidate{Answer: item, Origin: origin, Kind: kind, Model: name, Simulated: m.pool.Model().Simulated}
		if _, err := m.add(ctx, b, p, c); err != nil {
			return err
		}
	}
	if kept := b.kept[first:]; reply.CostUSD != nil {
		for i := range kept {
			share := *reply.CostUSD / float64(len(kept))
			kept[i].CostUSD = &share
		}
	}
	return nil
}

// fill puts the values into a prompt in one pass; a value cannot leave its section.
// The count is the config's, so it goes first.
func fill(prompt string, p rows.Problem, count int) string {
	prompt = strings.ReplaceAll(prompt, countPlace, strconv.Itoa(count))
	return model.Fill(prompt, p.Question, p.GroundTruth, "")
}

// add keeps a candidate if the rule verifier rejects it and it is new.
func (m maker) add(ctx context.Context, b *batch, p rows.Problem, c rows.Candidate) (bool, error) {
	if c.Origin != rows.OriginHardening { // white space may be the attack
		c.Answer = strings.TrimSpace(c.Answer)
		if tooLong(c.Answer) {
			b.drop(p, reasonTooLong, c.Kind, c.Answer)
			return false, nil
		}
	}
	if bare(c.Answer) == bare(p.GroundTruth) && bare(c.Answer) != "" || c.Answer == p.GroundTruth {
		b.drop(p, reasonSame, c.Kind, c.Answer)
		return false, nil
	}
	for _, k := range b.kept {
		if k.Answer == c.Answer {
			b.drop(p, reasonDuplicate, c.Kind, c.Answer)
			return false, nil
		}
	}
	verdict, err := m.rule.Verifier.Verify(ctx, judged(p, c.Answer))
	if err != nil {
		return false, fmt.Errorf("verifying an answer (%s) to problem %s: %w", c.Kind, p.ProblemID, err)
	}
	switch verdict.Outcome {
	case verify.Correct:
		b.drop(p, reasonAccepted, c.Kind, c.Answer)
		return false, nil
	case verify.Undecided:
		b.drop(p, reasonRuleUndecided, c.Kind, c.Answer)
		return false, nil
	}
	c.ProblemID, c.Source, c.Domain, c.Question, c.GroundTruth, c.Extra = p.ProblemID, p.Source, p.Domain, p.Question, p.GroundTruth, p.Extra
	c.Sample = int32(len(b.kept))
	c.Rule, c.RuleCorrect, c.RuleReason = m.rule.Name, verdict.Outcome.Bool(), verdict.Reason
	c.Simulated = c.Simulated || p.Simulated
	b.kept = append(b.kept, c)
	return true, nil
}

// judged is an answer as a reply would bring it to the rule verifier: in a box,
// which its extraction may change. One with stray braces has no box around it.
func judged(p rows.Problem, answer string) verify.Case {
	c := verify.Case{Question: p.Question, GroundTruth: p.GroundTruth, Answer: answer}
	if balanced(answer) {
		c.Response = `\boxed{` + answer + `}`
	}
	return c
}

func (b *batch) drop(p rows.Problem, reason, kind, answer string) {
	b.dropped = append(b.dropped, rows.Rejected{Input: p.ProblemID, Row: int64(len(b.dropped) + 1), Reason: reason, Detail: kind + ": " + excerpt(answer)})
}

// excerpt is the beginning of a text, on one line.
func excerpt(s string) string {
	return brief.Of(strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "), 120)
}
