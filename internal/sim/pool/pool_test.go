package pool

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
	"tinyv/label/taxonomy"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s: %.4f, want %.4f ± %.4f", what, got, want, tolerance)
	}
}

// spelling is a text without what normalising takes away.
func spelling(text string) string {
	return strings.NewReplacer(" ", "", "\n", "", "$", "").Replace(text)
}

// TestPublishedPool says of a twentieth of 638,000 rows of the default world that
// they are what was published of the real ones, and that a twentieth of the
// published balanced set can be drawn from them.
func TestPublishedPool(t *testing.T) {
	const rowsMade = 31_900
	type outcome struct {
		origin      string
		isTrue, not bool
	}
	var sampled, sampledTrue, unlabelled, exact, respelt, repeats float64
	seen, spelt := map[string]bool{}, map[string]outcome{}
	problems, withTrue := map[string]bool{}, map[string]bool{}
	classes := map[string]float64{}
	texts := map[string]string{}
	n := 0
	for a := range DefaultWorld().Rows(rowsMade, 400) {
		n++
		if !a.Simulated {
			t.Fatalf("a row is not marked: %+v", a)
		}
		if a.Origin == rows.OriginSampled {
			problems[a.ProblemID] = true
		}
		if spelled, ok := texts[spelling(a.Question)]; ok && spelled != a.ProblemID {
			repeats++
		}
		texts[spelling(a.Question)] = a.ProblemID
		if a.Label == nil {
			unlabelled++
			continue
		}
		if a.Origin == rows.OriginSampled {
			sampled++
			if *a.Label {
				sampledTrue++
				withTrue[a.ProblemID] = true
				classes[taxonomy.Category(a.Category).Class()]++
			}
		}
		if (a.Category != "") != *a.Label {
			t.Fatalf("label %v with category %q", *a.Label, a.Category)
		}
		if (a.Origin == rows.OriginNearMiss || a.Origin == rows.OriginHardening) && *a.Label {
			t.Fatalf("a wrong answer is labelled True: %+v", a)
		}
		key := a.Question + "\x00" + a.GroundTruth + "\x00" + a.Answer
		if seen[key] {
			exact++
		} else if _, ok := spelt[spelling(key)]; ok {
			respelt++
		}
		seen[key] = true
		o, ok := spelt[spelling(key)]
		if !ok {
			o.origin = a.Origin
		}
		o.isTrue, o.not = o.isTrue || *a.Label, o.not || !*a.Label
		spelt[spelling(key)] = o
	}
	if n != rowsMade {
		t.Errorf("%d rows", n)
	}
	near(t, "problems", float64(len(problems)), 4750, 100)
	near(t, "sampled rows with a label", sampled, 11_300*0.95, 300)
	near(t, "True of the sampled", sampledTrue/sampled, 0.385, 0.02)
	near(t, "problems with a True row", float64(len(withTrue))/float64(len(problems)), 0.421, 0.02)
	near(t, "rows without a label", unlabelled/rowsMade, 0.048, 0.005)
	for class, percent := range map[string]float64{"language": 33.6, "formatting": 29, "notation": 15.8, "numeric": 12.6, "expression": 7, "set_list": 1.5, "symbolic": 0.6} {
		near(t, class, 100*classes[class]/sampledTrue, percent, 2.5)
	}
	if exact < 250 || respelt < 150 || repeats < 250 {
		t.Errorf("%v rows again to the letter, %v in other spelling, %v of repeated problems", exact, respelt, repeats)
	}

	// A margin of 5% lets decontamination and near duplicates take some.
	left, conflicts := map[string]int{}, 0
	for _, o := range spelt {
		if o.isTrue && o.not {
			conflicts++
			continue
		}
		left[fmt.Sprint(o.origin, "_", o.isTrue)]++
	}
	for kind, want := range map[string]int{"sampled_true": 3486, "sampled_false": 3979, "synthetic_true": 985, "synthetic_false": 493, "near_miss_false": 985} {
		if float64(left[kind]) < 1.05*float64(want) {
			t.Errorf("%d rows of %s are left without duplicates; the published set takes up to %d", left[kind], kind, want)
		}
	}
	if conflicts < 5 {
		t.Errorf("%d conflicts only", conflicts)
	}
	t.Log(left, "conflicts", conflicts, "exact", exact, "respelt", respelt)
}

