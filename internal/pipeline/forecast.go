package pipeline

import (
	"slices"

	"tinyv/train/ablation"
)

// Forecast says what there is to do, and how long it takes at a speed of all GPUs
// together.
func (a Ablate) Forecast(cells []ablation.Cell, rowsPerSecond float64) string {
	if a.Only != "" {
		cells = slices.DeleteFunc(slices.Clone(cells), func(c ablation.Cell) bool { return c.Name != a.Only })
	}
	t := a.Config.Train
	return ablation.Forecast(cells, *t.Epochs, rowsPerSecond, max(*t.GPUs, 1)*max(t.Nodes, 1))
}
