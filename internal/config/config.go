// Package config reads the YAML file that describes a run.
//
// It is strict: an unknown key, a wrong type, a value out of range or a file that
// is not there is an [Error] that names the file, the line, the key and what
// would be right. All mistakes of keys and types are reported at once and, where
// there are none, all mistakes of values. Paths in a config are relative to the
// directory of the config. A config names environment variables that hold keys,
// never keys.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"tinyv/internal/llm"
	"tinyv/verify"
)

// SimulatedURL is the endpoint URL that stands for the simulated model server,
// which a run starts by itself on the loopback interface.
const SimulatedURL = "simulated"

// DefaultDataset is the name that exports have in dataset_info.json.
const DefaultDataset = "tinyv"

// defaultSeed is that of the published fine-tune.
const defaultSeed = 42

// DefaultTemplate is the chat template of the published fine-tune.
const DefaultTemplate = "qwen"

// Config is a whole run. A stage is part of the run if its block is there.
type Config struct {
	Seed      int64      `yaml:"seed"`    // of everything that is drawn: sampling, balance, split
	Journal   string     `yaml:"journal"` // directory of the journal; default is journal/ in the run's own. Runs that name one share its replies
	Limits    *Limits    `yaml:"limits"`
	Simulator *Simulator `yaml:"simulator"`
	Problems  *Problems  `yaml:"problems"`
	Gen       *Gen       `yaml:"gen"`
	Label     *Label     `yaml:"label"`
	Balance   *Balance   `yaml:"balance"`
	Export    *Export    `yaml:"export"`
	Train     *Train     `yaml:"train"`
	Eval      *Eval      `yaml:"eval"`
	Ablation  *Ablation  `yaml:"ablation"` // sets for `tinyv balance --grid` and `tinyv ablate`

	Verifiers map[string]Verifier `yaml:"verifiers"` // by name, for `tinyv eval` and `tinyv ablate`

	Path  string         `yaml:"-"` // the file it was read from
	lines map[string]int // of every key, for later errors
}

// Limits end a run. Every one of them leaves it resumable.
type Limits struct {
	MaxCost       float64        `yaml:"max_cost"`       // US dollars, of all replies in the journal; 0 is no limit
	MaxTokens     int64          `yaml:"max_tokens"`     // prompt and completion, of all replies in the journal; 0 is no limit
	MaxUnanswered int            `yaml:"max_unanswered"` // requests in a row that may go without a reply; default 20
	Patience      *time.Duration `yaml:"patience"`       // how long all endpoints of a role may fail, once they have worked; default 10m
}

// Simulator describes the simulated world behind endpoints with url: simulated.
type Simulator struct {
	Seed       int64                         `yaml:"seed"`
	Annotators map[string]SimulatedAnnotator `yaml:"annotators"` // by model name
	FaultRate  float64                       `yaml:"fault_rate"` // share of requests that fail at first, 0 to 1
}

// SimulatedAnnotator states how good a simulated annotator is.
type SimulatedAnnotator struct {
	Sensitivity *float64 `yaml:"sensitivity"` // share of right answers it calls right, 0 to 1; default 1
	Specificity *float64 `yaml:"specificity"` // share of wrong answers it calls wrong, 0 to 1; default 1
	Malformed   float64  `yaml:"malformed"`   // share of its replies that hold no verdict, 0 to 1
}

// Input is what problems and imported rollouts have in common.
type Input struct {
	Path                 string            `yaml:"path"`                    // a file, or a directory of parts
	Columns              map[string]string `yaml:"columns"`                 // our name: dotted path in the input
	GroundTruthAfter     string            `yaml:"ground_truth_after"`      // keep what follows the last of these in the ground truth
	QuestionSuffix       string            `yaml:"question_suffix"`         // cut this instruction off the end of questions
	DropSelfTestFailures bool              `yaml:"drop_self_test_failures"` // leave out problems whose own ground truth the rule verifier refuses
	Limit                int64             `yaml:"limit"`                   // read this many rows only; 0 is all
}

