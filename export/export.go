// Package export is stage 4: it writes balanced examples in the form that
// trainers read. Each target is one file of this package; a new one is one more
// file and its line in targets.
//
// It promises: every row written is one that the target's own reader keeps as it
// is; what it leaves out is counted by reason; the splits are those that the
// balance stage drew.
package export

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/verify/model"
)

// ProvenanceStem is the stem of the parts that say where every row comes from, in
// the order in which the targets have them.
const ProvenanceStem = "provenance"

// reasonEmptyAnswer drops rows that would train the verifier on nothing; a loader
// keeps them, since the prompt around the answer is not empty.
const reasonEmptyAnswer = "empty_answer"

// Options says what is written, and what the rows look like.
type Options struct {
	Seed    int64    `json:"seed"`
	Targets []string `json:"targets"` // names of targets, as Targets lists them
	Prompt  string   `json:"prompt"`  // text of the human message, with placeholders
	System  string   `json:"system"`  // text of the system message, stated in every row; empty for none
	Dataset string   `json:"dataset"` // name of the dataset; in dataset_info.json the splits are NAME_train, NAME_eval, NAME_held_out
}

// row is an example with the texts that targets write.
type row struct {
	rows.Example
	system string // empty for none
	prompt string // the user's message
	reply  string // the right verdict
	wrong  string // the other verdict, in the same layout
}

// target writes rows in one layout. Its files are in the stage's directory, and
// under their names only once finish has returned.
type target interface {
	write(r row) error
	// finish makes the files whole and returns their names, relative to the directory.
	finish() ([]string, error)
	// abort removes what is not finished; it does nothing after finish.
	abort()
}

// job is what a target is opened for.
type job struct {
	Options
	dir    string
	splits []string // those that have rows, train first
}

// open opens a target by name.
type open func(job) (target, error)

// targets lists what can be written, by name.
func targets() map[string]open {
	return map[string]open{
		"llama_factory": openLLaMAFactory,
	}
}

// Targets lists the names of the targets.
func Targets() []string { return slices.Sorted(maps.Keys(targets())) }

// writes are the glob patterns of all files that some target makes.
func writes() []string {
	return []string{ProvenanceStem + "-*", rows.SplitTrain + ".jsonl", rows.SplitEval + ".jsonl", rows.SplitHeldOut + ".jsonl", DatasetInfoFile}
}

// Run writes the finished stage in balanceDir to dir, once for each target, in one
// pass over the examples.
func Run(ctx context.Context, env stage.Env, dir, balanceDir string, o Options) (*manifest.Manifest, error) {
	upstream, err := manifest.Require(balanceDir)
	if err != nil {
		return nil, err
	}
	inputs, err := manifest.HashAll(balanceDir)
	if err != nil {
		return nil, err
	}
	s, done, err := manifest.Begin(dir, "export", o, inputs, writes())
	if err != nil || done != nil {
		return done, err
	}

	bar := env.Progress.Start("exporting", upstream.Rows["annotations"].Out, nil)
	defer bar.Finish()
	provenance, err := rows.Create[rows.Example](dir, ProvenanceStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer provenance.Abort()
	j := job{Options: o, dir: dir}
	for _, split := range []string{rows.SplitTrain, rows.SplitEval, rows.SplitHeldOut} {
		if upstream.Figures[split] > 0 {
			j.splits = append(j.splits, split)
		}
	}
	var opened []target
	for _, name := range o.Targets {
		openTarget, ok := targets()[name]
		if !ok {
			return nil, fmt.Errorf("export: %q is not a target; there are %s", name, strings.Join(Targets(), ", "))
		}
		t, err := openTarget(j)
		if err != nil {
			return nil, err
		}
		defer t.abort()
		opened = append(opened, t)
	}

	counts := &manifest.Counts{}
	figures := map[string]int64{}
	for e, err := range stage.Until(env.Stop, rows.Read[rows.Example](balanceDir)) {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		bar.Add(1)
		counts.In++
		if strings.TrimSpace(e.Answer) == "" {
			counts.Drop(reasonEmptyAnswer)
			continue
		}
		figures[e.Split]++
		figures[fmt.Sprintf("%s_%v", e.Split, e.Label)]++
		if err := provenance.Write(e); err != nil {
			return nil, err
		}
		r := o.row(e)
		for _, t := range opened {
			if err := t.write(r); err != nil {
				return nil, err
			}
		}
	}
	if figures[rows.SplitTrain] == 0 {
		return nil, fmt.Errorf("export: no row is left to train on: %d examples", counts.In)
	}
	err = provenance.Close()
	outputs := provenance.Files()
	for _, t := range opened {
		files, finishing := t.finish()
		outputs, err = append(outputs, files...), errors.Join(err, finishing)
	}
	if err != nil {
		return nil, err
	}
	counts.Out = provenance.Rows()
	return s.Finish(outputs, map[string]*manifest.Counts{"examples": counts}, figures, nil, upstream.Simulated)
}

// The words of the verifier's reply, as published.
const (
	replyTrue  = "True"
	replyFalse = "False"
)

func (o Options) row(e rows.Example) row {
	r := row{Example: e, system: o.System, prompt: model.Fill(o.Prompt, e.Question, e.GroundTruth, e.Answer), reply: replyFalse, wrong: replyTrue}
	if e.Label {
		r.reply, r.wrong = r.wrong, r.reply
	}
	return r
}
