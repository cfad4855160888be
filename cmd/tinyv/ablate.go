package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/pipeline"
	"tinyv/train/ablation"
)

func ablateCommand() *cli.Command {
	return &cli.Command{
		Name: "ablate", Usage: "train and measure a verifier on every set of a grid",
		UsageText: `tinyv ablate --config FILE --out DIR [--in LABELDIR] [flags]

Examples:
   tinyv ablate --config configs/ablation-ratio.yaml --in runs/quickstart/label --out runs/ablation --dry-run
   tinyv ablate --config configs/ablation-ratio.yaml --in runs/quickstart/label --out runs/ablation`,
		Description: `Each set goes through export, train and eval in DIR/cells/NAME. What is done is skipped, what
was cut off is resumed. DIR/ablation.txt, .md, .json and the figures have what is there so far.

` + exitCodesHelp,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "the config `FILE`, with the blocks ablation, export, train and eval; required"},
			outFlag, inFlag,
			&cli.BoolFlag{Name: "dry-run", Usage: "draw the sets, print cells, rows, steps and GPU hours, and train nothing"},
			&cli.Float64Flag{Name: "rows-per-second", Usage: "with --dry-run, the speed of all GPUs together, for the GPU hours: `N` rows a second, as the first cell's status tells"},
			&cli.StringFlag{Name: "only", Usage: "do the cell `NAME` alone"},
			&cli.BoolFlag{Name: "slurm", Usage: "submit every cell that is not done as a job of its own; the same command without it then makes the table"},
			verboseFlag,
		},
		Action: runAblate,
	}
}

func runAblate(c *cli.Context) error {
	if c.String("config") == "" {
		return &usageError{"--config is missing; for example: tinyv ablate --config configs/ablation-ratio.yaml --in runs/quickstart/label --out runs/ablation"}
	}
	cfg, err := config.Load(c.String("config"), "")
	if err != nil {
		return err
	}
	ctx, env, end := environment(c)
	defer end()
	a := pipeline.Ablate{
		Request: pipeline.Request{Config: cfg, Out: outOf(c, cfg), In: c.String("in")}, Only: c.String("only"), DryRun: c.Bool("dry-run") || c.Bool("slurm"),
	}
	cells, err := a.Run(ctx, env)
	if errors.Is(err, pipeline.ErrNoCell) {
		return &usageError{err.Error()}
	}
	if err != nil {
		return err
	}
	if c.Bool("slurm") && !c.Bool("dry-run") {
		jobs, err := a.Submit(ctx, env, cells)
		for _, j := range jobs {
			if _, printing := fmt.Fprintf(c.App.Writer, "submitted job %s: %s\n", j.ID, j.Cell); printing != nil {
				return printing
			}
		}
		return err
	}
	if c.Bool("dry-run") {
		if a.Only != "" {
			cells = slices.DeleteFunc(cells, func(c ablation.Cell) bool { return c.Name != a.Only })
		}
		_, err = io.WriteString(c.App.Writer, ablation.Forecast(cells, *cfg.Train.Epochs, c.Float64("rows-per-second"), max(*cfg.Train.GPUs, 1)*max(cfg.Train.Nodes, 1)))
		return err
	}
	_, err = io.WriteString(c.App.Writer, ablation.Table(cells))
	return err
}
