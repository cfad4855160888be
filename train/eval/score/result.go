package score

import (
	"encoding/json"
	"slices"

	"tinyv/internal/interval"
)

// Result is what eval.json holds. The figures of the rows as they stand are keys
// of the object itself (see [Figures]); the rest is beside them.
type Result struct {
	Verifier  string // which verifier these are the figures of
	Simulated bool   // rows or verdicts are simulated: the figures say nothing of real models
	Benchmark []Input

	Figures

	Source   map[string]Figures // by the collection that a row comes from; "" where that is not known
	Category map[string]Figures // of the correct answers, by why a rule rejects them; "" where that is not known
	Length   map[string]Figures // by bytes of the answer, see LengthBins

	Calibration Calibration
	Speed       Speed
	Tokens      Tokens

	Attacks  map[string]Attack  // by family
	Variants map[string]Variant // by name
	Repeats  *Stability         // null if no row was asked again
}

// Input is a file of the benchmark.
type Input struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Speed is what was measured in the run that made the result. Verdicts whose
// replies came from the journal are not in it.
type Speed struct {
	Verdicts  int64     `json:"verdicts"`
	PerSecond *float64  `json:"verdicts_per_second"` // of all workers together
	LatencyMS LatencyMS `json:"latency_ms"`
}

// LatencyMS is how long verdicts took, in milliseconds; null if none was measured.
type LatencyMS struct {
	P50 *float64 `json:"p50"`
	P90 *float64 `json:"p90"`
	P99 *float64 `json:"p99"`
	Max *float64 `json:"max"`
}

// NewLatencyMS returns the percentiles of the values, which it sorts.
func NewLatencyMS(values []float64) LatencyMS {
	if len(values) == 0 {
		return LatencyMS{}
	}
	slices.Sort(values)
	at := func(q float64) *float64 { return interval.Rounded(Percentile(values, q)) }
	return LatencyMS{at(0.5), at(0.9), at(0.99), at(1)}
}

// Tokens is what all verdicts took, paid in this run or in an earlier one.
type Tokens struct {
	Verdicts   int64    `json:"verdicts"`
	Prompt     int64    `json:"prompt_tokens"`
	Completion int64    `json:"completion_tokens"`
	CostUSD    *float64 `json:"cost_usd"` // null where a reply has no price
}

// Attack is what one family of attacks did to wrong answers, and to right ones.
type Attack struct {
	Success       interval.Proportion `json:"success"`        // attacked rows that are accepted
	Undecided     interval.Proportion `json:"undecided"`      // attacked rows without a decision
	CleanAccepted interval.Proportion `json:"clean_accepted"` // the same rows as they stand that are accepted
	NotApplicable int64               `json:"not_applicable"` // wrong rows that the family does nothing to
	Right         *Right              `json:"right"`          // null if what the family makes of a right answer need not be right
}

// Right is what a family did to right answers that it leaves right.
type Right struct {
	Kept          interval.Proportion `json:"kept"`           // attacked rows that are accepted
	Undecided     interval.Proportion `json:"undecided"`      // attacked rows without a decision
	CleanAccepted interval.Proportion `json:"clean_accepted"` // the same rows as they stand that are accepted
	NotApplicable int64               `json:"not_applicable"` // right rows that the family does nothing to
}

// Variant is what one way of writing rows otherwise did to verdicts.
type Variant struct {
	Agreement     interval.Proportion `json:"agreement"` // rows whose verdict is that of the row as it stands
	Accuracy      interval.Proportion `json:"accuracy"`
	CleanAccuracy interval.Proportion `json:"clean_accuracy"` // of the same rows as they stand
	NotApplicable int64               `json:"not_applicable"`
}

// The three parts of the object, in the order in which they are written.
type (
	about struct {
		Verifier  string  `json:"verifier"`
		Simulated bool    `json:"simulated"`
		Benchmark []Input `json:"benchmark"`
	}
	beside struct {
		Source      map[string]Figures `json:"source"`
		Category    map[string]Figures `json:"category"`
		Length      map[string]Figures `json:"length"`
		Calibration Calibration        `json:"calibration"`
		Speed       Speed              `json:"speed"`
		Tokens      Tokens             `json:"tokens"`
		Attacks     map[string]Attack  `json:"attacks"`
		Variants    map[string]Variant `json:"variants"`
		Repeats     *Stability         `json:"repeats"`
	}
)

// MarshalJSON writes the figures as keys of the object itself.
func (r Result) MarshalJSON() ([]byte, error) {
	var all []byte
	for _, part := range []any{
		about{r.Verifier, r.Simulated, r.Benchmark}, r.Figures,
		beside{r.Source, r.Category, r.Length, r.Calibration, r.Speed, r.Tokens, r.Attacks, r.Variants, r.Repeats},
	} {
		object, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		if all != nil {
			all[len(all)-1], object = ',', object[1:] // a comma where one object ends and the next begins
		}
		all = append(all, object...)
	}
	return all, nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Result) UnmarshalJSON(data []byte) error {
	var a about
	var b beside
	for _, part := range []any{&a, &r.Figures, &b} {
		if err := json.Unmarshal(data, part); err != nil {
			return err
		}
	}
	r.Verifier, r.Simulated, r.Benchmark = a.Verifier, a.Simulated, a.Benchmark
	r.Source, r.Category, r.Length = b.Source, b.Category, b.Length
	r.Calibration, r.Speed, r.Tokens = b.Calibration, b.Speed, b.Tokens
	r.Attacks, r.Variants, r.Repeats = b.Attacks, b.Variants, b.Repeats
	return nil
}
