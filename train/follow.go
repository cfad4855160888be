package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tinyv/internal/processes"
	"tinyv/internal/progress"
	"tinyv/internal/stage"
	"tinyv/train/trainerlog"
)

// The files of LLaMA-Factory in the output directory.
const (
	trainerLog   = "trainer_log.jsonl"
	trainerState = "trainer_state.json"
	modelCard    = "README.md"
)

// launch is one run of the trainer.
type launch struct {
	env     stage.Env
	plan    *Plan
	options LaunchOptions
	history *history
	from    int    // step of the checkpoint that it goes on from
	mark    string // of its processes

	output  trainerlog.Output // what it said, in this run
	curve   trainerlog.Curve  // of all runs
	told    int               // points of the curve that were looked at
	bar     *progress.Bar     // nil before the first step
	shown   int               // step that the bar is at
	nan     *trainerlog.Point // the first loss that is not finite, in this run
	heard   time.Time         // when either log last grew
	stalled bool              // it was said since then
	asked   bool              // NaN was said
	awaited bool              // one look has waited for the words of it
	dropped bool              // so were dropped rows
}

// follow runs the trainer, with its launch in the history.
func (l *launch) follow(ctx context.Context) error {
	logPath := l.plan.path(perNode(LogFile, l.options.At.Node))
	log, err := os.OpenFile(logPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log of the training: %w", err)
	}
	defer log.Close()
	words := trainerlog.Follow(logPath)
	if _, err := words.Next(func(int, []byte) {}); err != nil { // what earlier runs said
		return fmt.Errorf("reading the log of the training: %w", err)
	}
	points := trainerlog.Follow(filepath.Join(l.plan.Options.OutputDir, trainerLog))
	if _, err := l.curve.Read(points); err != nil {
		return fmt.Errorf("reading the trainer's log: %w", err)
	}
	l.curve.Back(l.from)
	l.told = len(l.curve.Points)

	if err := l.begun(ctx); err != nil {
		return err
	}
	return l.ended(l.stay(ctx, log, words, points))
}

// stay starts the trainer and returns when none of its processes is left.
func (l *launch) stay(ctx context.Context, log *os.File, words, points *trainerlog.Lines) error {
	ps, err := start(l.plan.Command(), l.plan.Environment(*l.options.At), log, l.mark)
	if err != nil {
		return err
	}
	l.history.last().PID = ps.pid
	if err := l.write(); err != nil {
		return errors.Join(err, ps.end(0, nil))
	}
	l.env.Log.Info("train: launched", "command", strings.Join(l.plan.Command(), " "), "process", ps.pid, "log", log.Name())
	stop := l.watch(ctx, ps, words, points)
	ending := ps.end(l.options.Grace, ctx.Done()) // after its own end, too: workers may have outlived it
	looking := l.look(words, points)
	if l.bar != nil {
		l.bar.Finish()
	}
	err = l.outcome(ps.err, stop)
	if err == nil {
		err = ending
	}
	if err == nil {
		err = looking
	}
	return err
}

// Reasons why a training is ended before it ends by itself.
const (
	notStopped = iota
	stoppedByUser
	stoppedByNaN
	stoppedAtEnd // it had ended, and its processes had not
)

// watch looks at the logs until the trainer ends or is to be ended.
func (l *launch) watch(ctx context.Context, ps *started, words, points *trainerlog.Lines) int {
	tick := time.NewTicker(l.options.every)
	defer tick.Stop()
	l.heard = time.Now()
	before := trained(l.plan.Options.OutputDir) // by another node, if at all
	for {
		select {
		case <-ps.ended:
			return notStopped
		case <-l.env.Stop:
			l.env.Log.Info("train: ending the training", "step", l.curve.Last.Step)
			return stoppedByUser
		case <-ctx.Done():
			return stoppedByUser
		case <-tick.C:
		}
		if err := l.look(words, points); err != nil {
			l.env.Log.Warn("train: the logs could not be read; the training goes on", "error", err)
		}
		if l.nan != nil && l.options.StopOnNaN {
			return stoppedByNaN
		}
		// Workers can lock one another out while they leave: seen with gloo of torch 2.6,
		// whose end waits for a thread that waits for Python's lock. All is written then.
		if time.Since(l.heard) > l.options.Grace && !before && trained(l.plan.Options.OutputDir) {
			l.env.Log.Warn("train: the training has ended, its last file is written, and its processes stay: they are ended", "processes", numbers(marked(l.mark)))
			return stoppedAtEnd
		}
	}
}

// look reads what is new in both logs and tells it.
func (l *launch) look(words, points *trainerlog.Lines) error {
	said, err := words.Next(func(n int, line []byte) {
		if e := l.output.Add(n, line); e != nil && e.Kind == trainerlog.OutOfMemory {
			l.env.Log.Warn("train: out of memory", "line", e.Line, "words", e.Text)
		}
	})
	if err != nil {
		return err
	}
	stepped := false
	if l.options.At.Node == 0 {
		if stepped, err = l.curve.Read(points); err != nil {
			return err
		}
	}
	if said || stepped {
		if l.stalled {
			l.env.Log.Info("train: it goes on again", "after", time.Since(l.heard).Round(time.Second).String())
		}
		l.heard, l.stalled = time.Now(), false
	}
	if silence := time.Since(l.heard); silence > l.options.StallAfter && !l.stalled {
		l.stalled = true
		l.env.Log.Warn("train: nothing was logged for a while: it may hang, or be slow; it is left running, and Ctrl-C ends it",
			"silent", silence.Round(time.Second).String(), "step", l.curve.Last.Step, "last_words", l.output.Last().Text)
	}
	l.tellRows()
	l.tellPoints()
	return nil
}

