// Package trainerlog reads what LLaMA-Factory writes while it trains: the points of
// trainer_log.jsonl, the history in trainer_state.json, and the words of its own
// output. It reads files that grow: a last line without an end is left for later.
package trainerlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// Float is a number of the trainer, which writes NaN and the infinities bare, and
// some versions write numbers as texts. In our own JSON those that JSON does not
// have are texts.
type Float float64

// MarshalJSON writes NaN and the infinities as texts.
func (f Float) MarshalJSON() ([]byte, error) {
	x := float64(f)
	switch {
	case math.IsNaN(x):
		return []byte(`"NaN"`), nil
	case math.IsInf(x, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-Infinity"`), nil
	}
	return json.Marshal(x)
}

// UnmarshalJSON reads a number, or a number in a text.
func (f *Float) UnmarshalJSON(data []byte) error {
	x, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	if errors.Is(err, strconv.ErrSyntax) {
		return fmt.Errorf("%s is no number", data)
	}
	*f = Float(x) // out of range is an infinity
	return nil
}

// Finite reports whether f is neither NaN nor infinite.
func (f Float) Finite() bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

// Point is one line of the trainer's log. A value that a line does not have is nil.
type Point struct {
	Step         int      `json:"step"`
	Total        int      `json:"total,omitempty"`
	Epoch        Float    `json:"epoch"`
	Loss         *Float   `json:"loss,omitempty"`
	EvalLoss     *Float   `json:"eval_loss,omitempty"`
	LearningRate *Float   `json:"learning_rate,omitempty"`
	GradNorm     *Float   `json:"grad_norm,omitempty"` // of trainer_state.json only
	Elapsed      Duration `json:"elapsed_seconds,omitempty"`
	Remaining    Duration `json:"remaining_seconds,omitempty"` // wrong for some steps after a resume
}

// Duration is written as seconds.
type Duration time.Duration

// MarshalJSON writes seconds.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).Seconds()) }

// UnmarshalJSON reads seconds.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var seconds float64
	err := json.Unmarshal(data, &seconds)
	*d = Duration(seconds * float64(time.Second))
	return err
}

// ParsePoint reads a line of trainer_log.jsonl.
func ParsePoint(line []byte) (Point, error) {
	var l struct {
		Step      *int   `json:"current_steps"`
		Total     int    `json:"total_steps"`
		Epoch     Float  `json:"epoch"`
		Loss      *Float `json:"loss"`
		EvalLoss  *Float `json:"eval_loss"`
		Rate      *Float `json:"lr"`
		Elapsed   string `json:"elapsed_time"`
		Remaining string `json:"remaining_time"`
	}
	if err := json.Unmarshal(quoteBare(line), &l); err != nil {
		return Point{}, err
	}
	if l.Step == nil {
		return Point{}, errors.New("no current_steps in it")
	}
	p := Point{Step: *l.Step, Total: l.Total, Epoch: l.Epoch, Loss: l.Loss, EvalLoss: l.EvalLoss, LearningRate: l.Rate}
	var err error
	if p.Elapsed, err = parseDuration(l.Elapsed); err != nil {
		return Point{}, err
	}
	p.Remaining, err = parseDuration(l.Remaining)
	return p, err
}

// parseDuration reads a Python timedelta: "0:01:02", "1 day, 0:00:01".
func parseDuration(s string) (Duration, error) {
	if s == "" {
		return 0, nil
	}
	wrong := fmt.Errorf("%q is no time such as 0:01:02", s)
	var days float64
	clock := s
	if before, after, ok := strings.Cut(s, ", "); ok {
		number, unit, _ := strings.Cut(before, " ")
		n, err := strconv.Atoi(number)
		if err != nil || strings.TrimSuffix(unit, "s") != "day" {
			return 0, wrong
		}
		days, clock = float64(n), after
	}
	parts := strings.Split(clock, ":")
	if len(parts) != 3 {
		return 0, wrong
	}
	seconds := days * 24 * 3600
	for i, unit := range []float64{3600, 60, 1} {
		x, err := strconv.ParseFloat(parts[i], 64)
		if err != nil || !(x >= 0) {
			return 0, wrong
		}
		seconds += x * unit
	}
	if math.Abs(seconds) > math.MaxInt64/float64(time.Second)/2 {
		return 0, wrong
	}
	return Duration(seconds * float64(time.Second)), nil
}

// quoteBare puts NaN, Infinity and -Infinity, which are Python's and not JSON, into quotes.
func quoteBare(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	out := make([]byte, 0, len(data)+16)
	inText := false
	for i := 0; i < len(data); {
		rest := data[i:]
		if inText {
			n := 1
			if rest[0] == '\\' && len(rest) > 1 {
				n = 2
			}
			inText = rest[0] != '"'
			out = append(out, rest[:n]...)
			i += n
			continue
		}
		word := bareWord(rest)
		switch {
		case word != "":
			out = append(append(append(out, '"'), word...), '"')
			i += len(word)
		default:
			inText = rest[0] == '"'
			out = append(out, rest[0])
			i++
		}
	}
	return out
}

func bareWord(data []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return word
		}
	}
	return ""
}

// State is trainer_state.json: of a checkpoint, or of a finished training.
type State struct {
	GlobalStep     int     // steps done
	MaxSteps       int     // steps in all
	BatchPerDevice int     //
	Points         []Point // each step once, also after a resume; Total, Elapsed and Remaining are zero
}

// entry is one of the history in trainer_state.json.
type entry struct {
	Step     int    `json:"step"`
	Epoch    Float  `json:"epoch"`
	Loss     *Float `json:"loss"`
	EvalLoss *Float `json:"eval_loss"`
	Rate     *Float `json:"learning_rate"`
	GradNorm *Float `json:"grad_norm"`
}

// UnmarshalJSON takes the loss on an evaluation set also where it goes by the set's
// name, as in eval_tinyv_eval_loss of LLaMA-Factory 0.9.2, whose trainer_log.jsonl
// does not have it at all.
func (e *entry) UnmarshalJSON(data []byte) error {
	type plain entry
	if err := json.Unmarshal(data, (*plain)(e)); err != nil || e.EvalLoss != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	for name, value := range all { // there is one: a plan has one evaluation set
		if strings.HasPrefix(name, "eval_") && strings.HasSuffix(name, "_loss") {
			return json.Unmarshal(value, &e.EvalLoss)
		}
	}
	return nil
}

// ReadState reads a trainer_state.json.
func ReadState(path string) (*State, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var s struct {
		GlobalStep *int    `json:"global_step"`
		MaxSteps   int     `json:"max_steps"`
		Batch      int     `json:"train_batch_size"`
		History    []entry `json:"log_history"`
	}
	if err := json.Unmarshal(quoteBare(data), &s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s.GlobalStep == nil {
		return nil, fmt.Errorf("%s has no global_step", path)
	}
	state := &State{GlobalStep: *s.GlobalStep, MaxSteps: s.MaxSteps, BatchPerDevice: s.Batch}
	for _, h := range s.History {
		if h.Loss == nil && h.EvalLoss == nil {
			continue // the summary at the end
		}
		state.Points = append(state.Points, Point{Step: h.Step, Epoch: h.Epoch, Loss: h.Loss, EvalLoss: h.EvalLoss, LearningRate: h.Rate, GradNorm: h.GradNorm})
	}
	return state, nil
}
