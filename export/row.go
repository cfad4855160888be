package export

import (
	"fmt"
	"log/slog"
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

// Figures beside those of the splits and labels.
const (
	figureEscaped  = "control_tokens_escaped" // rows
	figureBorrowed = "reason_against_missing" // rows of a reasoning reply whose wrong verdict has the reason of the right one
)

// rowMaker makes rows of examples, decides which are left out, and counts.
type rowMaker struct {
	Options
	prompt   model.Prompt
	controls controls
	lengths  lengths
	pairs    bool           // the wrong verdict is written too
	source   *manifest.File // of the tokenizer; nil if there is none
	figures  map[string]int64
}

func newRowMaker(o Options) (*rowMaker, error) {
	m := &rowMaker{Options: o, prompt: model.NewPrompt(o.Prompt), figures: map[string]int64{}}
	m.pairs = slices.ContainsFunc(o.Targets, func(name string) bool { return targets()[name].pairs })
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

// row returns what targets write of an example, or the reason why nothing is.
func (m *rowMaker) row(e rows.Example) (row, string, error) {
	if strings.TrimSpace(e.Answer) == "" {
		return row{}, reasonEmptyAnswer, nil
	}
	texts := []*string{new(e.Question), new(e.GroundTruth), new(e.Answer), new(""), new("")}
	if m.Reply == ReplyReasoning {
		*texts[3] = e.Reason
		if m.pairs { // else nobody is told of it
			*texts[4] = e.ReasonAgainst
		}
	}
	escaped := false
	for _, text := range texts {
		clean, ok := m.controls.escape(*text)
		if !ok {
			return row{}, reasonControlTokens, nil
		}
		escaped = escaped || clean != *text
		*text = clean
	}
	if escaped && m.ControlTokens == ControlTokensDrop {
		return row{}, reasonControlTokens, nil
	}

	r := row{Example: e, system: m.System, prompt: m.prompt.Fill(*texts[0], *texts[1], *texts[2])}
	borrowed, reason := m.replies(&r, *texts[3], *texts[4])
	if reason != "" {
		return row{}, reason, nil
	}
	if m.lengths.counted {
		n, err := m.lengths.of(m.Options, r, m.pairs)
		if err != nil {
			return row{}, "", err
		}
		if m.CutoffLen > 0 && n > m.CutoffLen {
			return row{}, m.lengths.reason, nil
		}
		m.figures[m.lengths.total] += int64(n)
		m.figures[m.lengths.longest] = max(m.figures[m.lengths.longest], int64(n))
	}

	m.figures[e.Split]++
	m.figures[fmt.Sprintf("%s_%v", e.Split, e.Label)]++
	if escaped {
		m.figures[figureEscaped]++
	}
	if borrowed {
		m.figures[figureBorrowed]++
	}
	return r, "", nil
}

// replies puts the two verdicts into a row, or returns the reason why it is
// dropped. The wrong verdict borrows the reason of the right one if there is none
// against the label: then the verdict is all that sets them apart.
func (m *rowMaker) replies(r *row, reason, against string) (borrowed bool, drop string) {
	if m.Reply == ReplySimple {
		r.reply, r.wrong = verdictWord(r.Label), verdictWord(!r.Label)
		return false, ""
	}
	reason, ok := argument(reason, r.Label)
	switch {
	case !ok:
		return false, reasonContradicts
	case reason == "":
		return false, reasonNoReason
	}
	against, ok = argument(against, !r.Label)
	if !ok || against == "" {
		against, borrowed = reason, m.pairs
	}
	r.reply, r.wrong = reasoned(reason, r.Label), reasoned(against, !r.Label)
	return borrowed, ""
}

// warn tells of what was done that the user may not want.
func (m *rowMaker) warn(log *slog.Logger, counts *manifest.Counts) {
	isTrue, isFalse := m.figures[rows.SplitTrain+"_true"], m.figures[rows.SplitTrain+"_false"]
	if isTrue == 0 || isFalse == 0 {
		log.Warn("the rows to train on have one verdict only; a verifier learns to say it always", "true", isTrue, "false", isFalse)
	}
	if n := counts.Dropped[reasonNoReason]; n > 0 {
		log.Warn("rows were dropped that no annotator gave a reason for, such as those that are wrong by construction: the ratio is no longer that of the balance stage",
			"rows", n, "true", isTrue, "false", isFalse)
	}
	if n := counts.Dropped[reasonOverCutoffBound]; n > 0 {
		log.Warn("rows were dropped that may be longer than cutoff_len; a bound decided, since there is no tokenizer: with export.tokenizer (the model's tokenizer.json) those that fit are kept",
			"rows", n, "cutoff_len", m.CutoffLen)
	}
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
