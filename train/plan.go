// Package train is stage 5. For now it plans: it writes the LLaMA-Factory YAML of
// the fine-tune and says which command runs it. Launching and following the
// training is not there yet.
package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
)

// ConfigFile is the name of the file that LLaMA-Factory reads.
const ConfigFile = "train.yaml"

// Options is the recipe. The published card of TinyV-1.5B: Qwen2.5-1.5B-Instruct,
// full fine-tune, learning rate 1e-5, 2 epochs, cosine, warm-up ratio 0.1, 8 per
// device x 8 accumulation x 8 devices = 512 rows per step, seed 42, AdamW
// (0.9, 0.999, 1e-8), template qwen, cutoff 2048, bf16.
type Options struct {
	Model            string  `json:"model"`
	Template         string  `json:"template"`
	OutputDir        string  `json:"output_dir"`    // where the checkpoint goes
	LearningRate     float64 `json:"learning_rate"` // above 0
	Epochs           float64 `json:"epochs"`        // above 0
	WarmupRatio      float64 `json:"warmup_ratio"`  // 0 to 1
	CutoffLen        int     `json:"cutoff_len"`    // tokens
	BatchPerDevice   int     `json:"batch_per_device"`
	GradAccumulation int     `json:"gradient_accumulation"`
	GPUs             int     `json:"gpus"`
	Seed             int64   `json:"seed"`
}

// Plan is what would be run.
type Plan struct {
	Config      string   // path of the written YAML
	Environment []string // NAME=value, to be set for the command
	Command     []string
	RowsPerStep int
	Rows        int64 // training rows
	Steps       int64 // optimizer steps in all epochs
}

// Write writes DIR/train.yaml for the finished export in exportDir, whose
// training and evaluation datasets have the given names, and plans the command.
func Write(dir, exportDir, trainDataset, evalDataset string, o Options) (*manifest.Manifest, *Plan, error) {
	upstream, err := manifest.Require(exportDir)
	if err != nil {
		return nil, nil, err
	}
	info, err := os.ReadFile(filepath.Join(exportDir, "dataset_info.json"))
	if err != nil {
		return nil, nil, fmt.Errorf("train: %w", err)
	}
	var datasets map[string]json.RawMessage
	if err := json.Unmarshal(info, &datasets); err != nil {
		return nil, nil, fmt.Errorf("train: %s is not a dataset_info.json: %w", exportDir, err)
	}
	if _, ok := datasets[trainDataset]; !ok {
		return nil, nil, fmt.Errorf("train: %s names no dataset %q", filepath.Join(exportDir, "dataset_info.json"), trainDataset)
	}
	exportDir, err = filepath.Abs(exportDir)
	if err != nil {
		return nil, nil, err
	}
	if o.OutputDir == "" {
		if o.OutputDir, err = filepath.Abs(filepath.Join(dir, "checkpoint")); err != nil {
			return nil, nil, err
		}
	}
	if upstream.Figures["eval"] == 0 {
		evalDataset = "" // the trainer refuses an empty file
	}

	plan := &Plan{
		Config:      filepath.Join(dir, ConfigFile),
		Command:     []string{"llamafactory-cli", "train", filepath.Join(dir, ConfigFile)},
		RowsPerStep: o.BatchPerDevice * o.GradAccumulation * o.GPUs,
		Rows:        upstream.Figures["train"],
	}
	if o.GPUs > 1 {
		plan.Environment = []string{"FORCE_TORCHRUN=1", "NPROC_PER_NODE=" + strconv.Itoa(o.GPUs)}
	}
	perEpoch := (plan.Rows + int64(plan.RowsPerStep) - 1) / int64(plan.RowsPerStep)
	plan.Steps = int64(float64(perEpoch) * o.Epochs)

	inputs := []manifest.File{}
	for _, f := range upstream.Outputs {
		inputs = append(inputs, manifest.File{Path: filepath.ToSlash(filepath.Join(exportDir, f.Path)), Bytes: f.Bytes, SHA256: f.SHA256})
	}
	settings := struct {
		Options
		DatasetDir, TrainDataset, EvalDataset string
	}{o, exportDir, trainDataset, evalDataset}
	s, done, err := manifest.Begin(dir, "train-plan", settings, inputs, []string{ConfigFile})
	if err != nil || done != nil {
		return done, plan, err
	}
	if err := rows.WriteFile(plan.Config, o.yaml(exportDir, trainDataset, evalDataset)); err != nil {
		return nil, nil, err
	}
	figures := map[string]int64{"rows": plan.Rows, "rows_per_step": int64(plan.RowsPerStep), "steps": plan.Steps}
	m, err := s.Finish([]string{ConfigFile}, nil, figures, nil, upstream.Simulated)
	return m, plan, err
}

