package train

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/train/trainerlog"
)

// realCard is what LLaMA-Factory 0.9.5 wrote after a training of two processes.
const realCard = `---
library_name: transformers
---

# o1

- Loss: 4.0460

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 1e-05
- train_batch_size: 4
- eval_batch_size: 4
- seed: 42
- distributed_type: multi-GPU
- num_devices: 2
- gradient_accumulation_steps: 2
- total_train_batch_size: 16
- total_eval_batch_size: 16
- optimizer: Use OptimizerNames.ADAMW_TORCH with betas=(0.9,0.999) and epsilon=1e-08 and optimizer_args=No additional optimizer arguments
- lr_scheduler_type: cosine
- lr_scheduler_warmup_steps: 0.1
- num_epochs: 2.0

### Training results



### Framework versions

- Transformers 5.6.0
- Pytorch 2.6.0+cu124
`

func TestDifferences(t *testing.T) {
	asked := func() *Plan {
		return &Plan{
			Options: Options{GradAccumulation: 2, RowsPerStep: 16, BatchPerDevice: 4, Epochs: 2}, WorldSize: 2, Steps: 6, Rows: 48,
			Keys: map[string]any{
				"learning_rate": 1e-5, "per_device_train_batch_size": 4, "per_device_eval_batch_size": 4, "seed": int64(42), "lr_scheduler_type": "cosine",
				"optim": "adamw_torch", "adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8, "warmup_ratio": 0.1,
			},
		}
	}
	loss := trainerlog.Float(1)
	state := func() *trainerlog.State {
		return &trainerlog.State{GlobalStep: 6, Points: []trainerlog.Point{{Step: 6, Loss: &loss}}}
	}
	nan := trainerlog.Float(math.NaN())
	for name, c := range map[string]struct {
		replace, by string
		change      func(*Plan, *trainerlog.State)
		rows        int64
		want        []string
	}{
		"as asked":             {rows: 48},
		"rows not told":        {},
		"the older name":       {replace: "lr_scheduler_warmup_steps", by: "lr_scheduler_warmup_ratio"},
		"learning rate":        {replace: "1e-05", by: "5e-05", want: []string{"learning_rate: asked 1e-05, ran 5e-05"}},
		"no learning rate":     {replace: "- learning_rate: 1e-05\n", want: []string{"learning_rate: asked 1e-05, ran not in the card"}},
		"batch":                {replace: "train_batch_size: 4", by: "train_batch_size: 8", want: []string{"train_batch_size: asked 4, ran 8"}},
		"evaluation batch":     {replace: "eval_batch_size: 4", by: "eval_batch_size: 8", want: []string{"eval_batch_size: asked 4, ran 8"}},
		"seed":                 {replace: "seed: 42", by: "seed: 43", want: []string{"seed: asked 42, ran 43"}},
		"one device":           {replace: "- num_devices: 2\n", want: []string{"num_devices: asked 2, ran 1"}},
		"not distributed":      {replace: "- distributed_type: multi-GPU\n", want: []string{"distributed_type: asked multi-GPU, ran not distributed"}},
		"no accumulation":      {replace: "- gradient_accumulation_steps: 2\n", want: []string{"gradient_accumulation_steps: asked 2, ran 1"}},
		"rows of a step":       {replace: "total_train_batch_size: 16", by: "total_train_batch_size: 8", want: []string{"total_train_batch_size: asked 16, ran 8"}},
		"no rows of a step":    {replace: "- total_train_batch_size: 16\n", want: []string{"total_train_batch_size: asked 16, ran 4"}},
		"optimizer":            {replace: "ADAMW_TORCH", by: "ADAFACTOR", want: []string{"optim: asked adamw_torch, ran adafactor"}},
		"betas and epsilon":    {replace: "(0.9,0.999) and epsilon=1e-08", by: "(0.8,0.99) and epsilon=1e-06", want: []string{"adam_beta1: asked 0.9, ran 0.8", "adam_beta2: asked 0.999, ran 0.99", "adam_epsilon: asked 1e-08, ran 1e-06"}},
		"scheduler":            {replace: "cosine", by: "linear", want: []string{"lr_scheduler_type: asked cosine, ran linear"}},
		"no warm-up":           {replace: "- lr_scheduler_warmup_steps: 0.1\n", want: []string{"warmup_ratio: asked 0.1, ran 0"}},
		"epochs":               {replace: "num_epochs: 2.0", by: "num_epochs: 3.0", want: []string{"num_epochs: asked 2.0, ran 3.0"}},
		"steps in their stead": {replace: "num_epochs: 2.0", by: "training_steps: 6", change: func(p *Plan, _ *trainerlog.State) { p.Options.MaxSteps = 6 }},
		"rows dropped":         {rows: 47, want: []string{"rows: asked 48, ran 47"}},
		"rows sampled":         {rows: 47, change: func(p *Plan, _ *trainerlog.State) { p.Keys["max_samples"] = 47 }},
		"fewer steps":          {change: func(_ *Plan, s *trainerlog.State) { s.GlobalStep = 5 }, want: []string{"steps: asked 6, ran 5"}},
		"stopped early":        {change: func(p *Plan, s *trainerlog.State) { p.Keys["early_stopping_steps"], s.GlobalStep = 2, 5 }},
		"not a number":         {change: func(_ *Plan, s *trainerlog.State) { s.Points[0].Loss = &nan }, want: []string{"losses that are finite: asked 1, ran 0"}},
	} {
		path := filepath.Join(t.TempDir(), modelCard)
		text := realCard
		if c.replace != "" {
			if text = strings.Replace(realCard, c.replace, c.by, 1); text == realCard {
				t.Fatalf("%s changes nothing", name)
			}
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		card, err := ReadCard(path)
		if err != nil {
			t.Fatal(err)
		}
		p, s := asked(), state()
		if c.change != nil {
			c.change(p, s)
		}
		var got []string
		for _, d := range p.differences(card, s, c.rows) {
			got = append(got, d.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if card.Framework["Transformers"] != "5.6.0" {
			t.Errorf("%v", card.Framework)
		}
	}
	empty := filepath.Join(t.TempDir(), modelCard)
	if err := os.WriteFile(empty, []byte("# nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, empty + "-not-there"} {
		if _, err := ReadCard(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%v", err)
		}
	}
}

// Each way in which a checkpoint was seen to be half there.
func TestCheckpoints(t *testing.T) {
	b := newBench(t, "", nil)
	b.must(b.launch(LaunchOptions{}))
	source := filepath.Join(b.plan.Options.OutputDir, "checkpoint-10")
	cut := func(n int64) func(string) error {
		return func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, info.Size()-n)
		}
	}
	empty := func(path string) error { return os.Truncate(path, 0) }
	for name, c := range map[string]struct {
		file string
		do   func(string) error
		want string
	}{
		"whole":             {"config.json", empty, ""},
		"no state":          {trainerState, os.Remove, "written last"},
		"half a state":      {trainerState, cut(10), "trainer_state.json:"},
		"an empty state":    {trainerState, empty, "trainer_state.json:"},
		"no weights":        {"model.safetensors", os.Remove, "no weights"},
		"cut weights":       {"model.safetensors", cut(1), "bytes of"},
		"cut in the header": {"model.safetensors", cut(100), "cut off in its header"},
		"no optimizer":      {"optimizer.pt", os.Remove, "optimizer.pt: it is missing"},
		"cut optimizer":     {"optimizer.pt", cut(30), "optimizer.pt: cut off"},
		"cut scheduler":     {"scheduler.pt", empty, "scheduler.pt: cut off"},
		"no random state":   {"rng_state.pth", os.Remove, "no rng_state"},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(filepath.Join(dir, "checkpoint-10"), os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
		if err := c.do(filepath.Join(dir, "checkpoint-10", c.file)); err != nil {
			t.Fatal(err)
		}
		all, err := Checkpoints(dir)
		if err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		if broken := all[0].Broken; (c.want == "") != (broken == "") || !strings.Contains(broken, c.want) {
			t.Errorf("%s: %q, want %q", name, broken, c.want)
		}
		if (lastWhole(all) != nil) != (c.want == "") {
			t.Errorf("%s: last whole %v", name, lastWhole(all))
		}
	}

	// The state of another step, and weights in shards.
	dir := t.TempDir()
	for _, name := range []string{"checkpoint-11", "checkpoint-9", "checkpoint-best", "half-checkpoint-12"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(source)); err != nil {
			t.Fatal(err)
		}
	}
	sharded := filepath.Join(dir, "checkpoint-10")
	if err := os.CopyFS(sharded, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	shard := "model-00001-of-00001.safetensors"
	if err := os.Rename(filepath.Join(sharded, "model.safetensors"), filepath.Join(sharded, shard)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sharded, "model.safetensors.index.json"), []byte(`{"weight_map": {"a": "`+shard+`", "b": "`+shard+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := Checkpoints(dir)
	if err != nil || len(all) != 3 || all[0].Step != 9 || all[1].Broken != "" || !strings.Contains(all[2].Broken, "of step 10") {
		t.Errorf("%+v, %v", all, err)
	}
	if last := lastWhole(all); last == nil || last.Step != 10 {
		t.Errorf("%v", last)
	}
	moved, err := setAside(all)
	if err != nil || len(moved) != 2 {
		t.Errorf("%v, %v", moved, err)
	}
	if all, err = Checkpoints(dir); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := Checkpoints(filepath.Join(dir, "nowhere")); err != nil || all != nil {
		t.Errorf("%v, %v", all, err)
	}
}

func TestPlotLoss(t *testing.T) {
	number := func(x float64) *trainerlog.Float { f := trainerlog.Float(x); return &f }
	for name, points := range map[string][]trainerlog.Point{
		"nothing":      nil,
		"one":          {{Step: 1, Loss: number(6)}},
		"negative":     {{Step: 1, Loss: number(-1)}, {Step: 2, Loss: number(1)}},
		"NaN":          {{Step: 1, Loss: number(6)}, {Step: 2, Loss: number(math.NaN())}, {Step: 3, EvalLoss: number(math.Inf(1))}},
		"all":          {{Step: 1, Loss: number(6)}, {Step: 2, Loss: number(5)}, {Step: 2, EvalLoss: number(5.5)}, {Step: 3, Loss: number(2)}},
		"NaN and none": {{Step: 1, Loss: number(math.NaN())}},
	} {
		drawn := make([][]byte, 1)
		if name == "all" {
			drawn = append(drawn, nil) // drawn again, the bytes are the same
		}
		for i := range drawn {
			dir := t.TempDir()
			if err := PlotLoss(dir, points); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, file := range []string{LossSVG, LossPNG} {
				data, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil {
					t.Fatal(err)
				}
				drawn[i] = append(drawn[i], data...)
			}
		}
		if !bytes.Equal(drawn[0], drawn[len(drawn)-1]) {
			t.Errorf("%s: two drawings differ", name)
		}
		for _, words := range []string{"Training loss", "optimizer step", "nats"} {
			if !bytes.Contains(drawn[0], []byte(words)) {
				t.Errorf("%s: no %q", name, words)
			}
		}
	}
}
