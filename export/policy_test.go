package export

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
	"tinyv/internal/stagetest/golden"
)

// publishedColumns are the columns of a row of the Hugging Face target.
func publishedColumns() []string {
	var names []string
	for f := range reflect.TypeFor[published]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		names = append(names, name)
	}
	return names
}

// problemsOf are examples with two answers to each of n problems of a split, of
// which every third has false negatives.
func problemsOf(split string, n int) []rows.Example {
	var all []rows.Example
	for answer := range 2 {
		for i := range n {
			e := inSplit(split, example(fmt.Sprintf("%s %d?", split, i), fmt.Sprint(answer), answer == 0))
			e.Rejections = 2
			if i%3 == 0 {
				e.FalseNegatives = 1
			}
			all = append(all, e)
		}
	}
	return all
}

func questionsIn(t *testing.T, path string) []string {
	t.Helper()
	var qs []string
	for _, r := range stagetest.Read[verlRow](t, path) {
		qs = append(qs, r.ExtraInfo.Question)
	}
	return qs
}

func TestPolicyGolden(t *testing.T) {
	in := hostile()
	for i := range in {
		in[i].FalseNegatives, in[i].Rejections = int32(i%2), 3
	}
	in[1].Domain, in[1].Source, in[1].Simulated = []string{"Mathematics -> Algebra"}, "big_math", true
	in[4].FalseNegatives = 1 // of the split eval
	in = append(in, in[1], in[4])
	_, dir, err := runTargets(t, in, Options{Seed: 3, Prompt: template, Dataset: "tinyv"}, "verl", "trl")
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"enriched", "plain", "enriched_eval", "plain_eval"} {
		golden.Compare(t, "verl."+set+".jsonl", records(t, filepath.Join(dir, "verl", set+".parquet")))
		text, err := os.ReadFile(filepath.Join(dir, "trl", set+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, "trl."+set+".jsonl", string(text))
	}
	for _, sub := range []string{verlDir, trlDir} {
		if entries, err := os.ReadDir(filepath.Join(dir, sub)); err != nil || len(entries) != 4 {
			t.Errorf("%s has %d files, want 4: %v", sub, len(entries), err)
		}
	}
}

// Spellings of one question are one problem, as its first row writes it. Without a
// spelling they are several.
func TestPolicySpellings(t *testing.T) {
	var in []rows.Example
	for _, q := range []string{"Find $x+1$.", "find x + 1", "Find $x+1$.", "Find $x+2$.", "FIND x+1?", "Find $x + 2$"} {
		e := inSplit(rows.SplitTrain, example(q, "a", len(in)%2 == 0))
		e.FalseNegatives, e.Rejections = 1, 2
		in = append(in, e)
	}
	// A spelling that only held-out rows have is none of the set's.
	in = append(in, inSplit(rows.SplitHeldOut, example("find X+1", "a", true)))
	spelling := &Spelling{Name: "small letters", Normal: func(s string) string {
		return strings.ToLower(strings.NewReplacer("$", "", " ", "", ".", "", "?", "").Replace(s))
	}}
	for _, c := range []struct {
		spelling *Spelling
		want     []string
		merged   int64
	}{
		{spelling, []string{"Find $x+1$.", "Find $x+2$."}, 3},
		{nil, []string{"Find $x+1$.", "find x + 1", "Find $x+2$.", "FIND x+1?", "Find $x + 2$"}, 0},
	} {
		m, dir, err := runTargets(t, in, Options{Prompt: template, Dataset: "tinyv", Spelling: c.spelling}, "verl", "trl")
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range []string{"enriched", "plain"} {
			if got := questionsIn(t, filepath.Join(dir, "verl", set+".parquet")); !slices.Equal(got, c.want) {
				t.Errorf("%s has %q, want %q", set, got, c.want)
			}
		}
		if got := stagetest.Read[trlRow](t, filepath.Join(dir, "trl", "enriched.jsonl")); len(got) != len(c.want) {
			t.Errorf("%d problems for TRL, want %d", len(got), len(c.want))
		}
		if m.Figures["question_spellings_merged"] != c.merged {
			t.Errorf("figures %v, want %d merged", m.Figures, c.merged)
		}
	}
}

func TestPolicySets(t *testing.T) {
	in := append(problemsOf(rows.SplitTrain, 150), problemsOf(rows.SplitEval, 30)...)
	in = append(in, problemsOf(rows.SplitHeldOut, 9)...)
	reversed := slices.Clone(in)
	slices.Reverse(reversed)
	plain := map[string][]string{}
	for _, c := range []struct {
		name string
		in   []rows.Example
		seed int64
	}{{"seed 1", in, 1}, {"reversed", reversed, 1}, {"seed 2", in, 2}} {
		_, dir, err := runTargets(t, c.in, Options{Seed: c.seed, Prompt: template, Dataset: "tinyv", PolicyPrompt: "Solve: {{QUESTION}}"}, "verl", "trl")
		if err != nil {
			t.Fatal(err)
		}
		for set, n := range map[string]int{"enriched": 50, "plain": 50, "enriched_eval": 10, "plain_eval": 10} {
			verl := stagetest.Read[verlRow](t, filepath.Join(dir, "verl", set+".parquet"))
			trl := stagetest.Read[trlRow](t, filepath.Join(dir, "trl", set+".jsonl"))
			if len(verl) != n || len(trl) != n {
				t.Fatalf("%s: %s has %d problems for verl and %d for TRL, want %d", c.name, set, len(verl), len(trl), n)
			}
			enriched, seen := 0, map[string]bool{}
			for i, v := range verl {
				if v.ExtraInfo.FalseNegatives > 0 {
					enriched++
				}
				seen[v.ExtraInfo.Question] = true
				if v.ExtraInfo.Index != int64(i) || v.Prompt[0].Content != "Solve: "+v.ExtraInfo.Question || trl[i].Prompt[0].Content != v.Prompt[0].Content || trl[i].Answer != v.RewardModel.GroundTruth {
					t.Fatalf("%s: row %d of %s: %+v, TRL %+v", c.name, i, set, v, trl[i])
				}
			}
			if len(seen) != n {
				t.Errorf("%s: %s has %d questions, want %d", c.name, set, len(seen), n)
			}
			// Of 50 drawn from 150 with 50 enriched, 17 are expected, with a deviation of some 3.
			if isPlain := strings.HasPrefix(set, "plain"); !isPlain && enriched != n || set == "plain" && (enriched < 4 || enriched > 32) {
				t.Errorf("%s: %d of %d problems of %s have false negatives", c.name, enriched, n, set)
			}
		}
		plain[c.name] = questionsIn(t, filepath.Join(dir, "verl", "plain.parquet"))
		slices.Sort(plain[c.name])
	}
	if !slices.Equal(plain["seed 1"], plain["reversed"]) {
		t.Error("the order of the rows decides which problems are plain")
	}
	if slices.Equal(plain["seed 1"], plain["seed 2"]) {
		t.Error("the seed does not decide which problems are plain")
	}
}

func TestPolicyRefuses(t *testing.T) {
	in := problemsOf(rows.SplitTrain, 3)
	for _, c := range []struct{ prompt, want string }{{"Solve it.", "no {{QUESTION}}"}, {"", "no problem of the training split has a false negative"}} {
		if c.prompt == "" {
			for i := range in {
				in[i].FalseNegatives = 0
			}
		}
		_, dir, err := runTargets(t, in, Options{Prompt: template, Dataset: "d", PolicyPrompt: c.prompt}, "trl")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, trlDir)); err == nil {
			t.Errorf("%q: files are left behind", c.want)
		}
	}
}
