package balance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tinyv/balance/decontaminate"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/internal/stagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseRatio(t *testing.T) {
	for in, want := range map[string]string{
		"1:1": "1:1", "1:3": "1:3", "0.2": "1:5", "2": "2:1", "0.5:1": "1:2", "2:4": "1:2", " 1 : 1 ": "1:1", "all": "all", "0.001:1": "1:1000",
	} {
		if r, err := ParseRatio(in); err != nil || r.String() != want {
			t.Errorf("ParseRatio(%q) = %v, %v; want %s", in, r, err, want)
		}
	}
	for _, in := range []string{
		"", "0", "0:1", "1:0", "0:0", "-1", "1:1:1", "x", "0x10", "1_0", "1e9999", "NaN", "Inf", "1/2", "99999999999999999999:1", "0.12345678:1",
	} {
		if r, err := ParseRatio(in); err == nil {
			t.Errorf("ParseRatio(%q) = %v, want an error", in, r)
		}
	}
}

var yes, no = func() (*bool, *bool) { t, f := true, false; return &t, &f }()

func row(question, answer string, label *bool) rows.Annotation {
	a := rows.Annotation{ProblemID: question, Question: question, GroundTruth: "1", Answer: answer, Label: label, Origin: rows.OriginSampled, LabelReason: "unanimous"}
	if label == nil {
		a.LabelReason = "voter_undecided"
	}
	return a
}

