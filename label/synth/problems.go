package synth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
)

// The reasons for which a problem stays behind.
const (
	reasonNotTaken = "not_in_share"
	reasonRepeated = "repeated_problem" // a problem of that name came before
)

// problemsOf yields the problems of a finished stage: of the step before sampling,
// or those that responses were sampled for.
func problemsOf(m *manifest.Manifest, dir string) (iter.Seq2[rows.Problem, error], int64, error) {
	switch m.Stage {
	case "problems":
		return rows.Read[rows.Problem](dir), m.Rows["problems"].Out, nil
	case "gen":
		return ofResponses(rows.Read[rows.Response](dir)), 0, nil
	}
	return nil, 0, fmt.Errorf("%s holds the files of stage %q: synthetic answers are made of stage problems or gen, name one of them", dir, m.Stage)
}

// ofResponses yields one problem for each run of responses of one problem.
func ofResponses(in iter.Seq2[rows.Response, error]) iter.Seq2[rows.Problem, error] {
	return func(yield func(rows.Problem, error) bool) {
		last, any := "", false
		for r, err := range in {
			if err != nil {
				yield(rows.Problem{}, err)
				return
			}
			if any && r.ProblemID == last {
				continue
			}
			last, any = r.ProblemID, true
			p := rows.Problem{
				ProblemID: r.ProblemID, Source: r.Source, Domain: r.Domain, Question: r.Question, GroundTruth: r.GroundTruth,
				SolveRate: r.SolveRate, Extra: r.Extra, Simulated: r.Simulated,
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// taken passes on the share of the problems that is wanted, each once. counts is
// written only by the goroutine that reads the input, and read when that has ended.
func taken(in iter.Seq2[rows.Problem, error], o Options, counts *manifest.Counts) iter.Seq2[rows.Problem, error] {
	return func(yield func(rows.Problem, error) bool) {
		seen := map[[16]byte]struct{}{}
		for p, err := range in {
			if err != nil {
				yield(p, err)
				return
			}
			counts.In++
			sum := sha256.Sum256([]byte(p.ProblemID))
			key := [16]byte(sum[:16])
			if _, again := seen[key]; again {
				counts.Drop(reasonRepeated)
				continue
			}
			seen[key] = struct{}{}
			if o.ProblemShare > 0 && draw(o.Seed, "problem share", p.Question).Float64() >= o.ProblemShare {
				counts.Drop(reasonNotTaken)
				continue
			}
			counts.Out++
			if !yield(p, nil) {
				return
			}
		}
	}
}

// draw returns random numbers that depend on nothing but the seed, their purpose
// and one text, so that they are the same whichever other problems are in the run.
func draw(seed int64, purpose, text string) *rand.Rand {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s", seed, purpose, text))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}
