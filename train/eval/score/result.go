package score

// Result is what eval.json holds.
type Result struct{}
