package traintest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"
)

// config is what the stand-in reads of the YAML. Keys that it does not know are no
// error: which ones there are is not its matter.
type config struct {
	OutputDir  string  `yaml:"output_dir"`
	DatasetDir string  `yaml:"dataset_dir"`
	Dataset    string  `yaml:"dataset"`
	Eval       string  `yaml:"eval_dataset"`
	Resume     string  `yaml:"resume_from_checkpoint"`
	Batch      int     `yaml:"per_device_train_batch_size"`
	EvalBatch  int     `yaml:"per_device_eval_batch_size"`
	Accumulate int     `yaml:"gradient_accumulation_steps"`
	Rate       float64 `yaml:"learning_rate"`
	Epochs     float64 `yaml:"num_train_epochs"`
	MaxSteps   int     `yaml:"max_steps"`
	Scheduler  string  `yaml:"lr_scheduler_type"`
	Warmup     float64 `yaml:"warmup_ratio"`
	Seed       int64   `yaml:"seed"`
	Beta1      float64 `yaml:"adam_beta1"`
	Beta2      float64 `yaml:"adam_beta2"`
	Epsilon    float64 `yaml:"adam_epsilon"`
	LogEvery   int     `yaml:"logging_steps"`
	Save       string  `yaml:"save_strategy"`
	SaveSteps  int     `yaml:"save_steps"`
	EvalAt     string  `yaml:"eval_strategy"`
	EvalSteps  int     `yaml:"eval_steps"`
	Filter     *bool   `yaml:"logging_nan_inf_filter"`
}

// course is a training under way.
type course struct {
	config
	knobs
	world, rank int
	rows        int
	perEpoch    int
	total       int
	step        int
	history     []map[string]any
	began       time.Time
}

// fail ends like an exception of Python.
func fail(rank string, format string, args ...any) int {
	message := fmt.Sprintf(format, args...)
	fmt.Fprintf(os.Stderr, "%sTraceback (most recent call last):\n%s  File \"llamafactory/train/tuner.py\", line 110, in run_exp\n%s%s\n", rank, rank, rank, message)
	return 1
}

func train(path string, k knobs) int {
	if k.deaf {
		signal.Ignore(syscall.SIGTERM)
	}
	c := &course{knobs: k, world: 1, began: time.Now(), config: config{EvalBatch: 8}} // transformers' own size
	prefix := ""
	if world, err := strconv.Atoi(os.Getenv("WORLD_SIZE")); err == nil {
		c.world = world
		c.rank, _ = strconv.Atoi(os.Getenv("RANK"))
		prefix = fmt.Sprintf("[rank%d]: ", c.rank)
	}
	fmt.Printf("[INFO|2026-11-21 13:08:47] llamafactory.hparams.parser:523 >> Process rank: %d, world size: %d, device: cpu\n", c.rank, c.world)
	if err := c.read(path); err != nil {
		return fail(prefix, "%v", err)
	}
	if err := c.resume(); err != nil {
		return fail(prefix, "%v", err)
	}
	others, err := meet(c.rank, c.world)
	if err != nil {
		return fail(prefix, "%v", err)
	}
	for c.step < c.total {
		c.step++
		if code := c.misbehave(prefix); code != 0 {
			return code
		}
		time.Sleep(c.delay)
		if err := others.step(c.rank); err != nil {
			return fail(prefix, "%v", err)
		}
		if c.rank != 0 {
			continue
		}
		if err := c.record(); err != nil {
			return fail(prefix, "OSError: %v", err)
		}
	}
	if c.rank != 0 {
		return 0
	}
	if err := c.finish(); err != nil {
		return fail(prefix, "OSError: %v", err)
	}
	for c.linger {
		time.Sleep(time.Hour)
	}
	return 0
}

