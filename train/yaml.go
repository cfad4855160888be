package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// setting is one key of the YAML.
type setting struct {
	name  string
	value any
	set   string // what sets it: a key of the block train. Empty: fixed by the recipe, and free to change in extra
}

// section is a part of the YAML under a heading.
type section struct {
	name     string
	settings []setting
}

// planned is what sets keys that no key of the config does.
const planned = "the plan itself"

// sections are all keys by the names of the newest known version. What differs from
// version to version by default is stated, so that it does not.
func (p *Plan) sections() []section {
	o := p.Options
	model := []setting{{"model_name_or_path", p.model, "model"}}
	if o.FromScratch {
		model = append(model, setting{"train_from_scratch", true, "from_scratch"})
	}
	tuning := Full
	if o.Method != Full {
		tuning = LoRA
	}
	method := []setting{{"stage", "sft", planned}, {"do_train", true, planned}, {"finetuning_type", tuning, "method"}}
	if o.Method != Full {
		method = append(method, setting{"lora_rank", o.LoRARank, "lora_rank"}, setting{"lora_alpha", o.LoRAAlpha, "lora_alpha"}, setting{"lora_target", o.LoRATarget, "lora_target"})
	}
	if o.Method == QLoRA {
		method = append(method, setting{"quantization_bit", o.QuantizationBit, "quantization_bit"})
	}
	if o.DeepSpeed != "" {
		method = append(method, setting{"deepspeed", p.path(DeepSpeedFile(o.DeepSpeed)), "deepspeed"})
	}
	if o.Liger {
		method = append(method, setting{"enable_liger_kernel", true, "liger"})
	}

	dataset := []setting{{"dataset_dir", p.DatasetDir, planned}, {"dataset", p.TrainDataset, planned}}
	if p.EvalDataset != "" {
		dataset = append(dataset, setting{"eval_dataset", p.EvalDataset, planned})
	}
	dataset = append(dataset, setting{"template", o.Template, "template"}, setting{"cutoff_len", o.CutoffLen, "cutoff_len"}, setting{"overwrite_cache", true, ""})

	output := []setting{{"output_dir", o.OutputDir, "output_dir"}, {"logging_steps", o.LoggingSteps, "logging_steps"}}
	rhythm := []setting{{"strategy", "epoch", "save_steps"}}
	if o.SaveSteps > 0 {
		rhythm = []setting{{"strategy", "steps", "save_steps"}, {"steps", o.SaveSteps, "save_steps"}}
	}
	for _, s := range rhythm {
		output = append(output, setting{"save_" + s.name, s.value, s.set})
	}
	if o.SaveTotalLimit > 0 {
		output = append(output, setting{"save_total_limit", o.SaveTotalLimit, "save_total_limit"})
	}
	output = append(output,
		setting{"plot_loss", true, ""}, setting{"report_to", "none", ""},
		setting{"include_num_input_tokens_seen", true, ""}, // tokens per second in the log
		setting{"logging_nan_inf_filter", false, planned},  // else a loss that is not a number is logged as 0
	)

	train := []setting{
		{"per_device_train_batch_size", o.BatchPerDevice, "batch_per_device"}, {"gradient_accumulation_steps", o.GradAccumulation, "gradient_accumulation"},
		{"learning_rate", o.LearningRate, "learning_rate"}, {"num_train_epochs", o.Epochs, "epochs"},
	}
	if o.MaxSteps > 0 {
		train = append(train, setting{"max_steps", o.MaxSteps, "max_steps"})
	}
	train = append(train,
		setting{"lr_scheduler_type", "cosine", ""}, setting{"warmup_ratio", o.WarmupRatio, "warmup_ratio"},
		setting{"optim", "adamw_torch", ""}, setting{"adam_beta1", 0.9, ""}, setting{"adam_beta2", 0.999, ""}, setting{"adam_epsilon", 1e-8, ""},
		setting{"bf16", o.GPUs > 0, ""}, setting{"seed", o.Seed, "seed"},
		setting{"average_tokens_across_devices", false, ""}, // as where the published model was trained
	)
	if o.GPUs == 0 {
		train = append(train, setting{"use_cpu", true, "gpus"})
	}
	if p.WorldSize > 1 {
		if o.GPUs == 0 {
			train = append(train, setting{"ddp_backend", "gloo", ""})
		}
		train = append(train, setting{"ddp_timeout", 86400, ""}) // the others wait while the first process tokenises
	}

	all := []section{{"model", model}, {"method", method}, {"dataset", dataset}, {"output", output}, {"train", train}}
	if p.EvalDataset != "" {
		eval := []setting{{"per_device_eval_batch_size", o.BatchPerDevice, ""}}
		for _, s := range rhythm {
			eval = append(eval, setting{"eval_" + s.name, s.value, ""})
		}
		all = append(all, section{"eval", eval})
	}
	return all
}

