// Package interval gives shares with their uncertainty: Wilson's score interval
// (E. B. Wilson, JASA 22, 1927), which holds for few rows and for shares near 0
// and 1, as those of good verifiers are.
package interval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Confidence is the level of all intervals of the project.
const Confidence = 0.95

// Z is the half-width of an interval at that level, in standard deviations.
func Z() float64 { return distuv.UnitNormal.Quantile(1 - (1-Confidence)/2) }

// Proportion is K of N, with Wilson's score interval.
type Proportion struct {
	K    int64    `json:"k"`
	N    int64    `json:"n"`
	Rate *float64 `json:"rate"` // null if N is 0, as are its bounds
	Lo   *float64 `json:"rate_lo"`
	Hi   *float64 `json:"rate_hi"`
}

// Share returns k of n.
func Share(k, n int64) Proportion {
	p := Proportion{K: k, N: n}
	if n <= 0 {
		return p
	}
	rate := float64(k) / float64(n)
	lo, hi := Wilson(rate, float64(n))
	p.Rate, p.Lo, p.Hi = Rounded(rate), Rounded(lo), Rounded(hi)
	return p
}

// String is the proportion as tables show it.
func (p Proportion) String() string {
	if p.Rate == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%% (%.1f to %.1f, %d of %d)", 100**p.Rate, 100**p.Lo, 100**p.Hi, p.K, p.N)
}

// Rounded keeps six digits after the point: more means nothing, and the last ones
// of a float differ between processors, on which files must not depend.
func Rounded(x float64) *float64 {
	x = math.Round(x*1e6) / 1e6
	return &x
}

// Wilson returns the bounds of Wilson's score interval of a rate that was seen
// over n > 0 rows. n need not be whole: a weighted rate has an effective number.
func Wilson(rate, n float64) (lo, hi float64) {
	z := Z()
	z2 := z * z
	middle := (rate + z2/(2*n)) / (1 + z2/n)
	half := z / (1 + z2/n) * math.Sqrt(rate*(1-rate)/n+z2/(4*n*n))
	// At the ends the bound is the rate itself; rounding must not cross it.
	return max(0, min(middle-half, rate)), min(1, max(middle+half, rate))
}
