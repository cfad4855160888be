package stats

import "testing"

func TestWeigh(t *testing.T) {
	for _, c := range []struct {
		name            string
		strata          []Stratum
		rate, effective float64
		covered         float64
	}{
		{"one", []Stratum{{9, 10, 1000}}, 0.9, 10, 1},
		{"drawn in proportion, as if one", []Stratum{{5, 5, 500}, {4, 5, 500}}, 0.9, 10, 1},
		{"the large one decides", []Stratum{{10, 10, 990}, {0, 10, 10}}, 0.99, 10.20200, 1},
		{"what was not judged is left out", []Stratum{{1, 2, 75}, {0, 0, 25}}, 0.5, 2, 0.75},
		{"rounding does not pass 1", []Stratum{{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, 1, 6, 1},
	} {
		w := Weigh(c.strata)
		if !near(w.Rate, c.rate, 6) || !near(&w.EffectiveN, c.effective, 5) || !near(&w.Covered, c.covered, 6) || *w.Lo > *w.Rate || *w.Hi < *w.Rate {
			t.Errorf("%s: %v of %v, covering %v; want %+v", c.name, number(w.Rate), w.EffectiveN, w.Covered, c)
		}
	}
	if w := Weigh([]Stratum{{0, 0, 5}}); w.Rate != nil {
		t.Errorf("nothing judged gives %v", *w.Rate)
	}
}
