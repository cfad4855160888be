package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/pipeline"
	"tinyv/train/eval"
	"tinyv/train/eval/attack"
	"tinyv/train/eval/bench"
	"tinyv/train/eval/serve"
	"tinyv/verify/rules"
)

func evalCommand() *cli.Command {
	command := &cli.Command{
		Name: "eval", Usage: "measure a verifier on answers that are known to be right or wrong",
		UsageText: `tinyv eval --bench FILE --verifier NAME --out DIR [flags]
tinyv eval compare --a DIR --b DIR

Examples:
   tinyv eval --bench HardVerify-Math.json --verifier prime --out runs/eval-prime
   tinyv eval --bench HardVerify-Math.json --config configs/verifiers/xverify.yaml --verifier prime-xverify --attacks all --out runs/eval-xverify
   tinyv eval --bench HardVerify-Math.json --config my.yaml --verifier mine --serve vllm --checkpoint runs/my/train/checkpoint --out runs/eval-mine`,
		Description: "DIR gets eval.json, report.html, report.md, verdicts-*.parquet, and journal/ with every reply of a model.\n\n" + exitCodesHelp,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "bench", Usage: "measure on `FILE`: the layout of HardVerify-Math, rows of our splits (a file or a stage's directory), or any with question, ground_truth, answer and label; may be given several times"},
			&cli.StringFlag{Name: "verifier", Usage: "measure `NAME`: a rule (" + strings.Join(rules.Names(), ", ") + ") or a verifier of --config; required"},
			&cli.StringFlag{Name: "config", Usage: "read verifiers from `FILE`"},
			&cli.StringFlag{Name: "out", Usage: "write to `DIR`; required"},
			&cli.StringSliceFlag{Name: "column", Usage: "`OURS=THEIRS`: a column of the benchmark that is called otherwise; may be given several times"},
			&cli.StringFlag{Name: "split", Usage: "of our own files, read the rows of `SPLIT`: eval or held_out"},
			&cli.StringSliceFlag{Name: "attacks", Usage: "attack the rows too, by `FAMILY` (" + strings.Join(attack.Families(), ", ") + ") or all; may be given several times"},
			&cli.StringSliceFlag{Name: "variants", Usage: "rewrite the rows too, by `NAME` (" + strings.Join(attack.Variants(), ", ") + ") or all; may be given several times"},
			&cli.IntFlag{Name: "repeats", Value: 1, Usage: "ask for every row `N` times, to see how stable verdicts are"},
			&cli.StringFlag{Name: "serve", Usage: "start the server of endpoints with url: " + config.ServedURL + " by `ENGINE`: " + strings.Join(serve.Engines(), " or ")},
			&cli.StringFlag{Name: "checkpoint", Usage: "with --serve, the model's directory `DIR`"},
			&cli.StringFlag{Name: "template", Value: config.DefaultTemplate, Usage: "with --serve llamafactory, the chat `TEMPLATE` of the training"},
			&cli.StringSliceFlag{Name: "serve-arg", Usage: "with --serve, add `ARG` to the engine's command line; may be given several times"},
			verboseFlag,
		},
		HideHelpCommand: true,
		OnUsageError:    onUsageError,
		Action:          runEval,
	}
	return withSubcommands(command, compareCommand())
}

func runEval(c *cli.Context) error {
	e, err := evaluation(c)
	if err != nil {
		return err
	}
	ctx, env, end := environment(c)
	defer end()
	_, result, err := pipeline.Evaluate(ctx, env, *e)
	if err != nil {
		return err
	}
	if err := result.Text(c.App.Writer); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "\nNext:\n  %s\n      the same with figures, by source, category and length, and the errors themselves\n", filepath.Join(e.Out, eval.HTMLFile))
	return err
}

