// Package train is stage 5. For now it plans: it writes the LLaMA-Factory YAML of
// the fine-tune and says which command runs it. Launching and following the
// training is not there yet.
package train

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
)

// ConfigFile is the name of the file that LLaMA-Factory reads.
const ConfigFile = "train.yaml"

// Methods of the fine-tune.
const (
	Full  = "full"
	LoRA  = "lora"
	QLoRA = "qlora" // LoRA on a quantized model
)

// Options is the recipe. The published card of TinyV-1.5B: Qwen2.5-1.5B-Instruct,
// full fine-tune, learning rate 1e-5, 2 epochs, cosine, warm-up ratio 0.1, 8 per
// device x 8 accumulation x 8 devices = 512 rows per step, seed 42, AdamW
// (0.9, 0.999, 1e-8), template qwen, cutoff 2048, bf16.
type Options struct {
	Model            string         `json:"model"`                      // name on a model hub, or a directory
	FromScratch      bool           `json:"from_scratch"`               // random weights: Model is a directory with config and tokenizer
	Template         string         `json:"template"`                   //
	OutputDir        string         `json:"output_dir"`                 // where the checkpoint goes; empty: DIR/checkpoint
	Method           string         `json:"method"`                     // Full, LoRA or QLoRA; empty is Full
	LoRARank         int            `json:"lora_rank,omitempty"`        // 0 is 8
	LoRAAlpha        int            `json:"lora_alpha,omitempty"`       // 0 is twice the rank
	LoRATarget       string         `json:"lora_target,omitempty"`      // module names, comma separated; empty is all
	QuantizationBit  int            `json:"quantization_bit,omitempty"` // of QLoRA: 4 or 8; 0 is 4
	DeepSpeed        string         `json:"deepspeed,omitempty"`        // "", z0, z2 or z3
	Liger            bool           `json:"liger,omitempty"`            // the fused kernels of liger-kernel
	LearningRate     float64        `json:"learning_rate"`              // above 0
	Epochs           float64        `json:"epochs"`                     // above 0
	MaxSteps         int            `json:"max_steps,omitempty"`        // in place of Epochs, if above 0
	WarmupRatio      float64        `json:"warmup_ratio"`               // 0 to 1
	CutoffLen        int            `json:"cutoff_len"`                 // tokens
	RowsPerStep      int            `json:"rows_per_step"`              // 0 is 512, or what GradAccumulation gives
	BatchPerDevice   int            `json:"batch_per_device"`           //
	GradAccumulation int            `json:"gradient_accumulation"`      // 0: as RowsPerStep asks
	GPUs             int            `json:"gpus"`                       // on each node; 0: on CPU
	Processes        int            `json:"processes,omitempty"`        // on each node, on CPU; 0 is 1
	Nodes            int            `json:"nodes"`                      // 0 is 1
	LoggingSteps     int            `json:"logging_steps"`              // 0 is 1
	SaveSteps        int            `json:"save_steps,omitempty"`       // 0: at the end of each epoch
	SaveTotalLimit   int            `json:"save_total_limit,omitempty"` // checkpoints kept; 0 keeps all
	Seed             int64          `json:"seed"`                       //
	Extra            map[string]any `json:"extra,omitempty"`            // further keys of LLaMA-Factory: texts, numbers, booleans
}

// Plan is what would be run. It is kept in DIR/plan.json, from where Read takes it.
type Plan struct {
	Dir              string  `json:"-"`           // the stage's directory; it holds every file below
	Config           string  `json:"-"`           // path of the YAML
	Options          Options `json:"options"`     // with every default filled in
	DatasetDir       string  `json:"dataset_dir"` // absolute
	TrainDataset     string  `json:"train_dataset"`
	EvalDataset      string  `json:"eval_dataset"` // empty: no evaluation
	Trainer          Trainer `json:"trainer"`      // whose key names the YAML has
	GradAccumulation int     `json:"gradient_accumulation"`
	WorldSize        int     `json:"world_size"` // processes on all nodes
	RowsPerStep      int     `json:"rows_per_step"`
	Rows             int64   `json:"rows"`  // training rows
	Steps            int64   `json:"steps"` // optimizer steps in all epochs
}

// Trainer is the LLaMA-Factory that a plan is for.
type Trainer struct {
	Version      string `json:"llamafactory"`
	Transformers string `json:"transformers"`
	Installed    bool   `json:"installed"` // false: nothing is installed here, the tables of this package are taken
}

// Write writes DIR/train.yaml for the finished export in exportDir, whose
// training and evaluation datasets have the given names, DIR/plan.json, and
// DIR/ds_zN.json where DeepSpeed is asked for. The installed LLaMA-Factory is
// asked for the keys that it takes; a key that it does not take is an error.
func Write(ctx context.Context, dir, exportDir, trainDataset, evalDataset string, o Options) (*manifest.Manifest, *Plan, error) {
	panic("not yet")
}

// Read returns the plan that Write left in a directory.
func Read(dir string) (*Plan, error) {
	panic("not yet")
}

// Resume writes DIR/train-resume.yaml, which goes on from a checkpoint, and
// returns the plan whose Config it is.
func (p *Plan) Resume(checkpoint string) (*Plan, error) {
	panic("not yet")
}

// Command is what runs the plan: the program and its arguments.
func (p *Plan) Command() []string {
	return []string{"llamafactory-cli", "train", p.Config}
}

// Environment is what is set for the command on a node, as NAME=value. node
// counts from 0; master is the host of node 0, unused with one node.
func (p *Plan) Environment(node int, master string) []string {
	panic("not yet")
}

// Severity of a finding.
type Severity string

// The severities: an Error would make the training fail or train something else.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing that a check found.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // what, where, and what to do
}

// Expect is what the plan does not know but preflight compares with.
type Expect struct {
	System    *string // the system message of serving; nil: not compared
	Tokenizer string  // a tokenizer.json; empty: that of the model, if it is a directory
	Resume    bool    // the output directory holds the checkpoints to go on from
}

// Preflight runs every check that needs no loaded model, and returns all that
// they found, errors first. The error is a cancelled context.
func Preflight(ctx context.Context, p *Plan, expect Expect) ([]Finding, error) {
	panic("not yet")
}

// Batch is a Slurm batch file.
type Batch struct {
	Name      string // of the job
	Partition string // empty: the cluster's default
	Account   string
	Time      time.Duration // limit of the job; 0: the cluster's default
	Program   string        // tinyv
	Extra     []string      // further #SBATCH lines, without the #SBATCH
}

// Slurm returns the text of the batch file that runs a plan.
func (p *Plan) Slurm(b Batch) ([]byte, error) {
	panic("not yet")
}

// Submit hands a batch file to sbatch and returns the job's id.
func Submit(ctx context.Context, file string) (string, error) {
	panic("not yet")
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
