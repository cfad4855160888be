// Package bench reads benchmarks: rows whose answers are known to be correct or
// wrong, on which verifiers are measured.
package bench

// Row is one answer with its label.
type Row struct {
	ID          string // unique within the benchmark
	Pair        string // rows of one question share it: their verdicts are not independent
	Source      string // the collection it comes from; may be empty
	Category    string // why a rule rejects it though it is correct; empty if unknown
	Question    string
	GroundTruth string
	Answer      string
	Label       bool // the answer is correct
}
