package sim

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"tinyv/internal/rows"
)

// SolverModel is the name of the model that solves problems.
const SolverModel = "sim-solver"

// World is a simulated world. The zero value has a solver and no annotator. Its
// methods may be called by several goroutines; its fields must not change then.
type World struct {
	Seed       uint64
	Annotators map[string]Annotator // by model name
	Faults     Faults
	Latency    time.Duration // before every completion; 0 for none
}

// Annotator states how good a simulated annotator is. All are shares from 0 to 1.
type Annotator struct {
	Sensitivity float64 // of right answers, called right
	Specificity float64 // of wrong answers, called wrong
	Malformed   float64 // of replies, without a verdict; another seed may get one
}

// Faults makes a seeded share of distinct requests fail when they are first
// asked; the next try succeeds. Which of them fail depends on Seed and what their
// reply depends on, not on their order. A server remembers at least the last
// 50,000 requests that failed, and at most 100,000 (some 6 MB); one that it has
// forgotten fails again.
type Faults struct {
	Rate     float64 // 0 to 1; 0 for none
	Seed     uint64
	Statuses []int // chosen among, 400 to 599; empty is 500. 429 comes with Retry-After: 0
}

// DefaultWorld is the world that `tinyv sim` serves without a config.
func DefaultWorld() *World {
	return &World{Annotators: map[string]Annotator{
		"sim-annotator-a": {Sensitivity: 0.97, Specificity: 0.98, Malformed: 0.01},
		"sim-annotator-b": {Sensitivity: 0.95, Specificity: 0.99, Malformed: 0.01},
	}}
}

// Problem returns the i-th problem of the world, i from 0. It is a pure function
// of the seed and i. Its SolveRate is nil.
func (w *World) Problem(i int) rows.Problem {
	p := w.problem(i)
	return rows.Problem{
		ProblemID: fmt.Sprintf("sim-%06d", i), Source: "simulated/" + p.family, Domain: []string{p.domain},
		Question: p.question, GroundTruth: p.truth, Simulated: true,
	}
}

// Problems returns the first n problems of the world, made one by one.
func (w *World) Problems(n int) iter.Seq[rows.Problem] {
	return func(yield func(rows.Problem) bool) {
		for i := range n {
			if !yield(w.Problem(i)) {
				return
			}
		}
	}
}

// Truth reports whether an answer to the i-th problem is right. White space around
// it does not matter. known is false if the world never writes that answer, which
// says nothing about it.
func (w *World) Truth(i int, answer string) (correct, known bool) {
	if i < 0 {
		return false, false
	}
	return w.problem(i).judge(answer)
}

func (p *problem) judge(answer string) (correct, known bool) {
	answer = strings.TrimSpace(answer)
	if slices.Contains(p.right, answer) {
		return true, true
	}
	return false, slices.Contains(p.wrong, answer)
}

// problem returns the i-th problem, i from 0.
func (w *World) problem(i int) *problem {
	f := &families[i%len(families)]
	p := f.make(draw(w.Seed, "problem", strconv.Itoa(i)))
	p.family, p.domain = f.name, f.domain
	p.question += " [simulated problem " + strconv.Itoa(i) + "]"
	p.right = distinct(append([]string{p.truth}, p.right...))
	p.wrong = distinct(p.wrong)
	return &p
}

// distinct takes repetitions out of forms, which parameters sometimes cause, and
// keeps their order.
func distinct(forms []string) []string {
	kept := forms[:0]
	for _, s := range forms {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

const tagOpening = "[simulated problem "

// tagged returns the number of the problem that a text names last.
func tagged(text string) (int, bool) {
	at := strings.LastIndex(text, tagOpening)
	if at < 0 {
		return 0, false
	}
	digits, _, ok := strings.Cut(text[at+len(tagOpening):], "]")
	if !ok || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	i, err := strconv.Atoi(digits)
	return i, err == nil
}

// draw returns random numbers that are a pure function of the seed and the texts.
func draw(seed uint64, texts ...string) *rand.Rand {
	return rand.New(rand.NewPCG(seed, hash(texts...)))
}

// hash hashes texts so that no two lists of texts are the same bytes.
func hash(texts ...string) uint64 {
	h := fnv.New64a()
	var size [8]byte
	for _, s := range texts {
		binary.LittleEndian.PutUint64(size[:], uint64(len(s)))
		h.Write(size[:])
		h.Write([]byte(s))
	}
	return h.Sum64()
}
