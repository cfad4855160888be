// Package report turns the manifests of a run into what people read. For now it
// is the funnel, as text.
package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
)

// Funnel writes what became of problems and replies, stage by stage. A stage that
// has no manifest in m is left out. Every count is one that a manifest holds.
func Funnel(w io.Writer, m map[string]*manifest.Manifest) error {
	f := &funnel{w: w}
	if slices.ContainsFunc(slices.Collect(maps.Values(m)), func(m *manifest.Manifest) bool { return m.Simulated }) {
		f.printf("SIMULATED: replies or votes of this run come from the simulated model server.\n\n")
	}
	f.problems(m["problems"])
	f.gen(m["gen"])
	f.synth(m["synth"])
	f.label(m["label"])
	f.balance(m["balance"])
	f.export(m["export"])
	f.train(m["train"])
	f.known(m["gen"], m["label"])
	return f.err
}

type funnel struct {
	w   io.Writer
	err error
}

func (f *funnel) printf(format string, args ...any) {
	if f.err == nil {
		_, f.err = fmt.Fprintf(f.w, format, args...)
	}
}

// line writes one count; of, if above 0, is what it is a share of.
func (f *funnel) line(depth int, name string, n, of int64, note string) {
	share := ""
	if of > 0 {
		share = fmt.Sprintf("%5.1f%%", 100*float64(n)/float64(of))
	}
	name = strings.Repeat("  ", depth) + name
	f.printf("%s\n", strings.TrimRight(fmt.Sprintf("%-28s %11s  %6s  %s", name, thousands(n), share, note), " "))
}

// dropped writes why rows of one kind were dropped, most frequent first.
func (f *funnel) dropped(c *manifest.Counts, except ...string) {
	if c == nil {
		return
	}
	reasons := slices.SortedFunc(maps.Keys(c.Dropped), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Dropped[b], c.Dropped[a]), cmp.Compare(a, b))
	})
	for _, reason := range reasons {
		if !slices.Contains(except, reason) {
			f.line(1, "dropped: "+reason, c.Dropped[reason], c.In, "")
		}
	}
}

func (f *funnel) problems(m *manifest.Manifest) {
	if m == nil {
		return
	}
	c := m.Rows["problems"]
	f.line(0, "problems", c.Out, 0, fmt.Sprintf("of %s read", thousands(c.In)))
	f.dropped(c)
	f.line(1, "self-test refused", m.Figures["self_test_refused"], c.Out, "the rule verifier refuses the ground truth itself: gold_refused.jsonl")
}

func (f *funnel) gen(m *manifest.Manifest) {
	if m == nil {
		return
	}
	if c := m.Rows["input_rows"]; c != nil {
		f.line(0, "problems", m.Figures["problems"], 0, fmt.Sprintf("in %s rows read", thousands(c.In)))
		f.dropped(c)
		f.line(1, "self-test refused", m.Figures["self_test_refused"], m.Figures["problems"], "the rule verifier refuses the ground truth itself: gold_refused.jsonl")
	}
	c, g := m.Rows["responses"], m.Figures
	f.line(0, "replies", c.Out, 0, fmt.Sprintf("of %s", thousands(c.In)))
	f.dropped(c)
	f.line(1, "extracted", g["extracted"], c.Out, "an answer was found")
	f.line(1, "boxed", g["boxed"], c.Out, "")
	f.line(1, "cut off by length", g["cut_off"], c.Out, "")
	f.line(0, "accepted by the rule", g["accepted"], c.Out, "")
	f.line(0, "rejected by the rule", g["rejected"], c.Out, "")
	if n := g["rule_undecided"]; n > 0 {
		f.line(0, "rule undecided", n, c.Out, "")
	}
}

func (f *funnel) synth(m *manifest.Manifest) {
	if m == nil {
		return
	}
	c := m.Rows["candidates"]
	f.line(0, "answers made", c.Out, 0, fmt.Sprintf("of %s proposed, by no model's sampling", thousands(c.In)))
	f.dropped(c)
}

