package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Methods of the fine-tune.
const (
	Full  = "full"
	LoRA  = "lora"
	QLoRA = "qlora" // LoRA on a quantized model
)

// RowsPerStep is that of the published recipe.
const RowsPerStep = 512

// Options is the recipe. The published card of TinyV-1.5B: Qwen2.5-1.5B-Instruct,
// full fine-tune, learning rate 1e-5, 2 epochs, cosine, warm-up ratio 0.1, 8 per
// device x 8 accumulation x 8 devices = 512 rows per step, seed 42, AdamW
// (0.9, 0.999, 1e-8), template qwen, cutoff 2048, bf16.
type Options struct {
	Model       string `json:"model"`                  // name on a model hub, or a directory
	FromScratch bool   `json:"from_scratch,omitempty"` // random weights; Model is a directory with a config and a tokenizer
	Template    string `json:"template"`
	OutputDir   string `json:"output_dir"` // where the checkpoint goes; empty: DIR/checkpoint

	Method          string `json:"method"`                     // empty: Full
	LoRARank        int    `json:"lora_rank,omitempty"`        // 0: 8
	LoRAAlpha       int    `json:"lora_alpha,omitempty"`       // 0: twice the rank
	LoRATarget      string `json:"lora_target,omitempty"`      // names of modules with commas between; empty: all
	QuantizationBit int    `json:"quantization_bit,omitempty"` // of QLoRA, 4 or 8; 0: 4
	DeepSpeed       string `json:"deepspeed,omitempty"`        // z0, z2, z3, or empty for none
	Liger           bool   `json:"liger,omitempty"`            // the fused kernels of liger-kernel

	LearningRate float64 `json:"learning_rate"`       // above 0
	Epochs       float64 `json:"epochs"`              // above 0
	MaxSteps     int     `json:"max_steps,omitempty"` // in place of Epochs, if above 0
	WarmupRatio  float64 `json:"warmup_ratio"`        // 0 to 1
	CutoffLen    int     `json:"cutoff_len"`          // tokens
	Seed         int64   `json:"seed"`

	RowsPerStep      int `json:"rows_per_step"`         // 0: 512
	BatchPerDevice   int `json:"batch_per_device"`      // rows
	GradAccumulation int `json:"gradient_accumulation"` // 0: what makes RowsPerStep
	GPUs             int `json:"gpus"`                  // of each node; 0: on CPU
	Processes        int `json:"processes,omitempty"`   // of each node, on CPU; 0: 1
	Nodes            int `json:"nodes"`                 // 0: 1

	LoggingSteps   int `json:"logging_steps"`              // 0: 1
	SaveSteps      int `json:"save_steps,omitempty"`       // 0: a checkpoint after each epoch
	SaveTotalLimit int `json:"save_total_limit,omitempty"` // the newest checkpoints that are kept; 0: all

	Extra map[string]any `json:"extra,omitempty"` // further keys of LLaMA-Factory: texts, numbers, true and false
}