// Problems says where problems come from: a path, or the simulated world.
type Problems struct {
	Input
	Simulated int `yaml:"simulated"` // this many problems of the simulated world
}

// Gen is stage 1: sample replies, or import replies sampled elsewhere.
type Gen struct {
	Import   *Input `yaml:"import"`
	Verifier string `yaml:"verifier"` // the rule verifier; default prime

	Endpoint    *Endpoint  `yaml:"endpoint"`
	Endpoints   []Endpoint `yaml:"endpoints"` // several servers of one model, in place of endpoint
	Prompt      string     `yaml:"prompt"`    // file of the user message, with {{QUESTION}}
	System      string     `yaml:"system"`    // file of the system message; none by default
	Samples     int        `yaml:"samples"`
	Temperature *float64   `yaml:"temperature"`
	TopP        *float64   `yaml:"top_p"`
	MaxTokens   int        `yaml:"max_tokens"`
	Stop        []string   `yaml:"stop"`
	SendSeed    *bool      `yaml:"send_seed"` // send a seed per reply, derived from the run's; default true
}

// Endpoint is an OpenAI-compatible model server.
type Endpoint struct {
	URL               string            `yaml:"url"`      // base URL, ending in /v1, or "simulated"
	Model             string            `yaml:"model"`    // as the server calls it
	KeyEnv            string            `yaml:"key_env"`  // name of the environment variable with the key; none by default
	Identity          string            `yaml:"identity"` // what the journal knows the model by; default is model
	Mode              string            `yaml:"mode"`     // chat (default) or batch
	Concurrency       int               `yaml:"concurrency"`
	RequestsPerMinute float64           `yaml:"requests_per_minute"`
	TokensPerMinute   float64           `yaml:"tokens_per_minute"`
	Weight            float64           `yaml:"weight"` // share of the work against that of the role's other endpoints; default 1
	Timeout           time.Duration     `yaml:"timeout"`
	IdleTimeout       time.Duration     `yaml:"idle_timeout"` // between two pieces of one answer; default 2m
	MaxRetries        *int              `yaml:"max_retries"`
	Extra             map[string]any    `yaml:"extra"`     // body fields passed through: top_k, min_p, reasoning_effort, ...
	Headers           map[string]string `yaml:"headers"`   // sent with every request; $NAME is the value of the environment variable NAME
	PriceIn           *float64          `yaml:"price_in"`  // US dollars per million prompt tokens
	PriceOut          *float64          `yaml:"price_out"` // US dollars per million completion tokens
}

// Simulated reports whether the endpoint is the simulated server.
func (e *Endpoint) Simulated() bool { return e.URL == SimulatedURL }

// Label is stage 2: annotate the rejections.
type Label struct {
	Vote            string      `yaml:"vote"`             // unanimous (default), majority, any or weighted
	Staged          bool        `yaml:"staged"`           // ask an annotator only while the vote is open; never changes a label
	RequireBoxed    *bool       `yaml:"require_boxed"`    // replies without a box stay behind; default true, as published
	RequireFinished *bool       `yaml:"require_finished"` // replies cut off by length stay behind; default true
	Acceptances     float64     `yaml:"acceptances"`      // share of what the rule accepts that is annotated too, 0 to 1; default 0
	MaxUndecided    *float64    `yaml:"max_undecided"`    // share of undecided rows above which the exit code is 3; default 1 (never)
	Annotators      []Annotator `yaml:"annotators"`
	TieBreaker      *Annotator  `yaml:"tie_breaker"` // asked when the annotators disagree; none by default
	Synthetic       *Synthetic  `yaml:"synthetic"`   // answers that no model sampled; none by default
	Taxonomy        *Taxonomy   `yaml:"taxonomy"`    // a model says, too, why the rule rejected a correct answer; none by default
}

