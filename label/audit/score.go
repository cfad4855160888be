package audit

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"tinyv/internal/interval"
	"tinyv/internal/manifest"
	"tinyv/label/stats"
)

// Result is what a person's judgements say of the labels.
type Result struct {
	Simulated  bool        `json:"simulated"` // the labels are of simulated annotators or replies
	Confidence float64     `json:"confidence"`
	Undecided  int64       `json:"undecided"` // rows of the run without a label; precision is not about them
	All        Precision   `json:"all"`
	True       Precision   `json:"true"`
	False      Precision   `json:"false"`
	Origins    []OfOrigin  `json:"origins"`
	Wrong      []WrongRow  `json:"wrong"` // in the order of the sample
	Unsure     []UnsureRow `json:"unsure"`
}

// Precision is how many labels of some strata are right.
type Precision struct {
	Labels     int64 `json:"labels"` // in the run
	Drawn      int64 `json:"drawn"`
	Right      int64 `json:"right"`
	Wrong      int64 `json:"wrong"`
	Unsure     int64 `json:"unsure"`
	Unanswered int64 `json:"unanswered"` // rows that are missing from the file included
	// Precision is right of right and wrong, as they were judged. Weighted brings
	// each stratum back to its share in the run, which is the figure to quote.
	Precision interval.Proportion `json:"precision"`
	Weighted  stats.Weighted      `json:"weighted"`
}

// OfOrigin is the precision of the labels of one origin.
type OfOrigin struct {
	Origin string `json:"origin"`
	Precision
}

// WrongRow is a row whose label a person found wrong.
type WrongRow struct {
	ID        string `json:"id"`
	Line      int    `json:"line"` // of the filled-in file
	ProblemID string `json:"problem_id"`
	Sample    int32  `json:"sample"`
	Origin    string `json:"origin"`
	Kind      string `json:"kind"`
	Label     bool   `json:"label"`
	Note      string `json:"note"`
}

// UnsureRow is a row of which a person could not tell.
type UnsureRow WrongRow

// Score reads the filled-in CSV file of the sample in sampleDir, or in the file's
// own directory if that is "". The labels in labelDir must be those that were sampled.
func Score(file, sampleDir, labelDir string) (*Result, error) {
	if sampleDir == "" {
		sampleDir = filepath.Dir(file)
	}
	sample, err := readSample(sampleDir)
	if err != nil {
		return nil, err
	}
	labels, err := labelsOf(labelDir)
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(labels.files, sample.Labels, sameContent) {
		return nil, fmt.Errorf("the labels in %s are not those that the sample in %s was drawn from: name their directory with --in, or draw a new sample", labelDir, sampleDir)
	}
	answers, err := readAnswers(file, sample)
	if err != nil {
		return nil, err
	}
	return sample.score(answers), nil
}

func sameContent(a, b manifest.File) bool { return a.SHA256 == b.SHA256 }

// judged counts the judgements of one stratum.
type judged struct{ right, wrong, unsure int64 }

func (s *Sample) score(answers map[string]answer) *Result {
	out := &Result{Simulated: s.Simulated, Confidence: interval.Confidence, Undecided: s.Undecided, Origins: []OfOrigin{}, Wrong: []WrongRow{}, Unsure: []UnsureRow{}}
	counts := make([]judged, len(s.Strata))
	for _, it := range s.Items {
		a, st, n := answers[it.ID], s.Strata[it.Stratum], &counts[it.Stratum]
		row := WrongRow{it.ID, a.line, it.ProblemID, it.Sample, st.Origin, it.Kind, st.Label, a.note}
		switch {
		case a.judgement == unanswered:
		case a.judgement == unsure:
			n.unsure++
			out.Unsure = append(out.Unsure, UnsureRow(row))
		case (a.judgement == correct) == st.Label:
			n.right++
		default:
			n.wrong++
			out.Wrong = append(out.Wrong, row)
		}
	}
	out.All = s.precision(counts, func(Stratum) bool { return true })
	out.True = s.precision(counts, func(st Stratum) bool { return st.Label })
	out.False = s.precision(counts, func(st Stratum) bool { return !st.Label })
	var origins []string
	for _, st := range s.Strata {
		origins = append(origins, st.Origin)
	}
	slices.Sort(origins)
	for _, origin := range slices.Compact(origins) {
		out.Origins = append(out.Origins, OfOrigin{origin, s.precision(counts, func(st Stratum) bool { return st.Origin == origin })})
	}
	return out
}

func (s *Sample) precision(counts []judged, in func(Stratum) bool) Precision {
	var p Precision
	var strata []stats.Stratum
	for i, st := range s.Strata {
		if !in(st) {
			continue
		}
		n := counts[i]
		p.Labels += st.Size
		p.Drawn += int64(st.Drawn)
		p.Right += n.right
		p.Wrong += n.wrong
		p.Unsure += n.unsure
		strata = append(strata, stats.Stratum{K: n.right, N: n.right + n.wrong, Size: st.Size})
	}
	p.Unanswered = p.Drawn - p.Right - p.Wrong - p.Unsure
	p.Precision = interval.Share(p.Right, p.Right+p.Wrong)
	p.Weighted = stats.Weigh(strata)
	return p
}

// JSON is the result for programs.
func (r *Result) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the score: %w", err)
	}
	return append(data, '\n'), nil
}
