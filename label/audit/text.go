package audit

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"unicode/utf8"
)

// Text writes, for people, what was drawn to dir, and what to do with it.
func (s *Sample) Text(w io.Writer, dir string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if s.Simulated {
		fmt.Fprint(t, simulated)
	}
	fmt.Fprintln(t, "label\torigin\tsource\tin the run\tdrawn")
	for _, st := range s.Strata {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\n", labelWord(st.Label), clean(st.Origin), clean(st.Source), st.Size, st.Drawn)
	}
	fmt.Fprintf(t, "\n%d rows drawn; %d rows have no label and are not sampled.\n", len(s.Items), s.Undecided)
	fmt.Fprintf(t, "Open %s in a browser, or fill in the column \"human\" of %s (y, n or ?);\nthen score it with --score.\n", filepath.Join(dir, HTMLFile), filepath.Join(dir, CSVFile))
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing the sample: %w", err)
	}
	return nil
}

const simulated = "SIMULATED: the labels are of simulated annotators or replies, and say nothing of real models.\n\n"

// Text writes the result for people.
func (r *Result) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if r.Simulated {
		fmt.Fprint(t, simulated)
	}
	fmt.Fprintf(t, "%d of %d rows judged; %d unsure, %d unanswered. Intervals are of %.0f%%.\n\n",
		r.All.Right+r.All.Wrong, r.All.Drawn, r.All.Unsure, r.All.Unanswered, 100*r.Confidence)
	fmt.Fprintln(t, "labels\tin the run\tjudged\tright\tprecision as judged\tweighted by stratum")
	r.All.line(t, "all")
	r.True.line(t, "True")
	r.False.line(t, "False")
	for _, o := range r.Origins {
		o.line(t, clean(o.Origin))
	}
	if covered := r.All.Weighted.Covered; r.All.Weighted.Rate != nil && covered < 1 {
		fmt.Fprintf(t, "\nThe weighted figures are about %.1f%% of the labels: nothing was judged of the other strata.\n", 100*covered)
	}
	if r.Undecided > 0 {
		fmt.Fprintf(t, "\n%d rows have no label; none of them was drawn.\n", r.Undecided)
	}
	if len(r.Wrong) > 0 {
		fmt.Fprint(t, "\nwrong labels\tline\tlabel\torigin\tproblem\tnote\n")
		for _, row := range r.Wrong {
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s, reply %d\t%s\n", row.ID, row.Line, labelWord(row.Label), clean(row.Origin), clean(row.ProblemID), row.Sample, clean(row.Note))
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing the score: %w", err)
	}
	return nil
}

func (p Precision) line(w io.Writer, name string) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\n", name, p.Labels, p.Right+p.Wrong, p.Right, bounds(p.Precision.Rate, p.Precision.Lo, p.Precision.Hi), bounds(p.Weighted.Rate, p.Weighted.Lo, p.Weighted.Hi))
}

func bounds(rate, lo, hi *float64) string {
	if rate == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%% (%.1f to %.1f)", 100**rate, 100**lo, 100**hi)
}

// maxText is the most characters of a text of the data in a table.
const maxText = 60

// clean makes a text of the data fit for a terminal: one cell, nothing that steers.
func clean(s string) string {
	runes := []rune(s)
	for i, r := range runes {
		if unseen(r) {
			runes[i] = utf8.RuneError
		}
	}
	if len(runes) > maxText {
		runes = append(runes[:maxText-1], '…')
	}
	return cmp.Or(string(runes), "-")
}
