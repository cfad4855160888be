package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tinyv/internal/interval"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest/golden"
)

var annotators = []Annotator{{Name: "a"}, {Name: "b"}, {Name: "c", Samples: 2}}

// vote is one vote; said is y, n, or else the reason of no verdict.
func vote(annotator, said string, usd float64) rows.AnnotatorVote {
	v := rows.AnnotatorVote{Annotator: annotator, Reason: said, PromptTokens: 100, CompletionTokens: 10, CostUSD: &usd}
	switch said {
	case "y":
		v.Correct = new(true)
	case "n":
		v.Correct = new(false)
	}
	return v
}

func row(problem, source, origin, answer string, label *bool, votes ...rows.AnnotatorVote) rows.Annotation {
	return rows.Annotation{ProblemID: problem, Source: source, Origin: origin, Answer: answer, Label: label, Votes: votes}
}

// example is a small run whose every figure can be counted by hand.
func example() []rows.Annotation {
	yes, no := new(true), new(false)
	all := []rows.Annotation{
		row("1", "x", rows.OriginSampled, "12", yes, vote("a", "y", 1e-3), vote("b", "y", 2e-3)),
		row("1", "x", rows.OriginSampled, "a longer answer", no, vote("a", "n", 1e-3), vote("b", "n", 2e-3)),
		row("2", "x", rows.OriginSampled, "7", nil, vote("a", "y", 1e-3), vote("b", "n", 2e-3), vote("c", "y", 0), vote("c", "n", 0)),
		row("2", "x", rows.OriginSampled, "8", no, vote("a", "n", 1e-3), vote("b", "n", 2e-3)),
		row("1", "y", rows.OriginSampled, "π", nil, vote("a", "parse_error: no verdict", 1e-3), vote("b", "n", 2e-3)),
		row("3", "", rows.OriginSampled, strings.Repeat("9", 1000), no, vote("a", "n", 1e-3), vote("b", "content_filter: \x1b[31m", 2e-3), vote("c", "n", 0)),
		row("3", "y", rows.OriginAcceptance, "4", no, vote("a", "n", 1e-3), vote("b", "n", 2e-3)),
		row("3", "y", rows.OriginAcceptance, "5", yes, vote("a", "y", 1e-3), vote("b", "y", 2e-3)),
		row("3", "y", rows.OriginHardening, "True", no),
		row("3", "y", rows.OriginNearMiss, "-5", no, vote("a", "n", 1e-3), vote("b", "n", 2e-3)),
	}
	all[0].Category, all[0].CategoryLLM = "formatting.unit", "formatting.unit"
	all[7].Category, all[7].CategoryLLM = "formatting.unit", "numeric.rounding"
	all[0].KnownCorrect, all[1].KnownCorrect, all[2].KnownCorrect = yes, yes, no
	all[8].Kind, all[9].Kind = "fake_verdict", "sign"
	all[9].Simulated = true
	return all
}

var before = Before{Questions: 10, Responses: 40, Rejected: 6, Accepted: 34}

