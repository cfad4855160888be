package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tinyv/internal/manifest"
	"tinyv/internal/progress"
	"tinyv/internal/stage"
	"tinyv/internal/stagetest/buffer"
	"tinyv/train/traintest"
)

func TestMain(m *testing.M) {
	traintest.MainIfNamed()
	goleak.VerifyTestMain(m)
}

// bench is a planned training whose trainer is the stand-in.
type bench struct {
	t    *testing.T
	plan *Plan
	log  buffer.Locked
	stop chan struct{}
}

// tiny is a training of 20 steps with a checkpoint after every fifth.
var tiny = Options{
	Template: "qwen", LearningRate: 1e-3, Epochs: 1, WarmupRatio: 0.1, CutoffLen: 2048, Seed: 7, FromScratch: true,
	BatchPerDevice: 2, RowsPerStep: 4, Processes: 1, SaveSteps: 5,
}

// newBench plans a training of 80 rows.
func newBench(t *testing.T, knobs string, change func(*Options)) *bench {
	t.Helper()
	bin := t.TempDir()
	if err := traintest.Install(bin); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(traintest.KnobsVariable, knobs)
	o := tiny
	o.Model = t.TempDir()
	if change != nil {
		change(&o)
	}
	rows := strings.Repeat(row("", "1 = 1?", "True")+row("", "1 = 2?", "False"), 40)
	_, p, err := Write(t.Context(), filepath.Join(t.TempDir(), "train"), anExport(t, rows, row("", "2 = 2?", "True"), 80), "tinyv_train", "tinyv_eval", o)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, plan: p, stop: make(chan struct{})}
}

func (b *bench) env() stage.Env {
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	file, err := os.Open(os.DevNull)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { file.Close() })
	b.t.Setenv("TERM", "dumb")
	return stage.Env{Log: log, Progress: progress.New(file, log), Stop: b.stop}
}

// quick follows as fast as the stand-in trains.
func quick(o LaunchOptions) LaunchOptions {
	o.every = 5 * time.Millisecond
	return o
}

func (b *bench) launch(o LaunchOptions) (*manifest.Manifest, error) {
	b.t.Helper()
	return Launch(b.t.Context(), b.env(), b.plan, quick(o))
}

func (b *bench) resume(o LaunchOptions) (*manifest.Manifest, error) {
	b.t.Helper()
	return Resume(b.t.Context(), b.env(), b.plan, quick(o))
}

// must is a launch or resume that ends well.
func (b *bench) must(m *manifest.Manifest, err error) *manifest.Manifest {
	b.t.Helper()
	if err != nil || m == nil || !m.Complete {
		b.t.Fatalf("%+v, %v\n%s", m, err, b.log.String())
	}
	return m
}

// fails is one that ends with these words.
func (b *bench) fails(err error, words ...string) {
	b.t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			b.t.Errorf("%v does not say %q\n%s", err, w, b.log.String())
		}
	}
}

// until waits for something to become true; only a hang makes it fail.
func (b *bench) until(what string, is func() bool) {
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Errorf("%s did not happen\n%s", what, b.log.String())
			return
		}
	}
}

// stopAt asks the training to stop once a file is there.
func (b *bench) stopAt(name string) {
	b.stopWhen(name, func() bool {
		_, err := os.Stat(filepath.Join(b.plan.Options.OutputDir, name))
		return err == nil
	})
}

// stopAtStep asks the training to stop once the checkpoint of a step is whole.
func (b *bench) stopAtStep(step int) {
	b.stopWhen(fmt.Sprintf("checkpoint-%d", step), func() bool {
		all, err := Checkpoints(b.plan.Options.OutputDir)
		return err == nil && slices.ContainsFunc(all, func(c Checkpoint) bool { return c.Step == step && c.Broken == "" })
	})
}

func (b *bench) stopWhen(what string, is func() bool) {
	go func() {
		b.until(what, is)
		close(b.stop)
	}()
}

// nothingLeft checks that no process of any launch lives.
func (b *bench) nothingLeft() {
	b.t.Helper()
	h, err := readHistory(b.plan.Dir)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, run := range h.Runs {
		if alive := marked(run.ID); len(alive) > 0 {
			b.t.Errorf("still there: %v", alive)
		}
	}
}

