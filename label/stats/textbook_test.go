package stats

import (
	"math"
	"testing"
)

// near compares with a published figure, which is rounded to the given digits.
func near(got *float64, want float64, digits int) bool {
	return got != nil && math.Abs(*got-want) <= 0.5000001*math.Pow10(-digits)
}

func TestCohen(t *testing.T) {
	for _, c := range []struct {
		name   string
		matrix [][]int64
		kappa  float64
		digits int
		error  float64 // standard error; 0 = not published
	}{
		{"grants of 50 readers", [][]int64{{20, 5}, {10, 15}}, 0.4, 4, 0},
		{"same agreement, like marginals", [][]int64{{45, 15}, {25, 15}}, 0.1304, 4, 0},
		{"same agreement, unlike marginals", [][]int64{{25, 35}, {5, 35}}, 0.2593, 4, 0},
		// Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, table 18.1.
		{"diagnoses of 100 patients", [][]int64{{75, 1, 4}, {5, 4, 1}, {0, 0, 10}}, 0.68, 2, 0.087},
		{"all alike", [][]int64{{3, 0}, {0, 4}}, 1, 6, 0},
		{"all unlike", [][]int64{{0, 3}, {3, 0}}, -1, 6, 0},
	} {
		k := cohen(c.matrix)
		if !near(k.Kappa, c.kappa, c.digits) {
			t.Errorf("%s: kappa %s, want %v", c.name, k, c.kappa)
			continue
		}
		// The book's own steps are rounded, so its last digit may be off by one.
		if got := (*k.Hi - *k.Lo) / 2 / 1.959964; c.error != 0 && math.Abs(got-c.error) > 0.001 {
			t.Errorf("%s: standard error %v, want %v", c.name, got, c.error)
		}
	}
	for _, undefined := range [][][]int64{{{0, 0}, {0, 0}}, {{7, 0}, {0, 0}}, {{0, 0}, {0, 3}}} {
		if k := cohen(undefined); k.Kappa != nil || k.Lo != nil || k.Hi != nil {
			t.Errorf("%v: kappa %s", undefined, k)
		}
	}
}

// Fleiss's example of 14 raters, 10 subjects and 5 categories.
func TestFleiss(t *testing.T) {
	var agreeing int64
	var categories [5]int64
	subjects := [][5]int64{
		{0, 0, 0, 0, 14}, {0, 2, 6, 4, 2}, {0, 0, 3, 5, 6}, {0, 3, 9, 2, 0}, {2, 2, 8, 1, 1},
		{7, 7, 0, 0, 0}, {3, 2, 6, 3, 0}, {2, 5, 3, 2, 2}, {6, 5, 2, 1, 0}, {0, 2, 2, 3, 7},
	}
	for _, s := range subjects {
		for i, n := range s {
			agreeing += n * (n - 1)
			categories[i] += n
		}
	}
	if k := fleiss(int64(len(subjects)), 14, agreeing, categories[:]); !near(k, 0.210, 3) {
		t.Errorf("kappa %s", number(k))
	}
	for _, c := range []struct {
		rows, raters int64
		categories   []int64
	}{{0, 2, []int64{0, 0}}, {3, 1, []int64{2, 1}}, {3, 2, []int64{6, 0}}} {
		if k := fleiss(c.rows, c.raters, 0, c.categories); k != nil {
			t.Errorf("%+v: kappa %v", c, *k)
		}
	}
}

// The sums of the stream are those of the table of counts.
func TestRatings(t *testing.T) {
	var r ratings
	for _, row := range [][3]int64{{0, 2, 0}, {0, 1, 1}, {0, 0, 2}, {0, 2, 0}} {
		r.add(row)
	}
	// Agreement 3/4, chance (5/8)^2 + (3/8)^2 = 34/64.
	want := (0.75 - 34.0/64) / (1 - 34.0/64)
	if k := fleiss(r.rows, 2, r.agreeing, r.categories[:]); k == nil || math.Abs(*k-want) > 1e-6 {
		t.Errorf("kappa %s, want %v", number(k), want)
	}
}
