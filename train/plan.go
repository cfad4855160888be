// Package train is stage 5: it turns a recipe into the YAML and the command of
// LLaMA-Factory, and says before anything is loaded what would go wrong.
//
// It promises: the YAML has only keys that the installed LLaMA-Factory takes, reads
// the same to every version of YAML, and states what versions take for granted
// differently; a step has exactly the rows that are asked for; equal options and
// equal versions give equal bytes.
package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tinyv/internal/durable"
	"tinyv/internal/manifest"
)

// The files of a plan.
const (
	ConfigFile = "train.yaml"        // what LLaMA-Factory reads
	ResumeFile = "train-resume.yaml" // the same, going on from a checkpoint
	PlanFile   = "plan.json"
	keysFile   = "keys.txt" // the keys that the installed LLaMA-Factory takes
)

// planStage is the name of the plan's stage. Once its training has finished, its
// manifest has the record of that, too: see Training.
const planStage = "train-plan"

// Plan is what would be run. It is kept in DIR/plan.json.
type Plan struct {
	Dir    string `json:"-"` // the directory of the files above
	Config string `json:"-"` // path of the YAML

	Options      Options        `json:"options"` // with every default in its place
	Trainer      Trainer        `json:"trainer"` // that the YAML is for
	DatasetDir   string         `json:"dataset_dir"`
	TrainDataset string         `json:"train_dataset"`
	EvalDataset  string         `json:"eval_dataset,omitempty"` // empty: there are no rows to evaluate on
	Rows         int64          `json:"rows"`                   // to train on
	True         int64          `json:"rows_true"`              // of them
	False        int64          `json:"rows_false"`
	WorldSize    int            `json:"world_size"` // processes, on all nodes
	Steps        int64          `json:"steps"`      // of the optimizer, in all
	Keys         map[string]any `json:"keys"`       // of the YAML, by the names of this version

	model string // Options.Model, absolute if it is a directory
}

// Write writes DIR/train.yaml for the finished export in exportDir, whose training
// and evaluation datasets have the given names; DIR/plan.json; and DIR/ds_zN.json if
// DeepSpeed is asked for. It asks the installed LLaMA-Factory which keys it takes,
// which imports it the first time. Keys that it does not take, and rows that do not
// make a step, are errors; so is another plan than that of a training that is running
// on this machine.
func Write(ctx context.Context, dir, exportDir, trainDataset, evalDataset string, o Options) (*manifest.Manifest, *Plan, error) {
	upstream, err := manifest.Require(exportDir)
	if err != nil {
		return nil, nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, nil, err
	}
	p := &Plan{
		Dir: dir, Config: filepath.Join(dir, ConfigFile), TrainDataset: trainDataset,
		Rows: upstream.Figures["train"], True: upstream.Figures["train_true"], False: upstream.Figures["train_false"],
	}
	if upstream.Figures["eval"] > 0 { // the trainer refuses an empty file
		p.EvalDataset = evalDataset
	}
	if p.DatasetDir, err = filepath.Abs(exportDir); err != nil {
		return nil, nil, err
	}
	if p.Options, err = o.Filled(); err != nil {
		return nil, nil, err
	}
	if err := p.paths(); err != nil {
		return nil, nil, err
	}
	trainer, known, err := ask(ctx, keptKeys(dir))
	if err != nil {
		return nil, nil, fmt.Errorf("train: %w", err)
	}
	p.Trainer, p.WorldSize = trainer, p.Options.worldSize()
	p.Steps = p.Options.Steps(p.Rows, known.transformers)
	sections, err := p.Options.settle(p.sections(), known)
	if err != nil {
		return nil, nil, err
	}
	p.Keys = map[string]any{}
	for _, part := range sections {
		for _, s := range part.settings {
			p.Keys[s.name] = s.value
		}
	}

	inputs := []manifest.File{}
	for _, f := range upstream.Outputs {
		inputs = append(inputs, manifest.File{Path: filepath.ToSlash(filepath.Join(p.DatasetDir, f.Path)), Bytes: f.Bytes, SHA256: f.SHA256})
	}
	unlock, err := p.free()
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	s, done, err := manifest.Begin(dir, planStage, p, inputs, []string{ConfigFile, ResumeFile, PlanFile, keysFile, DeepSpeedFile("z*")})
	if err != nil || done != nil {
		return done, p, err
	}
	outputs, err := p.write(sections, known)
	if err != nil {
		return nil, nil, err
	}
	figures := map[string]int64{"rows": p.Rows, "rows_per_step": int64(p.Options.RowsPerStep), "steps": p.Steps}
	m, err := s.Finish(outputs, nil, figures, nil, upstream.Simulated)
	return m, p, err
}

