package train

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Severity says what a finding is to a launch.
type Severity string

const (
	Error   Severity = "error"   // it would fail, or train something else than is asked
	Warning Severity = "warning" // it may be meant so
)

// Finding is one thing that a check found.
type Finding struct {
	Check    string   `json:"check"` // a stable code
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // what, where, and what to do
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Severity, f.Check, f.Message) }

// Refusal is the error of findings that stand in the way of a launch; nil if none does.
func Refusal(all []Finding) error {
	errs := 0
	for _, f := range all {
		if f.Severity == Error {
			errs++
		}
	}
	if errs == 0 {
		return nil
	}
	return fmt.Errorf("%d of the checks before a launch failed; nothing was started", errs)
}

// Expect is what a plan does not know and preflight compares it with.
type Expect struct {
	System     *string    // the system message of serving; nil: not known
	Tokenizer  string     // a tokenizer.json; empty: that of the model, where it is a directory
	Rendezvous Rendezvous // of several nodes
	Resume     bool       // the output directory holds the checkpoints to go on from
}

// Preflight runs every check that needs no model in memory, on the machine that is to
// train, and returns all that they found, errors first. It changes nothing. Its own
// error is one of reading or a cancelled context: then nothing is known.
func Preflight(ctx context.Context, p *Plan, expect Expect) ([]Finding, error) {
	f := &findings{}
	f.trainer(p)
	f.environment()
	f.names(p)
	f.model(p)
	if err := f.data(ctx, p, expect); err != nil {
		return nil, err
	}
	f.output(p, expect.Resume)
	f.disk(p)
	if err := f.gpus(ctx, p); err != nil {
		return nil, err
	}
	f.port(p, expect.Rendezvous)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(f.all, func(a, b Finding) int { return cmp.Compare(a.Severity, b.Severity) })
	return f.all, nil
}

// findings collects what the checks find.
type findings struct{ all []Finding }

func (f *findings) fail(check, format string, args ...any) {
	f.all = append(f.all, Finding{check, Error, fmt.Sprintf(format, args...)})
}

func (f *findings) warn(check, format string, args ...any) {
	f.all = append(f.all, Finding{check, Warning, fmt.Sprintf(format, args...)})
}