// Annotator is one model that labels answers.
type Annotator struct {
	Name        string     `yaml:"name"`
	Endpoint    *Endpoint  `yaml:"endpoint"`
	Endpoints   []Endpoint `yaml:"endpoints"` // several servers of one model, in place of endpoint
	Weight      *float64   `yaml:"weight"`    // under vote: weighted; default 1
	Profile     *Profile   `yaml:"profile"`   // prompt, parser and sampling from a file, in place of prompt and parser
	Prompt      string     `yaml:"prompt"`    // file of the user message
	System      string     `yaml:"system"`    // file of the system message; none by default
	Parser      string     `yaml:"parser"`    // how a reply becomes a verdict: json (default), true_false, ...
	Threshold   *float64   `yaml:"threshold"` // of parser score
	Temperature *float64   `yaml:"temperature"`
	TopP        *float64   `yaml:"top_p"`
	MaxTokens   int        `yaml:"max_tokens"`
	Stop        []string   `yaml:"stop"`
	Samples     int        `yaml:"samples"`    // replies, whose majority is the annotator's vote; default 1
	Attempts    int        `yaml:"attempts"`   // to get each of them until one parses; default 2, at temperature 0 1
	Structured  bool       `yaml:"structured"` // ask for JSON by a schema, where the endpoint offers that
	Confidence  bool       `yaml:"confidence"` // ask for token probabilities, and keep that of the verdict
}

// Profile names a profile in a file.
type Profile struct {
	File string `yaml:"file"` // JSON in the layout of the published verifiers, or YAML
	Name string `yaml:"name"`
}

// Synthetic makes answers for the annotators that no model sampled.
type Synthetic struct {
	Endpoint        *Endpoint  `yaml:"endpoint"` // of the generator
	Endpoints       []Endpoint `yaml:"endpoints"`
	Equivalents     int        `yaml:"equivalents"` // ways to write the ground truth to ask for, per problem
	Prompt          string     `yaml:"prompt"`      // file of the user message that asks for them
	NearMisses      int        `yaml:"near_misses"` // wrong answers close to the ground truth, made by rule, per problem
	NearMissesAsked int        `yaml:"near_misses_asked"`
	NearMissPrompt  string     `yaml:"near_miss_prompt"`
	Hardening       float64    `yaml:"hardening"`     // share of problems that get an answer which attacks verifiers, 0 to 1
	ProblemShare    *float64   `yaml:"problem_share"` // share of problems that are taken at all, 0 to 1; default 1
	Temperature     *float64   `yaml:"temperature"`
	TopP            *float64   `yaml:"top_p"`
	MaxTokens       int        `yaml:"max_tokens"`
}

// Asks reports whether a generator is asked.
func (s *Synthetic) Asks() bool { return s.Equivalents > 0 || s.NearMissesAsked > 0 }

// Taxonomy asks a model for the class of each false negative.
type Taxonomy struct {
	Endpoint    *Endpoint  `yaml:"endpoint"`
	Endpoints   []Endpoint `yaml:"endpoints"`
	Prompt      string     `yaml:"prompt"` // file of the user message
	Temperature *float64   `yaml:"temperature"`
	TopP        *float64   `yaml:"top_p"`
	MaxTokens   int        `yaml:"max_tokens"`
}

