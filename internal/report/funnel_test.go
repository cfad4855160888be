package report_test

import (
	"strings"
	"testing"

	"tinyv/internal/manifest"
	"tinyv/internal/report"
	"tinyv/internal/stagetest/golden"
)

func TestFunnel(t *testing.T) {
	type counts = map[string]*manifest.Counts
	for name, m := range map[string]map[string]*manifest.Manifest{
		"sampled": {
			"problems": {Simulated: true, Rows: counts{"problems": {In: 1234, Out: 1200, Dropped: map[string]int64{"bad_row": 4, "duplicate_problem": 30}}}, Figures: map[string]int64{"self_test_refused": 12}},
			"gen":      {Rows: counts{"responses": {In: 4800, Out: 4799, Dropped: map[string]int64{"bad_request": 1}}}, Figures: map[string]int64{"extracted": 4700, "boxed": 4600, "cut_off": 99, "accepted": 3000, "rejected": 1700, "rule_undecided": 99}},
			"label": {Rows: counts{"responses": {In: 4799, Out: 1500, Dropped: map[string]int64{"accepted_by_rule": 3000, "rule_undecided": 99, "unboxed": 200}}}, Figures: map[string]int64{"sampled": 1500, "sampled_true": 600, "sampled_false": 800, "sampled_disagreed": 60, "sampled_undecided": 40,
				"acceptance": 30, "acceptance_true": 28, "acceptance_false": 2, "near_miss": 10, "near_miss_false": 9, "near_miss_undecided": 1, "hardening": 5, "hardening_false": 5, "votes_saved": 77}},
			"balance": {Rows: counts{"annotations": {In: 1500, Out: 1200, Dropped: map[string]int64{"down_sampled": 200, "disagreed": 60, "undecided": 40}}}, Figures: map[string]int64{"true": 600, "false": 600}},
			"export":  {Rows: counts{"examples": {In: 1200, Out: 1200}}, Figures: map[string]int64{"train": 1100, "eval": 100}},
			"train":   {Figures: map[string]int64{"steps": 6, "rows_per_step": 512}},
		},
		"imported": {
			"gen":   {Rows: counts{"input_rows": {In: 9, Out: 8, Dropped: map[string]int64{"no_response": 1}}, "responses": {In: 32, Out: 32}}, Figures: map[string]int64{"problems": 8, "accepted": 20, "rejected": 12, "rule_true_known_true": 18, "rule_true_known_false": 2, "rule_false_known_true": 4, "rule_false_known_false": 8}},
			"label": {Rows: counts{"responses": {In: 32, Out: 12, Dropped: map[string]int64{"accepted_by_rule": 20}}}, Figures: map[string]int64{"sampled": 12, "sampled_true": 4, "sampled_false": 6, "sampled_disagreed": 2, "label_true_known_true": 3, "label_true_known_false": 1, "label_false_known_false": 6, "label_undecided_known_true": 1, "label_undecided_known_false": 1}},
		},
	} {
		var b strings.Builder
		if err := report.Funnel(&b, m); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name+".txt", b.String())
	}
}
