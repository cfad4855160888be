package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/train/eval/attack"
	"tinyv/train/eval/bench"
	"tinyv/verify/rules"
)

// Eval says how `tinyv ablate` measures what it trains. What is wrong with it is said
// before the first training: the measuring comes after hours of that.
type Eval struct {
	Verifier   string          `yaml:"verifier"` // a rule, or one of verifiers
	Benchmarks []EvalBenchmark `yaml:"benchmarks"`
	Attacks    []string        `yaml:"attacks"`  // families; [all] for every one; none by default
	Variants   []string        `yaml:"variants"` // rewritings that change no label; [all] for every one; none by default
	Repeats    int             `yaml:"repeats"`  // how often each row is asked; default 1
	Serve      string          `yaml:"serve"`    // vllm or llamafactory: starts the server of endpoints with url: served
	ServeArgs  []string        `yaml:"serve_args"`
}

// EvalBenchmark is a file of answers that are known to be right or wrong.
type EvalBenchmark struct {
	Name    string            `yaml:"name"` // default is the file's
	Path    string            `yaml:"path"`
	Columns map[string]string `yaml:"columns"` // our name: name in the file, dots reaching into objects
	Split   string            `yaml:"split"`   // of our own files: eval or held_out
}

func (k *checker) eval(e *Eval) {
	if e == nil {
		return
	}
	k.evaluated(e)
	if len(e.Benchmarks) == 0 {
		k.fail("eval.benchmarks", "is missing; name at least one file:\n    benchmarks:\n      - {name: hardverify-math, path: HardVerify-Math.json}")
	}
	seen := map[string]bool{}
	for i := range e.Benchmarks {
		b := &e.Benchmarks[i]
		key := fmt.Sprintf("eval.benchmarks[%d]", i)
		if b.Path == "" {
			k.fail(key+".path", "is missing; name the benchmark's file")
			continue
		}
		defaultText(&b.Name, strings.SplitN(filepath.Base(b.Path), ".", 2)[0])
		switch {
		case !filepath.IsLocal(b.Name) || b.Name == "." || filepath.Base(b.Name) != b.Name:
			k.fail(key+".name", "%q cannot be the name of a directory, which each benchmark gets for its results; take letters, digits and hyphens", b.Name)
		case seen[b.Name]:
			k.fail(key+".name", "%q is used twice, and the results of one would overwrite those of the other; give each benchmark a name of its own", b.Name)
		}
		seen[b.Name] = true
		b.Path = k.c.resolve(b.Path) // it is read when it is used: other commands do without it
		for _, name := range slices.Sorted(maps.Keys(b.Columns)) {
			if !slices.Contains(bench.Columns(), name) {
				k.fail(key+".columns."+name, "is not a column that can be named%s; it may be one of: %s", suggest(name, bench.Columns()), strings.Join(bench.Columns(), ", "))
			}
		}
	}
	k.names("eval.attacks", e.Attacks, attack.Families())
	k.names("eval.variants", e.Variants, attack.Variants())
	k.positive("eval.repeats", &e.Repeats, 1)
	if e.Serve != "" {
		k.oneOf("eval.serve", &e.Serve, "vllm", "llamafactory")
	}
}

// evaluated checks that the verifier is there, and that its server is started if it
// needs one.
func (k *checker) evaluated(e *Eval) {
	known := append(rules.Names(), slices.Sorted(maps.Keys(k.c.Verifiers))...)
	switch {
	case e.Verifier == "":
		k.fail("eval.verifier", "is missing; name a rule verifier such as prime, or one of verifiers")
		return
	case !slices.Contains(known, e.Verifier):
		k.fail("eval.verifier", "%q is not a verifier%s; it may be one of: %s", e.Verifier, suggest(e.Verifier, known), strings.Join(known, ", "))
		return
	}
	served := asksServed(k.c.Verifiers, e.Verifier, map[string]bool{})
	switch {
	case served && e.Serve == "":
		k.fail("eval.serve", "is missing, and %s asks an endpoint with url: %s; name the engine that is to serve the checkpoint: vllm or llamafactory", e.Verifier, ServedURL)
	case !served && e.Serve != "":
		k.fail("eval.serve", "is given, and %s asks no endpoint with url: %s, so the checkpoint would not be measured; name a verifier that does", e.Verifier, ServedURL)
	}
}

// asksServed reports whether the server of a checkpoint is behind a verifier.
func asksServed(all map[string]Verifier, name string, seen map[string]bool) bool {
	if seen[name] {
		return false
	}
	seen[name] = true
	v := all[name]
	if v.Model != nil && slices.ContainsFunc(v.Model.Endpoints, func(e Endpoint) bool { return e.URL == ServedURL }) {
		return true
	}
	members := v.Cascade
	if v.Vote != nil {
		members = v.Vote.Of
	}
	return slices.ContainsFunc(members, func(m string) bool { return asksServed(all, m, seen) })
}

// All stands for every name of a list.
const All = "all"

// names checks a list of names, or [all].
func (k *checker) names(key string, names, known []string) {
	if slices.Equal(names, []string{All}) {
		return
	}
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case name == All:
			k.fail(at, "is %q beside other names; it stands for every one, so remove the others", All)
		case !slices.Contains(known, name):
			k.fail(at, "%q is not known%s; it may be [%s], or of: %s", name, suggest(name, known), All, strings.Join(known, ", "))
		case slices.Contains(names[:i], name):
			k.fail(at, "%q is named twice", name)
		}
	}
}

// resolve makes a path of the config relative to the working directory, as all
// paths of a config are relative to the directory it is in.
func (c *Config) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.Path), path)
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