// Load reads and checks the config at path. importPath, if not empty, takes the
// place of gen.import.path; unlike that it is relative to the working directory.
func Load(path, importPath string) (*Config, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &Error{File: path, Msg: "no such file; --config takes a path such as configs/quickstart.yaml"}
	}
	if err != nil {
		return nil, &Error{File: path, Msg: err.Error()}
	}
	c := &Config{Seed: defaultSeed, Path: path}
	d, err := decode(path, data, c)
	if err != nil {
		return nil, err
	}
	c.lines = d.lines
	if importPath != "" {
		if c.Gen == nil || c.Gen.Import == nil {
			return nil, c.Errorf("gen.import", "is missing, and --import gives a file to import; add:\n    gen:\n      import: {}")
		}
		if c.Gen.Import.Path, err = filepath.Abs(importPath); err != nil {
			return nil, err
		}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// Default is a config that names nothing: for what needs no model.
func Default() *Config {
	c := &Config{Seed: defaultSeed}
	k := &checker{c: c}
	k.limits(c)
	return c
}

// Stages lists the stages that the config names, in the order in which they run.
func (c *Config) Stages() []string {
	var stages []string
	for _, s := range []struct {
		name  string
		named bool
	}{
		{"gen", c.Gen != nil}, {"label", c.Label != nil}, {"balance", c.Balance != nil},
		{"export", c.Export != nil}, {"train", c.Train != nil},
	} {
		if s.named {
			stages = append(stages, s.name)
		}
	}
	return stages
}

// Errorf returns an Error at a key of the config.
func (c *Config) Errorf(key, format string, args ...any) error {
	line, at := 0, key
	for at != "" && line == 0 { // an absent key is reported at the block that lacks it
		line = c.lines[at]
		at = at[:max(strings.LastIndexByte(at, '.'), 0)]
	}
	return &Error{File: c.Path, Line: line, Key: key, Msg: fmt.Sprintf(format, args...)}
}

// checker collects the mistakes that types alone do not show, and fills defaults.
type checker struct {
	c      *Config
	errors []error
}

func (k *checker) fail(key, format string, args ...any) {
	k.errors = append(k.errors, k.c.Errorf(key, format, args...))
}

func (c *Config) check() error {
	k := &checker{c: c}
	if c.Gen == nil && c.Label == nil && c.Balance == nil && c.Export == nil && c.Train == nil && c.Ablation == nil && c.Verifiers == nil && c.Eval == nil {
		k.fail("", "names no stage; add at least one of the blocks gen, label, balance, export, train")
	}
	k.limits(c)
	k.simulator(c.Simulator)
	k.problems(c)
	k.gen(c.Gen)
	k.label(c.Label)
	k.balance(c.Balance)
	k.ablation(c.Ablation)
	k.export(c.Export)
	k.train(c.Train)
	k.verifiers(c.Verifiers)
	k.eval(c.Eval)
	return errors.Join(k.errors...)
}

func (k *checker) limits(c *Config) {
	if c.Journal != "" && !filepath.IsAbs(c.Journal) {
		c.Journal = filepath.Join(filepath.Dir(c.Path), c.Journal)
	}
	if c.Limits == nil {
		c.Limits = &Limits{}
	}
	l := c.Limits
	fill(&l.Patience, 10*time.Minute)
	k.positive("limits.max_unanswered", &l.MaxUnanswered, 20)
	if !(l.MaxCost >= 0) {
		k.fail("limits.max_cost", "must be 0 (no limit) or more US dollars, not %v", l.MaxCost)
	}
	if l.MaxTokens < 0 {
		k.fail("limits.max_tokens", "must be 0 (no limit) or more, not %d", l.MaxTokens)
	}
}

func (k *checker) simulator(s *Simulator) {
	if s == nil {
		return
	}
	k.share("simulator.fault_rate", &s.FaultRate)
	for _, name := range slices.Sorted(maps.Keys(s.Annotators)) {
		a, key := s.Annotators[name], "simulator.annotators."+name
		fill(&a.Sensitivity, 1.0)
		fill(&a.Specificity, 1.0)
		k.share(key+".sensitivity", a.Sensitivity)
		k.share(key+".specificity", a.Specificity)
		k.share(key+".malformed", &a.Malformed)
		s.Annotators[name] = a
	}
}

func (k *checker) problems(c *Config) {
	p := c.Problems
	imports := c.Gen != nil && c.Gen.Import != nil
	switch {
	case p == nil && c.Gen != nil && !imports:
		k.fail("problems", "is missing; say where problems come from:\n    problems:\n      path: FILE        # Parquet or JSON lines, with the columns problem and answer\n  or give gen.import for replies that were sampled elsewhere")
		return
	case p == nil:
		return
	case imports:
		k.fail("problems", "and gen.import are both given; imported rollouts bring their problems with them, so remove one")
		return
	case (p.Path == "") == (p.Simulated == 0):
		k.fail("problems", "needs either path (a file or directory of problems) or simulated (how many made-up problems), and not both")
		return
	case p.Simulated < 0:
		k.fail("problems.simulated", "must be 1 or more, not %d", p.Simulated)
	}
	if p.Simulated > 0 {
		if c.Simulator == nil {
			c.Simulator = &Simulator{}
		}
		return
	}
	k.input("problems", &p.Input, problemColumns)
}

// The columns that a config may rename.
var (
	problemColumns = []string{"problem_id", "question", "ground_truth", "source", "domain", "llama8b_solve_rate"}
	importColumns  = append(slices.Clone(problemColumns), "response", "responses", "sample", "model", "finish_reason", "known_correct")
)

func (k *checker) input(key string, in *Input, columns []string) {
	k.file(key+".path", &in.Path, "a file or a directory of parts (.parquet, .jsonl, .jsonl.gz, .jsonl.zst, .json)")
	if in.Limit < 0 {
		k.fail(key+".limit", "must be 0 (all rows) or more, not %d", in.Limit)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Columns)) {
		if !slices.Contains(columns, name) {
			k.fail(key+".columns."+name, "is not a column that can be named%s; it may be one of: %s", suggest(name, columns), strings.Join(columns, ", "))
		}
	}
}

