package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/manifest"
	"tinyv/internal/pipeline"
	"tinyv/internal/stage"
	"tinyv/train"
)

const trainExample = "tinyv train launch --config configs/tinyv-1.5b.yaml --out runs/tinyv-1.5b"

func trainCommand() *cli.Command {
	plan := stageCommand("train plan", "write the YAML of LLaMA-Factory and the command that runs it", `tinyv train plan --config configs/quickstart.yaml --out runs/quickstart`, pipeline.Train)
	plan.Name = "plan"
	action := plan.Action
	plan.Action = func(c *cli.Context) error {
		if err := action(c); err != nil {
			return err
		}
		p, err := train.Read(filepath.Join(c.String("out"), pipeline.Train))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.App.Writer, "\n%s\n", (&pipeline.Training{Plan: p}).Line())
		return err
	}
	command := &cli.Command{
		Name: "train", Usage: "plan the fine-tune, check it, launch it, and follow it",
		UsageText:       "tinyv train plan|preflight|launch|resume|status [flags]\n\nExample:\n   " + trainExample,
		Description:     exitCodesHelp,
		HideHelpCommand: true,
		OnUsageError:    onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return &usageError{fmt.Sprintf("%q is not a command of tinyv train; there are plan, preflight, launch, resume and status", c.Args().First())}
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
	addSubcommands(command, plan, preflightCommand(), launchCommand(), resumeCommand(), statusCommand())
	return command
}

var (
	trainOutFlag    = &cli.StringFlag{Name: "out", Usage: "the run's directory `DIR`, which holds the plan in train/; required"}
	trainConfigFlag = &cli.StringFlag{Name: "config", Usage: "plan by the config `FILE` first; without it the plan in --out is taken as it is"}
	nodeFlag        = &cli.IntFlag{Name: "node", Usage: "of several nodes, the `NUMBER` of this one, 0 first"}
	masterFlag      = &cli.StringFlag{Name: "master", Usage: "of several nodes, the `HOST:PORT` of node 0"}
	nanFlag         = &cli.BoolFlag{Name: "stop-on-nan", Value: true, Usage: "end the training at the first loss that is no number"}
)

func preflightCommand() *cli.Command {
	return &cli.Command{
		Name: "preflight", Usage: "say before anything is loaded what would end the training, or spoil it",
		UsageText:   "tinyv train preflight --out DIR [--config FILE] [--json]\n\nExample:\n   tinyv train preflight --config configs/quickstart.yaml --out runs/quickstart",
		Description: exitCodesHelp,
		Flags:       []cli.Flag{trainConfigFlag, trainOutFlag, nodeFlag, masterFlag, &cli.BoolFlag{Name: "json", Usage: "print JSON"}, verboseFlag},
		Action: func(c *cli.Context) error {
			r, at, err := trainRequest(c)
			if err != nil {
				return err
			}
			ctx, env, end := environment(c)
			defer end()
			t, err := pipeline.PlanTraining(ctx, env, r)
			if err != nil {
				return err
			}
			t.At = at
			findings, err := t.Preflight(ctx)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				err = printJSON(c.App.Writer, findings)
			} else {
				err = printFindings(c.App.Writer, findings)
			}
			if err != nil {
				return err
			}
			return train.Refusal(findings)
		},
	}
}

func launchCommand() *cli.Command {
	return &cli.Command{
		Name: "launch", Usage: "check the plan, run it, and follow it to its end",
		UsageText: "tinyv train launch --out DIR [--config FILE] [flags]\n\nExample:\n   " + trainExample,
		Description: "Ctrl-C ends every process of the training and leaves it resumable: tinyv train resume.\n" +
			"The trainer's output is in DIR/train/train.log; the result in DIR/train/result and, in one file, in DIR/train/manifest.json.\n\n" + exitCodesHelp,
		Flags: []cli.Flag{
			trainConfigFlag, trainOutFlag, nodeFlag, masterFlag, nanFlag,
			&cli.BoolFlag{Name: "slurm", Usage: "write a batch file and submit it with sbatch; a requeued job resumes"},
			&cli.BoolFlag{Name: "print", Usage: "print what would be run (with --slurm the batch file), and run nothing"},
			verboseFlag,
		},
		Action: func(c *cli.Context) error { return runTraining(c, (*pipeline.Training).Launch) },
	}
}

