package score

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"tinyv/internal/interval"
)

// McNemar tests whether two verifiers are right equally often on the same rows
// (Q. McNemar, Psychometrika 12, 1947). Only rows on which one is right and the
// other is not say anything.
type McNemar struct {
	OnlyA  int64   `json:"only_a"` // rows that only the first has right
	OnlyB  int64   `json:"only_b"`
	Both   int64   `json:"both"`
	None   int64   `json:"none"`
	PValue float64 `json:"p_value"` // two-sided
	Test   string  `json:"test"`    // "exact" (binomial) below 25 rows that differ, else "chi2" (with continuity correction)
}

// exactBelow is how many differing rows the exact test is for; the chi-squared
// approximation is the usual one from there on.
const exactBelow = 25

// NewMcNemar makes the test of the four counts.
func NewMcNemar(both, onlyA, onlyB, none int64) McNemar {
	m := McNemar{OnlyA: onlyA, OnlyB: onlyB, Both: both, None: none, PValue: 1, Test: "exact"}
	n := onlyA + onlyB
	switch {
	case n == 0:
	case n < exactBelow:
		// Twice the smaller tail of a fair coin.
		m.PValue = min(1, 2*distuv.Binomial{N: float64(n), P: 0.5}.CDF(float64(min(onlyA, onlyB))))
	default:
		m.Test = "chi2"
		difference := max(0, math.Abs(float64(onlyA-onlyB))-1)
		m.PValue = distuv.ChiSquared{K: 1}.Survival(difference * difference / float64(n))
	}
	m.PValue = *interval.Rounded(m.PValue)
	return m
}

// Paired is what two verifiers said of the rows of one unit.
type Paired struct{ A, B Confusion }

// Differences are those of B less A, with intervals by bootstrap over units: both
// verifiers keep the same rows in every resample.
type Differences struct {
	FNRecall         Estimate `json:"fn_recall"`
	TNAccuracy       Estimate `json:"tn_accuracy"`
	BalancedAccuracy Estimate `json:"balanced_accuracy"`
	Accuracy         Estimate `json:"accuracy"`
}

// Compare returns the differences over units.
func Compare(units []Paired, seed int64) Differences {
	of := func(figure func(Confusion) float64) Estimate {
		difference := func(all Paired) float64 { return figure(all.B) - figure(all.A) }
		total := Paired{}
		for _, u := range units {
			total = Paired{total.A.plus(u.A), total.B.plus(u.B)}
		}
		value := difference(total)
		if math.IsNaN(value) {
			return Estimate{}
		}
		lo, hi := percentileInterval(len(units), seed, func(draw func() int) float64 {
			var all Paired
			for range units {
				u := units[draw()]
				all = Paired{all.A.plus(u.A), all.B.plus(u.B)}
			}
			return difference(all)
		})
		return estimate(value, lo, hi)
	}
	share := func(k, n int64) float64 { return float64(k) / float64(n) } // NaN of none
	fn := func(c Confusion) float64 { return share(c.CorrectAccepted, c.Correct()) }
	tn := func(c Confusion) float64 { return share(c.WrongRejected, c.Wrong()) }
	return Differences{
		FNRecall: of(fn), TNAccuracy: of(tn),
		BalancedAccuracy: of(func(c Confusion) float64 { return (fn(c) + tn(c)) / 2 }),
		Accuracy:         of(func(c Confusion) float64 { return share(c.CorrectAccepted+c.WrongRejected, c.N()) }),
	}
}
