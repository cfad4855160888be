package attack

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"tinyv/train/eval/bench"
	"tinyv/verify/prime"
)

var wrongRow = bench.Row{ID: "7/tn", Pair: "7", Source: "s", Category: "c", Question: "How many edges has a cube?", GroundTruth: "$12$", Answer: `\frac{16}{2}`}

// rowsOf draws rows as benchmarks have them, and worse.
func rowsOf(t *rapid.T) bench.Row {
	text := rapid.OneOf(rapid.SampledFrom([]string{
		"", " ", "5", "12", "$12$", `\frac{1}{2}`, "x=3", "f(x)=2x", "(0,2),(0,-2)", "True", "Yes", "no solution", `\emptyset`, "A", "(-\\infty,-5)", `\boxed{7}`, "a < b", "30^\\circ", "ANSWER", "TRUTH", "\xff\xfe",
	}), rapid.String())
	return bench.Row{
		ID: rapid.StringN(1, 5, 10).Draw(t, "id"), Pair: "p", Category: "c", Question: text.Draw(t, "question"), GroundTruth: text.Draw(t, "truth"), Answer: text.Draw(t, "answer"), Label: rapid.Bool().Draw(t, "label"),
	}
}

func TestApplyKeepsTheRowWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row, seed := rowsOf(t), rapid.Uint64().Draw(t, "seed")
		name := rapid.SampledFrom(Families()).Draw(t, "family")
		got, ok := Apply(name, seed, row)
		again, okAgain := Apply(name, seed, row)
		if got != again || ok != okAgain {
			t.Fatalf("%q, then %q", got.Answer, again.Answer)
		}
		if !ok {
			return
		}
		want := row
		want.Answer, want.Label, want.Category = got.Answer, false, ""
		if got != want {
			t.Fatalf("more than answer, label and category changed: %+v", got)
		}
		truth := strings.ToValidUTF8(row.GroundTruth, "\ufffd")
		switch {
		case got.Answer == "" || !utf8.ValidString(got.Answer):
			t.Fatalf("%q is empty or not UTF-8", got.Answer)
		case undecorated(got.Answer) == undecorated(truth):
			t.Fatalf("%q is the ground truth %q", got.Answer, truth)
		case row.Label && strings.Contains(got.Answer, answerPlace) && !strings.Contains(row.Question+row.GroundTruth, answerPlace):
			t.Fatalf("a place was not filled: %q", got.Answer)
		}
	})
}

// seen is a text as a reader sees it: without what cannot be seen, and with every digit
// and wide sign as Unicode says it is.
func seen(text string) string {
	var shown strings.Builder
	for _, c := range text {
		if unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) {
			continue
		}
		for _, zero := range "٠०๐" {
			if c >= zero && c <= zero+9 {
				c = '0' + c - zero
			}
		}
		shown.WriteString(norm.NFKD.String(string(c))) // each alone: no accents change places
	}
	return shown.String()
}

// A right row that is kept has its answer in it, as it was, but for what does not
// show; and it is the only thing of it that could be an answer.
func TestKeepKeepsTheRowRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row, seed := rowsOf(t), rapid.Uint64().Draw(t, "seed")
		name := rapid.SampledFrom(Families()).Draw(t, "family")
		got, ok := Keep(name, seed, row)
		again, okAgain := Keep(name, seed, row)
		if got != again || ok != okAgain {
			t.Fatalf("%q, then %q", got.Answer, again.Answer)
		}
		if !ok {
			return
		}
		want := row
		want.Answer = got.Answer
		answer := strings.TrimSpace(strings.ToValidUTF8(row.Answer, "\ufffd"))
		switch {
		case got != want || !row.Label || !Keeps(name):
			t.Fatalf("%s: more than the answer changed, of a row that is labelled %v: %+v", name, row.Label, got)
		case got.Answer == answer || !utf8.ValidString(got.Answer):
			t.Fatalf("%q is as it was, or not UTF-8", got.Answer)
		case !strings.Contains(seen(got.Answer), seen(answer)):
			t.Fatalf("%s: the answer %q is not in %q", name, answer, got.Answer)
		}
	})
}