func resumeCommand() *cli.Command {
	return &cli.Command{
		Name: "resume", Usage: "go on with a training from its last whole checkpoint",
		UsageText:   "tinyv train resume --out DIR [--force] [flags]\n\nExample:\n   tinyv train resume --out runs/tinyv-1.5b",
		Description: exitCodesHelp,
		Flags: []cli.Flag{
			trainOutFlag, nodeFlag, masterFlag, nanFlag,
			&cli.BoolFlag{Name: "force", Usage: "go on although data, settings or the number of processes are not those of the launch"},
			verboseFlag,
		},
		Action: func(c *cli.Context) error { return runTraining(c, (*pipeline.Training).Resume) },
	}
}

func statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "tell how far a training is",
		UsageText:   "tinyv train status --out DIR [--json]\n\nExample:\n   tinyv train status --out runs/tinyv-1.5b",
		Description: exitCodesHelp,
		Flags:       []cli.Flag{trainOutFlag, &cli.BoolFlag{Name: "json", Usage: "print JSON"}},
		Action: func(c *cli.Context) error {
			dir, err := trainDir(c)
			if err != nil {
				return err
			}
			return printStatus(c, dir)
		},
	}
}

func trainDir(c *cli.Context) (string, error) {
	if c.String("out") == "" {
		return "", &usageError{"--out is missing: name a run's directory; for example: " + trainExample}
	}
	return filepath.Join(c.String("out"), pipeline.Train), nil
}

// printStatus tells how far the training in a directory is.
func printStatus(c *cli.Context, dir string) error {
	status, err := train.ReadStatus(dir)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, status)
	}
	_, err = io.WriteString(c.App.Writer, status.Text())
	return err
}

// trainRequest is which training is meant, with no config if the plan in --out is to be
// taken as it is, and where its nodes meet; nil if there is one.
func trainRequest(c *cli.Context) (r pipeline.Request, at *train.Rendezvous, err error) {
	if _, err := trainDir(c); err != nil {
		return r, nil, err
	}
	if at, err = rendezvous(c); err != nil {
		return r, nil, err
	}
	r.Out = c.String("out")
	if c.String("config") != "" {
		r.Config, err = config.Load(c.String("config"), "")
	}
	return r, at, err
}

// rendezvous is where several nodes meet; nil if there is one.
func rendezvous(c *cli.Context) (*train.Rendezvous, error) {
	switch {
	case c.String("master") == "" && !c.IsSet("node"):
		return nil, nil
	case c.String("master") == "" || !c.IsSet("node"):
		return nil, &usageError{"--node and --master go together: the number of this node, and HOST:PORT of node 0"}
	}
	if c.Int("node") < 0 {
		return nil, &usageError{fmt.Sprintf("--node %d: nodes are counted from 0", c.Int("node"))}
	}
	host, port, err := net.SplitHostPort(c.String("master"))
	if err != nil {
		return nil, &usageError{fmt.Sprintf("--master %q is not HOST:PORT: %v", c.String("master"), err)}
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return nil, &usageError{fmt.Sprintf("--master %q: the port is no number from 1 to 65535", c.String("master"))}
	}
	return &train.Rendezvous{Node: c.Int("node"), Host: host, Port: number}, nil
}

func printFindings(w io.Writer, findings []train.Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	if len(findings) == 0 {
		_, err := fmt.Fprintln(w, "nothing stands in the way of this training")
		return err
	}
	return nil
}

// runTraining launches or resumes.
func runTraining(c *cli.Context, run func(*pipeline.Training, context.Context, stage.Env) (*manifest.Manifest, error)) error {
	r, at, err := trainRequest(c)
	if err != nil {
		return err
	}
	if c.Bool("slurm") && r.Config == nil {
		return &usageError{"--slurm needs --config, whose train.slurm block says what the job may have"}
	}
	ctx, env, end := environment(c)
	defer end()
	t, err := pipeline.PlanTraining(ctx, env, r)
	if err != nil {
		return err
	}
	t.At, t.StopOnNaN, t.Force = at, c.Bool("stop-on-nan"), c.Bool("force")
	switch {
	case c.Bool("slurm"):
		return submitTraining(ctx, c, t, r)
	case c.Bool("print"):
		_, err := fmt.Fprintln(c.App.Writer, t.Line())
		return err
	}
	m, err := run(t, ctx, env)
	if err != nil || m == nil { // another node than the first has nothing to tell
		return err
	}
	return printStatus(c, t.Plan.Dir)
}

// submitTraining hands the training to Slurm, or prints the batch file.
func submitTraining(ctx context.Context, c *cli.Context, t *pipeline.Training, r pipeline.Request) error {
	if c.Bool("print") {
		text, err := t.SlurmBatch(r)
		if err != nil {
			return err
		}
		_, err = c.App.Writer.Write(text)
		return err
	}
	job, file, err := t.Submit(ctx, r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "submitted job %s: %s\nfollow it: tinyv train status --out %s\n", job, file, r.Out)
	return err
}
