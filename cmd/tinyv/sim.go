package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/pipeline"
	"tinyv/internal/sim"
)

func simCommand() *cli.Command {
	return &cli.Command{
		Name: "sim", Usage: "serve the simulated models over HTTP",
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
