package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"tinyv/label/audit"
)

// auditCommand has a person check the labels.
func auditCommand() *cli.Command {
	return &cli.Command{
		Name: "audit", Usage: "draw a sample of the labels for a person to check, and score what the person found",
		UsageText: `tinyv label audit --in LABELDIR --out DIR [--n N] [--seed N] [--blind]
tinyv label audit --in LABELDIR --score FILE.csv [--out DIR] [--json]

Example:
   tinyv label audit --in runs/quickstart/label --out runs/quickstart/audit
   tinyv label audit --in runs/quickstart/label --score runs/quickstart/audit/audit.csv`,
		Description: `Judge the sample in audit.html (y, n and ? keys; then export), or in the column
"human" of audit.csv: y = the answer is correct, n = it is not, ? = cannot tell.

Exit codes:
   0  done
   1  failed; a fault of the filled-in file is told with its line
   2  wrong usage`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "in", Usage: "the labels: a run's label directory `LABELDIR`; required"},
			&cli.StringFlag{Name: "out", Usage: "write the sample to `DIR`; with --score, the sample's directory, by default that of FILE.csv"},
			&cli.IntFlag{Name: "n", Value: 200, Usage: fmt.Sprintf("draw `N` rows, 1 to %d", audit.MaxN)},
			&cli.Int64Flag{Name: "seed", Value: 42, Usage: "draw by the seed `N`: the same seed and labels give the same sample"},
			&cli.BoolFlag{Name: "blind", Usage: "show a label and its votes only once the row is judged"},
			&cli.StringFlag{Name: "score", Usage: "score the filled-in `FILE.csv`"},
			&cli.BoolFlag{Name: "json", Usage: "with --score, print JSON"},
		},
		Action: func(c *cli.Context) error {
			if c.String("in") == "" {
				return &usageError{"--in is missing: name a run's label directory, for example --in runs/quickstart/label"}
			}
			if c.IsSet("score") {
				return scoreAudit(c)
			}
			return drawAudit(c)
		},
	}
}

func drawAudit(c *cli.Context) error {
	out := c.String("out")
	if out == "" {
		return &usageError{"--out is missing: name a directory for the sample, for example --out runs/quickstart/audit"}
	}
	if c.IsSet("json") {
		return &usageError{"--json goes with --score"}
	}
	if n := c.Int("n"); n < 1 || n > audit.MaxN {
		return &usageError{fmt.Sprintf("--n %d: give 1 to %d", n, audit.MaxN)}
	}
	sample, err := audit.Draw(c.String("in"), out, audit.Options{N: c.Int("n"), Seed: c.Int64("seed"), Blind: c.Bool("blind")})
	if err != nil {
		return err
	}
	return sample.Text(c.App.Writer, out)
}

func scoreAudit(c *cli.Context) error {
	for _, flag := range []string{"n", "seed", "blind"} {
		if c.IsSet(flag) {
			return &usageError{fmt.Sprintf("--%s draws a sample, --score scores one: give one of them", flag)}
		}
	}
	result, err := audit.Score(c.String("score"), c.String("out"), c.String("in"))
	if err != nil {
		return err
	}
	if !c.Bool("json") {
		return result.Text(c.App.Writer)
	}
	data, err := result.JSON()
	if err != nil {
		return err
	}
	_, err = c.App.Writer.Write(data)
	return err
}
