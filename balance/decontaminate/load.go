package decontaminate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tinyv/balance/question"
	"tinyv/internal/rows"
)

// Benchmark is a file of questions that no training set may hold.
type Benchmark struct {
	Name   string `json:"name"`   // as matches are reported under
	Path   string `json:"path"`   // a file or a directory of parts, as rows.Records reads them
	Column string `json:"column"` // where the question is, with dots into objects; empty to look under the usual names
	Suffix string `json:"suffix"` // an instruction that is cut off the end of every question that has it
}

// Options says what a match is.
type Options struct {
	NGram   int     `json:"ngram"`   // tokens in an n-gram; 0 is 8
	Overlap float64 `json:"overlap"` // the least share of n-grams in common, above 0 and at most 1; 0 is 0.5
}

// usual are the names under which questions are looked for: the published layouts
// of problems, then those of RL trainers, whose prompt is a list of messages.
var usual = []string{"question", "problem", "extra_info.question", "prompt"}

// Load reads benchmarks. The question of a row is the text at the benchmark's
// column, or under the first of the names question, problem, extra_info.question
// and prompt that the row has. Of a list of chat messages it is the last message of
// the user.
func Load(ctx context.Context, benchmarks []Benchmark, o Options) (*Set, error) {
	if o.NGram < 0 {
		return nil, fmt.Errorf("decontamination: an n-gram of %d tokens; want 1 or more, or 0 for %d", o.NGram, defaultNGram)
	}
	if !(o.Overlap >= 0 && o.Overlap <= 1) {
		return nil, fmt.Errorf("decontamination: an overlap of %v; want a share above 0 and at most 1, or 0 for %v", o.Overlap, defaultOverlap)
	}
	s := &Set{
		n: cmp.Or(o.NGram, defaultNGram), overlap: cmp.Or(o.Overlap, defaultOverlap),
		exact: map[string]int32{}, normal: map[string]int32{}, holders: map[uint64][]int32{},
	}
	names := map[string]bool{}
	for _, b := range benchmarks {
		if b.Name == "" || names[b.Name] {
			return nil, fmt.Errorf("benchmark %q (%s): a benchmark has a name of its own, which the list of matches says", b.Name, b.Path)
		}
		names[b.Name] = true
		before := len(s.entries)
		for r, err := range rows.Records(b.Path) {
			if err != nil {
				return nil, fmt.Errorf("benchmark %s: %w", b.Name, err)
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			text, err := b.question(r)
			if err != nil {
				return nil, fmt.Errorf("benchmark %s: %s:%d: %w", b.Name, r.Input, r.Row, err)
			}
			s.add(Match{Benchmark: b.Name, Row: r.Row, Question: text})
		}
		if len(s.entries) == before {
			return nil, fmt.Errorf("benchmark %s: %s holds no row; nothing would match it", b.Name, b.Path)
		}
	}
	s.seal()
	return s, nil
}

// question finds the question of a row.
func (b Benchmark) question(r rows.Record) (string, error) {
	paths := usual
	if b.Column != "" {
		paths = []string{b.Column}
	}
	at := slices.IndexFunc(paths, func(path string) bool { _, ok := r.Lookup(path); return ok })
	if at < 0 {
		return "", fmt.Errorf("no column for the question (looked for %s); the row has: %s. Name the right one as the benchmark's column",
			strings.Join(paths, ", "), strings.Join(r.Columns(), ", "))
	}
	v, _ := r.Lookup(paths[at])
	text, err := textOf(v)
	if err != nil {
		return "", fmt.Errorf("column %s: %w; the row has: %s", paths[at], err, strings.Join(r.Columns(), ", "))
	}
	text = strings.TrimSpace(text)
	if suffix := strings.TrimSpace(b.Suffix); suffix != "" {
		text = strings.TrimSpace(strings.TrimSuffix(text, suffix))
	}
	if question.Normalize(text) == "" {
		return "", fmt.Errorf("column %s: the question is empty; the row has: %s", paths[at], strings.Join(r.Columns(), ", "))
	}
	return text, nil
}

// textOf returns a text, or the last message of the user in a chat.
func textOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", errors.New("null, not a question")
	case string:
		return v, nil
	case []any:
		for _, m := range slices.Backward(v) {
			message, _ := m.(map[string]any)
			if text, ok := message["content"].(string); ok && message["role"] == "user" {
				return text, nil
			}
		}
		return "", errors.New("a list without a message of the user, not a question")
	}
	return "", fmt.Errorf("a %T, not a question", v)
}
