package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"tinyv/balance"
	"tinyv/internal/config"
	"tinyv/internal/pipeline"
)

func balanceCommand() *cli.Command {
	command := stageCommand("balance", "deduplicate, decontaminate, split, and choose the ratio of True to False",
		`tinyv balance --config configs/quickstart.yaml --out runs/quickstart
   tinyv balance --grid configs/ablation-ratio.yaml --in runs/quickstart/label --out runs/ablation`, pipeline.Balance)
	command.UsageText = "tinyv balance --config FILE [flags]\n   tinyv balance --grid FILE [flags]" + command.UsageText[len("tinyv balance --config FILE [flags]"):]
	command.Flags = append(command.Flags, &cli.StringFlag{Name: "grid", Usage: "draw every set of the ablation block of the config `FILE`, each into a directory of its own"})
	one := command.Action
	command.Action = func(c *cli.Context) error {
		if c.String("grid") == "" {
			return one(c)
		}
		if c.String("config") != "" {
			return &usageError{"--config and --grid are both given; --grid names a config too, so give one of them"}
		}
		return drawGrid(c)
	}
	return command
}

func drawGrid(c *cli.Context) error {
	cfg, err := config.Load(c.String("grid"), "")
	if err != nil {
		return err
	}
	ctx, env, end := environment(c)
	defer end()
	out := outOf(c, cfg)
	result, err := pipeline.Grid(ctx, env, pipeline.Request{Config: cfg, Out: out, In: c.String("in")})
	if err != nil {
		return err
	}
	for _, set := range result.Sets {
		figures := set.Manifest.Figures
		if _, err := fmt.Fprintf(c.App.Writer, "%s: %d True + %d False to train on, %d to evaluate on\n", set.Name, figures["train_true"], figures["train_false"], figures["eval"]); err != nil {
			return err
		}
	}
	table, err := os.ReadFile(filepath.Join(out, pipeline.Balance, balance.OverlapTable))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "\n%s", table)
	return err
}
