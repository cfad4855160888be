package sim

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestParseDistribution(t *testing.T) {
	for text, want := range map[string]Distribution{
		"1s": Constant(time.Second), "0s": Constant(0), "uniform:100ms-2s": Uniform(100*time.Millisecond, 2*time.Second), "uniform:1s-1s": Uniform(time.Second, time.Second),
		"exp:1s": Exponential(time.Second), "exp:1s,max=10s": Exponential(time.Second).capped(10 * time.Second),
		"lognormal:800ms,0.7": LogNormal(800*time.Millisecond, 0.7), "lognormal:800ms,0.7,max=3s": LogNormal(800*time.Millisecond, 0.7).capped(3 * time.Second),
	} {
		if got, err := ParseDistribution(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "1", "-1s", "uniform:2s-1s", "uniform:1s", "uniform:", "exp:", "exp:-1s", "exp:1s,max=0s", "exp:1s,max=", "lognormal:1s", "lognormal:1s,-1", "lognormal:1s,NaN", "lognormal:1s,11", "normal:1s", "exp:1s,0.5", ":", "1s,max=2s",
	} {
		if got, err := ParseDistribution(text); err == nil || !strings.Contains(err.Error(), strconv.Quote(text)) || !strings.Contains(err.Error(), "lognormal:800ms,0.7") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseDistribution(f *testing.F) {
	for _, text := range []string{"1s", "uniform:100ms-2s", "exp:1s,max=10s", "lognormal:800ms,0.7,max=3s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDistribution(text)
		if err != nil {
			return
		}
		for i := range 10 {
			if drawn := d.draw(draw(0, strconv.Itoa(i))); drawn < 0 || d.shape != constant && d.shape != uniform && drawn > mostDrawn && drawn > d.most {
				t.Errorf("%q draws %v", text, drawn)
			}
		}
	})
}

// TestDistributions compares quantiles of what is drawn with those of theory.
func TestDistributions(t *testing.T) {
	const n = 20_000
	for text, want := range map[string][3]time.Duration{ // at 10%, 50% and 90%
		"1s":                   {time.Second, time.Second, time.Second},
		"uniform:100ms-2100ms": {300 * time.Millisecond, 1100 * time.Millisecond, 1900 * time.Millisecond},
		"exp:1s":               {105 * time.Millisecond, 693 * time.Millisecond, 2303 * time.Millisecond},
		"exp:1s,max=2s":        {105 * time.Millisecond, 693 * time.Millisecond, 2 * time.Second},
		"lognormal:800ms,0.7":  {326 * time.Millisecond, 800 * time.Millisecond, 1962 * time.Millisecond},
	} {
		d, err := ParseDistribution(text)
		if err != nil {
			t.Fatal(err)
		}
		w := &World{Seed: 1, Delay: d}
		drawn := make([]time.Duration, n)
		for i := range drawn {
			drawn[i] = w.latency(uint64(i), 0, 0)
		}
		if again := w.latency(5, 0, 0); again != drawn[5] {
			t.Errorf("%s: the latency of a request is %v, then %v", text, drawn[5], again)
		}
		if d.shape != constant && w.latency(5, 1, 0) == drawn[5] && drawn[5] != 2*time.Second {
			t.Errorf("%s: the second try takes as long as the first", text)
		}
		slices.Sort(drawn)
		for i, at := range []int{n / 10, n / 2, n * 9 / 10} {
			if off := math.Abs(float64(drawn[at]-want[i])) / float64(want[i]); off > 0.05 {
				t.Errorf("%s: quantile %d is %v, want %v", text, at*100/n, drawn[at], want[i])
			}
		}
	}
}

func TestLatencyProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sigma := rapid.Float64Range(0, 10).Draw(t, "sigma")
		most := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "most"))
		d := LogNormal(time.Hour, sigma).capped(most)
		w := &World{Delay: d, TokenRate: rapid.Float64Range(1e-300, 1e300).Draw(t, "rate")}
		got := w.latency(rapid.Uint64().Draw(t, "request"), 0, rapid.IntRange(0, 1<<20).Draw(t, "tokens"))
		if got < 0 || got > most+mostDrawn {
			t.Fatalf("%v with a cap of %v", got, most)
		}
	})
}

// TestPace: time to the first token and tokens a second, on a clock that only the
// server moves.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &World{Latency: time.Second, Delay: Constant(2 * time.Second), TokenRate: 10}
		h := NewServer(w, quiet).Handler()
		began := time.Now()
		r := chat(t, h, SolverModel, w.problem(0).question, 1, "")
		if got, want := time.Since(began), 3*time.Second+time.Duration(r.Usage.CompletionTokens)*time.Second/10; got.Round(time.Microsecond) != want {
			t.Errorf("%d tokens took %v, want %v", r.Usage.CompletionTokens, got, want)
		}
	})
}

func TestTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var timers timers
		ending := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 3 { // the second is that of the first
			began := time.Now()
			if !timers.wait(ctx, ending, time.Second) || time.Since(began) != time.Second {
				t.Errorf("wait %d took %v", i, time.Since(began))
			}
		}
		time.AfterFunc(time.Minute, cancel)
		if began := time.Now(); timers.wait(ctx, ending, time.Hour) || time.Since(began) != time.Minute {
			t.Errorf("a client that left after a minute was waited for %v", time.Since(began))
		}
		if timers.wait(ctx, ending, 0) {
			t.Error("one that has left is there")
		}
		time.AfterFunc(time.Minute, func() { close(ending) })
		if began := time.Now(); timers.wait(t.Context(), ending, forever) || time.Since(began) != time.Minute {
			t.Errorf("a server that ended after a minute waited %v", time.Since(began))
		}
		// A timer that was given back before it was due is due when it is lent again.
		if began := time.Now(); !timers.wait(t.Context(), nil, time.Second) || time.Since(began) != time.Second {
			t.Errorf("a used timer took %v", time.Since(began))
		}
	})
}

func (d Distribution) capped(most time.Duration) Distribution {
	d.most = most
	return d
}
