package balance

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
)

func TestParseRatio(t *testing.T) {
	for in, want := range map[string]string{
		"1:1": "1:1", "1:3": "1:3", "0.2": "1:5", "2": "2:1", "0.5:1": "1:2", "2:4": "1:2", " 1 : 1 ": "1:1", "all": "all",
	} {
		if r, err := ParseRatio(in); err != nil || r.String() != want {
			t.Errorf("ParseRatio(%q) = %v, %v; want %s", in, r, err, want)
		}
	}
	for _, in := range []string{"", "0", "0:1", "1:0", "-1", "1:1:1", "x", "0x10", "1_0", "1e9999", "NaN", "Inf", "1/2", "99999999999999999999:1"} {
		if r, err := ParseRatio(in); err == nil {
			t.Errorf("ParseRatio(%q) = %v, want an error", in, r)
		}
	}
}

func row(question, answer string, label *bool) rows.Annotation {
	a := rows.Annotation{ProblemID: question, Question: question, GroundTruth: "1", Answer: answer, Label: label, Origin: rows.OriginSampled, LabelReason: "unanimous"}
	if label == nil {
		a.LabelReason = "voter_undecided"
	}
	return a
}

func run(t testing.TB, in []rows.Annotation, o Options) (*manifest.Manifest, []rows.Example, error) {
	t.Helper()
	labelDir := stagetest.Finished(t, "label", AnnotationsIn, in, map[string]*manifest.Counts{"responses": {In: int64(len(in)), Out: int64(len(in))}}, nil)
	dir := filepath.Join(t.TempDir(), "balance")
	m, err := Run(t.Context(), stagetest.Env(), dir, labelDir, o)
	if err != nil {
		return nil, nil, err
	}
	return m, stagetest.Read[rows.Example](t, dir), nil
}

// AnnotationsIn is the stem of the parts that the label stage writes.
const AnnotationsIn = "annotations"

func TestRun(t *testing.T) {
	yes, no := new(bool), new(bool)
	*yes = true
	disagreed := row("q9", "9", nil)
	disagreed.LabelReason = "disagreed"
	in := []rows.Annotation{
		row("q1", "a", yes), row("q1", "a", yes), // a duplicate
		row("q1", "b", yes),
		row("q2", "a", yes), row("q2", "a", no), row("q2", "a", no), // a conflict
		row("q3", "a", no), row("q4", "a", no), row("q5", "a", no),
		row("q6", "a", nil), disagreed,
	}
	m, got, err := run(t, in, Options{Seed: 1, Ratio: "1:1"})
	if err != nil {
		t.Fatal(err)
	}
	want := &manifest.Counts{In: 11, Out: 4, Dropped: map[string]int64{"duplicate": 1, "conflicting_labels": 3, "undecided": 1, "disagreed": 1, "down_sampled": 1}}
	if diff := cmp.Diff(want, m.Rows["annotations"]); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	labels := map[bool]int{}
	for _, e := range got {
		labels[e.Label]++
		if e.Question == "q2" || e.Question == "q6" || e.Question == "q9" {
			t.Errorf("a row without a sound label was chosen: %+v", e)
		}
	}
	if labels[true] != 2 || labels[false] != 2 {
		t.Errorf("%d True and %d False, want 2 and 2", labels[true], labels[false])
	}
}

func TestImpossibleRatioSaysWhatIsMissing(t *testing.T) {
	no := new(bool)
	_, _, err := run(t, []rows.Annotation{row("q1", "a", no), row("q2", "a", no)}, Options{Ratio: "1:3"})
	if err == nil || !strings.Contains(err.Error(), "missing: 1 True, 1 False") {
		t.Errorf("got %v", err)
	}
	if _, _, err := run(t, []rows.Annotation{row("q1", "a", nil)}, Options{Ratio: "all"}); err == nil {
		t.Error("no labelled row at all, and no error")
	}
}

// TestProperties holds for every set of rows: the ratio is exact, nothing is lost
// uncounted, no pair comes twice, and the order of the input does not matter.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var in []rows.Annotation
		for i := range rapid.IntRange(0, 60).Draw(rt, "rows") {
			var label *bool
			if rapid.IntRange(0, 9).Draw(rt, "labelled") > 0 {
				label = new(rapid.Bool().Draw(rt, "label"))
			}
			a := row(fmt.Sprint("q", rapid.IntRange(0, 20).Draw(rt, "question")), fmt.Sprint("a", rapid.IntRange(0, 2).Draw(rt, "answer")), label)
			a.Sample = int32(i)
			in = append(in, a)
		}
		ratio := rapid.SampledFrom([]string{"1:1", "1:3", "2:1", "0.2"}).Draw(rt, "ratio")
		o := Options{Seed: rapid.Int64().Draw(rt, "seed"), Ratio: ratio}
		m, got, err := run(t, in, o)
		if err != nil {
			return // the ratio cannot be met
		}
		r, _ := ParseRatio(ratio)
		nTrue, nFalse := m.Figures["true"], m.Figures["false"]
		if nTrue*r.False != nFalse*r.True || nTrue == 0 {
			rt.Fatalf("%d True and %d False are not %s", nTrue, nFalse, ratio)
		}
		seen := map[string]bool{}
		for _, e := range got {
			key := e.Question + " " + e.Answer
			if seen[key] {
				rt.Fatalf("%s was chosen twice", key)
			}
			seen[key] = true
		}
		shuffled := append([]rows.Annotation(nil), in...)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		_, again, err := run(t, shuffled, o)
		if err != nil {
			rt.Fatal(err)
		}
		chosen := map[string]int{}
		for _, e := range got {
			chosen[fmt.Sprint(e.Question, e.Answer, e.Sample, e.Label)]++
		}
		for _, e := range again {
			chosen[fmt.Sprint(e.Question, e.Answer, e.Sample, e.Label)]--
		}
		for row, n := range chosen {
			if n != 0 {
				rt.Fatalf("the order of the input changed whether %s is chosen", row)
			}
		}
	})
}