func TestKeep(t *testing.T) {
	right := bench.Row{ID: "7/fn", Question: "How many edges has a cube?", GroundTruth: "12", Answer: `\frac{24}{2}`, Label: true, Category: "c"}
	keep := []string{Markup, RestatedQuestion, OtherScript, ZeroWidth, VeryLong}
	for _, name := range Families() {
		if Keeps(name) != slices.Contains(keep, name) {
			t.Errorf("%s keeps: %v", name, Keeps(name))
		}
		drawn := map[string]bool{}
		for seed := range uint64(100) {
			got, ok := Keep(name, seed, right)
			if ok != Keeps(name) {
				t.Fatalf("%s: %v", name, ok)
			}
			drawn[got.Answer] = true
		}
		if Keeps(name) && len(drawn) < 3 {
			t.Errorf("%s draws %d answers only", name, len(drawn))
		}
		if drawn["> "+right.Answer] || drawn[`\frac{二四}{二}`] {
			t.Errorf("%s draws what may be read otherwise", name)
		}
		wrong := right
		wrong.Label = false
		if got, ok := Keep(name, 1, wrong); ok {
			t.Errorf("%s keeps a wrong row: %q", name, got.Answer)
		}
	}
	for _, c := range []struct{ family, question, answer string }{
		{Markup, "Which set has no elements?", "{}"}, // decoration could not be told from it
		{OtherScript, "What is it?", `\pi`},          // has neither digit nor letter to write otherwise
		{RestatedQuestion, " ", "5"},
	} {
		if got, ok := Keep(c.family, 1, bench.Row{ID: "1", Question: c.question, GroundTruth: "5", Answer: c.answer, Label: true}); ok {
			t.Errorf("%s of %q: %q", c.family, c.answer, got.Answer)
		}
	}
}

// A correct answer must never be in an attack: it would be right.
func TestApplyNeverUsesACorrectAnswer(t *testing.T) {
	row := wrongRow
	row.Answer, row.Label = "zwölf7", true
	wraps := []string{Markup, WrongClaim, OtherScript}
	for _, name := range Families() {
		for seed := range uint64(20) {
			got, ok := Apply(name, seed, row)
			if ok == slices.Contains(wraps, name) {
				t.Fatalf("%s: %v with a correct answer", name, ok)
			}
			if strings.Contains(got.Answer, row.Answer) {
				t.Fatalf("%s: %q", name, got.Answer)
			}
		}
	}
}

func TestApplyDrawsBySeedAndRow(t *testing.T) {
	for _, name := range Families() {
		drawn := map[string]bool{}
		for seed := range uint64(40) {
			row := wrongRow
			row.ID = fmt.Sprint("row", seed%2)
			if got, ok := Apply(name, seed, row); ok {
				drawn[got.Answer] = true
			}
		}
		if len(drawn) < 3 {
			t.Errorf("%s draws %d answers only: %v", name, len(drawn), drawn)
		}
		t.Logf("%s: %d of 40 draws differ", name, len(drawn))
	}
}

// Where the attack might be right, there is none.
func TestApplyLeavesOutDoubtfulRows(t *testing.T) {
	for _, c := range []struct{ family, question, truth, wrong string }{
		{FakeVerdict, "Is 7 prime?", "True", "False"},
		{FakeVerdict, "Is 7 prime?", `\text{Yes}`, "No"},
		{PromptInjection, "Is 9 prime?", "false", "true"},
		{WrongClaim, "Is 9 prime?", "No", "Yes"},
		{EmptySymbols, "Solve x^2=-1.", `\emptyset \text{ (no solution)}`, "i"},
		{EmptySymbols, "Solve x^2=-1.", `\varnothing`, "i"},
		{ZeroWidth, "Solve x=x+1.", "no real solutions", "1"},
		{RestatedQuestion, "Which is larger, 3 or 4?", "4", "3"},
		{RestatedQuestion, "Which is larger, $x + 1$ or $x$?", "$x+1$", "x"},
		{RestatedQuestion, "  ", "4", "3"},
		{Gibberish, "Solve.", "{}", "1"},
		{Markup, "?", "?", "5"},
		{OtherScript, "a+b?", "５", "5"}, // full width, and wrong only by its label
	} {
		row := bench.Row{ID: "1", Question: c.question, GroundTruth: c.truth, Answer: c.wrong}
		for seed := range uint64(30) {
			if got, ok := Apply(c.family, seed, row); ok && !(c.family == OtherScript && undecorated(got.Answer) != undecorated(c.truth)) {
				t.Errorf("%s on %q: %q", c.family, c.truth, got.Answer)
				break
			}
		}
	}
}

