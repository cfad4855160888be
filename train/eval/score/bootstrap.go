package score

import (
	"math"
	"math/rand/v2"
	"slices"

	"tinyv/internal/interval"
)

// Resamples is how many sets a bootstrap interval draws.
const Resamples = 2000

// Unit is what a bootstrap draws as one: the rows of one question, such as the
// correct and the wrong answer to it, whose verdicts are not independent.
type Unit = Confusion

// F1 is the harmonic mean of precision and fn_recall, with a bootstrap interval
// over units. An undecided row counts as the wrong verdict.
func F1(units []Unit, seed int64) Estimate { return bootstrap(units, seed, Confusion.f1) }

// MCC is Matthews' correlation coefficient, with a bootstrap interval over units.
// An undecided row counts as the wrong verdict.
func MCC(units []Unit, seed int64) Estimate { return bootstrap(units, seed, Confusion.mcc) }

func bootstrap(units []Unit, seed int64, figure func(Confusion) float64) Estimate {
	value := figure(sum(units))
	if math.IsNaN(value) {
		return Estimate{}
	}
	lo, hi := percentileInterval(len(units), seed, func(draw func() int) float64 {
		var all Confusion
		for range units {
			all = all.plus(units[draw()])
		}
		return figure(all)
	})
	return estimate(value, lo, hi)
}

func sum(units []Unit) Confusion {
	var all Confusion
	for _, u := range units {
		all = all.plus(u)
	}
	return all
}

// percentileInterval is the percentile interval of a figure over resamples of n
// units (B. Efron, Annals of Statistics 7, 1979). A resample in which the figure
// is not defined is left out; both bounds are NaN if that are more than half.
func percentileInterval(n int, seed int64, figure func(draw func() int) float64) (lo, hi float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0x7f4a7c15))
	values := make([]float64, 0, Resamples)
	for range Resamples {
		if x := figure(func() int { return random.IntN(n) }); !math.IsNaN(x) {
			values = append(values, x)
		}
	}
	if len(values) < Resamples/2 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(values)
	tail := (1 - interval.Confidence) / 2
	return Percentile(values, tail), Percentile(values, 1-tail)
}

// Percentile is the q-quantile, 0 to 1, of ascending values, linear between them
// (type 7 of Hyndman and Fan, American Statistician 50, 1996); NaN of none.
func Percentile(ascending []float64, q float64) float64 {
	if len(ascending) == 0 {
		return math.NaN()
	}
	at := q * float64(len(ascending)-1)
	below := int(at)
	if below+1 >= len(ascending) {
		return ascending[len(ascending)-1]
	}
	return ascending[below] + (at-float64(below))*(ascending[below+1]-ascending[below])
}
