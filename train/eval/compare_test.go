package eval_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"tinyv/internal/stagetest"
	"tinyv/internal/stagetest/golden"
	"tinyv/train/eval"
	"tinyv/train/eval/attack"
	"tinyv/verify"
)

// evaluated is the directory of an evaluation by a verifier.
func evaluated(t *testing.T, name, content string, f func(verify.Case) (verify.Verdict, error)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	o := eval.Options{Verifier: name, Attacks: []string{attack.Gibberish}, Variants: []string{attack.Sentence}}
	if _, _, err := eval.Run(t.Context(), stagetest.Env(), dir, []string{benchmark(t, content)}, o, &saying{f: f}, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func rejecting(verify.Case) (verify.Verdict, error) {
	return verify.Verdict{Outcome: verify.Incorrect}, nil
}

func TestCompare(t *testing.T) {
	a, b := evaluated(t, "rejecting", small, rejecting), evaluated(t, "words", small, byWords)
	c, err := eval.Compare(a, b, 1)
	if err != nil {
		t.Fatal(err)
	}
	// words has two correct answers right that A has not, and of the wrong ones (3, 22,
	// unheard of) only the first, the last being undecided.
	if m := c.Correct; m.Both != 0 || m.OnlyA != 0 || m.OnlyB != 2 || m.None != 1 {
		t.Errorf("correct answers %+v", m)
	}
	if m := c.Wrong; m.Both != 1 || m.OnlyA != 2 || m.OnlyB != 0 || m.None != 0 {
		t.Errorf("wrong answers %+v", m)
	}
	if m := c.All; m.OnlyA != 2 || m.OnlyB != 2 || m.PValue != 1 || m.Test != "exact" {
		t.Errorf("all %+v", m)
	}
	if d := c.Differences; *d.FNRecall.Value != 0.666667 || *d.TNAccuracy.Value != -0.666667 || *d.Accuracy.Value != 0 {
		t.Errorf("differences %v, %v, %v", *d.FNRecall.Value, *d.TNAccuracy.Value, *d.Accuracy.Value)
	}
	c.A.Dir, c.B.Dir = "a", "b"
	var text bytes.Buffer
	if err := c.Text(&text); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "compare.txt", text.String())
	data, err := c.JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "compare.json", string(data))
}

func TestCompareRefusals(t *testing.T) {
	a := evaluated(t, "a", small, rejecting)
	lines := strings.SplitAfter(small, "\n")
	for _, c := range []struct{ name, content, want string }{
		{"fewer rows", lines[0], "the second has no row 2/fn"},
		{"more rows", small + strings.ReplaceAll(lines[0], `"id": 1`, `"id": 4`), "the first has no row 4/fn"},
		{"other ids", strings.ReplaceAll(small, `"id": 2`, `"id": 9`), "where the first has row 2/fn the second has 9/fn"},
		{"another answer", strings.ReplaceAll(small, `"22"`, `"23"`), "row 2/tn has another"},
	} {
		_, err := eval.Compare(a, evaluated(t, "b", c.content, rejecting), 1)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "different benchmarks") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := eval.Compare(a, t.TempDir(), 1); err == nil || !strings.Contains(err.Error(), "no finished stage") {
		t.Errorf("an empty directory: %v", err)
	}
	other := stagetest.Finished(t, "balance", "examples", []eval.Verdict{}, nil, nil)
	if _, err := eval.Compare(other, a, 1); err == nil || !strings.Contains(err.Error(), `stage "balance"`) {
		t.Errorf("another stage: %v", err)
	}
}