func (b *bench) file(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.plan.Dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

func TestLaunch(t *testing.T) {
	b := newBench(t, "", nil)
	m := b.must(b.launch(LaunchOptions{}))
	if m.Stage != "train" || m.Figures["steps"] != 20 || m.Figures["rows"] != 80 || !m.Simulated || len(m.Inputs) != 3 {
		t.Errorf("manifest: %+v", m)
	}
	r, err := ReadRecord(b.plan.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.Steps != 20 || len(r.Differences) != 0 || r.Card.Framework["Transformers"] != "5.6.0" || *r.LastLoss >= *r.FirstLoss || r.EvalLoss == nil || len(r.Files) < 3 || len(r.Runs) != 1 {
		t.Errorf("record: %+v", r)
	}
	if lines := strings.Count(b.file("result/loss.jsonl"), "\n"); lines != 24 { // with 4 evaluations
		t.Errorf("%d points of the loss", lines)
	}
	for name, begin := range map[string]string{"result/loss.svg": "<?xml", "result/loss.png": "\x89PNG"} {
		if !strings.HasPrefix(b.file(name), begin) {
			t.Errorf("%s begins %q", name, b.file(name)[:20])
		}
	}
	s, err := ReadStatus(b.plan.Dir)
	if err != nil || s.State != Finished || !s.Recorded || s.Step != 20 || len(s.Checkpoints) != 4 || !strings.Contains(s.Text(), "step         20 of 20") {
		t.Errorf("%+v, %v", s, err)
	}
	b.nothingLeft()

	b.recorded()

	// A finished training is never launched again.
	for name, again := range map[string]func(LaunchOptions) (*manifest.Manifest, error){"launch": b.launch, "resume": b.resume} {
		if m := b.must(again(LaunchOptions{Force: true})); !m.Skipped {
			t.Errorf("%s: done again", name)
		}
	}
	// Nor if its record was lost.
	if err := os.RemoveAll(filepath.Join(b.plan.Dir, ResultDir)); err != nil {
		t.Fatal(err)
	}
	if m := b.must(b.resume(LaunchOptions{})); m.Skipped || strings.Count(b.log.String(), "train: launched") != 1 {
		t.Errorf("launched again: %s", b.log.String())
	}
	b.recorded()
	b.plan.Keys["seed"] = 8
	_, err = b.launch(LaunchOptions{Force: true})
	b.fails(err, "the setting seed: 8, was 7")
}

// recorded checks that the plan's manifest tells of the finished training, and still is
// the plan's.
func (b *bench) recorded() {
	b.t.Helper()
	m, err := manifest.Require(b.plan.Dir)
	if err != nil {
		b.t.Fatal(err)
	}
	var r Training
	if err := json.Unmarshal(m.Record, &r); err != nil {
		b.t.Fatalf("%v: %s", err, m.Record)
	}
	if m.Stage != planStage || len(r.Data) != 3 || len(r.Data[0].SHA256) != 64 || r.Card.Hyperparameters["seed"] != "7" || r.Trainer.Version != "0.9.5" ||
		len(r.Runs) != 1 || r.Runs[0].Ended == nil || len(r.Loss) != 24 || *r.Loss[0].Loss != *r.FirstLoss || len(r.Files) < 3 {
		b.t.Errorf("stage %s, record %s", m.Stage, m.Record)
	}
}

// The record in the plan's manifest decides nothing: an equal plan keeps it, another
// plan is without it, and the plan put back gets it again, as does that of a training
// that an earlier tinyv recorded.
func TestPlanAfterTraining(t *testing.T) {
	b := newBench(t, "", nil)
	b.must(b.launch(LaunchOptions{}))
	write := func(change func(*Options)) *manifest.Manifest {
		t.Helper()
		o := tiny
		o.Model = b.plan.Options.Model
		if change != nil {
			change(&o)
		}
		m, _, err := Write(t.Context(), b.plan.Dir, b.plan.DatasetDir, "tinyv_train", "tinyv_eval", o)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := write(nil); !m.Skipped {
		t.Error("an equal plan is written again")
	}
	b.recorded()
	if m := write(func(o *Options) { o.Seed = 8 }); m.Skipped || m.Record != nil {
		t.Errorf("another plan: skipped %v, record %s", m.Skipped, m.Record)
	}
	if s, err := ReadStatus(b.plan.Dir); err != nil || !s.Recorded {
		t.Errorf("the record itself is gone: %+v, %v", s, err)
	}
	if m := write(nil); m.Skipped || m.Record != nil {
		t.Errorf("the plan put back: skipped %v, record %s", m.Skipped, m.Record)
	}
	if m := b.must(b.resume(LaunchOptions{})); !m.Skipped {
		t.Error("trained again")
	}
	b.recorded()
}

// Interrupted at a checkpoint and resumed, a training has the loss of one that was not.
func TestInterruptAndResume(t *testing.T) {
	whole := newBench(t, "", nil)
	whole.must(whole.launch(LaunchOptions{}))

	b := newBench(t, "hang=12", nil)
	b.stopAtStep(10)
	_, err := b.launch(LaunchOptions{})
	if !errors.Is(err, stage.ErrInterrupted) {
		t.Fatalf("%v\n%s", err, b.log.String())
	}
	b.fails(err, "`tinyv train resume` goes on from checkpoint-1")
	b.nothingLeft()
	if s, err := ReadStatus(b.plan.Dir); err != nil || s.State != Interrupted || s.Step < 10 {
		t.Errorf("%+v, %v", s, err)
	}
	b.stop = make(chan struct{})
	_, err = b.launch(LaunchOptions{})
	b.fails(err, "go on with `tinyv train resume`")

	t.Setenv(traintest.KnobsVariable, "")
	m := b.must(b.resume(LaunchOptions{}))
	if m.Figures["launches"] != 2 {
		t.Errorf("%v", m.Figures)
	}
	if config := b.file(ResumeFile); !strings.Contains(config, "resume_from_checkpoint: ") {
		t.Errorf("%s", config)
	}
	for _, name := range []string{LossFile, LossSVG, LossPNG} {
		if diff := cmp.Diff(whole.file(filepath.Join(ResultDir, name)), b.file(filepath.Join(ResultDir, name))); diff != "" {
			t.Errorf("%s is not as without the interruption: %.300s", name, diff)
		}
	}
}

func TestInterruptBeforeACheckpoint(t *testing.T) {
	b := newBench(t, "hang=3", nil)
	b.stopAt(trainerLog)
	_, err := b.launch(LaunchOptions{})
	b.fails(err, "from the start")
	b.stop = make(chan struct{})
	t.Setenv(traintest.KnobsVariable, "")
	b.must(b.resume(LaunchOptions{}))
}

// The workers of torchrun are in sessions of their own; none is left, whether the
// trainer ends them itself, ignores SIGTERM, or was killed.
func TestNoOrphans(t *testing.T) {
	two := func(o *Options) { o.Processes, o.RowsPerStep = 2, 4 }
	t.Run("asked", func(t *testing.T) {
		b := newBench(t, "delay=10ms,hang=8", two)
		b.stopAtStep(5)
		if _, err := b.launch(LaunchOptions{}); !errors.Is(err, stage.ErrInterrupted) {
			t.Errorf("%v", err)
		}
		b.nothingLeft()
		b.stop = make(chan struct{})
		t.Setenv(traintest.KnobsVariable, "")
		b.must(b.resume(LaunchOptions{}))
		if s, err := ReadStatus(b.plan.Dir); err != nil || s.Checkpoints[3].Processes != 2 {
			t.Errorf("%+v, %v", s, err)
		}
	})
	t.Run("deaf", func(t *testing.T) {
		b := newBench(t, "deaf,hang=2", two)
		b.stopAt(trainerLog)
		if _, err := b.launch(LaunchOptions{Grace: 50 * time.Millisecond}); !errors.Is(err, stage.ErrInterrupted) {
			t.Errorf("%v", err)
		}
		b.nothingLeft()
	})
	t.Run("cancelled", func(t *testing.T) {
		b := newBench(t, "deaf,hang=2", two)
		ctx, cancel := context.WithCancel(t.Context())
		b.stopAt(trainerLog)
		go func() { <-b.stop; cancel() }()
		if _, err := Launch(ctx, b.env(), b.plan, quick(LaunchOptions{Grace: time.Hour})); !errors.Is(err, stage.ErrInterrupted) {
			t.Errorf("%v", err)
		}
		b.nothingLeft()
	})
	t.Run("killed", func(t *testing.T) {
		b := newBench(t, "hang=2", two)
		go func() {
			b.until("a launch", func() bool {
				h, err := readHistory(b.plan.Dir)
				_, began := os.Stat(filepath.Join(b.plan.Options.OutputDir, trainerLog))
				return err == nil && h.last() != nil && h.last().PID != 0 && began == nil && syscall.Kill(-h.last().PID, syscall.SIGKILL) == nil
			})
		}()
		_, err := b.launch(LaunchOptions{})
		b.fails(err, "was ended by signal 9", "resume")
		b.nothingLeft()
	})
}

func TestFailures(t *testing.T) {
	for knobs, words := range map[string][]string{
		"oom=3":  {"exit code 1 after step 2", "train.log:", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "Halve batch_per_device"},
		"exit=3": {"exit code 3 after step 2"},
		"half=5": {"signal 9", "killed"},
	} {
		t.Run(knobs, func(t *testing.T) {
			b := newBench(t, knobs, nil)
			_, err := b.launch(LaunchOptions{})
			b.fails(err, words...)
			b.nothingLeft()
			if s, err := ReadStatus(b.plan.Dir); err != nil || s.State != Failed || !strings.Contains(s.Words, words[0]) || s.Recorded {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	t.Run("no trainer", func(t *testing.T) {
		b := newBench(t, "", nil)
		t.Setenv("PATH", t.TempDir())
		_, err := b.launch(LaunchOptions{})
		b.fails(err, "starting the trainer", "pip install llamafactory")
	})
	t.Run("a worker killed", func(t *testing.T) {
		b := newBench(t, "memory=3", func(o *Options) { o.Processes = 2 })
		_, err := b.launch(LaunchOptions{})
		b.fails(err, "exit code 1") // by its own or by the other's words, whichever came first
		b.nothingLeft()
	})
}

func TestHalfCheckpointIsSetAside(t *testing.T) {
	b := newBench(t, "half=10", nil)
	if _, err := b.launch(LaunchOptions{}); err == nil {
		t.Fatal("no error")
	}
	t.Setenv(traintest.KnobsVariable, "")
	b.must(b.resume(LaunchOptions{}))
	if _, err := os.Stat(filepath.Join(b.plan.Options.OutputDir, "half-checkpoint-10")); err != nil {
		t.Error(err)
	}
	for _, words := range []string{"not whole and is set aside", "no trainer_state.json", "checkpoint-5"} {
		if !strings.Contains(b.log.String(), words) {
			t.Errorf("nothing said of %q:\n%s", words, b.log.String())
		}
	}
	points := b.file("checkpoint/" + trainerLog)
	if n := strings.Count(points, `"current_steps": 6,`); n != 2 {
		t.Errorf("step 6 was done %d times", n)
	}
}

func TestResumeRefusesAnotherTraining(t *testing.T) {
	b := newBench(t, "exit=12", nil)
	if _, err := b.launch(LaunchOptions{}); err == nil {
		t.Fatal("no error")
	}
	t.Setenv(traintest.KnobsVariable, "")
	data := filepath.Join(b.plan.DatasetDir, "train.jsonl")
	content, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data, append(content[:len(content)-len(row("", "1 = 2?", "False"))], row("", "1 = 3?", "False")...), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = b.resume(LaunchOptions{})
	b.fails(err, "the data: train.jsonl has other content")

	plan := *b.plan
	plan.WorldSize = 2
	plan.Keys = map[string]any{}
	_, err = Resume(t.Context(), b.env(), &plan, quick(LaunchOptions{}))
	b.fails(err, "the number of processes: 2, was 1", "the setting learning_rate: not set, was 0.001")

	b.must(b.resume(LaunchOptions{Force: true}))
	if !strings.Contains(b.log.String(), "going on with what is not as it was") {
		t.Errorf("%s", b.log.String())
	}
}

// Another node than the first keeps no record, so a number too many would train over
// what is finished.
func TestNodeThatIsNot(t *testing.T) {
	b := newBench(t, "", nil)
	for _, n := range []int{-1, 1} {
		_, err := b.launch(LaunchOptions{At: &Rendezvous{Node: n, Host: "localhost", Port: MasterPort}})
		b.fails(err, fmt.Sprintf("node %d", n), "--node")
	}
}

func TestSecondLaunchIsRefused(t *testing.T) {
	b := newBench(t, "hang=2", nil)
	done := make(chan error)
	env := b.env()
	go func() {
		_, err := Launch(t.Context(), env, b.plan, quick(LaunchOptions{}))
		done <- err
	}()
	b.until("a step", func() bool {
		s, err := ReadStatus(b.plan.Dir)
		return err == nil && s.Step == 1
	})
	_, err := Launch(t.Context(), env, b.plan, quick(LaunchOptions{}))
	b.fails(err, fmt.Sprintf("process %d on host", os.Getpid()), "train status")
	s, err := ReadStatus(b.plan.Dir)
	if err != nil || s.State != Running || len(s.Processes) != 1 || s.Total != 20 {
		t.Errorf("%+v, %v", s, err)
	}
	// Nor is its plan changed: a trainer reads the YAML seconds after it is started.
	other := b.plan.Options
	other.LearningRate *= 2
	before := b.file(ConfigFile)
	_, _, err = Write(t.Context(), b.plan.Dir, b.plan.DatasetDir, b.plan.TrainDataset, b.plan.EvalDataset, other)
	b.fails(err, fmt.Sprintf("process %d on host", os.Getpid()), "plan")
	if b.file(ConfigFile) != before {
		t.Error("the plan of a running training was changed")
	}
	if m, _, err := Write(t.Context(), b.plan.Dir, b.plan.DatasetDir, b.plan.TrainDataset, b.plan.EvalDataset, b.plan.Options); err != nil || !m.Skipped {
		t.Errorf("the same plan once more: %v", err)
	}
	close(b.stop)
	if err := <-done; !errors.Is(err, stage.ErrInterrupted) {
		t.Error(err)
	}
}

// A trainer that outlived what launched it is found by its mark.
func TestSurvivorsAreFound(t *testing.T) {
	b := newBench(t, "hang=2", nil)
	log, err := os.Create(filepath.Join(b.plan.Dir, LogFile))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h, err := newHistory(b.plan)
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	h.Runs = []Run{{ID: "survivor-" + filepath.Base(filepath.Dir(b.plan.Dir)) + t.Name(), Host: host, Outcome: Running}}
	if err := h.write(b.plan.Dir); err != nil {
		t.Fatal(err)
	}
	at, err := OneNode()
	if err != nil {
		t.Fatal(err)
	}
	ps, err := start(b.plan.Command(), b.plan.Environment(at), log, h.Runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	b.until("its start", func() bool { return slices.Contains(marked(h.Runs[0].ID), ps.pid) })
	_, err = b.resume(LaunchOptions{})
	b.fails(err, fmt.Sprintf("kill %d", ps.pid))
	if err := ps.end(0, nil); err != nil {
		t.Error(err)
	}
	if s, err := ReadStatus(b.plan.Dir); err != nil || s.State != Lost {
		t.Errorf("%+v, %v", s, err)
	}
	t.Setenv(traintest.KnobsVariable, "")
	b.must(b.resume(LaunchOptions{}))
	record, err := ReadRecord(b.plan.Dir)
	if err != nil || len(record.Runs) != 2 || record.Runs[0].Outcome != Lost || record.Runs[0].Ended == nil || record.Runs[1].Outcome != Finished {
		t.Errorf("%+v, %v", record, err)
	}
}

// A training that ended after what launched it was killed is finished once it is
// recorded, with the time that it took.
func TestEndedWithoutUs(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		b := newBench(t, "", nil)
		b.must(b.launch(LaunchOptions{}))
		h, err := readHistory(b.plan.Dir)
		if err != nil {
			t.Fatal(err)
		}
		h.Runs[0].Started = h.Runs[0].Started.Add(-time.Hour)
		h.Runs[0].Outcome, h.Runs[0].Ended = Running, nil
		if err := h.write(b.plan.Dir); err != nil {
			t.Fatal(err)
		}
		if !recorded {
			if err := os.RemoveAll(b.plan.path(ResultDir)); err != nil {
				t.Fatal(err)
			}
		}
		if s, err := ReadStatus(b.plan.Dir); err != nil || s.State != Lost {
			t.Errorf("before: %+v, %v", s, err)
		}
		b.must(b.resume(LaunchOptions{}))
		if s, err := ReadStatus(b.plan.Dir); err != nil || s.State != Finished || !s.Recorded {
			t.Errorf("recorded before %v: %+v, %v", recorded, s, err)
		}
		record, err := ReadRecord(b.plan.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if run := record.Runs[0]; !recorded && (run.Outcome != Finished || run.Ended == nil || record.Seconds < 3600) {
			t.Errorf("%+v, %v seconds", run, record.Seconds)
		}
	}
}

func TestStallIsTold(t *testing.T) {
	b := newBench(t, "hang=3", nil)
	go func() {
		b.until("the warning", func() bool { return strings.Contains(b.log.String(), "nothing was logged for a while") })
		close(b.stop)
	}()
	if _, err := b.launch(LaunchOptions{StallAfter: 30 * time.Millisecond}); !errors.Is(err, stage.ErrInterrupted) {
		t.Error(err)
	}
	if n := strings.Count(b.log.String(), "nothing was logged"); n < 1 || !strings.Contains(b.log.String(), "last_words=") {
		t.Errorf("%s", b.log.String())
	}
}

// The real one was seen to do so, with gloo.
func TestProcessesThatStayAreEnded(t *testing.T) {
	b := newBench(t, "linger", func(o *Options) { o.Processes = 2 })
	b.must(b.launch(LaunchOptions{Grace: 200 * time.Millisecond}))
	b.nothingLeft()
	if !strings.Contains(b.log.String(), "its processes stay: they are ended") {
		t.Errorf("%s", b.log.String())
	}
}

func TestNaN(t *testing.T) {
	b := newBench(t, "nan=4,delay=10ms", nil)
	_, err := b.launch(LaunchOptions{})
	b.fails(err, "losses that are finite: asked 24, ran")
	if !strings.Contains(b.log.String(), "the loss is not finite; it goes on") || !strings.Contains(b.log.String(), "'loss': 'nan'") {
		t.Errorf("%s", b.log.String())
	}
	if !strings.Contains(b.file("result/loss.jsonl"), `"loss":"NaN"`) {
		t.Error("no NaN in the record")
	}

	b = newBench(t, "nan=4,hang=6", nil)
	_, err = b.launch(LaunchOptions{StopOnNaN: true})
	b.fails(err, "the loss is not finite at step 4", "'loss': 'nan'")
	b.nothingLeft()
}

func TestWhatRanIsNotWhatWasAsked(t *testing.T) {
	b := newBench(t, "card=learning_rate:5e-05,drop=4", nil)
	_, err := b.launch(LaunchOptions{})
	b.fails(err, "learning_rate: asked 0.001, ran 5e-05", "rows: asked 80, ran 76", "steps: asked 20, ran 19")
	if !strings.Contains(b.log.String(), "another number of rows") {
		t.Errorf("%s", b.log.String())
	}
	if s, err := ReadStatus(b.plan.Dir); err != nil || s.Recorded || !strings.Contains(s.Text(), "not recorded") {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = b.launch(LaunchOptions{})
	b.fails(err, "learning_rate: asked 0.001")
	if n := strings.Count(b.log.String(), "train: launched"); n != 1 {
		t.Errorf("launched %d times", n)
	}
}

func TestStatusOfAPlan(t *testing.T) {
	b := newBench(t, "", nil)
	s, err := ReadStatus(b.plan.Dir)
	if err != nil || s.State != Planned || s.Total != 20 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := ReadStatus(t.TempDir()); err == nil {
		t.Error("no plan, and no error")
	}
	if _, err := ReadRecord(b.plan.Dir); err == nil || !strings.Contains(err.Error(), "train status") {
		t.Errorf("%v", err)
	}
}
