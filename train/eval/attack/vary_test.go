package attack

import (
	"testing"

	"pgregory.net/rapid"

	"tinyv/train/eval/bench"
)

func TestVary(t *testing.T) {
	for _, c := range []struct{ variant, truth, answer, want string }{
		{Sentence, "5", "x=5", "The answer is x=5."},
		{SentenceFirst, "5", `\frac{10}{2}`, `\frac{10}{2} is the answer.`},
		{Sentence, "5", "The answer is 5", ""},
		{Sentence, "5", "First we see that.\nThen 5", ""},
		{Sentence, "5", "It is five.", ""},
		{Sentence, "5", "{}", ""},
		{Spaced, "f(x)=2x", "f(x)=2x", "f(x) = 2x"},
		{Spaced, "f(x)=2x", "f(x) = 2x + 1", "f(x)=2x+1"},
		{Spaced, "f(x)=2x", "a<b", "a < b"},
		{Spaced, "f(x)=2x", "a<=b", ""},
		{Spaced, "f(x)=2x", "a->b", ""},
		{Spaced, "f(x)=2x", "x-axis", ""},
		{Spaced, "f(x)=2x", "1,234", ""},
		{Spaced, "f(x)=2x", "1e+5", ""},
		{Spaced, "f(x)=2x", `x=\frac{1}{2}`, `x = \frac{1}{2}`},
		{Dollars, "5", "x^2", "$x^2$"},
		{Dollars, "5", "$x^2$", "x^2"},
		{Dollars, "5", "$x$ and $y$", ""},
		{Dollars, "5", `\$5`, ""},
		{Dollars, "5", "50%", ""},
		{Dollars, "5", "$5", ""},
		{Dollars, "5", "no solution", ""},
		{Named, "x=5", "5", "x = 5"},
		{Named, "$x = 5$", "x=6", "6"},
		{Named, "x=5", "y=5", ""},
		{Named, "5", "5", ""},
		{Named, "x=5", "5, 6", ""},
		{Named, "x=5,y=6", "5", ""},
		{Named, "f(x)=2x", "2x", ""},
		{Swapped, "5", "5.0", "5"},
	} {
		row := bench.Row{ID: "1", GroundTruth: c.truth, Answer: c.answer, Label: true, Category: "c"}
		got, ok := Vary(c.variant, row)
		if ok != (c.want != "") || got.Answer != c.want {
			t.Errorf("%s of %q for %q: %q, %v, want %q", c.variant, c.answer, c.truth, got.Answer, ok, c.want)
		}
		if ok && (!got.Label || got.Category != "c" || got.ID != "1") {
			t.Errorf("%s changed more: %+v", c.variant, got)
		}
	}
	if got, _ := Vary(Swapped, bench.Row{GroundTruth: "5", Answer: "6"}); got.GroundTruth != "6" || got.Answer != "5" || got.Label {
		t.Errorf("swapped: %+v", got)
	}
}

func TestVaryKeepsTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row, name := rowsOf(t), rapid.SampledFrom(Variants()).Draw(t, "variant")
		got, ok := Vary(name, row)
		if !ok {
			return
		}
		want := row
		want.Answer, want.GroundTruth = got.Answer, got.GroundTruth
		if got != want || name != Swapped && got.GroundTruth != row.GroundTruth || got.Answer == row.Answer && name != Swapped {
			t.Fatalf("%s made %+v of %+v", name, got, row)
		}
	})
}
