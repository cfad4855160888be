package pipeline

import (
	"context"

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

// PlanTraining plans the fine-tune of a run. Without a config it takes the plan in the
// run's directory as it is.
func PlanTraining(ctx context.Context, env stage.Env, r Request) (*Training, error) {
	if r.Config == nil {
		p, err := train.Read(r.dir(Train))
		if err != nil {
			return nil, err
		}
		return &Training{Plan: p}, nil
	}
	if r.Config.Train == nil {
		return nil, r.Config.Errorf("train", "is missing; `train: {}` is the published recipe")
	}
	m, p, err := planTraining(ctx, r)
	if err != nil {
		return nil, err
	}
	logDone(env, m, r.dir(Train))
	if r.Config.Export == nil {
		return &Training{Plan: p}, nil
	}
	system, err := text(r.Config.Export.System, "")
	if err != nil {
		return nil, err
	}
	return &Training{Plan: p, System: &system}, nil
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
