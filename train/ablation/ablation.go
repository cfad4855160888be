// Package ablation shows what the share of True rows in the training set does to a
// verifier: tables and figures of the cells of a grid, over seeds.
//
// It promises: a cell that is not done counts nowhere and is listed as such; a mean
// says over how many seeds it is; where there is one seed only there is no interval,
// and that is said; equal cells in any order give equal bytes.
package ablation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Cell is one training of a grid, measured on one benchmark.
type Cell struct {
	Name      string  `json:"name"`       // of the training: equal in its cells of several benchmarks
	Ratio     string  `json:"ratio"`      // True:False of the training set
	TrueShare float64 `json:"true_share"` // that Ratio asks for
	Size      int64   `json:"size"`       // rows of the training set that were asked for
	Seed      int64   `json:"seed"`
	Benchmark string  `json:"benchmark"`
	Rows      int64   `json:"rows"`  // of the training set
	Steps     int64   `json:"steps"` // of the optimizer
	Done      bool    `json:"done"`

	// Shares from 0 to 1; null where the benchmark has no row for it, or nothing is done yet.
	FNRecall         *float64 `json:"fn_recall"`
	TNAccuracy       *float64 `json:"tn_accuracy"`
	BalancedAccuracy *float64 `json:"balanced_accuracy"`
	Undecided        *float64 `json:"undecided"`
}

// Group is the cells that differ in their seed only.
type Group struct {
	Benchmark string  `json:"benchmark"`
	Size      int64   `json:"size"`
	Ratio     string  `json:"ratio"`
	TrueShare float64 `json:"true_share"`
	Seeds     int     `json:"seeds"` // cells in all
	Done      int     `json:"done"`  // of them; the means are over these

	FNRecall         Mean `json:"fn_recall"`
	TNAccuracy       Mean `json:"tn_accuracy"`
	BalancedAccuracy Mean `json:"balanced_accuracy"`
	Undecided        Mean `json:"undecided"`
}

// Groups returns the groups of cells by benchmark, size and share of True, all ascending.
func Groups(cells []Cell) []Group {
	groups := []Group{}
	cells = sorted(cells)
	for len(cells) > 0 {
		first := cells[0]
		n := slices.IndexFunc(cells, func(c Cell) bool {
			return c.Benchmark != first.Benchmark || c.Size != first.Size || c.Ratio != first.Ratio
		})
		if n < 0 {
			n = len(cells)
		}
		groups = append(groups, newGroup(cells[:n]))
		cells = cells[n:]
	}
	return groups
}

func newGroup(cells []Cell) Group {
	g := Group{Benchmark: cells[0].Benchmark, Size: cells[0].Size, Ratio: cells[0].Ratio, TrueShare: cells[0].TrueShare, Seeds: len(cells)}
	var fn, tn, balanced, undecided []float64
	for _, c := range cells {
		if !c.Done {
			continue
		}
		g.Done++
		for _, figure := range []struct {
			of *float64
			to *[]float64
		}{{c.FNRecall, &fn}, {c.TNAccuracy, &tn}, {c.BalancedAccuracy, &balanced}, {c.Undecided, &undecided}} {
			if figure.of != nil {
				*figure.to = append(*figure.to, *figure.of)
			}
		}
	}
	g.FNRecall, g.TNAccuracy, g.BalancedAccuracy, g.Undecided = newMean(fn), newMean(tn), newMean(balanced), newMean(undecided)
	return g
}

// sorted returns the cells by benchmark, size, share of True, seed and name.
func sorted(cells []Cell) []Cell {
	return slices.SortedStableFunc(slices.Values(cells), func(a, b Cell) int {
		return cmp.Or(
			cmp.Compare(a.Benchmark, b.Benchmark), cmp.Compare(a.Size, b.Size), cmp.Compare(a.TrueShare, b.TrueShare),
			cmp.Compare(a.Ratio, b.Ratio), cmp.Compare(a.Seed, b.Seed), cmp.Compare(a.Name, b.Name),
		)
	})
}

// JSON returns the groups and the cells, in the order of Table.
func JSON(cells []Cell) ([]byte, error) {
	listed := sorted(cells)
	if listed == nil {
		listed = []Cell{}
	}
	data, err := json.MarshalIndent(struct {
		Means []Group `json:"means"`
		Cells []Cell  `json:"cells"`
	}{Groups(cells), listed}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding an ablation: %w", err)
	}
	return append(data, '\n'), nil
}
