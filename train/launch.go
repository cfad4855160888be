package train

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tinyv/internal/lock"
	"tinyv/internal/manifest"
	"tinyv/internal/stage"
)

// LogFile is the name of the file that gets all that the trainer writes to its
// standard output and error. Of node N > 0 it is train-nodeN.log.
const LogFile = "train.log"

// LaunchOptions say how a training is followed.
type LaunchOptions struct {
	At         *Rendezvous   // of several nodes; nil: this is the only one
	StallAfter time.Duration // silence after which it is said that nothing happens; 0: 10 minutes
	StopOnNaN  bool          // end the training at the first loss that is not finite; else only say so
	Grace      time.Duration // for the trainer to end when it is asked to, or is done; 0: 40 s, since torchrun gives its workers 30
	Force      bool          // resume, although data, settings or processes are not those of the launch

	every time.Duration // between two looks at the logs; 0: half a second
}

// interrupted is the error of a training that was asked to stop.
type interrupted struct{ words string }

func (e *interrupted) Error() string        { return "interrupted " + e.words }
func (e *interrupted) Is(target error) bool { return target == stage.ErrInterrupted }

// Launch runs a plan's training to its end, and records it in DIR/result and in the
// plan's manifest. A training
// that is finished and recorded is left as it is; one that was begun is refused, since
// Resume goes on with it.
//
// When env.Stop is closed every process of the training is asked to end; it is left
// resumable, and the error is a stage.ErrInterrupted. When ctx ends they are killed.
// No process of the training is left when Launch returns. A stall is only told; but
// processes that stay when all is written are ended.
func Launch(ctx context.Context, env stage.Env, p *Plan, o LaunchOptions) (*manifest.Manifest, error) {
	return run(ctx, env, p, o, false)
}

// Resume goes on with a training from its last whole checkpoint, or from the start if
// there is none yet. It refuses if the data, the settings or the number of processes
// are not those of the launch, unless o.Force. Checkpoints that are half there are
// set aside. A training that has ended is recorded and not launched again.
func Resume(ctx context.Context, env stage.Env, p *Plan, o LaunchOptions) (*manifest.Manifest, error) {
	return run(ctx, env, p, o, true)
}

func run(ctx context.Context, env stage.Env, p *Plan, o LaunchOptions, resume bool) (*manifest.Manifest, error) {
	orDefault(&o.StallAfter, 10*time.Minute)
	orDefault(&o.Grace, 40*time.Second)
	orDefault(&o.every, 500*time.Millisecond)
	if o.At == nil {
		if p.Options.Nodes > 1 {
			return nil, fmt.Errorf("train: the plan is for %d nodes: each is to be launched with its number and the address of the first, as the batch file for Slurm does", p.Options.Nodes)
		}
		at, err := OneNode()
		if err != nil {
			return nil, err
		}
		o.At = &at
	}
	if n := o.At.Node; n < 0 || n >= p.Options.Nodes {
		return nil, fmt.Errorf("train: this is to be node %d, and the plan has %d, counted from 0: give another --node, or set train.nodes and plan again", n, p.Options.Nodes)
	}
	held, err := lockLaunch(p.path(perNode(lockFile, o.At.Node)))
	if err != nil {
		return nil, err
	}
	defer held.Release()

	now, err := newHistory(p)
	if err != nil {
		return nil, err
	}
	l := &launch{env: env, plan: p, options: o, history: now}
	if o.At.Node > 0 { // node 0 keeps the records
		if resume {
			if err := l.choose(); err != nil {
				return nil, err
			}
		}
		return nil, l.follow(ctx)
	}
	ended, err := l.prepare(resume) // before begin, which takes out the results of another training
	if err != nil {
		return nil, err
	}
	record, m, err := begin(p, now)
	if err != nil {
		return nil, err
	}
	if m == nil {
		if !ended {
			if err := l.follow(ctx); err != nil {
				return nil, err
			}
		}
		if m, err = record.finish(p, l.history, l.output.Examples); err != nil {
			return nil, err
		}
	}
	// Also of one that was found done: it may have been killed just here.
	return m, p.attach(m)
}

