// Package export is stage 4: it writes balanced examples in the form that
// trainers read. Each target is one file of this package; a new one is one more
// file and its line in targets.
//
// It promises: every row written is one that the target's own reader keeps as it
// is; what it leaves out is counted by reason; the splits are those that the
// balance stage drew, and a split without rows has no file.
package export

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/ordered"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
)

// Options says what is written, and what the rows look like.
type Options struct {
	Seed          int64    `json:"seed"`
	Targets       []string `json:"targets"`        // names of targets, as Targets lists them
	Prompt        string   `json:"prompt"`         // text of the human message, with placeholders
	System        string   `json:"system"`         // text of the system message, stated in every row; empty for none
	Dataset       string   `json:"dataset"`        // name of the dataset; in dataset_info.json the splits are NAME_train, NAME_eval, NAME_held_out
	Format        string   `json:"format"`         // of llama_factory: one of the Format constants, the first if empty
	Reply         string   `json:"reply"`          // one of the Reply constants, the first if empty
	ControlTokens string   `json:"control_tokens"` // one of the ControlTokens constants, the first if empty
	CutoffLen     int      `json:"cutoff_len"`     // tokens of a row; longer ones are dropped; 0 for no limit
	Tokenizer     string   `json:"-"`              // the model's tokenizer.json, whose content is in the fingerprint; empty if a bound is to decide
	Template      string   `json:"template"`       // chat template that the rows will be trained in, as LLaMA-Factory names it
	PolicyPrompt  string   `json:"policy_prompt"`  // user message of the RL targets, with {{QUESTION}}; DefaultPolicyPrompt if empty
	Funnel        string   `json:"funnel"`         // rows in and out of the stages before, a plain text that the dataset card shows as it stands; may be empty
	Statistics    string   `json:"statistics"`     // counts of the labels, likewise

	Spelling *Spelling `json:"spelling,omitempty"` // of the targets that write each question once; nil takes questions as they are written
}

// Spelling says which questions are one.
type Spelling struct {
	Name   string              `json:"name"` // of the rule, that tells it from others
	Normal func(string) string `json:"-"`    // equal for all spellings of a question
}

// The layouts of the llama_factory target.
const (
	FormatShareGPT = "sharegpt" // conversations of from and value
	FormatOpenAI   = "openai"   // messages of role and content
	FormatAlpaca   = "alpaca"   // instruction, input, output
)

// What the verifier is taught to reply.
const (
	ReplySimple    = "simple"    // True or False
	ReplyReasoning = "reasoning" // an annotator's reason, then Answer: True
)

// What is done about control tokens in the texts of a row.
const (
	ControlTokensEscape = "escape" // they become text
	ControlTokensDrop   = "drop"   // the row is dropped
)

// check makes the defaults explicit.
func (o *Options) check() error {
	for _, c := range []struct {
		name    string
		value   *string
		allowed []string
	}{
		{"format", &o.Format, []string{FormatShareGPT, FormatOpenAI, FormatAlpaca}},
		{"reply", &o.Reply, []string{ReplySimple, ReplyReasoning}},
		{"control_tokens", &o.ControlTokens, []string{ControlTokensEscape, ControlTokensDrop}},
	} {
		if *c.value == "" {
			*c.value = c.allowed[0]
		}
		if !slices.Contains(c.allowed, *c.value) {
			return fmt.Errorf("export: %s is %q, wanted one of %s", c.name, *c.value, strings.Join(c.allowed, ", "))
		}
	}
	if o.CutoffLen < 0 {
		return fmt.Errorf("export: cutoff_len is %d, wanted 0 (no limit) or more", o.CutoffLen)
	}
	for i, name := range o.Targets {
		if err := CheckTarget(name); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if slices.Contains(o.Targets[:i], name) {
			return fmt.Errorf("export: target %q stands twice; leave one", name)
		}
	}
	return nil
}

// rowsPerBatch is how many rows go from one goroutine to another at once.
const rowsPerBatch = 256

// row is an example with the texts that targets write.
type row struct {
	rows.Example
	system string // empty for none
	prompt string // the user's message
	reply  string // the right verdict
	wrong  string // the other verdict, in the same layout
	first  bool   // of the rows of its question; for targets that write questions, held-out ones aside
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
	dir      string
	splits   []string           // those that the balance stage has rows of, train first; all rows of one may be dropped here
	upstream *manifest.Manifest // of the balance stage
	datasets *datasetInfo       // where a target registers the files that LLaMA-Factory reads
}

// kind is a target before it is opened.
type kind struct {
	open  func(job) (target, error)
	files []string // glob patterns of all files that it makes
	pairs bool     // it writes the wrong verdict too
	once  bool     // it writes each question once
}

// targets lists what can be written, by name.
func targets() map[string]kind {
	return map[string]kind{
		"hugging_face":   {open: openHuggingFace, files: append(shardFiles(), CardFile)},
		"llama_factory":  {open: openLLaMAFactory, files: splitFiles("")},
		"preference":     {open: openPreference, files: splitFiles(preferencePrefix), pairs: true},
		"trl":            {open: openTRL, files: policyFiles(trlDir), once: true},
		"trl_preference": {open: openTRLPreference, files: splitFiles(trlPreferencePrefix), pairs: true},
		"verl":           {open: openVerl, files: policyFiles(verlDir), once: true},
	}
}

