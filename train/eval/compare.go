package eval

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"tinyv/internal/interval"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/train/eval/score"
	"tinyv/verify"
)

// Comparison is how two verifiers did on the same rows, as they stand. Its JSON is
// what scripts read.
type Comparison struct {
	A         Side `json:"a"`
	B         Side `json:"b"`
	Simulated bool `json:"simulated"` // one of the two is

	// Differences are those of B less A.
	Differences score.Differences `json:"differences"`

	Correct score.McNemar `json:"correct_answers"` // on the rows with a correct answer
	Wrong   score.McNemar `json:"wrong_answers"`
	All     score.McNemar `json:"all"`
}

// Side is one of two verifiers.
type Side struct {
	Verifier         string         `json:"verifier"`
	Dir              string         `json:"dir"`
	FNRecall         score.Estimate `json:"fn_recall"`
	TNAccuracy       score.Estimate `json:"tn_accuracy"`
	BalancedAccuracy score.Estimate `json:"balanced_accuracy"`
	Accuracy         score.Estimate `json:"accuracy"`
	Undecided        score.Estimate `json:"undecided"`
}

// Compare compares two finished evaluations of the same benchmark: the same rows,
// in the same order, with the same labels. An undecided verdict is not right. seed is
// that of the bootstrap intervals, which draw the rows of a question together.
func Compare(dirA, dirB string, seed int64) (Comparison, error) {
	var c Comparison
	var err error
	var simulated [2]bool
	if c.A, simulated[0], err = side(dirA); err != nil {
		return c, err
	}
	if c.B, simulated[1], err = side(dirB); err != nil {
		return c, err
	}
	c.Simulated = simulated[0] || simulated[1]

	var correct, wrong agreement
	var units []score.Paired
	at := map[string]int{} // by pair
	for both, err := range paired(dirA, dirB) {
		if err != nil {
			return c, err
		}
		a, b := both[0], both[1]
		i, there := at[a.Pair]
		if !there {
			i = len(units)
			at[a.Pair] = i
			units = append(units, score.Paired{})
		}
		saidA, err := outcome(a)
		if err != nil {
			return c, fmt.Errorf("reading %s: %w", dirA, err)
		}
		saidB, err := outcome(b)
		if err != nil {
			return c, fmt.Errorf("reading %s: %w", dirB, err)
		}
		units[i].A.Add(a.Label, saidA)
		units[i].B.Add(a.Label, saidB)
		if a.Label {
			correct.add(right(true, saidA), right(true, saidB))
		} else {
			wrong.add(right(false, saidA), right(false, saidB))
		}
	}
	c.Differences = score.Compare(units, seed)
	c.Correct, c.Wrong, c.All = correct.test(), wrong.test(), correct.plus(wrong).test()
	return c, nil
}

// side reads what an evaluation came to.
func side(dir string) (Side, bool, error) {
	r, err := Read(dir)
	if err != nil {
		return Side{}, false, err
	}
	return Side{r.Verifier, dir, r.FNRecall, r.TNAccuracy, r.BalancedAccuracy, r.Accuracy, r.Undecided}, r.Simulated, nil
}

// outcome is the verdict that a file has in words.
func outcome(v Verdict) (verify.Outcome, error) {
	for _, o := range []verify.Outcome{verify.Correct, verify.Incorrect, verify.Undecided} {
		if v.Outcome == o.String() {
			return o, nil
		}
	}
	return verify.Undecided, fmt.Errorf("the verdict on row %s is %q, which is none", v.ID, v.Outcome)
}

// paired yields the verdicts of two evaluations on each row as it stands.
func paired(dirA, dirB string) iter.Seq2[[2]Verdict, error] {
	return func(yield func([2]Verdict, error) bool) {
		next, stop := iter.Pull2(asTheyStand(dirB))
		defer stop()
		other := func(where string) error {
			return fmt.Errorf("%s and %s are evaluations of different benchmarks: %s; only verdicts on the same rows can be compared", dirA, dirB, where)
		}
		for a, err := range asTheyStand(dirA) {
			if err != nil {
				yield([2]Verdict{}, err)
				return
			}
			b, err, more := next()
			switch {
			case err != nil:
			case !more:
				err = other(fmt.Sprintf("the second has no row %s", a.ID))
			case a.ID != b.ID:
				err = other(fmt.Sprintf("where the first has row %s the second has %s", a.ID, b.ID))
			case a.Label != b.Label || a.Question != b.Question || a.GroundTruth != b.GroundTruth || a.Answer != b.Answer:
				err = other(fmt.Sprintf("row %s has another question, ground truth, answer or label", a.ID))
			}
			if err != nil {
				yield([2]Verdict{}, err)
				return
			}
			if !yield([2]Verdict{a, b}, nil) {
				return
			}
		}
		if b, err, more := next(); err != nil {
			yield([2]Verdict{}, err)
		} else if more {
			yield([2]Verdict{}, other(fmt.Sprintf("the first has no row %s", b.ID)))
		}
	}
}

