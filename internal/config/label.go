package config

import (
	"fmt"
	"regexp"
	"slices"

	"tinyv/verify"
)

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
