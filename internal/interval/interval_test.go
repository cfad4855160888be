package interval

import (
	"math"
	"testing"
)

// The examples of Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n   int64
		lo, hi float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{20, 20, 1 - 0.1611, 1},
	} {
		if p := Share(c.k, c.n); !near(p.Lo, c.lo) || !near(p.Hi, c.hi) {
			t.Errorf("%d of %d: %s, want %v to %v", c.k, c.n, p, c.lo, c.hi)
		}
	}
	if p := Share(0, 0); p.Rate != nil || p.Lo != nil || p.Hi != nil {
		t.Errorf("0 of 0 is %s", p)
	}
}

// near compares with a published figure of four digits.
func near(got *float64, want float64) bool {
	return got != nil && math.Abs(*got-want) <= 0.5000001e-4
}
