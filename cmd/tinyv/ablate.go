package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/pipeline"
	"tinyv/internal/stage"
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
		Request: pipeline.Request{Config: cfg, Out: outOf(c, cfg), In: c.String("in")}, Only: c.String("only"), DryRun: c.Bool("dry-run"),
	}
	if c.Bool("slurm") && !a.DryRun {
		return submitCells(ctx, env, c.App.Writer, a)
	}
	cells, err := a.Run(ctx, env)
	if err != nil {
		return ablateError(err)
	}
	text := ablation.Table(cells)
	if a.DryRun {
		text = a.Forecast(cells, c.Float64("rows-per-second"))
	}
	_, err = io.WriteString(c.App.Writer, text)
	return err
}

func submitCells(ctx context.Context, env stage.Env, w io.Writer, a pipeline.Ablate) error {
	jobs, err := a.Submit(ctx, env)
	for _, j := range jobs {
		if _, printing := fmt.Fprintf(w, "submitted job %s: %s\n", j.ID, j.Cell); printing != nil {
			return printing
		}
	}
	return ablateError(err)
}

// ablateError makes of the name of a cell that is not there what it is: wrong usage.
func ablateError(err error) error {
	if errors.Is(err, pipeline.ErrNoCell) {
		return &usageError{err.Error()}
	}
	return err
}