// labelled returns the directory of a finished label stage with so many rows in a part.
func labelled[T any](t testing.TB, in []T, perPart int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "label")
	s, _, err := manifest.Begin(dir, "label", nil, nil, []string{"annotations-*"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := rows.Create[T](dir, "annotations", "parquet", perPart)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range in {
		if err := w.Write(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Finish(w.Files(), map[string]*manifest.Counts{"responses": {In: int64(len(in)), Out: int64(len(in))}}, nil, nil, false); err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t testing.TB, in []rows.Annotation, o Options) (*manifest.Manifest, []rows.Example, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "balance")
	m, err := Run(t.Context(), stagetest.Env(), dir, labelled(t, in, 0), o)
	if err != nil {
		return nil, nil, err
	}
	return m, stagetest.Read[rows.Example](t, dir), nil
}

// many makes so many rows, each of a question of its own.
func many(n int, change func(i int, a *rows.Annotation)) []rows.Annotation {
	in := make([]rows.Annotation, n)
	for i := range in {
		in[i] = row(fmt.Sprintf("question %s", words(i)), "2", no)
		change(i, &in[i])
	}
	return in
}

// words are the digits of a number as words, so that no question is nearly another.
func words(n int) string {
	var s strings.Builder
	for _, digit := range fmt.Sprint(n) {
		fmt.Fprintf(&s, "%c%c%c ", 'a'+digit-'0', 'k'+digit-'0', 'p'+digit-'0')
	}
	return strings.TrimSpace(s.String())
}

func TestRun(t *testing.T) {
	disagreed := row("q9", "9", nil)
	disagreed.LabelReason = "disagreed"
	in := []rows.Annotation{
		row("q1", "a", yes), row("q1", "a", yes), // a duplicate
		row("q1", "b", yes),
		row("q2", "a", yes), row("q2", "a", no), row("Q2.", "$a$", no), // a conflict, in two forms
		row("q3", "a", no), row("q4", "a", no), row("$q4$", "a", no), row("q5", "a", no),
		row("q6", "a", nil), disagreed,
	}
	m, got, err := run(t, in, Options{Seed: 1, Ratio: "1:1"})
	if err != nil {
		t.Fatal(err)
	}
	want := &manifest.Counts{In: 12, Out: 4, Dropped: map[string]int64{
		"duplicate": 1, "duplicate_normalised": 1, "conflicting_labels": 3, "undecided": 1, "disagreed": 1, "down_sampled": 1,
	}}
	if diff := cmp.Diff(want, m.Rows["annotations"]); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	labels := map[bool]int{}
	for _, e := range got {
		labels[e.Label]++
		if e.Question == "q2" || e.Question == "q6" || e.Question == "q9" {
			t.Errorf("a row without a sound label was chosen: %+v", e)
		}
		if e.Question == "q1" && (e.FalseNegatives != 3 || e.Rejections != 3) {
			t.Errorf("%d false negatives of %d rejections, want 3 of 3", e.FalseNegatives, e.Rejections)
		}
	}
	if labels[true] != 2 || labels[false] != 2 {
		t.Errorf("%d True and %d False, want 2 and 2", labels[true], labels[false])
	}
}

// Every column comes through, and the reasons are the annotators' own.
func TestExampleIsTheAnnotation(t *testing.T) {
	a := rows.Annotation{
		ProblemID: "p", Source: "s", Domain: []string{"Algebra", ""}, Question: "q é\x00", GroundTruth: "g", Sample: -3, Answer: "a", Extracted: "x", Rule: "prime",
		Votes: []rows.AnnotatorVote{
			{Annotator: "1", Correct: no, Reason: "no"}, {Annotator: "2", Reason: "?"}, {Annotator: "3", Correct: yes},
			{Annotator: "4", Correct: yes, Reason: strings.Repeat("é", 3000)}, {Annotator: "5", Correct: yes, Reason: "later"},
		},
		Label: yes, LabelReason: "majority", Origin: rows.OriginSynthetic, Kind: "k", Category: "c", CategoryLLM: "l", Extra: `{"a":1}`, Simulated: true,
	}
	_, got, err := run(t, []rows.Annotation{a}, Options{Ratio: "all"})
	if err != nil {
		t.Fatal(err)
	}
	want := []rows.Example{{
		ProblemID: "p", Source: "s", Domain: []string{"Algebra", ""}, Question: "q é\x00", GroundTruth: "g", Sample: -3, Answer: "a", Label: true,
		Reason: strings.Repeat("é", 2000), ReasonAgainst: "no", Origin: rows.OriginSynthetic, Kind: "k", Category: "c",
		Split: rows.SplitTrain, Extra: `{"a":1}`, Simulated: true,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The published set: its counts come out exactly, from a larger pool.
func TestPublishedShares(t *testing.T) {
	t.Parallel()
	const scale = 8 // one eighth of the published set
	in := many(25_000, func(i int, a *rows.Annotation) {
		if i%4 == 0 {
			a.Origin = rows.OriginSynthetic
		}
		if i%8 > 3 {
			a.Label = yes
		}
	})
	in = append(in, in[:100]...)
	m, _, err := run(t, in, Options{Seed: 7, Ratio: "1:1", Total: 159_136 / scale, Shares: map[string]float64{"sampled": 139_432, "synthetic": 19_704}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"train": 19_892, "train_true": 9_946, "train_false": 9_946, "train_sampled": 17_429, "train_synthetic": 2_463} {
		if m.Figures[name] != want {
			t.Errorf("%s is %d, want %d", name, m.Figures[name], want)
		}
	}
	if m.Rows["annotations"].Dropped["duplicate"] != 100 {
		t.Errorf("dropped %v", m.Rows["annotations"].Dropped)
	}
}

func TestStrategies(t *testing.T) {
	// 60 True and 20 False of source a, 10 True and 30 False of b, 5 True of c.
	in := many(125, func(i int, a *rows.Annotation) {
		switch {
		case i < 80:
			a.Source = "a"
			if i < 60 {
				a.Label = yes
			}
		case i < 120:
			a.Source = "b"
			if i < 90 {
				a.Label = yes
			}
		default:
			a.Source, a.Label = "c", yes
		}
		if a.Label == yes {
			a.Category = []string{"", "units", "form", "form", "form"}[i%5]
		}
		if i%2 == 0 && a.Label == no {
			a.Origin = rows.OriginNearMiss
		}
	}) // 75 True: 45 form, 15 units, 15 unclassified; 50 False, 25 of them near misses
	for _, c := range []struct {
		name    string
		o       Options
		figures map[string]int64
		dropped map[string]int64
	}{
		{"down", Options{Ratio: "1:1"}, map[string]int64{"train_true": 50, "train_false": 50}, map[string]int64{"down_sampled": 25}},
		{"down, 1:3", Options{Ratio: "1:3"}, map[string]int64{"train_true": 16, "train_false": 48}, map[string]int64{"down_sampled": 61}},
		{"down, a total that the ratio does not divide", Options{Ratio: "1:3", Total: 50}, map[string]int64{"train_true": 13, "train_false": 37}, map[string]int64{"down_sampled": 75}},
		{"all", Options{Ratio: "all"}, map[string]int64{"train_true": 75, "train_false": 50}, map[string]int64{}},
		{"all, a total", Options{Ratio: "all", Total: 30}, map[string]int64{"train": 30}, map[string]int64{"down_sampled": 95}},
		{"all, shares", Options{Ratio: "all", Shares: map[string]float64{"near_miss": 1, "sampled": 3}}, map[string]int64{"train_near_miss": 25, "train_sampled": 76}, map[string]int64{"down_sampled": 24}},
		{"shares with a kind that is False only", Options{Ratio: "1:1", Shares: map[string]float64{"near_miss": 1, "sampled": 4}},
			map[string]int64{"train_true": 42, "train_near_miss": 17, "train_sampled": 67}, map[string]int64{"down_sampled": 41}},
		{"an origin left out", Options{Ratio: "1:1", Shares: map[string]float64{"sampled": 1, "near_miss": 0}},
			map[string]int64{"train_true": 25, "train_false": 25}, map[string]int64{"origin_not_asked": 25, "down_sampled": 50}},
		{"up", Options{Ratio: "1:1", Strategy: "up"}, map[string]int64{"train_true": 75, "train_false": 75, "copies": 25}, map[string]int64{}},
		{"up, 1:3", Options{Ratio: "1:3", Strategy: "up"}, map[string]int64{"train_true": 75, "train_false": 225, "copies": 175}, map[string]int64{}},
		{"up, shares", Options{Ratio: "1:1", Strategy: "up", Shares: map[string]float64{"sampled": 3, "near_miss": 1}},
			map[string]int64{"train_true": 75, "train_false": 75, "train_near_miss": 38, "copies": 25}, nil},
		{"up, a total", Options{Ratio: "1:1", Strategy: "up", Total: 120}, map[string]int64{"train_true": 60, "train_false": 60, "copies": 10}, map[string]int64{"down_sampled": 15}},
		{"by source", Options{Ratio: "1:1", Strategy: "by_source"}, map[string]int64{"train_true": 30, "train_false": 30}, map[string]int64{"source_unbalanced": 5, "down_sampled": 60}},
		{"by source, a total", Options{Ratio: "1:1", Strategy: "by_source", Total: 30}, map[string]int64{"train_true": 15, "train_false": 15}, map[string]int64{"source_unbalanced": 5, "down_sampled": 90}},
		{"by category as they are", Options{Ratio: "2:1", Strategy: "by_category"}, map[string]int64{"train_true": 74, "train_false": 37}, map[string]int64{"down_sampled": 14}},
		{"by category, flat", Options{Ratio: "1:1", Strategy: "by_category", Temperature: 1e6}, map[string]int64{"train_true": 46, "train_false": 46}, map[string]int64{"down_sampled": 33}},
		{"by category, flat, a total", Options{Ratio: "1:1", Strategy: "by_category", Temperature: 1e6, Total: 100}, map[string]int64{"train_true": 50, "train_false": 50}, map[string]int64{"down_sampled": 25}},
		{"cap per source", Options{Ratio: "1:1", MaxPerSource: 30}, map[string]int64{"train_true": 30, "train_false": 30}, map[string]int64{"max_per_source": 60, "down_sampled": 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, got, err := run(t, in, c.o)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.figures {
				if m.Figures[name] != want {
					t.Errorf("%s is %d, want %d; all: %v", name, m.Figures[name], want, m.Figures)
				}
			}
			if c.dropped != nil && !cmp.Equal(c.dropped, m.Rows["annotations"].Dropped) {
				t.Errorf("dropped %v, want %v", m.Rows["annotations"].Dropped, c.dropped)
			}
			tally := map[string]int{}
			for _, e := range got {
				tally[fmt.Sprint(e.Source, e.Label)]++
				if e.Label {
					tally[e.Category]++
				}
			}
			switch c.name {
			case "by source", "by source, a total":
				for _, s := range []string{"a", "b"} {
					if tally[s+"true"] != tally[s+"false"] || tally[s+"true"] == 0 {
						t.Errorf("source %s is not balanced: %v", s, tally)
					}
				}
			case "by category, flat":
				if tally["form"] != 16 || tally["units"] != 15 || tally[""] != 15 {
					t.Errorf("classes %v", tally)
				}
			case "by category, flat, a total": // two classes give all they have
				if tally["form"] != 20 || tally["units"] != 15 || tally[""] != 15 {
					t.Errorf("classes %v", tally)
				}
			}
		})
	}
}

// Copies are spread evenly, numbered without gaps, and are no neighbours only.
func TestCopies(t *testing.T) {
	in := many(110, func(i int, a *rows.Annotation) {
		if i < 7 {
			a.Label = yes
		}
	})
	_, got, err := run(t, in, Options{Seed: 3, Ratio: "1:1", Strategy: StrategyUp})
	if err != nil {
		t.Fatal(err)
	}
	copies := map[string][]int32{}
	neighbours := 0
	for i, e := range got {
		copies[e.Question] = append(copies[e.Question], e.Copy)
		if i > 0 && got[i-1].Question == e.Question {
			neighbours++
		}
	}
	if len(copies) != 110 || len(got) != 206 || neighbours > 30 {
		t.Errorf("%d questions in %d rows, %d of them beside a copy", len(copies), len(got), neighbours)
	}
	for q, numbers := range copies {
		slices.Sort(numbers)
		if n := len(numbers); int(numbers[n-1]) != n-1 || n != 1 && n != 14 && n != 15 {
			t.Errorf("%s has the copies %v", q, numbers)
		}
	}
}

func TestMaxPerProblem(t *testing.T) {
	var in []rows.Annotation
	for i := range 40 { // 38 False and 2 True sampled, then near misses
		a := row("q", fmt.Sprint(i), no)
		if i < 2 {
			a.Label = yes
		} else if i > 35 {
			a.Origin = rows.OriginNearMiss
		}
		in = append(in, a)
	}
	m, got, err := run(t, in, Options{Ratio: "2:5", MaxPerProblem: 7})
	if err != nil {
		t.Fatal(err)
	}
	tally := map[string]int{}
	for _, e := range got {
		tally[fmt.Sprint(e.Label, e.Origin)]++
		if e.FalseNegatives != 2 || e.Rejections != 36 {
			t.Errorf("%d false negatives of %d rejections, want 2 of 36: they count the whole pool", e.FalseNegatives, e.Rejections)
		}
	}
	if m.Rows["annotations"].Dropped["max_per_problem"] != 33 || tally["truesampled"] != 2 || tally["falsesampled"] < 2 || tally["falsenear_miss"] < 2 {
		t.Errorf("kept %v, dropped %v", tally, m.Rows["annotations"].Dropped)
	}
}

// TestReply leaves out the rows of which there can be no reply, and meets the ratio
// with the others. They are compared with the rest first: a label that is in doubt
// stays so.
func TestReply(t *testing.T) {
	in := many(200, func(i int, a *rows.Annotation) {
		if a.Label = no; i%2 == 0 {
			a.Label = yes
		}
		if i%4 != 1 { // half of the False rows have no reason
			a.Votes = []rows.AnnotatorVote{{Correct: a.Label, Reason: "it is so"}}
		}
	})
	conflict := row("conflict", "5", no) // without a reason
	other := row("conflict", "5", yes)
	other.Votes = []rows.AnnotatorVote{{Correct: yes, Reason: "it is so"}}
	twin := row("twin", "5", yes) // without a reason, and the same as one with
	same := row("twin", "5", yes)
	same.Votes = other.Votes
	in = append(in, conflict, other, twin, same)
	reply := &Reply{Name: "reasoning", Unusable: func(reason string, _ bool) string {
		if reason == "" {
			return "no_reason"
		}
		return ""
	}}
	m, got, err := run(t, in, Options{Ratio: "1:1", EvalShare: 0.2, Reply: reply})
	if err != nil {
		t.Fatal(err)
	}
	dropped := m.Rows["annotations"].Dropped
	if dropped["no_reason"] != 51 || dropped["conflicting_labels"] != 2 || dropped["duplicate"] != 0 || m.Figures["train_true"] != m.Figures["train_false"] || m.Figures["train"] < 60 {
		t.Errorf("dropped %v, figures %v", dropped, m.Figures)
	}
	for _, e := range got {
		if e.Reason == "" || e.Question == "conflict" {
			t.Errorf("%+v", e)
		}
	}
	if _, all, err := run(t, in, Options{Ratio: "1:1"}); err != nil || len(all) != 200 {
		t.Errorf("without: %d rows, %v", len(all), err)
	}
}

// TestLimitsAreFilledInTheRatio has sources, or questions, with both labels and more
// rows than they may have.
func TestLimitsAreFilledInTheRatio(t *testing.T) {
	const sources = 60
	in := func(trues, falses int, question func(source, row int) string) (in []rows.Annotation) {
		for s := range sources {
			for i := range trues + falses {
				a := row(question(s, i), fmt.Sprint(i), no)
				if a.Source = fmt.Sprint("s", s); i < trues {
					a.Label = yes
				}
				if i%2 == 1 {
					a.Origin = rows.OriginNearMiss
				}
				in = append(in, a)
			}
		}
		return in
	}
	ofSource := func(s, i int) string { return words(100*s+i) + " of a source" }
	ofQuestion := func(s, _ int) string { return words(s) + " of all" }
	for _, c := range []struct {
		name               string
		trues, falses      int
		question           func(int, int) string
		o                  Options
		wantTrue, wantLess int64 // True rows, and by how many the seed may move them
		wantAll            int64
	}{
		{"one of a source", 3, 3, ofSource, Options{Ratio: "1:1", MaxPerSource: 1}, 30, 0, 60},
		{"one of a source, seldom True", 3, 3, ofSource, Options{Ratio: "1:4", MaxPerSource: 1}, 12, 0, 60},
		{"three of a source", 5, 5, ofSource, Options{Ratio: "1:1", MaxPerSource: 3}, 90, 0, 180},
		{"four of a source", 5, 5, ofSource, Options{Ratio: "1:3", MaxPerSource: 4}, 60, 0, 240},
		{"a source that lacks True", 1, 9, ofSource, Options{Ratio: "1:1", Strategy: StrategyUp, MaxPerSource: 4}, 180, 0, 360}, // 60, each three times, and 180
		{"as the labels come", 8, 2, ofSource, Options{Ratio: "all", MaxPerSource: 5}, 240, 0, 300},
		{"one of a question", 3, 3, ofQuestion, Options{Ratio: "all", MaxPerProblem: 1}, 30, 15, 60},
		{"four of a question", 6, 6, ofQuestion, Options{Ratio: "1:3", MaxPerProblem: 4}, 60, 0, 240},
		{"five of a question, as the labels come", 8, 2, ofQuestion, Options{Ratio: "all", MaxPerProblem: 5}, 240, 0, 300},
	} {
		drawn := map[string]bool{}
		for seed := range int64(3) {
			c.o.Seed = seed
			m, got, err := run(t, in(c.trues, c.falses, c.question), c.o)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if trues, all := m.Figures["train_true"], m.Figures["train"]; trues < c.wantTrue-c.wantLess || trues > c.wantTrue+c.wantLess || all != c.wantAll {
				t.Errorf("%s, seed %d: %d True of %d rows, want %d of %d", c.name, seed, trues, all, c.wantTrue, c.wantAll)
			}
			origins := map[string]int{}
			var which strings.Builder
			for _, e := range got {
				origins[e.Origin]++
				if e.Source == "s0" {
					fmt.Fprint(&which, e.Label, e.Answer, " ")
				}
			}
			drawn[which.String()] = true
			if min(origins[rows.OriginSampled], origins[rows.OriginNearMiss]) < len(got)/5 {
				t.Errorf("%s, seed %d: of origins %v", c.name, seed, origins)
			}
		}
		if len(drawn) < 2 {
			t.Errorf("%s: every seed draws %v of a source", c.name, drawn)
		}
	}
}

// Questions of a held-out source are held out whatever other source has them, and
// in whatever written form.
func TestHeldOut(t *testing.T) {
	in := many(60, func(i int, a *rows.Annotation) {
		a.Source = fmt.Sprint("s", i%3)
		if i%2 == 0 {
			a.Label = yes
		}
	})
	shared := row("Find $x+1$.", "3", yes)
	shared.Source = "s1"
	again := row("find x + 1", "4", no)
	again.Source = "s0"
	m, got, err := run(t, append(in, shared, again), Options{Ratio: "1:1", HeldOutSources: []string{"s0"}, EvalShare: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range got {
		if (e.Source == "s0") != (e.Split == rows.SplitHeldOut) && e.Question != shared.Question {
			t.Errorf("source %s is in %s", e.Source, e.Split)
		}
		if e.Question == shared.Question || e.Question == again.Question {
			found++
			if e.Split != rows.SplitHeldOut {
				t.Errorf("%q is in %s", e.Question, e.Split)
			}
		}
	}
	if f := m.Figures; f["held_out"] == 0 || f["eval"] == 0 || f["train"] == 0 || f["held_out_true"] != f["held_out_false"] || f["eval_true"] != f["eval_false"] {
		t.Errorf("figures %v", f)
	}
	if found == 0 {
		t.Error("neither form of the question came through; the test shows nothing")
	}
}

// A split to evaluate on that has one label only keeps all of its rows; one that has
// both keeps as many of each, whatever the ratio of the train split.
func TestEvaluation(t *testing.T) {
	in := many(100, func(i int, a *rows.Annotation) {
		a.Source = fmt.Sprint("s", i%2)
		if i%2 == 0 && i < 20 {
			a.Label = yes
		}
	})
	for source, want := range map[string][2]int64{"s1": {0, 50}, "s0": {10, 10}} {
		m, _, err := run(t, append(in, many(40, func(i int, a *rows.Annotation) {
			a.Question, a.Label = fmt.Sprint("other ", words(i)), []*bool{yes, no}[i%2]
		})...), Options{Ratio: "1:3", HeldOutSources: []string{source}})
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]int64{m.Figures["held_out_true"], m.Figures["held_out_false"]}; got != want {
			t.Errorf("%s held out: %v True and False, want %v", source, got, want)
		}
	}
}

func TestNearDuplicates(t *testing.T) {
	long := "A train leaves the station at noon and travels with a speed of sixty miles per hour towards the next town which is so far away that it arrives there late in the evening of the same day; how far away is that town"
	in := []rows.Annotation{row(long, "2", no), row(strings.Replace(long, "late in", "in", 1), "2", no), row(strings.Replace(long, "station", "depot", 1), "2", yes)}
	in = append(in, many(10, func(i int, a *rows.Annotation) { a.Label = yes })...)
	near := &NearDuplicates{Threshold: 0.6, Seed: 1}
	m, _, err := run(t, in, Options{Ratio: "all", NearDuplicates: near})
	if err != nil {
		t.Fatal(err)
	}
	if d := m.Rows["annotations"].Dropped; d["conflicting_labels"] != 3 || m.Figures["near_duplicate_clusters"] != 1 {
		t.Errorf("dropped %v, %v", d, m.Figures)
	}
	in[2].Label = no
	m, _, err = run(t, in, Options{Ratio: "all", NearDuplicates: near})
	if err != nil {
		t.Fatal(err)
	}
	if d := m.Rows["annotations"].Dropped; d["near_duplicate"] != 2 || m.Figures["questions"] != 11 {
		t.Errorf("dropped %v, %v", d, m.Figures)
	}
	in[1].GroundTruth = "5" // another ground truth is another row, in the same split
	for seed := range int64(5) {
		_, got, err := run(t, in, Options{Seed: seed, Ratio: "all", EvalShare: 0.5, NearDuplicates: near})
		if err != nil {
			t.Fatal(err)
		}
		splits := map[string]bool{}
		for _, e := range got {
			if strings.HasPrefix(e.Question, "A train") {
				splits[e.Split] = true
			}
		}
		if len(splits) != 1 {
			t.Errorf("near duplicates are in the splits %v", splits)
		}
	}
}

func TestDecontaminate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.jsonl")
	if err := os.WriteFile(path, []byte(`{"problem": "What is one plus one?"}`+"\n"+`{"problem": "Compute the largest prime factor of eighty four thousand and six in base ten"}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	in := append(many(10, func(i int, a *rows.Annotation) { a.Label = yes }),
		row("What is one plus one?", "3", no), row("what is ONE plus one", "4", no), row("what is ONE plus one", "4", no))
	o := Options{Ratio: "all", Decontaminate: &Decontamination{Benchmarks: []decontaminate.Benchmark{{Name: "bench", Path: path}}}}
	labels := labelled(t, in, 0)
	dir := filepath.Join(t.TempDir(), "balance")
	m, err := Run(t.Context(), stagetest.Env(), dir, labels, o)
	if err != nil {
		t.Fatal(err)
	}
	if m.Rows["annotations"].Dropped["contaminated"] != 3 || m.Figures["contaminated_questions"] != 1 || m.Figures["train"] != 10 {
		t.Errorf("dropped %v, %v", m.Rows["annotations"].Dropped, m.Figures)
	}
	kinds := map[string]int{}
	for _, c := range stagetest.Read[Contaminated](t, filepath.Join(dir, ContaminatedFile)) {
		kinds[c.Kind]++
		if c.Benchmark != "bench" || c.BenchmarkRow != 1 || c.Overlap != 1 {
			t.Errorf("listed %+v", c)
		}
	}
	if kinds["exact"] != 1 || kinds["normalised"] != 2 {
		t.Errorf("listed %v", kinds)
	}
	if got := stagetest.Read[rows.Example](t, dir); len(got) != 10 {
		t.Errorf("%d examples; is the list read as a part?", len(got))
	}

	// A moved benchmark is the same; another content is not.
	moved := filepath.Join(t.TempDir(), "moved.jsonl")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	o.Decontaminate.Benchmarks[0].Path = moved
	if m, err = Run(t.Context(), stagetest.Env(), dir, labels, o); err != nil || !m.Skipped {
		t.Errorf("a moved benchmark: skipped %v, %v", m, err)
	}
	if err := os.WriteFile(moved, []byte(`{"problem": "Something else"}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if m, err = Run(t.Context(), stagetest.Env(), dir, labels, o); err != nil || m.Skipped || m.Figures["contaminated_questions"] != 0 {
		t.Errorf("a changed benchmark: %v, %v", m, err)
	}
}

// What cannot be met says which rows are missing, what there is, and what can be done.
func TestImpossible(t *testing.T) {
	none := many(4, func(i int, a *rows.Annotation) {})
	mixed := many(100, func(i int, a *rows.Annotation) { // 20 True and 60 False sampled, 20 False near misses
		if i < 20 {
			a.Label = yes
		} else if i >= 80 {
			a.Origin = rows.OriginNearMiss
		}
	})
	for _, c := range []struct {
		name string
		in   []rows.Annotation
		o    Options
		want []string
	}{
		{"one class", none[:2], Options{Ratio: "1:3"}, []string{"missing: 1 True, 1 False", "0 True and 2 False", "balance.ratio"}},
		{"no label", []rows.Annotation{row("q1", "a", nil)}, Options{Ratio: "all"}, []string{"no row with a label"}},
		{"no rows", nil, Options{Ratio: "1:1"}, []string{"no row with a label"}},
		{"a large total", mixed, Options{Ratio: "1:1", Total: 60}, []string{"60 rows in the ratio 1:1 (30 True and 30 False)", "missing: 10 True.", "20 True and 80 False", "Lower balance.total to 40"}},
		{"a large total of all", mixed, Options{Ratio: "all", Total: 101}, []string{"missing: 1 (True or False)", "Lower balance.total to 100"}},
		{"a total below the ratio", mixed, Options{Ratio: "1:9", Total: 3}, []string{"one label only", "10 at least"}},
		{"an origin that is not there", mixed, Options{Ratio: "1:1", Shares: map[string]float64{"sampled": 1, "synthetic": 1}}, []string{"missing: 1 synthetic (True or False)", "20 True and 60 False sampled, 0 True and 0 False synthetic"}},
		{"too few of an origin", mixed, Options{Ratio: "1:1", Total: 40, Shares: map[string]float64{"sampled": 9, "hardening": 1}}, []string{"36 sampled", "missing: 4 hardening (True or False)"}},
		{"too many that are never True", mixed, Options{Ratio: "3:1", Total: 20, Shares: map[string]float64{"sampled": 1, "near_miss": 1}}, []string{"missing: 5 True near_miss", "10 near_miss and 10 sampled"}},
		{"too many that are never False", many(100, func(i int, a *rows.Annotation) {
			if i < 50 {
				a.Label, a.Origin = yes, rows.OriginSynthetic
			}
		}), Options{Ratio: "1:3", Total: 20, Shares: map[string]float64{"sampled": 1, "synthetic": 1}}, []string{"missing: 5 False synthetic"}},
		{"nothing to repeat", none, Options{Ratio: "1:1", Strategy: "up"}, []string{"missing: any True"}},
		{"no origin to repeat", mixed, Options{Ratio: "1:1", Strategy: "up", Shares: map[string]float64{"near_miss": 1}}, []string{"missing: any True near_miss"}},
		{"no source with both", none, Options{Ratio: "1:1", Strategy: "by_source"}, []string{"no source has 1 True and 1 False"}},
		{"sources, a large total", mixed, Options{Ratio: "1:1", Strategy: "by_source", Total: 50}, []string{"missing: 10", "There can be 40"}},
		{"classes, no True row", none, Options{Ratio: "1:1", Strategy: "by_category"}, []string{"missing: 1 True"}},
		{"classes, a large total", mixed, Options{Ratio: "1:1", Strategy: "by_category", Total: 50}, []string{"missing: 5 True", "Lower balance.total to 40"}},
	} {
		_, _, err := run(t, c.in, c.o)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error lacks %q:\n%v", c.name, want, err)
			}
		}
	}
}

func TestBadOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"balance.ratio: ratio \"0\"":              {Ratio: "0"},
		"balance.ratio: ratio \"\"":               {},
		"balance.strategy: \"sideways\"":          {Ratio: "1:1", Strategy: "sideways"},
		"balance.strategy: up needs a ratio":      {Ratio: "all", Strategy: "up"},
		"balance.total: -1":                       {Ratio: "1:1", Total: -1},
		"balance.max_per_problem: -2":             {Ratio: "1:1", MaxPerProblem: -2},
		"balance.max_per_source: -3":              {Ratio: "1:1", MaxPerSource: -3},
		"balance.eval_share: NaN":                 {Ratio: "1:1", EvalShare: math.NaN()},
		"balance.eval_share: 1 ":                  {Ratio: "1:1", EvalShare: 1},
		"balance.held_out_sources":                {Ratio: "1:1", HeldOutSources: []string{""}},
		"balance.temperature: 2 means nothing":    {Ratio: "1:1", Temperature: 2},
		"balance.temperature: NaN":                {Ratio: "1:1", Strategy: "by_category", Temperature: math.NaN()},
		"balance.temperature: +Inf":               {Ratio: "1:1", Strategy: "by_category", Temperature: math.Inf(1)},
		"balance.temperature: -1":                 {Ratio: "1:1", Strategy: "by_category", Temperature: -1},
		"balance.shares.sampled: NaN":             {Ratio: "1:1", Shares: map[string]float64{"sampled": math.NaN()}},
		"balance.shares.sampled: +Inf":            {Ratio: "1:1", Shares: map[string]float64{"sampled": math.Inf(1)}},
		"balance.shares.sampled: -0.5":            {Ratio: "1:1", Shares: map[string]float64{"sampled": -0.5}},
		"balance.shares: \"sampeld\" is no":       {Ratio: "1:1", Shares: map[string]float64{"sampeld": 1}},
		"balance.shares: gives no":                {Ratio: "1:1", Shares: map[string]float64{"sampled": 0}},
		"balance.shares: cannot be met":           {Ratio: "1:1", Strategy: "by_source", Shares: map[string]float64{"sampled": 1}},
		"balance.near_duplicates.threshold: 0":    {Ratio: "1:1", NearDuplicates: &NearDuplicates{}},
		"balance.near_duplicates.threshold: NaN":  {Ratio: "1:1", NearDuplicates: &NearDuplicates{Threshold: math.NaN()}},
		"balance.decontaminate: benchmark absent": {Ratio: "1:1", Decontaminate: &Decontamination{Benchmarks: []decontaminate.Benchmark{{Name: "absent", Path: "nowhere.jsonl"}}}},
	} {
		if _, _, err := run(t, many(4, func(i int, a *rows.Annotation) { a.Label = []*bool{yes, no}[i%2] }), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("wanted %q: %v", name, err)
		}
	}
}

// Labels that are missing or of another type, and two schemas in one directory,
// are errors that name file and column, and leave nothing behind.
func TestBadInput(t *testing.T) {
	type withoutLabel struct {
		Question string `parquet:"question"`
	}
	type otherLabel struct {
		ProblemID   string   `parquet:"problem_id"`
		Source      string   `parquet:"source"`
		Domain      []string `parquet:"domain,list"`
		Question    string   `parquet:"question"`
		GroundTruth string   `parquet:"ground_truth"`
		Sample      int32    `parquet:"sample"`
		Answer      string   `parquet:"answer"`
		Votes       []vote   `parquet:"votes,list"`
		Label       *string  `parquet:"label,optional"`
		LabelReason string   `parquet:"label_reason"`
		Origin      string   `parquet:"origin"`
		Kind        string   `parquet:"kind"`
		Category    string   `parquet:"category"`
		Extra       string   `parquet:"extra"`
		Simulated   bool     `parquet:"simulated"`
	}
	mixed := labelled(t, many(10, func(int, *rows.Annotation) {}), 0)
	w, err := rows.CreateFile[otherLabel](filepath.Join(mixed, "annotations-00001.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(otherLabel{}), w.Close()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir  string
		want []string
	}{
		"no labels":     {labelled(t, []withoutLabel{{"q"}}, 0), []string{"annotations-00000.parquet", `no column "`}},
		"another type":  {labelled(t, []otherLabel{{}}, 0), []string{"annotations-00000.parquet", `column "label"`, "string", "bool"}},
		"two schemas":   {mixed, []string{"annotations-00001.parquet", `column "label"`}},
		"no such stage": {t.TempDir(), []string{"no finished stage"}},
	} {
		out := filepath.Join(t.TempDir(), "balance")
		_, err := Run(t.Context(), stagetest.Env(), out, c.dir, Options{Ratio: "all", NearDuplicates: &NearDuplicates{Threshold: 0.8}})
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error lacks %q:\n%v", name, want, err)
			}
		}
		leftOnly(t, out, manifest.Name)
	}
}

// leftOnly checks what files a directory has.
func leftOnly(t testing.TB, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("%s was left in the output directory", e.Name())
		}
	}
}

func TestInterrupted(t *testing.T) {
	labels := labelled(t, many(2000, func(i int, a *rows.Annotation) { a.Label = []*bool{yes, no}[i%2] }), 0)
	out := filepath.Join(t.TempDir(), "balance")
	env := stagetest.Env()
	stop := make(chan struct{})
	close(stop)
	env.Stop = stop
	o := Options{Ratio: "1:1", NearDuplicates: &NearDuplicates{Threshold: 0.8}}
	if _, err := Run(t.Context(), env, out, labels, o); !errors.Is(err, stage.ErrInterrupted) || strings.Contains(err.Error(), "--in") {
		t.Errorf("asked to stop: %v", err)
	}
	leftOnly(t, out, manifest.Name)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, stagetest.Env(), out, labels, o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	leftOnly(t, out, manifest.Name)

	// What a killed run leaves does not stay.
	if err := errors.Join(os.WriteFile(filepath.Join(out, ".spool-1"), nil, 0o644), os.MkdirAll(filepath.Join(out, nearDir, "near-1"), 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), stagetest.Env(), out, labels, o); err != nil {
		t.Error(err)
	}
	leftOnly(t, out, manifest.Name, "examples-00000.parquet")

	// Files of others are no reason to delete them.
	foreign := filepath.Join(t.TempDir(), "theirs")
	if err := errors.Join(os.Mkdir(foreign, 0o755), os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), stagetest.Env(), foreign, labels, o); err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a directory with files of others: %v", err)
	}
	leftOnly(t, foreign, "thesis.tex")
}

