package config

import (
	"os"
	"regexp"
	"strings"
)

// Export is stage 4: the training files.
type Export struct {
	Targets       []string `yaml:"targets"`        // default [llama_factory]
	Prompt        string   `yaml:"prompt"`         // file of the human message
	System        string   `yaml:"system"`         // file of the system message, stated in every row; none by default
	Dataset       string   `yaml:"dataset"`        // name in dataset_info.json; default tinyv
	Format        string   `yaml:"format"`         // of llama_factory: sharegpt (default), openai or alpaca
	Reply         string   `yaml:"reply"`          // simple (default): True or False; reasoning: an annotator's reason first
	ControlTokens string   `yaml:"control_tokens"` // in texts of rows: escape (default) or drop the row
	CutoffLen     *int     `yaml:"cutoff_len"`     // tokens; longer rows are dropped; default is that of train, 0 is no limit
	Tokenizer     string   `yaml:"tokenizer"`      // the model's tokenizer.json, to count tokens; without it a bound decides
	PolicyPrompt  string   `yaml:"policy_prompt"`  // of verl and trl: file of the user message, with {{QUESTION}}
}

var datasetName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

func (k *checker) export(e *Export) {
	if e == nil {
		return
	}
	if e.Targets == nil {
		e.Targets = []string{"llama_factory"}
	}
	if len(e.Targets) == 0 {
		k.fail("export.targets", "is an empty list, by which no training file is written; name a target, or leave it out for [llama_factory]")
	}
	if e.Prompt == "" {
		k.fail("export.prompt", "is missing; name the prompt the verifier is trained with, such as prompts/train.txt")
	} else {
		k.prompt("export.prompt", &e.Prompt, "{{GROUND_TRUTH_ANSWER}}", "{{MODEL_ANSWER}}")
	}
	k.optionalFile("export.system", &e.System)
	if text, err := os.ReadFile(e.System); err == nil && strings.TrimSpace(string(text)) == "" {
		k.fail("export.system", "%q holds no text, so that rows would not have the system message that is asked for; write one, or remove export.system", e.System)
	}
	k.optionalFile("export.tokenizer", &e.Tokenizer)
	if e.PolicyPrompt != "" {
		k.prompt("export.policy_prompt", &e.PolicyPrompt, "{{QUESTION}}")
	}
	defaultText(&e.Dataset, DefaultDataset)
	if !datasetName.MatchString(e.Dataset) {
		k.fail("export.dataset", "must be letters, digits, '_' or '-', not %q", e.Dataset)
	}
	k.oneOf("export.format", &e.Format, "sharegpt", "openai", "alpaca")
	k.oneOf("export.reply", &e.Reply, "simple", "reasoning")
	k.oneOf("export.control_tokens", &e.ControlTokens, "escape", "drop")
	if e.CutoffLen != nil && *e.CutoffLen < 0 {
		k.fail("export.cutoff_len", "must be 0 (no limit) or more, not %d", *e.CutoffLen)
	}
	if e.CutoffLen == nil {
		e.CutoffLen = new(2048)
		if k.c.Train != nil && k.c.Train.CutoffLen > 0 {
			e.CutoffLen = new(k.c.Train.CutoffLen)
		}
	}
}
