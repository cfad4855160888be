package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tinyv/export"
	"tinyv/internal/config"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/train"
)

func planTraining(ctx context.Context, r Request) (*manifest.Manifest, *train.Plan, error) {
	o, err := trainOptions(r.Config).Filled()
	if err != nil {
		return nil, nil, r.Config.Errorf("train", "%v", err)
	}
	name := dataset(r.Config)
	return train.Write(ctx, r.dir(Train), r.input(Export), export.DatasetName(name, rows.SplitTrain), export.DatasetName(name, rows.SplitEval), o)
}

// PlanTraining plans the fine-tune of a run, and returns the system message that its
// rows and serving have in common; nil if the config has no export to say so.
func PlanTraining(ctx context.Context, env stage.Env, r Request) (*train.Plan, *string, error) {
	if r.Config.Train == nil {
		return nil, nil, r.Config.Errorf("train", "is missing; `train: {}` is the published recipe")
	}
	m, p, err := planTraining(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	logDone(env, m, r.dir(Train))
	if r.Config.Export == nil {
		return p, nil, nil
	}
	system, err := text(r.Config.Export.System, "")
	return p, &system, err
}

// SlurmBatch is the batch file that runs a plan: it launches, or resumes when Slurm
// has requeued it, by this same program.
func SlurmBatch(c *config.Config, p *train.Plan, out string) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program for the batch file: %w", err)
	}
	if out, err = filepath.Abs(out); err != nil {
		return nil, err
	}
	b := train.Batch{
		Name: "tinyv-" + filepath.Base(out), Launch: []string{self, "train", "launch", "--out", out}, Resume: []string{self, "train", "resume", "--out", out},
	}
	if s := c.Train.Slurm; s != nil {
		b.Name, b.Time, b.Lines = cmp.Or(s.Name, b.Name), s.Time, s.Options
	}
	return p.Slurm(b)
}

// dataset is the name the export has, also where only the train stage is named.
func dataset(c *config.Config) string {
	if c.Export != nil {
		return c.Export.Dataset
	}
	return config.DefaultDataset
}

func trainOptions(c *config.Config) train.Options {
	t := c.Train
	return train.Options{
		Model: t.Model, FromScratch: t.FromScratch, Template: t.Template, OutputDir: t.OutputDir,
		Method: t.Method, LoRARank: t.LoRA.Rank, LoRAAlpha: t.LoRA.Alpha, LoRATarget: t.LoRA.Target, QuantizationBit: t.QuantizationBit,
		DeepSpeed: t.DeepSpeed, Liger: t.Liger,
		LearningRate: *t.LearningRate, Epochs: *t.Epochs, MaxSteps: t.MaxSteps, WarmupRatio: *t.WarmupRatio, CutoffLen: t.CutoffLen, Seed: *t.Seed,
		RowsPerStep: t.RowsPerStep, BatchPerDevice: t.BatchPerDevice, GradAccumulation: t.GradAccumulation,
		GPUs: *t.GPUs, Processes: t.Processes, Nodes: t.Nodes,
		LoggingSteps: t.LoggingSteps, SaveSteps: t.SaveSteps, SaveTotalLimit: t.SaveTotalLimit, Extra: t.Extra,
	}
}
