package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"tinyv/internal/durable"
	"tinyv/internal/rows"
	"tinyv/verify/protocol"
	"tinyv/verify/rules"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "answer JSON lines with a verifier",
		UsageText: `tinyv verify [--verifier NAME] [--in FILE] [--out FILE]

Example:
   echo '{"ground_truth": "1/2", "prediction": "0.5"}' | tinyv verify

A row has ground_truth and prediction (an answer) or response (a full reply); it is
written back with correct (true, false, null), extracted and reason. A bad row is
reported with its line and makes the exit code 1; the others are still answered.`,
		Description: exitCodesHelp,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "verifier", Value: rules.Default, Usage: "decide by the verifier `NAME`: " + strings.Join(rules.Names(), ", ")},
			&cli.StringFlag{Name: "in", Value: "-", Usage: "read `FILE` (.jsonl, .jsonl.gz, .jsonl.zst); - is standard input"},
			&cli.StringFlag{Name: "out", Value: "-", Usage: "write `FILE` (JSON lines), which appears when it is whole; - is standard output"},
			verboseFlag,
		},
		Action: func(c *cli.Context) error {
			v, err := rules.New(c.String("verifier"))
			if err != nil {
				return &usageError{"--verifier: " + err.Error()}
			}
			ctx, env, end := environment(c)
			defer end()
			in := rows.LinesOf("standard input", c.App.Reader)
			if path := c.String("in"); path != "-" {
				in = rows.Lines(path)
			}
			var counts protocol.Counts
			answer := func(out io.Writer) (err error) {
				counts, err = protocol.Run(ctx, v, in, out, func(line int64, err error) {
					env.Log.Error("bad row", "line", line, "error", err)
				})
				return err
			}
			if path := c.String("out"); path != "-" {
				err = durable.WriteBy(path, answer)
			} else {
				err = answer(c.App.Writer)
			}
			if err != nil {
				return err
			}
			env.Log.Debug("verified", "rows", counts.Rows, "correct", counts.Correct, "incorrect", counts.Incorrect, "undecided", counts.Undecided)
			if counts.Bad > 0 {
				return fmt.Errorf("%d of %d rows could not be read; the others are answered", counts.Bad, counts.Rows)
			}
			return nil
		},
	}
}
