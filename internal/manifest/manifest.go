// Package manifest keeps the record of what a stage did, and decides whether it
// has to be done again.
//
// A stage directory belongs to one stage of one run. It holds the stage's data
// files and manifest.json, which is written twice: before the first row, saying
// that the stage is incomplete, and after the last file is whole, with counts
// and hashes. A directory whose manifest is complete and whose fingerprint (the
// settings that change the output, and the content of the inputs) is unchanged
// is left as it is. Files that this package did not record are never touched.
package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tinyv/internal/durable"
	"tinyv/internal/rows"
	"tinyv/internal/version"
)

// Name is the file name of a manifest.
const Name = "manifest.json"

// journalDir may lie in a stage's directory before the stage begins: an evaluation
// keeps the replies that it pays for there.
const journalDir = "journal"

// layout is part of every fingerprint. It changes when the files of a stage
// change shape, so that a newer tool does not take an older one's files for its own.
const layout = 4

// File is one input or output of a stage.
type File struct {
	Path   string `json:"path"` // inputs: as given; outputs: relative to the stage directory
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

// Counts says what became of the rows of one kind. In = Out + the sum of
// Dropped, always: Finish refuses a manifest that says otherwise.
type Counts struct {
	In      int64            `json:"in"`
	Out     int64            `json:"out"`
	Dropped map[string]int64 `json:"dropped,omitempty"` // by reason code
}

// Drop counts one dropped row.
func (c *Counts) Drop(reason string) {
	if c.Dropped == nil {
		c.Dropped = map[string]int64{}
	}
	c.Dropped[reason]++
}

func (c *Counts) balanced() bool {
	sum := c.Out
	for _, n := range c.Dropped {
		sum += n
	}
	return sum == c.In
}

// Spent is what the model replies of a stage cost, whether they were paid in
// this run or taken from the journal of an earlier one.
type Spent struct {
	PaidCalls        int64    `json:"paid_calls"` // sent and answered in this run
	PromptTokens     int64    `json:"prompt_tokens"`
	CompletionTokens int64    `json:"completion_tokens"`
	CostUSD          *float64 `json:"cost_usd"` // null where a reply has no price

	replies int64
}

// Spend adds a reply. The cost of all is unknown once that of one is.
func (s *Spent) Spend(promptTokens, completionTokens int64, cost *float64) {
	s.replies++
	s.PromptTokens += promptTokens
	s.CompletionTokens += completionTokens
	switch {
	case cost == nil:
		s.CostUSD = nil
	case s.CostUSD != nil:
		*s.CostUSD += *cost
	case s.replies == 1:
		sum := *cost
		s.CostUSD = &sum
	}
}

// Manifest is the content of manifest.json.
type Manifest struct {
	Tool        string             `json:"tool"`
	Version     string             `json:"version"`
	Stage       string             `json:"stage"`
	Complete    bool               `json:"complete"`
	Simulated   bool               `json:"simulated"` // some of the rows were made by the simulated model server
	Fingerprint string             `json:"fingerprint"`
	Settings    any                `json:"settings"` // the resolved configuration of the stage
	Inputs      []File             `json:"inputs"`
	Writes      []string           `json:"writes"` // glob patterns of the files that the stage makes
	Outputs     []File             `json:"outputs,omitempty"`
	Rows        map[string]*Counts `json:"rows,omitempty"`    // by kind of row: problems, responses, annotations, examples
	Figures     map[string]int64   `json:"figures,omitempty"` // further counts of the stage, by name
	Spent       *Spent             `json:"spent,omitempty"`
	StartedAt   time.Time          `json:"started_at"`
	Seconds     float64            `json:"seconds,omitempty"`
	Record      json.RawMessage    `json:"record,omitempty"` // of what was done with the stage's files, see Attach

	Skipped bool `json:"-"` // it was found complete, and nothing was done
}

// Stage is a stage at work in its directory.
type Stage struct {
	Dir   string
	m     Manifest
	begun time.Time
}

// Begin prepares dir for a stage. If the stage is complete there and nothing
// that matters changed, Begin returns its manifest and a nil Stage. Otherwise it
// removes what an earlier run of the stage left in dir, and writes an incomplete
// manifest. settings is everything that changes the output; it is stored as JSON,
// so it holds no secrets. writes are the glob patterns of the files the stage will
// make, relative to dir; files of these names that tinyv did not write are refused.
func Begin(dir, stage string, settings any, inputs []File, writes []string) (*Stage, *Manifest, error) {
	fingerprint, err := fingerprint(stage, settings, inputs)
	if err != nil {
		return nil, nil, err
	}
	previous, err := Read(dir)
	switch {
	case err == nil && previous.Stage != stage:
		return nil, nil, fmt.Errorf("%s holds the files of stage %q, not of %q: name another --out", dir, previous.Stage, stage)
	case err == nil && previous.Complete && previous.Fingerprint == fingerprint && previous.intact(dir):
		previous.Skipped = true
		return nil, previous, nil
	case err == nil:
		if err := previous.remove(dir); err != nil {
			return nil, nil, err
		}
	case errors.Is(err, fs.ErrNotExist):
		if err := mustBeEmpty(dir); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, err
	}
	if foreign, err := matches(dir, writes); err != nil || len(foreign) > 0 {
		return nil, nil, errors.Join(err, occupied(dir, foreign))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("making the directory of stage %s: %w", stage, err)
	}
	s := &Stage{Dir: dir, begun: time.Now(), m: Manifest{
		Tool: "tinyv", Version: version.String(), Stage: stage, Fingerprint: fingerprint,
		Settings: settings, Inputs: inputs, Writes: writes, StartedAt: time.Now().UTC().Truncate(time.Second),
	}}
	return s, nil, s.write()
}

// Finish completes the stage: it hashes the files named in outputs (relative to
// the stage directory), checks the counts, and writes the complete manifest.
func (s *Stage) Finish(outputs []string, counts map[string]*Counts, figures map[string]int64, spent *Spent, simulated bool) (*Manifest, error) {
	for kind, c := range counts {
		if !c.balanced() {
			return nil, fmt.Errorf("stage %s: %s do not add up: %d in, %d out, dropped %v (a defect of tinyv, please report it)", s.m.Stage, kind, c.In, c.Out, c.Dropped)
		}
	}
	for _, name := range outputs {
		f, err := Hash(filepath.Join(s.Dir, name))
		if err != nil {
			return nil, err
		}
		f.Path = name
		s.m.Outputs = append(s.m.Outputs, f)
	}
	s.m.Rows, s.m.Figures, s.m.Spent, s.m.Simulated = counts, figures, spent, simulated
	s.m.Seconds = float64(time.Since(s.begun).Milliseconds()) / 1000
	s.m.Complete = true
	return &s.m, s.write()
}

// Attach puts the record of what was done with the files of a complete stage into the
// stage's manifest, in place of an earlier record. It decides nothing: the stage is
// done again, or not, as without it, and loses the record when it is.
func Attach(dir, stage string, record any) error {
	m, err := Read(dir)
	if err != nil {
		return err
	}
	if m.Stage != stage || !m.Complete {
		return fmt.Errorf("%s is not the manifest of a finished stage %q", filepath.Join(dir, Name), stage)
	}
	if m.Record, err = json.Marshal(record); err != nil {
		return fmt.Errorf("encoding what was done with the files of stage %s: %w", stage, err)
	}
	return (&Stage{Dir: dir, m: *m}).write()
}

func (s *Stage) write() error {
	data, err := json.MarshalIndent(s.m, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the manifest of stage %s: %w", s.m.Stage, err)
	}
	return durable.WriteFile(filepath.Join(s.Dir, Name), append(data, '\n'))
}

// Read returns the manifest of a stage directory.
func Read(dir string) (*Manifest, error) {
	path := filepath.Join(dir, Name)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a stage's manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s is not a manifest: %w", path, err)
	}
	if m.Tool != "tinyv" {
		return nil, fmt.Errorf("%s is not a manifest of tinyv: name another --out", path)
	}
	return &m, nil
}

