package train

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// model checks that the model is one.
func (f *findings) model(p *Plan) {
	if !filepath.IsAbs(p.model) {
		if p.Options.FromScratch {
			f.fail("model", "train.from_scratch needs the directory of a config.json and a tokenizer, and %q is none", p.model)
		}
		f.hub(p.model)
		return
	}
	if info, err := os.Stat(p.model); err != nil || !info.IsDir() {
		f.fail("model", "%s is no directory that can be read (%v): name the directory of the model, or its name on the hub", p.model, err)
		return
	}
	has := func(pattern string) bool {
		found, err := filepath.Glob(filepath.Join(escapeGlob(p.model), pattern))
		return err == nil && len(found) > 0
	}
	if !has("config.json") {
		f.fail("model", "%s has no config.json: name the directory of a whole model; of a run that is the checkpoint itself", p.model)
	}
	if !has("tokenizer_config.json") || !has("tokenizer.json") && !has("tokenizer.model") && !(has("vocab.json") && has("merges.txt")) {
		f.fail("model", "%s has no tokenizer (tokenizer.json and tokenizer_config.json): copy them from the model that it was made of", p.model)
	}
	if !p.Options.FromScratch && !has("*.safetensors") && !has("*.bin") {
		f.fail("model", "%s has no weights (*.safetensors): copy them there, or say from_scratch: true for random ones", p.model)
	}
}

// hub checks that a model of the hub is here where the hub may not be asked.
func (f *findings) hub(model string) {
	offline := strings.ToLower(os.Getenv("HF_HUB_OFFLINE"))
	if offline != "1" && offline != "true" && offline != "yes" && offline != "on" {
		return
	}
	cache := os.Getenv("HF_HUB_CACHE")
	if home := os.Getenv("HF_HOME"); cache == "" && home != "" {
		cache = filepath.Join(home, "hub")
	}
	if home, err := os.UserHomeDir(); cache == "" && err == nil {
		cache = filepath.Join(home, ".cache", "huggingface", "hub")
	}
	path := filepath.Join(cache, "models--"+strings.ReplaceAll(model, "/", "--"))
	if _, err := os.Stat(path); err != nil {
		f.fail("model", "HF_HUB_OFFLINE is set, and %s is not in the cache (%s): download it first, or name its directory", model, path)
	}
}

// escapeGlob takes the meaning of a pattern from a path.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// marks are files by which an output directory is known to hold a run.
var marks = []string{"checkpoint-*", "*.safetensors", "*.bin", "trainer_log.jsonl", "trainer_state.json", "all_results.json", "adapter_config.json"}

// output checks that the output directory holds no other run. LLaMA-Factory would go
// on from the highest checkpoint there, whatever it was made with.
func (f *findings) output(p *Plan, resume bool) {
	dir := p.Options.OutputDir
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if parent := existing(dir); syscall.Access(parent, 2) != nil { // W_OK
			f.fail("output_dir", "%s cannot be made: %s is not writable for this user; name another output_dir", dir, parent)
		}
		return
	}
	if err != nil {
		f.fail("output_dir", "%s cannot be read as a directory: %v; name another output_dir", dir, err)
		return
	}
	if syscall.Access(dir, 2) != nil {
		f.fail("output_dir", "%s is not writable for this user; name another output_dir", dir)
	}
	if resume {
		return
	}
	for _, e := range entries {
		for _, mark := range marks {
			if ok, _ := filepath.Match(mark, e.Name()); ok {
				f.fail("output_dir", "%s holds a run already (%s), from whose checkpoints LLaMA-Factory would go on, whatever they were made with: go on with `tinyv train resume`, or name another output_dir", dir, e.Name())
				return
			}
		}
	}
	if len(entries) > 0 {
		f.warn("output_dir", "%s holds files that are of no run (%s): name an empty directory", dir, entries[0].Name())
	}
}

// existing is the nearest directory above path that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

// disk checks that the checkpoints fit. A full one has the weights and the optimizer,
// 14 bytes a parameter at most; one of LoRA about a hundredth. The last weights are
// written once more.
func (f *findings) disk(p *Plan) {
	parameters, known := p.parameters()
	if !known {
		return
	}
	if p.Options.Method != Full {
		parameters /= 100
	}
	n := p.checkpoints()
	need := parameters * (14*n + 4)
	parent := existing(p.Options.OutputDir)
	var s syscall.Statfs_t
	if err := syscall.Statfs(parent, &s); err != nil {
		f.warn("disk", "the free space of %s is not known: %v", parent, err)
		return
	}
	if free := float64(s.Bavail) * float64(s.Bsize); need > free {
		f.fail("disk", "%s has %s free, and %.0f checkpoints need %s (14 bytes a parameter each, and the weights once more): free some, set save_total_limit, or name another output_dir", parent, gib(free), n, gib(need))
	}
}

// checkpoints is how many lie on the disk at once.
func (p *Plan) checkpoints() float64 {
	n := math.Ceil(p.Options.Epochs)
	if p.Options.SaveSteps > 0 {
		n = math.Ceil(float64(p.Steps) / float64(p.Options.SaveSteps))
	}
	if p.Options.SaveTotalLimit > 0 {
		n = min(n, float64(p.Options.SaveTotalLimit)+1) // the oldest goes when the newest is whole
	}
	return max(n, 1)
}
