// Package model is a verifier that asks a language model.
//
// A [Profile] says how: the prompt, the sampling parameters, and the parser
// that turns the reply into a verdict. A reply that the parser cannot read is
// Undecided, never Incorrect, after it was asked for again.
//
// Questions and answers are hostile text. They are filled into the prompt in
// one pass, and what could pass for a tag of the prompt is escaped, so nothing
// in a value can end its own section or begin another; see [Fill]. What the
// model then makes of an instruction inside a section is beyond this package;
// the prompts under configs/prompts tell it to judge it as text.
package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tinyv/internal/llm"
	"tinyv/verify"
)

// Codes are what the reason of an Undecided verdict begins with, before a colon:
// the reply did not parse, or there is none (the kinds of llm.UnansweredError).
func Codes() []string {
	return []string{codeParseError, llm.RefusedContextLength, llm.RefusedContentFilter, llm.RefusedBadRequest, llm.RefusedDenied, llm.GaveUp}
}

// DefaultAttempts is how many samples a Profile without Attempts asks for.
const DefaultAttempts = 2

// codeParseError is the code of a reply without a verdict.
const codeParseError = "parse_error"

const maxReason = 2000 // characters of a verdict's reason

// Profile is how to ask a model for a verdict.
type Profile struct {
	Name   string
	Prompt string // of the user; holds {{GROUND_TRUTH_ANSWER}}, {{MODEL_ANSWER}} and, as a rule, {{QUESTION}}
	System string // the system message, sent as it is; "" = none
	Parser string // one of Parsers

	Temperature *float64 // nil = the server's default
	TopP        *float64
	MaxTokens   int // 0 = the server's default
	Stop        []string

	Attempts int // samples to ask for until one parses; 0 = DefaultAttempts
}

// Validate says what is wrong with p, if anything is.
func (p Profile) Validate() error {
	for _, name := range []string{groundTruthPlace, answerPlace} {
		if !strings.Contains(p.Prompt, name) {
			return fmt.Errorf("profile %q: the prompt does not hold %s", p.Name, name)
		}
	}
	if !slices.Contains(Parsers(), p.Parser) {
		return fmt.Errorf("profile %q: parser %q is not one of %q", p.Name, p.Parser, Parsers())
	}
	if p.Attempts < 0 || p.MaxTokens < 0 {
		return fmt.Errorf("profile %q: attempts and max_tokens cannot be negative", p.Name)
	}
	return nil
}

// Verifier asks a model. It implements verify.Verifier.
type Verifier struct {
	profile Profile
	prompt  prompt
	pool    *llm.Pool
}

// New returns a verifier that asks pool by p, which must be valid.
func New(p Profile, pool *llm.Pool) *Verifier {
	if p.Attempts == 0 {
		p.Attempts = DefaultAttempts
	}
	return &Verifier{profile: p, prompt: newPrompt(p.Prompt), pool: pool}
}

// Verify asks the model about Case.Answer, or about the whole Case.Response if
// the answer is empty. A reply that does not parse is asked for again, up to
// the profile's Attempts.
//
// The verdict's Model holds the last reply to the letter; its PromptSHA256 is
// that of the user's prompt, or of the system message, a line feed and the
// user's prompt if the profile has a system message; its tokens are those of
// every sample, paid for now or known to the journal. The verdict's Cost counts
// only samples that were paid for now.
//
// A request without a reply (too long a prompt, a content filter, tries that all
// failed) is Undecided, with one of Codes and the server's words as the reason.
// Other errors of the pool are returned.
func (v *Verifier) Verify(ctx context.Context, c verify.Case) (verify.Verdict, error) {
	answer := c.Answer
	if answer == "" {
		answer = c.Response
	}
	prompt := v.prompt.fill(c.Question, c.GroundTruth, answer)
	out := verify.Verdict{
		Extracted: answer,
		Model:     &verify.ModelReply{Model: v.pool.Model().Name, PromptSHA256: v.promptHash(prompt)},
	}
	for sample := range v.profile.Attempts {
		reply, err := v.pool.Chat(ctx, v.request(prompt, sample))
		if unanswered := (*llm.UnansweredError)(nil); errors.As(err, &unanswered) {
			out.Reason = oneLine(unanswered.Kind + ": " + unanswered.Words)
			return out, nil
		}
		if err != nil {
			return verify.Verdict{}, fmt.Errorf("asking %q: %w", v.profile.Name, err)
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
		out.Model.CostUSD = addCost(out.Model.CostUSD, reply.CostUSD, sample == 0)
		outcome, reason := Parse(v.profile.Parser, reply.Content)
		if outcome == verify.Undecided && reply.FinishReason == "length" {
			reason += " (the reply was cut off at its length limit)"
		}
		out.Outcome, out.Reason = outcome, oneLine(reason)
		if outcome != verify.Undecided {
			break
		}
	}
	return out, nil
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

func (v *Verifier) request(prompt string, sample int) llm.Request {
	var messages []llm.Message
	if v.profile.System != "" {
		messages = append(messages, llm.Message{Role: "system", Content: v.profile.System})
	}
	return llm.Request{
		Messages:    append(messages, llm.Message{Role: "user", Content: prompt}),
		Temperature: v.profile.Temperature,
		TopP:        v.profile.TopP,
		MaxTokens:   v.profile.MaxTokens,
		Stop:        v.profile.Stop,
		Sample:      sample,
	}
}

func (v *Verifier) promptHash(prompt string) string {
	if v.profile.System != "" {
		prompt = v.profile.System + "\n" + prompt
	}
	sum := sha256.Sum256([]byte(prompt))
	return hex.EncodeToString(sum[:])
}

// oneLine makes a reason of a verdict: blanks joined, of bounded length.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > maxReason {
		s = string([]rune(s)[:maxReason-1]) + "…"
	}
	return s
}
