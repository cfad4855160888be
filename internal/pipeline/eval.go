package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"tinyv/internal/config"
	"tinyv/internal/manifest"
	"tinyv/internal/progress"
	"tinyv/internal/stage"
	"tinyv/label/taxonomy"
	"tinyv/train/eval"
	"tinyv/train/eval/attack"
	"tinyv/train/eval/bench"
	"tinyv/train/eval/score"
	"tinyv/train/eval/serve"
)

// Evaluation says which verifier to measure, on what.
type Evaluation struct {
	Config    *config.Config // describes the verifier, if it is no rule
	Out       string
	Verifier  string // a rule, or one of the config's
	Benchmark []string
	Layout    bench.Layout
	Attacks   []string // families, or [all]
	Variants  []string // or [all]
	Repeats   int      // how often each row is asked; 1 or less is once
	Serve     *Serving // the server behind endpoints with url: served; nil if there is none
}

// Serving says which checkpoint to serve, and how.
type Serving struct {
	Engine     string // one of serve.Engines
	Checkpoint string
	Template   string // of the training, for LLaMA-Factory
	Args       []string
}

// Evaluate measures a verifier. A finished evaluation is not done again.
func Evaluate(ctx context.Context, env stage.Env, e Evaluation) (m *manifest.Manifest, r score.Result, err error) {
	endpoints, err := e.endpoints()
	if err != nil {
		return nil, r, err
	}
	request := Request{Config: e.Config, Out: e.Out}
	models, err := openModelsOf(ctx, env, request, endpoints)
	if err != nil {
		return nil, r, err
	}
	defer func() { err = errors.Join(err, models.close()) }()
	if e.Serve != nil {
		if err := models.serve(ctx, e, endpoints); err != nil {
			return nil, r, err
		}
	}

	v, err := models.verifier(ctx, request, e.Verifier)
	if err != nil {
		return nil, r, err
	}
	o := e.options()
	o.Settings, o.Simulated, o.Concurrency = v.settings, v.simulated, v.concurrency
	if models.served != nil {
		var watch sync.WaitGroup
		watched, end := context.WithCancelCause(ctx)
		defer func() { end(nil); watch.Wait() }()
		ctx = watched
		o.Ready = func(ctx context.Context) error {
			if err := models.served.start(ctx, env); err != nil {
				return err
			}
			watch.Go(func() {
				select {
				case <-models.served.Done():
					end(errServerDied)
				case <-watched.Done():
				}
			})
			return nil
		}
	}
	calls := v.calls
	for n := 1; n < e.Repeats; n++ {
		again, err := models.repeated(ctx, request, e.Verifier, n)
		if err != nil {
			return nil, r, err
		}
		o.Repeats = append(o.Repeats, again.verifier)
		calls = append(calls, again.calls...)
	}
	return eval.Run(ctx, env, e.Out, e.Benchmark, o, v.verifier, sumOf(calls))
}

// endpoints lists the endpoints behind the verifier; those with url: served want a
// server, and no others do.
func (e Evaluation) endpoints() ([]config.Endpoint, error) {
	endpoints, err := verifierEndpoints(e.Config, e.Verifier)
	if err != nil {
		return nil, err
	}
	served := slices.ContainsFunc(endpoints, func(e config.Endpoint) bool { return e.URL == config.ServedURL })
	switch {
	case served && e.Serve == nil:
		return nil, e.Config.Errorf("verifiers."+e.Verifier, "asks an endpoint with url: %s, and no server is to be started; say which checkpoint: --serve %s --checkpoint DIR", config.ServedURL, serve.VLLM)
	case !served && e.Serve != nil:
		return nil, fmt.Errorf("%s asks no endpoint with url: %s, so the served checkpoint would not be measured: leave out --serve, or name a verifier of --config that does", e.Verifier, config.ServedURL)
	}
	return endpoints, nil
}

// options are those that the verifier has no part in.
func (e Evaluation) options() eval.Options {
	return eval.Options{
		Verifier: e.Verifier, Layout: e.Layout, Seed: e.Config.Seed,
		Attacks: every(e.Attacks, attack.Families()), Variants: every(e.Variants, attack.Variants()),
		Category: func(question, groundTruth, answer string) string {
			category, _ := taxonomy.Classify(question, groundTruth, answer)
			return string(category)
		},
	}
}

func every(names, all []string) []string {
	if slices.Equal(names, []string{config.All}) {
		return all
	}
	return names
}

// sumOf adds up what several models did; nil if there is none.
func sumOf(calls []func() progress.Calls) func() progress.Calls {
	if len(calls) == 0 {
		return nil
	}
	return func() progress.Calls {
		var sum progress.Calls
		for _, c := range calls {
			sum = sum.Plus(c())
		}
		return sum
	}
}