// asTheyStand yields the verdicts of an evaluation on rows that are neither
// attacked nor rewritten, the first of each row.
func asTheyStand(dir string) iter.Seq2[Verdict, error] {
	return func(yield func(Verdict, error) bool) {
		m, err := manifest.Require(dir)
		if err != nil {
			yield(Verdict{}, err)
			return
		}
		for _, f := range m.Outputs {
			if !strings.HasPrefix(f.Path, VerdictsStem+"-") {
				continue
			}
			for v, err := range rows.Read[Verdict](filepath.Join(dir, f.Path)) {
				if err == nil && (v.Family != "" || v.Variant != "" || v.Repeat > 0) {
					continue
				}
				if !yield(v, err) || err != nil {
					return
				}
			}
		}
	}
}

// agreement counts rows by which of two verifiers is right.
type agreement struct{ both, onlyA, onlyB, none int64 }

func (g *agreement) add(a, b bool) {
	switch {
	case a && b:
		g.both++
	case a:
		g.onlyA++
	case b:
		g.onlyB++
	default:
		g.none++
	}
}

func (g agreement) plus(h agreement) agreement {
	return agreement{g.both + h.both, g.onlyA + h.onlyA, g.onlyB + h.onlyB, g.none + h.none}
}

func (g agreement) test() score.McNemar { return score.NewMcNemar(g.both, g.onlyA, g.onlyB, g.none) }

// JSON is the comparison as a file has it.
func (c Comparison) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding a comparison: %w", err)
	}
	return append(data, '\n'), nil
}

// Text writes the comparison for people.
func (c Comparison) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if c.Simulated {
		fmt.Fprint(t, "SIMULATED: one of the two comes from the simulated model server, and says nothing of real models.\n\n")
	}
	fmt.Fprintf(t, "A  %q in %s\nB  %q in %s\n\n", c.A.Verifier, c.A.Dir, c.B.Verifier, c.B.Dir)
	fmt.Fprintln(t, "\tA\tB\tB less A, in points")
	for _, l := range []struct {
		name             string
		a, b, difference score.Estimate
	}{
		{"fn_recall", c.A.FNRecall, c.B.FNRecall, c.Differences.FNRecall},
		{"tn_accuracy", c.A.TNAccuracy, c.B.TNAccuracy, c.Differences.TNAccuracy},
		{"balanced_accuracy", c.A.BalancedAccuracy, c.B.BalancedAccuracy, c.Differences.BalancedAccuracy},
		{"accuracy", c.A.Accuracy, c.B.Accuracy, c.Differences.Accuracy},
		{"undecided", c.A.Undecided, c.B.Undecided, score.Estimate{}},
	} {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", l.name, inPercent(l.a, "%.1f%%"), inPercent(l.b, "%.1f%%"), inPercent(l.difference, "%+.1f"))
	}
	fmt.Fprintln(t, "\nright on\tboth\tonly A\tonly B\tneither\tp of McNemar's test")
	for _, l := range []struct {
		name string
		score.McNemar
	}{{"correct answers", c.Correct}, {"wrong answers", c.Wrong}, {"all rows", c.All}} {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\n", l.name, l.Both, l.OnlyA, l.OnlyB, l.None, pValue(l.McNemar))
	}
	fmt.Fprintf(t, "\nIntervals are of %.0f%%; those of the differences are drawn by bootstrap over questions. An undecided verdict is not right.\n", 100*interval.Confidence)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing a comparison: %w", err)
	}
	return nil
}

// inPercent writes a figure in percent with its interval.
func inPercent(e score.Estimate, format string) string {
	if e.Value == nil {
		return "-"
	}
	text := fmt.Sprintf(format, 100**e.Value)
	if e.Lo != nil {
		text += fmt.Sprintf(" (%.1f to %.1f)", 100**e.Lo, 100**e.Hi)
	}
	return text
}

func pValue(m score.McNemar) string {
	if m.PValue < 0.0001 {
		return "below 0.0001 (" + m.Test + ")"
	}
	return fmt.Sprintf("%.4f (%s)", m.PValue, m.Test)
}
