package export

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/verify/model"
)

// The reasons for which a row is dropped.
const (
	reasonEmptyAnswer     = "empty_answer"       // a loader would keep it, since the prompt around the answer is not empty
	reasonNoReason        = "no_reason"          // a reasoning reply needs one
	reasonContradicts     = "reason_contradicts" // the reason announces the other verdict
	reasonControlTokens   = "control_tokens"     // the texts hold some, and they are not to be escaped
	reasonOverCutoff      = "over_cutoff"        // more tokens than cutoff_len, counted
	reasonOverCutoffBound = "over_cutoff_bound"  // perhaps more tokens than cutoff_len, by a bound
)

// rowMaker makes rows of examples and decides which are left out. It is safe for use
// by several goroutines.
type rowMaker struct {
	Options
	prompt   model.Prompt
	controls controls
	lengths  lengths
	pairs    bool           // the wrong verdict is written too
	once     bool           // a target writes each question once
	source   *manifest.File // of the tokenizer; nil if there is none
}

// made is what became of an example.
type made struct {
	row
	dropped           string // the reason why targets do not get it; empty if they do
	tokens            int    // 0 if nobody counts
	escaped, borrowed bool

	form, spelling digest // of the question, where a target writes each once
}

func newRowMaker(o Options) (*rowMaker, error) {
	m := &rowMaker{Options: o, prompt: model.NewPrompt(o.Prompt)}
	m.pairs = slices.ContainsFunc(o.Targets, func(name string) bool { return targets()[name].pairs })
	m.once = slices.ContainsFunc(o.Targets, func(name string) bool { return targets()[name].once })
	var err error
	if m.lengths, err = newLengths(o); err != nil {
		return nil, err
	}
	if o.Tokenizer != "" {
		source, err := manifest.Hash(o.Tokenizer)
		if err != nil {
			return nil, fmt.Errorf("reading the tokenizer: %w", err)
		}
		m.source = &source
	}
	m.controls = newControls(m.lengths.specials())
	for _, own := range [][2]string{{"export.prompt", o.Prompt}, {"export.system", o.System}} {
		if token := m.controls.first(own[1]); token != "" {
			return nil, fmt.Errorf("%s holds %q, which LLaMA-Factory or the tokenizer takes for more than text; write it another way", own[0], token)
		}
	}
	return m, nil
}

// rows makes rows of examples, one of each.
func (m *rowMaker) rows(_ context.Context, examples []rows.Example) ([]made, error) {
	all := make([]made, len(examples))
	for i := range examples {
		all[i].Example = examples[i]
		if err := m.row(&all[i]); err != nil {
			return nil, err
		}
		if m.once {
			m.question(&all[i])
		}
	}
	return all, nil
}

// question says which question a row asks.
func (m *rowMaker) question(r *made) {
	r.spelling = digestOf(r.Question)
	r.form = r.spelling
	if m.Spelling != nil {
		r.form = digestOf(m.Spelling.Normal(r.Question))
	}
}

// row makes what targets write of an example, or says why they do not get it.
func (m *rowMaker) row(r *made) (err error) {
	if strings.TrimSpace(r.Answer) == "" {
		r.dropped = reasonEmptyAnswer
		return nil
	}
	texts := [...]string{r.Question, r.GroundTruth, r.Answer, "", ""}
	if m.Reply == ReplyReasoning {
		texts[3] = r.Reason
		if m.pairs { // else nobody is told of it
			texts[4] = r.ReasonAgainst
		}
	}
	for i, text := range texts {
		clean, ok := m.controls.escape(text)
		if !ok {
			r.dropped = reasonControlTokens
			return nil
		}
		r.escaped = r.escaped || clean != text
		texts[i] = clean
	}
	if r.escaped && m.ControlTokens == ControlTokensDrop {
		r.dropped = reasonControlTokens
		return nil
	}

	r.system, r.prompt = m.System, m.prompt.Fill(texts[0], texts[1], texts[2])
	if r.borrowed, r.dropped = m.replies(&r.row, texts[3], texts[4]); r.dropped != "" || !m.lengths.counted {
		return nil
	}
	r.tokens, err = m.lengths.of(m.Options, r.row, m.pairs)
	if m.CutoffLen > 0 && r.tokens > m.CutoffLen {
		r.dropped = m.lengths.reason
	}
	return err
}

// replies puts the two verdicts into a row, or returns the reason why it is
// dropped. The wrong verdict borrows the reason of the right one if there is none
// against the label: then the verdict is all that sets them apart.
func (m *rowMaker) replies(r *row, reason, against string) (borrowed bool, drop string) {
	if m.Reply == ReplySimple {
		r.reply, r.wrong = verdictWord(r.Label), verdictWord(!r.Label)
		return false, ""
	}
	reason, drop = usable(reason, r.Label)
	if drop != "" {
		return false, drop
	}
	against, ok := argument(against, !r.Label)
	if !ok || against == "" {
		against, borrowed = reason, m.pairs
	}
	r.reply, r.wrong = reasoned(reason, r.Label), reasoned(against, !r.Label)
	return borrowed, ""
}

// The words of the verifier's reply, as published.
const (
	replyTrue  = "True"
	replyFalse = "False"
)

func verdictWord(correct bool) string {
	if correct {
		return replyTrue
	}
	return replyFalse
}
