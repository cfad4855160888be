package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tinyv/internal/interval"
	"tinyv/train/eval/score"
)

// document is the content of a report in whatever form.
type document struct {
	Verifier  string
	Simulated bool
	Inputs    []score.Input
	Summary   string
	Headline  []figure
	Sections  []section
}

// figure is one of the numbers that a reader looks for first.
type figure struct {
	Name, Value, Interval, Meaning string
	Bar                            *bar
}

// section is a table with what to know about it, and perhaps a plot.
type section struct {
	Title, Note string
	Head        []string
	Rows        [][]cell
	Plot        *plot
}

// cell is a text, with a bar if it is a share.
type cell struct {
	Text string
	Bar  *bar
}

// bar is a share with its interval, 0 to 1.
type bar struct{ Rate, Lo, Hi float64 }

func describe(r score.Result) document {
	c := r.Confusion
	d := document{
		Verifier: visible(r.Verifier), Simulated: r.Simulated,
		Summary: fmt.Sprintf("%d rows: %d with a correct answer, %d with a wrong one. Figures have %.0f%% intervals.", c.N(), c.Correct(), c.Wrong(), 100*interval.Confidence),
	}
	for _, in := range r.Benchmark {
		d.Inputs = append(d.Inputs, score.Input{Name: visible(in.Name), SHA256: in.SHA256})
	}
	for _, f := range []struct {
		name, meaning string
		score.Estimate
	}{
		{"fn_recall", "of the correct answers are accepted", r.FNRecall},
		{"tn_accuracy", "of the wrong answers are rejected", r.TNAccuracy},
		{"balanced_accuracy", "is the mean of the two", r.BalancedAccuracy},
		{"accuracy", "of the verdicts are right", r.Accuracy},
		{"undecided", "of the rows got no decision", r.Undecided},
	} {
		d.Headline = append(d.Headline, headline(f.name, f.meaning, f.Estimate))
	}
	for _, s := range []section{
		matrix(c), ratios(&r.Figures),
		groups("By source", "", r.Source, nil), lengths(r.Length), categories(r.Category),
		calibration(r.Calibration), attacks(r), keptRight(r), variants(r), repeats(r.Repeats), speed(r),
	} {
		if len(s.Rows) > 0 {
			d.Sections = append(d.Sections, s)
		}
	}
	return d
}

func headline(name, meaning string, e score.Estimate) figure {
	f := figure{Name: name, Value: "-", Meaning: meaning, Bar: barOf(e)}
	if e.Value != nil {
		f.Value = fmt.Sprintf("%.1f%%", 100**e.Value)
	}
	if e.Lo != nil {
		f.Interval = fmt.Sprintf("%.1f to %.1f", 100**e.Lo, 100**e.Hi)
	}
	return f
}

func matrix(c score.Confusion) section {
	return section{
		Title: "Confusion matrix", Note: "An undecided row is never counted for the verifier: neither as accepted nor as rejected.",
		Head: []string{"", "accepted", "rejected", "undecided", "all"},
		Rows: [][]cell{
			{{Text: "correct answers"}, count(c.CorrectAccepted), count(c.CorrectRejected), count(c.CorrectUndecided), count(c.Correct())},
			{{Text: "wrong answers"}, count(c.WrongAccepted), count(c.WrongRejected), count(c.WrongUndecided), count(c.Wrong())},
		},
	}
}

func ratios(f *score.Figures) section {
	s := section{
		Title: "All figures", Note: "Those that end in _decided are over the decided rows alone. The interval of f1 and mcc is drawn by bootstrap over questions.",
		Head: []string{"figure", "value"},
	}
	for _, r := range f.Ratios() {
		value := share(*r.Estimate)
		if r.Key == "f1" || r.Key == "mcc" {
			value = cell{Text: coefficient(*r.Estimate)}
		}
		s.Rows = append(s.Rows, []cell{{Text: r.Key}, value})
	}
	return s
}

