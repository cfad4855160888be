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
	Simulated   bool // made by internal/sim
}

// Layout says where the files of a benchmark keep what.
type Layout struct {
	Columns map[string]string `json:"columns"` // our name: dotted path in the file
	Split   string            `json:"split"`   // of files with a split, the one that is read; empty = all but train
}
