package config

import "time"

// Train is stage 5: the fine-tune. Defaults are those of the published card.
type Train struct {
	Model       string `yaml:"model"`        // name on a model hub, or a directory
	FromScratch bool   `yaml:"from_scratch"` // random weights; model is a directory with a config and a tokenizer
	Template    string `yaml:"template"`
	OutputDir   string `yaml:"output_dir"` // where the checkpoint goes; default is checkpoint/ in the run's train directory

	Method          string `yaml:"method"` // full (default), lora or qlora
	LoRA            *LoRA  `yaml:"lora"`
	QuantizationBit int    `yaml:"quantization_bit"` // of qlora: 4 (default) or 8
	DeepSpeed       string `yaml:"deepspeed"`        // z0, z2 or z3; none by default
	Liger           bool   `yaml:"liger"`            // the fused kernels of liger-kernel

	LearningRate *float64 `yaml:"learning_rate"`
	Epochs       *float64 `yaml:"epochs"`
	MaxSteps     int      `yaml:"max_steps"` // in place of epochs
	WarmupRatio  *float64 `yaml:"warmup_ratio"`
	CutoffLen    int      `yaml:"cutoff_len"` // tokens of a row
	Seed         *int64   `yaml:"seed"`

	RowsPerStep      int  `yaml:"rows_per_step"` // of all devices and accumulated batches; default 512
	BatchPerDevice   int  `yaml:"batch_per_device"`
	GradAccumulation int  `yaml:"gradient_accumulation"` // default is what makes rows_per_step
	GPUs             *int `yaml:"gpus"`                  // of each node; 0 trains on CPU; default 8
	Processes        int  `yaml:"processes"`             // of each node, on CPU
	Nodes            int  `yaml:"nodes"`

	LoggingSteps   int `yaml:"logging_steps"`
	SaveSteps      int `yaml:"save_steps"`       // default is a checkpoint after each epoch
	SaveTotalLimit int `yaml:"save_total_limit"` // checkpoints that are kept; default is all

	Extra map[string]any `yaml:"extra"` // further keys of LLaMA-Factory
	Slurm *Slurm         `yaml:"slurm"`
}

// LoRA says how large the adapters are.
type LoRA struct {
	Rank   int    `yaml:"rank"`   // default 8
	Alpha  int    `yaml:"alpha"`  // default is twice the rank
	Target string `yaml:"target"` // names of modules with commas between; default all
}

// Slurm says how sbatch runs the training.
type Slurm struct {
	Name    string        `yaml:"name"`    // of the job; default is the config's
	Time    time.Duration `yaml:"time"`    // after which the job is requeued and goes on; default is the partition's limit
	Options []string      `yaml:"options"` // of sbatch, such as --partition=gpu
}

func (k *checker) train(t *Train) {
	if t == nil {
		return
	}
	// Published card of TinyV-1.5B: see docs/train.md.
	defaultText(&t.Model, "Qwen/Qwen2.5-1.5B-Instruct")
	defaultText(&t.Template, DefaultTemplate)
	fill(&t.LearningRate, 1e-5)
	fill(&t.Epochs, 2.0)
	fill(&t.WarmupRatio, 0.1)
	fill(&t.Seed, int64(42))
	fill(&t.GPUs, 8)
	k.oneOf("train.method", &t.Method, "full", "lora", "qlora")
	k.positive("train.cutoff_len", &t.CutoffLen, 2048)
	k.positive("train.batch_per_device", &t.BatchPerDevice, 8)
	k.share("train.warmup_ratio", t.WarmupRatio)
	if t.FromScratch || isDirectory(k.c.resolve(t.Model)) {
		k.file("train.model", &t.Model, "a directory with the model's config.json and tokenizer")
	}
	if t.LoRA == nil {
		t.LoRA = &LoRA{}
	}
	if t.OutputDir != "" {
		t.OutputDir = k.c.resolve(t.OutputDir)
	}
}