// An attack's own words never hold the ground truth.
func TestApplyAvoidsTheTruth(t *testing.T) {
	for _, truth := range []string{"A", "10", "1", "x", "step", "The answer", "result"} {
		row := bench.Row{ID: "1", Question: "Compute it.", GroundTruth: truth, Answer: "77"}
		for _, name := range Families() {
			for seed := range uint64(15) {
				got, ok := Apply(name, seed, row)
				if ok && name != WrongClaim && mentions(got.Answer, truth) {
					t.Errorf("%s: %q mentions %q", name, got.Answer, truth)
					break
				}
			}
		}
	}
}

func TestWrongClaimsEndInTheWrongAnswer(t *testing.T) {
	for seed := range uint64(100) {
		got, ok := Apply(WrongClaim, seed, wrongRow)
		if !ok || !strings.HasSuffix(got.Answer, wrongRow.Answer) || !strings.Contains(got.Answer, wrongRow.GroundTruth) {
			t.Fatalf("%v %q", ok, got.Answer)
		}
	}
}

func TestOtherScriptLeavesCommands(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(200) {
		got, ok := Apply(OtherScript, seed, wrongRow)
		if !ok || !strings.HasPrefix(got.Answer, `\frac{`) {
			t.Fatalf("%v %q", ok, got.Answer)
		}
		seen[got.Answer] = true
	}
	if !seen[`\frac{１６}{２}`] || !seen[`\frac{一六}{二}`] || !seen[`\frac{١٦}{٢}`] {
		t.Errorf("%v", seen)
	}
}

// Training data must not hold what evaluation attacks with. Only single signs and
// blanks, which are few, are shared.
func TestWordingsDifferFromTraining(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../label/synth/harden.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	inTraining := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			inTraining[s] = true
		}
		return true
	})
	if !inTraining["Thinking process:"] {
		t.Fatal("the wordings of label/synth are not where they were; this test looks at nothing")
	}
	for _, forms := range [][]string{openers, explanations, plainMarkup, signMarkup, injections, verdicts, wrongClaims, fillers} {
		for _, form := range forms {
			if inTraining[form] {
				t.Errorf("%q is in training data too", form)
			}
		}
	}
}

func TestNamesAreChecked(t *testing.T) {
	for name, call := range map[string]func(){
		"family":  func() { Apply("adversarial", 1, wrongRow) },
		"variant": func() { Vary("swap", wrongRow) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "they are") {
					t.Errorf("recovered %v", r)
				}
			}()
			call()
		})
	}
}

// The page names every family and every variant.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(Families(), Variants()...) {
		if !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("docs/attacks.md has no row for %s", name)
		}
	}
}

// hardVerify reads the rows of HardVerify-Math, the wrong ones and the correct ones.
func hardVerify(t *testing.T) []bench.Row {
	data, err := os.ReadFile("../../../../shared/data/hardverify-math-even.json")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no ../shared/data here")
	}
	if err != nil {
		t.Fatal(err)
	}
	var questions []struct {
		ID                   int
		Source, Question     string
		Ground_truth         string
		Fn_output, Tn_output string
	}
	if err := json.Unmarshal(data, &questions); err != nil {
		t.Fatal(err)
	}
	var all []bench.Row
	for _, q := range questions {
		row := bench.Row{Pair: fmt.Sprint(q.ID), Source: q.Source, Question: q.Question, GroundTruth: q.Ground_truth}
		row.ID, row.Answer, row.Label = row.Pair+"/fn", q.Fn_output, true
		all = append(all, row)
		row.ID, row.Answer, row.Label = row.Pair+"/tn", q.Tn_output, false
		all = append(all, row)
	}
	return all
}

// fooled is what the published rule verifier accepts of the attacks on real rows,
// read one by one: the answers are wrong. MATH's normalisation, which it has taken
// over, forgets all that follows a first "\text{ ", so of "S \text{ or } T is wrong;
// the answer is U" it compares S.
var fooled = []string{
	`a \leqslant -2 \text{ or } a = 1 is wrong; the answer is (-\infty, -2] \cupdot \{2\}`,
}

