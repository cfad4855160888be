package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tinyv/balance"
	"tinyv/internal/config"
	"tinyv/internal/durable"
	"tinyv/internal/lock"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/train"
	"tinyv/train/ablation"
	"tinyv/train/eval"
	"tinyv/train/eval/bench"
	"tinyv/train/eval/serve"
)

// The stem of the files that an ablation keeps of all its cells.
const ablationStem = "ablation"

// cellsDir is the directory, in that of the ablation, of the cells' own.
const cellsDir = "cells"

// ErrNoCell says that the grid has no cell of the name.
var ErrNoCell = errors.New("there is no cell")

// Ablate says which cells of a grid to do.
type Ablate struct {
	Request
	Only   string // the name of one cell; empty is all
	DryRun bool   // draw the sets, and train nothing; a benchmark that cannot be read is only told
}

// Run draws the sets of the config's ablation block, and takes each through export,
// train and eval in OUT/cells/NAME. What is done is skipped, what was cut off is
// resumed. It returns one cell for each set and benchmark, and keeps them in
// OUT/ablation.json with a table and figures, which are written anew after each cell.
func (a Ablate) Run(ctx context.Context, env stage.Env) ([]ablation.Cell, error) {
	c := a.Config
	for key, missing := range map[string]bool{"export": c.Export == nil, "train": c.Train == nil, "eval": c.Eval == nil} {
		if missing {
			return nil, c.Errorf(key, "is missing; an ablation exports, trains and evaluates each of its sets")
		}
	}
	if c.Train.OutputDir != "" {
		return nil, c.Errorf("train.output_dir", "is one directory, and each cell of an ablation trains into its own; remove the line")
	}
	if err := a.check(ctx); err != nil {
		if !a.DryRun {
			return nil, err
		}
		env.Log.Warn("ablate: no cell could be measured", "error", err)
	}
	grid, err := Grid(ctx, env, a.Request)
	if err != nil {
		return nil, err
	}
	if err := a.warnOfOthers(env, grid); err != nil {
		return nil, err
	}
	known := false
	for _, set := range grid.Sets {
		known = known || set.Name == a.Only
	}
	if a.Only != "" && !known {
		return nil, fmt.Errorf("%w %q; `tinyv ablate --dry-run` lists them", ErrNoCell, a.Only)
	}
	if engine := c.Eval.Serve; engine != "" && !a.DryRun {
		if err := serve.Installed(engine); err != nil {
			return nil, err
		}
	}
	for _, set := range grid.Sets {
		if a.DryRun || a.Only != "" && set.Name != a.Only {
			continue
		}
		env.Log.Info("ablate: cell", "name", set.Name)
		if err := a.cell(ctx, env, set); err != nil {
			return nil, fmt.Errorf("cell %s: %w", set.Name, err)
		}
		if _, err := a.record(ctx, grid); err != nil {
			return nil, err
		}
	}
	return a.record(ctx, grid)
}

// warnOfOthers names the cells of an earlier grid, which stay and count nowhere.
func (a Ablate) warnOfOthers(env stage.Env, grid *balance.GridResult) error {
	dir := filepath.Join(a.Out, cellsDir)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var others []string
	for _, e := range entries {
		if !slices.ContainsFunc(grid.Sets, func(s balance.GridSet) bool { return s.Name == e.Name() }) {
			others = append(others, e.Name())
		}
	}
	if len(others) > 0 {
		env.Log.Warn("ablate: cells of an earlier grid are not of this one; they are left as they are, and counted nowhere", "directory", dir, "cells", strings.Join(others, " "))
	}
	return nil
}

// check says what would end the measuring of every cell, which comes after hours of
// training.
func (a Ablate) check(ctx context.Context) error {
	for _, b := range a.Config.Eval.Benchmarks {
		e := a.evaluation(b)
		if err := eval.Check(ctx, e.Benchmark, e.options()); err != nil {
			return fmt.Errorf("eval.benchmarks: %s: %w", b.Name, err)
		}
	}
	return nil
}

// evaluation is how a cell is measured on a benchmark, but for the cell.
func (a Ablate) evaluation(b config.EvalBenchmark) Evaluation {
	return Evaluation{
		Config: a.Config, Verifier: a.Config.Eval.Verifier, Benchmark: []string{b.Path}, Layout: bench.Layout{Columns: b.Columns, Split: b.Split},
		Attacks: a.Config.Eval.Attacks, Variants: a.Config.Eval.Variants, Repeats: a.Config.Eval.Repeats,
	}
}

