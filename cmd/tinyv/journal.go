package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"tinyv/internal/journal"
	"tinyv/internal/journal/inspect"
)

var journalFlag = &cli.StringFlag{Name: "journal", Value: ".", Usage: "look at the journal in `DIR`, which is a run's directory or a journal's"}

// journalCommand looks at what was paid for.
func journalCommand() *cli.Command {
	command := &cli.Command{
		Name: "journal", Usage: "look at, verify and compact the replies that were paid for",
		UsageText: "tinyv journal SUBCOMMAND [--journal DIR] [flags]\n\nExample:\n   tinyv journal stats --journal runs/quickstart",
		Description: "All but compact work beside a run that is writing.\n\n" + `Exit codes:
   0  done
   1  failed: damage was found, a key is unknown or not unique, another process has the journal
   2  wrong usage, or no journal there`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return &usageError{fmt.Sprintf("%q is not a subcommand; `tinyv journal --help` lists them", c.Args().First())}
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
	addSubcommands(command, journalStats(), journalList(), journalGet(), journalVerify(), journalCompact(), journalExport())
	for _, sub := range command.Subcommands {
		sub.Flags = append([]cli.Flag{journalFlag}, sub.Flags...)
	}
	return command
}

// onJournal runs do on the directory that --journal names.
func onJournal(do func(c *cli.Context, dir string) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		dir, err := inspect.Dir(c.String(journalFlag.Name))
		if err == nil {
			err = do(c, dir)
		}
		if errors.Is(err, journal.ErrNone) || errors.Is(err, inspect.ErrFormat) {
			return &usageError{err.Error()}
		}
		return err
	}
}

func journalStats() *cli.Command {
	return &cli.Command{
		Name: "stats", Usage: "replies, duplicates, bytes, tokens and cost, by model, host and finish reason",
		UsageText: "tinyv journal stats [--journal DIR] [--json]\n\nExample:\n   tinyv journal stats --journal runs/quickstart",
		Flags:     []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print JSON"}},
		Action: onJournal(func(c *cli.Context, dir string) error {
			s, err := inspect.Summarize(dir)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return s.JSON(c.App.Writer)
			}
			return s.Text(c.App.Writer)
		}),
	}
}

func journalList() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list replies, one a line",
		UsageText: "tinyv journal ls [--journal DIR] [--model NAME] [--since TIME] [--limit N]\n\nExample:\n   tinyv journal ls --journal runs/quickstart --since 24h --limit 20",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model", Usage: "only those of the model with the identity (or, as the server calls itself, the name) `NAME`"},
			&cli.StringFlag{Name: "since", Usage: "only those from `TIME` on: 2026-11-21, 2026-11-21T10:00:00Z, or 24h for the last day"},
			&cli.IntFlag{Name: "limit", Usage: "at most `N` of them; 0 is all"},
		},
		Action: onJournal(func(c *cli.Context, dir string) error {
			filter := inspect.Filter{Model: c.String("model"), Limit: c.Int("limit")}
			if filter.Limit < 0 {
				return &usageError{fmt.Sprintf("--limit %d is negative; 0 lists all", filter.Limit)}
			}
			if since := c.String("since"); since != "" {
				var err error
				if filter.Since, err = inspect.ParseSince(since, time.Now()); err != nil {
					return &usageError{"--since: " + err.Error()}
				}
			}
			return inspect.List(dir, filter, c.App.Writer, c.App.ErrWriter)
		}),
	}
}

func journalGet() *cli.Command {
	return &cli.Command{
		Name: "get", Usage: "print one reply as JSON",
		UsageText: "tinyv journal get [--journal DIR] KEY-PREFIX\n\nExample:\n   tinyv journal get --journal runs/quickstart 3fa9c1",
		Before: func(c *cli.Context) error {
			if c.NArg() != 1 || c.Args().First() == "" {
				return &usageError{"give one key, or how it begins, after the flags: tinyv journal get --journal DIR KEY-PREFIX"}
			}
			return nil
		},
		Action: onJournal(func(c *cli.Context, dir string) error {
			return inspect.Get(dir, c.Args().First(), c.App.Writer)
		}),
	}
}

func journalVerify() *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "read everything, and check every checksum, reply and index",
		UsageText: "tinyv journal verify [--journal DIR]\n\nExample:\n   tinyv journal verify --journal runs/quickstart",
		Action: onJournal(func(c *cli.Context, dir string) error {
			return inspect.Verify(dir, c.App.Writer)
		}),
	}
}

func journalCompact() *cli.Command {
	return &cli.Command{
		Name: "compact", Usage: "drop superseded and damaged replies, and compress the rest",
		UsageText: "tinyv journal compact [--journal DIR]\n\nExample:\n   tinyv journal compact --journal runs/quickstart",
		Action: onJournal(func(c *cli.Context, dir string) error {
			ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return inspect.Compact(ctx, dir, slog.New(slog.NewTextHandler(c.App.ErrWriter, nil)), c.App.Writer)
		}),
	}
}

func journalExport() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write every reply with its key as JSON lines",
		UsageText: "tinyv journal export [--journal DIR] --out FILE\n\nExample:\n   tinyv journal export --journal runs/quickstart --out replies.jsonl.zst",
		Flags:     []cli.Flag{&cli.StringFlag{Name: "out", Usage: "write to `FILE`, whose name ends in .jsonl, .jsonl.gz or .jsonl.zst; required"}},
		Action: onJournal(func(c *cli.Context, dir string) error {
			if c.String("out") == "" {
				return &usageError{"--out is missing; for example: tinyv journal export --journal runs/quickstart --out replies.jsonl.zst"}
			}
			return inspect.Export(dir, c.String("out"), c.App.Writer, c.App.ErrWriter)
		}),
	}
}
