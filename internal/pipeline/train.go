package pipeline

import (
	"context"

	"tinyv/export"
	"tinyv/internal/config"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
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