func collect(t testing.TB, all []rows.Annotation) *Stats {
	t.Helper()
	c := New(annotators)
	for i := range all {
		if err := c.Add(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return c.Stats(before)
}

func TestGolden(t *testing.T) {
	s := collect(t, example())
	text, data := new(bytes.Buffer), []byte(nil)
	data, err := s.JSON()
	if err == nil {
		err = s.Table(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "stats.json", string(data))
	golden.Compare(t, "table.txt", text.String())
}

// What the golden files hold is counted by hand here.
func TestFigures(t *testing.T) {
	s := collect(t, example())
	share := func(p interval.Proportion) string { return fmt.Sprintf("%d/%d", p.K, p.N) }
	for _, c := range []struct{ name, got, want string }{
		{"false negatives", share(s.Rule.FalseNegatives), "1/4"},
		{"their questions", share(s.Rule.FalseNegativeQuestions), "1/3"}, // x1, x2 and 3; y1 has no label
		{"of all questions", share(s.QuestionsOfAll), "1/10"},
		{"false positives", share(s.Rule.FalsePositives), "1/2"},
		{"source x", share(s.Sources[1].FalseNegativeQuestions), "1/2"},
		{"a and b agree", share(s.Pairs[0].Agree), "6/7"},
		{"a and b agree, all", share(s.Pairs[0].AgreeAll), "6/9"},
		{"a and b", fmt.Sprint(s.Pairs[0].Matrix), "[[2 1 0] [0 4 1] [0 1 0]]"},
		{"a and c", fmt.Sprint(s.Pairs[1].Matrix), "[[0 0 1] [0 1 0] [0 0 0]]"}, // one y and one n is no decision
		{"Fleiss", fmt.Sprint(s.Fleiss.Raters, s.Fleiss.Rows), "2 7"},
		{"Fleiss, decided", fmt.Sprint(s.Decided.Raters, s.Decided.Rows), "2 8"},
		{"why a", fmt.Sprint(s.Annotators[0].UndecidedReasons), "map[parse_error:1]"},
		{"why b", fmt.Sprint(s.Annotators[1].UndecidedReasons), "map[content_filter:1]"},
		{"precision", share(s.Known.TruePrecision) + " " + share(s.Known.FalsePrecision), "1/1 0/1"},
		{"recall", share(s.Known.TrueRecall) + " " + share(s.Known.FalseRecall), "1/2 0/1"},
		// 9 rows asked about, c would take 2 calls of each and took 3.
		{"saved", fmt.Sprint(s.Cost.Calls, s.Cost.SavedCalls, s.Cost.RowsAsked, s.Cost.RowsLabelled), "21 15 9 7"},
		{"cost", fmt.Sprintf("%.3f", *s.Cost.USD), "0.027"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

func TestUnknownAnnotator(t *testing.T) {
	c := New(annotators)
	stranger := row("p", "", rows.OriginSampled, "1", nil, vote("a", "y", 0), vote("d", "y", 0))
	if err := c.Add(&stranger); err == nil || !strings.Contains(err.Error(), `"d"`) {
		t.Errorf("the error is %v", err)
	}
	if s := c.Stats(Before{}); s.Rows != 0 || s.Annotators[0].Asked != 0 {
		t.Errorf("the refused row is counted: %+v", s)
	}
}

// A price that is missing makes the sum unknown; a vote without a reply costs nothing.
func TestUnpriced(t *testing.T) {
	free := rows.AnnotatorVote{Annotator: "a", Reason: "gave_up: 503"}
	unpriced := rows.AnnotatorVote{Annotator: "b", Correct: new(true), PromptTokens: 1}
	s := collect(t, []rows.Annotation{row("p", "", rows.OriginSampled, "1", nil, free, unpriced)})
	if s.Annotators[0].CostUSD == nil || s.Annotators[1].CostUSD != nil || s.Cost.USD != nil || s.Cost.Unpriced != 1 {
		t.Errorf("%+v %+v", s.Annotators, s.Cost)
	}
}

// A column that is no source must not fill memory or the file.
func TestTooManySources(t *testing.T) {
	c := New(nil)
	for i := range 3 * maxNames {
		a := row("p", fmt.Sprint(i), rows.OriginSampled, "1", new(true))
		if err := c.Add(&a); err != nil {
			t.Fatal(err)
		}
	}
	if s := c.Stats(Before{}); len(s.Sources) != 0 || s.Rule.FalseNegatives.K != 3*maxNames || s.Rule.FalseNegativeQuestions.N != 3*maxNames {
		t.Errorf("%d sources, %+v", len(s.Sources), s.Rule)
	}
}

// In whatever order rows come, the bytes are the same; and there is always JSON,
// which NaN would not be.
func TestOrder(t *testing.T) {
	label := rapid.Custom(func(t *rapid.T) *bool {
		return rapid.SampledFrom([]*bool{nil, new(true), new(false)}).Draw(t, "label")
	})
	word := func(words ...string) *rapid.Generator[string] { return rapid.SampledFrom(words) }
	ballot := rapid.Custom(func(t *rapid.T) rows.AnnotatorVote {
		v := vote(word("a", "b", "c").Draw(t, "annotator"), word("y", "n", "parse_error: x", "what?").Draw(t, "said"), rapid.Float64Range(0, 0.01).Draw(t, "usd"))
		if rapid.IntRange(0, 20).Draw(t, "unpriced") == 0 {
			v.CostUSD = nil
		}
		return v
	})
	annotation := rapid.Custom(func(t *rapid.T) rows.Annotation {
		origin := word(rows.OriginSampled, rows.OriginSampled, rows.OriginAcceptance, rows.OriginSynthetic).Draw(t, "origin")
		a := row(word("1", "2", "3").Draw(t, "problem"), word("", "x").Draw(t, "source"), origin, rapid.StringN(0, 30, -1).Draw(t, "answer"),
			label.Draw(t, "label"), rapid.SliceOfN(ballot, 0, 4).Draw(t, "votes")...)
		a.KnownCorrect, a.Category, a.CategoryLLM = label.Draw(t, "known"), word("", "k", "l").Draw(t, "category"), word("", "k").Draw(t, "llm")
		return a
	})
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.SliceOfN(annotation, 0, 20).Draw(rt, "rows")
		want, err := collect(t, all).JSON()
		if err != nil {
			rt.Fatal(err)
		}
		if !json.Valid(want) {
			rt.Fatalf("no JSON: %s", want)
		}
		got, err := collect(t, rapid.Permutation(all).Draw(rt, "shuffled")).JSON()
		if err != nil || !bytes.Equal(got, want) {
			rt.Fatalf("%v\n%s\nin another order:\n%s", err, want, got)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	all := example()
	c := New(annotators)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := c.Add(&all[i%len(all)]); err != nil {
			b.Fatal(err)
		}
	}
}
