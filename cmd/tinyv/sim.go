package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/manifest"
	"tinyv/internal/pipeline"
	"tinyv/internal/report"
	"tinyv/internal/sim"
	"tinyv/internal/sim/pool"
)

func simCommand() *cli.Command {
	command := &cli.Command{
		Name: "sim", Usage: "serve the simulated models over HTTP, or make a pool of labelled rows",
		UsageText: `tinyv sim [--config FILE] [--addr HOST:PORT] [flags]

Examples:
   tinyv sim --addr 127.0.0.1:8000
   curl http://127.0.0.1:8000/v1/models

   tinyv sim --latency lognormal:800ms,0.7 --token-rate 50 --limits requests=600,tokens=100000
   tinyv sim --faults rate=0.1,kinds=reset+429:3+hang,seed=1 --request-log requests.jsonl
   tinyv sim --batch validating=1s,in_progress=10s,finalizing=1s,expired=0.1,dir=batches

The server speaks OpenAI's chat completions and Batch API. What it says is made up,
marked as simulated, and a pure function of the request and the seed. It has models
that always fail, such as sim-status-401, sim-hang and sim-reset; docs/sim.md lists
them, and every kind of fault.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "take seed and annotators from the simulator block of `FILE`; default is two annotators and seed 0"},
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8000", Usage: "listen on `HOST:PORT`; port 0 chooses a free one"},
			&cli.StringFlag{Name: "latency", Usage: "wait `TIME` before every completion: 1s, uniform:100ms-2s, exp:1s or lognormal:800ms,0.7 (median, sigma); the last two may end in ,max=10s"},
			&cli.Float64Flag{Name: "token-rate", Usage: "wait for completions of `N` tokens a second, too"},
			&cli.StringFlag{Name: "limits", Usage: "answer 429 above `LIMITS` for each model, as requests=600,tokens=100000 (a minute), and 503 above in_flight=64"},
			&cli.StringFlag{Name: "faults", Usage: "let requests fail as `LIST` says: rate=0.1,kinds=reset+429:3+hang (with weights, or all),seed=1,tries=2,retry_after=1s,hold=30s,slow=2s"},
			&cli.StringFlag{Name: "context-length", Usage: "refuse requests with more than `N` tokens of prompt and max_tokens; N:vllm does so in vLLM's words"},
			&cli.StringFlag{Name: "reasoning", Usage: "all models show their thoughts: `WAY` is field (reasoning_content) or tags (<think>…</think>)"},
			&cli.StringFlag{Name: "batch", Usage: "how the Batch API works, as `LIST`: validating=1s,in_progress=10s,finalizing=1s,expired=0.1,failed_500=0.1,failed_429=0.1,failed_400=0.1,dir=DIR"},
			&cli.StringFlag{Name: "request-log", Usage: "append a JSON line for every reply and every fault to `FILE`"},
			verboseFlag,
		},
		Action: simAction,
	}
	return withSubcommands(command, simPoolCommand())
}

// simPoolCommand makes labelled rows without any server.
func simPoolCommand() *cli.Command {
	return &cli.Command{
		Name: "pool", Usage: "make labelled rows, as a finished label stage, for trying balance and export at any size",
		UsageText: `tinyv sim pool --out DIR [--rows N] [--seed N] [--row-bytes N]

Example:
   tinyv sim pool --rows 638000 --seed 1 --out runs/pool/label
   tinyv balance --config configs/quickstart.yaml --in runs/pool/label --out runs/pool`,
		Description: `The rows have the shares of the published data: docs/sim.md lists them. Their texts
mean nothing, and every row is marked as simulated. The same flags give the same bytes.

Exit codes:
   0  done, or found done
   1  failed
   2  wrong usage
   130  interrupted; the same command begins again`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "write the rows and the manifest to `DIR`; required"},
			&cli.Int64Flag{Name: "rows", Value: 638_000, Usage: "make `N` rows"},
			&cli.Int64Flag{Name: "seed", Value: 42, Usage: "draw by the seed `N`"},
			&cli.IntFlag{Name: "row-bytes", Value: 400, Usage: fmt.Sprintf("texts of a row have `N` bytes on average, %d or more", pool.MinRowBytes)},
			verboseFlag,
		},
		Action: simPoolAction,
	}
}

func simPoolAction(c *cli.Context) error {
	out := c.String("out")
	if out == "" {
		return &usageError{"--out is missing: name a directory for the rows, for example --out runs/pool/label"}
	}
	if n := c.Int64("rows"); n < 1 {
		return &usageError{fmt.Sprintf("--rows %d: give 1 or more", n)}
	}
	if n := c.Int("row-bytes"); n < pool.MinRowBytes {
		return &usageError{fmt.Sprintf("--row-bytes %d: give %d or more", n, pool.MinRowBytes)}
	}
	world := pool.DefaultWorld()
	world.Seed = uint64(c.Int64("seed"))
	ctx, env, end := environment(c)
	defer end()
	m, err := pool.Write(ctx, env, out, pool.Options{Rows: c.Int64("rows"), RowBytes: c.Int("row-bytes"), World: world})
	if err != nil {
		return err
	}
	if m.Skipped {
		env.Log.Info("complete and unchanged, skipped", "directory", out)
	}
	return report.Funnel(c.App.Writer, map[string]*manifest.Manifest{m.Stage: m})
}

func simAction(c *cli.Context) (err error) {
	world := sim.DefaultWorld()
	if path := c.String("config"); path != "" {
		cfg, err := config.Load(path, "")
		if err != nil {
			return err
		}
		if cfg.Simulator == nil {
			return cfg.Errorf("simulator", "is missing; tinyv sim serves what this block describes")
		}
		world = pipeline.World(cfg)
	}
	if err := simFlags(c, world); err != nil {
		return err
	}
	if path := c.String("request-log"); path != "" {
		f, openErr := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if openErr != nil {
			return fmt.Errorf("opening the request log: %w", openErr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		world.RequestLog = f
	}
	ctx, env, end := environment(c)
	defer end()
	server, err := sim.Start(ctx, world, c.String("addr"), env.Log)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "simulated model server on %s\n", server.URL())
	select {
	case <-env.Stop:
	case <-ctx.Done():
	}
	return server.Close()
}

// simFlags puts what the flags say into a world.
func simFlags(c *cli.Context, world *sim.World) error {
	for _, flag := range []struct {
		name string
		set  func(text string) error
	}{
		{"latency", func(text string) (err error) { world.Delay, err = sim.ParseDistribution(text); return err }},
		{"limits", func(text string) (err error) { world.Limits, err = sim.ParseLimits(text); return err }},
		{"faults", func(text string) (err error) { world.Faults, err = sim.ParseFaults(text); return err }},
		{"batch", func(text string) (err error) { world.Batch, err = sim.ParseBatch(text); return err }},
		{"context-length", func(text string) (err error) {
			world.ContextLength, world.VLLMWords, err = sim.ParseContextLength(text)
			return err
		}},
		{"reasoning", func(text string) error {
			way, err := sim.ParseReasoning(text)
			world.ShowReasoning(way)
			return err
		}},
	} {
		if !c.IsSet(flag.name) {
			continue
		}
		if err := flag.set(c.String(flag.name)); err != nil {
			return &usageError{fmt.Sprintf("--%s: %v", flag.name, err)}
		}
	}
	if c.IsSet("token-rate") {
		world.TokenRate = c.Float64("token-rate")
		if !(world.TokenRate > 0) {
			return &usageError{fmt.Sprintf("--token-rate: %v is not a number of tokens above 0", world.TokenRate)}
		}
	}
	return nil
}