// TestQuestionsDiffer says that questions of different problems have no more than a
// little in common: at most 0.4 of their three-word shingles.
func TestQuestionsDiffer(t *testing.T) {
	w := DefaultWorld()
	w.RepeatedProblems = 0
	var all []map[string]bool
	for i := range int64(400) {
		words := strings.Fields(w.problem(i, MinRowBytes).base.Question)
		shingles := map[string]bool{}
		for at := range len(words) - 2 {
			shingles[strings.Join(words[at:at+3], " ")] = true
		}
		all = append(all, shingles)
	}
	worst := 0.0
	for i, a := range all {
		for _, b := range all[:i] {
			common := 0
			for s := range a {
				if b[s] {
					common++
				}
			}
			worst = max(worst, float64(common)/float64(len(a)+len(b)-common))
		}
	}
	if worst > 0.4 {
		t.Errorf("two questions share %.2f of their shingles", worst)
	}
	t.Logf("at most %.2f shared", worst)
}

// TestFormsDiffer says that a problem's answers are as many as it says, once they
// are normalised, and that no wrong one is a right one.
func TestFormsDiffer(t *testing.T) {
	w := DefaultWorld()
	for i := range int64(300) {
		p := w.problem(i, MinRowBytes)
		right, wrong := map[string]bool{spelling(p.base.GroundTruth): true}, map[string]bool{}
		for k := range p.family.forms {
			right[spelling(p.right(k))] = true
			wrong[spelling(p.wrong(k))] = true
		}
		if len(right) != 9 || len(wrong) != 8 {
			t.Fatalf("%s has %d right and %d wrong answers: %v, %v", p.family.category, len(right), len(wrong), right, wrong)
		}
		for answer := range wrong {
			if right[answer] {
				t.Fatalf("%q is right and wrong for %q", answer, p.base.GroundTruth)
			}
		}
	}
}

// TestCauses says that every cause has a family, that the codes are those of the
// taxonomy, and that our rules mostly see the cause in the answers.
func TestCauses(t *testing.T) {
	known := map[taxonomy.Category]bool{}
	for _, class := range taxonomy.Classes() {
		for _, sub := range class.Subs {
			known[sub.Code] = true
		}
	}
	sum := 0.0
	for _, cause := range DefaultWorld().Causes {
		sum += cause.Percent
		if !known[cause.Category] {
			t.Errorf("%q is no category", cause.Category)
		}
		if !slices.ContainsFunc(families, func(f family) bool { return f.category == cause.Category }) {
			t.Errorf("%q has no family of answers", cause.Category)
		}
	}
	near(t, "percentages", sum, 100, 0.2)
	agree, all := 0.0, 0.0
	w := DefaultWorld()
	for i := range int64(100) {
		p := w.problem(i, MinRowBytes)
		for k := range p.family.forms {
			named, _ := taxonomy.Classify(p.base.Question, p.numbers.write(p.family.truth), p.right(k))
			all++
			if named.Class() == p.family.category.Class() {
				agree++
			}
		}
	}
	if agree/all < 0.6 {
		t.Errorf("our rules name the same class for %.2f of the answers only", agree/all)
	}
	t.Logf("our rules name the same class for %.2f", agree/all)
}

func TestRowBytes(t *testing.T) {
	for _, want := range []int{MinRowBytes, 400, 1000} {
		sum, n := 0, 0
		for a := range DefaultWorld().Rows(5000, want) {
			sum += textBytes(reflect.ValueOf(a))
			n++
		}
		near(t, fmt.Sprint("bytes of a row, of ", want), float64(sum)/float64(n), float64(want), 0.03*float64(want))
	}
}

func textBytes(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.String:
		n = v.Len()
	case reflect.Slice:
		for i := range v.Len() {
			n += textBytes(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += textBytes(v.Field(i))
		}
	}
	return n
}

