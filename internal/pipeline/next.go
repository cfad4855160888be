package pipeline

import (
	"path/filepath"

	"tinyv/label"
)

// Next is a thing to look at or to do after a run.
type Next struct{ Look, For string }

// Next says what to look at next in the run's directory, last stage first.
func (r *Result) Next(out string) []Next {
	var next []Next
	if r.Plan != nil {
		next = append(next, Next{"tinyv train launch --out " + out, "the fine-tune, where LLaMA-Factory and the GPUs are"})
	}
	if r.Manifests[Export] != nil {
		next = append(next, Next{filepath.Join(out, Export) + string(filepath.Separator), "the training files: dataset_dir of LLaMA-Factory"})
	}
	if r.Manifests[Label] != nil {
		next = append(next, Next{filepath.Join(out, Label, label.StatsTable), "how good the labels are, and the rule: rates, agreement, costs"})
		next = append(next, Next{filepath.Join(out, Label, "annotations-00000.parquet"), "every rejection with its votes, replies and reasons"})
	}
	if m := r.Manifests[Gen]; m != nil {
		next = append(next, Next{filepath.Join(out, Gen, "responses-00000.parquet"), "every reply with the verdict of the rule verifier"})
	}
	for _, stage := range []string{Problems, Gen} {
		if m := r.Manifests[stage]; m != nil && m.Figures["self_test_refused"] > 0 {
			next = append(next, Next{filepath.Join(out, stage, "gold_refused.jsonl"), "problems whose own ground truth the rule verifier refuses"})
		}
	}
	if m := r.Manifests[Balance]; m != nil && len(next) == 0 {
		next = append(next, Next{filepath.Join(out, Balance, "examples-00000.parquet"), "the balanced examples"})
	}
	return next
}
