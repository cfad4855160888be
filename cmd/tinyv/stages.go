package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/pipeline"
	"tinyv/internal/report"
)

var (
	configFlag = &cli.StringFlag{Name: "config", Usage: "read the run's configuration from `FILE`; required"}
	outFlag    = &cli.StringFlag{Name: "out", Usage: "work in `DIR`; default runs/NAME for a config NAME.yaml"}
	importFlag = &cli.StringFlag{Name: "import", Usage: "import replies from `FILE` in place of gen.import.path"}
	inFlag     = &cli.StringFlag{Name: "in", Usage: "read the stage before the first one that is run from `DIR`; default is its directory in --out"}
)

func runCommand() *cli.Command {
	return stageCommand("run", "do every stage that the config names", `tinyv run --config configs/quickstart.yaml --out runs/quickstart`)
}

func genCommand() *cli.Command {
	return stageCommand("gen", "sample or import replies, and put each to the rule verifier", `tinyv gen --config configs/quickstart.yaml --out runs/quickstart`, pipeline.Gen)
}

func labelCommand() *cli.Command {
	command := stageCommand("label", "have annotators label the rejections", `tinyv label --config configs/quickstart.yaml --out runs/quickstart`, pipeline.Label)
	return withSubcommands(command, auditCommand())
}

// stageCommand is a command that runs the given stages of a config, or all of them.
func stageCommand(name, usage, example string, stages ...string) *cli.Command {
	flags := []cli.Flag{configFlag, outFlag, verboseFlag}
	if len(stages) == 0 || stages[0] == pipeline.Gen {
		flags = append(flags, importFlag)
	}
	if len(stages) == 0 || stages[0] != pipeline.Gen {
		flags = append(flags, inFlag)
	}
	return &cli.Command{
		Name: name, Usage: usage,
		UsageText:   "tinyv " + name + " --config FILE [flags]\n\nExample:\n   " + example,
		Description: exitCodesHelp,
		Flags:       flags,
		Action: func(c *cli.Context) error {
			if c.String("config") == "" {
				return &usageError{fmt.Sprintf("--config is missing; for example: %s", example)}
			}
			cfg, err := config.Load(c.String("config"), c.String("import"))
			if err != nil {
				return err
			}
			out := outOf(c, cfg)
			ctx, env, end := environment(c)
			defer end()
			result, err := pipeline.Run(ctx, env, pipeline.Request{Config: cfg, Out: out, Stages: stages, In: c.String("in")})
			if err != nil && !errors.Is(err, pipeline.ErrUndecided) {
				return err
			}
			return errors.Join(summarize(c.App.Writer, out, result), err)
		},
	}
}

// outOf is the directory of the run.
func outOf(c *cli.Context, cfg *config.Config) string {
	if out := c.String("out"); out != "" {
		return out
	}
	base := filepath.Base(cfg.Path)
	return filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base)))
}

// summarize prints the funnel, and where to look next.
func summarize(w io.Writer, out string, result *pipeline.Result) error {
	if err := report.Funnel(w, result.Manifests); err != nil {
		return err
	}
	if _, err := fmt.Fprint(w, "\nNext:\n"); err != nil {
		return err
	}
	for _, n := range result.Next(out) {
		if _, err := fmt.Fprintf(w, "  %s\n      %s\n", n.Look, n.For); err != nil {
			return err
		}
	}
	return nil
}
