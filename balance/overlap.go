package balance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"tinyv/internal/durable"
)

// The files in which a grid says what its sets have in common.
const (
	OverlapTable = "overlap.txt" // for people
	OverlapFile  = "overlap.json"
)

// Overlap is what OverlapFile holds.
type Overlap struct {
	Sets  []OverlapSet  `json:"sets"`
	Pairs []OverlapPair `json:"pairs"` // of sets of one seed
}

// OverlapSet is the train split of one set.
type OverlapSet struct {
	Name  string `json:"name"`
	Ratio string `json:"ratio"`
	Seed  int64  `json:"seed"`
	True  int64  `json:"true"`
	False int64  `json:"false"`
}

// OverlapPair is what the train splits of two sets have in common.
type OverlapPair struct {
	A      string  `json:"a"`
	B      string  `json:"b"`
	Common int64   `json:"common"` // rows
	Most   int64   `json:"most"`   // rows that two sets of these numbers of True and False rows can have in common
	Share  float64 `json:"share"`  // of Common in Most
}

// overlap compares the tables of the sets: of one cell, two sets take the first
// rows of one order, so that they have in common what the smaller one takes.
func (g *grid) overlap() Overlap {
	o := Overlap{Pairs: []OverlapPair{}}
	perSeed := len(g.sizes) * len(g.ratios)
	for i, a := range g.sets {
		trues, falses := a.table.Totals()
		o.Sets = append(o.Sets, OverlapSet{a.name, a.ratio.String(), a.seed, trues, falses})
		for _, b := range g.sets[i+1 : (i/perSeed+1)*perSeed] {
			otherTrues, otherFalses := b.table.Totals()
			p := OverlapPair{A: a.name, B: b.name, Most: min(trues, otherTrues) + min(falses, otherFalses)}
			for k := range a.table.True {
				p.Common += min(a.table.True[k], b.table.True[k]) + min(a.table.False[k], b.table.False[k])
			}
			p.Share = float64(p.Common) / float64(p.Most)
			o.Pairs = append(o.Pairs, p)
		}
	}
	return o
}

func (g *grid) writeOverlap(dir string) error {
	o := g.overlap()
	data, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding what the sets of a grid have in common: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(dir, OverlapFile), append(data, '\n')); err != nil {
		return err
	}
	var text bytes.Buffer
	fmt.Fprintln(&text, "Rows of the train split, and how many two sets of one seed have in common.")
	fmt.Fprintln(&text, "\"of\" is the most that two sets with so many True and False rows can have.")
	fmt.Fprintln(&text)
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "set\tTrue\tFalse")
	for _, s := range o.Sets {
		fmt.Fprintf(table, "%s\t%d\t%d\n", s.Name, s.True, s.False)
	}
	table.Flush()
	fmt.Fprintln(&text)
	fmt.Fprintln(table, "set\tand set\tin common\tof\tshare")
	for _, p := range o.Pairs {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%.1f%%\n", p.A, p.B, p.Common, p.Most, 100*p.Share)
	}
	table.Flush()
	return durable.WriteFile(filepath.Join(dir, OverlapTable), text.Bytes())
}
