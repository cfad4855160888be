package progress

import (
	"fmt"
	"strings"
	"testing"
)

func TestCalls(t *testing.T) {
	a := Calls{Paid: 90, Known: 10, Tokens: 12_345, CostUSD: 0.9, Failures: map[string]int64{"429": 2}, Pools: 1}
	b := Calls{Paid: 100, Tokens: 1_000_000, CostUSD: 1.1, Unanswered: 1, Failures: map[string]int64{"429": 1, "reset": 4}, Resting: []string{"host:1"}, Pools: 1}
	sum := a.Plus(b)
	// 190 replies cost $2; of 1,000 rows with two replies each, 1,799 replies are to come.
	want := "1.0M tok, $2.00 of ~$20.94, 10 known, 1 unanswered, failed 429:3 reset:4, resting host:1"
	if got := sum.line(1000); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if a.Failures["429"] != 2 {
		t.Error("adding up changed what was added")
	}
	if got := sum.since(a).line(0); got != "1.0M tok, $1.10, 1 unanswered, failed 429:1 reset:4, resting host:1" {
		t.Errorf("since: %s", got)
	}
	b.Unpriced = 1
	if got := b.line(1000); strings.Contains(got, "$") {
		t.Errorf("an unknown price: %s", got)
	}
	if got := fmt.Sprint(sum.attrs(1000)...); !strings.Contains(got, "$20.94") || !strings.Contains(got, "429:3") {
		t.Errorf("attrs: %s", got)
	}
	for n, want := range map[int64]string{0: "0", 9999: "9999", 12_345: "12k", 1_234_567: "1.2M", 2_500_000_000: "2.5G"} {
		if got := short(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
