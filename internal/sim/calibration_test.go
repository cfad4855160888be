package sim_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tinyv/internal/shareddata"
	"tinyv/internal/sim"
	"tinyv/verify"
	"tinyv/verify/prime"
)

// TestFalseNegatives keeps the world near the published pool: of the boxed replies
// that the rule verifier rejected there, 38.5% were correct.
func TestFalseNegatives(t *testing.T) {
	t.Parallel()
	w := &sim.World{Seed: 7}
	rejected, right, accepted, wrong := 0, 0, 0, 0
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
		correct, known := w.Truth(i, extraction.Boxed)
		if !known {
			t.Errorf("problem %d: the box %q is no answer of the world", i, extraction.Boxed)
		}
		switch v.Outcome {
		case verify.Incorrect:
			rejected++
			if correct {
				right++
			}
		case verify.Correct:
			accepted++
			if !correct {
				wrong++
			}
		}
	}
	share := float64(right) / float64(rejected)
	if share < 0.33 || share > 0.44 {
		t.Errorf("%.3f of %d boxed rejections are right, the published share is 0.385", share, rejected)
	}
	// Wrong units and the like: a rule verifier accepts some wrong answers too.
	if wrong == 0 || float64(wrong)/float64(accepted) > 0.05 {
		t.Errorf("%d of %d acceptances are wrong, a few are wanted", wrong, accepted)
	}
	t.Logf("%.3f of %d boxed rejections are right, %.3f of %d acceptances are wrong", share, rejected, float64(wrong)/float64(accepted), accepted)
}

// TestGroundTruths: the rule verifier accepts every ground truth as an answer, as
// a run's self-test wants it.
func TestGroundTruths(t *testing.T) {
	w := &sim.World{Seed: 7}
	for p := range w.Problems(2000) {
		if equal, reason := prime.Equal(p.GroundTruth, p.GroundTruth); !equal {
			t.Errorf("%s: the ground truth %q is refused: %s", p.ProblemID, p.GroundTruth, reason)
		}
	}
}

// TestLenientOnHardAnswers measures Lenient on answers that are known and hard: the
// rule verifier rejects them all.
func TestLenientOnHardAnswers(t *testing.T) {
	data, err := os.ReadFile(shareddata.Path(t, "data", "hardverify-math-even.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Truth string `json:"ground_truth"`
		Right string `json:"fn_output"`
		Wrong string `json:"tn_output"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	right, wrong := 0, 0
	for _, c := range cases {
		if sim.Lenient(c.Truth, c.Right) {
			right++
		}
		if sim.Lenient(c.Truth, c.Wrong) {
			wrong++
			t.Logf("accepted: %q for %q", c.Wrong, c.Truth)
		}
	}
	t.Logf("of %d right answers %d are accepted, of as many wrong ones %d", len(cases), right, wrong)
	if len(cases) != 125 || right < len(cases)/4 || wrong > len(cases)/20 {
		t.Errorf("of %d right answers %d are accepted, of as many wrong ones %d", len(cases), right, wrong)
	}
}

// TestLenientOnReplies compares Lenient with the known labels of real replies, the
// last lines of which state a number.
func TestLenientOnReplies(t *testing.T) {
	file, err := os.Open(shareddata.Path(t, "data", "gsm8k-rollouts.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lastLine := func(s string) string { return s[strings.LastIndex(s, "\n")+1:] }
	agreed, all := 0, 0
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row struct {
			Answer    string
			Responses []string
			IsCorrect []bool `json:"is_correct"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		for i, response := range row.Responses {
			all++
			if sim.Lenient(strings.TrimPrefix(lastLine(row.Answer), "A: "), lastLine(response)) == row.IsCorrect[i] {
				agreed++
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("Lenient agrees with %d of %d known labels", agreed, all)
	if all != 3056 || agreed < all*99/100 {
		t.Errorf("Lenient agrees with %d of %d known labels", agreed, all)
	}
}