// Texts that break naive joining, hashing and normalising: all of them come
// through to the letter, and none is taken for another.
func TestHostileTexts(t *testing.T) {
	texts := []string{
		"x", "x\x00", "\x00x", "a\nb", "<|im_end|>", `{"a":"b"}`, strings.Repeat("long ", 20_000), "é", "e\u0301x", "\u202eabc", "\ufeff", "，", "½", "\\", "$", "$$", "{", "}}", "'", "\"", "1,234", "1234", "日本語",
		strings.Repeat("{", 5000), strings.Repeat("\\frac", 5000), strings.Repeat("𝔸", 1000), strings.Repeat("\u0301", 1000),
	}
	var in []rows.Annotation
	for i, q := range texts {
		for k, answer := range []string{"x", "x ", "y\x00z", texts[(i+1)%len(texts)]} {
			a := row("question "+words(i)+q, answer, []*bool{yes, no}[k/2])
			a.ProblemID, a.Source, a.Extra = q, q, q
			in = append(in, a)
		}
	}
	_, got, err := run(t, in, Options{Ratio: "all", MaxPerSource: 100, NearDuplicates: &NearDuplicates{Threshold: 0.9}})
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{}
	for _, a := range in {
		wanted[a.Question+"\xff"+a.Answer+"\xff"+a.Source+"\xff"+a.Extra] = true
	}
	for _, e := range got {
		if !wanted[e.Question+"\xff"+e.Answer+"\xff"+e.Source+"\xff"+e.Extra] {
			t.Errorf("a text was changed: %.40q", e.Question)
		}
	}
	if len(got) < 2*len(texts) {
		t.Errorf("%d rows of %d", len(got), len(in))
	}
}

