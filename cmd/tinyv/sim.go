package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"tinyv/internal/config"
	"tinyv/internal/pipeline"
	"tinyv/internal/sim"
)

func simCommand() *cli.Command {
	return &cli.Command{
		Name: "sim", Usage: "serve the simulated models over HTTP",
		UsageText: `tinyv sim [--config FILE] [--addr HOST:PORT]

Example:
   tinyv sim --addr 127.0.0.1:8000
   curl http://127.0.0.1:8000/v1/models

The server speaks OpenAI's chat completions. What it says is made up, marked as
simulated, and a pure function of the request and the seed.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "take seed and annotators from the simulator block of `FILE`; default is two annotators and seed 0"},
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8000", Usage: "listen on `HOST:PORT`; port 0 chooses a free one"},
			verboseFlag,
		},
		Action: func(c *cli.Context) error {
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
		},
	}
}