// groups is a table of the figures by group, in the order of names; nil is the
// largest first. Groups that are all one without a name say nothing.
func groups(title, note string, of map[string]score.Figures, names []string) section {
	if _, unnamed := of[""]; len(of) == 0 || unnamed && len(of) == 1 {
		return section{}
	}
	if names == nil {
		names = slices.SortedFunc(maps.Keys(of), func(a, b string) int {
			return cmp.Or(cmp.Compare(of[b].Confusion.N(), of[a].Confusion.N()), cmp.Compare(a, b))
		})
	}
	s := section{Title: title, Note: note, Head: []string{"", "rows", "fn_recall", "tn_accuracy", "balanced_accuracy", "undecided"}}
	for _, name := range names {
		f, there := of[name]
		if !there {
			continue
		}
		s.Rows = append(s.Rows, []cell{{Text: named(name)}, count(f.Confusion.N()), share(f.FNRecall), share(f.TNAccuracy), share(f.BalancedAccuracy), share(f.Undecided)})
	}
	return s
}

func lengths(of map[string]score.Figures) section {
	return groups("By length of the answer", "Bytes of the answer that was judged.", of, score.LengthBins())
}

func categories(of map[string]score.Figures) section {
	s := groups("By category", "Of the correct answers: why a rule verifier rejects them.", of, nil)
	if len(s.Rows) == 0 {
		return s
	}
	s.Head = []string{"", "rows", "fn_recall", "undecided"}
	for i, row := range s.Rows { // there are no wrong answers in it
		s.Rows[i] = []cell{row[0], row[1], row[2], row[5]}
	}
	return s
}

func calibration(c score.Calibration) section {
	if c.N == 0 {
		return section{}
	}
	s := section{
		Title: "Calibration", Note: fmt.Sprintf("%d decided verdicts have a confidence. Brier score %s, expected calibration error %s; 0 is best.", c.N, number(c.Brier, 4), number(c.ECE, 4)),
		Head: []string{"confidence", "verdicts", "mean confidence", "right"}, Plot: &plot{},
	}
	for _, b := range c.Bins {
		if b.Right.N == 0 {
			continue
		}
		s.Rows = append(s.Rows, []cell{{Text: fmt.Sprintf("%.1f to %.1f", b.From, b.To)}, count(b.Right.N), {Text: percent(b.Confidence)}, proportion(b.Right)})
		s.Plot.add(*b.Confidence, *b.Right.Rate, *b.Right.Lo, *b.Right.Hi)
	}
	return s
}

func attacks(r score.Result) section {
	s := section{
		Title: "Attacks",
		Note: fmt.Sprintf("Each family is put to the wrong answers that it applies to; a success is an attacked answer that is accepted. Beside it, how many of the same answers are accepted as they stand. On the whole benchmark as it stands: accuracy %s, tn_accuracy %s.",
			share(r.Accuracy).Text, share(r.TNAccuracy).Text),
		Head: []string{"family", "attacked", "success", "accepted as it stands", "undecided", "does not apply"},
	}
	for _, name := range slices.Sorted(maps.Keys(r.Attacks)) {
		a := r.Attacks[name]
		s.Rows = append(s.Rows, attacked(name, a.Success, a.CleanAccepted, a.Undecided, a.NotApplicable))
	}
	return s
}

func keptRight(r score.Result) section {
	s := section{
		Title: "Attacks on right answers",
		Note: fmt.Sprintf("Families that can leave a right answer the answer are put to the right answers, too; kept are those that are accepted all the same. Beside it, how many of the same answers are accepted as they stand. On the whole benchmark as it stands: accuracy %s, fn_recall %s.",
			share(r.Accuracy).Text, share(r.FNRecall).Text),
		Head: []string{"family", "attacked", "kept", "accepted as it stands", "undecided", "does not apply"},
	}
	for _, name := range slices.Sorted(maps.Keys(r.Attacks)) {
		if a := r.Attacks[name].Right; a != nil {
			s.Rows = append(s.Rows, attacked(name, a.Kept, a.CleanAccepted, a.Undecided, a.NotApplicable))
		}
	}
	return s
}