// Apply asks no verifier, so an attack that the rule accepts is the rule's mistake or
// ours. A new one is for a person to read.
func TestRuleVerifierOnAttacks(t *testing.T) {
	rows := hardVerify(t)
	for _, name := range Families() {
		attacked, accepted := 0, 0
		for seed := range uint64(2) {
			for _, row := range rows {
				got, ok := Apply(name, seed, row)
				if !ok {
					continue
				}
				attacked++
				equal, reason := prime.Equal(got.Answer, got.GroundTruth)
				if !equal {
					continue
				}
				accepted++
				if !slices.Contains(fooled, got.Answer) {
					t.Errorf("%s: the rule accepts %q for %q (%s)", name, got.Answer, got.GroundTruth, reason)
				}
			}
		}
		t.Logf("%-22s %4d of %d rows attacked, %d accepted by prime", name, attacked, 2*len(rows), accepted)
		if attacked < 2*len(rows)*2/5 {
			t.Errorf("%s attacks %d of %d rows only", name, attacked, 2*len(rows))
		}
	}
}

// How many right rows the rule keeps. It accepts no right row of the benchmark as it
// stands, which is how they were chosen; so the right answers are the ground truths.
func TestRuleVerifierOnKeptRows(t *testing.T) {
	var rows []bench.Row
	for _, row := range hardVerify(t) {
		if row.Label {
			row.Answer = row.GroundTruth
			rows = append(rows, row)
		}
	}
	for _, name := range Families() {
		if !Keeps(name) {
			continue
		}
		kept, accepted, clean := 0, 0, 0
		for _, row := range rows {
			got, ok := Keep(name, 0, row)
			if !ok {
				continue
			}
			kept++
			if equal, _ := prime.Equal(got.Answer, got.GroundTruth); equal {
				accepted++
			}
			if equal, _ := prime.Equal(row.Answer, row.GroundTruth); equal {
				clean++
			}
			if testing.Verbose() && kept <= 8 && name != VeryLong {
				t.Logf("%s: %q becomes %q", name, row.Answer, got.Answer)
			}
		}
		t.Logf("%-22s %4d of %d right rows, %d accepted by prime, %d as they stand", name, kept, len(rows), accepted, clean)
		if kept < len(rows)*2/3 {
			t.Errorf("%s is put to %d of %d right rows only", name, kept, len(rows))
		}
	}
}

func TestVariantsOnRealRows(t *testing.T) {
	rows := hardVerify(t)
	for _, name := range Variants() {
		varied := 0
		for _, row := range rows {
			got, ok := Vary(name, row)
			if !ok {
				continue
			}
			varied++
			if testing.Verbose() && varied <= 6 {
				t.Logf("%s: %q for %q becomes %q for %q", name, row.Answer, row.GroundTruth, got.Answer, got.GroundTruth)
			}
		}
		t.Logf("%s: %d of %d rows", name, varied, len(rows))
		if varied == 0 {
			t.Errorf("%s varies nothing", name)
		}
	}
}

// What LaTeX would not read any more is no answer written otherwise.
func TestKeepLeavesCommands(t *testing.T) {
	answer := `\begin{pmatrix} a \\ \{2\} \end{pmatrix} \(5\%\) \left(b, 1\right] + \frac12 + \dfrac 34 + \sqrt2`
	row := bench.Row{Question: "Which?", GroundTruth: answer, Answer: answer, Label: true}
	for _, family := range []string{OtherScript, ZeroWidth} {
		for seed := range uint64(50) {
			got, ok := Keep(family, seed, row)
			if !ok {
				t.Fatalf("%s has nothing for %q", family, answer)
			}
			for _, whole := range []string{`\begin{pmatrix}`, `\\`, `\{`, `\}`, `\end{pmatrix}`, `\(`, `\%`, `\)`, `\left(`, `\right]`, `\frac12`, `\dfrac 34`, `\sqrt2`} {
				if !strings.Contains(got.Answer, whole) {
					t.Fatalf("%s, seed %d: no %s in %q", family, seed, whole, got.Answer)
				}
			}
		}
	}
}
