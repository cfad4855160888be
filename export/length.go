package export

import (
	"fmt"

	"tinyv/internal/tokens"
)

// lengths counts the tokens of rows, or bounds them where there is no tokenizer.
type lengths struct {
	tokenizer *tokens.Tokenizer // nil for the bound
	counted   bool              // false if nobody asks, and the template is one that cannot be counted
	reason    string            // for which a row that is too long is dropped
	total     string            // figure of the tokens of all rows
	longest   string            // figure of those of the longest
}

func newLengths(o Options) (lengths, error) {
	l := lengths{reason: reasonOverCutoffBound, total: "tokens_bound", longest: "longest_row_bound"}
	if o.Tokenizer != "" {
		t, err := tokens.Load(o.Tokenizer)
		if err != nil {
			return l, fmt.Errorf("export.tokenizer: %w", err)
		}
		l = lengths{tokenizer: t, reason: reasonOverCutoff, total: "tokens", longest: "longest_row"}
	}
	if _, err := tokens.Row(l.tokenizer, o.Template, "", "", ""); err == nil {
		l.counted = true
	} else if o.CutoffLen > 0 || o.Tokenizer != "" {
		return l, fmt.Errorf("counting the tokens of rows for export.cutoff_len: %w; or set export.cutoff_len to 0 and leave out export.tokenizer, and longer rows are cut by the trainer", err)
	}
	return l, nil
}

func (l lengths) specials() []string {
	if l.tokenizer == nil {
		return nil
	}
	return l.tokenizer.Specials()
}

// of returns the tokens of a row with the longer of its replies, if pairs are written.
func (l lengths) of(o Options, r row, pairs bool) (int, error) {
	n, err := tokens.Row(l.tokenizer, o.Template, r.system, r.prompt, r.reply)
	if err != nil || !pairs {
		return n, err
	}
	other, err := tokens.Row(l.tokenizer, o.Template, r.system, r.prompt, r.wrong)
	return max(n, other), err
}
