package ablation

import (
	"fmt"
	"slices"
)

// GPUHours is what a training takes: rows times epochs, at rowsPerSecond of all its
// GPUs together, times the number of GPUs. It is nil, unknown, if no speed is given.
func GPUHours(rows int64, epochs, rowsPerSecond float64, gpus int) *float64 {
	if !(rowsPerSecond > 0) {
		return nil
	}
	hours := float64(rows) * epochs / rowsPerSecond / 3600 * float64(gpus)
	return &hours
}

// Forecast returns the trainings of a grid with their rows, steps and GPU hours, and
// what is left to do, for a terminal. epochs, rowsPerSecond and gpus are those of
// GPUHours.
func Forecast(cells []Cell, epochs, rowsPerSecond float64, gpus int) string {
	if len(cells) == 0 {
		return none
	}
	// A training is done when it is measured on every benchmark.
	var trainings []Cell
	for _, c := range sorted(cells) {
		i := slices.IndexFunc(trainings, func(t Cell) bool { return t.Name == c.Name })
		if i < 0 {
			trainings = append(trainings, c)
		} else if !c.Done {
			trainings[i].Done = false
		}
	}
	lines := [][]string{{"training", "rows", "steps", "GPU hours", ""}}
	var left int
	var rows, steps int64
	for _, t := range trainings {
		line := []string{t.Name, fmt.Sprint(t.Rows), fmt.Sprint(t.Steps), hours(GPUHours(t.Rows, epochs, rowsPerSecond, gpus)), "done"}
		if !t.Done {
			line[4] = ""
			left++
			rows += t.Rows
			steps += t.Steps
		}
		lines = append(lines, line)
	}
	lines = append(lines, []string{fmt.Sprintf("%d of %d to do", left, len(trainings)), fmt.Sprint(rows), fmt.Sprint(steps), hours(GPUHours(rows, epochs, rowsPerSecond, gpus)), ""})
	return aligned(lines)
}

func hours(h *float64) string {
	if h == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.1f", *h)
}
