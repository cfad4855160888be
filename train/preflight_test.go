package train

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	good = "echo '| Welcome to LLaMA Factory, version 0.9.5 |'"
	// Qwen2.5-1.5B's shape: 1.54e9 parameters.
	qwenConfig = `{"hidden_size":1536,"num_hidden_layers":28,"intermediate_size":8960,"vocab_size":151936,"num_attention_heads":12,"num_key_value_heads":2,"tie_word_embeddings":true}`
)

// scene is a machine and a plan on which preflight finds nothing.
type scene struct {
	t       *testing.T
	bin     string
	model   string
	train   string // rows
	rows    int64  // that the export says it has
	options Options
	expect  Expect
	plan    *Plan
}

func smi(lines ...string) string { return "printf '" + strings.Join(lines, `\n`) + `\n'` }

func newScene(t *testing.T) *scene {
	t.Helper()
	for _, name := range []string{"RANK", "WORLD_SIZE", "LOCAL_RANK", "USE_V1", "CUDA_VISIBLE_DEVICES", "HF_HUB_OFFLINE"} {
		t.Setenv(name, "") // so that it is put back
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	s := &scene{t: t, bin: emptyPath(t), model: t.TempDir(), rows: 2, train: row("S", "1 = 1?", "True") + row("S", "1 = 2?", "False")}
	script(t, s.bin, program, good)
	script(t, s.bin, "torchrun", "exit 0")
	script(t, s.bin, "nvidia-smi", smi("NVIDIA H100, 81559, 4", "NVIDIA H100, 81559, 4"))
	for name, text := range map[string]string{"config.json": qwenConfig, "tokenizer_config.json": "{}", "model.safetensors": ""} {
		s.file(filepath.Join(s.model, name), text)
	}
	data, err := os.ReadFile(filepath.Join("..", "internal", "tokens", "testdata", "qwen.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.file(filepath.Join(s.model, "tokenizer.json"), string(data))
	system := "S"
	s.expect.System = &system
	s.options = with(func(o *Options) {
		o.Model, o.GPUs, o.RowsPerStep, o.BatchPerDevice, o.SaveTotalLimit, o.Method = s.model, 2, 2, 1, 1, LoRA
	})
	return s
}

func (s *scene) file(path, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// makePlan plans, unless it was done.
func (s *scene) makePlan() *Plan {
	s.t.Helper()
	if s.plan == nil {
		var err error
		_, s.plan, err = Write(s.t.Context(), filepath.Join(s.t.TempDir(), "train"), anExport(s.t, s.train, "", s.rows), "tinyv_train", "tinyv_eval", s.options)
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return s.plan
}

func (s *scene) preflight() []Finding {
	s.t.Helper()
	found, err := Preflight(s.t.Context(), s.makePlan(), s.expect)
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

func TestPreflightFindsNothing(t *testing.T) {
	s := newScene(t)
	if found := s.preflight(); len(found) > 0 {
		t.Errorf("findings: %v", found)
	}
	entries, err := os.ReadDir(s.plan.Dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("preflight wrote something: %v, %v", entries, err)
	}
}

func TestPreflight(t *testing.T) {
	other, none := "other", ""
	for _, c := range []struct {
		name   string
		change func(*scene)
		want   []string // severity, check, and words of the message
	}{
		{"no trainer", func(s *scene) { s.makePlan(); os.Remove(filepath.Join(s.bin, program)) }, []string{"error", "llamafactory", "pip install llamafactory==0.9.5"}},
		{"trainer since the plan", func(s *scene) {
			os.Remove(filepath.Join(s.bin, program))
			s.makePlan()
			script(s.t, s.bin, program, good)
		}, []string{"error", "llamafactory", "tinyv train plan"}},
		{"unknown version", func(s *scene) { script(s.t, s.bin, program, "echo LLaMA Factory, version 0.9.9") }, []string{"warning", "llamafactory", "0.9.9 is not known", "0.9.5"}},
		{"no torchrun", func(s *scene) { os.Remove(filepath.Join(s.bin, "torchrun")) }, []string{"error", "torchrun", "on PATH"}},
		{"another torchrun", func(s *scene) {
			os.Remove(filepath.Join(s.bin, "torchrun"))
			second := s.t.TempDir()
			script(s.t, second, "torchrun", "exit 0")
			s.t.Setenv("PATH", s.bin+":"+second)
		}, []string{"warning", "torchrun", "one environment"}},
		{"RANK", func(s *scene) { s.t.Setenv("RANK", "0") }, []string{"error", "environment", "unset RANK"}},
		{"WORLD_SIZE", func(s *scene) { s.t.Setenv("WORLD_SIZE", "2") }, []string{"error", "environment", "unset WORLD_SIZE"}},
		{"LOCAL_RANK", func(s *scene) { s.t.Setenv("LOCAL_RANK", "0") }, []string{"error", "environment", "unset LOCAL_RANK"}},
		{"USE_V1", func(s *scene) { s.t.Setenv("USE_V1", "1") }, []string{"error", "environment", "another trainer"}},
		{"no deepspeed", func(s *scene) {
			s.makePlan().Trainer.Python, s.plan.Options.DeepSpeed = "/venv/bin/python", "z2"
		}, []string{"error", "packages", "/venv/bin/python -m pip install deepspeed"}},
		{"no liger", func(s *scene) {
			s.makePlan().Trainer.Python, s.plan.Options.Liger = "/venv/bin/python", true
		}, []string{"error", "packages", "pip install liger-kernel"}},
		{"no bitsandbytes", func(s *scene) {
			s.options.Method = QLoRA
			s.makePlan().Trainer.Python = "/venv/bin/python"
		}, []string{"error", "packages", "pip install bitsandbytes"}},
		{"space in the plan's path", func(s *scene) { s.makePlan().Dir = "/a b" }, []string{"error", "paths", `"/a b"`, "spaces"}},
		{"space in the interpreter's path", func(s *scene) { s.makePlan().Trainer.Python = "/my env/python" }, []string{"error", "paths", "interpreter", "spaces"}},
		{"space in output_dir", func(s *scene) { s.options.OutputDir = filepath.Join(s.t.TempDir(), "a b") }, []string{"warning", "paths", "output_dir"}},
		{"control character", func(s *scene) { s.makePlan().Options.OutputDir = s.plan.Dir + "/a\x07" }, []string{"error", "paths", "rename"}},
		{"no export", func(s *scene) { os.RemoveAll(s.makePlan().DatasetDir) }, []string{"error", "dataset_dir", "tinyv export"}},
		{"no dataset_info", func(s *scene) { os.Remove(filepath.Join(s.makePlan().DatasetDir, "dataset_info.json")) }, []string{"error", "dataset_dir", "dataset_info.json"}},
		{"broken dataset_info", func(s *scene) { s.file(filepath.Join(s.makePlan().DatasetDir, "dataset_info.json"), "{") }, []string{"error", "dataset_info", "not an object"}},
		{"no such dataset", func(s *scene) { s.makePlan().TrainDataset = "nope" }, []string{"error", "dataset_info", `no dataset "nope"`, "tinyv_train"}},
		{"no file", func(s *scene) { os.Remove(filepath.Join(s.makePlan().DatasetDir, "train.jsonl")) }, []string{"error", "dataset_rows", "train.jsonl"}},
		{"dropped row", func(s *scene) {
			s.train, s.rows = s.train+`{"conversations":[{"from":"human","value":"x"}]}`+"\n", 3
		}, []string{"error", "dataset_rows", "leaves the row out"}},
		{"more rows than planned", func(s *scene) { s.rows = 4 }, []string{"error", "dataset_rows", "2 rows", "4 when it was planned"}},
		{"one class", func(s *scene) { s.makePlan(); s.plan.True, s.plan.False = 2, 0 }, []string{"error", "one_class", "verdict true"}},
		{"other class", func(s *scene) { s.makePlan(); s.plan.True, s.plan.False = 0, 2 }, []string{"error", "one_class", "verdict false"}},
		{"few rows", func(s *scene) { s.options.RowsPerStep = 4 }, []string{"warning", "few_rows", "lower rows_per_step"}},
		{"mixed system", func(s *scene) {
			s.train = row("S", "a", "True") + row("", "b", "False")
			s.expect.System = nil
		}, []string{"error", "dataset_rows", "state a system message"}},
		{"another system", func(s *scene) { s.expect.System = &other }, []string{"error", "system", `"S" (row 1)`, `served with "other"`}},
		{"served with none", func(s *scene) { s.expect.System = &none }, []string{"error", "system", "served with none"}},
		{"trained with none", func(s *scene) { s.train = row("", "a", "True") + row("", "b", "False") }, []string{"error", "system", "message none (row 1)"}},
		{"system not stated", func(s *scene) {
			s.train, s.expect.System = row("", "a", "True")+row("", "b", "False"), nil
		}, []string{"warning", "system", "states no system message"}},
		{"long rows", func(s *scene) { s.options.CutoffLen = 10 }, []string{"warning", "cutoff", "2 of 2 rows", "row 1 is the first", "raise cutoff_len"}},
		{"long rows perhaps", func(s *scene) {
			s.options.CutoffLen = 10
			os.Remove(filepath.Join(s.model, "tokenizer.json"))
			s.file(filepath.Join(s.model, "vocab.json"), "")
			s.file(filepath.Join(s.model, "merges.txt"), "")
		}, []string{"warning", "cutoff", "may have more", "tokenizer.json"}},
		{"unknown template", func(s *scene) { s.options.Template = "llama3" }, []string{"warning", "cutoff", `"llama3"`}},
		{"tokenizer that cannot be read", func(s *scene) { s.expect.Tokenizer = filepath.Join(s.model, "config.json") }, []string{"error", "tokenizer", "config.json"}},
		{"no model", func(s *scene) { s.options.Model = "./nope" }, []string{"error", "model", "name the directory"}},
		{"no config", func(s *scene) { os.Remove(filepath.Join(s.model, "config.json")) }, []string{"error", "model", "no config.json"}},
		{"no tokenizer", func(s *scene) { os.Remove(filepath.Join(s.model, "tokenizer_config.json")) }, []string{"error", "model", "no tokenizer"}},
		{"no weights", func(s *scene) { os.Remove(filepath.Join(s.model, "model.safetensors")) }, []string{"error", "model", "from_scratch"}},
		{"from scratch by name", func(s *scene) { s.options.Model, s.options.FromScratch = "Qwen/Qwen2.5-1.5B", true }, []string{"error", "model", "config.json and a tokenizer"}},
		{"offline", func(s *scene) {
			s.options.Model = "Qwen/Qwen2.5-1.5B"
			s.t.Setenv("HF_HUB_OFFLINE", "1")
			s.t.Setenv("HF_HOME", s.t.TempDir())
		}, []string{"error", "model", "models--Qwen--Qwen2.5-1.5B"}},
		{"another run", func(s *scene) { s.file(filepath.Join(s.makePlan().Options.OutputDir, "checkpoint-20", "x"), "") }, []string{"error", "output_dir", "checkpoint-20", "tinyv train resume"}},
		{"a finished model", func(s *scene) { s.file(filepath.Join(s.makePlan().Options.OutputDir, "model.safetensors"), "") }, []string{"error", "output_dir", "model.safetensors"}},
		{"foreign files", func(s *scene) { s.file(filepath.Join(s.makePlan().Options.OutputDir, "notes.txt"), "") }, []string{"warning", "output_dir", "notes.txt"}},
		{"output_dir is a file", func(s *scene) { s.file(s.makePlan().Options.OutputDir, "") }, []string{"error", "output_dir", "as a directory"}},
		{"disk", func(s *scene) {
			s.options.Method, s.options.SaveSteps, s.options.MaxSteps, s.options.SaveTotalLimit = Full, 1, 1e9, 0
			script(s.t, s.bin, "nvidia-smi", smi("H200, 143771, 4", "H200, 143771, 4"))
		}, []string{"error", "disk", "save_total_limit"}},
		{"no nvidia-smi", func(s *scene) { os.Remove(filepath.Join(s.bin, "nvidia-smi")) }, []string{"warning", "gpus", "gpus: 0"}},
		{"driver", func(s *scene) {
			script(s.t, s.bin, "nvidia-smi", "echo 'NVIDIA-SMI has failed because it could not communicate with the driver' >&2; exit 9")
		}, []string{"error", "gpus", "communicate with the driver"}},
		{"odd nvidia-smi", func(s *scene) { script(s.t, s.bin, "nvidia-smi", "echo No devices") }, []string{"warning", "gpus", `"No devices"`}},
		{"too few GPUs", func(s *scene) { script(s.t, s.bin, "nvidia-smi", smi("H100, 81559, 4")) }, []string{"error", "gpus", "2 GPUs", "has 1"}},
		{"hidden GPUs", func(s *scene) { s.t.Setenv("CUDA_VISIBLE_DEVICES", "1") }, []string{"error", "gpus", "2 GPUs", "has 1"}},
		{"GPU in use", func(s *scene) { script(s.t, s.bin, "nvidia-smi", smi("H100, 81559, 4", "H100, 81559, 9000")) }, []string{"warning", "gpus", "GPU 1", "8.8 GiB"}},
		{"weights do not fit", func(s *scene) {
			s.options.Method = Full
			script(s.t, s.bin, "nvidia-smi", smi("RTX, 16384, 4", "RTX, 16384, 4"))
			s.t.Setenv("HOME", s.t.TempDir())
		}, []string{"error", "gpu_memory", "16 bytes a parameter", "23.0 GiB", "z3"}},
		{"full rows may not fit", func(s *scene) {
			s.options.BatchPerDevice, s.options.RowsPerStep = 64, 128
			s.train, s.rows = strings.Repeat(s.train, 64), 128
		}, []string{"warning", "gpu_memory", "64 rows of 2048 tokens", "liger"}},
		{"size not known", func(s *scene) { s.options.Model = "some/model" }, []string{"warning", "gpu_memory", "not known"}},
		{"nodes without a host", func(s *scene) { s.options.Nodes, s.options.RowsPerStep = 2, 4; s.train += s.train; s.rows = 4 }, []string{"error", "rendezvous", "--master HOST:29500"}},
		{"node beyond", func(s *scene) {
			s.options.Nodes, s.options.RowsPerStep = 2, 4
			s.train, s.rows = s.train+s.train, 4
			s.expect.Rendezvous = Rendezvous{Node: 2, Host: "a", Port: 29500}
		}, []string{"error", "rendezvous", "--node 0 to 1"}},
		{"port in use", func(s *scene) {
			l, err := net.Listen("tcp", ":0")
			if err != nil {
				s.t.Fatal(err)
			}
			s.t.Cleanup(func() { l.Close() })
			s.options.Nodes, s.options.RowsPerStep = 2, 4
			s.train, s.rows = s.train+s.train, 4
			s.expect.Rendezvous = Rendezvous{Host: "a", Port: l.Addr().(*net.TCPAddr).Port}
		}, []string{"error", "rendezvous", "choose another"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.change(s)
			found := s.preflight()
			if !slices.ContainsFunc(found, func(f Finding) bool {
				if string(f.Severity) != c.want[0] || f.Check != c.want[1] {
					return false
				}
				return !slices.ContainsFunc(c.want[2:], func(word string) bool { return !strings.Contains(f.Message, word) })
			}) {
				t.Errorf("wanted %q in %v", c.want, found)
			}
			if !slices.IsSortedFunc(found, func(a, b Finding) int { return strings.Compare(string(a.Severity), string(b.Severity)) }) {
				t.Errorf("errors are not first: %v", found)
			}
			for _, f := range found {
				if f.Severity == Error && c.want[0] == "warning" {
					t.Errorf("an error beside the warning: %v", f)
				}
			}
		})
	}
}

// All checks run: one start shows everything.
func TestPreflightFindsAll(t *testing.T) {
	s := newScene(t)
	s.makePlan()
	t.Setenv("RANK", "1")
	os.Remove(filepath.Join(s.bin, "torchrun"))
	os.Remove(filepath.Join(s.model, "config.json"))
	os.RemoveAll(s.plan.DatasetDir)
	s.file(filepath.Join(s.plan.Options.OutputDir, "trainer_log.jsonl"), "")
	var checks []string
	for _, f := range s.preflight() {
		if f.Severity == Error {
			checks = append(checks, f.Check)
		}
		if f.Message == "" || !strings.Contains(f.String(), f.Check) {
			t.Errorf("finding %v", f)
		}
	}
	if got := strings.Join(checks, " "); got != "torchrun environment model dataset_dir output_dir" {
		t.Errorf("errors: %s", got)
	}
	s.expect.Resume = true
	for _, f := range s.preflight() {
		if f.Check == "output_dir" {
			t.Errorf("a resume: %v", f)
		}
	}
}

// The layouts of export, as the template renders them.
func TestTrainingRows(t *testing.T) {
	for _, c := range []struct {
		entry, data string
		want        trainingRow
	}{
		{`{"file_name":"f.jsonl"}`, `{"instruction":"a","input":"b","output":"c"}`, trainingRow{"", "a\nb", "c"}},
		{`{"file_name":"f.jsonl","columns":{"prompt":"p","response":"r","system":"s"}}`, `{"p":"a","r":"c","s":"S"}`, trainingRow{"S", "a", "c"}},
		{`{"file_name":"f.json","formatting":"sharegpt"}`, `[{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}]`, trainingRow{"", "a", "b"}},
		{
			`{"file_name":"d","formatting":"sharegpt","columns":{"messages":"m"},"tags":{"role_tag":"role","content_tag":"content","user_tag":"user","assistant_tag":"assistant","system_tag":"system"}}`,
			`{"m":[{"role":"system","content":"S"},{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`, trainingRow{"S", "a", "b"},
		},
	} {
		dir := t.TempDir()
		var entry struct {
			File string `json:"file_name"`
		}
		if err := json.Unmarshal([]byte(c.entry), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.File == "d" {
			entry.File = "d/f.jsonl"
		}
		s := &scene{t: t}
		s.file(filepath.Join(dir, "dataset_info.json"), `{"x":`+c.entry+`}`)
		s.file(filepath.Join(dir, entry.File), c.data+"\n")
		n := 0
		for got, err := range trainingRows(dir, "x") {
			if n++; err != nil || got != c.want {
				t.Errorf("%s: %+v, %v", c.entry, got, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d rows", c.entry, n)
		}
	}
}

func TestMemory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(qwenConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		model      string
		parameters float64 // in millions
	}{{dir, 1543.6}, {"Qwen/Qwen2.5-1.5B-Instruct", 1500}, {"Qwen/Qwen2.5-0.5B", 500}, {"a/b-135M", 135}, {"a/llama", 0}, {"a/Qwen3Base", 0}} {
		p := &Plan{model: c.model}
		got, known := p.parameters()
		if fmt.Sprintf("%.1f", got/1e6) != fmt.Sprintf("%.1f", c.parameters) || known != (c.parameters > 0) {
			t.Errorf("%s has %.1f million parameters", c.model, got/1e6)
		}
	}
	for _, c := range []struct {
		change func(*Options)
		state  string // of a billion parameters
	}{
		{func(o *Options) {}, "16.00"},
		{func(o *Options) { o.DeepSpeed = "z0" }, "16.00"},
		{func(o *Options) { o.DeepSpeed = "z2" }, "3.75"},
		{func(o *Options) { o.DeepSpeed = "z3" }, "2.00"},
		{func(o *Options) { o.Method = LoRA }, "2.16"},
		{func(o *Options) { o.Method, o.DeepSpeed = LoRA, "z3" }, "0.41"},
		{func(o *Options) { o.Method = QLoRA }, "0.71"},
	} {
		o, err := with(c.change).Filled()
		if err != nil {
			t.Fatal(err)
		}
		p := &Plan{Options: o, WorldSize: o.worldSize(), model: dir}
		if got := fmt.Sprintf("%.2f", p.need(1e9).state/1e9); got != c.state {
			t.Errorf("%+v: %s GB, want %s", o, got, c.state)
		}
		p.Options.Liger = true
		if with, without := p.need(1e9).activations, (&Plan{Options: o, WorldSize: 8, model: dir}).need(1e9).activations; with >= without {
			t.Errorf("liger saves nothing: %v, %v", with, without)
		}
	}
}

func TestChosen(t *testing.T) {
	all := []gpu{{name: "a"}, {name: "b"}, {name: "c"}}
	for visible, want := range map[string]string{"": "", "0": "a", "2,0": "ca", "1,-1,0": "b", "7": "", "GPU-1,GPU-2": "ab", " 0 , 1": "ab"} {
		got := ""
		for _, g := range chosen(all, visible) {
			got += g.name
		}
		if got != want {
			t.Errorf("%q leaves %q, want %q", visible, got, want)
		}
	}
}
