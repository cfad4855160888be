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
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

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

// oneOf checks a word; the first is the default.
func (k *checker) oneOf(key string, word *string, words ...string) {
	defaultText(word, words[0])
	if !slices.Contains(words, *word) {
		k.fail(key, "%q is none of %s%s", *word, strings.Join(words, ", "), suggest(*word, words))
	}
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