// Filled returns the options with every default in its place, or says which of them
// cannot be.
func (o Options) Filled() (Options, error) {
	orDefault(&o.Method, Full)
	orDefault(&o.RowsPerStep, RowsPerStep)
	orDefault(&o.Nodes, 1)
	orDefault(&o.LoggingSteps, 1)
	switch o.Method {
	case Full:
		if o.LoRARank != 0 || o.LoRAAlpha != 0 || o.LoRATarget != "" {
			return o, fmt.Errorf("train.method is full, which has no LoRA: take the keys of LoRA out, or say method: lora")
		}
	case LoRA, QLoRA:
		orDefault(&o.LoRARank, 8)
		orDefault(&o.LoRAAlpha, 2*o.LoRARank)
		orDefault(&o.LoRATarget, "all")
	default:
		return o, fmt.Errorf("train.method: %q; there are %s, %s and %s", o.Method, Full, LoRA, QLoRA)
	}
	if o.Method == QLoRA {
		orDefault(&o.QuantizationBit, 4)
		if o.QuantizationBit != 4 && o.QuantizationBit != 8 {
			return o, fmt.Errorf("train.quantization_bit: %d; bitsandbytes has 4 and 8", o.QuantizationBit)
		}
		if o.DeepSpeed == "z3" && o.QuantizationBit != 4 {
			return o, fmt.Errorf("train.deepspeed: z3 shards the weights, which LLaMA-Factory takes of quantized ones with 4 bits only; use z2, or quantization_bit: 4")
		}
	} else if o.QuantizationBit != 0 {
		return o, fmt.Errorf("train.quantization_bit is for method: qlora, not %s", o.Method)
	}
	if o.GPUs == 0 {
		orDefault(&o.Processes, 1)
		if o.DeepSpeed != "" || o.Liger || o.Method == QLoRA {
			return o, fmt.Errorf("train.gpus is 0, and DeepSpeed, liger and qlora need GPUs: name the number of GPUs, or leave them out")
		}
	} else if o.Processes != 0 {
		return o, fmt.Errorf("train.processes is for training on CPU; with gpus: %d there is one process for each GPU", o.GPUs)
	}
	for _, c := range []struct {
		key   string
		value float64
	}{{"learning_rate", o.LearningRate}, {"epochs", o.Epochs}} {
		if !(c.value > 0) || math.IsInf(c.value, 0) {
			return o, fmt.Errorf("train.%s: %v; wanted a number above 0", c.key, c.value)
		}
	}
	if !(o.WarmupRatio >= 0 && o.WarmupRatio <= 1) {
		return o, fmt.Errorf("train.warmup_ratio: %v; wanted 0 to 1", o.WarmupRatio)
	}
	for _, c := range []struct {
		key   string
		value int
		least int
	}{
		{"batch_per_device", o.BatchPerDevice, 1}, {"cutoff_len", o.CutoffLen, 1}, {"rows_per_step", o.RowsPerStep, 1}, {"nodes", o.Nodes, 1},
		{"logging_steps", o.LoggingSteps, 1}, {"gradient_accumulation", o.GradAccumulation, 0}, {"gpus", o.GPUs, 0}, {"processes", o.Processes, 0},
		{"max_steps", o.MaxSteps, 0}, {"save_steps", o.SaveSteps, 0}, {"save_total_limit", o.SaveTotalLimit, 0},
		{"lora_rank", o.LoRARank, 0}, {"lora_alpha", o.LoRAAlpha, 0},
	} {
		if c.value < c.least || c.value > 1e9 {
			return o, fmt.Errorf("train.%s: %d; wanted at least %d", c.key, c.value, c.least)
		}
	}
	if o.Model == "" {
		return o, errors.New("train.model is missing: name a model, such as Qwen/Qwen2.5-1.5B-Instruct, or its directory")
	}
	if o.Template == "" {
		return o, errors.New("train.template is missing: name the one of the model, such as qwen")
	}
	if o.DeepSpeed != "" && !slices.Contains(stagesOfDeepSpeed, o.DeepSpeed) {
		return o, fmt.Errorf("train.deepspeed: %q; there are %s", o.DeepSpeed, strings.Join(stagesOfDeepSpeed, ", "))
	}
	accumulation, err := o.accumulation()
	o.GradAccumulation = accumulation
	return o, err
}

func orDefault[T comparable](value *T, byDefault T) {
	var zero T
	if *value == zero {
		*value = byDefault
	}
}

// perNode is the number of processes on each node.
func (o Options) perNode() int {
	if o.GPUs > 0 {
		return o.GPUs
	}
	return o.Processes
}

func (o Options) worldSize() int { return o.perNode() * o.Nodes }

// accumulation is how many batches make a step of RowsPerStep rows.
func (o Options) accumulation() (int, error) {
	world := o.worldSize()
	atOnce := o.BatchPerDevice * world
	if o.RowsPerStep%atOnce != 0 {
		return 0, fmt.Errorf("train: %d rows per step cannot be made of %d per device x %d devices, which are %d at once; %s", o.RowsPerStep, o.BatchPerDevice, world, atOnce, o.divides())
	}
	accumulation := o.RowsPerStep / atOnce
	if o.GradAccumulation != 0 && o.GradAccumulation != accumulation {
		return 0, fmt.Errorf("train.gradient_accumulation: %d makes %d rows per step (%d per device x %d accumulation x %d devices), and rows_per_step is %d: leave gradient_accumulation out and it is %d, or say rows_per_step: %d",
			o.GradAccumulation, atOnce*o.GradAccumulation, o.BatchPerDevice, o.GradAccumulation, world, o.RowsPerStep, accumulation, atOnce*o.GradAccumulation)
	}
	return accumulation, nil
}

// divides says which values would do where the rows of a step cannot be made.
func (o Options) divides() string {
	world, atOnce := o.worldSize(), o.BatchPerDevice*o.worldSize()
	var ways []string
	if o.RowsPerStep%world == 0 {
		ways = append(ways, "batch_per_device: "+oneOf(divisors(o.RowsPerStep/world)))
	}
	if perDevice := o.BatchPerDevice * o.Nodes; o.GPUs > 0 && o.RowsPerStep%perDevice == 0 {
		ways = append(ways, "gpus: "+oneOf(divisors(o.RowsPerStep/perDevice)))
	}
	near := o.RowsPerStep / atOnce * atOnce
	if near == 0 {
		ways = append(ways, fmt.Sprintf("rows_per_step: %d", atOnce))
	} else {
		ways = append(ways, fmt.Sprintf("rows_per_step: %d or %d", near, near+atOnce))
	}
	return "these would do: " + strings.Join(ways, "; ")
}

// divisors lists the divisors of n from 1 up to 128, as far as devices and batches go.
func divisors(n int) []int {
	var all []int
	for d := 1; d <= min(n, 128); d++ {
		if n%d == 0 {
			all = append(all, d)
		}
	}
	return all
}

func oneOf(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " or " + words[last]
	}
	return words[0]
}
