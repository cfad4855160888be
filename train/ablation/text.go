package ablation

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tinyv/internal/interval"
)

// Table returns the means over seeds, and below them the single cells, for a terminal.
func Table(cells []Cell) string {
	if len(cells) == 0 {
		return none
	}
	return aligned(means(cells)) + "\n" + note() + "\n\n" + aligned(singles(cells))
}

// Markdown returns what Table does, as two tables of Markdown.
func Markdown(cells []Cell) string {
	if len(cells) == 0 {
		return none
	}
	return piped(means(cells)) + "\n" + note() + "\n\n" + piped(singles(cells))
}

const none = "The grid has no cells.\n"

func note() string {
	return fmt.Sprintf("Means over seeds, with %.0f%% intervals of Student's t. They say how much another seed can change;\nthat a benchmark has few rows is not in them. One seed has no interval.", 100*interval.Confidence)
}

// means are the lines of the first table, its head before them.
func means(cells []Cell) [][]string {
	lines := [][]string{{"benchmark", "size", "ratio", "True", "seeds", "fn_recall", "tn_accuracy", "balanced accuracy", "undecided"}}
	for _, g := range Groups(cells) {
		seeds := fmt.Sprint(g.Seeds)
		if g.Done < g.Seeds {
			seeds = fmt.Sprintf("%d of %d", g.Done, g.Seeds)
		}
		lines = append(lines, []string{
			g.Benchmark, fmt.Sprint(g.Size), g.Ratio, percent(&g.TrueShare), seeds,
			g.FNRecall.String(), g.TNAccuracy.String(), g.BalancedAccuracy.String(), percent(g.Undecided.Value),
		})
	}
	return lines
}

// singles are the lines of the second table.
func singles(cells []Cell) [][]string {
	lines := [][]string{{"cell", "benchmark", "rows", "steps", "fn_recall", "tn_accuracy", "balanced accuracy", "undecided"}}
	for _, c := range sorted(cells) {
		line := []string{c.Name, c.Benchmark, fmt.Sprint(c.Rows), fmt.Sprint(c.Steps), "not done", "", "", ""}
		if c.Done {
			line = append(line[:4], percent(c.FNRecall), percent(c.TNAccuracy), percent(c.BalancedAccuracy), percent(c.Undecided))
		}
		lines = append(lines, line)
	}
	return lines
}

// aligned sets lines in columns.
func aligned(lines [][]string) string {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		var row strings.Builder
		for i, text := range line {
			row.WriteString(text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2))
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String()
}

// piped sets lines as a table of Markdown.
func piped(lines [][]string) string {
	var b strings.Builder
	write := func(line []string) { b.WriteString("| " + strings.Join(line, " | ") + " |\n") }
	write(escaped(lines[0]))
	write(slices.Repeat([]string{"---"}, len(lines[0])))
	for _, line := range lines[1:] {
		write(escaped(line))
	}
	return b.String()
}

// escaped keeps a bar or a line break in a name from cutting a table.
func escaped(line []string) []string {
	out := slices.Clone(line)
	for i := range out {
		out[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(out[i])
	}
	return out
}
