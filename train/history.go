package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tinyv/internal/durable"
	"tinyv/internal/manifest"
	"tinyv/internal/version"
)

// HistoryFile is the name of the record of a training's launches.
const HistoryFile = "state.json"

// Outcomes of a launch.
const (
	Running     = "running"
	Finished    = "finished"
	Interrupted = "interrupted"
	Failed      = "failed"
	Lost        = "lost" // what launched it was killed, and then it ended
)

// history is what was launched, and with what. LLaMA-Factory itself resumes from any
// checkpoint with any data, settings and number of processes, without a word.
type history struct {
	Version   string          `json:"version"` // of tinyv
	Trainer   Trainer         `json:"trainer"`
	Data      []manifest.File `json:"data"` // paths relative to the directory of the dataset
	Settings  map[string]any  `json:"settings"`
	WorldSize int             `json:"world_size"`
	Runs      []Run           `json:"runs"`
}

// Run is one launch of the trainer.
type Run struct {
	ID      string     `json:"id"` // marks its processes
	PID     int        `json:"pid"`
	Host    string     `json:"host"`
	GPUs    []string   `json:"gpus,omitempty"`
	From    int        `json:"from_step"` // of the checkpoint that it went on from; 0: from the start
	Started time.Time  `json:"started_at"`
	Ended   *time.Time `json:"ended_at,omitempty"`
	Outcome string     `json:"outcome"`
	Words   string     `json:"words,omitempty"` // what the trainer said at a failure
}

// newHistory is the history of a plan that is yet to be launched.
func newHistory(p *Plan) (*history, error) {
	data, err := p.data()
	if err != nil {
		return nil, err
	}
	return &history{Version: version.String(), Trainer: p.Trainer, Data: data, Settings: p.settings(), WorldSize: p.WorldSize}, nil
}

// settings are the keys of the YAML that tell one training from another. Where the
// data lies is none of them: its content is compared.
func (p *Plan) settings() map[string]any {
	settings := maps.Clone(p.Keys)
	delete(settings, "dataset_dir")
	delete(settings, "output_dir")
	return settings
}

// data hashes the files that the trainer reads rows from.
func (p *Plan) data() ([]manifest.File, error) {
	const infoName = "dataset_info.json"
	content, err := os.ReadFile(filepath.Join(p.DatasetDir, infoName))
	if err != nil {
		return nil, fmt.Errorf("reading the dataset to train on: %w", err)
	}
	var info map[string]struct {
		File string `json:"file_name"`
	}
	if err := json.Unmarshal(content, &info); err != nil {
		return nil, fmt.Errorf("%s is not a dataset_info.json: %w", filepath.Join(p.DatasetDir, infoName), err)
	}
	names := []string{infoName}
	for _, dataset := range []string{p.TrainDataset, p.EvalDataset} {
		if dataset == "" {
			continue
		}
		if info[dataset].File == "" {
			return nil, fmt.Errorf("%s names no file for the dataset %q", filepath.Join(p.DatasetDir, infoName), dataset)
		}
		names = append(names, info[dataset].File)
	}
	var files []manifest.File
	for _, name := range names {
		f, err := manifest.Hash(filepath.Join(p.DatasetDir, name))
		if err != nil {
			return nil, fmt.Errorf("reading the dataset to train on: %w", err)
		}
		f.Path = name
		files = append(files, f)
	}
	return files, nil
}

// readHistory returns nil where nothing was launched.
func readHistory(dir string) (*history, error) {
	path := filepath.Join(dir, HistoryFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := &history{}
	if err := json.Unmarshal(content, h); err != nil {
		return nil, fmt.Errorf("%s is not the record of a training: %w", path, err)
	}
	return h, nil
}

func (h *history) write(dir string) error {
	content, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the record of a training: %w", err)
	}
	return durable.WriteFile(filepath.Join(dir, HistoryFile), append(content, '\n'))
}

// last is the last launch, nil if there is none.
func (h *history) last() *Run {
	if h == nil || len(h.Runs) == 0 {
		return nil
	}
	return &h.Runs[len(h.Runs)-1]
}

// closeLost writes down how the last launch went, where what launched it was killed and
// could not. None of its processes is left; its files tell until when there were some.
func (h *history) closeLost(p *Plan, trained bool) error {
	run := h.last()
	if run == nil || run.Outcome != Running {
		return nil
	}
	run.Outcome = Lost
	if trained {
		run.Outcome = Finished
	}
	output := p.Options.OutputDir
	if end := newest(filepath.Join(output, modelCard), filepath.Join(output, trainerLog), p.path(LogFile)); end.After(run.Started) {
		end = end.UTC().Truncate(time.Second)
		run.Ended = &end
	}
	return h.write(p.Dir)
}

// changes lists what is not as it was at the earlier launch.
func (h *history) changes(earlier *history) []string {
	var all []string
	before := map[string]string{}
	for _, f := range earlier.Data {
		before[f.Path] = f.SHA256
	}
	for _, f := range h.Data {
		if was, known := before[f.Path]; !known || was != f.SHA256 {
			all = append(all, fmt.Sprintf("the data: %s has other content than at the launch (SHA-256 %.12s, was %.12s)", f.Path, f.SHA256, was))
		}
		delete(before, f.Path)
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		all = append(all, fmt.Sprintf("the data: %s was trained on and is not any more", path))
	}
	if h.WorldSize != earlier.WorldSize {
		all = append(all, fmt.Sprintf("the number of processes: %d, was %d", h.WorldSize, earlier.WorldSize))
	}
	names := maps.Clone(h.Settings)
	maps.Copy(names, earlier.Settings)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if now, was := encoded(h.Settings, name), encoded(earlier.Settings, name); now != was {
			all = append(all, fmt.Sprintf("the setting %s: %s, was %s", name, now, was))
		}
	}
	return all
}

// encoded is a setting in JSON, in which what was read from a file and what was not are alike.
func encoded(settings map[string]any, name string) string {
	value, ok := settings[name]
	if !ok {
		return "not set"
	}
	content, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(content)
}
