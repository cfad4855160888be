package train

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// trainer checks that LLaMA-Factory is here, and what it needs for this plan.
func (f *findings) trainer(p *Plan) {
	path, err := exec.LookPath(program)
	if err != nil {
		f.fail("llamafactory", "%s is not on PATH: install it (pip install llamafactory==%s), or put its environment's bin directory on PATH", program, p.Trainer.Version)
	} else if !p.Trainer.Installed {
		f.fail("llamafactory", "%s is on PATH now (%s), but was not when this was planned: run `tinyv train plan` again, so that the keys are those of its version", program, path)
	}
	if p.Trainer.Note != "" && p.Trainer.Installed {
		f.warn("llamafactory", "%s", p.Trainer.Note)
	}
	if p.torchrun() {
		switch torchrun, err2 := exec.LookPath("torchrun"); {
		case err2 != nil:
			f.fail("torchrun", "torchrun is not on PATH, and %d processes need it: put the bin directory of the environment of LLaMA-Factory on PATH; torchrun is in it", p.WorldSize)
		case err == nil && filepath.Dir(torchrun) != filepath.Dir(path):
			f.warn("torchrun", "torchrun is %s and %s is %s: are they of one environment? put its bin directory first on PATH", torchrun, program, path)
		}
	}
	if p.Trainer.Python == "" {
		return
	}
	for _, need := range []struct {
		asked        bool
		option, name string
	}{
		{p.Options.DeepSpeed != "", "deepspeed", "deepspeed"}, {p.Options.Liger, "liger", "liger-kernel"}, {p.Options.Method == QLoRA, "method: qlora", "bitsandbytes"},
	} {
		if need.asked && p.Trainer.Packages[need.name] == "" {
			f.fail("packages", "train.%s needs the package %s, which the environment of %s has not: %s -m pip install %s, then plan again", need.option, need.name, p.Trainer.Python, p.Trainer.Python, need.name)
		}
	}
}

// environment checks for variables of another run.
func (f *findings) environment() {
	for _, v := range []struct{ name, does string }{
		{"RANK", "the processes would wait for those of another run, or end at once"},
		{"WORLD_SIZE", "the processes would wait for those of another run, or end at once"},
		{"LOCAL_RANK", "the processes would wait for those of another run, or end at once"},
		{"USE_V1", "LLaMA-Factory would take another trainer"},
		{"USE_RAY", "LLaMA-Factory would start Ray"},
		{"USE_KT", "LLaMA-Factory would take another trainer"},
		{"USE_MCA", "LLaMA-Factory would take another trainer"},
	} {
		value, set := os.LookupEnv(v.name)
		if !set || strings.HasPrefix(v.name, "USE_") && !slices.Contains([]string{"1", "y", "true"}, strings.ToLower(value)) {
			continue
		}
		f.fail("environment", "%s=%s is set in the environment, by which %s: unset %s", v.name, value, v.does, v.name)
	}
}

// names checks the paths for what the trainer, or torchrun, would stumble over.
func (f *findings) names(p *Plan) {
	for _, path := range []struct {
		what, path string
		argument   bool // torchrun's command line is split at every space
	}{
		{"the plan's directory", p.Dir, true}, {"the interpreter of LLaMA-Factory", p.Trainer.Python, true},
		{"the directory of the dataset", p.DatasetDir, false}, {"output_dir", p.Options.OutputDir, false}, {"the model", p.model, false},
	} {
		switch {
		case !utf8.ValidString(path.path) || strings.ContainsFunc(path.path, unicode.IsControl) || strings.Contains(path.path, "${"):
			f.fail("paths", "%s is %q: control characters, bytes that are no UTF-8 and ${ do not go through YAML; rename it", path.what, path.path)
		case strings.ContainsFunc(path.path, unicode.IsSpace) && path.argument && p.torchrun():
			f.fail("paths", "%s is %q, and LLaMA-Factory takes a path apart at its spaces when it starts torchrun; name one without", path.what, path.path)
		case strings.ContainsFunc(path.path, unicode.IsSpace):
			f.warn("paths", "%s is %q: a name without spaces is safer with the tools around the trainer", path.what, path.path)
		}
	}
}

// port checks the meeting place of several nodes.
func (f *findings) port(p *Plan, r Rendezvous) {
	if p.Options.Nodes == 1 {
		if r.Node != 0 {
			f.fail("rendezvous", "this is to be node %d, and the plan is for one node: leave out --node and --master, or set train.nodes and plan again", r.Node)
		}
		return
	}
	if r.Host == "" {
		f.fail("rendezvous", "%d nodes need a place to meet: name the host of node 0 and a port that the others can reach (--master HOST:%d)", p.Options.Nodes, MasterPort)
		return
	}
	if r.Node < 0 || r.Node >= p.Options.Nodes {
		f.fail("rendezvous", "this is node %d, and the %d nodes are counted from 0: give --node 0 to %d", r.Node, p.Options.Nodes, p.Options.Nodes-1)
		return
	}
	if r.Port < 1 || r.Port > 65535 {
		f.fail("rendezvous", "port %d: there are 1 to 65535; %d is usual", r.Port, MasterPort)
		return
	}
	if r.Node > 0 {
		return
	}
	l, err := net.Listen("tcp", ":"+strconv.Itoa(r.Port))
	if err != nil {
		f.fail("rendezvous", "port %d, where the nodes are to meet, cannot be opened on this one: %v; choose another on every node", r.Port, err)
		return
	}
	l.Close()
}