// refused are keys that no config may have, and why.
var refused = map[string]string{
	"resume_from_checkpoint": "`tinyv train resume` finds the checkpoint and checks that it is of the same run",
	"overwrite_output_dir":   "it would start anew and leave the old checkpoints, from which a later resume would go on; name another output_dir",
	"deepspeed":              "say train.deepspeed: z0, z2 or z3, so that preflight knows of it",
}

// settle adds the keys of extra and gives every key the name that a version has for
// it. The error lists every key that the version does not take.
func (o Options) settle(all []section, k *keys) ([]section, error) {
	var wrong []string
	rename := func(s *setting, where string) {
		name, err := k.name(s.name)
		if err == nil {
			s.name = name
			err = k.takes(name, s.value)
		}
		if text, ok := s.value.(string); ok && strings.Contains(text, "${") {
			err = fmt.Errorf("%s has ${ in it, which LLaMA-Factory would fill in: choose a name without", s.name)
		}
		if err != nil {
			wrong = append(wrong, where+err.Error())
		}
	}
	at := map[string]*setting{}
	for i := range all {
		for j := range all[i].settings {
			s := &all[i].settings[j]
			rename(s, "")
			at[s.name] = s
		}
	}
	extra := section{name: "extra"}
	for _, name := range slices.Sorted(maps.Keys(o.Extra)) {
		if why, ok := refused[name]; ok {
			wrong = append(wrong, fmt.Sprintf("train.extra.%s: %s", name, why))
			continue
		}
		s := setting{name, o.Extra[name], "extra"}
		rename(&s, "train.extra: ")
		switch old := at[s.name]; {
		case old == nil:
			extra.settings = append(extra.settings, s)
		case old.set == "extra":
			wrong = append(wrong, fmt.Sprintf("train.extra.%s: it stands twice, by two names of the same key", name))
		case old.set != "":
			wrong = append(wrong, fmt.Sprintf("train.extra.%s: it is set by %s; change it there", name, keyOf(old.set)))
		default:
			*old = s
		}
		at[s.name] = &s
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("train: LLaMA-Factory %s would not take these keys as they are meant:\n  %s", k.version, strings.Join(wrong, "\n  "))
	}
	if len(extra.settings) > 0 {
		all = append(all, extra)
	}
	return all, nil
}

func keyOf(set string) string {
	if set == planned {
		return set
	}
	return "train." + set
}

// writeYAML writes the keys by hand: YAML libraries write 1e-05, which PyYAML reads
// as a text.
func writeYAML(header string, all []section) []byte {
	var b bytes.Buffer
	for line := range strings.Lines(header) {
		b.WriteString("# " + line)
	}
	for _, part := range all {
		fmt.Fprintf(&b, "\n### %s\n", part.name)
		for _, s := range part.settings {
			fmt.Fprintf(&b, "%s: %s\n", s.name, scalar(s.value))
		}
	}
	return b.Bytes()
}

func scalar(value any) string {
	switch v := value.(type) {
	case float64:
		return float(v)
	case string:
		return text(v)
	}
	return fmt.Sprint(value)
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

// plainText is what no version of YAML reads as anything but a text, the words in
// words aside: names and paths.
var plainText = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`)

// words are those that YAML 1.1 reads as something else.
var words = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}

// text quotes a text wherever a plain YAML scalar could be read as something else.
func text(s string) string {
	if plainText.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	quoted, err := json.Marshal(s) // a JSON string is a YAML double-quoted scalar
	if err != nil {
		return strconv.Quote(s)
	}
	return string(quoted)
}
