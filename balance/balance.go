// Package balance is stage 3: it makes examples of labelled rejections, without
// duplicates and in the ratio of True to False that is asked for.
//
// It promises: the ratio is met exactly, or to the nearest row where a total is
// given; rows without a label never pass; every row is chosen or dropped for a
// reason that is counted; no question is in two splits, however it is written;
// what is chosen, and every byte of it, depends on the seed and on the rows, not
// on their order or on how many files they are in; what cannot be met is an error
// that says which rows are missing.
//
// The rows are read once. They are sorted by question on disk, where duplicates
// and splits are decided question by question, then by a seeded hash, in which
// order they are counted off and written. Memory holds a bounded number of rows,
// the rows of one question, and a count for each group of rows that a quota tells
// apart; with near duplicates, some bytes for each question.
package balance

import (
	"context"
	"fmt"
	"slices"

	"tinyv/balance/decontaminate"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
)

// ExamplesStem is the stem of this stage's parts.
const ExamplesStem = "examples"

// The reasons for which a row is dropped, in the order in which they are looked for;
// those of Options.Reply come after reasonOrigin.
const (
	reasonDisagreed     = "disagreed"
	reasonUndecided     = "undecided"
	reasonContaminated  = "contaminated"         // its question is in a benchmark
	reasonConflicting   = "conflicting_labels"   // the same question, ground truth and answer, and both labels
	reasonOrigin        = "origin_not_asked"     // shares are given, and its origin has none
	reasonDuplicate     = "duplicate"            // the same question, ground truth and answer, and the same label
	reasonNormalised    = "duplicate_normalised" // the same after normalisation
	reasonNearDuplicate = "near_duplicate"       // the same after normalisation, save for a question that is nearly the same
	reasonProblem       = "max_per_problem"
	reasonSource        = "max_per_source"
	reasonUnbalanced    = "source_unbalanced" // its source has too few rows of one label to be balanced in itself
	reasonDownSampled   = "down_sampled"      // not chosen
)

// Run balances the finished stage in labelDir and writes examples-*.parquet to
// dir, in an order drawn by the seed and, if it looks at benchmarks, the rows that
// are in one to ContaminatedFile.
func Run(ctx context.Context, env stage.Env, dir, labelDir string, o Options) (*manifest.Manifest, error) {
	return runWithin(ctx, env, dir, labelDir, o, spoolMemory)
}

// spoolMemory is what each of the large spools holds in memory, of which there are
// two at once, or three.
const spoolMemory = 64 << 20

func runWithin(ctx context.Context, env stage.Env, dir, labelDir string, o Options, memory int) (*manifest.Manifest, error) {
	o, ratio, err := o.check()
	if err != nil {
		return nil, err
	}
	upstream, inputs, err := o.inputs(labelDir)
	if err != nil {
		return nil, err
	}
	s, done, err := manifest.Begin(dir, stageName, o.settings(), inputs, writes)
	if err != nil || done != nil {
		return done, err
	}

	w := &work{env: env, dir: dir, labelDir: labelDir, o: o, memory: memory, expected: expected(upstream)}
	benchmarks, err := o.benchmarks(ctx)
	if err != nil {
		return nil, err
	}
	p, err := w.readPool(ctx)
	if err != nil {
		return nil, err
	}
	defer p.rows.Close()
	c, err := w.judge(ctx, p, benchmarks, o.Seed, ratio)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := p.rows.Close(); err != nil { // its file is as large as all that follows
		return nil, err
	}
	planned, err := newPlanner(o, ratio, ratio, c.groups, c.have, env.Log).make()
	if err != nil {
		return nil, err
	}
	set, err := w.write(ctx, dir, c, planned)
	if err != nil {
		return nil, err
	}
	if err := c.close(); err != nil {
		return nil, err
	}
	return s.Finish(set.files, map[string]*manifest.Counts{"annotations": set.counts(p, c)}, set.figures(p, c), nil, upstream.Simulated)
}

const stageName = "balance"

// labelStage is the stage whose rows this one reads.
const labelStage = "label"

// writes are the patterns of this stage's files.
var writes = []string{ExamplesStem + "-*", ContaminatedFile, spoolPattern}

// work is a stage at work.
type work struct {
	env           stage.Env
	dir, labelDir string // dir takes the temporary files
	o             Options
	memory        int   // of a spool
	expected      int64 // rows
}

// inputs returns the manifest of the label stage, and the files that decide what
// comes out.
func (o Options) inputs(labelDir string) (*manifest.Manifest, []manifest.File, error) {
	upstream, err := manifest.Require(labelDir)
	if err != nil {
		return nil, nil, err
	}
	if upstream.Stage != labelStage {
		return nil, nil, fmt.Errorf("balance: %s holds the files of stage %q, not of %s: name the directory of a label stage with --in", labelDir, upstream.Stage, labelStage)
	}
	inputs, err := manifest.HashAll(labelDir)
	if err != nil {
		return nil, nil, err
	}
	if o.Decontaminate != nil {
		for _, b := range o.Decontaminate.Benchmarks {
			files, err := manifest.HashAll(b.Path)
			if err != nil {
				return nil, nil, fmt.Errorf("balance.decontaminate: benchmark %s: %w", b.Name, err)
			}
			inputs = append(inputs, files...)
		}
	}
	return upstream, inputs, nil
}

// settings are the options as they decide what comes out: not where benchmarks
// lie, whose content counts among the inputs.
func (o Options) settings() Options {
	if o.Decontaminate != nil {
		d := *o.Decontaminate
		d.Benchmarks = slices.Clone(d.Benchmarks)
		for i := range d.Benchmarks {
			d.Benchmarks[i].Path = ""
		}
		o.Decontaminate = &d
	}
	return o
}

// expected is how many annotations a label stage has, for progress.
func expected(upstream *manifest.Manifest) (n int64) {
	for _, kind := range []string{"responses", "candidates"} {
		if c := upstream.Rows[kind]; c != nil {
			n += c.Out
		}
	}
	return n
}

// benchmarks loads what training must not see; nil if nobody asked.
func (o Options) benchmarks(ctx context.Context) (*decontaminate.Set, error) {
	if o.Decontaminate == nil {
		return nil, nil
	}
	return decontaminate.Load(ctx, o.Decontaminate.Benchmarks, decontaminate.Options{NGram: o.Decontaminate.NGram, Overlap: o.Decontaminate.Overlap})
}

// counts says what became of every annotation. Copies are not counted.
func (s *set) counts(p *pool, c *candidates) *manifest.Counts {
	counts := &manifest.Counts{In: p.read, Out: s.rows - s.copies, Dropped: map[string]int64{}}
	for _, dropped := range []map[string]int64{p.dropped, c.dropped, s.dropped} {
		for reason, n := range dropped {
			counts.Dropped[reason] += n
		}
	}
	return counts
}

// figures counts the rows of the set by label, split and origin, copies included.
func (s *set) figures(p *pool, c *candidates) map[string]int64 {
	figures := map[string]int64{
		"questions": c.questions, "contaminated_questions": c.contaminatedQuestions, "near_duplicate_clusters": p.clusters, "copies": s.copies,
		"true": 0, "false": 0,
	}
	for _, split := range rows.Splits() {
		figures[split], figures[split+"_true"], figures[split+"_false"] = 0, 0, 0
	}
	for k, n := range s.written {
		label := "false"
		if k.label {
			label = "true"
		}
		figures[label] += n
		figures[k.split] += n
		figures[k.split+"_"+label] += n
		figures[k.split+"_"+k.origin] += n
	}
	return figures
}