// gpu is one line of nvidia-smi.
type gpu struct {
	name        string
	total, used float64 // bytes
}

// smiLimit is how long nvidia-smi may take; a broken driver hangs it.
const smiLimit = time.Minute

// gpus checks that there are enough, and that what must be in their memory fits.
func (f *findings) gpus(ctx context.Context, p *Plan) error {
	if p.Options.GPUs == 0 {
		return nil
	}
	if _, err := exec.LookPath("nvidia-smi"); err != nil {
		f.warn("gpus", "nvidia-smi is not on PATH, so that the GPUs of this machine are not known; %d are planned for each node (gpus: 0 trains on CPU)", p.Options.GPUs)
		return nil
	}
	out, err := runFor(ctx, smiLimit, "nvidia-smi", "--query-gpu=name,memory.total,memory.used", "--format=csv,noheader,nounits")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f.fail("gpus", "nvidia-smi finds no GPU to train on: %v: mend the driver, or say gpus: 0", err)
		return nil
	}
	found, err := parseGPUs(string(out))
	if err != nil {
		f.warn("gpus", "the GPUs of this machine are not known: %v", err)
		return nil
	}
	if visible, set := os.LookupEnv("CUDA_VISIBLE_DEVICES"); set {
		found = chosen(found, visible)
	}
	if len(found) < p.Options.GPUs {
		f.fail("gpus", "%d GPUs are planned for each node, and this one has %d (CUDA_VISIBLE_DEVICES counts): say gpus: %d, which rows_per_step evens out", p.Options.GPUs, len(found), len(found))
		return nil
	}
	params, known := p.parameters()
	need := p.need(params)
	for i, g := range found[:p.Options.GPUs] {
		if g.used > 1<<30 {
			f.warn("gpus", "GPU %d (%s) has %s in use by something else: wait, or choose others with CUDA_VISIBLE_DEVICES", i, g.name, gib(g.used))
		}
		switch {
		case !known:
		case need.state > g.total:
			f.fail("gpu_memory", "GPU %d (%s) has %s, and the weights, gradients and optimizer alone need %s (%s): %s", i, g.name, gib(g.total), gib(need.state), need.how, p.smaller())
		case need.state+need.activations > g.total:
			f.warn("gpu_memory", "GPU %d (%s) has %s, and a batch of %d rows of %d tokens may need %s (%s; %s for such a batch): lower batch_per_device, or turn liger on", i, g.name, gib(g.total), p.Options.BatchPerDevice, p.Options.CutoffLen, gib(need.state+need.activations), need.how, gib(need.activations))
		}
	}
	if !known {
		f.warn("gpu_memory", "the size of the model %s is not known, so that its memory is not estimated: give a directory with config.json", p.Options.Model)
	}
	return nil
}

// smaller says what needs less memory for weights and optimizer.
func (p *Plan) smaller() string {
	switch {
	case p.Options.DeepSpeed != "z3" && p.WorldSize > 1 && p.Options.Method == Full:
		return "take deepspeed: z3, or method: lora"
	case p.Options.Method == Full:
		return "take more GPUs with deepspeed: z3, or method: lora"
	}
	return "take a GPU with more memory, or method: qlora"
}

func parseGPUs(out string) ([]gpu, error) {
	var all []gpu
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) != 3 {
			return nil, fmt.Errorf("nvidia-smi says %q", line)
		}
		total, err := strconv.ParseFloat(strings.TrimSpace(fields[1]), 64)
		used, err2 := strconv.ParseFloat(strings.TrimSpace(fields[2]), 64)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("nvidia-smi says %q: %w", line, err)
		}
		all = append(all, gpu{strings.TrimSpace(fields[0]), total * (1 << 20), used * (1 << 20)})
	}
	return all, nil
}

// chosen are the GPUs that CUDA_VISIBLE_DEVICES leaves: numbers, or names whose
// number is not known, up to the first that is no GPU.
func chosen(all []gpu, visible string) []gpu {
	var some []gpu
	for word := range strings.SplitSeq(visible, ",") {
		word = strings.TrimSpace(word)
		n, err := strconv.Atoi(word)
		switch {
		case err == nil && n >= 0 && n < len(all):
			some = append(some, all[n])
		case err != nil && word != "" && len(some) < len(all):
			some = append(some, all[len(some)]) // GPU-uuid
		default:
			return some
		}
	}
	return some
}

func gib(bytes float64) string { return fmt.Sprintf("%.1f GiB", bytes/(1<<30)) }