// evaluation is what the flags ask for.
func evaluation(c *cli.Context) (*pipeline.Evaluation, error) {
	const example = "for example: tinyv eval --bench HardVerify-Math.json --verifier prime --out runs/eval-prime"
	for _, required := range []string{"verifier", "out"} {
		if c.String(required) == "" {
			return nil, &usageError{fmt.Sprintf("--%s is missing; %s", required, example)}
		}
	}
	if len(c.StringSlice("bench")) == 0 {
		return nil, &usageError{"--bench is missing; " + example}
	}
	e := &pipeline.Evaluation{
		Config: config.Default(), Out: c.String("out"), Verifier: c.String("verifier"), Benchmark: c.StringSlice("bench"),
		Layout:  bench.Layout{Columns: map[string]string{}, Split: c.String("split")},
		Attacks: c.StringSlice("attacks"), Variants: c.StringSlice("variants"), Repeats: c.Int("repeats"),
	}
	if e.Repeats < 1 {
		return nil, &usageError{fmt.Sprintf("--repeats must be 1 or more, not %d", e.Repeats)}
	}
	for _, column := range c.StringSlice("column") {
		ours, theirs, ok := strings.Cut(column, "=")
		if !ok || ours == "" || theirs == "" {
			return nil, &usageError{fmt.Sprintf("--column %q: give OURS=THEIRS, for example --column answer=prediction", column)}
		}
		if !slices.Contains(bench.Columns(), ours) {
			return nil, &usageError{fmt.Sprintf("--column %q: %q is not a column that can be named; it may be one of: %s", column, ours, strings.Join(bench.Columns(), ", "))}
		}
		e.Layout.Columns[ours] = theirs
	}
	if err := errors.Join(knownNames("attacks", e.Attacks, attack.Families()), knownNames("variants", e.Variants, attack.Variants())); err != nil {
		return nil, err
	}
	if path := c.String("config"); path != "" {
		var err error
		if e.Config, err = config.Load(path, ""); err != nil {
			return nil, err
		}
	}
	if known := pipeline.VerifierNames(e.Config); !slices.Contains(known, e.Verifier) {
		return nil, &usageError{fmt.Sprintf("--verifier %q: there is no such one; there are: %s. Others come from --config, such as configs/verifiers/xverify.yaml", e.Verifier, strings.Join(known, ", "))}
	}
	if engine := c.String("serve"); engine != "" {
		if c.String("checkpoint") == "" {
			return nil, &usageError{"--checkpoint is missing: --serve needs the directory of a model"}
		}
		if !slices.Contains(serve.Engines(), engine) {
			return nil, &usageError{fmt.Sprintf("--serve %q: there is no such engine; it may be: %s", engine, strings.Join(serve.Engines(), ", "))}
		}
		e.Serve = &pipeline.Serving{Engine: engine, Checkpoint: c.String("checkpoint"), Template: c.String("template"), Args: c.StringSlice("serve-arg")}
		return e, nil
	}
	for _, flag := range []string{"checkpoint", "template", "serve-arg"} {
		if c.IsSet(flag) {
			return nil, &usageError{fmt.Sprintf("--%s is given without --serve; say how to serve the checkpoint: --serve %s", flag, serve.VLLM)}
		}
	}
	return e, nil
}

// knownNames checks a flag's names; all stands for every one.
func knownNames(flag string, names, known []string) error {
	for i, name := range names {
		switch {
		case name == config.All && len(names) > 1:
			return &usageError{fmt.Sprintf("--%s %s stands for every one; leave out the others", flag, config.All)}
		case name != config.All && !slices.Contains(known, name):
			return &usageError{fmt.Sprintf("--%s %q: there is no such one; it may be %s, or of: %s", flag, name, config.All, strings.Join(known, ", "))}
		case slices.Contains(names[:i], name):
			return &usageError{fmt.Sprintf("--%s %s is given twice", flag, name)}
		}
	}
	return nil
}

func compareCommand() *cli.Command {
	return &cli.Command{
		Name: "compare", Usage: "compare two verifiers that were measured on the same rows",
		UsageText: `tinyv eval compare --a DIR --b DIR [--json]

Example:
   tinyv eval compare --a runs/eval-prime --b runs/eval-xverify`,
		Description: exitCodesHelp,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "a", Usage: "the first evaluation, in `DIR`; required"},
			&cli.StringFlag{Name: "b", Usage: "the second evaluation, in `DIR`; required"},
			&cli.Int64Flag{Name: "seed", Value: 42, Usage: "draw the bootstrap's rows by the seed `N`"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		},
		Action: func(c *cli.Context) error {
			for _, required := range []string{"a", "b"} {
				if c.String(required) == "" {
					return &usageError{fmt.Sprintf("--%s is missing; for example: tinyv eval compare --a runs/eval-prime --b runs/eval-xverify", required)}
				}
			}
			comparison, err := eval.Compare(c.String("a"), c.String("b"), c.Int64("seed"))
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printJSON(c.App.Writer, comparison)
			}
			return comparison.Text(c.App.Writer)
		},
	}
}
