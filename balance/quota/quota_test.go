package quota

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDivide(t *testing.T) {
	for _, c := range []struct {
		name        string
		n           int64
		weights     []float64
		least, most []int64
		want        []int64 // nil if it cannot be
	}{
		{"nothing", 0, nil, nil, nil, []int64{}},
		{"nobody to give to", 1, nil, nil, nil, nil},
		{"the published shares", 159_136, []float64{139_432, 19_704}, nil, nil, []int64{139_432, 19_704}},
		{"the published shares of all there is", 159_136, []float64{0.876181, 0.123819}, nil, nil, []int64{139_432, 19_704}},
		{"to the nearest row", 10, []float64{1, 1, 1}, nil, nil, []int64{4, 3, 3}},
		{"equal claims in order", 1, []float64{1, 1}, nil, nil, []int64{1, 0}},
		{"one runs out", 10, []float64{1, 1, 1}, nil, []int64{2, 100, 100}, []int64{2, 4, 4}},
		{"all run out", 10, []float64{1, 1}, nil, []int64{4, 5}, nil},
		{"more is certain", 10, []float64{1, 9}, []int64{5, 0}, nil, []int64{5, 5}},
		{"too much is certain", 3, []float64{1, 1}, []int64{2, 2}, nil, nil},
		{"bounds that cross", 3, []float64{1, 1}, []int64{2, 0}, []int64{1, 5}, nil},
		{"no weight", 3, []float64{0, 1}, nil, nil, []int64{0, 3}},
		{"no weight anywhere", 3, []float64{0, 0}, nil, nil, nil},
		{"many", 1_000_000_000_000, []float64{1, 2, 7}, nil, nil, []int64{100_000_000_000, 200_000_000_000, 700_000_000_000}},
		{"tiny weights", 1000, []float64{1e-9, 1}, nil, nil, []int64{0, 1000}},
	} {
		got, ok := Divide(c.n, c.weights, c.least, c.most)
		if ok != (c.want != nil) || ok && !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, ok, c.want)
		}
	}
}

// plainDivide is Divide one row at a time.
func plainDivide(n int64, weights []float64, least, most []int64) ([]int64, bool) {
	parts := slices.Clone(least)
	for i := range parts {
		if parts[i] > most[i] || parts[i] > n {
			return nil, false
		}
		n -= parts[i]
	}
	for ; n > 0; n-- {
		best := -1
		for i := range parts {
			if parts[i] < most[i] && weights[i] > 0 && (best < 0 || (float64(parts[i])+0.5)/weights[i] < (float64(parts[best])+0.5)/weights[best]) {
				best = i
			}
		}
		if best < 0 {
			return nil, false
		}
		parts[best]++
	}
	return parts, true
}

func TestDivideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.IntRange(0, 6).Draw(t, "kinds")
		weights, least, most := make([]float64, kinds), make([]int64, kinds), make([]int64, kinds)
		for i := range kinds {
			weights[i] = rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1e-6, 1000), rapid.Map(rapid.IntRange(1, 5), func(n int) float64 { return float64(n) })).Draw(t, "weight")
			least[i] = rapid.Int64Range(0, 20).Draw(t, "least")
			most[i] = rapid.Int64Range(0, 500).Draw(t, "most")
		}
		n := rapid.Int64Range(0, 1500).Draw(t, "n")
		got, ok := Divide(n, weights, least, most)
		want, possible := plainDivide(n, weights, least, most)
		if ok != possible || !slices.Equal(got, want) {
			t.Fatalf("%v, %v; one at a time %v, %v", got, ok, want, possible)
		}
		if fewer, ok := Divide(n-1, weights, least, most); ok && possible {
			for i := range fewer {
				if fewer[i] > got[i] {
					t.Fatalf("%v of %d is not part of %v of %d", fewer, n-1, got, n)
				}
			}
		}
	})
}

