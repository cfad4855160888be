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
	"tinyv/internal/durable"
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
		_, err = fmt.Fprintf(c.App.Writer, "\n%s\n", p.Line(train.Rendezvous{Host: "127.0.0.1", Port: train.MasterPort}))
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
			at, err := rendezvous(c)
			if err != nil {
				return err
			}
			ctx, env, end := environment(c)
			defer end()
			p, system, err := planOf(ctx, env, c)
			if err != nil {
				return err
			}
			expect := train.Expect{System: system}
			if at != nil {
				expect.Rendezvous = *at
			}
			findings, err := train.Preflight(ctx, p, expect)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				if err := printJSON(c.App.Writer, findings); err != nil {
					return err
				}
				return refused(findings)
			}
			if err := printFindings(c.App.Writer, findings); err != nil {
				return err
			}
			return refused(findings)
		},
	}
}

func launchCommand() *cli.Command {
	return &cli.Command{
		Name: "launch", Usage: "check the plan, run it, and follow it to its end",
		UsageText: "tinyv train launch --out DIR [--config FILE] [flags]\n\nExample:\n   " + trainExample,
		Description: "Ctrl-C ends every process of the training and leaves it resumable: tinyv train resume.\n" +
			"The trainer's output is in DIR/train/train.log; the result in DIR/train/result.\n\n" + exitCodesHelp,
		Flags: []cli.Flag{
			trainConfigFlag, trainOutFlag, nodeFlag, masterFlag, nanFlag,
			&cli.BoolFlag{Name: "slurm", Usage: "write a batch file and submit it with sbatch; a requeued job resumes"},
			&cli.BoolFlag{Name: "print", Usage: "print what would be run (with --slurm the batch file), and run nothing"},
			verboseFlag,
		},
		Action: func(c *cli.Context) error { return runTraining(c, train.Launch) },
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
		Action: func(c *cli.Context) error { return runTraining(c, train.Resume) },
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
			status, err := train.ReadStatus(dir)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return printJSON(c.App.Writer, status)
			}
			_, err = io.WriteString(c.App.Writer, status.Text())
			return err
		},
	}
}

func trainDir(c *cli.Context) (string, error) {
	if c.String("out") == "" {
		return "", &usageError{"--out is missing: name a run's directory; for example: " + trainExample}
	}
	return filepath.Join(c.String("out"), pipeline.Train), nil
}

// planOf makes the plan by --config, or reads the one in --out. The system message is
// that of the config's export, which serving has too; nil if there is no config.
func planOf(ctx context.Context, env stage.Env, c *cli.Context) (*train.Plan, *string, error) {
	dir, err := trainDir(c)
	if err != nil {
		return nil, nil, err
	}
	if c.String("config") == "" {
		p, err := train.Read(dir)
		return p, nil, err
	}
	cfg, err := config.Load(c.String("config"), "")
	if err != nil {
		return nil, nil, err
	}
	return pipeline.PlanTraining(ctx, env, pipeline.Request{Config: cfg, Out: c.String("out")})
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

// refused is an error if a finding stands in the way of a launch.
func refused(findings []train.Finding) error {
	errs := 0
	for _, f := range findings {
		if f.Severity == train.Error {
			errs++
		}
	}
	if errs == 0 {
		return nil
	}
	return fmt.Errorf("%d of the checks before a launch failed; nothing was started", errs)
}

// runTraining launches or resumes.
func runTraining(c *cli.Context, run func(context.Context, stage.Env, *train.Plan, train.LaunchOptions) (*manifest.Manifest, error)) error {
	at, err := rendezvous(c)
	if err != nil {
		return err
	}
	ctx, env, end := environment(c)
	defer end()
	p, system, err := planOf(ctx, env, c)
	if err != nil {
		return err
	}
	if c.Bool("slurm") {
		return submit(ctx, c, p)
	}
	if c.Bool("print") {
		where := train.Rendezvous{Host: "127.0.0.1", Port: train.MasterPort}
		if at != nil {
			where = *at
		}
		_, err := fmt.Fprintln(c.App.Writer, p.Line(where))
		return err
	}
	status, err := train.ReadStatus(p.Dir)
	if err != nil {
		return err
	}
	// Launch and Resume know what to do with a training that has begun, and have
	// nothing to start for one that has ended.
	expect := train.Expect{System: system, Resume: status.State != train.Planned}
	if at != nil {
		expect.Rendezvous = *at
	}
	if status.State != train.Finished {
		findings, err := train.Preflight(ctx, p, expect)
		if err != nil {
			return err
		}
		for _, f := range findings {
			if f.Severity == train.Error {
				env.Log.Error(f.String())
			} else {
				env.Log.Warn(f.String())
			}
		}
		if err := refused(findings); err != nil {
			return err
		}
	}
	m, err := run(ctx, env, p, train.LaunchOptions{At: at, StopOnNaN: c.Bool("stop-on-nan"), Force: c.Bool("force")})
	if err != nil || m == nil { // another node than the first has nothing to tell
		return err
	}
	if status, err = train.ReadStatus(p.Dir); err != nil {
		return err
	}
	_, err = io.WriteString(c.App.Writer, status.Text())
	return err
}

// submit writes the batch file and hands it to Slurm.
func submit(ctx context.Context, c *cli.Context, p *train.Plan) error {
	if c.String("config") == "" {
		return &usageError{"--slurm needs --config, whose train.slurm block says what the job may have"}
	}
	cfg, err := config.Load(c.String("config"), "")
	if err != nil {
		return err
	}
	text, err := pipeline.SlurmBatch(cfg, p, c.String("out"))
	if err != nil {
		return err
	}
	if c.Bool("print") {
		_, err := c.App.Writer.Write(text)
		return err
	}
	file := filepath.Join(p.Dir, train.BatchFile)
	if err := durable.WriteFile(file, text); err != nil {
		return err
	}
	job, err := train.Submit(ctx, file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "submitted job %s: %s\nfollow it: tinyv train status --out %s\n", job, file, c.String("out"))
	return err
}