// of is the request of one cell: a run in a directory of its own.
func (a Ablate) of(set balance.GridSet) Request {
	return Request{Config: a.Config, Out: filepath.Join(a.Out, cellsDir, set.Name), In: filepath.Join(a.dir(Balance), set.Name)}
}

// cell does what is left to do of one cell.
func (a Ablate) cell(ctx context.Context, env stage.Env, set balance.GridSet) error {
	r := a.of(set)
	t, err := a.prepare(ctx, env, r)
	if err != nil {
		return err
	}
	// It begins, goes on with what was cut off, or finds all done. A training with
	// other settings or data is an error.
	if _, err := t.Resume(ctx, env); err != nil {
		return err
	}
	p := t.Plan
	for _, b := range a.Config.Eval.Benchmarks {
		e := a.evaluation(b)
		e.Out = filepath.Join(r.dir(Eval), b.Name)
		if a.Config.Eval.Serve != "" {
			if gone(p.Options.OutputDir) && measured(e.Out) {
				env.Log.Warn("ablate: the checkpoint is not there any more; what was measured of it stays", "checkpoint", p.Options.OutputDir, "evaluation", e.Out)
				continue
			}
			e.Serve = &Serving{Engine: a.Config.Eval.Serve, Checkpoint: p.Options.OutputDir, Template: p.Options.Template, Args: a.Config.Eval.ServeArgs}
		}
		m, _, err := Evaluate(ctx, env, e)
		if err != nil {
			return err
		}
		logDone(env, m, e.Out)
	}
	return nil
}

