package algebra

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile returns inputs that would take a naive engine forever.
func hostile() map[string]string {
	out := map[string]string{
		"tower":               "9^9^9^9",
		"factorial":           "1000000!",
		"factorials":          "((9!)!)!",
		"root of a factorial": "sqrt(500!)+sqrt(499!)",
		"large power of sum":  "(x+y+z+1)^999",
		"power of power":      "(((x+1)^60+y)^60+z)^60",
		"huge exponent":       "2^99999999999999999999",
		"huge float":          "1e308*1e308",
		"bad float":           "1e99999",
		"deep root":           strings.Repeat("sqrt(1+", 150) + "2" + strings.Repeat(")", 150),
		"deep exponent":       strings.Repeat("exp(", 150) + "1" + strings.Repeat(")", 150),
		"deep fraction":       strings.Repeat("1/(1+", 150) + "x" + strings.Repeat(")", 150),
		"deep log":            strings.Repeat("ln(2+", 150) + "x" + strings.Repeat(")", 150),
		"deep sine":           strings.Repeat("sin(", 150) + "x" + strings.Repeat(")", 150),
		"brackets":            strings.Repeat("(", 10_000) + "x" + strings.Repeat(")", 10_000),
		"minuses":             strings.Repeat("-", 10_000) + "x",
		"digits":              strings.Repeat("9", 19_000),
		"digits under root":   "sqrt(" + strings.Repeat("9", 2000) + ")",
		"long sum":            strings.Repeat("x+", 5_000) + "x",
		"long product":        strings.Repeat("x*", 5_000) + "x",
		"letters":             strings.Repeat("abcdefghijklm", 1_000),
		"powers":              strings.Repeat("x**", 5_000) + "x",
		"100 kB":              strings.Repeat("(a+b)*", 100<<10/6) + "1",
	}
	var variables, roots, sines, quotients []string
	for i := range 400 {
		variables = append(variables, fmt.Sprintf("x_%d", i))
		roots = append(roots, fmt.Sprintf("sqrt(%d+x_%d)", i, i))
		sines = append(sines, fmt.Sprintf("sin(x_%d)", i))
		quotients = append(quotients, fmt.Sprintf("1/(x_%d+%d)", i, i))
	}
	for name, parts := range map[string][]string{"variables": variables, "roots": roots, "sines": sines, "quotients": quotients} {
		out["sum of 400 "+name] = strings.Join(parts, "+")
		out["product of 400 "+name] = strings.Join(parts, "*")
		out["square of 400 "+name] = "(" + strings.Join(parts, "+") + ")^2"
		out["product of sums of "+name] = "(" + strings.Join(parts[:17], "+") + ")*(" + strings.Join(parts[17:34], "+") + ")*(" + strings.Join(parts[34:50], "+") + ")"
	}
	return out
}

// hostilePairs calls f with every hostile input, and with differences of it.
func hostilePairs(f func(name, text string, d Dialect)) {
	for name, text := range hostile() {
		for _, d := range []Dialect{Implicit, Plain, PlainPower} {
			for _, whole := range []string{text, "(" + text + ")-(1+" + text + ")", "(" + text + ")-(" + text + ")"} {
				f(name, whole, d)
			}
		}
	}
}

func decide(text string, d Dialect) {
	if e, err := Parse(text, d); err == nil {
		zero(e)
		e.Value()
	}
}

// TestBounds guards against work that grows without bound. How fast the slowest
// decision is, BenchmarkHostile says; here a busy machine and the race detector
// must not matter.
func TestBounds(t *testing.T) {
	const (
		maxTime   = time.Minute
		maxMemory = 64 << 20 // allocated in all by one decision
	)
	var before, after runtime.MemStats
	hostilePairs(func(name, text string, d Dialect) {
		runtime.ReadMemStats(&before)
		start := time.Now()
		decide(text, d)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took > maxTime {
			t.Errorf("%s (%d bytes, dialect %d): %v", name, len(text), d, took)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > maxMemory {
			t.Errorf("%s: allocated %d MB", name, got>>20)
		}
	})
}

// BenchmarkHostile reports the slowest decision on hostile formulas.
func BenchmarkHostile(b *testing.B) {
	worst := time.Duration(math.MaxInt64)
	for b.Loop() {
		var slowest time.Duration
		hostilePairs(func(_, text string, d Dialect) {
			start := time.Now()
			decide(text, d)
			slowest = max(slowest, time.Since(start))
		})
		worst = min(worst, slowest) // the best of the rounds: the machine may be busy
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
}
