package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/train/eval/bench"
)

// Eval says how verifiers are measured: by `tinyv ablate`, and by `tinyv eval` where
// no flag says otherwise.
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
	if e.Verifier == "" {
		k.fail("eval.verifier", "is missing; name a rule verifier such as prime, or one of verifiers")
	}
	if len(e.Benchmarks) == 0 {
		k.fail("eval.benchmarks", "is missing; name at least one file:\n    benchmarks:\n      - {name: hardverify-math, path: HardVerify-Math.json}")
	}
	for i := range e.Benchmarks {
		b := &e.Benchmarks[i]
		key := fmt.Sprintf("eval.benchmarks[%d]", i)
		if b.Path == "" {
			k.fail(key+".path", "is missing; name the benchmark's file")
			continue
		}
		defaultText(&b.Name, strings.SplitN(filepath.Base(b.Path), ".", 2)[0])
		k.file(key+".path", &b.Path, "a file of labelled answers (.json, .jsonl, .parquet)")
		for _, name := range slices.Sorted(maps.Keys(b.Columns)) {
			if !slices.Contains(bench.Columns(), name) {
				k.fail(key+".columns."+name, "is not a column that can be named%s; it may be one of: %s", suggest(name, bench.Columns()), strings.Join(bench.Columns(), ", "))
			}
		}
	}
	k.positive("eval.repeats", &e.Repeats, 1)
	if e.Serve != "" {
		k.oneOf("eval.serve", &e.Serve, "vllm", "llamafactory")
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
