package synth

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// misses returns the near misses of a truth that are proven wrong, by kind.
func misses(t *testing.T, truth, question string) map[string][]string {
	t.Helper()
	r, ok := readAnswer(truth)
	if !ok {
		return nil
	}
	proven := map[string][]string{}
	for _, c := range changesOf(&r, question) {
		if r.provenWrong(c.answer) && !slices.Contains(proven[c.kind], c.answer) {
			proven[c.kind] = append(proven[c.kind], c.answer)
		}
	}
	return proven
}

func TestNearMisses(t *testing.T) {
	for _, c := range []struct {
		truth, question, kind string
		want                  string // one of the kind
	}{
		{"5", "", "sign", "-5"}, {"-5", "", "sign", "5"}, {"$5$", "", "sign", "$-5$"}, {`\boxed{5}`, "", "sign", `\boxed{-5}`}, {"x = 4", "", "sign", "x = -4"}, {`\$2.50`, "", "sign", `-\$2.50`}, {`-\$0.50`, "", "sign", `\$0.50`},
		{"x^2-10x+41", "", "sign", "x^2+10x+41"}, {"2 - \\sqrt{3}", "", "sign", `2 + \sqrt{3}`}, {"2^{-3}", "", "sign", "2^{3}"}, {`\frac{-3}{4}`, "", "sign", `\frac{3}{4}`}, {"(-2,5,-1)", "", "sign", "(-2,-5,-1)"},
		{`\left( -\frac{1}{4}, -2 \right)`, "", "sign", `\left( \frac{1}{4}, -2 \right)`}, {`(-\infty, -7)\cup(-4, 3)`, "", "sign", `(-\infty, -7)\cup(-4, -3)`}, {"f(x)=2x+1", "", "sign", "f(x)=2x-1"},
		{"9", "", "off_by_one", "10"}, {"10", "", "off_by_one", "9"}, {"12", "", "off_by_one", "13"}, {`25 \text{ ft}`, "", "off_by_one", `24 \text{ ft}`}, {`\frac{1}{6}`, "", "off_by_one", `\frac{1}{7}`}, {`1,\!000`, "", "off_by_one", `1,\!001`},
		{"28\\%", "", "off_by_one", "29\\%"}, {`80^\circ`, "", "off_by_one", `81^\circ`}, {"2^{8}", "", "off_by_one", "2^{9}"}, {`\{1,2\}`, "", "off_by_one", `\{1,3\}`}, {"x_1 = 3", "", "off_by_one", "x_1 = 4"}, {"81\\text{ teachers}", "", "off_by_one", `82\text{ teachers}`},
		{"2.7", "", "digit", "2.8"}, {"1,234", "", "digit", "1,534"}, {"187.5", "", "digit", "287.5"}, {"135", "", "digit", "235"},
		{"0,1", "", "lost_solution", "0"}, {`x=2 \text{ or } x=-3`, "", "lost_solution", "x=2"}, {`\{1, 2, 3\}`, "", "lost_solution", `\{2, 3\}`}, {`\pm 3`, "", "lost_solution", "3"}, {`2\pm\sqrt{3}`, "", "lost_solution", `2-\sqrt{3}`},
		{"4, -2 + 3i, -2 - 3i", "", "lost_solution", "4, -2 + 3i"}, {`(-\infty,-8)\cup (8,\infty)`, "", "lost_solution", `(8,\infty)`}, {`x < 1 \text{ or } x > 3`, "", "lost_solution", "x > 3"}, {"x=1 or x=2", "", "lost_solution", "x=2"},
		{`[1,2)`, "", "interval_end", "(1,2)"}, {`(-\infty,0]`, "", "interval_end", `(-\infty,0)`}, {`\left[\frac{1}{2}, \frac{4}{3}\right]`, "", "interval_end", `\left(\frac{1}{2}, \frac{4}{3}\right]`}, {"x > 5", "", "interval_end", "x >= 5"},
		{`-3 < x \le 2`, "", "interval_end", `-3 < x < 2`}, {`k<-5`, "", "interval_end", "k<=-5"}, {`x \geq 3`, "", "interval_end", "x > 3"}, {`x \in (1,3]`, "", "interval_end", `x \in (1,3)`},
		{`25 \text{ ft}`, "", "unit", `25 \text{ yd}`}, {`25 \text{ km}`, "", "unit", `25000 \text{ km}`}, {`16 \text{ cm}^2`, "", "unit", `16 \text{ m}^2`}, {"25 cm", "", "unit", "25 m"}, {`60 \text{ degrees}`, "", "unit", `60 \text{ radians}`},
		{`\frac{2}{3}`, "", "reciprocal", `\frac{3}{2}`}, {`-\tfrac34`, "", "reciprocal", `-\tfrac43`}, {`\frac{360}7`, "", "reciprocal", `\frac7{360}`}, {"3/4", "", "reciprocal", "4/3"}, {"2:3", "", "reciprocal", "3:2"},
		{`\frac{2}{3}\pi`, "", "swapped_fraction", `\frac{3}{2}\pi`}, {`1\frac{4}{5}`, "", "swapped_fraction", `1\frac{5}{4}`}, {`-\frac{1}{12}`, "", "reciprocal", "-12"},
		{"x^2 + 3x + C", "", "dropped_constant", "x^2 + 3x"}, {"21y+14", "", "dropped_constant", "21y"}, {`4\pi - 2\sqrt{3}`, "", "dropped_constant", `4\pi`},
		{`9\pi`, "", "dropped_factor", "9"}, {`3\sqrt{2}`, "", "dropped_factor", "3"},
		{"(15,-11)", "At what point do they meet?", "reordered_tuple", "(-11,15)"}, {`\begin{pmatrix} 7 \\ -2 \end{pmatrix}`, "", "reordered_tuple", `\begin{pmatrix} -2 \\ 7 \end{pmatrix}`},
		{`\text{(C)}`, "(A) 1 (B) 2 (C) 3", "option", `\text{(A)}`}, {"Yes", "", "opposite", "No"}, {`\text{odd}`, "", "opposite", `\text{even}`},
		{`\begin{pmatrix} 1 & 0 \\ 0 & -1 \end{pmatrix}`, "", "sign", `\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}`},
	} {
		if got := misses(t, c.truth, c.question); !slices.Contains(got[c.kind], c.want) {
			t.Errorf("%q: no %s %q among %q", c.truth, c.kind, c.want, got)
		}
	}
}

