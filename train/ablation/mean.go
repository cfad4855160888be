package ablation

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"tinyv/internal/interval"
)

// Mean is the mean of a share over N seeds, with the interval of Student's t
// (Student, Biometrika 6, 1908), as far as it lies between 0 and 1. The interval says
// how much another seed can change; that a benchmark has few rows is not in it.
type Mean struct {
	N     int      `json:"n"`
	Value *float64 `json:"value"` // null of none
	Lo    *float64 `json:"lo"`    // null, as is Hi, of fewer than two
	Hi    *float64 `json:"hi"`
}

func newMean(shares []float64) Mean {
	m := Mean{N: len(shares)}
	if m.N == 0 {
		return m
	}
	mean, deviation := stat.MeanStdDev(shares, nil)
	m.Value = interval.Rounded(mean)
	if m.N > 1 {
		half := halfWidth(deviation, m.N)
		m.Lo, m.Hi = interval.Rounded(max(0, mean-half)), interval.Rounded(min(1, mean+half))
	}
	return m
}

// halfWidth is that of the interval of a mean of n > 1 values with the given standard
// deviation (of the sample, with n - 1).
func halfWidth(deviation float64, n int) float64 {
	t := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.Quantile(1 - (1-interval.Confidence)/2)
	return t * deviation / math.Sqrt(float64(n))
}

// String is the mean as tables show it.
func (m Mean) String() string {
	switch {
	case m.Value == nil:
		return "-"
	case m.Lo == nil:
		return percent(m.Value) + " (one seed)"
	}
	return fmt.Sprintf("%s (%.1f to %.1f)", percent(m.Value), 100**m.Lo, 100**m.Hi)
}

// percent is a share as tables show it.
func percent(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100**share)
}