// gone reports whether there is no such directory: checkpoints are large, and are
// taken away once they are measured.
func gone(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

// measured reports whether a directory holds a finished evaluation.
func measured(dir string) bool {
	m, err := manifest.Read(dir)
	return err == nil && m.Complete
}

// prepare exports the set of a cell and plans its training.
func (a Ablate) prepare(ctx context.Context, env stage.Env, r Request) (*Training, error) {
	m, err := runExport(ctx, env, r)
	if err != nil {
		return nil, err
	}
	logDone(env, m, r.dir(Export))
	r.In = ""
	t, err := PlanTraining(ctx, env, r)
	if err != nil {
		return nil, err
	}
	t.StopOnNaN = true
	return t, nil
}

// record lists the cells as they are, and writes the table and the figures.
func (a Ablate) record(ctx context.Context, grid *balance.GridResult) ([]ablation.Cell, error) {
	held, err := a.lockRecord(ctx)
	if err != nil {
		return nil, err
	}
	defer held.Release()
	var cells []ablation.Cell
	for _, set := range grid.Sets {
		for _, b := range a.Config.Eval.Benchmarks {
			cell, err := a.look(set, b.Name)
			if err != nil {
				return nil, err
			}
			cells = append(cells, cell)
		}
	}
	data, err := ablation.JSON(cells)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{ablationStem + ".json": data, ablationStem + ".txt": []byte(ablation.Table(cells)), ablationStem + ".md": []byte(ablation.Markdown(cells))}
	figures, err := ablation.Figures(cells)
	if err != nil {
		return nil, err
	}
	for _, f := range figures {
		files[ablationStem+"-"+f.Name+".svg"], files[ablationStem+"-"+f.Name+".png"] = f.SVG, f.PNG
	}
	for name, data := range files {
		if err := durable.WriteFile(filepath.Join(a.Out, name), data); err != nil {
			return nil, err
		}
	}
	return cells, nil
}

// lockRecord waits until no job of another cell writes the table.
func (a Ablate) lockRecord(ctx context.Context) (*lock.Lock, error) {
	for {
		held, err := lock.Take(filepath.Join(a.Out, ablationStem+".lock"))
		if _, other := errors.AsType[*lock.HeldError](err); !other {
			return held, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// look reads what is done of a cell.
func (a Ablate) look(set balance.GridSet, benchmark string) (ablation.Cell, error) {
	figures := set.Manifest.Figures
	ratio, err := balance.ParseRatio(set.Ratio)
	if err != nil {
		return ablation.Cell{}, err
	}
	r := a.of(set)
	cell := ablation.Cell{
		Name: set.Name, Ratio: set.Ratio, TrueShare: float64(ratio.True) / float64(ratio.True+ratio.False), Size: set.Size, Seed: set.Seed,
		Benchmark: benchmark, Rows: figures[rows.SplitTrain],
	}
	o, err := trainOptions(a.Config).Filled()
	if err != nil {
		return cell, a.Config.Errorf("train", "%v", err)
	}
	cell.Steps = o.Steps(cell.Rows, "")
	exported, err := exportOf(r, set)
	if err != nil || exported == nil {
		return cell, err
	}
	if p, err := train.Read(r.dir(Train)); err == nil {
		cell.Rows, cell.Steps = p.Rows, p.Steps
	} else if !errors.Is(err, fs.ErrNotExist) {
		return cell, err
	}
	dir := filepath.Join(r.dir(Eval), benchmark)
	m, err := manifest.Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cell, nil
	case err != nil:
		return cell, err
	case !m.Complete:
		return cell, nil
	}
	if ours, err := trainedOn(r, exported); err != nil || !ours {
		return cell, err
	}
	result, err := eval.Read(dir)
	if err != nil {
		return cell, err
	}
	cell.Done = true
	cell.FNRecall, cell.TNAccuracy = result.FNRecall.Value, result.TNAccuracy.Value
	cell.BalancedAccuracy, cell.Undecided = result.BalancedAccuracy.Value, result.Undecided.Value
	return cell, nil
}

// exportOf is the manifest of a cell's export, nil if there is none of the set as it is
// now: a grid whose axes have changed may draw another set under the same name.
func exportOf(r Request, set balance.GridSet) (*manifest.Manifest, error) {
	m, err := manifest.Read(r.dir(Export))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, f := range set.Manifest.Outputs {
		if strings.HasPrefix(f.Path, balance.ExamplesStem) && !among(m.Inputs, f) {
			return nil, nil
		}
	}
	return m, nil
}

// trainedOn reports whether a cell has a finished training on its export as it is now.
func trainedOn(r Request, export *manifest.Manifest) (bool, error) {
	m, err := manifest.Read(filepath.Join(r.dir(Train), train.ResultDir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, f := range m.Inputs {
		if !among(export.Outputs, f) {
			return false, nil
		}
	}
	return m.Complete, nil
}

// among reports whether one of the files has the content of f.
func among(files []manifest.File, f manifest.File) bool {
	return slices.ContainsFunc(files, func(g manifest.File) bool { return g.SHA256 == f.SHA256 })
}

// Job is a cell in Slurm's hands.
type Job struct{ Cell, ID string }

// Submit draws the sets, and hands every cell that is not done, or Only that one, to
// Slurm, as a job that does this cell alone and goes on with it when it is requeued.
// The jobs before an error are returned with it.
func (a Ablate) Submit(ctx context.Context, env stage.Env) ([]Job, error) {
	if t := a.Config.Train; t != nil && t.Nodes > 1 {
		return nil, a.Config.Errorf("train.nodes", "is %d, and a cell of an ablation runs on one node; launch the cells of several nodes one by one: tinyv train launch --slurm", a.Config.Train.Nodes)
	}
	a.DryRun = true
	cells, err := a.Run(ctx, env)
	if err != nil {
		return nil, err
	}
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	left := map[string]bool{}
	for _, c := range cells {
		if !c.Done && (a.Only == "" || a.Only == c.Name) {
			left[c.Name] = true
		}
	}
	grid, err := Grid(ctx, env, a.Request)
	if err != nil {
		return nil, err
	}
	var jobs []Job
	for _, set := range grid.Sets {
		if !left[set.Name] {
			continue
		}
		id, err := a.submit(ctx, env, set)
		if err != nil {
			return jobs, fmt.Errorf("cell %s: %w", set.Name, err)
		}
		jobs = append(jobs, Job{set.Name, id})
	}
	return jobs, nil
}

// submit plans one cell, and hands it over.
func (a Ablate) submit(ctx context.Context, env stage.Env, set balance.GridSet) (string, error) {
	t, err := a.prepare(ctx, env, a.of(set))
	if err != nil {
		return "", err
	}
	self, err := self()
	if err != nil {
		return "", err
	}
	command := []string{self, "ablate", "--only", set.Name}
	for _, path := range [][2]string{{"--config", a.Config.Path}, {"--out", a.Out}, {"--in", a.In}} {
		if path[1] == "" {
			continue
		}
		absolute, err := filepath.Abs(path[1])
		if err != nil {
			return "", err
		}
		command = append(command, path[0], absolute)
	}
	text, err := slurmBatch(a.Config, t.Plan, train.Batch{Name: "tinyv-" + set.Name, Launch: command, Resume: command})
	if err != nil {
		return "", err
	}
	job, _, err := submit(ctx, t.Plan, text)
	return job, err
}
