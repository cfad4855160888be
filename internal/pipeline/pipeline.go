// Package pipeline runs the stages that a config names, in order, in the
// directories of one run:
//
//	OUT/problems  OUT/gen  OUT/synth  OUT/label  OUT/balance  OUT/export  OUT/train  OUT/journal
//
// Stages do not know one another; what one needs of another is handed over here,
// as a directory.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"tinyv/balance"
	"tinyv/gen"
	"tinyv/internal/config"
	"tinyv/internal/llm"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/sim"
	"tinyv/internal/stage"
	"tinyv/label"
	"tinyv/label/synth"
	"tinyv/train"
	"tinyv/verify/rules"
)

// The stages, as commands and directories are called.
const (
	Problems = "problems"
	Gen      = "gen"
	Synth    = "synth" // of stage label: answers that no model sampled
	Label    = "label"
	Balance  = "balance"
	Export   = "export"
	Train    = "train"
	Eval     = "eval"
)

// ErrUndecided is returned, beside the result, by a run that is done but left more
// rejections undecided than label.max_undecided allows.
var ErrUndecided = errors.New("more rejections are undecided than label.max_undecided allows")

// Request says what to run and where.
type Request struct {
	Config *config.Config
	Out    string   // directory of the run
	Stages []string // stages to run, in order; empty is all that the config names
	In     string   // the directory that the first of the stages reads; default is the stage before it in Out
}

// Result is what a run did, or found done.
type Result struct {
	Manifests map[string]*manifest.Manifest // by stage
	Plan      *train.Plan                   // of the train stage
}

// Run runs the stages. A stage that is complete and unchanged is skipped.
func Run(ctx context.Context, env stage.Env, r Request) (*Result, error) {
	named := r.Config.Stages()
	if len(r.Stages) == 0 {
		r.Stages = named
	}
	for _, s := range r.Stages {
		if !slices.Contains(named, s) {
			return nil, r.Config.Errorf(s, "is missing; stage %s needs a block %s in the config", s, s)
		}
	}
	if b := r.Config.Balance; b != nil {
		if _, err := balance.ParseRatio(b.Ratio); err != nil {
			return nil, r.Config.Errorf("balance.ratio", "%v", err)
		}
	}
	models, err := openModels(ctx, env, r)
	if err != nil {
		return nil, err
	}
	result := &Result{Manifests: map[string]*manifest.Manifest{}}
	err = runStages(ctx, env, r, models, result)
	return result, errors.Join(err, models.close())
}

func runStages(ctx context.Context, env stage.Env, r Request, models *models, result *Result) error {
	c := r.Config
	for _, name := range r.Stages {
		var m *manifest.Manifest
		var err error
		switch name {
		case Gen:
			m, err = runGen(ctx, env, r, models, result)
		case Label:
			m, err = runLabel(ctx, env, r, models, result)
		case Balance:
			m, err = balance.Run(ctx, env, r.dir(Balance), r.input(Label), balanceOptions(c))
		case Export:
			m, err = runExport(ctx, env, r)
		case Train:
			m, result.Plan, err = planTraining(ctx, r)
		}
		if err != nil {
			return err
		}
		result.Manifests[name] = m
		logDone(env, m, r.dir(name))
		r.In = "" // the next stage reads this one
	}
	if m := result.Manifests[Label]; m != nil && label.Undecided(m) > *c.Label.MaxUndecided {
		return fmt.Errorf("%w: %.1f%% of %d, the limit is %.1f%%", ErrUndecided, 100*label.Undecided(m), m.Rows["responses"].Out, 100**c.Label.MaxUndecided)
	}
	return nil
}

func logDone(env stage.Env, m *manifest.Manifest, dir string) {
	if m.Skipped {
		env.Log.Info(m.Stage+": complete and unchanged, skipped", "directory", dir)
		return
	}
	args := []any{"seconds", m.Seconds, "directory", dir}
	if m.Spent != nil {
		args = append(args, "paid_calls", m.Spent.PaidCalls)
	}
	env.Log.Info(m.Stage+": done", args...)
}

func (r Request) dir(stage string) string { return filepath.Join(r.Out, stage) }

// input is the directory of the stage before: the one given, or the run's own.
func (r Request) input(stage string) string {
	if r.In != "" {
		return r.In
	}
	return r.dir(stage)
}

