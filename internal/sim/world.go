package sim

import (
	"fmt"
	"io"
	"iter"
	"maps"
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

	Delay              Distribution // before the first token of a completion, besides Latency; drawn for each try of a request
	TokenRate          float64      // tokens of the completion a second, after that; 0 for all at once
	Limits             Limits
	ContextLength      int       // the most tokens of prompt and max_tokens together; 0 for no limit
	VLLMWords          bool      // a request that is too long is refused as vLLM does it, not as OpenAI
	ClassifierAccuracy float64   // share of right answers whose category ClassifierModel names as the world does; 0 for 0.9
	SolverReasoning    Reasoning // whether the solver shows its thoughts
	Batch              Batch
	RequestLog         io.Writer // one JSON line for every reply and every fault; nil for none
}

// Annotator states how good a simulated annotator is. All numbers are shares from
// 0 to 1.
type Annotator struct {
	Sensitivity float64 // of right answers, called right
	Specificity float64 // of wrong answers, called wrong
	Malformed   float64 // of replies, without a verdict; another seed may get one
	Reasoning   Reasoning
}

// check says what is wrong with a world, for those who set its fields by hand.
func (w *World) check() error {
	if err := w.Faults.check(); err != nil {
		return err
	}
	if err := w.Batch.check(); err != nil {
		return err
	}
	ways := []Reasoning{w.SolverReasoning}
	for _, name := range slices.Sorted(maps.Keys(w.Annotators)) {
		ways = append(ways, w.Annotators[name].Reasoning)
	}
	for _, way := range ways {
		if way != NoReasoning && way != ReasoningField && way != ReasoningTags {
			return fmt.Errorf("%q is no way of showing reasoning; it is %s, %s or nothing", excerpt(string(way)), ReasoningField, ReasoningTags)
		}
	}
	return nil
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
	h := fnvOffset
	for _, s := range texts {
		h = mix(h, uint64(len(s)))
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * fnvPrime
		}
	}
	return h
}

// Right lists every form of the right answer to the i-th problem, i from 0, that
// of the ground truth first.
func (w *World) Right(i int) []string { return w.problem(i).right }