func (f *funnel) label(m *manifest.Manifest) {
	if m == nil {
		return
	}
	g := m.Figures
	f.line(0, "annotated rejections", g["sampled"], 0, "")
	f.dropped(m.Rows["responses"], "accepted_by_rule", "rule_undecided")
	f.outcomes(m, "sampled", "false negatives of the rule", "")
	for _, origin := range []struct{ name, title, isTrue, isFalse string }{
		{"acceptance", "audited acceptances", "", "false positives of the rule"},
		{"synthetic", "synthetic answers", "", ""},
		{"near_miss", "near misses", "", ""},
		{"hardening", "hardening answers", "", "wrong by construction"},
	} {
		if g[origin.name] > 0 {
			f.line(0, origin.title, g[origin.name], 0, "")
			f.outcomes(m, origin.name, origin.isTrue, origin.isFalse)
		}
	}
	if n := g["votes_saved"]; n > 0 {
		f.line(0, "votes saved by stages", n, 0, "")
	}
}

// outcomes writes the labels of the rows of one origin.
func (f *funnel) outcomes(m *manifest.Manifest, origin, isTrue, isFalse string) {
	g, n := m.Figures, m.Figures[origin]
	f.line(1, "labelled True", g[origin+"_true"], n, isTrue)
	f.line(1, "labelled False", g[origin+"_false"], n, isFalse)
	f.line(1, "disagreed", g[origin+"_disagreed"], n, "")
	f.line(1, "undecided", g[origin+"_undecided"], n, "")
}

func (f *funnel) balance(m *manifest.Manifest) {
	if m == nil {
		return
	}
	c := m.Rows["annotations"]
	g := m.Figures
	f.line(0, "balanced", c.Out, 0, fmt.Sprintf("%s True + %s False", thousands(g["true"]), thousands(g["false"])))
	if g["copies"] > 0 {
		f.line(1, "repeated", g["copies"], 0, "more rows, by up-sampling")
	}
	for _, split := range rows.Splits() {
		if g[split] == 0 {
			continue
		}
		note := fmt.Sprintf("%s True + %s False", thousands(g[split+"_true"]), thousands(g[split+"_false"]))
		joint := "; "
		for _, origin := range rows.Origins() {
			if n := g[split+"_"+origin]; n > 0 {
				note += joint + fmt.Sprintf("%s %s", thousands(n), strings.ReplaceAll(origin, "_", " "))
				joint = " + "
			}
		}
		f.line(1, strings.ReplaceAll(split, "_", " "), g[split], 0, note)
	}
	f.dropped(c)
}

func (f *funnel) export(m *manifest.Manifest) {
	if m == nil {
		return
	}
	c := m.Rows["examples"]
	note := fmt.Sprintf("%s train + %s eval", thousands(m.Figures[rows.SplitTrain]), thousands(m.Figures[rows.SplitEval]))
	if n := m.Figures[rows.SplitHeldOut]; n > 0 {
		note += fmt.Sprintf(" + %s held out", thousands(n))
	}
	f.line(0, "exported", c.Out, 0, note)
	f.dropped(c)
}

func (f *funnel) train(m *manifest.Manifest) {
	if m == nil {
		return
	}
	f.line(0, "training steps planned", m.Figures["steps"], 0, fmt.Sprintf("%s rows per step", thousands(m.Figures["rows_per_step"])))
}

// known compares with the labels that came with imported replies, if any did.
func (f *funnel) known(gen, label *manifest.Manifest) {
	if gen == nil {
		return
	}
	g := gen.Figures
	if g["rule_true_known_true"]+g["rule_true_known_false"]+g["rule_false_known_true"]+g["rule_false_known_false"] == 0 {
		return
	}
	f.printf("\nCompared with the labels that came with the input:\n")
	f.printf("%-28s %11s  %11s\n", "", "known right", "known wrong")
	row := func(name string, right, wrong int64) {
		f.printf("%-28s %11s  %11s\n", name, thousands(right), thousands(wrong))
	}
	row("accepted by the rule", g["rule_true_known_true"], g["rule_true_known_false"])
	row("rejected by the rule", g["rule_false_known_true"], g["rule_false_known_false"])
	if label == nil {
		return
	}
	l := label.Figures
	row("  labelled True", l["label_true_known_true"], l["label_true_known_false"])
	row("  labelled False", l["label_false_known_true"], l["label_false_known_false"])
	row("  without a label", l["label_undecided_known_true"], l["label_undecided_known_false"])
	agree := l["label_true_known_true"] + l["label_false_known_false"]
	all := agree + l["label_true_known_false"] + l["label_false_known_true"]
	if all > 0 {
		f.printf("labels that agree: %s of %s (%.1f%%)\n", thousands(agree), thousands(all), 100*float64(agree)/float64(all))
	}
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
