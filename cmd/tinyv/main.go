// Command tinyv makes verifiers for reinforcement learning on maths. Each command
// is one file here: flags in, one call into a package, an exit code out.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/pipeline"
	"tinyv/internal/progress"
	"tinyv/internal/stage"
	"tinyv/internal/version"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUndecided   = 3
	exitInterrupted = 130
)

func main() { os.Exit(run()) }

// run is main with its exit code as a value, for tests.
func run() int {
	err := newApp().RunContext(context.Background(), os.Args)
	code := exitCode(err)
	if err != nil {
		fmt.Fprintf(os.Stderr, "tinyv: %v\n", err)
	}
	return code
}

func exitCode(err error) int {
	var inConfig *config.Error
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, stage.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, pipeline.ErrUndecided):
		return exitUndecided
	case errors.As(err, &inConfig), errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

// usageError is a wrong command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

const exitCodesHelp = `Exit codes:
   0  done
   1  failed
   2  wrong usage or config; the message names file, line, key and the fix
   3  done, with more rows undecided than label.max_undecided allows
   130  interrupted; the same command resumes`

func newApp() *cli.App {
	app := &cli.App{
		Name:      "tinyv",
		Usage:     "make verifiers for reinforcement learning on maths",
		UsageText: "tinyv COMMAND [flags]",
		Description: `Stages: problems -gen-> responses and rule verdicts -label-> labelled rejections
-balance-> examples -export-> LLaMA-Factory files -train-> fine-tune.
` + "`tinyv run` does all that a config names; each stage is also a command of its own.\n\n" + exitCodesHelp,
		HideHelpCommand:           true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides
		OnUsageError:              onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return &usageError{fmt.Sprintf("%q is not a command; `tinyv --help` lists them", c.Args().First())}
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			runCommand(), genCommand(), labelCommand(), balanceCommand(), exportCommand(), trainCommand(), evalCommand(), ablateCommand(),
			verifyCommand(), journalCommand(), simCommand(), versionCommand(),
		},
	}
	for _, command := range app.Commands {
		command.OnUsageError = onUsageError
		command.HideHelpCommand = true
		if len(command.Subcommands) == 0 {
			command.Before = refuseArguments
		}
	}
	return app
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	return &usageError{fmt.Sprintf("%v; `tinyv %s --help` shows the flags", err, c.Command.Name)}
}

// addSubcommands adds subcommands, which name themselves where a flag is wrong and
// refuse arguments.
func addSubcommands(command *cli.Command, subcommands ...*cli.Command) {
	command.Subcommands = subcommands
	for _, sub := range subcommands {
		sub.HideHelpCommand = true
		sub.OnUsageError = func(_ *cli.Context, err error, _ bool) error {
			return &usageError{fmt.Sprintf("%v; `tinyv %s %s --help` shows the flags", err, command.Name, sub.Name)}
		}
		if sub.Before == nil {
			sub.Before = refuseArguments
		}
	}
}

// withSubcommands adds subcommands to a command that does something itself too,
// and goes on refusing what is neither.
func withSubcommands(command *cli.Command, subcommands ...*cli.Command) *cli.Command {
	addSubcommands(command, subcommands...)
	action := command.Action
	command.Action = func(c *cli.Context) error {
		if err := refuseArguments(c); err != nil {
			return err
		}
		return action(c)
	}
	return command
}

// printJSON prints a value as people read JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// refuseArguments refuses what is no flag: the flags after it would be ignored.
func refuseArguments(c *cli.Context) error {
	if c.Args().Present() {
		return &usageError{fmt.Sprintf("unexpected argument %q; `tinyv %s` takes flags only", c.Args().First(), c.Command.Name)}
	}
	return nil
}

var verboseFlag = &cli.BoolFlag{Name: "verbose", Usage: "log details too"}

// environment makes what stages work with, and a context that ends when the user
// asks a second time.
//
// The first Ctrl-C (or SIGTERM) asks stages to begin nothing new: replies that are
// already being paid for are waited for and kept. The second ends everything at
// once; what is in the journal by then is kept all the same.
func environment(c *cli.Context) (context.Context, stage.Env, func()) {
	level := slog.LevelInfo
	if c.Bool(verboseFlag.Name) {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	ctx, cancel := context.WithCancel(c.Context)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	stop, ended, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for asked := 0; ; asked++ {
			select {
			case <-signals:
			case <-ended:
				return
			}
			if asked == 0 {
				log.Info("stopping: what is paid for or under way is brought to a safe end first; press Ctrl-C again to end at once")
				close(stop)
				continue
			}
			cancel()
		}
	}()
	env := stage.Env{Log: log, Progress: progress.New(os.Stderr, log), Stop: stop}
	return ctx, env, func() {
		signal.Stop(signals)
		close(ended)
		<-done
		cancel()
	}
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		UsageText: "tinyv version",
		Action: func(c *cli.Context) error {
			_, err := io.WriteString(c.App.Writer, "tinyv "+version.String()+"\n")
			return err
		},
	}
}