func TestSplit(t *testing.T) {
	unbounded := Table{[]int64{math.MaxInt32, math.MaxInt32}, []int64{math.MaxInt32, math.MaxInt32}}
	none := Table{make([]int64, 2), make([]int64, 2)}
	for _, c := range []struct {
		name  string
		kinds []int64
		trues int64
		most  Table
		want  *Table
	}{
		{"every kind alike", []int64{139_432, 19_704}, 79_568, unbounded, &Table{[]int64{69_716, 9_852}, []int64{69_716, 9_852}}},
		{"a kind that is never True", []int64{90, 10}, 50, Table{[]int64{100, 0}, []int64{100, 100}}, &Table{[]int64{50, 0}, []int64{40, 10}}},
		{"a kind with few False rows", []int64{80, 20}, 50, Table{[]int64{100, 100}, []int64{100, 4}}, &Table{[]int64{34, 16}, []int64{46, 4}}},
		{"too few True rows", []int64{90, 10}, 50, Table{[]int64{39, 10}, []int64{100, 100}}, nil},
		{"too few False rows", []int64{90, 10}, 50, Table{[]int64{100, 100}, []int64{39, 10}}, nil},
		{"too few rows of a kind", []int64{90, 10}, 50, Table{[]int64{100, 4}, []int64{100, 4}}, nil},
	} {
		got, ok := Split(c.kinds, c.trues, none, c.most)
		if ok != (c.want != nil) {
			t.Errorf("%s: %v, %v", c.name, got, ok)
		} else if ok && !cmp.Equal(got, *c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, *c.want)
		}
	}
}

// TestSplitProperties: sums and bounds hold, no possible table is missed, and
// tables of the same kinds are nested.
func TestSplitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3).Draw(t, "kinds")
		kinds := make([]int64, n)
		least, most := Table{make([]int64, n), make([]int64, n)}, Table{make([]int64, n), make([]int64, n)}
		for i := range n {
			kinds[i] = rapid.Int64Range(0, 8).Draw(t, "kind")
			most.True[i] = rapid.Int64Range(0, 8).Draw(t, "true")
			most.False[i] = rapid.Int64Range(0, 8).Draw(t, "false")
		}
		trues := rapid.Int64Range(0, sum(kinds)).Draw(t, "trues")
		got, ok := Split(kinds, trues, least, most)
		if possible := anySplit(kinds, trues, most); ok != possible {
			t.Fatalf("ok is %v, and it is possible: %v", ok, possible)
		}
		if !ok {
			return
		}
		for i := range n {
			if got.True[i]+got.False[i] != kinds[i] || got.True[i] < 0 || got.False[i] < 0 || got.True[i] > most.True[i] || got.False[i] > most.False[i] {
				t.Fatalf("kind %d: %v", i, got)
			}
		}
		if isTrue, _ := got.Totals(); isTrue != trues {
			t.Fatalf("%d True, want %d", isTrue, trues)
		}
		if more, ok := Split(kinds, trues+1, least, most); ok {
			for i := range n {
				if got.True[i] > more.True[i] || got.False[i] < more.False[i] {
					t.Fatalf("%v is not nested in %v", got, more)
				}
			}
		}
	})
}

func anySplit(kinds []int64, trues int64, most Table) bool {
	if len(kinds) == 0 {
		return trues == 0
	}
	for n := int64(0); n <= min(trues, most.True[0], kinds[0]); n++ {
		if kinds[0]-n <= most.False[0] && anySplit(kinds[1:], trues-n, Table{most.True[1:], most.False[1:]}) {
			return true
		}
	}
	return false
}

func TestLargest(t *testing.T) {
	for _, c := range []struct{ limit, border, want int64 }{{100, 0, 0}, {100, 100, 100}, {100, 37, 37}, {0, 5, 0}, {1 << 40, 1 << 39, 1 << 39}} {
		if got := Largest(c.limit, 8, func(n int64) bool { return n <= c.border }); got != c.want {
			t.Errorf("Largest below %d is %d, want %d", c.limit, got, c.want)
		}
	}
	if got := Largest(100, 8, func(n int64) bool { return n <= 30 || n == 35 }); got != 35 {
		t.Errorf("an exception near the border: %d", got)
	}
}
