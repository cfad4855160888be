// Package eval measures a verifier on a labelled benchmark: as it stands, attacked,
// rewritten, and asked again.
//
// It promises: every verdict is kept in verdicts-*.parquet, in the order of the
// benchmark; a row that could not be asked is never scored (the run ends with an
// error and no eval.json); a verdict that is undecided counts for nothing, and how
// many there are always stands beside; and what is measured says of which verifier,
// and whether it is simulated.
//
// eval.json is one object. Keys of the benchmark as it stands, which scripts may
// rely on:
//
//	verifier, simulated, benchmark   what was measured on what: name, and files with their SHA-256
//	n, n_correct, n_wrong            rows, those with a correct answer, those with a wrong one
//	fn_recall                        share of the correct answers that are accepted
//	tn_accuracy                      share of the wrong answers that are rejected
//	accuracy, balanced_accuracy      share of the rows with the right verdict; mean of the two above
//	precision, f1, mcc               of accepting; an undecided row counts as the wrong verdict
//	undecided                        share of the rows without a decision
//	fn_recall_decided, tn_accuracy_decided, accuracy_decided
//	                                 the same over the decided rows alone
//	confusion                        the counts
//	source, category, length         the keys from n to confusion, by group
//	calibration                      of verdicts that have a confidence
//	speed                            verdicts per second, and percentiles of latency; replies from the journal are not in it
//	tokens                           of all verdicts, with their cost
//	attacks, variants, repeats       what was asked for beyond the rows as they stand; of a family that can leave a
//	                                 right answer right, attacks.FAMILY.right has how many right rows are kept
//
// Each ratio has its 95% interval under the same key with _lo and _hi: Wilson's
// for shares, Newcombe's for balanced_accuracy, by bootstrap over questions for f1
// and mcc. All are null where they are not defined. A benchmark, a verifier's
// replies, and options that are equal give an equal eval.json, but for speed.
package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tinyv/internal/durable"
	"tinyv/internal/manifest"
	"tinyv/internal/ordered"
	"tinyv/internal/progress"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/train/eval/attack"
	"tinyv/train/eval/bench"
	"tinyv/train/eval/page"
	"tinyv/train/eval/score"
	"tinyv/verify"
)

// The names of this stage and of its files.
const (
	Stage        = "eval"
	VerdictsStem = "verdicts"
	File         = "eval.json"
	HTMLFile     = "report.html"
	MarkdownFile = "report.md"
)

// Options says what is measured, and how.
type Options struct {
	Verifier    string // the name that the report gives it
	Settings    any    // everything that changes its verdicts; no secrets
	Simulated   bool   // it asks the simulated model server
	Concurrency int    // cases it takes at once; 0 = 1

	Layout bench.Layout // where the benchmark's files keep what

	// Category says by rule why a rule verifier rejects a correct answer. It is asked
	// of correct rows that come without a category; nil leaves them without.
	Category func(question, groundTruth, answer string) string

	Attacks  []string // families of attack.Families, put to every wrong row, and to right rows where attack.Keeps
	Variants []string // of attack.Variants, put to every row
	Seed     int64    // of attacks and of bootstrap intervals

	// Ready is called before the first row is put to the verifier, and not at all if
	// the evaluation is finished; nil if there is nothing to make ready.
	Ready func(context.Context) error

	// Repeats are asked every row as it stands again, to show how stable verdicts
	// are. Each must have replies of its own: from the same verifier the journal would
	// give the first reply again.
	Repeats []verify.Verifier
}