func (c *course) read(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("FileNotFoundError: %w", err)
	}
	if err := yaml.Unmarshal(data, &c.config); err != nil {
		return fmt.Errorf("yaml.scanner.ScannerError: %w", err)
	}
	var info map[string]struct {
		File string `json:"file_name"`
	}
	data, err = os.ReadFile(filepath.Join(c.DatasetDir, "dataset_info.json"))
	if err != nil {
		return fmt.Errorf("ValueError: Cannot open dataset_info.json due to %w", err)
	}
	if err := json.Unmarshal(data, &info); err != nil {
		return fmt.Errorf("ValueError: %w", err)
	}
	entry, ok := info[c.Dataset]
	if !ok {
		//lint:ignore ST1005 the trainer's own words
		return fmt.Errorf("ValueError: Undefined dataset %s in dataset_info.json.", c.Dataset)
	}
	data, err = os.ReadFile(filepath.Join(c.DatasetDir, entry.File))
	if err != nil {
		return fmt.Errorf("FileNotFoundError: %w", err)
	}
	c.rows = bytes.Count(data, []byte("\n")) - c.drop
	if c.rows < 1 {
		//lint:ignore ST1005 the trainer's own words
		return fmt.Errorf("RuntimeError: Cannot find valid samples, check `data/README.md` for the data format.")
	}
	perStep := c.Batch * c.Accumulate * c.world
	c.perEpoch = (c.rows + perStep - 1) / perStep
	if c.total = c.MaxSteps; c.total == 0 {
		c.total = int(math.Ceil(c.Epochs * float64(c.perEpoch)))
	}
	if c.rank == 0 {
		fmt.Fprintf(os.Stderr, "[INFO|trainer.py:1469] >> ***** Running training *****\n[INFO|trainer.py:1470] >>   Num examples = %d\n[INFO|trainer.py:1478] >>   Total optimization steps = %d\n", c.rows, c.total)
	}
	return os.MkdirAll(c.OutputDir, 0o755)
}

var numbered = regexp.MustCompile(`^checkpoint-(\d+)$`)

// resume goes on from the checkpoint that is named, or else from the highest.
func (c *course) resume() error {
	from := c.Resume
	if from == "" {
		entries, err := os.ReadDir(c.OutputDir)
		if err != nil {
			return err
		}
		best := -1
		weights := false
		for _, e := range entries {
			weights = weights || e.Name() == "model.safetensors"
			if found := numbered.FindStringSubmatch(e.Name()); found != nil {
				if n, _ := strconv.Atoi(found[1]); n > best {
					best, from = n, filepath.Join(c.OutputDir, e.Name())
				}
			}
		}
		if from == "" && weights {
			//lint:ignore ST1005 the trainer's own words
			return fmt.Errorf("ValueError: Output directory already exists and is not empty. Please set `overwrite_output_dir`.")
		}
		if from == "" {
			return nil
		}
		fmt.Printf("Resuming training from %s.\n", from)
	}
	data, err := os.ReadFile(filepath.Join(from, "trainer_state.json"))
	if err != nil {
		return fmt.Errorf("FileNotFoundError: [Errno 2] No such file or directory: '%s/trainer_state.json'", from)
	}
	var state struct {
		Step    int              `json:"global_step"`
		History []map[string]any `json:"log_history"`
	}
	if err := json.Unmarshal(data, &state); err != nil {
		return fmt.Errorf("json.decoder.JSONDecodeError: %w", err)
	}
	c.step, c.history = state.Step, state.History
	if c.rank == 0 {
		fmt.Fprintf(os.Stderr, "Resuming training from checkpoint with epoch 0 and global step %d\n", c.step)
	}
	return nil
}

