package taxonomy

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Agreement counts how often two classifiers name the same class. The zero value
// is ready; it keeps counts only, whatever the number of rows. Not for several
// goroutines at once.
type Agreement struct {
	Pairs   int64                           `json:"pairs"`    // rows that both named
	OnlyOne int64                           `json:"only_one"` // rows that one named and the other did not
	Neither int64                           `json:"neither"`
	Counts  map[Category]map[Category]int64 `json:"counts"` // by rule, then by model
}

// Add counts one row; an empty category means that none was named.
func (a *Agreement) Add(rule, model Category) {
	switch {
	case rule == "" && model == "":
		a.Neither++
		return
	case rule == "" || model == "":
		a.OnlyOne++
		return
	}
	if a.Counts == nil {
		a.Counts = map[Category]map[Category]int64{}
	}
	if a.Counts[rule] == nil {
		a.Counts[rule] = map[Category]int64{}
	}
	a.Counts[rule][model]++
	a.Pairs++
}

// Summary is what an Agreement comes to. Shares and kappas are null where no pair
// was counted; a kappa also where both always named one and the same.
type Summary struct {
	Pairs      int64                       `json:"pairs"`
	Agree      int64                       `json:"agree"`       // on the sub-class
	AgreeClass int64                       `json:"agree_class"` // on the class
	Share      *float64                    `json:"share"`
	ShareClass *float64                    `json:"share_class"`
	Kappa      *float64                    `json:"kappa"` // Cohen's
	KappaClass *float64                    `json:"kappa_class"`
	Confusion  map[string]map[string]int64 `json:"confusion"` // by class: by rule, then by model
}

// Summary sums up.
func (a *Agreement) Summary() Summary {
	classes, subs := map[string]map[string]int64{}, map[string]map[string]int64{}
	for rule, row := range a.Counts {
		for model, n := range row {
			count(classes, rule.Class(), model.Class(), n)
			count(subs, string(rule), string(model), n)
		}
	}
	s := Summary{Pairs: a.Pairs, Confusion: classes}
	s.Agree, s.Share, s.Kappa = kappa(subs, a.Pairs)
	s.AgreeClass, s.ShareClass, s.KappaClass = kappa(classes, a.Pairs)
	return s
}

func count(table map[string]map[string]int64, row, column string, n int64) {
	if table[row] == nil {
		table[row] = map[string]int64{}
	}
	table[row][column] += n
}

// kappa returns the sum of the diagonal, its share, and Cohen's kappa.
func kappa(table map[string]map[string]int64, pairs int64) (agree int64, share, kappa *float64) {
	if pairs == 0 {
		return 0, nil, nil
	}
	// Whole numbers, so that the order of a map cannot change the sum.
	rows, columns := map[string]int64{}, map[string]int64{}
	for row, cells := range table {
		for column, n := range cells {
			rows[row] += n
			columns[column] += n
			if row == column {
				agree += n
			}
		}
	}
	observed := float64(agree) / float64(pairs)
	expected := 0.0
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		expected += float64(rows[name]) / float64(pairs) * float64(columns[name]) / float64(pairs)
	}
	if expected < 1 {
		k := (observed - expected) / (1 - expected)
		kappa = &k
	}
	return agree, &observed, kappa
}

// WriteTable writes the confusion of classes, the pairs of sub-classes that differ
// most often, and the shares, for a person.
func (a *Agreement) WriteTable(out io.Writer) error {
	s := a.Summary()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "rule \\ model\t")
	for _, column := range Classes() {
		fmt.Fprintf(w, "%s\t", column.Code)
	}
	fmt.Fprintln(w)
	for _, row := range Classes() {
		fmt.Fprintf(w, "%s\t", row.Code)
		for _, column := range Classes() {
			fmt.Fprintf(w, "%d\t", s.Confusion[row.Code][column.Code])
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the table of agreement: %w", err)
	}
	_, err := fmt.Fprintf(out, "\n%d pairs; same class %s (kappa %s), same sub-class %s (kappa %s); named by one only %d, by neither %d\n",
		s.Pairs, percent(s.ShareClass), decimal(s.KappaClass), percent(s.Share), decimal(s.Kappa), a.OnlyOne, a.Neither)
	for _, d := range a.differences(10) {
		if err == nil {
			_, err = fmt.Fprintf(out, "%6d  rule %s, model %s\n", d.n, d.rule, d.model)
		}
	}
	if err != nil {
		return fmt.Errorf("writing the table of agreement: %w", err)
	}
	return nil
}

type difference struct {
	rule, model Category
	n           int64
}

// differences lists the most frequent ones.
func (a *Agreement) differences(most int) []difference {
	var all []difference
	for rule, row := range a.Counts {
		for model, n := range row {
			if rule != model {
				all = append(all, difference{rule, model, n})
			}
		}
	}
	slices.SortFunc(all, func(x, y difference) int {
		return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.rule, y.rule), cmp.Compare(x.model, y.model))
	})
	return all[:min(most, len(all))]
}

func percent(p *float64) string {
	if p == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.1f%%", 100**p)
}

func decimal(p *float64) string {
	if p == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.3f", *p)
}
