package prime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tinyv/verify"
)

type pairRow struct {
	Source      string
	Prediction  string
	GroundTruth string `json:"ground_truth"`
	Verdict     bool
}

type tally struct{ n, agree, falseAccept, falseReject int }

func TestEqualGolden(t *testing.T) {
	rows := golden[pairRow](t, "prime-pairs.jsonl.gz")
	if len(rows) != 21153 {
		t.Errorf("%d rows, want 21153", len(rows))
	}
	bySource := map[string]*tally{}
	var all tally
	for _, row := range rows {
		s := bySource[row.Source]
		if s == nil {
			s = &tally{}
			bySource[row.Source] = s
		}
		got, reason := Equal(row.Prediction, row.GroundTruth)
		for _, c := range []*tally{s, &all} {
			c.n++
			switch {
			case got == row.Verdict:
				c.agree++
			case got:
				c.falseAccept++
			default:
				c.falseReject++
			}
		}
		if got && !row.Verdict {
			t.Logf("accepted (%s), the original rejects: %q against %q", reason, row.Prediction, row.GroundTruth)
		}
	}
	var table strings.Builder
	line := func(name string, c *tally) {
		fmt.Fprintf(&table, "%-24s %6d %8.3f%% %7d %7d\n", name, c.n, 100*float64(c.agree)/float64(c.n), c.falseAccept, c.falseReject)
	}
	names := slices.SortedFunc(maps.Keys(bySource), cmp.Compare[string])
	for _, name := range names {
		line(name, bySource[name])
	}
	line("all", &all)
	t.Logf("\n%-24s %6s %9s %7s %7s\n%s", "source", "n", "agree", "false+", "false-", &table)

	const floor = 0.9999 // ratchet: raise it with the agreement reached
	if agreement := float64(all.agree) / float64(all.n); agreement < floor {
		t.Errorf("agreement %.4f is below %.4f", agreement, floor)
	}
	if rate := float64(all.falseAccept) / float64(all.n); rate > 0.0005 {
		t.Errorf("%d false acceptances are more than 0.05%%", all.falseAccept)
	}
	if hard := bySource["hardverify"]; hard == nil || hard.agree != hard.n {
		t.Errorf("hardverify: %+v, want all to agree", hard)
	}
}

func TestEqual(t *testing.T) {
	tests := []struct {
		answer, truth string
		equal         bool
		reason        string
	}{
		{`\tfrac12`, `\frac{1}{2}`, true, ReasonMathForm},
		{`.5`, `\frac12`, true, ReasonMathForm},
		{`k = 3`, `3`, true, ReasonMathForm},
		{`5 \text{ cm}`, `5`, true, ReasonMathForm},
		{`1/2`, `\frac{1}{2}`, true, ReasonMathForm},
		{`90^\circ`, `90`, true, ReasonMathForm},
		{``, ``, true, ReasonMathForm},
		{`$12`, `12`, true, ReasonOwnForm},
		{`3 centimeters^2`, `3`, true, ReasonOwnForm},
		{`1,000`, `1000`, true, ReasonOwnForm},
		{`1,000,000`, `1000000`, true, ReasonOwnForm},
		{`1,000,000,000`, `1000000000 m`, false, ReasonDifferent}, // a pass that removes the first and third comma locks the second
		{`7\frac{3}{4}`, `7 3/4`, true, ReasonOwnForm},
		{`Yes`, `yes`, true, ReasonOwnForm},
		{`3 million`, `3*10^6`, true, ReasonExpression},
		{`[113]`, `113`, true, ReasonExpression},
		{`(1, 2.0)`, `(1,2)`, true, ReasonTuple},
		{`(1, 2]`, `(1,2)`, false, ReasonDifferent},
		{`2/4`, `1/2`, true, ReasonExpression}, // refused as fractions of digits, accepted by the second opinion
		{`(2/4, 1)`, `(1/2, 1)`, true, ReasonTuple},
		{`5.0001`, `5`, true, ReasonNumber},
		{`5.001`, `5`, false, ReasonDifferent},
		{`25%`, `0.25`, true, ReasonNumber},
		{`0.3`, `30`, true, ReasonNumber},
		{`42_9`, `42_7`, true, ReasonNumber},
		{`x_1`, `x_2`, false, ReasonDifferent},
		{`2\pi`, `6.2832`, true, ReasonNumber},
		{`2\pi`, `6.28`, true, ReasonNumber},
		{`[\pm 6]`, `\pm 6`, true, ReasonText},
		{`1.00001, 2`, `1, 2`, true, ReasonList},
		{`2, 1`, `1, 2`, false, ReasonDifferent},
		{`Interval(1, 2.00001)`, `[1, 2]`, true, ReasonTuple},
		{``, `1`, false, ReasonDifferent},
		{"\xff", "\xfe", false, ReasonDifferent},
	}
	for _, tt := range tests {
		if equal, reason := Equal(tt.answer, tt.truth); equal != tt.equal || reason != tt.reason {
			t.Errorf("Equal(%q, %q) = %v, %q, want %v, %q", tt.answer, tt.truth, equal, reason, tt.equal, tt.reason)
		}
	}
}