// Require returns the manifest of a stage that another one reads from. It is
// an error if that stage is incomplete: its files may lack rows.
func Require(dir string) (*Manifest, error) {
	m, err := Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no finished stage in %s: run the stage before this one first, or name its directory with --in (%w)", dir, err)
	}
	if err != nil {
		return nil, err
	}
	if !m.Complete {
		return nil, fmt.Errorf("stage %s in %s is incomplete: run it again, it resumes where it was cut off", m.Stage, dir)
	}
	if !m.intact(dir) {
		return nil, fmt.Errorf("stage %s in %s is complete, but files that its manifest names are missing or of another size: run it again", m.Stage, dir)
	}
	return m, nil
}

// Hash returns the size and the SHA-256 of a file.
func Hash(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return File{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return File{Path: filepath.ToSlash(path), Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// HashAll hashes the files that path stands for: itself, or its parts.
func HashAll(path string) ([]File, error) {
	parts, err := rows.Parts(path)
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(parts))
	for _, part := range parts {
		f, err := Hash(part)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func fingerprint(stage string, settings any, inputs []File) (string, error) {
	// Only the content of inputs counts: a moved file is the same input.
	hashes := make([]string, len(inputs))
	for i, f := range inputs {
		hashes[i] = f.SHA256
	}
	data, err := json.Marshal(struct {
		Layout   int
		Stage    string
		Settings any
		Inputs   []string
	}{layout, stage, settings, hashes})
	if err != nil {
		return "", fmt.Errorf("encoding the settings of stage %s: %w", stage, err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// intact reports whether every output is still there with its size.
func (m *Manifest) intact(dir string) bool {
	for _, f := range m.Outputs {
		info, err := os.Stat(filepath.Join(dir, f.Path))
		if err != nil || info.Size() != f.Bytes {
			return false
		}
	}
	return true
}

// remove deletes the manifest first, then the files that the stage made, whole
// or temporary, so that a crash in between leaves no complete manifest behind.
func (m *Manifest) remove(dir string) error {
	incomplete := *m
	incomplete.Complete, incomplete.Outputs, incomplete.Record = false, nil, nil
	if err := (&Stage{Dir: dir, m: incomplete}).write(); err != nil {
		return err
	}
	doomed, err := matches(dir, m.Writes)
	if err != nil {
		return err
	}
	for _, path := range doomed {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("removing a file of an earlier run: %w", err)
		}
	}
	return nil
}

// matches lists the files below dir, whole or temporary, that patterns name.
func matches(dir string, patterns []string) ([]string, error) {
	var found []string
	for _, pattern := range patterns {
		if strings.Contains(pattern, `\`) || !filepath.IsLocal(pattern) {
			return nil, fmt.Errorf("%s names files outside its directory: %q", filepath.Join(dir, Name), pattern)
		}
		for _, p := range []string{pattern, pattern + durable.Suffix} {
			paths, err := filepath.Glob(filepath.Join(dir, p))
			if err != nil {
				return nil, fmt.Errorf("%s names the bad pattern %q: %w", filepath.Join(dir, Name), p, err)
			}
			found = append(found, paths...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

func occupied(dir string, foreign []string) error {
	if len(foreign) == 0 {
		return nil
	}
	return fmt.Errorf("%s is not a file of tinyv, and the stage would write over it: move it, or name another --out", foreign[0])
}

func mustBeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() == journalDir || e.Name() == Name+durable.Suffix && cutOff(filepath.Join(dir, e.Name())) {
			continue
		}
		return fmt.Errorf("%s holds files that tinyv did not write (%q among them); they are left alone: name another --out", dir, e.Name())
	}
	return nil
}

// cutOff reports whether the file is the beginning of a manifest of ours: what a run
// leaves that is killed before its first manifest has its name.
func cutOff(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	n := min(len(data), len(opening))
	return string(data[:n]) == opening[:n]
}

// opening is what every manifest begins with, as Stage.write writes it.
const opening = "{\n  \"tool\": \"tinyv\",\n"
