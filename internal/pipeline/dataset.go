package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tinyv/balance"
	"tinyv/balance/decontaminate"
	"tinyv/balance/question"
	"tinyv/export"
	"tinyv/internal/config"
	"tinyv/internal/manifest"
	"tinyv/internal/report"
	"tinyv/internal/stage"
	"tinyv/label"
)

func balanceOptions(c *config.Config) balance.Options {
	b := c.Balance
	o := balance.Options{
		Seed: c.Seed, Ratio: b.Ratio, Total: b.Total, Shares: b.Shares, MaxPerProblem: b.MaxPerProblem, MaxPerSource: b.MaxPerSource,
		Strategy: b.Strategy, EvalShare: *b.EvalShare, HeldOutSources: b.HeldOutSources,
	}
	if b.Strategy == "by_category" {
		o.Temperature = *b.Temperature
	}
	if n := b.NearDuplicates; n != nil {
		o.NearDuplicates = &balance.NearDuplicates{Threshold: *n.Threshold, Seed: n.Seed}
	}
	if d := b.Decontaminate; d != nil {
		o.Decontaminate = &balance.Decontamination{NGram: d.NGram, Overlap: *d.Overlap}
		for _, bench := range d.Benchmarks {
			o.Decontaminate.Benchmarks = append(o.Decontaminate.Benchmarks, decontaminate.Benchmark{Name: bench.Name, Path: bench.Path, Column: bench.Column, Suffix: bench.Suffix})
		}
	}
	if e := c.Export; e != nil && e.Reply == export.ReplyReasoning {
		o.Reply = &balance.Reply{Name: e.Reply, Unusable: export.Options{Reply: e.Reply}.Unusable}
	}
	return o
}

// Grid draws the sets of the config's ablation block, each into a directory of its
// own below the run's balance directory.
func Grid(ctx context.Context, env stage.Env, r Request) (*balance.GridResult, error) {
	a := r.Config.Ablation
	if a == nil {
		return nil, r.Config.Errorf("ablation", "is missing; a grid needs the axes that its sets differ in:\n    ablation:\n      ratios: [\"1:3\", \"1:1\", \"3:1\"]\n      seeds: [1, 2, 3]")
	}
	for i, ratio := range a.Ratios {
		if _, err := balance.ParseRatio(ratio); err != nil {
			return nil, r.Config.Errorf(fmt.Sprintf("ablation.ratios[%d]", i), "%v", err)
		}
	}
	return balance.Grid(ctx, env, r.dir(Balance), r.input(Label), balanceOptions(r.Config), balance.Axes{Ratios: a.Ratios, Sizes: a.Sizes, Seeds: a.Seeds})
}

func runExport(ctx context.Context, env stage.Env, r Request) (*manifest.Manifest, error) {
	o, err := exportOptions(r)
	if err != nil {
		return nil, err
	}
	return export.Run(ctx, env, r.dir(Export), r.input(Balance), o)
}

func exportOptions(r Request) (export.Options, error) {
	c := r.Config
	prompt, err := text(c.Export.Prompt, "")
	if err != nil {
		return export.Options{}, err
	}
	system, err := text(c.Export.System, "")
	if err != nil {
		return export.Options{}, err
	}
	policy, err := text(c.Export.PolicyPrompt, defaultSolvePrompt)
	if err != nil {
		return export.Options{}, err
	}
	for i, name := range c.Export.Targets {
		if err := export.CheckTarget(name); err != nil {
			return export.Options{}, c.Errorf(fmt.Sprintf("export.targets[%d]", i), "%v", err)
		}
	}
	funnel, statistics, err := history(r)
	if err != nil {
		return export.Options{}, err
	}
	return export.Options{
		Seed: c.Seed, Targets: c.Export.Targets, Prompt: prompt, System: system, Dataset: dataset(c), Format: c.Export.Format, Reply: c.Export.Reply,
		ControlTokens: c.Export.ControlTokens, CutoffLen: *c.Export.CutoffLen, Tokenizer: c.Export.Tokenizer, Template: template(c), PolicyPrompt: policy,
		Funnel: funnel, Statistics: statistics,
		Spelling: &export.Spelling{Name: "normal form", Normal: question.Normalize}, // as balance takes questions for one
	}, nil
}

// template is the chat template that the rows will be trained in.
func template(c *config.Config) string {
	if c.Train != nil {
		return c.Train.Template
	}
	return config.DefaultTemplate
}

// history is what the stages before tell of themselves, for the dataset card: the
// funnel, and the statistics of the labels. A stage that is not in the run's
// directory is left out.
func history(r Request) (funnel, statistics string, err error) {
	dirs := map[string]string{}
	for _, name := range []string{Problems, Gen, Synth, Label} {
		dirs[name] = r.dir(name)
	}
	dirs[Balance] = r.input(Balance)
	found := map[string]*manifest.Manifest{}
	for name, dir := range dirs {
		m, err := manifest.Read(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", err
		}
		if m.Complete && m.Stage == name { // export refuses another stage's directory
			found[name] = m
		}
	}
	var b strings.Builder
	if err := report.Funnel(&b, found); err != nil {
		return "", "", err
	}
	stats, err := os.ReadFile(filepath.Join(dirs[Label], label.StatsTable))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	return b.String(), string(stats), nil
}
