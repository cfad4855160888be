package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"tinyv/internal/config"
	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/internal/manifest"
	"tinyv/internal/sim"
	"tinyv/internal/stage"
	"tinyv/label"
	"tinyv/verify"
	"tinyv/verify/model"
)

// models is what the stages of a run share to ask models: the journal, the
// simulated server if an endpoint names it, and the clients.
type models struct {
	config  *config.Config
	log     *slog.Logger
	journal *journal.Journal // nil if no stage asks a model
	server  *sim.Running     // nil if no endpoint is simulated
	clients []*llm.Client
}

func openModels(ctx context.Context, env stage.Env, r Request) (*models, error) {
	m := &models{config: r.Config, log: env.Log}
	asks, simulated := false, false
	for _, name := range r.Stages {
		var endpoints []*config.Endpoint
		switch {
		case name == Gen && r.Config.Gen.Endpoint != nil:
			endpoints = append(endpoints, r.Config.Gen.Endpoint)
		case name == Label:
			for _, a := range r.Config.Label.Annotators {
				endpoints = append(endpoints, a.Endpoint)
			}
		}
		for _, e := range endpoints {
			asks, simulated = true, simulated || e.Simulated()
		}
	}
	var err error
	if asks {
		if m.journal, err = journal.Open(filepath.Join(r.Out, "journal"), env.Log); err != nil {
			return nil, err
		}
	}
	if simulated {
		if m.server, err = sim.Start(ctx, World(r.Config), "", env.Log); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	return m, nil
}

// World is the simulated world that a config describes.
func World(c *config.Config) *sim.World {
	w := &sim.World{Seed: uint64(c.Simulator.Seed), Annotators: map[string]sim.Annotator{}}
	for name, a := range c.Simulator.Annotators {
		w.Annotators[name] = sim.Annotator{Sensitivity: *a.Sensitivity, Specificity: *a.Specificity, Malformed: a.Malformed}
	}
	if rate := c.Simulator.FaultRate; rate > 0 {
		w.Faults = sim.Faults{Rate: rate, Seed: uint64(c.Simulator.Seed), Statuses: []int{429, 500, 503}}
	}
	return w
}

func (m *models) close() error {
	for _, c := range m.clients {
		c.Close()
	}
	var errs []error
	if m.server != nil {
		errs = append(errs, m.server.Close())
	}
	if m.journal != nil {
		errs = append(errs, m.journal.Close())
	}
	return errors.Join(errs...)
}

func (m *models) client(e *config.Endpoint) (*llm.Client, error) {
	endpoint := llm.Endpoint{
		URL: e.URL, Model: e.Model, KeyEnv: e.KeyEnv, Identity: e.Identity, Concurrency: e.Concurrency,
		Timeout: e.Timeout, Extra: e.Extra,
	}
	if endpoint.Identity == "" {
		endpoint.Identity = e.Model
	}
	if endpoint.Concurrency == 0 {
		endpoint.Concurrency = 16
	}
	if e.MaxRetries != nil {
		endpoint.MaxRetries = *e.MaxRetries
		if *e.MaxRetries == 0 {
			endpoint.MaxRetries = -1
		}
	}
	if e.Simulated() {
		// Another simulated world is another model: its replies must not be taken
		// from the journal of this one.
		endpoint.URL, endpoint.Simulated = m.server.URL(), true
		endpoint.Identity = fmt.Sprintf("simulated/%s/seed=%d", e.Model, m.config.Simulator.Seed)
		if a, ok := m.config.Simulator.Annotators[e.Model]; ok {
			endpoint.Identity += fmt.Sprintf("/sensitivity=%v/specificity=%v/malformed=%v", *a.Sensitivity, *a.Specificity, a.Malformed)
		}
	}
	c, err := llm.New(endpoint, m.journal, m.log)
	if err != nil {
		return nil, err
	}
	m.clients = append(m.clients, c)
	return c, nil
}

func (m *models) labelOptions(l *config.Label) (label.Options, error) {
	o := label.Options{Vote: verify.Rule(l.Vote), RequireBoxed: *l.RequireBoxed, RequireFinished: *l.RequireFinished}
	for i, a := range l.Annotators {
		key := fmt.Sprintf("label.annotators[%d]", i)
		prompt, err := text(a.Prompt, "")
		if err != nil {
			return o, err
		}
		system, err := text(a.System, "")
		if err != nil {
			return o, err
		}
		profile := model.Profile{
			Name: a.Name, Prompt: prompt, System: system, Parser: a.Parser, Temperature: a.Temperature, TopP: a.TopP,
			MaxTokens: a.MaxTokens, Stop: a.Stop, Attempts: a.Attempts,
		}
		if err := profile.Validate(); err != nil {
			return o, m.config.Errorf(key, "%v", err)
		}
		client, err := m.client(a.Endpoint)
		if err != nil {
			return o, err
		}
		endpoint := client.Endpoint()
		o.Annotators = append(o.Annotators, label.Annotator{
			Name: a.Name, Verifier: model.New(profile, client), Concurrency: endpoint.Concurrency, Simulated: endpoint.Simulated,
			Cost: manifest.Price{In: a.Endpoint.PriceIn, Out: a.Endpoint.PriceOut}.Cost,
			Settings: struct {
				Profile  model.Profile  `json:"profile"`
				Model    string         `json:"model"`
				Identity string         `json:"identity"`
				Extra    map[string]any `json:"extra,omitempty"`
			}{profile, endpoint.Model, endpoint.Identity, endpoint.Extra},
		})
	}
	return o, nil
}