func (k *checker) gen(g *Gen) {
	if g == nil {
		return
	}
	if g.Verifier == "" {
		g.Verifier = "prime"
	}
	if g.Verifier != "prime" {
		k.fail("gen.verifier", "%q is not a rule verifier; the one there is is prime", g.Verifier)
	}
	if g.Import != nil {
		if g.Import.Path == "" {
			k.fail("gen.import.path", "is missing; name the file of replies")
			return
		}
		k.input("gen.import", g.Import, importColumns)
		if g.Endpoint != nil || g.Endpoints != nil {
			k.fail("gen.endpoint", "and gen.import are both given; replies are either sampled or imported, so remove one")
		}
		return
	}
	g.Endpoints = k.endpoints("gen", g.Endpoint, g.Endpoints, "sim-solver")
	if g.Prompt != "" {
		k.prompt("gen.prompt", &g.Prompt, "{{QUESTION}}")
	}
	k.optionalFile("gen.system", &g.System)
	k.positive("gen.samples", &g.Samples, 4)
	k.positive("gen.max_tokens", &g.MaxTokens, 32768)
	k.sampling("gen", &g.Temperature, 1, &g.TopP, 1)
	fill(&g.SendSeed, true)
}

func (k *checker) label(l *Label) {
	if l == nil {
		return
	}
	if l.Vote == "" {
		l.Vote = "unanimous"
	}
	if rules := verify.Rules(); !slices.Contains(rules, verify.Rule(l.Vote)) {
		k.fail("label.vote", "%q is not a vote rule; it may be one of %q", l.Vote, rules)
	}
	k.share("label.acceptances", &l.Acceptances)
	fill(&l.RequireBoxed, true)
	fill(&l.RequireFinished, true)
	fill(&l.MaxUndecided, 1.0)
	k.share("label.max_undecided", l.MaxUndecided)
	if len(l.Annotators) == 0 {
		k.fail("label.annotators", "is missing; name at least one annotator:\n    annotators:\n      - name: judge-a\n        prompt: prompts/judge-json.txt\n        endpoint: {url: http://localhost:8000/v1, model: NAME, key_env: NAME_OF_KEY_VARIABLE}")
	}
	seen := map[string]bool{}
	for i := range l.Annotators {
		k.annotator(fmt.Sprintf("label.annotators[%d]", i), &l.Annotators[i], seen)
	}
	if l.TieBreaker != nil {
		k.annotator("label.tie_breaker", l.TieBreaker, seen)
	}
	k.synthetic(l.Synthetic)
	if t := l.Taxonomy; t != nil {
		t.Endpoints = k.endpoints("label.taxonomy", t.Endpoint, t.Endpoints, "sim-classifier")
		if t.Prompt == "" {
			k.fail("label.taxonomy.prompt", "is missing; name a prompt file such as prompts/taxonomy.txt")
		} else {
			k.prompt("label.taxonomy.prompt", &t.Prompt, "{{GROUND_TRUTH_ANSWER}}", "{{MODEL_ANSWER}}")
		}
		k.sampling("label.taxonomy", &t.Temperature, 0, &t.TopP, 1)
		k.positive("label.taxonomy.max_tokens", &t.MaxTokens, 512)
	}
}