func runGen(ctx context.Context, env stage.Env, r Request, models *models, result *Result) (*manifest.Manifest, error) {
	g := r.Config.Gen
	verifier, err := rules.New(g.Verifier)
	if err != nil {
		return nil, r.Config.Errorf("gen.verifier", "%v", err)
	}
	rule := gen.Rule{Name: g.Verifier, Verifier: verifier}
	if g.Import != nil {
		return gen.Import(ctx, env, r.dir(Gen), input(*g.Import), rule)
	}

	var world iter.Seq[rows.Problem]
	var settings any
	if p := r.Config.Problems; p.Simulated > 0 {
		world = (&sim.World{Seed: uint64(r.Config.Simulator.Seed)}).Problems(p.Simulated)
		settings = map[string]int64{"seed": r.Config.Simulator.Seed, "problems": int64(p.Simulated)}
	}
	problems, err := gen.Problems(ctx, env, r.dir(Problems), input(r.Config.Problems.Input), world, settings, rule)
	if err != nil {
		return nil, err
	}
	result.Manifests[Problems] = problems
	logDone(env, problems, r.dir(Problems))

	sampling, err := samplingOptions(r.Config)
	if err != nil {
		return nil, err
	}
	pool, err := models.pool(ctx, r, Gen, g.Endpoints)
	if err != nil {
		return nil, err
	}
	return gen.Sample(ctx, env, r.dir(Gen), r.dir(Problems), sampling, rule, pool)
}

func runLabel(ctx context.Context, env stage.Env, r Request, models *models, result *Result) (*manifest.Manifest, error) {
	options, err := models.labelOptions(ctx, r)
	if err != nil {
		return nil, err
	}
	if r.Config.Label.Synthetic == nil {
		return label.Run(ctx, env, r.dir(Label), r.input(Gen), "", options)
	}
	made, err := runSynth(ctx, env, r, models)
	if err != nil {
		return nil, err
	}
	result.Manifests[Synth] = made
	logDone(env, made, r.dir(Synth))
	return label.Run(ctx, env, r.dir(Label), r.input(Gen), r.dir(Synth), options)
}

// runSynth makes answers for the problems that were sampled, or else for those of
// the replies that were imported.
func runSynth(ctx context.Context, env stage.Env, r Request, models *models) (*manifest.Manifest, error) {
	s := r.Config.Label.Synthetic
	equivalents, err := text(s.Prompt, "")
	if err != nil {
		return nil, err
	}
	nearMiss, err := text(s.NearMissPrompt, "")
	if err != nil {
		return nil, err
	}
	name := "prime"
	if r.Config.Gen != nil {
		name = r.Config.Gen.Verifier
	}
	verifier, err := rules.New(name)
	if err != nil {
		return nil, r.Config.Errorf("gen.verifier", "%v", err)
	}
	var pool *llm.Pool
	if s.Asks() {
		if pool, err = models.pool(ctx, r, Synth, s.Endpoints); err != nil {
			return nil, err
		}
	}
	in := r.dir(Problems)
	if r.In != "" || r.Config.Problems == nil {
		in = r.input(Gen)
	}
	return synth.Run(ctx, env, r.dir(Synth), in, synth.Options{
		Equivalents: s.Equivalents, EquivalentsPrompt: equivalents, NearMisses: s.NearMisses, NearMissesAsked: s.NearMissesAsked, NearMissPrompt: nearMiss,
		Hardening: s.Hardening, Seed: r.Config.Seed, Temperature: s.Temperature, TopP: s.TopP, MaxTokens: s.MaxTokens, ProblemShare: *s.ProblemShare,
	}, synth.Rule{Name: name, Verifier: verifier}, pool)
}

func input(in config.Input) gen.Input {
	return gen.Input{
		Path: in.Path, Columns: in.Columns, GroundTruthAfter: in.GroundTruthAfter, QuestionSuffix: in.QuestionSuffix,
		DropSelfTestFailures: in.DropSelfTestFailures, Limit: in.Limit,
	}
}

// defaultSolvePrompt asks for the form of answer that the published work kept.
const defaultSolvePrompt = "{{QUESTION}}\n\nReason step by step, and put your final answer within \\boxed{}."

func samplingOptions(c *config.Config) (gen.Sampling, error) {
	g := c.Gen
	prompt, err := text(g.Prompt, defaultSolvePrompt)
	if err != nil {
		return gen.Sampling{}, err
	}
	system, err := text(g.System, "")
	return gen.Sampling{
		Seed: c.Seed, SendSeed: *g.SendSeed, Samples: g.Samples, Prompt: prompt, System: system,
		Temperature: g.Temperature, TopP: g.TopP, MaxTokens: g.MaxTokens, Stop: g.Stop,
	}, err
}

// text reads a prompt file. The line break that editors put at its end is no part
// of the prompt.
func text(path, byDefault string) (string, error) {
	if path == "" {
		return byDefault, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := len(data); n > 0 && data[n-1] == '\n' {
		data = data[:n-1]
	}
	return string(data), nil
}