// TestNoNearMisses lists changes that may be right.
func TestNoNearMisses(t *testing.T) {
	for _, c := range []struct{ truth, question, kind string }{
		{"0", "", "sign"}, {`\{0\}`, "", "sign"}, {`\pm 3`, "", "sign"}, {"-3, 3", "", "reordered_tuple"}, {`\frac{1}{1}`, "", "reciprocal"}, {`\frac{-3}{-3}`, "", "reciprocal"}, {"1:1", "", "reciprocal"},
		{"0 cm", "", "unit"}, {`0 \text{ km}`, "", "unit"}, {"(3,3)", "the point", "reordered_tuple"}, {"(3,5)", "What are the two numbers?", "reordered_tuple"}, {`\{3,5\}`, "ordered", "reordered_tuple"}, {"2,2", "", "lost_solution"},
		{"x^2 + 3 + C", "", "off_by_one"}, {"x^2 + 3 + C", "", "sign"}, {"x^2 + 3 + c", `Find \int 2x dx`, "off_by_one"}, {`\pi + 2k\pi`, "", "sign"}, {"x = k\\pi, k \\in \\mathbb{Z}", "", "sign"}, {"(1,2)", "", "interval_end"},
		{`(-\infty,\infty)`, "", "interval_end"}, {"101_2", "", "digit"}, {"n > 2.5", "", "digit"}, {"n > 2.5", "", "interval_end"}, {"2x - 3y + 1 = 0", "", "sign"}, {"no solution", "", "sign"}, {"Albert", "", "sign"}, {`0^3`, "", "sign"},
		{`x \equiv 3 \pmod{7}`, "", "off_by_one"}, {`0.\overline{3}`, "", "digit"}, {`\begin{pmatrix} 2 & 1 \\ 1 & 2 \end{pmatrix}`, "", "reordered_tuple"}, {`\frac{0}{5}`, "", "reciprocal"}, {`\sqrt{x^2}`, "", "lost_solution"}, {"7", "How many eggs are there?", "sign"}, {"25 cm", "", "sign"}, {"3", "Give one possible value of x.", "off_by_one"},
		{`(2,\frac{11\pi}{5})`, "Convert to polar coordinates.", "digit"}, {`1\frac{1}{2}`, "", "swapped_fraction"},
	} {
		if got := misses(t, c.truth, c.question); len(got[c.kind]) > 0 {
			t.Errorf("%q: %s %q may be right", c.truth, c.kind, got[c.kind])
		}
	}
	// Of what is produced from these, nothing equals them in value.
	for _, c := range [][2]string{{`5\cdot 0`, `6\cdot 0`}, {`(1,2)\cup[2,3)`, `(1,2]\cup[2,3)`}, {`\{2,3\}`, `\{3,2\}`}, {"x=2 or x=3", "x=3 or x=2"}, {"1:2", "2:4"}, {`\frac{1}{2}`, `\frac{2}{4}`}, {"x < 2", "2 > x"}, {"100 cm", "1 m"}, {`(1,3)`, `(1,3)`}} {
		a, aOK := readAnswer(c[0])
		b, bOK := readAnswer(c[1])
		if !aOK || !bOK {
			t.Errorf("%q or %q is not read", c[0], c[1])
		}
		if differ(&a, &b) {
			t.Errorf("%q and %q are said to differ", c[0], c[1])
		}
	}
}

