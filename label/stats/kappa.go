package stats

import (
	"math"

	"tinyv/internal/interval"
)

// Kappa is agreement beyond chance: 1 is perfect, 0 what chance alone gives.
type Kappa struct {
	Kappa *float64 `json:"kappa"` // null if nothing was rated, or if every rating is the same
	Lo    *float64 `json:"kappa_lo"`
	Hi    *float64 `json:"kappa_hi"`
}

// cohen returns Cohen's kappa of two raters, from how often the first said i and
// the second j, with the large-sample interval of Fleiss, Cohen and Everitt (1969).
func cohen(matrix [][]int64) Kappa {
	k := len(matrix)
	rowSums, columnSums := make([]int64, k), make([]int64, k)
	var n, diagonal int64
	for i := range matrix {
		for j, count := range matrix[i] {
			n += count
			rowSums[i] += count
			columnSums[j] += count
		}
		diagonal += matrix[i][i]
	}
	if n == 0 {
		return Kappa{}
	}
	total := float64(n)
	row := func(i int) float64 { return float64(rowSums[i]) / total }
	column := func(i int) float64 { return float64(columnSums[i]) / total }
	chance := 0.0
	for i := range k {
		if rowSums[i] == n && columnSums[i] == n {
			return Kappa{} // chance agreement is 1; floats may miss it
		}
		chance += row(i) * column(i)
	}
	kappa := (float64(diagonal)/total - chance) / (1 - chance)

	sum := 0.0
	for i := range matrix {
		for j, count := range matrix[i] {
			p := float64(count) / total
			if i == j {
				sum += p * square(1-(row(i)+column(i))*(1-kappa))
			} else {
				sum += p * square((column(i)+row(j))*(1-kappa))
			}
		}
	}
	variance := (sum - square(kappa-chance*(1-kappa))) / (total * square(1-chance))
	half := interval.Z() * math.Sqrt(max(variance, 0))
	lo, hi := max(-1, kappa-half), min(1, kappa+half)
	return Kappa{interval.Rounded(kappa), interval.Rounded(lo), interval.Rounded(hi)}
}

func square(x float64) float64 { return x * x }

// ratings are the sums that Fleiss's kappa needs of rows with equally many raters.
type ratings struct {
	rows       int64
	agreeing   int64 // ordered pairs of raters that agree
	categories [3]int64
}

func (r *ratings) add(counts [3]int64) {
	r.rows++
	for i, n := range counts {
		r.agreeing += n * (n - 1)
		r.categories[i] += n
	}
}

// fleiss returns Fleiss's kappa of rows that each had the given number of raters;
// nil if it is undefined.
func fleiss(rows, raters, agreeing int64, categories []int64) *float64 {
	if rows == 0 || raters < 2 {
		return nil
	}
	all := rows * raters
	chance := 0.0
	for _, n := range categories {
		if n == all {
			return nil
		}
		chance += square(float64(n) / float64(all))
	}
	agreement := float64(agreeing) / float64(all*(raters-1))
	return interval.Rounded((agreement - chance) / (1 - chance))
}
