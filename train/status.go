package train

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tinyv/internal/manifest"
	"tinyv/internal/processes"
	"tinyv/train/trainerlog"
)

// Status is how far a training is.
type Status struct {
	State       string            `json:"state"` // "planned", or a Run's outcome
	Processes   []int             `json:"processes,omitempty"`
	Step        int               `json:"step"`
	Total       int64             `json:"total"`
	Epoch       trainerlog.Float  `json:"epoch"`
	Loss        *trainerlog.Float `json:"loss,omitempty"`
	EvalLoss    *trainerlog.Float `json:"eval_loss,omitempty"`
	Rate        *trainerlog.Float `json:"learning_rate,omitempty"`
	Remaining   float64           `json:"remaining_seconds"` // as the trainer says
	Silent      float64           `json:"silent_seconds"`    // since the last line of either log; 0 unless it is running
	Restarts    int               `json:"restarts"`
	Checkpoints []Checkpoint      `json:"checkpoints"`
	Words       string            `json:"words,omitempty"` // of the failure
	Recorded    bool              `json:"recorded"`        // the result is complete
	OutputDir   string            `json:"output_dir"`
	Log         string            `json:"log"`
}

// Planned is the state of a Status before the first Run.
const Planned = "planned"

// ReadStatus tells how far the training planned in a directory is. It reads files
// only, and may be called while the training runs.
func ReadStatus(dir string) (*Status, error) {
	p, err := Read(dir)
	if err != nil {
		return nil, err
	}
	h, err := readHistory(p.Dir)
	if err != nil {
		return nil, err
	}
	s := &Status{State: Planned, Total: p.Steps, OutputDir: p.Options.OutputDir, Log: p.path(LogFile)}
	if run := h.last(); run != nil {
		s.run(run)
	}
	if s.Checkpoints, err = Checkpoints(p.Options.OutputDir); err != nil {
		return nil, err
	}
	var curve trainerlog.Curve
	points := filepath.Join(p.Options.OutputDir, trainerLog)
	if _, err := curve.Read(trainerlog.Follow(points)); err != nil {
		return nil, err
	}
	s.curve(&curve)
	if s.State == Running {
		s.Silent = time.Since(newest(points, s.Log)).Round(time.Second).Seconds()
	}
	if m, err := manifest.Read(p.path(ResultDir)); err == nil {
		s.Recorded = m.Complete
	}
	return s, nil
}

func (s *Status) run(run *Run) {
	s.State, s.Words = run.Outcome, run.Words
	host, _ := os.Hostname()
	if run.Outcome != Running || run.Host != host || !processes.Findable() {
		return // of another host only the record tells
	}
	if s.Processes = marked(run.ID); len(s.Processes) == 0 {
		s.State = Lost
	}
}

func (s *Status) curve(c *trainerlog.Curve) {
	s.Step, s.Epoch, s.Restarts, s.Remaining = c.Last.Step, c.Last.Epoch, c.Restarts, time.Duration(c.Last.Remaining).Seconds()
	if c.Last.Total > 0 {
		s.Total = int64(c.Last.Total)
	}
	if p := c.LastLoss(); p != nil {
		s.Loss, s.Rate = p.Loss, p.LearningRate
	}
	if p := c.LastEval(); p != nil {
		s.EvalLoss = p.EvalLoss
	}
}

func newest(paths ...string) time.Time {
	var latest time.Time
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(latest) {
			latest = info.ModTime()
		}
	}
	return latest
}

// Text is the status for a person.
func (s *Status) Text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	state := s.State
	switch {
	case state == Running && len(s.Processes) > 0:
		state += fmt.Sprintf(" (processes %s)", numbers(s.Processes))
	case state == Lost:
		state += ": what launched it was killed; `tinyv train resume` goes on"
	case state == Finished && !s.Recorded:
		state += ", not recorded: `tinyv train resume` records it, or says what differs"
	}
	line("state", "%s", state)
	line("step", "%d of %d, epoch %.2f", s.Step, s.Total, float64(s.Epoch))
	if s.Loss != nil {
		line("loss", "%.4g", float64(*s.Loss))
	}
	if s.EvalLoss != nil {
		line("eval loss", "%.4g", float64(*s.EvalLoss))
	}
	if s.State == Running {
		line("left", "%s, the trainer says", time.Duration(s.Remaining*float64(time.Second)).Round(time.Second))
		line("last line", "%s ago", time.Duration(s.Silent*float64(time.Second)))
	}
	for _, c := range s.Checkpoints {
		whole := "whole"
		if c.Broken != "" {
			whole = "not whole: " + c.Broken
		}
		line("checkpoint", "%s (%s)", c.Path, whole)
	}
	if s.Restarts > 0 {
		line("resumed", "%d times", s.Restarts)
	}
	if s.Words != "" {
		line("words", "%s", strings.ReplaceAll(s.Words, "\n", "\n             "))
	}
	line("log", "%s", s.Log)
	return b.String()
}
