package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Preflight says what would keep a server from starting, without starting anything: an
// unknown or missing engine, and a checkpoint without config, weights, tokenizer or,
// for vLLM, chat template.
func Preflight(o Options) error {
	switch {
	case o.Engine != VLLM && o.Engine != LlamaFactory:
		return fmt.Errorf("engine %q is not one of %q", o.Engine, Engines())
	case o.ServedName == "":
		return fmt.Errorf("the served model has no name; requests call it by one, such as tinyv")
	case o.Log == "":
		return fmt.Errorf("the model server has no log file")
	case o.Engine == LlamaFactory && o.Template == "":
		return fmt.Errorf("engine %s needs the template that the checkpoint was trained with, such as qwen", LlamaFactory)
	}
	if err := checkCheckpoint(o.Checkpoint); err != nil {
		return err
	}
	if o.Engine == VLLM {
		if err := checkChatTemplate(o); err != nil {
			return err
		}
	}
	return Installed(o.Engine)
}

// Installed checks that the program of an engine is on PATH.
func Installed(engine string) error {
	program, install := "vllm", "pip install vllm, on a machine with a GPU, or choose engine llamafactory"
	if engine == LlamaFactory {
		program, install = "llamafactory-cli", "pip install llamafactory torch, or put the bin directory of its virtual environment on PATH"
	}
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("%s is not on PATH; %s", program, install)
	}
	return nil
}

func checkCheckpoint(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("checkpoint %s: no such directory", dir)
	case err != nil:
		return fmt.Errorf("checkpoint: %w", err)
	case !info.IsDir():
		return fmt.Errorf("checkpoint %s is a file; name the directory that it is in", dir)
	case !has(dir, "config.json") && has(dir, "adapter_config.json"):
		return fmt.Errorf("checkpoint %s is a LoRA adapter without its model; merge the two (llamafactory-cli export) and name the result", dir)
	case !has(dir, "config.json"):
		return fmt.Errorf("checkpoint %s has no config.json, so it is no model%s", dir, latestIn(dir))
	case !has(dir, "tokenizer.json") && !has(dir, "tokenizer.model") && !has(dir, "vocab.json") && !has(dir, "vocab.txt"):
		return fmt.Errorf("checkpoint %s has no tokenizer (tokenizer.json, tokenizer.model or vocab.json); copy the tokenizer files of the model that it was trained from", dir)
	case !has(dir, "*.safetensors") && !has(dir, "pytorch_model*.bin"):
		return fmt.Errorf("checkpoint %s has no weights (*.safetensors or pytorch_model*.bin)%s", dir, latestIn(dir))
	}
	return nil
}

// has reports whether a file of that name or pattern is in the directory.
func has(dir, pattern string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if ok, err := filepath.Match(pattern, e.Name()); ok && err == nil && !e.IsDir() {
			return true
		}
	}
	return false
}

// latestIn is a hint for a directory of an unfinished training.
func latestIn(dir string) string {
	found, err := filepath.Glob(filepath.Join(escapeGlob(dir), "checkpoint-*"))
	if err != nil || len(found) == 0 {
		return ""
	}
	return fmt.Sprintf("; it holds checkpoints of a training that has not finished, such as %s", found[len(found)-1])
}

var globSigns = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)

func escapeGlob(path string) string { return globSigns.Replace(path) }

// checkChatTemplate says whether vLLM could render a chat: without a template in the
// checkpoint it answers each request with an error.
func checkChatTemplate(o Options) error {
	for _, arg := range o.ExtraArgs {
		if arg == "--chat-template" || strings.HasPrefix(arg, "--chat-template=") {
			return nil
		}
	}
	if has(o.Checkpoint, "chat_template.jinja") || has(o.Checkpoint, "chat_template.json") {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(o.Checkpoint, "tokenizer_config.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("checkpoint: %w", err)
	}
	var config struct {
		ChatTemplate any `json:"chat_template"`
	}
	if err == nil {
		if err := json.Unmarshal(data, &config); err != nil {
			return fmt.Errorf("checkpoint %s: tokenizer_config.json: %w", o.Checkpoint, err)
		}
	}
	if config.ChatTemplate == nil {
		return fmt.Errorf("checkpoint %s has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json), so vLLM would answer no chat; copy it from the model that it was trained from, or pass --chat-template FILE to vLLM", o.Checkpoint)
	}
	return nil
}
