package audit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
)

func TestDraw(t *testing.T) {
	_, out, s := draw(t, run(), Options{N: 20, Seed: 42})
	want := []Stratum{
		{true, rows.OriginSampled, "x", 20, 4}, {true, rows.OriginSynthetic, "y", 10, 2}, {false, rows.OriginSampled, "x", 70, 14},
	}
	if diff := cmp.Diff(want, s.Strata); diff != "" || s.Undecided != 5 || len(s.Items) != 20 {
		t.Errorf("%d items, %d undecided, strata (-want +got):\n%s", len(s.Items), s.Undecided, diff)
	}
	kept, err := readSample(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, kept); diff != "" {
		t.Errorf("what is kept differs (-made +kept):\n%s", diff)
	}
	// The strata are shuffled, so that what comes next is no news.
	if slices.IsSortedFunc(s.Items, func(a, b Item) int { return a.Stratum - b.Stratum }) {
		t.Error("the items come stratum by stratum")
	}
}

// The same rows in another order make the same files, but for the record of the
// labels' own hashes; another seed makes another sample.
func TestDrawIsDetermined(t *testing.T) {
	_, first, a := draw(t, run(), Options{N: 20, Seed: 42})
	_, second, b := draw(t, reversed(run()), Options{N: 20, Seed: 42})
	if read(t, first, CSVFile) != read(t, second, CSVFile) || !cmp.Equal(a.Items, b.Items) || !cmp.Equal(a.Strata, b.Strata) {
		t.Error("the order of the rows shows in the sample")
	}
	_, _, c := draw(t, run(), Options{N: 20, Seed: 43})
	if cmp.Equal(a.Items, c.Items) {
		t.Error("another seed draws the same rows")
	}
}

func TestDrawAll(t *testing.T) {
	all := run()
	all = append(all, all[0], all[50]) // equal rows are judged once
	_, _, s := draw(t, all, Options{N: 2000})
	ids := map[string]bool{}
	for _, it := range s.Items {
		ids[it.ID] = true
	}
	if len(s.Items) != 100 || len(ids) != 100 || s.Strata[0].Size != 21 || s.Strata[0].Drawn != 20 {
		t.Errorf("%d items, %d ids, %+v", len(s.Items), len(ids), s.Strata[0])
	}
}

func TestDrawRefuses(t *testing.T) {
	unlabelled := run()[100:]
	for _, c := range []struct {
		name, labels string
		n            int
		want         string
	}{
		{"too small for its strata", labelled(t, run()), 2, "larger --n"},
		{"no size", labelled(t, run()), 0, "give 1 to"},
		{"too large", labelled(t, run()), MaxN + 1, "give 1 to"},
		{"nothing labelled", labelled(t, unlabelled), 10, "5 are undecided"},
		{"another stage", stagetest.Finished(t, "gen", "responses", []rows.Response{}, nil, nil), 10, `stage "gen"`},
		{"no stage", t.TempDir(), 10, "no finished stage"},
	} {
		if _, err := Draw(c.labels, filepath.Join(t.TempDir(), "audit"), Options{N: c.n}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v", c.name, err)
		}
	}
}

