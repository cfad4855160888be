// Package decontaminate says whether a question is in a benchmark.
//
// It promises: the answer depends on the benchmarks and the question only; a
// benchmark that holds no question, or a row of it that lacks one, is an error and
// never a benchmark that matches nothing; time per question does not grow with the
// benchmarks, unless they have n-grams in common with it.
package decontaminate

import (
	"math/bits"
	"slices"
	"strings"

	"tinyv/balance/question"
)

// The kinds of a match, from the surest down.
const (
	Exact      = "exact"      // the same text, white space around it aside
	Normalised = "normalised" // the same normal form (see package question)
	NGram      = "ngram"      // enough n-grams in common
)

const (
	defaultNGram   = 8
	defaultOverlap = 0.5
)

// Match is the benchmark question that a question is or resembles.
type Match struct {
	Benchmark string  // its name
	Row       int64   // 1-based row of the question in its file
	Kind      string  // Exact, Normalised or NGram
	Overlap   float64 // share of the distinct n-grams of the shorter of the two questions that the other has; 1 for the other kinds
	Question  string  // the benchmark's, without the suffix
}

// Set holds the questions of benchmarks. It is safe for use by several goroutines.
type Set struct {
	n       int
	overlap float64
	entries []Match          // in the order of the benchmarks and their rows
	grams   []int32          // distinct n-grams of each entry
	exact   map[string]int32 // the first entry of a text
	normal  map[string]int32 // the first entry of a normal form

	holders map[uint64][]int32 // the entries that hold an n-gram, by its hash
	filter  []uint64           // a bit for every n-gram: what has none is not in holders
}

func (s *Set) add(m Match) {
	i := int32(len(s.entries))
	s.entries = append(s.entries, m)
	if _, ok := s.exact[m.Question]; !ok {
		s.exact[m.Question] = i
	}
	form := question.Normalize(m.Question)
	if _, ok := s.normal[form]; !ok {
		s.normal[form] = i
	}
	grams := distinct(s.ngrams(form))
	s.grams = append(s.grams, int32(len(grams)))
	for _, gram := range grams {
		s.holders[gram] = append(s.holders[gram], i)
	}
}

// seal makes the filter, when all questions are there: of 16 bits and more for
// every n-gram, so that one in 16 strangers at most passes it.
func (s *Set) seal() {
	s.filter = make([]uint64, 1<<bits.Len(uint(len(s.holders)/4)))
	for gram := range s.holders {
		word, bit := s.place(gram)
		*word |= bit
	}
}

func (s *Set) maybe(gram uint64) bool {
	word, bit := s.place(gram)
	return *word&bit != 0
}

func (s *Set) place(gram uint64) (word *uint64, bit uint64) {
	return &s.filter[gram>>6&uint64(len(s.filter)-1)], 1 << (gram & 63)
}

// Len returns the number of questions.
func (s *Set) Len() int { return len(s.entries) }

// Match returns the best match of a question, and whether there is one: that of
// the surest kind, then with the largest overlap, then in the first benchmark, then
// in its first row. An n-gram is a run of Options.NGram tokens of the normal form;
// a question of fewer tokens, here or in the benchmark, only matches by its text or
// its normal form.
func (s *Set) Match(q string) (Match, bool) {
	if i, ok := s.exact[strings.TrimSpace(q)]; ok {
		return s.match(i, Exact, 1), true
	}
	form := question.Normalize(q)
	if i, ok := s.normal[form]; ok {
		return s.match(i, Normalised, 1), true
	}
	grams := s.ngrams(form)
	if !slices.ContainsFunc(grams, s.maybe) {
		return Match{}, false // the rule, and quick
	}
	grams = distinct(grams)
	var shared []int32 // the entry of every n-gram in common
	for _, gram := range grams {
		if s.maybe(gram) {
			shared = append(shared, s.holders[gram]...)
		}
	}
	slices.Sort(shared)
	best, overlap := int32(-1), 0.0
	for len(shared) > 0 {
		i, common := shared[0], 1
		for common < len(shared) && shared[common] == i {
			common++
		}
		shared = shared[common:]
		if o := float64(common) / float64(min(len(grams), int(s.grams[i]))); o >= s.overlap && o > overlap {
			best, overlap = i, o
		}
	}
	if best < 0 {
		return Match{}, false
	}
	return s.match(best, NGram, overlap), true
}

func (s *Set) match(i int32, kind string, overlap float64) Match {
	m := s.entries[i]
	m.Kind, m.Overlap = kind, overlap
	return m
}

// ngrams returns the hashes of a normal form's n-grams, in order.
func (s *Set) ngrams(form string) []uint64 {
	const prime = 0x9e3779b97f4a7c15 // odd, so that it has an inverse modulo 2^64
	power := uint64(1)               // prime to the n-th
	for range s.n {
		power *= prime
	}
	words := make([]uint64, 0, 128)
	for word := range question.Words(form) {
		words = append(words, hash(word))
	}
	if len(words) < s.n {
		return nil
	}
	grams := make([]uint64, 0, len(words)-s.n+1)
	rolling := uint64(0)
	for i, word := range words {
		rolling = rolling*prime + word
		if i >= s.n {
			rolling -= words[i-s.n] * power
		}
		if i >= s.n-1 {
			grams = append(grams, rolling)
		}
	}
	return grams
}

func distinct(grams []uint64) []uint64 {
	slices.Sort(grams)
	return slices.Compact(grams)
}

// hash is FNV-1a and the finaliser of SplitMix64.
func hash(word string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
