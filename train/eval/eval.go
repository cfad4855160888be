// Package eval measures a verifier on a labelled benchmark.
package eval

import (
	"context"
	"errors"

	"tinyv/internal/manifest"
	"tinyv/internal/progress"
	"tinyv/internal/stage"
	"tinyv/train/eval/bench"
	"tinyv/train/eval/score"
	"tinyv/verify"
)

// VerdictsStem is the stem of the parts that hold the verdicts.
const VerdictsStem = "verdicts"

// Options says what is measured, and how.
type Options struct {
	Verifier    string // the name that the report gives it
	Settings    any    // everything that changes its verdicts; no secrets
	Simulated   bool   // it is, or asks, the simulated model server
	Concurrency int    // cases it takes at once; 0 = 1

	Layout bench.Layout // where the benchmark's files keep what

	// Category says by rule why a rule verifier rejects a correct answer. It is asked
	// of correct rows that come without a category; nil leaves them without.
	Category func(question, groundTruth, answer string) string

	Attacks  []string // families, as attack.Families lists them
	Variants []string // as attack.Variants lists them
	Seed     int64    // of attacks and of bootstrap intervals

	// Repeats are asked every row as it stands again, to show how stable verdicts
	// are. Each has replies of its own: to the same verifier the journal would give
	// the same reply.
	Repeats []verify.Verifier
}

// Run puts every row of the benchmark files to the verifier. calls says what
// replies cost so far; nil if none cost anything.
func Run(ctx context.Context, env stage.Env, dir string, benchmark []string, o Options, v verify.Verifier, calls func() progress.Calls) (*manifest.Manifest, score.Result, error) {
	return nil, score.Result{}, errors.ErrUnsupported
}
