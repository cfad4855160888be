package sim

import (
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorld(t *testing.T) {
	w := &World{Seed: 3}
	questions := map[string]bool{}
	for i := range 2800 { // 200 of each family
		p := w.problem(i)
		if len(p.right) < 4 || len(p.wrong) < 4 {
			t.Fatalf("problem %d has %d right and %d wrong forms: %+v", i, len(p.right), len(p.wrong), p)
		}
		if p.right[0] != p.truth {
			t.Errorf("problem %d: the ground truth %q is not the first right form", i, p.truth)
		}
		all := append(slices.Clone(p.right), p.wrong...)
		for j, form := range all {
			if form != strings.TrimSpace(form) || form == "" || slices.Contains(all[:j], form) {
				t.Errorf("problem %d: form %q is blank, padded or repeated", i, form)
			}
			correct, known := w.Truth(i, " "+form+"\n")
			if !known || correct != (j < len(p.right)) {
				t.Errorf("problem %d: Truth(%q) = %v, %v", i, form, correct, known)
			}
		}
		if correct, known := w.Truth(i, "an answer nobody gives"); correct || known {
			t.Errorf("problem %d knows an answer nobody gives", i)
		}
		if questions[p.question] {
			t.Errorf("question %q occurs twice", p.question)
		}
		questions[p.question] = true
		if n, ok := tagged(p.question); !ok || n != i {
			t.Errorf("question %q is tagged %d, %v", p.question, n, ok)
		}
		if diff := cmp.Diff(w.Problem(i), (&World{Seed: 3}).Problem(i)); diff != "" {
			t.Errorf("problem %d is not a function of seed and number:\n%s", i, diff)
		}
		if row := w.Problem(i); !row.Simulated || !strings.HasPrefix(row.Source, "simulated/") {
			t.Errorf("problem %d is not marked: %+v", i, row)
		}
	}
	if a, b := w.problem(5).question, (&World{Seed: 4}).problem(5).question; a == b {
		t.Errorf("two seeds make the same problem %q", a)
	}
}

// TestNumericFormsAreTrue evaluates what can be evaluated, independently of how
// the forms were made.
func TestNumericFormsAreTrue(t *testing.T) {
	w := &World{Seed: 11}
	evaluated := map[bool]int{}
	for i := range 2800 {
		p := w.problem(i)
		want, ok := evaluate(p.truth)
		if !ok {
			continue
		}
		for _, form := range p.right {
			if got, ok := evaluate(form); ok {
				evaluated[true]++
				if math.Abs(got-want) > 1e-9*math.Abs(want) {
					t.Errorf("problem %d (%s): the right form %q is %v, not %v", i, p.family, form, got, want)
				}
			}
		}
		for _, form := range p.wrong {
			if got, ok := evaluate(form); ok {
				evaluated[false]++
				if math.Abs(got-want) < 1e-9*math.Abs(want) {
					t.Errorf("problem %d (%s): the wrong form %q is %v as well", i, p.family, form, got)
				}
			}
		}
	}
	if evaluated[true] < 2000 || evaluated[false] < 2000 {
		t.Errorf("only %v forms were evaluated", evaluated)
	}
}

var (
	reFraction = regexp.MustCompile(`^(-?)(\d*)\\d?frac\{(\d+)\}\{(\d+)\}$`)
	reRatio    = regexp.MustCompile(`^(-?\d+)(?:/| \\div |:| : )(\d+)$`)
	reRoot     = regexp.MustCompile(`^(-?\d*)(?: |\\cdot | \\cdot | \\times )?\\sqrt\{(\d+)\}$`)
	rePi       = regexp.MustCompile(`^(\d+) ?\\pi$`)
	rePercent  = regexp.MustCompile(`^(-?\d+) ?\\?%$`)
	rePlain    = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
)

// evaluate reads the plainest numeric forms only.
func evaluate(s string) (float64, bool) {
	num := func(s string) float64 {
		if s == "" {
			return 1
		}
		x, _ := new(big.Rat).SetString(s)
		f, _ := x.Float64()
		return f
	}
	switch {
	case rePlain.MatchString(s):
		return num(s), true
	case reFraction.MatchString(s):
		m := reFraction.FindStringSubmatch(s)
		x := num(m[3]) / num(m[4])
		if m[2] != "" {
			x += num(m[2])
		}
		if m[1] == "-" {
			x = -x
		}
		return x, true
	case reRatio.MatchString(s):
		m := reRatio.FindStringSubmatch(s)
		return num(m[1]) / num(m[2]), true
	case reRoot.MatchString(s):
		m := reRoot.FindStringSubmatch(s)
		if m[1] == "-" {
			return -math.Sqrt(num(m[2])), true
		}
		return num(m[1]) * math.Sqrt(num(m[2])), true
	case rePi.MatchString(s):
		return num(rePi.FindStringSubmatch(s)[1]) * math.Pi, true
	case rePercent.MatchString(s):
		return num(rePercent.FindStringSubmatch(s)[1]) / 100, true
	}
	return 0, false
}

func TestLenient(t *testing.T) {
	for _, c := range []struct {
		truth, answer string
		want          bool
	}{
		{"4", "4", true}, {"4", "4.00", true}, {"4", "$4$", true}, {"4", `4 \text{ cm}`, true}, {"4", "The answer is 4", true}, {"4", "x = 4", true}, {"4", "4.", true},
		{"4", "5", false}, {"4", "-4", false}, {"4", "40", false}, {"4", "", false}, {"", "", false}, {"4", "four", false}, {"4", "1/4", false}, {"4", `\boxed{4}`, true},
		{`\frac{3}{4}`, "0.75", true}, {`\frac{3}{4}`, "3/4", true}, {`\dfrac{3}{4}`, `\frac{6}{8}`, true}, {`\frac{3}{4}`, `\frac{4}{3}`, false}, {`\frac{3}{4}`, "3", false}, {"0.5", ".5", true},
		{"1200", `\$1,200`, true}, {"1200", "$1,200.00", true}, {"10{,}000", "10,000", true}, {"10{,}000", "10000", true}, {"1200", "1,201", false}, {"1,234,567", "1234567", true},
		{`12\%`, "12%", true}, {`12\%`, "12", true}, {`12\%`, "13%", false}, {"45^\\circ", "45", true}, {"90°", "90", true},
		{"-2,3", `x=3 \text{ or } x=-2`, true}, {"-2,3", "3, -2", true}, {"-2,3", "2,3", false}, {"-2,3", "3", false}, {`\{1,2\}`, "2,1", true},
		{"(-2,3)", "(3,-2)", false}, {"(-2,3)", "(-2, 3)", true}, {"[1,2)", "(1,2)", false}, {"[1,2)", "[1, 2)", true}, {`\left[1,2\right)`, "[1,2)", true},
		{"f(x)=2x+1", "2x+1", true}, {"f(x)=2x+1", "f(x) = 2 x + 1", true}, {"f(x)=2x+1", "2x-1", false}, {`\text{Alice}`, "Alice", true}, {`\text{Alice}`, "Bob", false}, {`x \le 3`, `x\leq3`, true},
		{"x/0", "0", false}, {"1/0", "1/0", true}, {"1/0", "2", false},
	} {
		if got := Lenient(c.truth, c.answer); got != c.want {
			t.Errorf("Lenient(%q, %q) = %v", c.truth, c.answer, got)
		}
	}
}

func FuzzLenient(f *testing.F) {
	f.Add("4", "4.0")
	f.Add(`\frac{1}{0}`, `\frac{1}{0}`)
	f.Add("-2,3", `x=3 \text{ or } x=-2`)
	f.Add(strings.Repeat("9", 100), "1/"+strings.Repeat("0", 70))
	f.Fuzz(func(t *testing.T, truth, answer string) {
		Lenient(truth, answer)
		// What is there is right against itself.
		if p := plain(truth); p != "" && !Lenient(truth, truth) {
			t.Errorf("%q is not equal to itself", truth)
		}
	})
}
