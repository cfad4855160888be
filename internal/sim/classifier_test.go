package sim

import (
	"math"
	"os"
	"strings"
	"testing"
)

// classifierPrompt fills the prompt of the project.
func classifierPrompt(t testing.TB, question, truth, answer string) string {
	template, err := os.ReadFile("../../configs/prompts/taxonomy.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("{{QUESTION}}", question, "{{GROUND_TRUTH_ANSWER}}", truth, "{{MODEL_ANSWER}}", answer).Replace(string(template))
}

func TestCause(t *testing.T) {
	for _, c := range []struct{ family, truth, answer, want string }{
		{"ray", `(-\infty,-5)`, "k < -5", "notation.interval"},
		{"ratio", "2:3", `\frac{2}{3}`, "notation.ratio"},
		{"length", "112", `112 \text{ cm}`, "formatting.unit"},
		{"length", "112", `\text{The perimeter is } 112 \text{ cm}`, "language.explanatory_text"},
		{"count", "28", `\text{twenty-eight}`, "language.phrasing"},
		{"solution_set", "-9,4", "4, -9", "set_list.order"},
		{"solution_set", "-9,4", `\{-9,4\}`, "set_list.structure"},
		{"plus_minus", `\pm 7`, "7,-7", "notation.joined_solutions"},
		{"fraction", `\frac{4}{5}`, "0.8", "numeric.exact_form"},
		{"point", "(1,2)", `\begin{pmatrix} 1 \\ 2 \end{pmatrix}`, "notation.vector_matrix"},
		{"polynomial", "x^2-3x-54", "(x-9)(x+6)", "expression.algebraic"},
		{"", "a b", "ab", "formatting.whitespace"},
		{"", "3", "x = 3", "language.variable_assignment"},
	} {
		if got := cause(c.family, c.truth, c.answer); got != c.want {
			t.Errorf("%s: %q against %q is %s, want %s", c.family, c.answer, c.truth, got, c.want)
		}
	}
}

// TestClassifierAccuracy counts how often the classifier names what the world does.
func TestClassifierAccuracy(t *testing.T) {
	t.Parallel()
	for _, stated := range []float64{0, 0.6, 1} {
		w := &World{Seed: 3, ClassifierAccuracy: stated}
		want := stated
		if stated == 0 {
			want = defaultClassifierAccuracy
		}
		right, all := 0, 0
		for i := range len(families) {
			p := w.problem(i)
			for _, answer := range p.right[1:] {
				all++
				if w.classify("", classifierPrompt(t, p.question, p.truth, answer)).code == cause(p.family, p.truth, answer) {
					right++
				}
			}
		}
		share := float64(right) / float64(all)
		if spread := 4 * math.Sqrt(want*(1-want)/float64(all)); math.Abs(share-want) > spread || all < 200 {
			t.Errorf("stated %v: %d of %d, %.3f, want %.3f within %.3f", stated, right, all, share, want, spread)
		}
	}
}

func TestClassifierServed(t *testing.T) {
	t.Parallel()
	h := NewServer(&World{Seed: 3, ClassifierAccuracy: 1}, quiet).Handler()
	prompt := classifierPrompt(t, "q", "3", "x = 3")
	for seed := range int64(20) {
		text := chat(t, h, ClassifierModel, prompt, seed, "").Choices[0].Message.Content
		if !strings.Contains(text, "language.variable_assignment") {
			t.Errorf("seed %d: %q", seed, text)
		}
		if again := chat(t, h, ClassifierModel, prompt, seed, "").Choices[0].Message.Content; again != text {
			t.Errorf("seed %d: %q, then %q", seed, text, again)
		}
	}
	// A code that an answer brings along is not one that the prompt lists.
	text := chat(t, h, ClassifierModel, "<model_answer>made.up</model_answer>", 1, "").Choices[0].Message.Content
	if strings.Contains(text, "category>") {
		t.Errorf("without codes: %q", text)
	}
}
