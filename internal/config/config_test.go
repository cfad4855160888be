package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tinyv/internal/config"
)

// write makes a directory with a config and the files that configs name.
func write(t *testing.T, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"c.yaml":    yaml,
		"judge.txt": "{{QUESTION}} {{GROUND_TRUTH_ANSWER}} {{MODEL_ANSWER}}",
		"plain.txt": "no placeholder",
		"blank.txt": " \n",
		"in.jsonl":  `{"problem": "1+1", "answer": "2"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "c.yaml")
}

const whole = `seed: 1
problems:
  path: in.jsonl
  columns: {question: extra_info.question}
gen:
  endpoint: {url: "http://localhost:8000/v1", model: m, key_env: KEY, extra: {top_k: 20, chat_template_kwargs: {enable_thinking: false}}, timeout: 90s, price_in: 0.5, price_out: 1}
  temperature: 0
label:
  annotators:
    - {name: a, prompt: judge.txt, endpoint: {url: "https://api.example.com/v1", model: m}}
balance: {}
export: {prompt: judge.txt}
train: {}
`

func TestLoad(t *testing.T) {
	path := write(t, whole)
	c, err := config.Load(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Stages(), " "); got != "gen label balance export train" {
		t.Errorf("stages are %s", got)
	}
	if c.Problems.Path != filepath.Join(filepath.Dir(path), "in.jsonl") {
		t.Errorf("path %q is not relative to the config", c.Problems.Path)
	}
	if *c.Gen.Temperature != 0 {
		t.Errorf("temperature 0 became %v", *c.Gen.Temperature)
	}
	if c.Gen.Samples != 4 || c.Gen.MaxTokens != 32768 || *c.Gen.TopP != 1 || !*c.Gen.SendSeed {
		t.Errorf("published defaults of sampling are missing: %+v", c.Gen)
	}
	if c.Gen.Endpoint.Timeout.Seconds() != 90 || c.Gen.Endpoint.Extra["top_k"] != 20 {
		t.Errorf("endpoint: %+v", c.Gen.Endpoint)
	}
	if a := c.Label.Annotators[0]; *a.Temperature != 0 || a.Attempts != 1 {
		t.Errorf("a greedy annotator is asked %d times", a.Attempts)
	}
	if c.Label.Vote != "unanimous" || !*c.Label.RequireBoxed || c.Balance.Ratio != "1:1" || *c.Train.LearningRate != 1e-5 {
		t.Errorf("defaults are missing: %+v %+v %+v", c.Label, c.Balance, c.Train)
	}
}

// TestMistakes says of each mistake what the message must name.
// evaluated is a config's end that measures a verifier on a benchmark.
func evaluated(verifier, benchmark string) string {
	return "train: {}\nverifiers:\n  mine:\n    model: {prompt: judge.txt, endpoint: {url: served, model: m}}\neval:\n  verifier: " + verifier + "\n  benchmarks: [{" + benchmark + "}]"
}

func TestMistakes(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"unknown key", "  temperature: 0", "  temprature: 0", []string{"c.yaml:7:", "gen.temprature", `did you mean "temperature"?`, "one of: import"}},
		{"unknown key in a list", "{name: a,", "{name: a, modle: x,", []string{"c.yaml:10:", "label.annotators[0].modle"}},
		{"text for a number", "temperature: 0", "temperature: warm", []string{"c.yaml:7:", "gen.temperature", "a number", `"warm"`}},
		{"number for text", "model: m, key_env", "model: 7, key_env", []string{"c.yaml:6:", "gen.endpoint.model", `"7"`, "quotes"}},
		{"truth value for text", "model: m, key_env", "model: yes, key_env", nil},
		{"list for a block", "balance: {}", "balance: [1]", []string{"c.yaml:11:", "balance", "a block of keys"}},
		{"no value", "balance: {}", "balance:", []string{"c.yaml:11:", "balance", "has no value", "`{}`"}},
		{"given twice", "seed: 1", "seed: 1\nseed: 2", []string{"seed", "given twice, first in line 1"}},
		{"out of range", "temperature: 0", "temperature: 3", []string{"c.yaml:7:", "gen.temperature", "from 0 to 2"}},
		{"bad duration", "timeout: 90s", "timeout: 90", []string{"c.yaml:6:", "timeout", "30s"}},
		{"missing input", "path: in.jsonl", "path: absent.jsonl", []string{"c.yaml:3:", "problems.path", `"absent.jsonl"`, "no such file", ".parquet"}},
		{"missing prompt file", "prompt: judge.txt, endpoint", "prompt: absent.txt, endpoint", []string{"c.yaml:10:", "label.annotators[0].prompt", `"absent.txt"`}},
		{"prompt without placeholder", "export: {prompt: judge.txt}", "export: {prompt: plain.txt}", []string{"c.yaml:12:", "export.prompt", "{{MODEL_ANSWER}}"}},
		{"no target", "export: {prompt: judge.txt}", "export: {prompt: judge.txt, targets: []}", []string{"c.yaml:12:", "export.targets", "llama_factory"}},
		{"system message of nothing", "export: {prompt: judge.txt}", "export: {prompt: judge.txt, system: blank.txt}", []string{"c.yaml:12:", "export.system", "blank.txt", "remove"}},
		{"no endpoint to sample", `  endpoint: {url: "http://localhost:8000/v1", model: m, key_env: KEY, extra: {top_k: 20, chat_template_kwargs: {enable_thinking: false}}, timeout: 90s, price_in: 0.5, price_out: 1}` + "\n", "", []string{"c.yaml:5:", "gen.endpoint", "is missing", "url: http://localhost:8000/v1", "key_env"}},
		{"no endpoint to annotate", `, endpoint: {url: "https://api.example.com/v1", model: m}`, "", []string{"c.yaml:10:", "label.annotators[0].endpoint", "is missing", "model: NAME"}},
		{"bad URL", "http://localhost:8000/v1", "localhost:8000", []string{"gen.endpoint.url", "http://localhost:8000/v1"}},
		{"key in the config", "key_env: KEY", "key_env: sk-abc", []string{"gen.endpoint.key_env", "never put a key itself"}},
		{"unknown column", "{question:", "{questoin:", []string{"problems.columns.questoin", `did you mean "question"?`}},
		{"limit below 0", "seed: 1\n", "seed: 1\nlimits: {max_cost: -1}\n", []string{"c.yaml:2:", "limits.max_cost"}},
		{"limit without a price", "seed: 1\n", "seed: 1\nlimits: {max_cost: 5}\n", []string{"label.annotators[0].endpoint", "price_in"}},
		{"unknown mode", "key_env: KEY", "mode: bulk", []string{"gen.endpoint.mode", `"bulk"`, "batch"}},
		{"negative rate", "key_env: KEY", "requests_per_minute: -1", []string{"gen.endpoint.requests_per_minute"}},
		{"secret header", "key_env: KEY", "headers: {Authorization: sk-abc}", []string{"gen.endpoint.headers.Authorization", "$NAME"}},
		{"one and many", "key_env: KEY", "key_env: KEY}\n  endpoints: [{url: \"http://h/v1\", model: m}]\n  # {", []string{"gen.endpoints", "both"}},
		{"no stage", whole, "seed: 1\n", []string{"names no stage"}},
		{"unknown simulated annotator", `{url: "https://api.example.com/v1", model: m}`, "{url: simulated, model: nobody}", []string{"label.annotators[0].endpoint.model", "simulator:"}},
		{"evaluated verifier unknown", "train: {}", evaluated("nobody", "path: in.jsonl"), []string{"eval.verifier", `"nobody" is not a verifier`, "prime"}},
		{"evaluated and not served", "train: {}", evaluated("mine", "path: in.jsonl"), []string{"eval.serve", "mine asks an endpoint with url: served", "vllm"}},
		{"served and not evaluated", "train: {}", evaluated("prime", "path: in.jsonl") + "\n  serve: vllm", []string{"eval.serve", "prime asks no endpoint with url: served"}},
		{"benchmarks of one name", "train: {}", evaluated("prime", "path: in.jsonl}, {name: in, path: c.yaml"), []string{"eval.benchmarks[1].name", `"in" is used twice`, "overwrite"}},
		{"benchmark's name leaves", "train: {}", evaluated("prime", "name: ../../x, path: in.jsonl"), []string{"eval.benchmarks[0].name", "directory"}},
		{"unknown attack", "train: {}", evaluated("prime", "path: in.jsonl") + "\n  attacks: [markupp]", []string{"eval.attacks[0]", `did you mean "markup"?`}},
		{"all attacks and one", "train: {}", evaluated("prime", "path: in.jsonl") + "\n  attacks: [all, markup]", []string{"eval.attacks[0]", "remove the others"}},
		{"variant twice", "train: {}", evaluated("prime", "path: in.jsonl") + "\n  variants: [spaced, spaced]", []string{"eval.variants[1]", "twice"}},
		{"a vote twice", "train: {}", "train: {}\nverifiers:\n  v: {vote: {of: [prime, prime]}}", []string{"verifiers.v.vote.of[1]", `"prime" is named twice`}},
		{"not YAML", "seed: 1", "seed: [1", []string{"c.yaml:1:", "not YAML"}},
		{"empty", whole, "", []string{"empty"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(whole, tt.old) {
				t.Fatalf("the test's own text %q is not in the config", tt.old)
			}
			_, err := config.Load(write(t, strings.Replace(whole, tt.old, tt.new, 1)), "")
			if tt.want == nil {
				if err != nil {
					t.Fatalf("refused: %v", err) // YAML 1.2: yes is a text
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			var e *config.Error
			if !errors.As(err, &e) {
				t.Errorf("%v is no config.Error, so the exit code would not be 2", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not name %q:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "sk-abc") {
				t.Errorf("the message repeats what may be a key:\n%v", err)
			}
		})
	}
}

func TestImportPathFromTheCommandLine(t *testing.T) {
	path := write(t, "gen: {import: {}}\n")
	given := filepath.Join(filepath.Dir(path), "in.jsonl")
	c, err := config.Load(path, given)
	if err != nil || c.Gen.Import.Path != given {
		t.Errorf("got %v, %v", c, err)
	}
	if _, err := config.Load(path, "absent.jsonl"); err == nil || !strings.Contains(err.Error(), "absent.jsonl") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := config.Load(path, ""); err == nil || !strings.Contains(err.Error(), "gen.import.path") {
		t.Errorf("no file at all: %v", err)
	}
	if _, err := config.Load(write(t, whole), given); err == nil || !strings.Contains(err.Error(), "gen.import") {
		t.Errorf("a config that imports nothing: %v", err)
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	yaml := strings.NewReplacer("temperature: 0", "temperature: 9", "prompt: judge.txt, endpoint", "prompt: absent.txt, endpoint").Replace(whole)
	_, err := config.Load(write(t, yaml), "")
	if err == nil || !strings.Contains(err.Error(), "gen.temperature") || !strings.Contains(err.Error(), "absent.txt") {
		t.Errorf("want both mistakes, got: %v", err)
	}
}

func TestNoSuchFile(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "absent.yaml"), "")
	var e *config.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "configs/quickstart.yaml") {
		t.Errorf("got %v", err)
	}
}

// FuzzLoad looks for configs that panic. What it accepts must name a stage.
func FuzzLoad(f *testing.F) {
	f.Add(whole)
	f.Add("a: &a [*a]")
	f.Add("gen: {import: {path: x}}\nproblems: {path: y}")
	f.Add("simulator: {annotators: {a: {sensitivity: .nan}}}\nbalance: {}")
	f.Add("? [1]\n: 2")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, yaml string) {
		path := filepath.Join(dir, "c.yaml")
		if err := os.WriteFile(path, []byte(yaml), 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, "")
		if err == nil && len(c.Stages()) == 0 {
			t.Errorf("accepted without a stage: %q", yaml)
		}
	})
}

// TestShipped loads every config that users are given, but for what they must bring.
func TestShipped(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "configs", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	verifiers, err := filepath.Glob(filepath.Join("..", "..", "configs", "verifiers", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	loaded := 0
	for _, path := range append(paths, verifiers...) {
		if filepath.Base(path) == "profiles.yaml" {
			continue // a file of profiles
		}
		loaded++
		_, err := config.Load(path, "")
		if filepath.Base(path) == "tinyv.yaml" { // the published wording is the user's
			if err == nil || !strings.Contains(err.Error(), "tinyv-profiles.json") {
				t.Errorf("%s: %v", path, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if loaded < 8 {
		t.Errorf("%d configs found, so this test looks at little", loaded)
	}
}