func options(n int64) Options { return Options{Rows: n, RowBytes: 400, World: DefaultWorld()} }

func write(t testing.TB, o Options) (string, *manifest.Manifest) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pool")
	m, err := Write(t.Context(), stagetest.Env(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func TestWrite(t *testing.T) {
	dir, m := write(t, options(1500))
	required, err := manifest.Require(dir)
	if err != nil {
		t.Fatal(err)
	}
	if required.Stage != "label" || !required.Simulated || required.Rows["responses"].Out+required.Rows["candidates"].Out != 1500 {
		t.Errorf("manifest: %+v", required)
	}
	f := m.Figures
	if sum := f["labelled_true"] + f["labelled_false"] + f["disagreed"] + f["undecided"]; sum != 1500 {
		t.Errorf("figures add up to %d rows: %v", sum, f)
	}
	if f["sampled"] != f["sampled_true"]+f["sampled_false"]+f["sampled_disagreed"]+f["sampled_undecided"] || f["sampled"] != m.Rows["responses"].Out {
		t.Errorf("sampled rows do not add up: %v", f)
	}
	if f["judge-a_correct"] == 0 || f["judge-b_undecided"] == 0 {
		t.Errorf("figures of the annotators are missing: %v", f)
	}
	got := stagetest.Read[rows.Annotation](t, dir)
	var want []rows.Annotation
	for a := range DefaultWorld().Rows(1500, 400) {
		want = append(want, a)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was written is not what was made (-want +got):\n%.2000s", diff)
	}
	again, err := Write(t.Context(), stagetest.Env(), dir, options(1500))
	if err != nil || !again.Skipped {
		t.Errorf("a finished pool is made again: %v", err)
	}
}

func TestSameBytes(t *testing.T) {
	_, first := write(t, options(1000))
	_, second := write(t, options(1000))
	other := options(1000)
	other.World.Seed = 1
	_, third := write(t, other)
	if first.Outputs[0].SHA256 != second.Outputs[0].SHA256 {
		t.Error("the same world gives other bytes")
	}
	if first.Outputs[0].SHA256 == third.Outputs[0].SHA256 {
		t.Error("another seed gives the same bytes")
	}
}

func TestEveryNumberOfRows(t *testing.T) {
	for n := range int64(30) {
		have := int64(0)
		for range DefaultWorld().Rows(n, 400) {
			have++
		}
		if have != n {
			t.Errorf("%d rows in place of %d", have, n)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, o := range []Options{{Rows: 0, RowBytes: 400}, {Rows: 1, RowBytes: MinRowBytes - 1}} {
		dir := filepath.Join(t.TempDir(), "pool")
		if _, err := Write(t.Context(), stagetest.Env(), dir, o); err == nil {
			t.Errorf("%+v was written", o)
		}
		if _, err := manifest.Read(dir); err == nil {
			t.Errorf("%+v left a manifest", o)
		}
	}
}

// TestLabelsOfARun says that labels which were paid for are not taken for a pool.
func TestLabelsOfARun(t *testing.T) {
	dir := stagetest.Finished(t, "label", "annotations", []rows.Annotation{{ProblemID: "real"}}, nil, nil)
	if _, err := Write(t.Context(), stagetest.Env(), dir, options(10)); err == nil || !strings.Contains(err.Error(), "name another --out") {
		t.Errorf("got %v", err)
	}
	if got := stagetest.Read[rows.Annotation](t, dir); len(got) != 1 || got[0].ProblemID != "real" {
		t.Errorf("the labels are gone: %v", got)
	}
}

func TestStopped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pool")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Write(ctx, stagetest.Env(), dir, options(1000)); err == nil {
		t.Error("a pool was made after the end")
	}
	if _, err := manifest.Require(dir); err == nil {
		t.Error("an unfinished pool passes for a whole one")
	}
}

func BenchmarkRows(b *testing.B) {
	n := 0
	for range DefaultWorld().Rows(int64(b.N), 400) {
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkWrite(b *testing.B) {
	write(b, options(int64(b.N)))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
