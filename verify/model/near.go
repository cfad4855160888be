package model

import (
	"fmt"
	"strings"

	"tinyv/internal/spelling"
)

// didYouMean names the known name that a wrong one is closest to, in words to be
// put after it; "" if none is close.
func didYouMean(wrong string, known []string) string {
	best, least := "", len(wrong)/2+1
	for _, name := range known {
		d := spelling.Distance(strings.ToLower(wrong), strings.ToLower(name))
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
