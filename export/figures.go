package export

import (
	"fmt"
	"log/slog"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
)

// Figures beside those of the splits and labels.
const (
	figureEscaped  = "control_tokens_escaped"    // rows
	figureMerged   = "question_spellings_merged" // of the targets that write each question once
	figureBorrowed = "reason_against_missing"    // rows of a reasoning reply whose wrong verdict has the reason of the right one
)

// figures counts what is written.
type figures struct {
	rows              map[verdicts]int64
	tokens, longest   int64
	escaped, borrowed int64
	merged            int64
}

// verdicts are rows that the figures tell apart.
type verdicts struct {
	split string
	label bool
}

func (f *figures) add(r *made) {
	if f.rows == nil {
		f.rows = map[verdicts]int64{}
	}
	f.rows[verdicts{r.Split, r.Label}]++
	f.tokens += int64(r.tokens)
	f.longest = max(f.longest, int64(r.tokens))
	if r.escaped {
		f.escaped++
	}
	if r.borrowed {
		f.borrowed++
	}
}

func (f *figures) ofSplit(split string) (isTrue, isFalse int64) {
	return f.rows[verdicts{split, true}], f.rows[verdicts{split, false}]
}

// byName returns the figures as the manifest has them: those of things that there are.
func (f *figures) byName(l lengths) map[string]int64 {
	named := map[string]int64{}
	for v, n := range f.rows {
		named[v.split] += n
		named[fmt.Sprintf("%s_%v", v.split, v.label)] += n
	}
	if l.counted {
		named[l.total], named[l.longest] = f.tokens, f.longest
	}
	if f.escaped > 0 {
		named[figureEscaped] = f.escaped
	}
	if f.merged > 0 {
		named[figureMerged] = f.merged
	}
	if f.borrowed > 0 {
		named[figureBorrowed] = f.borrowed
	}
	return named
}

// warn tells of what was done that the user may not want.
func (f *figures) warn(log *slog.Logger, counts *manifest.Counts, cutoffLen int) {
	isTrue, isFalse := f.ofSplit(rows.SplitTrain)
	if isTrue == 0 || isFalse == 0 {
		log.Warn("the rows to train on have one verdict only; a verifier learns to say it always", "true", isTrue, "false", isFalse)
	}
	if n := counts.Dropped[reasonNoReason]; n > 0 {
		log.Warn("rows were dropped that no annotator gave a reason for, such as those that are wrong by construction: the ratio is no longer that of the balance stage",
			"rows", n, "true", isTrue, "false", isFalse)
	}
	if n := counts.Dropped[reasonOverCutoffBound]; n > 0 {
		log.Warn("rows were dropped that may be longer than cutoff_len; a bound decided, since there is no tokenizer: with export.tokenizer (the model's tokenizer.json) those that fit are kept",
			"rows", n, "cutoff_len", cutoffLen)
	}
}