// free takes the lock of a training that was launched from the plan's directory, so
// that none is running whose files change. An equal plan changes none.
func (p *Plan) free() (unlock func(), err error) {
	nothing := func() {}
	path := p.path(lockFile)
	if _, err := os.Stat(path); err != nil {
		return nothing, nil // none was launched
	}
	held, running := lockLaunch(path)
	if running == nil {
		return held.Release, nil
	}
	if there, err := Read(p.Dir); err == nil {
		now, err1 := json.Marshal(p)
		was, err2 := json.Marshal(there)
		if err1 == nil && err2 == nil && bytes.Equal(now, was) {
			return nothing, nil
		}
	}
	return nil, fmt.Errorf("%s holds another plan, which cannot be changed now: %w", p.Dir, running)
}

// Read returns the plan that Write left in a directory.
func Read(dir string) (*Plan, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, PlanFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no plan of a training in %s: run `tinyv train plan` first, or name its directory (%w)", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the plan of a training: %w", err)
	}
	p := &Plan{Dir: dir, Config: filepath.Join(dir, ConfigFile)}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("%s is not the plan of a training: %w", path, err)
	}
	return p, p.paths()
}

// Resume writes DIR/train-resume.yaml, which goes on from a checkpoint, and returns
// the plan that runs it.
func (p *Plan) Resume(checkpoint string) (*Plan, error) {
	config, err := os.ReadFile(filepath.Join(p.Dir, ConfigFile))
	if err != nil {
		return nil, fmt.Errorf("reading the plan to go on with: %w", err)
	}
	if checkpoint, err = filepath.Abs(checkpoint); err != nil {
		return nil, err
	}
	resumed := *p
	resumed.Config = p.path(ResumeFile)
	config = fmt.Appendf(config, "\n### resume\nresume_from_checkpoint: %s\n", text(checkpoint))
	return &resumed, durable.WriteFile(resumed.Config, config)
}

// Command is what runs the plan: the program and its arguments.
func (p *Plan) Command() []string { return []string{program, "train", p.Config} }

// Rendezvous is where the processes of a training meet.
type Rendezvous struct {
	Node int    // this one, from 0
	Host string // of node 0
	Port int
}

// MasterPort is the port of node 0 that several nodes meet at where nothing else is said.
const MasterPort = 29500

