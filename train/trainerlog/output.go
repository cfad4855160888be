package trainerlog

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kind is what a line of the trainer's output tells.
type Kind string

// The kinds.
const (
	OutOfMemory   Kind = "out of memory" // of a GPU or of the machine
	NotFinite     Kind = "not finite"    // a loss or a gradient is NaN, or a loss infinite
	Exception     Kind = "exception"     // the last line of a traceback
	Communication Kind = "communication" // NCCL or gloo
	Killed        Kind = "killed"        // by signal 9
)

// Event is something that the output tells, in its own words.
type Event struct {
	Kind Kind   `json:"kind"`
	Line int    `json:"line"` // in the log, from 1
	Text string `json:"text"`
}

// Output reads the trainer's standard output and error, line by line. It keeps a
// bounded part of what it reads.
type Output struct {
	Examples int64   // training rows that survived loading; 0 before the trainer says so
	Events   []Event // the first ones of each kind
	Tail     []Event // the last lines that say something, without kind

	training bool            // the next number of examples is that of the training
	example  bool            // a rendered row is being printed: what it says is data
	within   map[string]bool // tracebacks under way, by the prefix of their process
}

// The bounds of what is kept.
const (
	eventsKept = 8 // of each kind
	tailKept   = 20
	textKept   = 600 // bytes of a line
)

var (
	prefix       = regexp.MustCompile(`^\[[^\[\]]*rank\d+\]: ?`)
	notFinite    = regexp.MustCompile(`'(?:loss|eval_loss|train_loss)': '?(?:nan|-?inf)\b|'grad_norm': '?nan\b`)
	exitCode9    = regexp.MustCompile(`^exitcode\s*: -9\b`)
	numExamples  = regexp.MustCompile(`Num examples = ([\d,]+)`)
	wrapper      = regexp.MustCompile(`ChildFailedError|CalledProcessError|SignalException|^KeyboardInterrupt`)
	exceptionRow = regexp.MustCompile(`^[A-Za-z_][\w.]*(?::|$)`)
	informative  = regexp.MustCompile(`[\pL\pN]`)
)

// Words, in small letters. They are looked for before any expression is: a log has
// megabytes.
var (
	memoryWords = []string{"out of memory", "outofmemoryerror", "can't allocate memory", "cannot allocate memory", "cublas_status_alloc_failed", "std::bad_alloc"}
	groupWords  = []string{"nccl", "gloo"}
	lossWords   = []string{"error", "fail", "timeout", "timed out", "abort", "closed by peer"}
)

func containsAny(s string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(s, word) })
}

// Add takes the next line and returns what it tells, nil if nothing.
func (o *Output) Add(number int, line []byte) *Event {
	rank := string(prefix.Find(line))
	text := string(bytes.ToValidUTF8(line[len(rank):], []byte("\uFFFD")))
	trimmed := strings.TrimSpace(text)
	if !informative.MatchString(trimmed) {
		return nil
	}
	o.keepTail(Event{Line: number, Text: shorten(trimmed)})
	if o.inExample(trimmed) {
		return nil
	}
	o.count(trimmed)
	kind := o.kind(rank, text, trimmed)
	if kind == "" {
		return nil
	}
	e := Event{Kind: kind, Line: number, Text: shorten(trimmed)}
	same := 0
	for _, known := range o.Events {
		if known.Kind == kind {
			same++
		}
	}
	if same < eventsKept {
		o.Events = append(o.Events, e)
	}
	return &e
}

// inExample reports whether a line is of the row that the trainer prints as an
// example, between "inputs:" and "label_ids:".
func (o *Output) inExample(line string) bool {
	switch line {
	case "inputs:", "chosen_inputs:", "rejected_inputs:":
		o.example = true
	case "label_ids:", "chosen_label_ids:", "rejected_label_ids:", "Traceback (most recent call last):":
		o.example = false
	}
	return o.example
}

func (o *Output) count(line string) {
	if strings.Contains(line, "***** Running") {
		o.training = strings.Contains(line, "***** Running training")
	}
	if !o.training {
		return
	}
	if found := numExamples.FindStringSubmatch(line); found != nil {
		if n, err := strconv.ParseInt(strings.ReplaceAll(found[1], ",", ""), 10, 64); err == nil {
			o.Examples, o.training = n, false
		}
	}
}

func (o *Output) kind(rank, text, trimmed string) Kind {
	if trimmed == "Traceback (most recent call last):" {
		if o.within == nil {
			o.within = map[string]bool{}
		}
		if len(o.within) < 4096 {
			o.within[rank] = true
		}
		return ""
	}
	// Frames are indented; the first line that is not is the exception.
	ended := o.within[rank] && exceptionRow.MatchString(text)
	if ended {
		delete(o.within, rank)
	}
	if o.within[rank] && strings.HasPrefix(text, " ") {
		return "" // source code of a frame
	}
	lower := strings.ToLower(trimmed)
	switch {
	case containsAny(lower, memoryWords), strings.HasPrefix(trimmed, "MemoryError"):
		return OutOfMemory
	case (strings.Contains(lower, "nan") || strings.Contains(lower, "inf")) && notFinite.MatchString(trimmed):
		return NotFinite
	case containsAny(lower, groupWords) && containsAny(lower, lossWords), strings.Contains(lower, "distbackenderror"):
		return Communication
	case trimmed == "Killed", strings.Contains(trimmed, "Signal 9 (SIGKILL) received"), exitCode9.MatchString(trimmed):
		return Killed
	case ended:
		return Exception
	}
	return ""
}

func (o *Output) keepTail(e Event) {
	if len(o.Tail) == tailKept {
		o.Tail = slices.Delete(o.Tail, 0, 1)
	}
	o.Tail = append(o.Tail, e)
}

// Last is the last line that says something; its Text is empty if there is none.
func (o *Output) Last() Event {
	if len(o.Tail) == 0 {
		return Event{}
	}
	return o.Tail[len(o.Tail)-1]
}

// Cause is what ended a training that failed, as far as its output tells: out of
// memory before all else, then the first exception that is not of those who only
// pass another's on, then a kill, then what was lost between processes, which is how
// the others notice a kill, then the last line.
func (o *Output) Cause() Event {
	first := func(is func(Event) bool) *Event {
		if i := slices.IndexFunc(o.Events, is); i >= 0 {
			return &o.Events[i]
		}
		return nil
	}
	for _, is := range []func(Event) bool{
		func(e Event) bool { return e.Kind == OutOfMemory },
		func(e Event) bool { return e.Kind == Exception && !wrapper.MatchString(e.Text) },
		func(e Event) bool { return e.Kind == Killed },
		func(e Event) bool { return e.Kind == Communication },
		func(e Event) bool { return e.Kind == Exception },
	} {
		if e := first(is); e != nil {
			return *e
		}
	}
	return o.Last()
}

func shorten(s string) string {
	if len(s) <= textKept {
		return s
	}
	return strings.ToValidUTF8(s[:textKept], "") + "..."
}