// Targets lists the names of the targets.
func Targets() []string { return slices.Sorted(maps.Keys(targets())) }

// CheckTarget says whether there is a target of this name.
func CheckTarget(name string) error {
	if _, ok := targets()[name]; !ok {
		return fmt.Errorf("%q is not a target; there are %s", name, strings.Join(Targets(), ", "))
	}
	return nil
}

// writes are the glob patterns of all files that some targets make.
func writes(names []string) []string {
	all := []string{ProvenanceStem + "-*", DatasetInfoFile}
	for _, name := range names {
		all = append(all, targets()[name].files...)
	}
	return all
}

// Run writes the finished stage in balanceDir to dir, once for each target, in one
// pass over the examples.
func Run(ctx context.Context, env stage.Env, dir, balanceDir string, o Options) (*manifest.Manifest, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	upstream, err := manifest.Require(balanceDir)
	if err != nil {
		return nil, err
	}
	if upstream.Stage != balanceStage {
		return nil, fmt.Errorf("export: %s holds the files of stage %q, not of %s: name the directory of a balance stage, or of one set of a grid, with --in", balanceDir, upstream.Stage, balanceStage)
	}
	inputs, err := manifest.HashAll(balanceDir)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(o.Targets, func(name string) bool { return targets()[name].once }) {
		o.Spelling = nil // nothing depends on it
	}
	maker, err := newRowMaker(o)
	if err != nil {
		return nil, err
	}
	if maker.source != nil {
		inputs = append(inputs, *maker.source)
	}
	s, done, err := manifest.Begin(dir, "export", o, inputs, writes(o.Targets))
	if err != nil || done != nil {
		return done, err
	}

	bar := env.Progress.Start("exporting", upstream.Rows["annotations"].Out, nil)
	defer bar.Finish()
	provenance, err := newProvenance(ctx, dir, balanceDir)
	if err != nil {
		return nil, err
	}
	defer provenance.abort()
	j := job{Options: o, dir: dir, upstream: upstream, datasets: &datasetInfo{}}
	for _, split := range rows.Splits() {
		if upstream.Figures[split] > 0 {
			j.splits = append(j.splits, split)
		}
	}
	e := exporter{provenance: provenance, counts: &manifest.Counts{}, figures: &figures{}}
	if maker.once {
		e.asked = newQuestions()
	}
	for _, name := range o.Targets {
		t, err := targets()[name].open(j)
		if err != nil {
			return nil, err
		}
		defer t.abort()
		e.targets = append(e.targets, t)
	}

	workers := runtime.GOMAXPROCS(0)
	examples := rows.Batches(stage.Until(env.Stop, rows.Read[rows.Example](balanceDir)), rowsPerBatch)
	for batch, err := range ordered.Map(ctx, examples, workers, 2*workers, maker.rows) {
		if err != nil {
			return nil, err
		}
		bar.Add(int64(len(batch)))
		if err := e.take(ctx, batch); err != nil {
			return nil, err
		}
	}
	if isTrue, isFalse := e.figures.ofSplit(rows.SplitTrain); isTrue+isFalse == 0 {
		return nil, fmt.Errorf("export: no row is left to train on: %d examples, %s", e.counts.In, dropped(e.counts))
	}
	e.figures.warn(env.Log, e.counts, o.CutoffLen)

	outputs, err := e.finish()
	if err != nil {
		return nil, err
	}
	if len(j.datasets.entries) > 0 {
		if err := j.datasets.write(dir); err != nil {
			return nil, err
		}
		outputs = append(outputs, DatasetInfoFile)
	}
	e.counts.Out = provenance.rows
	if e.asked != nil {
		e.figures.merged = e.asked.merged()
	}
	return s.Finish(outputs, map[string]*manifest.Counts{"examples": e.counts}, e.figures.byName(maker.lengths), nil, upstream.Simulated)
}

// exporter writes rows to every target, each with where it came from.
type exporter struct {
	provenance *provenance
	targets    []target
	counts     *manifest.Counts
	figures    *figures
	asked      *questions // nil where no target writes a question once
}

func (e *exporter) take(ctx context.Context, batch []made) error {
	e.counts.In += int64(len(batch))
	for i := range batch {
		r := &batch[i]
		if r.dropped != "" {
			e.counts.Drop(r.dropped)
			if err := e.provenance.drop(ctx); err != nil {
				return err
			}
			continue
		}
		e.figures.add(r)
		if err := e.provenance.keep(r.Example); err != nil {
			return err
		}
		r.first = e.asked != nil && r.Split != rows.SplitHeldOut && e.asked.first(r)
		for _, t := range e.targets {
			if err := t.write(r.row); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish makes all files whole, and lists them.
func (e *exporter) finish() ([]string, error) {
	outputs, err := e.provenance.finish()
	for _, t := range e.targets {
		files, finishing := t.finish()
		outputs, err = append(outputs, files...), errors.Join(err, finishing)
	}
	return outputs, err
}

// balanceStage is the stage whose rows this one reads.
const balanceStage = "balance"

// dropped says which rows were dropped, by reason.
func dropped(c *manifest.Counts) string {
	if len(c.Dropped) == 0 {
		return "none dropped"
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(c.Dropped)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.Dropped[reason], reason))
	}
	return "dropped: " + strings.Join(parts, ", ")
}
