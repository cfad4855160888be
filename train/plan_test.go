package train

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tinyv/internal/manifest"
	"tinyv/internal/stagetest/golden"
)

// published is the recipe of TinyV-1.5B's card.
var published = Options{
	Model: "Qwen/Qwen2.5-1.5B-Instruct", Template: "qwen", LearningRate: 1e-5, Epochs: 2, WarmupRatio: 0.1, CutoffLen: 2048,
	BatchPerDevice: 8, GPUs: 8, Seed: 42,
}

// with is the published recipe with changes.
func with(change func(*Options)) Options {
	o := published
	change(&o)
	return o
}

// emptyPath is a PATH on which nothing is installed.
func emptyPath(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	return bin
}

// script puts a shell script on a PATH.
func script(t *testing.T, bin, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// row is a training row of the exports of these tests.
func row(system, prompt, reply string) string {
	head := ""
	if system != "" {
		head = `{"from":"system","value":"` + system + `"},`
	}
	return `{"conversations":[` + head + `{"from":"human","value":"` + prompt + `"},{"from":"gpt","value":"` + reply + `"}]}` + "\n"
}

// anExport is a finished export whose files hold the rows; figures say how many, half
// of them true.
func anExport(t *testing.T, train, eval string, rows int64) string {
	t.Helper()
	const entry = `{"file_name":"%s.jsonl","formatting":"sharegpt","columns":{"messages":"conversations"},"tags":{"role_tag":"from","content_tag":"value","user_tag":"human","assistant_tag":"gpt","system_tag":"system"}}`
	dir := filepath.Join(t.TempDir(), "export")
	files := map[string]string{
		"dataset_info.json": `{"tinyv_train":` + strings.ReplaceAll(entry, "%s", "train") + `,"tinyv_eval":` + strings.ReplaceAll(entry, "%s", "eval") + `}`,
		"train.jsonl":       train,
		"eval.jsonl":        eval,
	}
	names := []string{"dataset_info.json", "eval.jsonl", "train.jsonl"}
	s, _, err := manifest.Begin(dir, "export", nil, nil, names)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	figures := map[string]int64{"train": rows, "train_true": rows / 2, "train_false": rows - rows/2, "eval": int64(strings.Count(eval, "\n"))}
	if _, err := s.Finish(names, nil, figures, nil, true); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write plans in a new directory.
func write(t *testing.T, o Options) (*Plan, error) {
	t.Helper()
	rows := row("", "1 = 1?", "True") + row("", "1 = 2?", "False")
	_, p, err := Write(t.Context(), filepath.Join(t.TempDir(), "train"), anExport(t, rows, rows, 1025), "tinyv_train", "tinyv_eval", o)
	return p, err
}

// read returns a file of the plan without the paths of this test.
func (p *Plan) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(p.path(name))
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte(p.DatasetDir), []byte("/runs/x/export"))
	return bytes.ReplaceAll(data, []byte(p.Dir), []byte("/runs/x/train"))
}

func TestGolden(t *testing.T) {
	bin := emptyPath(t)
	for _, c := range []struct {
		name, version string
		options       Options
	}{
		{"published-0.9.2", "0.9.2", published},
		{"published-0.9.5", "", published},
		{"lora-z2-steps", "", with(func(o *Options) {
			o.Method, o.DeepSpeed, o.Liger, o.SaveSteps, o.SaveTotalLimit, o.MaxSteps, o.Nodes = LoRA, "z2", true, 50, 2, 100, 2
			o.Extra = map[string]any{"lr_scheduler_type": "linear", "packing": false, "neftune_noise_alpha": 5, "evaluation_strategy": "no"}
		})},
		{"qlora", "", with(func(o *Options) { o.Method, o.GPUs, o.LoRATarget = QLoRA, 1, "q_proj,v_proj" })},
		{"cpu", "0.9.2", with(func(o *Options) {
			o.Model, o.FromScratch, o.GPUs, o.Processes, o.BatchPerDevice, o.RowsPerStep = "/models/tiny", true, 0, 2, 4, 16
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.version != "" {
				script(t, bin, "llamafactory-cli", "echo '| Welcome to LLaMA Factory, version "+c.version+"    |'")
				defer os.Remove(filepath.Join(bin, "llamafactory-cli"))
			}
			p, err := write(t, c.options)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, c.name+".yaml", string(p.read(t, ConfigFile)))
			if stage := c.options.DeepSpeed; stage != "" {
				golden.Compare(t, DeepSpeedFile(stage), string(p.read(t, DeepSpeedFile(stage))))
			}
			read, err := Read(p.Dir)
			if err != nil || read.Options.OutputDir != p.Options.OutputDir || read.Trainer.Version != p.Trainer.Version || read.model != p.model {
				t.Errorf("read back: %+v, %v", read, err)
			}
			resumed, err := read.Resume("/x/checkpoint 20")
			if err != nil {
				t.Fatal(err)
			}
			want := append(p.read(t, ConfigFile), "\n### resume\nresume_from_checkpoint: \"/x/checkpoint 20\"\n"...)
			if got := p.read(t, ResumeFile); resumed.Config != p.path(ResumeFile) || !bytes.Equal(got, want) {
				t.Errorf("resume: %s", got)
			}
		})
	}
}

