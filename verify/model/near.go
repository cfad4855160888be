package model

import (
	"fmt"
	"strings"
)

// didYouMean names the known name that a wrong one is closest to, in words to be
// put after it; "" if none is close.
func didYouMean(wrong string, known []string) string {
	best, least := "", len(wrong)/2+1
	for _, name := range known {
		d := distance(strings.ToLower(wrong), strings.ToLower(name))
		if wrong != "" && strings.Contains(strings.ToLower(name), strings.ToLower(wrong)) {
			d = min(d, 1) // an owner left out, as in TinyV-1.5B
		}
		if d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance is the number of characters to insert, delete or replace between two
// names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