// TestNearMissesOfNumbers: near misses of sets and fractions of whole numbers are
// never equal to them, by exact arithmetic on a reader of its own.
func TestNearMissesOfNumbers(t *testing.T) {
	number := regexp.MustCompile(`(-?)\s*(?:\\frac\{(-?\d+)\}\{(-?\d+)\}|(\d+))`)
	set := func(s string) []string {
		var elements []string
		for _, m := range number.FindAllStringSubmatch(s, -1) {
			text := m[4]
			if text == "" {
				text = m[2] + "/" + m[3]
			}
			v, ok := new(big.Rat).SetString(strings.Replace(text, "/-", "/", 1))
			if !ok {
				return nil
			}
			if strings.Contains(text, "/-") {
				v.Neg(v)
			}
			if m[1] == "-" {
				v.Neg(v)
			}
			if e := v.RatString(); !slices.Contains(elements, e) {
				elements = append(elements, e)
			}
		}
		slices.Sort(elements)
		return elements
	}
	made := 0
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.IntRange(-30, 30)
		positive := rapid.IntRange(1, 30)
		var elements []string
		for range rapid.IntRange(1, 3).Draw(t, "elements") {
			if rapid.Bool().Draw(t, "fraction") {
				elements = append(elements, fmt.Sprintf(`\frac{%d}{%d}`, whole.Draw(t, "p"), positive.Draw(t, "q")))
			} else {
				elements = append(elements, fmt.Sprint(whole.Draw(t, "n")))
			}
		}
		truth := rapid.SampledFrom([]string{"%s", `\{%s\}`, "$%s$", `\boxed{%s}`}).Draw(t, "form")
		truth = fmt.Sprintf(truth, strings.Join(elements, ", "))
		r, ok := readAnswer(truth)
		if !ok {
			t.Fatalf("%q is not read", truth)
		}
		changes := nearMisses(&r, "", draw(1, "test", truth))
		for _, c := range changes[:min(len(changes), 10)] {
			if !r.provenWrong(c.answer) {
				continue
			}
			made++
			if got := set(c.answer); got == nil || slices.Equal(got, set(truth)) {
				t.Fatalf("%s: %q of %q is right", c.kind, c.answer, truth)
			}
		}
	})
	if made < 300 {
		t.Errorf("only %d near misses: this test looks at nothing", made)
	}
}

// FuzzReadAnswer: no text differs from itself, however it is dressed, and making
// near misses of it ends.
func FuzzReadAnswer(f *testing.F) {
	for _, s := range []string{`\frac{1}{2}`, "(1,2]", `x=2 \text{ or } x=-3`, `\{1,2\}`, "2:3", `\pm 3`, `25 \text{ cm}^2`, `-3 < x \le 2`, `\begin{pmatrix} 1 \\ 2 \end{pmatrix}`, `(-\infty,1)\cup(2,3]`, "x^2+C", `\$2.50`, `\text{(C)}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, truth string) {
		r, ok := readAnswer(truth)
		if !ok {
			return
		}
		for _, same := range []string{truth, " " + truth + " ", "$" + truth + "$"} {
			if r.provenWrong(same) {
				t.Errorf("%q is said to differ from %q", same, truth)
			}
		}
		for _, c := range changesOf(&r, "the point") {
			if c.answer == truth && r.provenWrong(c.answer) {
				t.Errorf("%s changes nothing in %q", c.kind, truth)
			}
		}
	})
}
