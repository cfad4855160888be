package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
)

// row is a labelled row with the votes that made its label.
func row(problem int, source, origin, answer string, label bool) rows.Annotation {
	return rows.Annotation{
		ProblemID: fmt.Sprint("p", problem), Source: source, Origin: origin, Question: fmt.Sprintf("What is %d?", problem),
		GroundTruth: fmt.Sprint(problem), Answer: answer, Label: &label,
		Votes: []rows.AnnotatorVote{{Annotator: "a", Correct: &label, Reason: "it is so"}, {Annotator: "b", Correct: &label}},
	}
}

// run is 100 labels: 20 True and 70 False of one source, 10 synthetic True of
// another, and 5 rows without a label.
func run() []rows.Annotation {
	var all []rows.Annotation
	for i := range 105 {
		switch {
		case i < 20:
			all = append(all, row(i, "x", rows.OriginSampled, fmt.Sprintf("%d.0", i), true))
		case i < 90:
			all = append(all, row(i, "x", rows.OriginSampled, fmt.Sprint(-i), false))
		case i < 100:
			all = append(all, row(i, "y", rows.OriginSynthetic, fmt.Sprintf("=%d", i), true))
		default:
			undecided := row(i, "x", rows.OriginSampled, "?", false)
			undecided.Label = nil
			all = append(all, undecided)
		}
	}
	return all
}

func labelled(t testing.TB, all []rows.Annotation) string {
	t.Helper()
	return stagetest.Finished(t, "label", "annotations", all, nil, nil)
}

func draw(t testing.TB, all []rows.Annotation, o Options) (labels, out string, s *Sample) {
	t.Helper()
	labels, out = labelled(t, all), filepath.Join(t.TempDir(), "audit")
	s, err := Draw(labels, out, o)
	if err != nil {
		t.Fatal(err)
	}
	return labels, out, s
}

func read(t testing.TB, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func reversed(all []rows.Annotation) []rows.Annotation {
	all = slices.Clone(all)
	slices.Reverse(all)
	return all
}