func TestLatexToText(t *testing.T) {
	for code, want := range map[string]string{
		`\frac{1}{2}`:   "1/2",
		`\frac12`:       "1/2",
		`\frac\pi2`:     "π/2",
		`\frac{1}`:      "%s/%s1",
		`\sqrt[3]{x+1}`: "√(x+1)",
		`x_{12}^{2}`:    "x_12^2",
		`\unknown{a}b`:  "ab",
		`a\alpha b`:     "aαb",
		`\text{ or }`:   " or ",
		`a } b { c`:     "a  b  c",
		`x \\ y`:        "x \n y",
		`\begin{pmatrix} 1 & 22 \\ 3 \end{pmatrix}`: "[  1 22;  3 ]",
		`\(\alpha  b \)`:        "α  b",
		`\[ x \]`:               "\n    x\n",
		`\hat{a}\bar{x}`:        "âx\u0305",
		`\mathbb{R}\mathcal{F}`: "ℝℱ",
		`a~b--c`:                "a\u00a0b–c",
		`trailing \`:            "trailing",
		"\xff{":                 "\xff",
	} {
		got, err := latexToText(code)
		if err != nil || got != want {
			t.Errorf("latexToText(%q) = %q, %v, want %q", code, got, err, want)
		}
	}
	for _, code := range []string{`\sqrt`, `\frac\sqrt{2}{3}`, `\begin{pmatrix}\end{pmatrix}`, strings.Repeat("{", 1000), strings.Repeat(`\frac{`, 200)} {
		if got, err := latexToText(code); err == nil {
			t.Errorf("latexToText(%.40q) = %.40q, want an error", code, got)
		}
	}
}

func TestVerifier(t *testing.T) {
	tests := []struct {
		c    verify.Case
		want verify.Verdict
	}{
		{verify.Case{Answer: "0.5", GroundTruth: `\frac12`}, verify.Verdict{Outcome: verify.Correct, Extracted: "0.5", Reason: ReasonMathForm}},
		{verify.Case{Answer: "9", Response: `so \boxed{4}`, GroundTruth: "4"}, verify.Verdict{Outcome: verify.Correct, Extracted: "4", Reason: ReasonMathForm}},
		{verify.Case{Response: `so \boxed{5}`, GroundTruth: "4"}, verify.Verdict{Outcome: verify.Incorrect, Extracted: "5", Reason: ReasonDifferent}},
		{verify.Case{Response: "the answer is ", GroundTruth: "4"}, verify.Verdict{Outcome: verify.Incorrect, Reason: ReasonNoAnswer}},
		{verify.Case{}, verify.Verdict{Outcome: verify.Correct, Reason: ReasonMathForm}},
	}
	for _, tt := range tests {
		got, err := Verifier{}.Verify(t.Context(), tt.c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v: %s", tt.c, diff)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Verifier{}).Verify(ctx, verify.Case{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// hostile are answers of up to 100 kB that a naive verifier would not survive.
func hostile() []string {
	texts := []string{strings.Repeat("9^", 2000) + "9", "9**9**9**9", "1000000!", "1e999999999"}
	for _, unit := range []string{
		"(", "((1", "[", "{", `\frac{`, `\sqrt`, `\frac1`, `\begin{array}`, `\begin{pmatrix}&`, `\(`, "1,234", "1 1", "-", "- ", "+", "^", "x^2",
		"1,", "_", `\pi`, `\pi,`, "second", "1+", "2*(", "**2", " or ", "é", "\xff", "=", ".", `,\! `, "{,}", "Σ",
		"sqrt(2)+", "(x+1)*", "sqrt(x+1),", "sin(x),", "2^.5,", "x/(x+1)+",
	} {
		for _, size := range []int{900, 8000, 100 << 10} {
			text := strings.Repeat(unit, size/len(unit))
			texts = append(texts, text, "("+text+"1)")
		}
	}
	return texts
}

// hostilePairs puts hostile answers against themselves and their like.
func hostilePairs(f func(answer, truth string)) {
	for _, answer := range hostile() {
		for _, truth := range []string{answer, answer[:len(answer)-1], "(" + answer + ")", "1"} {
			f(answer, truth)
		}
	}
}

// TestEqualIsBounded guards against work that grows without bound. How fast the
// slowest verdict is, BenchmarkEqualHostile says; here a busy machine and the race
// detector must not matter.
func TestEqualIsBounded(t *testing.T) {
	const (
		maxTime   = time.Minute
		maxMemory = 64 << 20 // allocated in all by one verdict
	)
	var before, after runtime.MemStats
	hostilePairs(func(answer, truth string) {
		runtime.ReadMemStats(&before)
		start := time.Now()
		Equal(answer, truth)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took > maxTime {
			t.Errorf("%.20q against %.20q (%d bytes) took %v", answer, truth, len(truth), took)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > maxMemory {
			t.Errorf("%.20q against %.20q (%d bytes) allocated %d MiB", answer, truth, len(truth), allocated>>20)
		}
	})
}

// BenchmarkEqualHostile reports the slowest verdict on hostile answers.
func BenchmarkEqualHostile(b *testing.B) {
	worst := time.Duration(math.MaxInt64)
	for b.Loop() {
		var slowest time.Duration
		hostilePairs(func(answer, truth string) {
			start := time.Now()
			Equal(answer, truth)
			slowest = max(slowest, time.Since(start))
		})
		worst = min(worst, slowest) // the best of the rounds: the machine may be busy
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
}

func FuzzEqual(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""}, {`\frac{1}{2}`, "0.5"}, {"(1,2]", "[1,2)"}, {"25%", "1/4"}, {`2\pi`, "6.28"}, {"1,234,567", "1234567"},
		{`\text{a}`, "A"}, {`\begin{pmatrix}1&2\\3\end{pmatrix}`, "1"}, {"42_9", "42"}, {"Interval(1,2)", "[1,2]"},
		{"Point(1,2)", "(1,2)"}, {"((((1))))", "1"}, {`\sqrt[3]{2}`, `\sqrt`}, {"\xff\u0130Σ", "٣"}, {"2**-3", ".125"}, {"{,}", "1{,}000"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, answer, truth string) {
		start := time.Now()
		Equal(answer, truth)
		if took := time.Since(start); took > 20*time.Second { // only a blow-up: the machine may be busy
			t.Errorf("Equal(%.60q, %.60q) took %v", answer, truth, took)
		}
		if equal, _ := Equal(answer, answer); !equal {
			t.Errorf("Equal(%q) is not equal to itself", answer)
		}
		for _, s := range []string{answer, truth} {
			if form := mathForm(s); len(form) > 6*len(s)+16 {
				t.Errorf("mathForm(%q) = %q", s, form)
			}
		}
	})
}

func BenchmarkEqual(b *testing.B) {
	rows := golden[pairRow](b, "prime-pairs.jsonl.gz")
	b.ReportAllocs()
	for b.Loop() {
		for _, row := range rows {
			Equal(row.Prediction, row.GroundTruth)
		}
	}
	b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
}

// BenchmarkEqualSlowest reports the distribution of single verdicts.
func BenchmarkEqualSlowest(b *testing.B) {
	rows := golden[pairRow](b, "prime-pairs.jsonl.gz")
	took := make([]time.Duration, len(rows))
	for b.Loop() {
		for i, row := range rows {
			start := time.Now()
			Equal(row.Prediction, row.GroundTruth)
			took[i] = time.Since(start)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
	b.ReportMetric(float64(took[len(took)-1].Nanoseconds()), "max-ns")
}