// OneNode is a meeting place for the processes of one node, at a port that is free now.
func OneNode() (Rendezvous, error) {
	const host = "127.0.0.1"
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return Rendezvous{}, fmt.Errorf("looking for a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return Rendezvous{Host: host, Port: port}, l.Close()
}

// Environment is what is set for the command, as NAME=value.
func (p *Plan) Environment(r Rendezvous) []string {
	env := []string{
		"PYTHONUNBUFFERED=1", // else the log lags behind
		"HF_DATASETS_CACHE=" + filepath.Join(p.Dir, "datasets-cache"), // an older version fails on a newer one's
	}
	if filepath.IsAbs(p.model) {
		env = append(env, "HF_HUB_OFFLINE=1")
	}
	if p.Options.GPUs == 0 {
		// Without the second a resume of several processes fails in torch.load.
		env = append(env, "CUDA_VISIBLE_DEVICES=", "ACCELERATE_TORCH_DEVICE=cpu")
	}
	if !p.torchrun() {
		return env
	}
	if p.Options.GPUs == 0 {
		env = append(env, "OMP_NUM_THREADS=1")
	}
	return append(env, "FORCE_TORCHRUN=1",
		"NNODES="+strconv.Itoa(p.Options.Nodes), "NODE_RANK="+strconv.Itoa(r.Node), "NPROC_PER_NODE="+strconv.Itoa(p.Options.perNode()),
		"MASTER_ADDR="+r.Host, "MASTER_PORT="+strconv.Itoa(r.Port))
}

// Line is the command with its environment, for a shell.
func (p *Plan) Line(r Rendezvous) string {
	var line strings.Builder
	for _, variable := range p.Environment(r) {
		name, value, _ := strings.Cut(variable, "=")
		line.WriteString(name + "=")
		if value != "" {
			line.WriteString(shell([]string{value}))
		}
		line.WriteByte(' ')
	}
	return line.String() + shell(p.Command())
}

// torchrun says whether torchrun starts the processes. With a GPU it always does, since
// LLaMA-Factory would take every GPU that it sees otherwise.
func (p *Plan) torchrun() bool { return p.Options.GPUs > 0 || p.WorldSize > 1 }

// path is that of a file of the plan.
func (p *Plan) path(name string) string { return filepath.Join(p.Dir, name) }

// paths makes the paths of the options absolute: the trainer resolves relative ones
// from wherever it is started.
func (p *Plan) paths() error {
	var err error
	if p.Options.OutputDir == "" {
		p.Options.OutputDir = p.path("checkpoint")
	}
	if p.Options.OutputDir, err = filepath.Abs(p.Options.OutputDir); err != nil {
		return err
	}
	p.model = p.Options.Model
	if info, err := os.Stat(p.model); err == nil && info.IsDir() || isPath(p.model) {
		if p.model, err = filepath.Abs(p.model); err != nil {
			return err
		}
		p.Options.Model = p.model
	}
	return nil
}

// isPath says whether a model's name can only be that of a directory.
func isPath(model string) bool {
	return filepath.IsAbs(model) || !filepath.IsLocal(model) || len(model) > 1 && model[:2] == "./"
}

// Steps is the number of optimizer steps over so many rows as the trainer counts
// them: batches are dealt to the processes, and before transformers 4.50 what is left
// of an epoch after its last whole step is not counted (read in the sources of 4.49.0
// and 5.6.0). An empty version stands for the newest. The options are filled ones.
func (o Options) Steps(rows int64, transformers string) int64 {
	if o.MaxSteps > 0 {
		return int64(o.MaxSteps)
	}
	batches := up(up(rows, int64(o.BatchPerDevice)), int64(o.worldSize()))
	perEpoch := up(batches, int64(o.GradAccumulation))
	if transformers != "" && versionBefore(transformers, "4.50") {
		perEpoch = batches / int64(o.GradAccumulation)
	}
	return int64(math.Ceil(o.Epochs * float64(max(perEpoch, 1))))
}

// up is a / b, rounded up.
func up(a, b int64) int64 { return (a + b - 1) / b }

// keptKeys are those that an earlier plan was told, nil if there are none.
func keptKeys(dir string) *keys {
	data, err := os.ReadFile(filepath.Join(dir, keysFile))
	if err != nil {
		return nil
	}
	k, err := parseKeys(data)
	if err != nil {
		return nil
	}
	return k
}

// write writes the files of the plan and returns their names.
func (p *Plan) write(sections []section, known *keys) ([]string, error) {
	o := p.Options
	header := fmt.Sprintf("Written by tinyv for LLaMA-Factory %s (transformers %s).\n%d rows per step = %d per device x %d accumulation x %d devices; %d steps.\n",
		p.Trainer.Version, known.transformers, o.RowsPerStep, o.BatchPerDevice, o.GradAccumulation, p.WorldSize, p.Steps)
	plan, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the plan of a training: %w", err)
	}
	files := []struct {
		name string
		data []byte
	}{{ConfigFile, writeYAML(header, sections)}, {PlanFile, append(plan, '\n')}, {keysFile, known.text}}
	if o.DeepSpeed != "" {
		data, err := deepSpeed(o.DeepSpeed)
		if err != nil {
			return nil, err
		}
		files = append(files, struct {
			name string
			data []byte
		}{DeepSpeedFile(o.DeepSpeed), data})
	}
	var names []string
	for _, f := range files {
		if err := durable.WriteFile(p.path(f.name), f.data); err != nil {
			return nil, err
		}
		names = append(names, f.name)
	}
	return names, nil
}