// Run puts every row of the benchmark's files to the verifier, and writes the
// verdicts, eval.json and the report to dir. calls says what replies cost so far;
// nil if no model is asked.
//
// The whole benchmark is read before the first row is put to the verifier, so a
// fault in it costs nothing. If the verifier cannot be asked, Run ends with an error
// that says how far it came, and no figure is written; replies are in the journal,
// and the same call resumes. So it is with requests that the server failed to answer
// however often they were sent, once all others have been answered. A finished evaluation is not done again: its result is
// read from eval.json.
func Run(ctx context.Context, env stage.Env, dir string, benchmark []string, o Options, v verify.Verifier, calls func() progress.Calls) (*manifest.Manifest, score.Result, error) {
	var none score.Result
	if err := o.check(); err != nil {
		return nil, none, err
	}
	inputs, err := hash(benchmark)
	if err != nil {
		return nil, none, err
	}
	total, err := o.count(ctx, benchmark)
	if err != nil {
		return nil, none, err
	}
	s, done, err := manifest.Begin(dir, Stage, o.settings(), inputs, []string{VerdictsStem + "-*", File, HTMLFile, MarkdownFile})
	if err != nil {
		return nil, none, err
	}
	if done != nil {
		result, err := Read(dir)
		return done, result, err
	}
	if o.Ready != nil {
		if err := o.Ready(ctx); err != nil {
			return nil, none, err
		}
	}
	out, err := rows.Create[Verdict](dir, VerdictsStem, "parquet", 0)
	if err != nil {
		return nil, none, err
	}
	defer out.Abort()

	t := newTally(o, inputs)
	bar := env.Progress.Start("evaluating", total, calls)
	defer bar.Finish()
	begun := time.Now()
	var open int64   // verdicts for which a reply is wanting
	var first judged // of them
	judge := func(ctx context.Context, t task) (judged, error) { return o.judge(ctx, v, t) }
	tasks := stage.Until(env.Stop, o.tasks(benchmark))
	for j, err := range ordered.Map(ctx, tasks, stage.Workers(o.Concurrency), stage.Window(o.Concurrency), judge) {
		if err != nil {
			if errors.Is(err, context.Canceled) {
				err = context.Cause(ctx) // which says why
			}
			return nil, none, fmt.Errorf("%w (%d of %d verdicts were reached; nothing is scored before all are, replies of models are kept, and the same command resumes)", err, out.Rows(), total)
		}
		t.add(j)
		if !j.asked() {
			continue
		}
		bar.Add(1)
		if j.unanswered != "" {
			if open++; open == 1 {
				first = j
			}
		}
		if err := out.Write(j.verdict); err != nil {
			return nil, none, err
		}
	}
	if open > 0 {
		return nil, none, fmt.Errorf("%d of %d verdicts have no reply, the first about row %s of the benchmark (%s); nothing is scored before all have one: run the same command again, it asks for these alone; if it is the same rows again, look at the server, raise timeout, or lower max_tokens", open, total, first.row.ID, first.unanswered)
	}
	if err := out.Close(); err != nil {
		return nil, none, err
	}
	result := t.result(time.Since(begun))
	if err := write(dir, page.Data{Result: result, Examples: t.examples}); err != nil {
		return nil, none, err
	}
	m, err := s.Finish(append(out.Files(), File, HTMLFile, MarkdownFile), t.counts(result.Confusion), figures(result.Confusion), &t.spent, result.Simulated)
	return m, result, err
}

// Check says without asking the verifier what would end Run before its first row: a
// fault in the options, or in the benchmark, which is read as a whole.
func Check(ctx context.Context, benchmark []string, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	_, err := o.count(ctx, benchmark)
	return err
}

// Read returns the result of a finished evaluation.
func Read(dir string) (score.Result, error) {
	var r score.Result
	m, err := manifest.Require(dir)
	if err != nil {
		return r, err
	}
	if m.Stage != Stage {
		return r, fmt.Errorf("%s holds the files of stage %q, not of an evaluation", dir, m.Stage)
	}
	path := filepath.Join(dir, File)
	data, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("reading a result: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s is not the result of an evaluation: %w", path, err)
	}
	return r, nil
}

// write writes eval.json and the report.
func write(dir string, d page.Data) error {
	data, err := json.MarshalIndent(d.Result, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", File, err)
	}
	html, err := page.HTML(d)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{MarkdownFile, page.Markdown(d)}, {HTMLFile, html}, {File, append(data, '\n')}} {
		if err := durable.WriteFile(filepath.Join(dir, f.name), f.data); err != nil {
			return err
		}
	}
	return nil
}

// hash hashes the benchmark's files.
func hash(benchmark []string) ([]manifest.File, error) {
	files, err := bench.Files(benchmark)
	if err != nil {
		return nil, err
	}
	var inputs []manifest.File
	for _, path := range files {
		f, err := manifest.Hash(path)
		if err != nil {
			return nil, fmt.Errorf("reading the benchmark: %w", err)
		}
		inputs = append(inputs, f)
	}
	return inputs, nil
}

// check refuses names that attack does not know, and those that occur twice.
func (o Options) check() error {
	if o.Verifier == "" {
		return errors.New("the verifier has no name: an evaluation says which verifier scored what")
	}
	for _, list := range []struct {
		what         string
		names, known []string
	}{{"attack", o.Attacks, attack.Families()}, {"variant", o.Variants, attack.Variants()}} {
		for i, name := range list.names {
			if !slices.Contains(list.known, name) {
				return fmt.Errorf("%q is not an %s; it may be: %s", name, list.what, strings.Join(list.known, ", "))
			}
			if slices.Contains(list.names[:i], name) {
				return fmt.Errorf("the %s %q is named twice", list.what, name)
			}
		}
	}
	return nil
}

// settings is everything that changes the output.
func (o Options) settings() any {
	return struct {
		Verifier   string       `json:"verifier"`
		Settings   any          `json:"settings"`
		Layout     bench.Layout `json:"layout"`
		Categories bool         `json:"categories"` // correct rows without a category are given one
		Attacks    []string     `json:"attacks"`
		Variants   []string     `json:"variants"`
		Seed       int64        `json:"seed"`
		Repeats    int          `json:"repeats"`
		RightRows  bool         `json:"attacks_on_right_rows,omitempty"` // an evaluation before there were any is done again
	}{o.Verifier, o.Settings, o.Layout, o.Category != nil, o.Attacks, o.Variants, o.Seed, len(o.Repeats), len(o.Attacks) > 0}
}