// yaml writes the keys of LLaMA-Factory 0.9.2. It is written by hand because YAML
// libraries write 1e-05, which the trainer's PyYAML reads as a text.
func (o Options) yaml(datasetDir, trainDataset, evalDataset string) []byte {
	var b bytes.Buffer
	section := func(name string) { fmt.Fprintf(&b, "### %s\n", name) }
	key := func(name string, value any) {
		switch v := value.(type) {
		case float64:
			fmt.Fprintf(&b, "%s: %s\n", name, float(v))
		case string:
			fmt.Fprintf(&b, "%s: %s\n", name, text(v))
		default:
			fmt.Fprintf(&b, "%s: %v\n", name, v)
		}
	}
	fmt.Fprintf(&b, "# Written by `tinyv train`; for LLaMA-Factory 0.9.2.\n# %d rows per step = %d per device x %d accumulation x %d devices\n\n",
		o.BatchPerDevice*o.GradAccumulation*o.GPUs, o.BatchPerDevice, o.GradAccumulation, o.GPUs)
	section("model")
	key("model_name_or_path", o.Model)
	b.WriteByte('\n')
	section("method")
	key("stage", "sft")
	key("do_train", true)
	key("finetuning_type", "full")
	b.WriteByte('\n')
	section("dataset")
	key("dataset_dir", datasetDir)
	key("dataset", trainDataset)
	if evalDataset != "" {
		key("eval_dataset", evalDataset)
	}
	key("template", o.Template)
	key("cutoff_len", o.CutoffLen)
	b.WriteByte('\n')
	section("output")
	key("output_dir", o.OutputDir)
	key("logging_steps", 1)
	key("save_strategy", "epoch")
	key("plot_loss", true)
	b.WriteByte('\n')
	section("train")
	key("per_device_train_batch_size", o.BatchPerDevice)
	key("gradient_accumulation_steps", o.GradAccumulation)
	key("learning_rate", o.LearningRate)
	key("num_train_epochs", o.Epochs)
	key("lr_scheduler_type", "cosine")
	key("warmup_ratio", o.WarmupRatio)
	key("optim", "adamw_torch")
	key("adam_beta1", 0.9)
	key("adam_beta2", 0.999)
	key("adam_epsilon", 1e-8)
	key("bf16", true)
	key("seed", o.Seed)
	if evalDataset != "" {
		b.WriteByte('\n')
		section("eval")
		key("per_device_eval_batch_size", o.BatchPerDevice)
		key("eval_strategy", "epoch")
	}
	return b.Bytes()
}

// float writes a number that YAML 1.1 and 1.2 both read as a float: with a dot,
// and a sign in the exponent.
func float(x float64) string {
	s := strconv.FormatFloat(x, 'g', -1, 64)
	mantissa, exponent, scientific := strings.Cut(s, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if !scientific {
		return mantissa
	}
	return mantissa + "e" + exponent
}

// text quotes a text wherever a plain YAML scalar could be read as something else.
func text(s string) string {
	plain := s != "" && !strings.ContainsAny(s, " \t\n\"'#:{}[],&*!|>%@`\\") && !strings.HasPrefix(s, "-") && !strings.HasPrefix(s, "?")
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		plain = false
	}
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "~", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	quoted, err := json.Marshal(s) // a JSON string is a YAML double-quoted scalar
	if err != nil {
		return strconv.Quote(s)
	}
	return string(quoted)
}
