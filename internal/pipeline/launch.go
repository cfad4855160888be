package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tinyv/internal/config"
	"tinyv/internal/durable"
	"tinyv/internal/manifest"
	"tinyv/internal/stage"
	"tinyv/train"
)

// Training is a planned fine-tune that is to be run here.
type Training struct {
	Plan      *train.Plan
	System    *string           // that its rows and serving have in common; nil: no export says so
	At        *train.Rendezvous // of several nodes; nil: this is the only one
	StopOnNaN bool
	Force     bool // resume also what was launched from another plan
}

// Preflight says what would end a launch, or spoil it.
func (t *Training) Preflight(ctx context.Context) ([]train.Finding, error) {
	return t.preflight(ctx, false)
}

func (t *Training) preflight(ctx context.Context, resume bool) ([]train.Finding, error) {
	expect := train.Expect{System: t.System, Resume: resume}
	if t.At != nil {
		expect.Rendezvous = *t.At
	}
	return train.Preflight(ctx, t.Plan, expect)
}

// Launch checks the plan, runs it to its end and records it. The manifest is nil on
// other nodes than the first, which have nothing to tell.
func (t *Training) Launch(ctx context.Context, env stage.Env) (*manifest.Manifest, error) {
	return t.run(ctx, env, train.Launch)
}

// Resume goes on with what was launched, as Launch begins it.
func (t *Training) Resume(ctx context.Context, env stage.Env) (*manifest.Manifest, error) {
	return t.run(ctx, env, train.Resume)
}

func (t *Training) run(ctx context.Context, env stage.Env, run func(context.Context, stage.Env, *train.Plan, train.LaunchOptions) (*manifest.Manifest, error)) (*manifest.Manifest, error) {
	status, err := train.ReadStatus(t.Plan.Dir)
	if err != nil {
		return nil, err
	}
	// Launch and Resume know what to do with a training that has begun, and have
	// nothing to start for one that has ended.
	if status.State != train.Finished {
		findings, err := t.preflight(ctx, status.State != train.Planned)
		if err != nil {
			return nil, err
		}
		for _, f := range findings {
			if f.Severity == train.Error {
				env.Log.Error(f.String())
			} else {
				env.Log.Warn(f.String())
			}
		}
		if err := train.Refusal(findings); err != nil {
			return nil, err
		}
	}
	return run(ctx, env, t.Plan, train.LaunchOptions{At: t.At, StopOnNaN: t.StopOnNaN, Force: t.Force})
}

// Line is the command that Launch runs, for a shell.
func (t *Training) Line() string {
	at := train.Rendezvous{Host: "127.0.0.1", Port: train.MasterPort}
	if t.At != nil {
		at = *t.At
	}
	return t.Plan.Line(at)
}

// SlurmBatch is the batch file that runs the training of a request: it launches, or
// resumes when Slurm has requeued it, by this same program.
func (t *Training) SlurmBatch(r Request) ([]byte, error) {
	self, err := self()
	if err != nil {
		return nil, err
	}
	out, err := filepath.Abs(r.Out)
	if err != nil {
		return nil, err
	}
	name := "tinyv-" + filepath.Base(out)
	if s := r.Config.Train.Slurm; s != nil {
		name = cmp.Or(s.Name, name)
	}
	return slurmBatch(r.Config, t.Plan, train.Batch{
		Name: name, Launch: []string{self, "train", "launch", "--out", out}, Resume: []string{self, "train", "resume", "--out", out},
	})
}

// Submit hands the batch file to Slurm, and returns the job and where the file is.
func (t *Training) Submit(ctx context.Context, r Request) (job, file string, err error) {
	text, err := t.SlurmBatch(r)
	if err != nil {
		return "", "", err
	}
	return submit(ctx, t.Plan, text)
}

// slurmBatch is the text of a batch file with what the config says of jobs.
func slurmBatch(c *config.Config, p *train.Plan, b train.Batch) ([]byte, error) {
	if s := c.Train.Slurm; s != nil {
		b.Time, b.Lines = s.Time, s.Options
	}
	return p.Slurm(b)
}

// submit keeps a batch file with the plan, and hands it to Slurm.
func submit(ctx context.Context, p *train.Plan, text []byte) (job, file string, err error) {
	file = filepath.Join(p.Dir, train.BatchFile)
	if err := durable.WriteFile(file, text); err != nil {
		return "", "", err
	}
	job, err = train.Submit(ctx, file)
	return job, file, err
}

// self is this program, for a batch file.
func self() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program for the batch file: %w", err)
	}
	return path, nil
}
