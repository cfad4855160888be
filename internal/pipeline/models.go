package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"tinyv/internal/config"
	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/internal/sim"
	"tinyv/internal/stage"
	"tinyv/label"
	"tinyv/label/taxonomy"
	"tinyv/verify"
	"tinyv/verify/model"
)

// models is what the stages of a run share to ask models: the journal, the
// simulated server if an endpoint names it, and the pools of endpoints.
type models struct {
	config  *config.Config
	log     *slog.Logger
	journal *journal.Journal // nil if no stage asks a model
	server  *sim.Running     // nil if no endpoint is simulated
	budget  *llm.Budget
	pools   []*llm.Pool

	verifiers map[string]named // those that are built
	served    *served          // nil unless a checkpoint is being served
	repeat    int              // which repetition the models are asked for
}

// openModels opens what the stages of a run ask.
func openModels(ctx context.Context, env stage.Env, r Request) (*models, error) {
	var endpoints []config.Endpoint
	for _, name := range r.Stages {
		switch name {
		case Gen:
			endpoints = append(endpoints, r.Config.Gen.Endpoints...)
		case Label:
			endpoints = append(endpoints, labelEndpoints(r.Config.Label)...)
		}
	}
	return openModelsOf(ctx, env, r, endpoints)
}

// openModelsOf opens the journal, if there are endpoints to ask, and the simulated
// server, if one of them names it.
func openModelsOf(ctx context.Context, env stage.Env, r Request, endpoints []config.Endpoint) (*models, error) {
	m := &models{config: r.Config, log: env.Log, verifiers: map[string]named{}}
	var err error
	if len(endpoints) > 0 {
		if m.journal, err = journal.Open(journalDir(r), env.Log); err != nil {
			return nil, err
		}
		limits, spent := r.Config.Limits, m.journal.Totals()
		m.budget = llm.NewBudget(limits.MaxCost, limits.MaxTokens, spent.CostUSD, spent.PromptTokens+spent.CompletionTokens)
	}
	if slices.ContainsFunc(endpoints, func(e config.Endpoint) bool { return e.Simulated() }) {
		if m.server, err = sim.Start(ctx, World(r.Config), "", env.Log); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	return m, nil
}

func labelEndpoints(l *config.Label) []config.Endpoint {
	var endpoints []config.Endpoint
	for _, a := range l.Annotators {
		endpoints = append(endpoints, a.Endpoints...)
	}
	if l.TieBreaker != nil {
		endpoints = append(endpoints, l.TieBreaker.Endpoints...)
	}
	if l.Synthetic != nil {
		endpoints = append(endpoints, l.Synthetic.Endpoints...)
	}
	if l.Taxonomy != nil {
		endpoints = append(endpoints, l.Taxonomy.Endpoints...)
	}
	return endpoints
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
	var errs []error
	for _, p := range m.pools {
		errs = append(errs, p.Close())
	}
	if m.server != nil {
		errs = append(errs, m.server.Close())
	}
	if m.served != nil {
		errs = append(errs, m.served.Close())
	}
	if m.journal != nil {
		errs = append(errs, m.journal.Close())
	}
	return errors.Join(errs...)
}

// journalDir is the journal that the config names, or the run's own.
func journalDir(r Request) string {
	if r.Config.Journal != "" {
		return r.Config.Journal
	}
	return filepath.Join(r.Out, "journal")
}

// pool opens the endpoints of one role. Each role has batches of its own, since one
// process at a time can have a queue of them open.
func (m *models) pool(ctx context.Context, r Request, role string, endpoints []config.Endpoint) (*llm.Pool, error) {
	o := llm.Options{
		Journal: m.journal, BatchDir: filepath.Join(journalDir(r), "batches", role), Budget: m.budget, Log: m.log,
		MaxUnanswered: m.config.Limits.MaxUnanswered, Patience: *m.config.Limits.Patience,
	}
	if o.Patience == 0 {
		o.Patience = -1
	}
	for _, e := range endpoints {
		o.Endpoints = append(o.Endpoints, m.endpoint(e))
		if e.Simulated() { // it answers a batch at once
			o.BatchGather, o.BatchPoll = 300*time.Millisecond, 100*time.Millisecond
		}
	}
	p, err := llm.New(ctx, o)
	if err != nil {
		return nil, err
	}
	m.pools = append(m.pools, p)
	return p, nil
}

func (m *models) endpoint(e config.Endpoint) llm.Endpoint {
	endpoint := llm.Endpoint{
		URL: e.URL, Model: e.Model, KeyEnv: e.KeyEnv, Identity: e.Identity, Mode: e.Mode, Concurrency: e.Concurrency,
		RequestsPerMinute: e.RequestsPerMinute, TokensPerMinute: e.TokensPerMinute, Weight: e.Weight,
		PriceIn: e.PriceIn, PriceOut: e.PriceOut, Timeout: e.Timeout, IdleTimeout: e.IdleTimeout,
		Extra: e.Extra, Headers: e.Headers,
	}
	if e.MaxRetries != nil {
		endpoint.MaxRetries = *e.MaxRetries
		if *e.MaxRetries == 0 {
			endpoint.MaxRetries = -1
		}
	}
	if e.URL == config.ServedURL && m.served != nil {
		endpoint.URL, endpoint.Identity = m.served.URL, m.served.identity
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
	return endpoint
}

func (m *models) labelOptions(ctx context.Context, r Request) (label.Options, error) {
	l := r.Config.Label
	o := label.Options{
		Vote: verify.Rule(l.Vote), Staged: l.Staged, RequireBoxed: *l.RequireBoxed, RequireFinished: *l.RequireFinished,
		Acceptances: l.Acceptances, Seed: r.Config.Seed,
	}
	for i, a := range l.Annotators {
		annotator, err := m.annotator(ctx, r, fmt.Sprintf("label.annotators[%d]", i), a)
		if err != nil {
			return o, err
		}
		o.Annotators = append(o.Annotators, annotator)
	}
	o.Category = func(question, groundTruth, answer string) string {
		category, _ := taxonomy.Classify(question, groundTruth, answer)
		return string(category)
	}
	if l.Taxonomy != nil {
		if err := m.taxonomy(ctx, r, &o); err != nil {
			return o, err
		}
	}
	if l.TieBreaker != nil {
		annotator, err := m.annotator(ctx, r, "label.tie_breaker", *l.TieBreaker)
		if err != nil {
			return o, err
		}
		o.TieBreaker = &annotator
	}
	return o, nil
}

func (m *models) annotator(ctx context.Context, r Request, key string, a config.Annotator) (label.Annotator, error) {
	profile, err := profileOf(a)
	if err != nil {
		return label.Annotator{}, m.config.Errorf(key, "%v", err)
	}
	profile.Repeat = m.repeat
	if err := profile.Validate(); err != nil {
		return label.Annotator{}, m.config.Errorf(key, "%v", err)
	}
	role := "label-" + a.Name
	if m.repeat > 0 {
		role += fmt.Sprintf("-%d", m.repeat)
	}
	pool, err := m.pool(ctx, r, role, a.Endpoints)
	if err != nil {
		return label.Annotator{}, err
	}
	return label.Annotator{
		Name: a.Name, Verifier: model.New(profile, pool), Samples: profile.Samples, Weight: *a.Weight, Concurrency: pool.Concurrency(), Simulated: pool.Model().Simulated, Calls: pool.Calls,
		Settings: struct {
			Profile model.Profile `json:"profile"`
			llm.Model
		}{profile, pool.Model()},
	}, nil
}

// taxonomy has a model say, too, why the rule rejected a correct answer.
func (m *models) taxonomy(ctx context.Context, r Request, o *label.Options) error {
	c := r.Config.Label.Taxonomy
	prompt, err := text(c.Prompt, "")
	if err != nil {
		return err
	}
	pool, err := m.pool(ctx, r, "taxonomy", c.Endpoints)
	if err != nil {
		return err
	}
	classifier := taxonomy.Classifier{Pool: pool, Prompt: prompt, Temperature: c.Temperature, TopP: c.TopP, MaxTokens: c.MaxTokens}
	o.CategoryLLM = classifier.Classify
	o.CategoryLLMSettings = struct {
		Classifier taxonomy.Classifier `json:"classifier"`
		llm.Model
	}{classifier, pool.Model()}
	return nil
}

// profileOf is how an annotator is asked: by the config's own keys, or by a profile
// in a file, over which those of the config's keys that are given win.
func profileOf(a config.Annotator) (model.Profile, error) {
	if a.Profile != nil {
		p, err := model.LoadProfile(a.Profile.File, a.Profile.Name)
		if err != nil {
			return p, err
		}
		p.Name = a.Name
		return override(p, a)
	}
	prompt, err := text(a.Prompt, "")
	if err != nil {
		return model.Profile{}, err
	}
	system, err := text(a.System, "")
	if err != nil {
		return model.Profile{}, err
	}
	return model.Profile{
		Name: a.Name, Prompt: prompt, System: system, Parser: a.Parser, Temperature: a.Temperature, TopP: a.TopP,
		MaxTokens: a.MaxTokens, Stop: a.Stop, Attempts: a.Attempts, Samples: several(a.Samples),
		Threshold: a.Threshold, Structured: a.Structured, Confidence: a.Confidence,
	}, nil
}

// several is the number of samples where it is more than one; one is what a profile
// has anyway, and what it was before there were several.
func several(samples int) int {
	if samples == 1 {
		return 0
	}
	return samples
}

func override(p model.Profile, a config.Annotator) (model.Profile, error) {
	if a.System != "" {
		system, err := text(a.System, "")
		if err != nil {
			return p, err
		}
		p.System = system
	}
	if a.Temperature != nil {
		p.Temperature = a.Temperature
	}
	if a.TopP != nil {
		p.TopP = a.TopP
	}
	if a.MaxTokens != 0 {
		p.MaxTokens = a.MaxTokens
	}
	if len(a.Stop) > 0 {
		p.Stop = a.Stop
	}
	if a.Samples > 1 {
		p.Samples = a.Samples
	}
	if a.Attempts > 0 {
		p.Attempts = a.Attempts
	}
	p.Structured = p.Structured || a.Structured
	p.Confidence = p.Confidence || a.Confidence
	return p, nil
}
