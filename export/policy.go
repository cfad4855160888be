package export

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/rows"
	"tinyv/verify/model"
)

// DefaultPolicyPrompt asks a policy for the form of answer that the rule verifier
// looks for.
const DefaultPolicyPrompt = "{{QUESTION}}\n\nReason step by step, and put your final answer within \\boxed{}."

// Sets of problems for training a policy. Enriched has the problems for which the
// rule wrongly rejected a right answer: there a verifier makes a difference, so
// training on it shows soonest what the verifier is worth. Plain has as many
// problems drawn from all of them, with false negatives and without: it says how
// much of that is left on ordinary data, and is what enriched is compared with.
const (
	setEnriched = "enriched"
	setPlain    = "plain"
)

// problem is what a policy is trained on.
type problem struct {
	Split          string   `json:"split"`
	ProblemID      string   `json:"problem_id"`
	Source         string   `json:"source"`
	Domain         []string `json:"domain"`
	Question       string   `json:"question"`
	GroundTruth    string   `json:"ground_truth"`
	FalseNegatives int32    `json:"false_negatives"`
	Rejections     int32    `json:"rejections"`
	Simulated      bool     `json:"simulated"`
}

// policy writes the problems of the rows, each question once and in its first
// spelling, as the two sets for each of the splits train and eval. Problems from
// held-out sources are left out: no policy is to see them either.
//
// Which problems are plain, and how many, is known only after the last row, so the
// problems wait in a file of their own. Memory holds, at the end, 8 bytes for each.
type policy[T any] struct {
	job
	sub   string // directory of the target
	ext   string
	row   func(p problem, index int64) T // index is the 0-based position in the file
	spool *rows.Writer[problem]
}

const policySpool = "problems.spool.jsonl.zst"

// policyFiles are the glob patterns of what a target of policies makes in its directory.
func policyFiles(sub string) []string {
	return []string{sub + "/" + setEnriched + "*", sub + "/" + setPlain + "*", sub + "/" + policySpool}
}

func openPolicy[T any](j job, sub, ext string, row func(problem, int64) T) (target, error) {
	if !strings.Contains(j.policyPrompt(), "{{QUESTION}}") {
		return nil, fmt.Errorf("export: the policy's prompt has no {{QUESTION}}, so that every problem would be the same: %q", j.PolicyPrompt)
	}
	t := &policy[T]{job: j, sub: sub, ext: ext, row: row}
	if err := os.MkdirAll(filepath.Join(j.dir, sub), 0o777); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	var err error
	t.spool, err = rows.CreateFile[problem](t.spoolPath())
	return t, err
}

func (o Options) policyPrompt() string {
	if o.PolicyPrompt == "" {
		return DefaultPolicyPrompt
	}
	return o.PolicyPrompt
}

// asker makes the user's message to the policy of a question.
func (o Options) asker() func(question string) string {
	prompt := model.NewPrompt(o.policyPrompt())
	return func(question string) string { return prompt.Fill(question, "", "") }
}

func (t *policy[T]) spoolPath() string { return filepath.Join(t.dir, t.sub, policySpool) }

func (t *policy[T]) write(r row) error {
	if !r.first {
		return nil
	}
	return t.spool.Write(problem{
		Split: r.Split, ProblemID: r.ProblemID, Source: r.Source, Domain: r.Domain, Question: r.Question, GroundTruth: r.GroundTruth,
		FalseNegatives: r.FalseNegatives, Rejections: r.Rejections, Simulated: r.Simulated,
	})
}

func (t *policy[T]) finish() ([]string, error) {
	if err := t.spool.Close(); err != nil {
		return nil, err
	}
	var names []string
	for _, split := range []string{rows.SplitTrain, rows.SplitEval} {
		enriched, limit, err := t.draw(split)
		if err != nil {
			return nil, err
		}
		if enriched == 0 && split == rows.SplitTrain {
			return nil, fmt.Errorf("export: no problem of the training split has a false negative, so there is no enriched set for %s: leave that target out", t.sub)
		}
		if enriched == 0 {
			continue
		}
		for _, set := range []string{setEnriched, setPlain} {
			name := set
			if split != rows.SplitTrain {
				name += "_" + split
			}
			name = path.Join(t.sub, name+"."+t.ext)
			if err := t.writeSet(name, split, set, enriched, limit); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
	}
	if err := os.Remove(t.spoolPath()); err != nil {
		return nil, fmt.Errorf("export: removing the file of waiting problems: %w", err)
	}
	return names, nil
}

// draw counts the enriched problems of a split, and returns the priority up to which
// as many of all its problems are plain.
func (t *policy[T]) draw(split string) (enriched int, limit uint64, err error) {
	var priorities []uint64
	for p, err := range rows.Read[problem](t.spoolPath()) {
		if err != nil {
			return 0, 0, err
		}
		if p.Split != split {
			continue
		}
		if p.FalseNegatives > 0 {
			enriched++
		}
		priorities = append(priorities, t.priority(p))
	}
	if enriched == 0 {
		return 0, 0, nil
	}
	slices.Sort(priorities)
	return enriched, priorities[enriched-1], nil
}

// priority orders problems at random: the seed decides, and how the question is
// written in the first row that asks it.
func (o Options) priority(p problem) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "policy %d\n%s", o.Seed, p.Question))
	return binary.BigEndian.Uint64(sum[:])
}

func (t *policy[T]) writeSet(name, split, set string, n int, limit uint64) error {
	w, err := rows.CreateFile[T](filepath.Join(t.dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	for p, err := range rows.Read[problem](t.spoolPath()) {
		if err != nil {
			return errors.Join(err, w.Abort())
		}
		in := p.FalseNegatives > 0
		if set == setPlain {
			in = t.priority(p) <= limit && w.Rows() < int64(n)
		}
		if p.Split != split || !in {
			continue
		}
		if err := w.Write(t.row(p, w.Rows())); err != nil {
			return errors.Join(err, w.Abort())
		}
	}
	return w.Close()
}

func (t *policy[T]) abort() {
	if t.spool != nil {
		t.spool.Abort()
	}
	os.Remove(t.spoolPath())               // gone after finish
	os.Remove(filepath.Join(t.dir, t.sub)) // succeeds only if it is empty
}
