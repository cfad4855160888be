package question

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tinyv/internal/rows"
	"tinyv/internal/shareddata"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"Find $x+1$.":                            "find x + 1",
		"find x + 1":                             "find x + 1",
		`Find the sum of \( x + 1 \) carefully!`: "find the sum of x + 1 carefully",
		"What is $\\dfrac{1}{2}+\\frac12$?":      `what is \frac 1 2 + \frac 1 2`,
		`\frac{12}{5}`:                           `\frac { 12 } 5`,
		`90^\circ, 90°, 90^{\circ}`:              `90 ^ \circ , 90 ^ \circ , 90 ^ \circ`,
		`$6\text{cm}$ by 6 cm`:                   "6 cm by 6 cm",
		`\left( \frac{\pi}{2} \right]`:           `( \frac \pi 2 ]`,
		`x \leqslant 3, x≤3, x <= 3, x \le 3`:    `x \le 3 , x \le 3 , x \le 3 , x \le 3`,
		"2³ 23 2^3 x₁₂":                          "2 ^ 3 23 2 ^ 3 x _ { 12 }",
		"3½":                                     `3 \frac 1 2`,
		"1,234 1234 1, 234":                      "1 , 234 1234 1 , 234",
		"In triangle ABC, AB = 5.":               "in triangle abc ab = 5",
		"well-known six–inch pipes - the first":  "well known six inch pipes the first",
		"5-3 and x-axis":                         "5 - 3 and x - axis",
		"5! is hard! f'(x)":                      "5 ! is hard f ' ( x )",
		"Express $S$ in terms of $s$":            "express S in terms of s",
		"A train and a car":                      "a train and a car",
		`1, 2, \ldots, 9; 1,2,...,9 1,2,…,9`:     "1 , 2 , ... , 9 ; 1 , 2 , ... , 9 1 , 2 , ... , 9",
		`the set \{1,2\}`:                        `the set \{ 1 , 2 \}`,
		`is \_\_\_\_ or ______.`:                 "is _ or _",
		`\\(x\\) is \mathbb{R}^{+}`:              `x is \mathbb r ^ +`,
		`Tom’s "word" “y”`:                       "tom s word y",
		"Ｆｉｎｄ　ｘ＋１":                               "find x + 1",
		"Δ and δ, \\Delta":                       `\Delta and \delta , \Delta`,
		`$\$5$ costs $5\%$`:                      "5 costs 5 %",
		`\sin x = sin(x)`:                        "sin x = sin ( x )",
		"x\\to 0, x→0 x->0":                      `x \to 0 , x \to 0 x \to 0`,
		"":                                       "", " \t\n": "", `\`: "", "$": "", "...": "...", ".": "", "{": "{", "}": "}",
	} {
		if got := Normalize(in); got != want {
			t.Errorf("Normalize(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

// TestDifferentQuestionsStayDifferent lists pairs that a coarser form makes one.
func TestDifferentQuestionsStayDifferent(t *testing.T) {
	for _, pair := range [][2]string{
		{"x = 3", "x = -3"}, {"2.5", "25"}, {"2.5", "2 5"}, {"1,2", "12"}, {"1,2", "1 2"}, {"2³", "23"}, {"2^3", "23"}, {"3½", "31/2"},
		{"x < 3", "x > 3"}, {"x < 3", `x \le 3`}, {"x = 3", `x \ne 3`}, {"(0,1)", "[0,1]"}, {"(0,1]", "[0,1]"}, {`\{1,2\}`, "(1,2)"},
		{"5!", "5"}, {"n!", "n"}, {"f'(x)", "f(x)"}, {"f(x, y)", "f(x y)"}, {"a:b", "ab"}, {"AB:BC", "AB BC"},
		{"1+2+...+10", "1+2+10"}, {"1, 2, . . . , 10", "1, 2, 10"}, {"1, 2, …, 10", "1, 2, 10"},
		{`\Delta`, `\delta`}, {"Δ", "δ"}, {"find S in terms of s", "find s in terms of S"}, {"x+y", "x-y"}, {"x*y", "x/y"}, {"|x|", "x"},
		{"x^{10}", "x^{1}0"}, {`\frac{1}{23}`, `\frac{12}{3}`}, {`\frac{1}{2}3`, `\frac{1}{23}`}, {`\sqrt{2}3`, `\sqrt{23}`}, {"①②", "12"}, {"2 3", "23"},
		{"ab out", "about"}, {"5%", "5"}, {"x_1", "x1"}, {"x²", "x2"}, {"x₂", "x2"}, {"a\\cdot b", "a\\times b"}, {`\underline{AB}`, "AB"}, {".5", "5"}, {"٣٥", "٣ ٥"},
	} {
		if a, b := Normalize(pair[0]), Normalize(pair[1]); a == b {
			t.Errorf("%q and %q are both %q", pair[0], pair[1], a)
		}
	}
}

func TestNormalizeAnswer(t *testing.T) {
	for in, want := range map[string]string{
		" $5$ ": "5", "$$x\n = 3$$": "x = 3", `\(x\)`: "x", `\left(1,\, 2\right)`: "(1, 2)", `\left. x \right|`: "x |",
		`\dfrac{1}{2}`: `\dfrac{1}{2}`, `\text{Yes}`: `\text{Yes}`, "X": "X", `\$5`: `\$5`, "~5": "~5", `6~\text{cm}`: `6 \text{cm}`,
		`\leftarrow`: `\leftarrow`, `1\!000`: "1000", `\pi$x$`: `\pi x`, `\pi\,x`: `\pi x`, `x \quad`: "x", `\\`: `\\`, `\`: `\`, "": "",
		"x\u00a0=\u20033": "x = 3", `\\(x)`: `\\(x)`, "5.": "5.", "1 , 2": "1 , 2", `\le$ft(`: `\le ft(`,
	} {
		if got := NormalizeAnswer(in); got != want {
			t.Errorf("NormalizeAnswer(%q) = %q, want %q", in, got, want)
		}
	}
	for _, pair := range [][2]string{{"x=3", "3"}, {`\frac12`, `\frac{1}{2}`}, {"0.5", ".5"}, {"A", "a"}, {"10", "10."}, {"1,000", "1000"}, {`\text{a}`, "a"}} {
		if NormalizeAnswer(pair[0]) == NormalizeAnswer(pair[1]) {
			t.Errorf("%q and %q are two written forms", pair[0], pair[1])
		}
	}
}

// law checks what holds for every text.
func law(t interface{ Fatalf(string, ...any) }, s string) {
	for name, normalise := range map[string]func(string) string{"Normalize": Normalize, "NormalizeAnswer": NormalizeAnswer} {
		once := normalise(s)
		if twice := normalise(once); twice != once {
			t.Fatalf("%s(%q)\n is %q, of which it makes\n    %q", name, s, once, twice)
		}
		if utf8.ValidString(s) && !utf8.ValidString(once) {
			t.Fatalf("%s(%q) = %q is not UTF-8", name, s, once)
		}
	}
	form := Normalize(s)
	if words := slices.Collect(Words(form)); strings.Join(words, " ") != form {
		t.Fatalf("the words of %q are %q", form, words)
	}
}

func TestLaw(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			" ", "  ", "\n", "$", `\(`, `\)`, "{", "}", "{", "}", "[", "]", "(", ")", ",", ";", ":", ".", "...", ". .", "!", "?", "'", "-", "--", "->", "<=", ">", "_", `\_`, "^", "+", "*", "~", "|",
			"x", "X", "a", "A", "ab", "abc", "Find", "1", "23", "4.5", ".6", `\frac`, `\dfrac`, `\binom`, `\text`, `\text{`, `\left`, `\right`, `\le`, `\leq`, `\pi`, `\sin`, `\ldots`, `\`, `\\`, `\{`, `\}`, `\,`, `\|`, `\quad`,
			"²", "₁", "½", "①", "π", "Π", "Σ", "ς", "≤", "°", "…", "–", "—", "’", "“", "．", "，", "\u0301", "\u0338", "É", "İ", "ǰ", "J", "ß", "ﬁ", "㎡", "٣", "\u200b", "\ufeff", "⟨", "中", "。", "\xff", "¨", "ͅ",
		}),
		rapid.String(),
	)
	rapid.Check(t, func(rt *rapid.T) {
		law(rt, strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(rt, "pieces"), ""))
	})
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"Find $x+1$.", `\frac{1}{2}`, "2³ ½ π ≤", `word - , {x}`, `{\text{a}} . . .5`, "\xff\\", `\le$ft(`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { law(t, s) })
}

// TestRealQuestions holds for 8,000 published questions: the law, and that the
// form is that of the question written as another collection would.
func TestRealQuestions(t *testing.T) {
	rewrite := strings.NewReplacer(`\(`, "$", `\)`, "$", `\frac`, `\dfrac`, `\le `, `\leq `, `\\left`, `\\left`, `\left(`, `(`, `\right)`, `)`, `\\right`, `\\right`, "Find", "find", "? ", "?\n", "+", " + ")
	for _, file := range []struct{ name, column string }{
		{"bigmath-rl.parquet", "extra_info.question"}, {"math-problems.jsonl.gz", "problem"},
	} {
		forms, texts := map[string]string{}, map[string]bool{}
		for r, err := range rows.Records(shareddata.Path(t, "data", file.name)) {
			if err != nil {
				t.Fatal(err)
			}
			v, _ := r.Lookup(file.column)
			text := strings.TrimSpace(v.(string))
			law(t, text)
			form := Normalize(text)
			if other, ok := forms[form]; ok && !texts[text] {
				t.Logf("%s: one question:\n%q\n%q", file.name, other, text)
			}
			forms[form], texts[text] = text, true
			if again := Normalize(rewrite.Replace(text)); again != form {
				t.Errorf("%q\nbecomes %q\n    and %q", text, form, again)
			}
		}
		t.Logf("%s: %d texts, %d forms", file.name, len(texts), len(forms))
	}
}

func BenchmarkNormalize(b *testing.B) {
	for name, text := range map[string]string{
		"prose":   strings.Repeat("the furniture shop owner charges his customers a markup on the cost price of the items ", 4),
		"latex":   `Let $f(x)$ be differentiable at $x_0$. Calculate the value of $$\lim_{\Delta x \to 0} \frac{f(x_{0}+2\Delta x)-f(x_{0})}{\Delta x}$$ in terms of $f'(x_0)$, where $x \leq 3$.`,
		"unicode": "Given the inequality about x, x²−3x＋2≥0, the solution set is {x|1＜x≤a or x＞2}. Determine the range of values for a, and Tom’s answer.",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Normalize(text)
			}
		})
	}
}

func BenchmarkNormalizeAnswer(b *testing.B) {
	text := `\left( \dfrac{\pi}{2}, 3 \right]`
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		NormalizeAnswer(text)
	}
}