func (k *checker) annotator(key string, a *Annotator, seen map[string]bool) {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(a.Name) {
		k.fail(key+".name", "must be letters, digits, '.', '_' or '-', not %q", a.Name)
	}
	if seen[a.Name] {
		k.fail(key+".name", "%q is already the name of another annotator", a.Name)
	}
	seen[a.Name] = true
	a.Endpoints = k.endpoints(key, a.Endpoint, a.Endpoints, "sim-annotator-a")
	fill(&a.Weight, 1.0)
	if !(*a.Weight >= 0) {
		k.fail(key+".weight", "must be 0 or more, not %v", *a.Weight)
	}
	if a.Profile != nil {
		k.profile(key, a)
	} else {
		if a.Prompt == "" {
			k.fail(key+".prompt", "is missing; name a prompt file such as prompts/judge-json.txt, or a profile")
		} else {
			k.prompt(key+".prompt", &a.Prompt, "{{GROUND_TRUTH_ANSWER}}", "{{MODEL_ANSWER}}")
		}
		defaultText(&a.Parser, "json")
		k.positive(key+".max_tokens", &a.MaxTokens, 1024)
		k.sampling(key, &a.Temperature, 0, &a.TopP, 1)
	}
	k.optionalFile(key+".system", &a.System)
	if a.Profile == nil {
		attempts := 2
		if *a.Temperature == 0 {
			attempts = 1 // asked again, a greedy model would say the same and be paid twice
		}
		k.positive(key+".attempts", &a.Attempts, attempts)
		k.positive(key+".samples", &a.Samples, 1)
	}
	for j, e := range a.Endpoints {
		if !k.simulated(&e) {
			continue
		}
		if _, ok := k.c.Simulator.Annotators[e.Model]; !ok {
			k.fail(endpointKey(key, a.Endpoint, j)+".model", "%q is not a simulated annotator; add it:\n    simulator:\n      annotators:\n        %s: {sensitivity: 0.97, specificity: 0.98}", e.Model, e.Model)
		}
	}
}

// profile checks an annotator whose prompt and parser come from a file.
func (k *checker) profile(key string, a *Annotator) {
	if a.Prompt != "" || a.Parser != "" || a.Threshold != nil {
		k.fail(key+".profile", "brings prompt and parser with it; remove prompt, parser and threshold, or the profile")
	}
	if a.Profile.Name == "" {
		k.fail(key+".profile.name", "is missing; name the profile in the file")
	}
	if a.Profile.File == "" {
		k.fail(key+".profile.file", "is missing; name a file of profiles")
		return
	}
	k.file(key+".profile.file", &a.Profile.File, "a file of profiles, JSON or YAML")
}

func (k *checker) synthetic(s *Synthetic) {
	if s == nil {
		return
	}
	const key = "label.synthetic"
	if !s.Asks() && s.NearMisses == 0 && s.Hardening == 0 {
		k.fail(key, "makes nothing; give at least one of equivalents, near_misses, near_misses_asked and hardening")
	}
	for name, n := range map[string]int{"equivalents": s.Equivalents, "near_misses": s.NearMisses, "near_misses_asked": s.NearMissesAsked} {
		if n < 0 || n > 100 {
			k.fail(key+"."+name, "must be from 0 to 100, not %d", n)
		}
	}
	fill(&s.ProblemShare, 1.0)
	k.share(key+".hardening", &s.Hardening)
	k.share(key+".problem_share", s.ProblemShare)
	if *s.ProblemShare == 0 {
		k.fail(key+".problem_share", "0 would take no problem; remove label.synthetic instead")
	}
	k.sampling(key, &s.Temperature, 1, &s.TopP, 1)
	k.positive(key+".max_tokens", &s.MaxTokens, 2048)
	if s.Asks() || s.Endpoint != nil || s.Endpoints != nil {
		s.Endpoints = k.endpoints(key, s.Endpoint, s.Endpoints, "sim-generator")
	}
	for _, p := range []struct {
		key   string
		path  *string
		asked int
	}{{"prompt", &s.Prompt, s.Equivalents}, {"near_miss_prompt", &s.NearMissPrompt, s.NearMissesAsked}} {
		switch {
		case *p.path != "":
			k.prompt(key+"."+p.key, p.path, "{{QUESTION}}", "{{GROUND_TRUTH_ANSWER}}", "{{COUNT}}")
		case p.asked > 0:
			k.fail(key+"."+p.key, "is missing; name a prompt file such as prompts/synthesize.txt or prompts/near-miss.txt")
		}
	}
}