func TestDeepSpeed(t *testing.T) {
	for _, stage := range stagesOfDeepSpeed {
		data, err := deepSpeed(stage)
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, DeepSpeedFile(stage), string(data))
	}
}

// The two versions count the steps of 1,025 rows at 512 a step differently.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		rows         int64
		epochs       float64
		maxSteps     int
		transformers string
		want         int64
	}{
		{1025, 2, 0, "4.49.0", 4}, {1025, 2, 0, "5.6.0", 6}, {1024, 2, 0, "5.6.0", 4}, {1024, 2, 0, "4.49.0", 4}, {3, 2, 0, "4.49.0", 2},
		{1024, 1.5, 0, "4.55.0", 3}, {1024, 1.2, 0, "4.55.0", 3}, {1024, 2, 30, "5.6.0", 30}, {673, 1, 0, "5.6.0", 2},
	} {
		o, err := with(func(o *Options) { o.Epochs, o.MaxSteps = c.epochs, c.maxSteps }).Filled()
		if err != nil {
			t.Fatal(err)
		}
		p := &Plan{Options: o, WorldSize: o.worldSize(), Rows: c.rows}
		if got := p.Options.Steps(p.Rows, c.transformers); got != c.want {
			t.Errorf("%+v: %d steps", c, got)
		}
	}
}

