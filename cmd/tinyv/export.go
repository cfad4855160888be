package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"tinyv/internal/llamafactory"
	"tinyv/internal/pipeline"
)

func exportCommand() *cli.Command {
	command := stageCommand("export", "write training files for LLaMA-Factory, Hugging Face, verl and TRL",
		`tinyv export --config configs/quickstart.yaml --out runs/quickstart`, pipeline.Export)
	return withSubcommands(command, validateCommand())
}

// validateCommand checks any dataset_dir, not only those that tinyv wrote.
func validateCommand() *cli.Command {
	return &cli.Command{
		Name: "validate", Usage: "say which rows of a dataset_dir LLaMA-Factory would drop or misread",
		UsageText: `tinyv export validate --dir DIR [--version VERSION] [--most N] [--json]

Example:
   tinyv export validate --dir runs/quickstart/export`,
		Description: `Exit codes:
   0  LLaMA-Factory takes every row as it is meant
   1  it does not, or the directory cannot be read
   2  wrong usage`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "check the datasets of `DIR`, which has a dataset_info.json; required"},
			&cli.StringFlag{Name: "version", Usage: "as LLaMA-Factory `VERSION` loads it; default is the newest known"},
			&cli.IntFlag{Name: "most", Value: 5, Usage: "list the first `N` problems of each kind and dataset; all are counted"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		},
		Action: func(c *cli.Context) error {
			if c.String("dir") == "" {
				return &usageError{"--dir is missing: name a directory with a dataset_info.json, for example --dir runs/quickstart/export"}
			}
			if c.Int("most") < 1 {
				return &usageError{fmt.Sprintf("--most must be 1 or more, not %d", c.Int("most"))}
			}
			ctx, _, end := environment(c)
			defer end()
			report, err := llamafactory.Validate(ctx, c.String("dir"), c.String("version"), c.Int("most"))
			if err != nil {
				return err
			}
			if c.Bool("json") {
				err = printJSON(c.App.Writer, report)
			} else {
				err = report.Text(c.App.Writer)
			}
			if err != nil {
				return err
			}
			if n := len(report.Counts); n > 0 {
				return fmt.Errorf("LLaMA-Factory would not take %s as it is meant", c.String("dir"))
			}
			return nil
		},
	}
}