// What a person filled in is never written over.
func TestDrawKeepsWork(t *testing.T) {
	labels, out, _ := draw(t, run(), Options{N: 20})
	if _, err := Draw(labels, out, Options{N: 20}); err != nil {
		t.Errorf("the same sample again: %v", err)
	}
	path := filepath.Join(out, CSVFile)
	filled := strings.Replace(read(t, path), ",True,,", ",True,y,", 1)
	if err := os.WriteFile(path, []byte(filled), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Draw(labels, out, Options{N: 20}); err == nil || !strings.Contains(err.Error(), "left alone") {
		t.Errorf("the error is %v", err)
	}
	if read(t, path) != filled {
		t.Error("the work is gone")
	}
}

func TestAllot(t *testing.T) {
	for _, c := range []struct {
		n     int
		sizes []int64
		want  []int
	}{
		{10, []int64{50, 30, 20}, []int{5, 3, 2}},
		{10, []int64{980, 10, 10}, []int{8, 1, 1}},
		{200, []int64{139432, 19704}, []int{175, 25}},
		{10, []int64{2, 3}, []int{2, 3}},
		{2, []int64{1, 1000}, []int{1, 1}},
		{4, []int64{5, 5}, []int{2, 2}},
		{3, []int64{5, 5}, []int{2, 1}},
	} {
		if got := allot(c.n, c.sizes); !slices.Equal(got, c.want) {
			t.Errorf("%d among %v: %v, want %v", c.n, c.sizes, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.Int64Range(1, 1e9), 1, 20).Draw(t, "sizes")
		n := rapid.IntRange(len(sizes), MaxN).Draw(t, "n")
		var sum, all int64
		for i, a := range allot(n, sizes) {
			if a < 1 || int64(a) > sizes[i] {
				t.Fatalf("%d of %d rows", a, sizes[i])
			}
			sum += int64(a)
			all += sizes[i]
		}
		if sum != min(int64(n), all) {
			t.Fatalf("%d are allotted", sum)
		}
	})
}

// One pass in any order keeps what sorting everything would.
func TestLowest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 10).Draw(t, "n")
		var all []item
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			a := row(rapid.IntRange(0, 30).Draw(t, "problem"), "", "", "", true)
			all = append(all, itemOf(&a, 7))
		}
		var l lowest
		for _, it := range all {
			l.offer(it, n)
		}
		slices.SortFunc(l, byPriority)
		slices.SortFunc(all, byPriority)
		all = slices.CompactFunc(all, func(a, b item) bool { return a.id == b.id })
		if !slices.EqualFunc(all[:min(n, len(all))], l, func(a, b item) bool { return a.id == b.id }) {
			t.Fatalf("of %d rows %d are kept", len(all), len(l))
		}
	})
}

// The id is of everything that is shown.
func TestIdentity(t *testing.T) {
	base := row(1, "x", "o", "a", true)
	ids := map[string]string{}
	for name, change := range map[string]func(*rows.Annotation){
		"nothing":      func(*rows.Annotation) {},
		"problem":      func(a *rows.Annotation) { a.ProblemID = "other" },
		"source":       func(a *rows.Annotation) { a.Source = "other" },
		"origin":       func(a *rows.Annotation) { a.Origin = "other" },
		"kind":         func(a *rows.Annotation) { a.Kind = "other" },
		"question":     func(a *rows.Annotation) { a.Question = "other" },
		"ground truth": func(a *rows.Annotation) { a.GroundTruth = "other" },
		"answer":       func(a *rows.Annotation) { a.Answer = "other" },
		"sample":       func(a *rows.Annotation) { a.Sample = 1 },
		"label":        func(a *rows.Annotation) { a.Label = new(false) },
		"a vote":       func(a *rows.Annotation) { a.Votes = a.Votes[:1] },
		"a verdict": func(a *rows.Annotation) {
			a.Votes = []rows.AnnotatorVote{{Annotator: "a", Reason: "it is so"}, a.Votes[1]}
		},
		"the border": func(a *rows.Annotation) { a.Source, a.Origin = "xo", "" },
	} {
		a := base
		change(&a)
		id := itemOf(&a, 1).id
		if other, ok := ids[id]; ok {
			t.Errorf("%s and %s have the same id", name, other)
		}
		ids[id] = name
		if again := itemOf(&a, 2); again.id != id || again.priority == itemOf(&a, 1).priority {
			t.Errorf("%s: the seed changes the id, or not the priority", name)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	var all []rows.Annotation
	for i := range 20_000 {
		all = append(all, row(i, "x", rows.OriginSampled, "1", i%3 == 0))
	}
	labels := labelled(b, all)
	for b.Loop() {
		if _, err := Draw(labels, b.TempDir(), Options{N: 200}); err != nil {
			b.Fatal(err)
		}
	}
}
