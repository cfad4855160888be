package pool

import (
	"math/rand/v2"

	"tinyv/label/taxonomy"
)

// World states what a pool is like. Shares are from 0 to 1; those of a list add up
// to 1, or to 100 where they are percentages.
type World struct {
	Seed uint64 `json:"seed"`

	// Rejections[n-1] is the share of problems with n sampled rows: of the 4 replies
	// to each problem, those that the rule verifier rejects. Problems without one are
	// not in a pool.
	Rejections [4]float64 `json:"rejections"`
	// Equivalents[n-1] is the share of problems with n synthetic rows.
	Equivalents [4]float64 `json:"equivalents"`
	Hardening   float64    `json:"hardening"` // share of problems with a hardening row; each has one near miss

	// Fragile is the share of problems whose right answers the rule verifier tends to
	// reject; Correct is the share of correct answers among their sampled rows. Those
	// of other problems are all wrong.
	Fragile float64 `json:"fragile"`
	Correct float64 `json:"correct"`
	// CorrectEquivalents is the share of synthetic rows that are what they should be.
	CorrectEquivalents float64 `json:"correct_equivalents"`

	Disagreed float64 `json:"disagreed"` // share of annotated rows on which the annotators disagree
	Undecided float64 `json:"undecided"` // share of annotated rows on which one of them does not decide

	RepeatedProblems float64 `json:"repeated_problems"` // share of problems that are an earlier one again; half of them written otherwise
	RepeatedAnswers  float64 `json:"repeated_answers"`  // share of sampled rows that repeat another row of the problem, to the letter
	RespeltAnswers   float64 `json:"respelt_answers"`   // share of sampled rows that repeat another row of the problem with other blanks or with dollar signs
	Conflicts        float64 `json:"conflicts"`         // share of repetitions that have the other label

	Sources []Share `json:"sources"` // of problems, by the names of Big-Math
	Domains []Share `json:"domains"` // of problems
	// Causes are the percentages of the published causes of false negatives. The
	// published ones are by class and for the largest sub-classes; how the rest of a
	// class is divided is made up.
	Causes []Cause `json:"causes"`
}

// Share is how frequent a name is, relative to the others of its list.
type Share struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`
}

// Cause is how frequent a cause of false negatives is.
type Cause struct {
	Category taxonomy.Category `json:"category"`
	Percent  float64           `json:"percent"`
}

// DefaultWorld has the published shares: 638 thousand rows of 95 thousand problems,
// of them 226 thousand sampled ones (2.38 a problem); 38.5% of the sampled rows with
// a label are True, and 42% of the problems have at least one such row. Sources and
// domains are as frequent as in the 5,000 published rows of Big-Math that have them.
// What was never published is made up: the division of the other rows, the share
// without a label, and repetitions beyond the 2.7% of problems.
func DefaultWorld() World {
	return World{
		Rejections:  [4]float64{0.30, 0.24, 0.24, 0.22},
		Equivalents: [4]float64{0, 0.25, 0.40, 0.35},
		Hardening:   0.24,

		Fragile: 0.4375, Correct: 0.88, CorrectEquivalents: 0.9,
		Disagreed: 0.04, Undecided: 0.01,
		RepeatedProblems: 0.027, RepeatedAnswers: 0.05, RespeltAnswers: 0.03, Conflicts: 0.05,

		Sources: []Share{
			{"cn_k12", 39.1}, {"olympiads", 25.8}, {"orca_math", 23}, {"big_math", 7.9}, {"aops_forum", 3.5},
			{"omnimath", 0.3}, {"math", 0.2}, {"gsm8k", 0.1}, {"openmath", 0.1},
		},
		Domains: []Share{
			{"Mathematics -> Applied Mathematics -> Math Word Problems", 24.1},
			{"Mathematics -> Algebra -> Other", 17.5},
			{"Mathematics -> Algebra -> Equations and Inequalities", 12.2},
			{"Mathematics -> Geometry -> Plane Geometry", 13.1},
			{"Mathematics -> Calculus -> Differential Calculus", 6.1},
			{"Mathematics -> Algebra -> Sequences and Series", 4.8},
			{"Mathematics -> Geometry -> Solid Geometry", 4.5},
			{"Mathematics -> Precalculus -> Functions", 4.4},
			{"Mathematics -> Number Theory -> Other", 4.1},
			{"Mathematics -> Discrete Mathematics -> Combinatorics", 3.6},
			{"Mathematics -> Discrete Mathematics -> Logic", 3.1},
			{"Mathematics -> Applied Mathematics -> Statistics -> Probability", 2.5},
		},
		Causes: []Cause{
			{taxonomy.ExplanatoryText, 20.0}, {taxonomy.VariableAssignment, 8.0}, {taxonomy.Phrasing, 5.6},
			{taxonomy.Unit, 14.6}, {taxonomy.Markup, 5.4}, {taxonomy.Symbol, 5.0}, {taxonomy.Context, 4.0},
			{taxonomy.Interval, 7.2}, {taxonomy.Ratio, 6.3}, {taxonomy.JoinedSolutions, 2.3},
			{taxonomy.ExactForm, 7.6}, {taxonomy.Approximate, 5.0},
			{taxonomy.Algebraic, 7.0}, {taxonomy.Order, 1.5}, {taxonomy.VariableChoice, 0.6},
		},
	}
}

// sizes says how many rows a problem has.
type sizes struct {
	sampled, equivalents int
	hardening            bool
}

func (s sizes) candidates() int64 {
	n := int64(s.equivalents) + 1 // the near miss
	if s.hardening {
		n++
	}
	return n
}

func (w *World) sizes(problem int64) sizes {
	r := w.draw(problem, "sizes")
	return sizes{
		sampled:     1 + among(r, w.Rejections[:], func(share float64) float64 { return share }),
		equivalents: 1 + among(r, w.Equivalents[:], func(share float64) float64 { return share }),
		hardening:   r.Float64() < w.Hardening,
	}
}

// problems returns how many problems it takes to have at least n rows.
func (w *World) problems(n int64) int64 {
	var problems int64
	for have := int64(0); have < n; problems++ {
		s := w.sizes(problems)
		have += int64(s.sampled) + s.candidates()
	}
	return problems
}

// draw returns random numbers that are a pure function of the seed, the problem
// and what they are for.
func (w *World) draw(problem int64, purpose string) *rand.Rand {
	h := uint64(problem)
	for i := range len(purpose) {
		h = (h ^ uint64(purpose[i])) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return rand.New(rand.NewPCG(w.Seed, h))
}

// among draws an index by weight.
func among[T any](r *rand.Rand, from []T, weight func(T) float64) int {
	sum := 0.0
	for _, v := range from {
		sum += weight(v)
	}
	at := r.Float64() * sum
	for i, v := range from {
		if at -= weight(v); at < 0 {
			return i
		}
	}
	return len(from) - 1
}