// tellRows says at once if the trainer left rows out, while little is spent.
func (l *launch) tellRows() {
	if l.dropped || l.output.Examples == 0 {
		return
	}
	l.dropped = true
	if asked, ran := l.plan.examples(), l.output.Examples; asked != 0 && asked != ran {
		l.env.Log.Warn("train: the trainer trains on another number of rows than it was given; its log names those that it dropped", "given", asked, "taken", ran)
	}
}

// tellPoints moves the bar and says if a loss is not finite.
func (l *launch) tellPoints() {
	l.told = min(l.told, len(l.curve.Points)) // a resumed run has replaced some
	for ; l.told < len(l.curve.Points); l.told++ {
		p := &l.curve.Points[l.told]
		for _, loss := range []*trainerlog.Float{p.Loss, p.EvalLoss} {
			if loss != nil && !loss.Finite() && l.nan == nil {
				l.nan = p
			}
		}
	}
	// The trainer's own words may come a moment after the line of the other log.
	if l.nan != nil && !l.asked && l.notFiniteWords() == "" && !l.awaited {
		l.awaited = true
	} else if l.nan != nil && !l.asked {
		l.asked = true
		what := "it goes on, but the weights it writes from here on are of no use: Ctrl-C ends it"
		if l.options.StopOnNaN {
			what = "it is ended"
		}
		l.env.Log.Warn("train: the loss is not finite; "+what, "step", l.nan.Step, "words", l.notFiniteWords())
	}
	last := l.curve.LastLoss()
	if last == nil || last.Step <= l.from || last.Total == 0 {
		return
	}
	if l.bar == nil {
		l.bar, l.shown = l.env.Progress.Start("train", int64(last.Total-l.from), nil), l.from
	}
	if last.Step > l.shown {
		l.bar.Add(int64(last.Step - l.shown))
		l.shown = last.Step
	}
	l.bar.Say(describePoint(*last, l.curve.LastEval()))
}

func describePoint(p trainerlog.Point, eval *trainerlog.Point) string {
	s := fmt.Sprintf("step %d/%d", p.Step, p.Total)
	if p.Loss != nil {
		s += fmt.Sprintf(", loss %.4g", float64(*p.Loss))
	}
	if eval != nil {
		s += fmt.Sprintf(", eval loss %.4g", float64(*eval.EvalLoss))
	}
	if p.LearningRate != nil {
		s += fmt.Sprintf(", rate %.2g", float64(*p.LearningRate))
	}
	return s + fmt.Sprintf(", epoch %.2f", float64(p.Epoch))
}

func (l *launch) notFiniteWords() string {
	for _, e := range l.output.Events {
		if e.Kind == trainerlog.NotFinite {
			return e.Text
		}
	}
	return ""
}

// outcome is the error of a run that ended, in the log's own words.
func (l *launch) outcome(exit error, stop int) error {
	step := l.curve.Last.Step
	log := l.plan.path(perNode(LogFile, l.options.At.Node))
	switch {
	case stop == stoppedByUser && (exit != nil || !trained(l.plan.Options.OutputDir)):
		from := "from the start, since there is no whole checkpoint yet"
		if checkpoints, err := Checkpoints(l.plan.Options.OutputDir); err == nil {
			if c := lastWhole(checkpoints); c != nil {
				from = "from " + filepath.Base(c.Path)
			}
		}
		return &interrupted{fmt.Sprintf("at step %d; `tinyv train resume` goes on %s", step, from)}
	case stop == stoppedByNaN:
		return fmt.Errorf("train: the loss is not finite at step %d, and the training was ended; its log %s says: %s\nTake a lower learning rate or a longer warm-up, and look for rows without a reply; then plan it with another output_dir", l.nan.Step, log, l.notFiniteWords())
	case exit == nil, stop == stoppedAtEnd:
		return nil
	}
	cause := l.output.Cause()
	said := fmt.Sprintf("%s says nothing", log)
	if cause.Text != "" {
		said = fmt.Sprintf("%s:%d says: %s", log, cause.Line, cause.Text)
	}
	advice := advise(cause.Kind, exit)
	return fmt.Errorf("train: %s %s after step %d; %s\n%s", program, processes.How(stateOf(exit)), step, said, advice)
}

// advise says what to do about a failure.
func advise(kind trainerlog.Kind, exit error) string {
	const again = "`tinyv train resume` goes on from the last whole checkpoint."
	switch {
	case kind == trainerlog.OutOfMemory:
		return "Halve batch_per_device (the accumulation then doubles by itself, and a step keeps its rows), take deepspeed: z3 on several GPUs, or liger: true; plan again. What a resume may not change needs a new output_dir, or force."
	case kind == trainerlog.Killed, kind == "" && processes.Killed(stateOf(exit)):
		return "A process was killed from outside; " + processes.WhyKilled + ". " + again
	case kind == trainerlog.Communication:
		return "The processes lost one another. If the log names no other failure above, " + again
	}
	return "Mend what the log says; " + again
}

// gpuNames asks nvidia-smi, where there is one, for the names of the GPUs.
func gpuNames(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader").Output()
	if err != nil {
		return nil // a machine without
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" {
			names = append(names, line)
		}
	}
	return names
}
