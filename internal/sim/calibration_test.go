package sim_test

import (
	"testing"

	"tinyv/internal/sim"
	"tinyv/verify"
	"tinyv/verify/prime"
)

// TestFalseNegatives keeps the world near the published one: of its replies that
// the rule verifier rejects, 38.5% were correct.
func TestFalseNegatives(t *testing.T) {
	w := &sim.World{Seed: 7}
	rejected, right := 0, 0
	for i := range 3000 {
		reply := w.Solve(i, 1)
		extraction := prime.Extract(reply)
		if !extraction.HasBox {
			continue
		}
		v, err := prime.Verifier{}.Verify(t.Context(), verify.Case{GroundTruth: w.Problem(i).GroundTruth, Response: reply})
		if err != nil {
			t.Fatal(err)
		}
		if v.Outcome != verify.Incorrect {
			continue
		}
		rejected++
		correct, known := w.Truth(i, extraction.Boxed)
		if !known {
			t.Errorf("problem %d: the box %q is no answer of the world", i, extraction.Boxed)
		}
		if correct {
			right++
		}
	}
	if share := float64(right) / float64(rejected); share < 0.33 || share > 0.44 {
		t.Errorf("%.3f of %d boxed rejections are right, the published share is 0.385", share, rejected)
	} else {
		t.Logf("%.3f of %d boxed rejections are right", share, rejected)
	}
}