// files returns the content of the data files of a stage, one after the other.
func files(t testing.TB, dir string) []byte {
	t.Helper()
	var all bytes.Buffer
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if filepath.Base(path) == manifest.Name {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&all, filepath.Base(path))
		all.Write(data)
	}
	return all.Bytes()
}

// TestTakesOnlyLabels would else remove what it is to read, where both are one
// directory.
func TestTakesOnlyLabels(t *testing.T) {
	dir := stagetest.Finished(t, stageName, ExamplesStem, []rows.Example{{Question: "q"}}, nil, nil)
	_, err := Run(t.Context(), stagetest.Env(), dir, dir, Options{Ratio: "1:1"})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--in") {
		t.Errorf("error is %v, want one that names the directory and the flag", err)
	}
	if _, err := manifest.Require(dir); err != nil {
		t.Errorf("the stage that was there is gone: %v", err)
	}
}

// TestRemovesWhatAKilledRunLeft has a run without near duplicates come after a
// killed one with them.
func TestRemovesWhatAKilledRunLeft(t *testing.T) {
	label := labelled(t, []rows.Annotation{row("a", "1", yes), row("b", "2", no)}, 0)
	dir := filepath.Join(t.TempDir(), "balance")
	if _, err := Run(t.Context(), stagetest.Env(), dir, label, Options{Ratio: "1:1", Seed: 1}); err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(dir, nearDir, "near-1")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(scratch, "keys"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), stagetest.Env(), dir, label, Options{Ratio: "1:1", Seed: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, nearDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("temporary files of the killed run are still there (%v)", err)
	}
}

