package export

const trlDir = "trl"

// trlRow is a problem as TRL's GRPO trainer takes it. The trainer hands columns
// other than prompt, here the ground truth, to the reward functions by name.
type trlRow struct {
	Prompt []turn `json:"prompt"`
	Answer string `json:"answer"`
}

// openTRL writes the problems as JSON lines for TRL: those that verl's files have,
// in the same order.
func openTRL(j job) (target, error) {
	ask := j.asker()
	return openPolicy(j, trlDir, "jsonl", func(p problem, _ int64) trlRow {
		return trlRow{Prompt: []turn{{Role: "user", Content: ask(p.Question)}}, Answer: p.GroundTruth}
	})
}