func TestEnvironment(t *testing.T) {
	emptyPath(t)
	for _, c := range []struct {
		options Options
		want    []string
		not     string
	}{
		{published, []string{"FORCE_TORCHRUN=1", "NNODES=1", "NODE_RANK=0", "NPROC_PER_NODE=8", "MASTER_ADDR=n0", "MASTER_PORT=29500"}, "HF_HUB_OFFLINE=1"},
		{with(func(o *Options) { o.GPUs = 1 }), []string{"FORCE_TORCHRUN=1", "NPROC_PER_NODE=1"}, "CUDA_VISIBLE_DEVICES="},
		{with(func(o *Options) { o.GPUs = 2 }), []string{"NPROC_PER_NODE=2"}, "OMP_NUM_THREADS=1"},
		{with(func(o *Options) { o.GPUs = 4 }), []string{"NPROC_PER_NODE=4"}, ""},
		{with(func(o *Options) { o.Nodes = 4 }), []string{"NNODES=4", "NPROC_PER_NODE=8"}, ""},
		{with(func(o *Options) { o.GPUs = 0 }), []string{"CUDA_VISIBLE_DEVICES=", "ACCELERATE_TORCH_DEVICE=cpu"}, "FORCE_TORCHRUN=1"},
		{with(func(o *Options) { o.GPUs, o.Processes, o.Model = 0, 2, "/m" }), []string{"FORCE_TORCHRUN=1", "NPROC_PER_NODE=2", "OMP_NUM_THREADS=1", "HF_HUB_OFFLINE=1"}, ""},
	} {
		p, err := write(t, c.options)
		if err != nil {
			t.Fatal(err)
		}
		env := p.Environment(Rendezvous{Host: "n0", Port: MasterPort})
		for _, want := range c.want {
			if !slices.Contains(env, want) {
				t.Errorf("%+v: %s is not in %q", c.options, want, env)
			}
		}
		if slices.Contains(env, c.not) {
			t.Errorf("%+v: %s is in %q", c.options, c.not, env)
		}
	}
	p := &Plan{Dir: "/a b", Config: "/a b/train.yaml"}
	if got := p.Line(Rendezvous{}); got != `PYTHONUNBUFFERED=1 HF_DATASETS_CACHE='/a b/datasets-cache' CUDA_VISIBLE_DEVICES= ACCELERATE_TORCH_DEVICE=cpu llamafactory-cli train '/a b/train.yaml'` {
		t.Errorf("line: %s", got)
	}
	if r, err := OneNode(); err != nil || r.Port == 0 || r.Node != 0 {
		t.Errorf("a free port: %+v, %v", r, err)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   []string
	}{
		{func(o *Options) { o.GPUs = 3 }, []string{"512 rows per step", "8 per device x 3 devices", "gpus: 1, 2, 4, 8, 16, 32 or 64", "rows_per_step: 504 or 528"}},
		{func(o *Options) { o.BatchPerDevice = 6 }, []string{"batch_per_device: 1, 2, 4, 8, 16, 32 or 64"}},
		{func(o *Options) { o.BatchPerDevice, o.GPUs = 100, 8 }, []string{"rows_per_step: 800"}},
		{func(o *Options) { o.GradAccumulation = 4 }, []string{"makes 256 rows per step", "rows_per_step: 256", "it is 8"}},
		{func(o *Options) { o.Method = "dora" }, []string{"full, lora and qlora"}},
		{func(o *Options) { o.LoRARank = 8 }, []string{"method: lora"}},
		{func(o *Options) { o.Method, o.QuantizationBit = QLoRA, 3 }, []string{"4 and 8"}},
		{func(o *Options) { o.QuantizationBit = 4 }, []string{"qlora"}},
		{func(o *Options) { o.Method, o.DeepSpeed, o.QuantizationBit = QLoRA, "z3", 8 }, []string{"use z2"}},
		{func(o *Options) { o.DeepSpeed = "z1" }, []string{"z0, z2, z3"}},
		{func(o *Options) { o.GPUs, o.Liger = 0, true }, []string{"need GPUs"}},
		{func(o *Options) { o.Processes = 2 }, []string{"train.processes"}},
		{func(o *Options) { o.LearningRate = 0 }, []string{"train.learning_rate"}},
		{func(o *Options) { o.WarmupRatio = 2 }, []string{"train.warmup_ratio"}},
		{func(o *Options) { o.BatchPerDevice = 0 }, []string{"train.batch_per_device"}},
		{func(o *Options) { o.SaveSteps = -1 }, []string{"train.save_steps"}},
		{func(o *Options) { o.Model = "" }, []string{"train.model"}},
		{func(o *Options) { o.Template = "" }, []string{"train.template"}},
	} {
		_, err := with(c.change).Filled()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("wanted %q in: %v", want, err)
			}
		}
	}
}

// A step has exactly the rows that are asked for, or there is an error whose every
// suggestion would do.
func TestRowsPerStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := published
		o.RowsPerStep = rapid.IntRange(1, 4096).Draw(t, "rows per step")
		o.BatchPerDevice = rapid.IntRange(1, 64).Draw(t, "batch")
		o.GPUs = rapid.IntRange(1, 16).Draw(t, "gpus")
		o.Nodes = rapid.IntRange(1, 4).Draw(t, "nodes")
		o.GradAccumulation = rapid.SampledFrom([]int{0, 1, 8}).Draw(t, "accumulation")
		filled, err := o.Filled()
		made := o.BatchPerDevice * o.GPUs * o.Nodes * filled.GradAccumulation
		if err == nil && made != o.RowsPerStep {
			t.Fatalf("%d rows in a step of %d", made, o.RowsPerStep)
		}
		if err != nil && o.GradAccumulation == 0 && o.RowsPerStep%(o.BatchPerDevice*o.GPUs*o.Nodes) == 0 {
			t.Fatalf("it can be made: %v", err)
		}
		for _, gpus := range divisors(o.RowsPerStep) {
			again := o
			again.GPUs, again.GradAccumulation = gpus, 0
			if _, wrong := again.Filled(); wrong != nil && o.RowsPerStep%(o.BatchPerDevice*o.Nodes*gpus) == 0 {
				t.Fatalf("gpus: %d would not do: %v", gpus, wrong)
			}
		}
	})
}