// TestHoldsOutQuestionsWithoutLabel has a question of a held-out source whose own
// row there got no label, and another source that has it, too.
func TestHoldsOutQuestionsWithoutLabel(t *testing.T) {
	in := many(40, func(i int, a *rows.Annotation) { a.Label = []*bool{yes, no}[i%2] })
	for _, of := range in[:6] {
		unlabelled := row("$"+strings.ToUpper(of.Question)+"$", "9", nil)
		unlabelled.Source = "olympiads"
		in = append(in, unlabelled)
	}
	_, got, err := run(t, in, Options{Ratio: "1:1", HeldOutSources: []string{"olympiads"}})
	if err != nil {
		t.Fatal(err)
	}
	splits := map[string]int{}
	for _, e := range got {
		splits[e.Split]++
		if i := slices.IndexFunc(in, func(a rows.Annotation) bool { return a.Question == e.Question }); (i < 6) != (e.Split == rows.SplitHeldOut) {
			t.Errorf("question %d is in split %s", i, e.Split)
		}
	}
	if splits[rows.SplitHeldOut] != 6 || splits[rows.SplitTrain] != 34 {
		t.Errorf("rows by split: %v", splits)
	}
}

// TestWarnsOfSourcesThatAreNot: a misspelt name would put the source that is meant
// into the train split.
func TestWarnsOfSourcesThatAreNot(t *testing.T) {
	in := many(4, func(i int, a *rows.Annotation) { a.Label, a.Source = []*bool{yes, no}[i%2], []string{"a", "b"}[i/2] })
	var log bytes.Buffer
	env := stagetest.Env()
	env.Log = slog.New(slog.NewTextHandler(&log, nil))
	o := Options{Ratio: "1:1", HeldOutSources: []string{"a", "olympiad"}}
	if _, err := Run(t.Context(), env, filepath.Join(t.TempDir(), "balance"), labelled(t, in, 0), o); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "held_out_sources") != 1 || !strings.Contains(text, "source=olympiad") {
		t.Errorf("the log is %s", text)
	}
}

