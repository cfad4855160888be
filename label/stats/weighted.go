package stats

import "tinyv/internal/interval"

// Stratum is a part of what was sampled from: of Size rows, N were judged, and K
// of those were right.
type Stratum struct{ K, N, Size int64 }

// Weighted is a rate over several strata, each weighted by its size.
type Weighted struct {
	Rate *float64 `json:"rate"`
	Lo   *float64 `json:"rate_lo"`
	Hi   *float64 `json:"rate_hi"`
	// EffectiveN is Kish's effective number of rows, on which the interval stands:
	// so many rows of a plain random sample would say as much.
	EffectiveN float64 `json:"effective_n"`
	// Covered is the share of the rows whose stratum was judged at all; the rate says nothing of the rest.
	Covered float64 `json:"covered"`
}

// Weigh returns the weighted rate of strata. One where nothing was judged is left out.
func Weigh(strata []Stratum) Weighted {
	var all, covered int64
	for _, s := range strata {
		all += s.Size
		if s.N > 0 {
			covered += s.Size
		}
	}
	if covered == 0 {
		return Weighted{}
	}
	var rate, spread float64
	for _, s := range strata {
		if s.N > 0 {
			weight := float64(s.Size) / float64(covered)
			rate += weight * float64(s.K) / float64(s.N)
			spread += weight * weight / float64(s.N)
		}
	}
	rate = min(rate, 1) // rounding errors of the sum
	lo, hi := interval.Wilson(rate, 1/spread)
	return Weighted{interval.Rounded(rate), interval.Rounded(lo), interval.Rounded(hi), *interval.Rounded(1 / spread), *interval.Rounded(float64(covered) / float64(all))}
}