// prepare decides where the training begins, and reports whether it has ended already.
func (l *launch) prepare(resume bool) (ended bool, err error) {
	p := l.plan
	earlier, err := readHistory(p.Dir)
	if err != nil {
		return false, err
	}
	if run := earlier.last(); run != nil {
		if alive := marked(run.ID); len(alive) > 0 {
			return false, fmt.Errorf("processes of this training are still at work, though the tinyv that launched them is gone: wait for them to end, or end them: kill %s", numbers(alive))
		}
	}
	ended = trained(p.Options.OutputDir)
	checkpoints, err := Checkpoints(p.Options.OutputDir)
	if err != nil {
		return false, err
	}
	if earlier == nil {
		if ended || len(checkpoints) > 0 {
			return false, fmt.Errorf("%s holds a training that was not launched from %s: name another output_dir", p.Options.OutputDir, p.Dir)
		}
		return false, nil
	}
	if !resume && !ended && hasLog(p.Options.OutputDir) {
		return false, fmt.Errorf("this training was begun at %s: go on with `tinyv train resume`, or name another output_dir", earlier.last().Started.Format(time.RFC3339))
	}
	if changes := l.history.changes(earlier); len(changes) > 0 && (ended || resume) {
		list := "\n  " + strings.Join(changes, "\n  ")
		if ended || !l.options.Force {
			return false, fmt.Errorf("%s holds a training of another kind; name another output_dir, put back what was changed, or force the resume of one that has not ended:%s", p.Options.OutputDir, list)
		}
		l.env.Log.Warn("train: going on with what is not as it was at the launch:" + list)
	}
	if err := earlier.closeLost(p, ended); err != nil {
		return false, err
	}
	l.history.Runs = earlier.Runs
	if ended {
		return true, nil
	}
	if now, was := p.Trainer.Version, earlier.Trainer.Version; now != was {
		l.env.Log.Warn("train: another LLaMA-Factory than at the launch", "version", now, "was", was)
	}
	return false, l.choose()
}

// choose takes the last whole checkpoint to go on from, and sets half ones aside. It
// states the checkpoint, since the trainer would take the highest, whole or not.
func (l *launch) choose() error {
	outputDir := l.plan.Options.OutputDir
	checkpoints, err := Checkpoints(outputDir)
	if err != nil {
		return fmt.Errorf("looking for checkpoints: %w", err)
	}
	if l.options.At.Node == 0 {
		for _, c := range checkpoints {
			if c.Broken != "" {
				l.env.Log.Warn("train: a checkpoint is not whole and is set aside, as half-"+filepath.Base(c.Path), "checkpoint", c.Path, "why", c.Broken)
			}
		}
		if _, err := setAside(checkpoints); err != nil {
			return err
		}
	}
	from := lastWhole(checkpoints)
	if from == nil {
		l.env.Log.Info("train: no checkpoint to go on from; starting at step 0")
		return nil
	}
	if from.Processes != l.history.WorldSize && !l.options.Force {
		return fmt.Errorf("%s was written by %d processes, and the plan has %d: the trainer would go on without a word, with other rows in each step; plan as many, or force it", from.Path, from.Processes, l.history.WorldSize)
	}
	// With several nodes each writes this file; their writes can meet.
	for try := 0; ; try++ {
		plan, err := l.plan.Resume(from.Path)
		if err == nil {
			l.plan, l.from = plan, from.Step
			l.env.Log.Info("train: going on", "checkpoint", from.Path)
			return nil
		}
		if l.plan.Options.Nodes == 1 || try == 10 {
			return err
		}
		time.Sleep(l.options.every)
	}
}

// lockFile is the name of the lock of a launch. Of node N > 0 it is train-nodeN.lock.
const lockFile = "train.lock"

func lockLaunch(path string) (*lock.Lock, error) {
	held, err := lock.Take(path)
	if other, ok := errors.AsType[*lock.HeldError](err); ok {
		return nil, fmt.Errorf("this training is being run by %s; `tinyv train status` shows how far it is", other.By)
	}
	return held, err
}

// hasLog reports whether a training was begun in an output directory.
func hasLog(outputDir string) bool {
	entries, err := os.ReadDir(outputDir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.Name() == trainerLog || checkpointName.MatchString(e.Name())
	})
}

// trained reports whether a training has ended in an output directory: these files
// are written after its last step, and the model card last of all.
func trained(outputDir string) bool {
	for _, name := range []string{trainerState, "all_results.json", modelCard} {
		if _, err := os.Stat(filepath.Join(outputDir, name)); err != nil {
			return false
		}
	}
	return true
}

// perNode is the name of a file that each node has its own of.
func perNode(name string, node int) string {
	if node == 0 {
		return name
	}
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s-node%d%s", strings.TrimSuffix(name, ext), node, ext)
}

// begun writes the launch into the history, before there is a process that only its
// mark can find.
func (l *launch) begun(ctx context.Context) error {
	host, _ := os.Hostname()
	l.mark = rand.Text()
	l.history.Runs = append(l.history.Runs, Run{
		ID: l.mark, Host: host, GPUs: gpuNames(ctx), From: l.from, Started: time.Now().UTC().Truncate(time.Second), Outcome: Running,
	})
	return l.write()
}

// write keeps the history; that of other nodes than the first is not kept.
func (l *launch) write() error {
	if l.options.At.Node > 0 {
		return nil
	}
	return l.history.write(l.plan.Dir)
}

// ended writes how the launch went, and returns that.
func (l *launch) ended(failure error) error {
	run := l.history.last()
	now := time.Now().UTC().Truncate(time.Second)
	run.Ended = &now
	switch {
	case failure == nil:
		run.Outcome = Finished
	case errors.Is(failure, stage.ErrInterrupted):
		run.Outcome = Interrupted
	default:
		run.Outcome, run.Words = Failed, failure.Error()
	}
	return errors.Join(failure, l.write())
}