// TestEvaluatesOneLabel has a limit per source leave one label alone in a split,
// whose rows are then kept as where there is no other.
func TestEvaluatesOneLabel(t *testing.T) {
	groups := []group{{split: rows.SplitEval, source: "a", label: true}, {split: rows.SplitEval, source: "a"}}
	var log bytes.Buffer
	p := newPlanner(Options{MaxPerSource: 1}, evenly, evenly, groups, []int64{5, 5}, slog.New(slog.NewTextHandler(&log, nil)))
	quotas := int64(0)
	for _, c := range p.plan.cells {
		quotas += c.quota
	}
	if quotas != 1 || !strings.Contains(log.String(), "rows of one label only") {
		t.Errorf("%d rows are kept, and the log is %q", quotas, log.String())
	}
}

// Rows that nothing tells apart which decides: the one that is taken, and every
// byte of the set, does not depend on which of them comes first.
func TestAlikeInAllThatDecides(t *testing.T) {
	in := many(60, func(i int, a *rows.Annotation) { a.Label = []*bool{yes, no}[i%2] })
	for i := range 20 {
		again := in[i]
		again.Extra, again.Domain = fmt.Sprint("extra ", i), []string{"a"}
		again.Votes = []rows.AnnotatorVote{{Correct: again.Label, Reason: fmt.Sprint("because ", i)}}
		in = append(in, again)
	}
	m, got, err := run(t, in, Options{Ratio: "1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 60 || m.Rows["annotations"].Dropped[reasonDuplicate] != 20 {
		t.Fatalf("%d rows, %v", len(got), m.Rows["annotations"])
	}
	slices.Reverse(in)
	_, reversed, err := run(t, in, Options{Ratio: "1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, reversed); diff != "" {
		t.Error(diff)
	}
}
