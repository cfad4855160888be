package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/durable"
	"tinyv/internal/manifest"
	"tinyv/train/trainerlog"
)

// ResultDir is the directory, in that of the plan, of the record of a finished training.
const ResultDir = "result"

// The files in it, beside the manifest.
const (
	RecordFile = "record.json"
	LossFile   = "loss.jsonl" // one trainerlog.Point a line
	LossSVG    = "loss.svg"
	LossPNG    = "loss.png"
)

// Record is what ran, as its own files tell.
type Record struct {
	Checkpoint  string          `json:"checkpoint"` // the directory of the trained model
	Files       []manifest.File `json:"files"`      // of it, what a verifier is served from
	Trainer     Trainer         `json:"trainer"`
	Card        *Card           `json:"card"`
	Differences []Difference    `json:"differences"` // from what was asked; none in a complete record
	Steps       int             `json:"steps"`
	Runs        []Run           `json:"runs"`    // launches
	Seconds     float64         `json:"seconds"` // of all launches
	Restarts    int             `json:"restarts"`

	FirstLoss *trainerlog.Float `json:"first_loss"`
	LastLoss  *trainerlog.Float `json:"last_loss"`
	EvalLoss  *trainerlog.Float `json:"eval_loss"` // the last; null without an evaluation set
}

// Training is a finished training as the plan's manifest tells of it, under "record":
// all of DIR/result in one place.
type Training struct {
	Tool     string          `json:"tool_version"` // of the tinyv that recorded it
	Data     []manifest.File `json:"data"`         // that was trained on
	Settings any             `json:"settings"`     // asked for; what ran is in the card
	Record
	Loss []trainerlog.Point `json:"loss_curve"`
}

// attach puts a recorded training into the plan's manifest, which is what the stage
// directory is known by. It goes by the files of the record, so that one of an earlier
// tinyv gets there, too.
func (p *Plan) attach(m *manifest.Manifest) error {
	record, err := ReadRecord(p.Dir)
	if err != nil {
		return err
	}
	training := Training{Tool: m.Version, Data: m.Inputs, Settings: m.Settings, Record: *record}
	path := p.path(filepath.Join(ResultDir, LossFile))
	lines, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(lines) {
		var point trainerlog.Point
		if err := json.Unmarshal(line, &point); err != nil {
			return fmt.Errorf("%s is not the loss of a training: %w", path, err)
		}
		training.Loss = append(training.Loss, point)
	}
	if err := manifest.Attach(p.Dir, planStage, training); err != nil {
		return fmt.Errorf("the training is done and recorded in %s, but not in the manifest beside it (`tinyv train plan`, then `tinyv train resume`, does that): %w", p.path(ResultDir), err)
	}
	return nil
}

// ReadRecord returns the record of a finished training, given the directory of its plan.
func ReadRecord(dir string) (*Record, error) {
	path := filepath.Join(dir, ResultDir, RecordFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no finished training in %s: `tinyv train status` tells how far it is (%w)", dir, err)
	}
	if err != nil {
		return nil, err
	}
	r := &Record{}
	if err := json.Unmarshal(content, r); err != nil {
		return nil, fmt.Errorf("%s is not the record of a training: %w", path, err)
	}
	return r, nil
}

// result is the record in the making.
type result struct{ stage *manifest.Stage }

// begin begins the stage "train", or returns its manifest if it is complete.
func begin(p *Plan, h *history) (*result, *manifest.Manifest, error) {
	settings := struct {
		Settings  map[string]any `json:"settings"`
		WorldSize int            `json:"world_size"`
	}{h.Settings, h.WorldSize}
	inputs := slices.Clone(h.Data)
	for i := range inputs {
		inputs[i].Path = filepath.ToSlash(filepath.Join(p.DatasetDir, inputs[i].Path))
	}
	s, done, err := manifest.Begin(p.path(ResultDir), "train", settings, inputs, []string{RecordFile, LossFile, LossSVG, LossPNG})
	if err != nil || done != nil {
		return nil, done, err
	}
	return &result{s}, nil, nil
}

// finish checks that what ran is what was asked, and completes the stage. The record
// and the loss are written in any case.
func (r *result) finish(p *Plan, h *history, examples int64) (*manifest.Manifest, error) {
	output := p.Options.OutputDir
	state, err := trainerlog.ReadState(filepath.Join(output, trainerState))
	if err != nil {
		return nil, fmt.Errorf("reading what the trainer left: %w", err)
	}
	card, err := ReadCard(filepath.Join(output, modelCard))
	if err != nil {
		return nil, err
	}
	files, err := servedFiles(output)
	if err != nil {
		return nil, err
	}
	record := &Record{
		Checkpoint: output, Files: files, Trainer: p.Trainer, Card: card, Differences: p.differences(card, state, examples),
		Steps: state.GlobalStep, Runs: h.Runs, Restarts: max(0, len(h.Runs)-1),
	}
	record.measure(state.Points)
	if err := r.write(record, state.Points); err != nil {
		return nil, err
	}
	if len(record.Differences) > 0 {
		var list strings.Builder
		for _, d := range record.Differences {
			fmt.Fprintf(&list, "\n  %s", d)
		}
		return nil, fmt.Errorf("train: it has ended, but what ran is not what was asked for (%s):%s", filepath.Join(output, modelCard), list.String())
	}
	simulated := false
	if export, err := manifest.Read(p.DatasetDir); err == nil {
		simulated = export.Simulated
	}
	figures := map[string]int64{
		"rows": p.Rows, "rows_per_step": int64(p.Options.RowsPerStep), "steps": int64(state.GlobalStep), "devices": int64(p.WorldSize),
		"launches": int64(len(h.Runs)), "train_seconds": int64(record.Seconds),
	}
	return r.stage.Finish([]string{RecordFile, LossFile, LossSVG, LossPNG}, nil, figures, nil, simulated)
}

func (r *Record) measure(points []trainerlog.Point) {
	for _, p := range points {
		if p.Loss != nil {
			if r.FirstLoss == nil {
				r.FirstLoss = p.Loss
			}
			r.LastLoss = p.Loss
		}
		if p.EvalLoss != nil {
			r.EvalLoss = p.EvalLoss
		}
	}
	for _, run := range r.Runs {
		if run.Ended != nil {
			r.Seconds += run.Ended.Sub(run.Started).Seconds()
		}
	}
}

func (r *result) write(record *Record, points []trainerlog.Point) error {
	content, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the record of a training: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(r.stage.Dir, RecordFile), append(content, '\n')); err != nil {
		return err
	}
	var lines []byte
	for _, p := range points {
		line, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("encoding the loss of step %d: %w", p.Step, err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if err := durable.WriteFile(filepath.Join(r.stage.Dir, LossFile), lines); err != nil {
		return err
	}
	return PlotLoss(r.stage.Dir, points)
}

// servedFiles hashes what serving reads: weights, tokenizer, configuration, template.
func servedFiles(dir string) ([]manifest.File, error) {
	var names []string
	for _, pattern := range []string{"*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "adapter_config.json", "tokenizer*", "chat_template.jinja", "merges.txt", "vocab.json", "added_tokens.json", "special_tokens_map.json"} {
		found, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	var files []manifest.File
	for _, name := range slices.Compact(names) {
		f, err := manifest.Hash(name)
		if err != nil {
			return nil, fmt.Errorf("hashing the checkpoint: %w", err)
		}
		f.Path = filepath.Base(name)
		files = append(files, f)
	}
	return files, nil
}
