// Package bench reads benchmarks: rows whose answers are known to be correct or
// wrong, on which verifiers are measured.
//
// Two layouts are read, told apart by the first row of each file. That of
// HardVerify-Math has question, ground_truth, fn_output (a correct answer that
// rules reject) and tn_output (a wrong one), and gives two rows for each of its
// own. Any other has question, ground_truth, answer and label; the examples of
// the balance and export stages are of that kind, named by file or by the
// stage's directory.
//
// A benchmark with a fault is refused as a whole: a figure over the rows that
// happened to be readable would not be the benchmark's.
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
	// Columns names columns that are called otherwise: our name (see [Columns]) to
	// the file's, dots reaching into objects.
	Columns map[string]string `json:"columns"`
	// Split is the split that is read of files that have a column of that name: "eval"
	// or "held_out" of our own. Empty reads every row, but refuses those of our
	// training split, which a verifier may have seen.
	Split string `json:"split"`
}

// Columns lists our names of the columns that a benchmark may have.
func Columns() []string {
	return []string{"id", "source", "category", "question", "ground_truth", "fn_output", "tn_output", "answer", "label", "split"}
}