// misbehave does what the knobs ask for in this step.
func (c *course) misbehave(prefix string) int {
	switch c.step {
	case c.oom:
		return fail(prefix, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.15 GiB of which 4.19 MiB is free.")
	case c.exit:
		return 3
	case c.memory:
		if c.rank == c.world-1 {
			dieOf(syscall.SIGKILL)
		}
	case c.hang:
		for {
			time.Sleep(time.Hour)
		}
	}
	return 0
}

func (c *course) loss() float64 {
	if c.nan > 0 && c.step >= c.nan {
		return math.NaN()
	}
	wave := math.Sin(float64(c.step)*12.9898+float64(c.Seed)) * 43758.5453
	return 0.2 + 6*math.Exp(-float64(c.step)/20) + 0.1*(wave-math.Floor(wave))
}

func (c *course) rate() float64 {
	warm := math.Ceil(c.Warmup * float64(c.total))
	if at := float64(c.step - 1); at < warm {
		return c.Rate * at / warm
	}
	done := (float64(c.step-1) - warm) / math.Max(1, float64(c.total)-warm)
	return c.Rate * 0.5 * (1 + math.Cos(math.Pi*done))
}

// python writes a number as Python's json does.
func python(x float64) string {
	if math.IsNaN(x) {
		return "NaN"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func (c *course) epoch() float64 { return float64(c.step) / float64(c.perEpoch) }

// due tells whether something with a strategy happens at this step.
func (c *course) due(strategy string, steps int) bool {
	switch strategy {
	case "steps":
		return steps > 0 && (c.step%steps == 0 || c.step == c.total)
	case "epoch":
		return c.step%c.perEpoch == 0 || c.step == c.total
	}
	return false
}

func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// line appends one object to trainer_log.jsonl.
func (c *course) line(middle string) error {
	f, err := os.OpenFile(filepath.Join(c.OutputDir, "trainer_log.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	elapsed := time.Since(c.began)
	_, err = fmt.Fprintf(f, "{\"current_steps\": %d, \"total_steps\": %d, %s\"epoch\": %s, \"percentage\": %.2f, \"elapsed_time\": \"%s\", \"remaining_time\": \"%s\"}\n",
		c.step, c.total, middle, python(c.epoch()), 100*float64(c.step)/float64(c.total), clock(elapsed), clock(elapsed*time.Duration(c.total-c.step)/time.Duration(c.step)))
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// record logs, evaluates and saves, as far as each is due.
func (c *course) record() error {
	if c.LogEvery > 0 && c.step%c.LogEvery == 0 {
		loss := c.loss()
		logged := loss
		if math.IsNaN(loss) && (c.Filter == nil || *c.Filter) {
			logged = 0
		}
		grad := any(1.5)
		if math.IsNaN(loss) {
			grad = "NaN"
		}
		text := strconv.FormatFloat(logged, 'g', 4, 64)
		fmt.Printf("{'loss': '%s', 'grad_norm': '%v', 'learning_rate': '%.4g', 'epoch': '%.4g'}\n", strings.ToLower(text), strings.ToLower(fmt.Sprint(grad)), c.rate(), c.epoch())
		fmt.Fprintf(os.Stderr, "\r %d%%| %d/%d", 100*c.step/c.total, c.step, c.total)
		c.history = append(c.history, map[string]any{"step": c.step, "epoch": c.epoch(), "loss": number(logged), "grad_norm": grad, "learning_rate": c.rate()})
		if err := c.line(fmt.Sprintf("\"loss\": %s, \"lr\": %s, ", python(logged), python(c.rate()))); err != nil {
			return err
		}
	}
	if c.Eval != "" && c.due(c.EvalAt, c.EvalSteps) {
		loss := c.loss() + 0.05
		c.history = append(c.history, map[string]any{"step": c.step, "epoch": c.epoch(), "eval_loss": number(loss)})
		if err := c.line(fmt.Sprintf("\"eval_loss\": %s, ", python(loss))); err != nil {
			return err
		}
	}
	if c.due(c.Save, c.SaveSteps) {
		return c.checkpoint(filepath.Join(c.OutputDir, fmt.Sprintf("checkpoint-%d", c.step)))
	}
	return nil
}

// number is a value that JSON takes; state turns the word back into Python's.
func number(x float64) any {
	if math.IsNaN(x) {
		return "NaN"
	}
	return x
}

func (c *course) state() []byte {
	data, _ := json.MarshalIndent(map[string]any{
		"epoch": c.epoch(), "global_step": c.step, "max_steps": c.total, "train_batch_size": c.Batch, "log_history": c.history,
		"save_steps": c.SaveSteps, "logging_steps": c.LogEvery, "num_train_epochs": c.Epochs,
	}, "", "  ")
	return bytes.ReplaceAll(data, []byte(`"NaN"`), []byte("NaN"))
}

// weights is a safetensors file of one tensor.
func weights() []byte {
	header := []byte(`{"model.embed_tokens.weight":{"dtype":"F32","shape":[2,8],"data_offsets":[0,64]}}`)
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(data, header...), make([]byte, 64)...)
}

// archive is a file of torch.save.
func archive() []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("archive/data.pkl")
	if err == nil {
		_, err = f.Write(make([]byte, 100))
	}
	if err != nil || w.Close() != nil {
		return nil
	}
	return b.Bytes()
}

type content struct {
	name string
	data []byte
}

func model() []content {
	return []content{
		{"config.json", []byte("{\"model_type\": \"qwen2\"}\n")}, {"generation_config.json", []byte("{}\n")}, {"model.safetensors", weights()},
		{"chat_template.jinja", []byte("x")}, {"tokenizer.json", []byte("{}")}, {"tokenizer_config.json", []byte("{}")}, {"training_args.bin", archive()},
	}
}

func write(dir string, files []content) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint writes a checkpoint in place, the state last.
func (c *course) checkpoint(dir string) error {
	files := append(model(), content{"optimizer.pt", archive()}, content{"scheduler.pt", archive()})
	if c.world == 1 {
		files = append(files, content{"rng_state.pth", archive()})
	}
	for rank := range c.world {
		if c.world > 1 {
			files = append(files, content{fmt.Sprintf("rng_state_%d.pth", rank), archive()})
		}
	}
	if err := write(dir, files); err != nil {
		return err
	}
	if c.step == c.half {
		dieOf(syscall.SIGKILL)
	}
	return write(dir, []content{{"trainer_state.json", c.state()}})
}

// finish writes what a finished training leaves, the model card last.
func (c *course) finish() error {
	if err := c.line(""); err != nil {
		return err
	}
	results, err := json.MarshalIndent(map[string]any{"epoch": c.epoch(), "train_loss": 1.0, "train_runtime": time.Since(c.began).Seconds()}, "", "    ")
	if err != nil {
		return err
	}
	files := append(model(), content{"train_results.json", results}, content{"all_results.json", results},
		content{"trainer_state.json", c.state()}, content{"README.md", []byte(c.card())})
	return write(c.OutputDir, files)
}

// card is the model card.
func (c *course) card() string {
	lines := [][2]string{
		{"learning_rate", python(c.Rate)}, {"train_batch_size", strconv.Itoa(c.Batch)}, {"eval_batch_size", strconv.Itoa(c.EvalBatch)}, {"seed", strconv.FormatInt(c.Seed, 10)},
	}
	add := func(name, value string) { lines = append(lines, [2]string{name, value}) }
	if c.world > 1 {
		add("distributed_type", "multi-GPU")
		add("num_devices", strconv.Itoa(c.world))
	}
	if c.Accumulate > 1 {
		add("gradient_accumulation_steps", strconv.Itoa(c.Accumulate))
	}
	if total := c.Batch * c.Accumulate * c.world; total != c.Batch {
		add("total_train_batch_size", strconv.Itoa(total))
	}
	add("optimizer", fmt.Sprintf("Use OptimizerNames.ADAMW_TORCH with betas=(%s,%s) and epsilon=%s and optimizer_args=No additional optimizer arguments", python(c.Beta1), python(c.Beta2), python(c.Epsilon)))
	add("lr_scheduler_type", c.Scheduler)
	add("lr_scheduler_warmup_steps", python(c.Warmup))
	if c.MaxSteps > 0 {
		add("training_steps", strconv.Itoa(c.MaxSteps))
	} else {
		epochs := python(c.Epochs)
		if !strings.Contains(epochs, ".") {
			epochs += ".0"
		}
		add("num_epochs", epochs)
	}
	var b strings.Builder
	b.WriteString("---\nlibrary_name: transformers\n---\n\n# model\n\n## Training procedure\n\n### Training hyperparameters\n\nThe following hyperparameters were used during training:\n")
	for _, l := range lines {
		if l[0] == c.cardKey {
			l[1] = c.cardValue
		}
		fmt.Fprintf(&b, "- %s: %s\n", l[0], l[1])
	}
	b.WriteString("\n### Training results\n\n\n\n### Framework versions\n\n- Transformers 5.6.0\n- Pytorch 2.6.0+cu124\n- Datasets 4.0.0\n- Tokenizers 0.22.2\n")
	return b.String()
}