func TestWrite(t *testing.T) {
	emptyPath(t)
	rows := row("", "q", "True")
	export := anExport(t, rows, "", 1025)
	dir := filepath.Join(t.TempDir(), "train")
	m, p, err := Write(t.Context(), dir, export, "tinyv_train", "tinyv_eval", published)
	if err != nil {
		t.Fatal(err)
	}
	if p.Steps != 6 || m.Figures["steps"] != 6 || m.Figures["rows_per_step"] != 512 || !m.Simulated || p.EvalDataset != "" || p.Trainer.Installed || p.Trainer.Note == "" {
		t.Errorf("plan %+v, figures %v, simulated %v", p, m.Figures, m.Simulated)
	}
	if yaml := p.read(t, ConfigFile); bytes.Contains(yaml, []byte("eval")) {
		t.Errorf("evaluation without an evaluation set:\n%s", yaml)
	}
	if m, p, err = Write(t.Context(), dir, export, "tinyv_train", "tinyv_eval", published); err != nil || p == nil || !m.Skipped {
		t.Errorf("a second time: %+v, %v", m, err)
	}
	if _, _, err := Write(t.Context(), filepath.Join(t.TempDir(), "t"), t.TempDir(), "tinyv_train", "tinyv_eval", published); err == nil || !strings.Contains(err.Error(), "--in") {
		t.Errorf("no export there: %v", err)
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "tinyv train plan") {
		t.Errorf("no plan there: %v", err)
	}
	_, err = write(t, with(func(o *Options) {
		o.Extra = map[string]any{
			"learning_rat": 1.0, "seed": 7, "resume_from_checkpoint": "x", "packing": "yes", "group_by_length": true, "per_gpu_train_batch_size": 8, "rope_scaling": "${x}",
			"dataset": "other", "lora_rank": []any{1},
		}
	}))
	for _, want := range []string{
		"learning_rat is no key of LLaMA-Factory 0.9.5 (transformers 5.6.0), which would end at once; did you mean learning_rate?", "train.extra.seed: it is set by train.seed",
		"resume_from_checkpoint: `tinyv train resume`", "packing is yes, but LLaMA-Factory 0.9.5 takes true or false there", "group_by_length is no key", "version 0.9.2 has it",
		"per_gpu_train_batch_size: it is set by train.batch_per_device", "rope_scaling has ${", "train.extra.dataset: it is set by the plan itself", "lora_rank is a []interface",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted %q in: %v", want, err)
		}
	}
}

func TestFloat(t *testing.T) {
	for x, want := range map[float64]string{1e-5: "1.0e-05", 2: "2.0", 0.1: "0.1", 0.999: "0.999", 1e-8: "1.0e-08", 1.5e-4: "0.00015", 2.5e-7: "2.5e-07", 3e21: "3.0e+21"} {
		if got := float(x); got != want {
			t.Errorf("float(%v) = %s, want %s", x, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for s, want := range map[string]string{
		"qwen": "qwen", "Qwen/Qwen2.5-1.5B": "Qwen/Qwen2.5-1.5B", "/a/b-c_d.e": "/a/b-c_d.e", "no": `"no"`, "Off": `"Off"`, "1e5": `"1e5"`, "": `""`, "a b": `"a b"`,
		"-x": `"-x"`, `a"b`: `"a\"b"`, "x: y": `"x: y"`, "0x1F": `"0x1F"`, "1_000": `"1_000"`, "12:30": `"12:30"`, "2024-01-01": `"2024-01-01"`, ".inf": `".inf"`, "=": `"="`, "<<": `"\u003c\u003c"`,
		"~": `"~"`, "a,b": `"a,b"`, "é": `"é"`,
	} {
		if got := text(s); got != want {
			t.Errorf("text(%q) = %s, want %s", s, got, want)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
