// Package model is a verifier that asks a language model.
//
// A [Profile] says how: the prompt, the sampling parameters, and the parser
// that turns the reply into a verdict. A reply that the parser cannot read is
// Undecided, never Incorrect, after it was asked for again. A profile may ask for
// several samples and take their majority, and for token probabilities, which
// say how sure the model is. [LoadProfile] reads profiles from files.
//
// Questions and answers are hostile text. They are filled into the prompt in
// one pass, and what could pass for a tag of the prompt is escaped, so nothing
// in a value can end its own section or begin another; see [Fill]. What the
// model then makes of an instruction inside a section is beyond this package;
// the prompts under configs/prompts tell it to judge it as text.
package model

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tinyv/internal/brief"
	"tinyv/internal/llm"
	"tinyv/verify"
)

// Codes are what the reason of an Undecided verdict begins with, before a colon:
// the reply did not parse, the samples have no majority, or there is no reply
// (the kinds of llm.UnansweredError).
func Codes() []string {
	return []string{
		codeParseError, codeSamplesDisagree,
		llm.RefusedContextLength, llm.RefusedContentFilter, llm.RefusedBadRequest, llm.RefusedDenied, llm.GaveUp,
	}
}

// codeParseError is the code of a reply without a verdict.
const codeParseError = "parse_error"

const maxReason = 2000 // characters of a verdict's reason

// Verifier asks a model. It implements verify.Verifier.
type Verifier struct {
	profile Profile
	prompt  Prompt
	pool    *llm.Pool
}

// New returns a verifier that asks pool by p, which must be valid.
func New(p Profile, pool *llm.Pool) *Verifier {
	if p.Attempts == 0 {
		p.Attempts = DefaultAttempts
	}
	p.Samples = max(p.Samples, 1)
	return &Verifier{profile: p, prompt: NewPrompt(p.Prompt), pool: pool}
}

// Verify asks the model about Case.Answer, or about the whole Case.Response if
// the answer is empty. A reply that does not parse is asked for again, up to
// the profile's Attempts; one that says that the answer cannot be judged is not.
//
// The verdict's Model holds the last reply to the letter; its PromptSHA256 is
// that of the user's prompt, or of the system message, a line feed and the
// user's prompt if the profile has a system message; its tokens are those of
// every reply, paid for now or known to the journal. The verdict's Cost counts
// only replies that were paid for now.
//
// With several Samples the verdict is that of more than half of them, and its
// Votes holds one Ballot for each; its Model then is that of the first sample
// of the verdict's mind, with the tokens of all.
//
// A request without a reply (too long a prompt, a content filter, tries that all
// failed) is Undecided, with one of Codes and the server's words as the reason.
// Other errors of the pool are returned.
func (v *Verifier) Verify(ctx context.Context, c verify.Case) (verify.Verdict, error) {
	answer := c.Answer
	if answer == "" {
		answer = c.Response
	}
	prompt := v.prompt.Fill(c.Question, c.GroundTruth, answer)
	ask := v.verifySamples
	if v.profile.Samples == 1 {
		ask = v.verifyOnce
	}
	verdict, err := ask(ctx, prompt, answer)
	if err != nil {
		return verify.Verdict{}, fmt.Errorf("asking %q: %w", v.profile.Name, err)
	}
	return verdict, nil
}

func (v *Verifier) verifyOnce(ctx context.Context, prompt, answer string) (verify.Verdict, error) {
	return v.verifySample(ctx, prompt, answer, 0)
}

// verifySample asks for the i-th sample until it parses. Its attempts have
// numbers of their own, so that the journal gives no sample another's reply.
func (v *Verifier) verifySample(ctx context.Context, prompt, answer string, i int) (verify.Verdict, error) {
	out := verify.Verdict{
		Extracted: answer,
		Model:     &verify.ModelReply{Model: v.pool.Model().Name, PromptSHA256: v.promptHash(prompt)},
	}
	for attempt := range v.profile.Attempts {
		reply, err := v.pool.Chat(ctx, v.request(prompt, (v.profile.Repeat*v.profile.Samples+i)*v.profile.Attempts+attempt))
		if unanswered := (*llm.UnansweredError)(nil); errors.As(err, &unanswered) {
			out.Reason = oneLine(unanswered.Kind + ": " + unanswered.Words)
			return out, nil
		}
		if err != nil {
			return verify.Verdict{}, err
		}
		if reply.Paid {
			out.Cost = out.Cost.Plus(verify.Cost{Calls: 1, PromptTokens: reply.PromptTokens, CompletionTokens: reply.CompletionTokens})
		}
		if reply.Model != "" {
			out.Model.Model = reply.Model
		}
		out.Model.Reply = reply.Content
		out.Model.Reasoning = reply.Reasoning
		out.Model.FinishReason = reply.FinishReason
		out.Model.PromptTokens += reply.PromptTokens
		out.Model.CompletionTokens += reply.CompletionTokens
		out.Model.CostUSD = addCost(out.Model.CostUSD, reply.CostUSD, attempt == 0)
		r := v.profile.read(reply)
		out.Outcome, out.Reason = r.outcome, oneLine(r.reason)
		if v.profile.Confidence {
			out.Confidence = r.confidence(reply.Content, reply.Logprobs)
		}
		if r.outcome != verify.Undecided || r.abstains {
			break
		}
	}
	return out, nil
}

// read reads a verdict out of a reply. Where the last verdict wins, that of a
// reply which was cut off may not be the last.
func (p Profile) read(reply llm.Reply) reading {
	r := read(p.Parser, p.Threshold, reply.Content)
	if reply.FinishReason != "length" {
		return r
	}
	if r.overruled {
		r = undecided("the verdict may not be the last")
	}
	if r.outcome == verify.Undecided && !r.abstains {
		r.reason += " (the reply was cut off at its length limit)"
	}
	return r
}

// addCost adds the cost of a reply; a sum with an unknown part is unknown.
func addCost(sum, cost *float64, first bool) *float64 {
	if cost == nil || sum == nil && !first {
		return nil
	}
	total := *cost
	if sum != nil {
		total += *sum
	}
	return &total
}

// oneLine makes a reason of a verdict: blanks joined, of bounded length.
func oneLine(s string) string {
	return brief.Of(strings.Join(strings.Fields(s), " "), maxReason)
}
