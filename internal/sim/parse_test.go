package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseFaults(t *testing.T) {
	for text, want := range map[string]Faults{
		"rate=0.1,kinds=reset+429:3+hang,seed=1": {Rate: 0.1, Seed: 1, Kinds: []Fault{{"reset", 0}, {"429", 3}, {"hang", 0}}},
		"rate=1":                                 {Rate: 1},
		"tries=2,rate=0.5,retry_after=1500ms,hold=30s,slow=2s,kinds=418:0.5": {Rate: 0.5, Tries: 2, RetryAfter: 1500 * time.Millisecond, Hold: 30 * time.Second, Slow: 2 * time.Second, Kinds: []Fault{{"418", 0.5}}},
	} {
		got, err := ParseFaults(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
	if f, err := ParseFaults("rate=0.1,kinds=all"); err != nil || len(f.Kinds) != len(FaultKinds()) {
		t.Errorf("all: %+v, %v", f, err)
	}
	for text, says := range map[string]string{
		"": `"" is none of hold=…, kinds=…, rate=…`, "rate": `"rate" is none of`, "rate=2": "rate: \"2\" is not a share", "rate=NaN": "not a share", "rate=x": "not a share", "rate=0.1,rate=0.2": "rate is given twice", "rate=0.1,": `"" is none of`,
		"kinds=rest": `"rest" is no kind of fault`, "kinds=": `"" is no kind of fault`, "kinds=reset:0": `weight "0"`, "kinds=reset:x": `weight "x"`, "kinds=reset+": `"" is no kind`, "kinds=600": `"600" is no kind`,
		"seed=-1": "seed", "tries=0": "tries", "hold=-1s": "hold", "slow=1": "not a time", "speed=1": `"speed=1" is none of`,
	} {
		if got, err := ParseFaults(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %+v, %v; want an error with %s", text, got, err, says)
		}
	}
}

func TestParseOthers(t *testing.T) {
	if l, err := ParseLimits("requests=600,tokens=100000,in_flight=64"); err != nil || l != (Limits{600, 100000, 64}) {
		t.Errorf("limits: %+v, %v", l, err)
	}
	want := Batch{Validating: time.Second, InProgress: 10 * time.Second, Finalizing: 2 * time.Second, Expired: 0.1, Failed500: 0.2, Failed429: 0.3, Failed400: 0.4, Dir: "a b"}
	if b, err := ParseBatch("validating=1s,in_progress=10s,finalizing=2s,expired=0.1,failed_500=0.2,failed_429=0.3,failed_400=0.4,dir=a b"); err != nil || b != want {
		t.Errorf("batch: %+v, %v", b, err)
	}
	for text, want := range map[string]bool{"4096": false, "4096:openai": false, "4096:vllm": true} {
		if n, vllm, err := ParseContextLength(text); err != nil || n != 4096 || vllm != want {
			t.Errorf("context length %s: %d, %v, %v", text, n, vllm, err)
		}
	}
	for _, way := range []Reasoning{ReasoningField, ReasoningTags} {
		if got, err := ParseReasoning(string(way)); err != nil || got != way {
			t.Errorf("reasoning %s: %v, %v", way, got, err)
		}
	}
	for name, parse := range map[string]func(string) error{
		"limits":         func(text string) error { _, err := ParseLimits(text); return err },
		"batch":          func(text string) error { _, err := ParseBatch(text); return err },
		"context length": func(text string) error { _, _, err := ParseContextLength(text); return err },
		"reasoning":      func(text string) error { _, err := ParseReasoning(text); return err },
	} {
		for _, text := range []string{"", "x", "requests=0", "requests=-1", "expired=0.6,failed_500=0.6", "validating=-1s", "0", "-5", "4096:gpt", "Field"} {
			if err := parse(text); err == nil || !strings.Contains(err.Error(), ",") && !strings.Contains(err.Error(), ";") && !strings.Contains(err.Error(), ":") {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
}

// FuzzParse: whatever is read makes a world that Start takes.
func FuzzParse(f *testing.F) {
	f.Add("rate=0.1,kinds=reset+429:3+hang,seed=1", "validating=1s,expired=0.5")
	f.Add("rate=1,kinds=all,tries=3", "failed_400=1")
	f.Fuzz(func(t *testing.T, faults, batch string) {
		var w World
		var err error
		if w.Faults, err = ParseFaults(faults); err != nil {
			w.Faults = Faults{}
		}
		if w.Batch, err = ParseBatch(batch); err != nil {
			w.Batch = Batch{}
		}
		if err := w.check(); err != nil {
			t.Errorf("%q, %q: %v", faults, batch, err)
		}
		if w.Faults.Rate == 1 && w.Faults.kind(1, 0) == "" {
			t.Errorf("%q: nothing fails", faults)
		}
	})
}
