package config

import (
	"maps"
	"slices"
	"strings"
)

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
