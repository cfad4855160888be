package sim

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tinyv/internal/rows"
)

// SolverModel is the name of the model that solves problems.
const SolverModel = "sim-solver"

// World is a simulated world. The zero value has a solver and no annotator.
type World struct {
	Seed       uint64
	Annotators map[string]Annotator // by model name
	Faults     Faults
	Latency    time.Duration // of every reply
}

// Annotator states how good a simulated annotator is. All are shares from 0 to 1.
type Annotator struct {
	Sensitivity float64 // of right answers, called right
	Specificity float64 // of wrong answers, called wrong
	Malformed   float64 // of replies, without a verdict; another seed may get one
}

// Faults makes a seeded share of distinct requests fail when they are first
// asked; the next try succeeds. The server remembers the last 100,000 of them.
type Faults struct {
	Rate     float64 // 0 to 1
	Seed     uint64
	Statuses []int // chosen among; empty is 500
}

// DefaultWorld is the world that `tinyv sim` serves without a config.
func DefaultWorld() *World {
	return &World{Annotators: map[string]Annotator{
		"sim-annotator-a": {Sensitivity: 0.97, Specificity: 0.98, Malformed: 0.01},
		"sim-annotator-b": {Sensitivity: 0.95, Specificity: 0.99, Malformed: 0.01},
	}}
}

// problem is a problem with all the answers that the world writes for it.
type problem struct {
	family   string
	domain   string
	question string
	truth    string   // in its usual form
	right    []string // every right form, truth first
	wrong    []string
}

// problem returns the i-th problem. It depends on the seed and i alone.
func (w *World) problem(i int) problem {
	r := rand.New(rand.NewPCG(w.Seed, uint64(i)))
	f := families[i%len(families)]
	p := f.make(r)
	p.family, p.domain = f.name, f.domain
	p.question += fmt.Sprintf(" [simulated problem %d]", i)
	p.right = distinct(append([]string{p.truth}, p.right...), nil)
	p.wrong = distinct(p.wrong, p.right)
	return p
}

// distinct returns forms without repetition and without those in taken.
func distinct(forms, taken []string) []string {
	out := make([]string, 0, len(forms))
	for _, s := range forms {
		if !slices.Contains(out, s) && !slices.Contains(taken, s) {
			out = append(out, s)
		}
	}
	return out
}

// Problem returns the i-th problem of the world, i from 0.
func (w *World) Problem(i int) rows.Problem {
	p := w.problem(i)
	return rows.Problem{
		ProblemID: fmt.Sprintf("sim-%06d", i), Source: "simulated/" + p.family, Domain: []string{p.domain},
		Question: p.question, GroundTruth: p.truth, Simulated: true,
	}
}

// Problems returns the first n problems of the world.
func (w *World) Problems(n int) iter.Seq[rows.Problem] {
	return func(yield func(rows.Problem) bool) {
		for i := range n {
			if !yield(w.Problem(i)) {
				return
			}
		}
	}
}

// Truth reports whether an answer to the i-th problem is right. known is false if
// the world never writes that answer.
func (w *World) Truth(i int, answer string) (correct, known bool) {
	p := w.problem(i)
	answer = strings.TrimSpace(answer)
	if slices.Contains(p.right, answer) {
		return true, true
	}
	return false, slices.Contains(p.wrong, answer)
}

// draw returns random numbers that are a pure function of the seed and the texts.
func draw(seed uint64, texts ...string) *rand.Rand {
	return rand.New(rand.NewPCG(seed, mix(texts...)))
}

// mix hashes texts so that no two lists of texts share an encoding.
func mix(texts ...string) uint64 {
	h := fnv.New64a()
	var size [8]byte
	for _, s := range texts {
		binary.LittleEndian.PutUint64(size[:], uint64(len(s)))
		h.Write(size[:])
		h.Write([]byte(s))
	}
	return h.Sum64()
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