func (k *checker) simulated(e *Endpoint) bool {
	if e == nil || !e.Simulated() {
		return false
	}
	if k.c.Simulator == nil {
		k.c.Simulator = &Simulator{}
	}
	return true
}

// oneOf checks a word; the first is the default.
func (k *checker) oneOf(key string, word *string, words ...string) {
	defaultText(word, words[0])
	if !slices.Contains(words, *word) {
		k.fail(key, "%q is none of %s%s", *word, strings.Join(words, ", "), suggest(*word, words))
	}
}

// endpoints checks the endpoints of a role, given as one or as a list, and returns
// the list.
func (k *checker) endpoints(role string, one *Endpoint, many []Endpoint, simulatedModel string) []Endpoint {
	switch {
	case one == nil && len(many) == 0:
		k.fail(role+".endpoint", "is missing; add the model server that answers:\n    endpoint:\n      url: http://localhost:8000/v1   # any OpenAI-compatible server; or: simulated\n      model: NAME                     # as the server calls it; simulated: %s\n      key_env: NAME_OF_KEY_VARIABLE   # leave out if the server needs no key", simulatedModel)
		return nil
	case one != nil && many != nil:
		k.fail(role+".endpoints", "and %s.endpoint are both given; put all servers into endpoints", role)
		return nil
	case one != nil:
		many = []Endpoint{*one}
	}
	for i := range many {
		k.endpoint(endpointKey(role, one, i), &many[i])
	}
	first := many[0]
	for i, e := range many[1:] {
		key := endpointKey(role, one, i+1)
		switch {
		case cmp.Or(e.Identity, e.Model) != cmp.Or(first.Identity, first.Model):
			k.fail(key+".identity", "makes this another model than that of the first endpoint: %q and %q. Endpoints of one role are servers of one model; if these are, give both the same identity", cmp.Or(e.Identity, e.Model), cmp.Or(first.Identity, first.Model))
		case e.Simulated() != first.Simulated():
			k.fail(key+".url", "mixes a simulated and a real server in one role")
		case e.Mode != first.Mode:
			k.fail(key+".mode", "is %s and that of the first endpoint is %s; give all endpoints of a role the same", e.Mode, first.Mode)
		case len(e.Extra)+len(first.Extra) > 0 && !reflect.DeepEqual(e.Extra, first.Extra):
			k.fail(key+".extra", "differs from that of the first endpoint, so the two would answer one request differently; give all endpoints of a role the same")
		}
	}
	return many
}

// endpointKey is the key of the ith endpoint of a role.
func endpointKey(role string, one *Endpoint, i int) string {
	if one != nil {
		return role + ".endpoint"
	}
	return fmt.Sprintf("%s.endpoints[%d]", role, i)
}

