package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/durable"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/label"
)

// The files of a sample.
const (
	CSVFile    = "audit.csv"
	HTMLFile   = "audit.html"
	SampleFile = "audit.json"
)

// MaxN is the largest sample. A person does not judge more, and memory holds that
// many rows of each stratum.
const MaxN = 2000

// Options says which rows are drawn, and how they are shown.
type Options struct {
	N     int
	Seed  int64
	Blind bool // the page shows labels, origins and votes only after the person decided, and the CSV none
}

// Sample is what is known of a sample: the content of audit.json.
type Sample struct {
	Tool      string          `json:"tool"`
	Seed      int64           `json:"seed"`
	Blind     bool            `json:"blind"`
	Simulated bool            `json:"simulated"` // the labels are of simulated annotators or replies
	Labels    []manifest.File `json:"labels"`    // the files of the labels
	Undecided int64           `json:"undecided"` // rows without a label, which are not sampled
	Strata    []Stratum       `json:"strata"`
	Items     []Item          `json:"items"` // in the order of the CSV
}

// Stratum is the labelled rows of one label, origin and source.
type Stratum struct {
	Label  bool   `json:"label"`
	Origin string `json:"origin"`
	Source string `json:"source"`
	Size   int64  `json:"size"`
	Drawn  int    `json:"drawn"`
}

// Item is a row of the sample.
type Item struct {
	ID        string `json:"id"`
	Stratum   int    `json:"stratum"` // 0-based
	ProblemID string `json:"problem_id"`
	Sample    int32  `json:"sample"`
	Kind      string `json:"kind"`
}

// Draw samples the finished labels in labelDir and writes the sample's files to
// outDir. Files of another sample, and a CSV that somebody began to fill in, are
// left alone and an error.
func Draw(labelDir, outDir string, o Options) (*Sample, error) {
	if o.N < 1 || o.N > MaxN {
		return nil, fmt.Errorf("a sample of %d rows cannot be drawn: give 1 to %d", o.N, MaxN)
	}
	labels, err := labelsOf(labelDir)
	if err != nil {
		return nil, err
	}
	found := &strata{n: o.N, seed: o.Seed, byKey: map[key]*stratum{}}
	for _, file := range labels.files {
		for a, err := range rows.Read[rows.Annotation](filepath.Join(labelDir, file.Path)) {
			if err == nil {
				err = found.add(&a)
			}
			if err != nil {
				return nil, fmt.Errorf("sampling %s: %w", labelDir, err)
			}
		}
	}
	if len(found.byKey) == 0 {
		return nil, fmt.Errorf("%s has no row with a label (%d are undecided): there is nothing to audit", labelDir, found.undecided)
	}

	sample := &Sample{Tool: "tinyv", Seed: o.Seed, Blind: o.Blind, Simulated: labels.simulated, Labels: labels.files, Undecided: found.undecided}
	items := sample.take(found)
	return sample, sample.write(outDir, items)
}

type labels struct {
	files     []manifest.File
	simulated bool
}

// labelsOf finds the annotations of a finished stage by its manifest: other files lie beside them.
func labelsOf(dir string) (labels, error) {
	m, err := manifest.Require(dir)
	if err != nil {
		return labels{}, err
	}
	if m.Stage != "label" {
		return labels{}, fmt.Errorf("%s holds the files of stage %q, and labels are wanted: name a run's label directory with --in", dir, m.Stage)
	}
	out := labels{simulated: m.Simulated}
	for _, f := range m.Outputs {
		if strings.HasPrefix(f.Path, label.AnnotationsStem+"-") {
			out.files = append(out.files, f)
		}
	}
	return out, nil
}

// take draws from each stratum what it is allotted, and notes it.
func (s *Sample) take(found *strata) []item {
	sorted := found.sorted()
	available := make([]int64, len(sorted))
	for i, st := range sorted {
		available[i] = st.size
	}
	var items []item
	stratumOf := map[string]int{}
	for i, n := range allot(found.n, available) {
		st := sorted[i]
		slices.SortFunc(st.drawn, byPriority)
		drawn := st.drawn[:min(n, len(st.drawn))] // fewer if rows are equal
		for _, it := range drawn {
			stratumOf[it.id] = i
		}
		items = append(items, drawn...)
		s.Strata = append(s.Strata, Stratum{st.label, st.origin, st.source, st.size, len(drawn)})
	}
	slices.SortFunc(items, byPriority) // shuffles the strata
	for _, it := range items {
		s.Items = append(s.Items, Item{it.id, stratumOf[it.id], it.problemID, it.sample, it.kind})
	}
	return items
}

func (s *Sample) write(dir string, items []item) error {
	note, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the sample: %w", err)
	}
	note = append(note, '\n')
	sum := sha256.Sum256(note)
	page, err := page(hex.EncodeToString(sum[:8]), s, items)
	if err != nil {
		return err
	}
	table, err := table(items, s.Blind)
	if err != nil {
		return err
	}
	files := []struct {
		name    string
		content []byte
	}{{CSVFile, table}, {HTMLFile, page}, {SampleFile, note}} // the last says that the others are there
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the directory of the sample: %w", err)
	}
	for _, f := range files {
		if err := mayWrite(filepath.Join(dir, f.name), f.content); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := durable.WriteFile(filepath.Join(dir, f.name), f.content); err != nil {
			return err
		}
	}
	return nil
}

// mayWrite refuses to write over another content: it may be hours of a person's work.
func mayWrite(path string, content []byte) error {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for an earlier sample: %w", err)
	}
	return fmt.Errorf("%s is of another sample, or somebody has filled it in; it is left alone: name another --out, or move it away", path)
}

// readSample reads the sample's own record.
func readSample(dir string) (*Sample, error) {
	path := filepath.Join(dir, SampleFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no %s in %s: name the directory of the sample with --out (%w)", SampleFile, dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the sample: %w", err)
	}
	var s Sample
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s is not the record of a sample: %w", path, err)
	}
	if s.Tool != "tinyv" || len(s.Items) == 0 {
		return nil, fmt.Errorf("%s is not the record of a sample", path)
	}
	for _, it := range s.Items {
		if it.Stratum < 0 || it.Stratum >= len(s.Strata) {
			return nil, fmt.Errorf("%s is damaged: row %s is of stratum %d of %d; draw the sample again", path, it.ID, it.Stratum, len(s.Strata))
		}
	}
	return &s, nil
}
