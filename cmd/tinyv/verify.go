package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
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
		Action: func(c *cli.Context) (err error) {
			v, err := rules.New(c.String("verifier"))
			if err != nil {
				return &usageError{"--verifier: " + err.Error()}
			}
			in, out, err := openLines(c)
			if err != nil {
				return err
			}
			ctx, env, end := environment(c)
			defer end()
			counts, err := protocol.Run(ctx, v, in, out, func(line int64, err error) {
				env.Log.Error("bad row", "line", line, "error", err)
			})
			if err = errors.Join(err, out.finish(err == nil)); err != nil {
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

// output is standard output, or a file that appears when it is whole.
type output struct {
	io.Writer
	finish func(whole bool) error
}

func openLines(c *cli.Context) (iter.Seq2[rows.Line, error], output, error) {
	in := rows.LinesOf("standard input", c.App.Reader)
	if path := c.String("in"); path != "-" {
		in = rows.Lines(path)
	}
	out := output{c.App.Writer, func(bool) error { return nil }}
	path := c.String("out")
	if path == "-" {
		return in, out, nil
	}
	f, err := durable.Create(path)
	if err != nil {
		return nil, out, err
	}
	return in, output{f, func(whole bool) error {
		if !whole {
			return f.Discard()
		}
		return f.Commit()
	}}, nil
}
