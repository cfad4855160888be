package score

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Text writes the figures for a terminal.
func (r *Result) Text(w io.Writer) error {
	if r.Simulated {
		if _, err := fmt.Fprint(w, "SIMULATED: rows or verdicts come from the simulated model server, and say nothing of real models.\n\n"); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "verifier\t%s\n", r.Verifier)
	fmt.Fprintf(t, "rows\t%d\t%d correct, %d wrong answers\n", r.Confusion.N(), r.Confusion.Correct(), r.Confusion.Wrong())
	for _, f := range []struct {
		name string
		e    Estimate
		what string
	}{
		{"fn_recall", r.FNRecall, "of correct answers accepted"},
		{"tn_accuracy", r.TNAccuracy, "of wrong answers rejected"},
		{"balanced_accuracy", r.BalancedAccuracy, ""},
		{"accuracy", r.Accuracy, ""},
		{"precision", r.Precision, "of accepted answers correct"},
		{"undecided", r.Undecided, "counted for no verifier"},
	} {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.name, f.e.percent(), f.what)
	}
	if s := r.Speed; s.PerSecond != nil {
		fmt.Fprintf(t, "speed\t%.0f verdicts/s\n", *s.PerSecond)
	}
	if r.Tokens.Prompt > 0 {
		fmt.Fprintf(t, "tokens\t%d prompt, %d completion\n", r.Tokens.Prompt, r.Tokens.Completion)
	}
	if len(r.Attacks) > 0 {
		fmt.Fprint(t, "\nattack\twrong rows accepted\tthe same rows as they stand\n")
		for _, name := range slices.Sorted(maps.Keys(r.Attacks)) {
			fmt.Fprintf(t, "%s\t%s\t%s\n", name, r.Attacks[name].Success, r.Attacks[name].CleanAccepted)
		}
		head := "\nattack\tright rows kept\tthe same rows as they stand\n"
		for _, name := range slices.Sorted(maps.Keys(r.Attacks)) {
			if right := r.Attacks[name].Right; right != nil {
				fmt.Fprintf(t, "%s%s\t%s\t%s\n", head, name, right.Kept, right.CleanAccepted)
				head = ""
			}
		}
	}
	if len(r.Variants) > 0 {
		fmt.Fprint(t, "\nvariant\tverdict unchanged\taccuracy\n")
		for _, name := range slices.Sorted(maps.Keys(r.Variants)) {
			fmt.Fprintf(t, "%s\t%s\t%s\n", name, r.Variants[name].Agreement, r.Variants[name].Accuracy)
		}
	}
	if r.Repeats != nil {
		fmt.Fprintf(t, "\nasked %d times\t%s\tof rows with one verdict\n", r.Repeats.Verdicts, r.Repeats.Alike)
	}
	return t.Flush()
}

// percent is the estimate with its interval, in percent.
func (e Estimate) percent() string {
	switch {
	case e.Value == nil:
		return "-"
	case e.Lo == nil:
		return fmt.Sprintf("%.1f%%", 100**e.Value)
	}
	return fmt.Sprintf("%.1f%% (%.1f to %.1f)", 100**e.Value, 100**e.Lo, 100**e.Hi)
}