func (k *checker) endpoint(key string, e *Endpoint) {
	if e.Model == "" {
		k.fail(key+".model", "is missing; give the model's name as the server calls it")
	}
	if e.URL == "" {
		k.fail(key+".url", "is missing; give the base URL, such as http://localhost:8000/v1, or simulated")
	} else if !e.Simulated() && e.URL != ServedURL {
		u, err := url.Parse(e.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			k.fail(key+".url", "%q is not an http or https URL such as http://localhost:8000/v1", e.URL)
		} else if u.User != nil {
			k.fail(key+".url", "holds a user name or password; keys come from the environment variable that key_env names")
		}
	}
	if e.KeyEnv != "" && !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(e.KeyEnv) {
		k.fail(key+".key_env", "is not the name of an environment variable; never put a key itself in a config")
	}
	defaultText(&e.Mode, "chat")
	if e.Mode != "chat" && e.Mode != "batch" {
		k.fail(key+".mode", "%q is not a way to ask; it may be chat, or batch for servers that offer OpenAI's Batch API", e.Mode)
	}
	for name, x := range map[string]float64{"requests_per_minute": e.RequestsPerMinute, "tokens_per_minute": e.TokensPerMinute, "weight": e.Weight} {
		if !(x >= 0) || math.IsInf(x, 0) {
			k.fail(key+"."+name, "must be above 0, not %v", x)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if err := llm.CheckHeader(name, e.Headers[name]); err != nil {
			k.fail(key+".headers."+name, "%v", err)
		}
	}
	if k.c.Limits.MaxCost > 0 && (e.PriceIn == nil || e.PriceOut == nil) {
		k.fail(key, "has no price_in and price_out (US dollars per million tokens), and limits.max_cost needs both")
	}
	if e.Concurrency < 0 {
		k.fail(key+".concurrency", "must be 1 or more, not %d", e.Concurrency)
	}
	if e.MaxRetries != nil && *e.MaxRetries < 0 {
		k.fail(key+".max_retries", "must be 0 or more, not %d", *e.MaxRetries)
	}
	for name, price := range map[string]*float64{"price_in": e.PriceIn, "price_out": e.PriceOut} {
		if price != nil && !(*price >= 0) {
			k.fail(key+"."+name, "must be 0 or more US dollars per million tokens, not %v", *price)
		}
	}
	k.simulated(e)
}

func (k *checker) sampling(key string, temperature **float64, defaultTemperature float64, topP **float64, defaultTopP float64) {
	fill(temperature, defaultTemperature)
	fill(topP, defaultTopP)
	if t := **temperature; !(t >= 0 && t <= 2) {
		k.fail(key+".temperature", "must be from 0 to 2, not %v", t)
	}
	if p := **topP; !(p > 0 && p <= 1) {
		k.fail(key+".top_p", "must be above 0 and at most 1, not %v", p)
	}
}

func (k *checker) share(key string, x *float64) {
	if x != nil && !(*x >= 0 && *x <= 1) {
		k.fail(key, "must be a share from 0 to 1, not %v", *x)
	}
}

func (k *checker) positive(key string, n *int, defaultValue int) {
	if _, given := k.c.lines[key]; !given {
		*n = defaultValue
	}
	if *n < 1 {
		k.fail(key, "must be 1 or more, not %d", *n)
	}
}

// file makes the path absolute to the config's directory and checks that it is there.
func (k *checker) file(key string, path *string, what string) bool {
	given := *path
	if !filepath.IsAbs(given) {
		*path = filepath.Join(filepath.Dir(k.c.Path), given)
	}
	if _, err := os.Stat(*path); err != nil {
		k.fail(key, "%q: no such file or directory (looked for %s; paths are relative to the config file); it must be %s", given, *path, what)
		return false
	}
	return true
}

func (k *checker) optionalFile(key string, path *string) {
	if *path != "" {
		k.file(key, path, "a text file")
	}
}

func (k *checker) prompt(key string, path *string, placeholders ...string) {
	given := *path
	if !k.file(key, path, "a prompt file such as prompts/judge-json.txt") {
		return
	}
	text, err := os.ReadFile(*path)
	if err != nil {
		k.fail(key, "cannot be read: %v", err)
		return
	}
	for _, p := range placeholders {
		if !strings.Contains(string(text), p) {
			k.fail(key, "%q does not contain %s", given, p)
		}
	}
}

func fill[T any](p **T, value T) {
	if *p == nil {
		*p = &value
	}
}

func defaultText(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
