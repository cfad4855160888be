package sim

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tinyv/internal/rows"
)

func TestWorld(t *testing.T) {
	t.Parallel()
	w := &World{Seed: 3}
	questions := map[string]bool{}
	for i := range 10 * len(families) {
		p := w.problem(i)
		if len(p.right) < 10 || len(p.wrong) < 10 {
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
			if !boxable(form) {
				t.Errorf("problem %d: form %q cannot stand in a box", i, form)
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

// boxable reports whether a form can be taken out of \boxed{...} whole again.
func boxable(form string) bool {
	depth := 0
	for _, c := range form {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0 && !strings.Contains(form, "boxed")
}

func TestProblems(t *testing.T) {
	w := &World{Seed: 1}
	var all []rows.Problem
	for p := range w.Problems(60) {
		all = append(all, p)
	}
	if len(all) != 60 || all[17].ProblemID != "sim-000017" || !strings.HasSuffix(all[17].Question, " [simulated problem 17]") || all[17].SolveRate != nil {
		t.Errorf("%d problems, number 17 is %+v", len(all), all[17])
	}
	for range w.Problems(1_000_000_000) { // they are made one by one
		break
	}
	sources := map[string]bool{}
	for i, p := range all {
		sources[p.Source] = true
		if diff := cmp.Diff(p, w.Problem(i)); diff != "" {
			t.Errorf("problem %d differs from itself: %s", i, diff)
		}
	}
	if len(sources) != len(families) {
		t.Errorf("60 problems are of %d families, there are %d", len(sources), len(families))
	}
	if correct, known := w.Truth(-1, "5"); correct || known {
		t.Error("there is a problem before the first")
	}
}

// TestWorldProperty: whatever the seed and the number, every form is known, and
// none is both right and wrong.
func TestWorldProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &World{Seed: rapid.Uint64().Draw(t, "seed")}
		i := rapid.IntRange(0, 999_999_999).Draw(t, "problem")
		p := w.problem(i)
		if n, ok := tagged(p.question); !ok || n != i {
			t.Fatalf("question %q is tagged %d, %v", p.question, n, ok)
		}
		for j, form := range slices.Concat(p.right, p.wrong) {
			if correct, known := w.Truth(i, form); !known || correct != (j < len(p.right)) {
				t.Fatalf("Truth(%d, %q) = %v, %v", i, form, correct, known)
			}
		}
	})
}