// repeated builds a verifier once more, whose models give replies of their own.
func (m *models) repeated(ctx context.Context, r Request, name string, n int) (named, error) {
	again := &models{config: m.config, log: m.log, journal: m.journal, server: m.server, served: m.served, budget: m.budget, verifiers: map[string]named{}, repeat: n}
	v, err := again.verifier(ctx, r, name)
	m.pools = append(m.pools, again.pools...)
	return v, err
}

// served is a checkpoint behind a server of our own.
type served struct {
	*serve.Server
	options  serve.Options
	identity string // of the checkpoint by its content, so that no other one's replies are taken for its own
}

// errServerDied ends an evaluation at once: nothing would answer it any more. What the
// server said is in the error of closing it.
var errServerDied = errors.New("the model server has died")

// serve makes the server of the checkpoint known, and starts nothing. What a killed
// evaluation has left of its own server is ended.
func (m *models) serve(ctx context.Context, e Evaluation, endpoints []config.Endpoint) error {
	o := serve.Options{
		Engine: e.Serve.Engine, Checkpoint: e.Serve.Checkpoint, Template: e.Serve.Template, ExtraArgs: e.Serve.Args, Log: filepath.Clean(e.Out) + ".server.log",
	}
	for _, endpoint := range endpoints {
		if endpoint.URL != config.ServedURL {
			continue
		}
		if o.ServedName != "" && o.ServedName != endpoint.Model {
			return e.Config.Errorf("verifiers", "%s asks endpoints with url: %s for two models, %q and %q; one checkpoint is served, so give them one name", e.Verifier, config.ServedURL, o.ServedName, endpoint.Model)
		}
		o.ServedName = endpoint.Model
	}
	orphans, err := serve.Orphans(o)
	if err != nil {
		return err
	}
	for _, left := range orphans {
		m.log.Warn("eval: a model server is still at work although the tinyv that started it was killed; ending it", "processes", left.Processes, "started_by", left.By, "log", left.Log)
		if err := left.End(ctx); err != nil {
			return err
		}
	}
	server, err := serve.New(o)
	if err != nil {
		return err
	}
	content, err := checkpointIdentity(e.Serve.Checkpoint)
	if err != nil {
		return err
	}
	identity := fmt.Sprintf("served/%s/template=%s/%s", o.Engine, o.Template, content)
	if len(o.ExtraArgs) > 0 { // such as another chat template
		identity += fmt.Sprintf("/args=%q", o.ExtraArgs)
	}
	m.served = &served{server, o, identity}
	return nil
}

// start starts the server, and returns when it answers.
func (s *served) start(ctx context.Context, env stage.Env) error {
	if err := os.MkdirAll(filepath.Dir(s.options.Log), 0o755); err != nil {
		return err
	}
	env.Log.Info("eval: starting the model server", "engine", s.options.Engine, "checkpoint", s.options.Checkpoint, "log", s.options.Log)
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { // loading takes minutes, and there is no paid reply to wait for
		select {
		case <-env.Stop:
			cancel(stage.ErrInterrupted)
		case <-ctx.Done():
		}
	})
	err := s.Start(ctx)
	cancel(nil)
	watch.Wait()
	return err
}

// checkpointIdentity is a hash of what a checkpoint directory says with its weights,
// tokenizer and settings.
func checkpointIdentity(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("reading the checkpoint: %w", err)
	}
	var parts []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".safetensors", ".json", ".bin", ".jinja", ".model", ".txt":
		default:
			continue
		}
		switch e.Name() {
		case "trainer_state.json", "all_results.json", "train_results.json", "eval_results.json": // say nothing of the model
			continue
		}
		f, err := manifest.Hash(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", fmt.Errorf("reading the checkpoint: %w", err)
		}
		parts = append(parts, e.Name()+" "+f.SHA256)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:]), nil
}

// verifierEndpoints lists the endpoints behind a verifier.
func verifierEndpoints(c *config.Config, name string) ([]config.Endpoint, error) {
	known := VerifierNames(c)
	if !slices.Contains(known, name) {
		return nil, c.Errorf("verifiers", "has no verifier %q; there are: %v", name, known)
	}
	v := c.Verifiers[name]
	members := v.Cascade
	if v.Vote != nil {
		members = v.Vote.Of
	}
	var endpoints []config.Endpoint
	if v.Model != nil {
		endpoints = v.Model.Endpoints
	}
	for _, member := range members {
		more, err := verifierEndpoints(c, member)
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, more...)
	}
	return endpoints, nil
}
