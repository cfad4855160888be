package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func commissionText(question, truth, wish string) string {
	return "Some text.\n<question>\n" + question + "\n</question>\n<ground_truth_answer>\n" + truth + "\n</ground_truth_answer>\n" + wish
}

func TestCommissioned(t *testing.T) {
	w := &World{Seed: 5}
	p := w.problem(2)
	for _, c := range []struct {
		question, wish string
		want           commission
	}{
		{p.question, "Give at least 7 forms.", commission{p, false, 7}},
		{p.question, "Give 3 wrong answers.", commission{p, true, 3}},
		{p.question + " This is wrong.", "Give 4 forms.", commission{p, false, 4}},
		{p.question, "Give some.", commission{p, false, defaultListed}},
		{p.question, "Give 0 or 5.", commission{p, false, 1}},
		{p.question, "Give 99999999999999999999999.", commission{p, false, defaultListed}},
		{p.question, "Give 5000.", commission{p, false, maxListed}},
	} {
		if got := commissioned(p, commissionText(c.question, p.truth, c.wish)); got != c.want {
			t.Errorf("%q, %q: wrong=%v count=%d", c.question, c.wish, got.wrong, got.count)
		}
	}
}

// TestList counts what the generator promises: the items are of the kind asked
// for, but for the stated noise.
func TestList(t *testing.T) {
	w := &World{Seed: 5}
	replies, stray, twice, untagged := 0, 0, 0, 0
	for i := range 400 {
		p := w.problem(i)
		for _, wrong := range []bool{false, true} {
			c := commission{p, wrong, 4}
			r := func() *rand.Rand { return draw(1, fmt.Sprint(i, wrong)) }
			said := c.list(r()).text
			if said != c.list(r()).text {
				t.Fatalf("problem %d: another reply to the same request", i)
			}
			replies++
			if !strings.Contains(said, "<answer>") {
				untagged++
				continue
			}
			var items []string
			for _, line := range strings.Split(said, "\n") {
				if item, ok := strings.CutPrefix(line, "<answer>"); ok {
					item = strings.TrimSuffix(item, "</answer>")
					if slices.Contains(items, item) {
						twice++
					}
					items = append(items, item)
					if right, known := p.judge(item); item != "" && (!known || right == wrong) {
						stray++
						if !known {
							t.Errorf("problem %d: %q is no answer of the world", i, item)
						}
					}
				}
			}
			if len(items) < 4 {
				t.Errorf("problem %d: %d items", i, len(items))
			}
		}
	}
	for name, c := range map[string][2]float64{"stray": {float64(stray), shareOtherKind}, "twice": {float64(twice), shareRepeated}, "untagged": {float64(untagged), shareUntagged}} {
		if share := c[0] / float64(replies); share < c[1]/2 || share > c[1]*1.5 {
			t.Errorf("%s: %.3f of replies, stated %.2f", name, share, c[1])
		}
	}
	if said := (commission{}).list(draw(1)).text; said != noProblem {
		t.Errorf("without a problem: %q", said)
	}
}
