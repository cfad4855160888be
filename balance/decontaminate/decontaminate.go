// Package decontaminate says whether a question is in a benchmark.
//
// It promises: the answer depends on the benchmarks and the question only, and
// a benchmark that holds no question, or a row of it that lacks one, is an error
// and never a benchmark that matches nothing.
package decontaminate

import (
	"context"
	"fmt"
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
	NGram   int     `json:"ngram"`   // words in an n-gram; 0 is 8
	Overlap float64 `json:"overlap"` // the least share of n-grams in common; 0 is 0.5
}

// The kinds of a match, from the surest down.
const (
	Exact      = "exact"      // the same text, white space around it aside
	Normalised = "normalised" // the same normal form (see package question)
	NGram      = "ngram"      // enough n-grams in common
)

// Match is the benchmark question that a question is or resembles.
type Match struct {
	Benchmark string  // its name
	Row       int64   // 1-based row of the question in its file
	Kind      string  // Exact, Normalised or NGram
	Overlap   float64 // share of the n-grams of the shorter of the two questions that the other has; 1 for the other kinds
	Question  string  // the benchmark's, without the suffix
}

// Set holds the questions of benchmarks. It is safe for use by several goroutines.
type Set struct {
	entries []Match
	exact   map[string]int
	normal  map[string]int
}

// Load reads benchmarks.
func Load(ctx context.Context, benchmarks []Benchmark, o Options) (*Set, error) {
	s := &Set{exact: map[string]int{}, normal: map[string]int{}}
	for _, b := range benchmarks {
		for r, err := range rows.Records(b.Path) {
			if err != nil {
				return nil, fmt.Errorf("benchmark %s: %w", b.Name, err)
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for _, path := range []string{b.Column, "question", "problem", "extra_info.question"} {
				if v, ok := r.Lookup(path); ok {
					q := strings.TrimSpace(strings.TrimSuffix(v.(string), b.Suffix))
					s.entries = append(s.entries, Match{Benchmark: b.Name, Row: r.Row, Question: q})
					s.exact[q] = len(s.entries) - 1
					s.normal[question.Normalize(q)] = len(s.entries) - 1
					break
				}
			}
		}
	}
	return s, nil
}

// Len returns the number of questions.
func (s *Set) Len() int { return len(s.entries) }

// Match returns the best match of a question, and whether there is one: that of
// the surest kind, then with the largest overlap, then in the first benchmark,
// then in its first row.
func (s *Set) Match(q string) (Match, bool) {
	q = strings.TrimSpace(q)
	if i, ok := s.exact[q]; ok {
		m := s.entries[i]
		m.Kind, m.Overlap = Exact, 1
		return m, true
	}
	if i, ok := s.normal[question.Normalize(q)]; ok {
		m := s.entries[i]
		m.Kind, m.Overlap = Normalised, 1
		return m, true
	}
	return Match{}, false
}