// attacked is the row of a family: how many answers it was put to and what became of
// them, beside the same answers as they stand.
func attacked(family string, accepted, clean, undecided interval.Proportion, notApplicable int64) []cell {
	return []cell{{Text: visible(family)}, count(accepted.N), proportion(accepted), proportion(clean), proportion(undecided), count(notApplicable)}
}

func variants(r score.Result) section {
	s := section{
		Title: "Variants", Note: "Rows written in another way that leaves the label as it is. Agreement is with the verdict on the row as it stands.",
		Head: []string{"variant", "rows", "agreement", "accuracy", "accuracy as it stands", "does not apply"},
	}
	for _, name := range slices.Sorted(maps.Keys(r.Variants)) {
		v := r.Variants[name]
		s.Rows = append(s.Rows, []cell{{Text: visible(name)}, count(v.Agreement.N), proportion(v.Agreement), proportion(v.Accuracy), proportion(v.CleanAccuracy), count(v.NotApplicable)})
	}
	return s
}

func repeats(r *score.Stability) section {
	if r == nil {
		return section{}
	}
	return section{
		Title: "Repeats", Note: fmt.Sprintf("Every row was judged %d times.", r.Verdicts),
		Head: []string{"figure", "value"},
		Rows: [][]cell{{{Text: "rows whose verdicts are all the same"}, proportion(r.Alike)}, {{Text: "Fleiss's kappa"}, {Text: number(r.Kappa, 3)}}},
	}
}

func speed(r score.Result) section {
	s, l := r.Speed, r.Speed.LatencyMS
	cost := "-"
	if r.Tokens.CostUSD != nil {
		cost = fmt.Sprintf("$%.4f", *r.Tokens.CostUSD)
	}
	return section{
		Title: "Speed and cost", Note: "Speed is of the run that wrote this report; verdicts whose replies came from the journal are not in it. Tokens and cost are of all verdicts.",
		Head: []string{"figure", "value"},
		Rows: [][]cell{
			{{Text: "verdicts"}, count(r.Tokens.Verdicts)},
			{{Text: "verdicts measured"}, count(s.Verdicts)},
			{{Text: "verdicts per second"}, {Text: number(s.PerSecond, 1)}},
			{{Text: "latency, median"}, {Text: milliseconds(l.P50)}},
			{{Text: "latency, 90th percentile"}, {Text: milliseconds(l.P90)}},
			{{Text: "latency, 99th percentile"}, {Text: milliseconds(l.P99)}},
			{{Text: "latency, longest"}, {Text: milliseconds(l.Max)}},
			{{Text: "prompt tokens"}, count(r.Tokens.Prompt)},
			{{Text: "completion tokens"}, count(r.Tokens.Completion)},
			{{Text: "cost"}, {Text: cost}},
		},
	}
}

// share is a ratio with its interval and a bar.
func share(e score.Estimate) cell {
	text := percent(e.Value)
	if e.Lo != nil {
		text += fmt.Sprintf(" (%.1f to %.1f)", 100**e.Lo, 100**e.Hi)
	}
	return cell{text, barOf(e)}
}

func proportion(p interval.Proportion) cell {
	return share(score.Estimate{Value: p.Rate, Lo: p.Lo, Hi: p.Hi})
}

func barOf(e score.Estimate) *bar {
	if e.Value == nil || e.Lo == nil {
		return nil
	}
	return &bar{*e.Value, *e.Lo, *e.Hi}
}

func coefficient(e score.Estimate) string {
	text := number(e.Value, 3)
	if e.Lo != nil {
		text += fmt.Sprintf(" (%.3f to %.3f)", *e.Lo, *e.Hi)
	}
	return text
}

func count(n int64) cell { return cell{Text: fmt.Sprint(n)} }

func percent(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100**x)
}

func number(x *float64, digits int) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, *x)
}

func milliseconds(x *float64) string {
	if x == nil {
		return "-"
	}
	return number(x, 3) + " ms"
}

// named is the name of a group.
func named(group string) string {
	if strings.TrimSpace(group) == "" {
		return "(not given)"
	}
	return visible(group)
}
