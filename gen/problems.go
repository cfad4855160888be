package gen

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"tinyv/internal/brief"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/verify"
)

// Input says where foreign rows are and how to read them.
type Input struct {
	Path                 string            `json:"-"`       // a file, or a directory of parts; its content is fingerprinted, not its name
	Columns              map[string]string `json:"columns"` // our name: dotted path in the input
	GroundTruthAfter     string            `json:"ground_truth_after"`
	QuestionSuffix       string            `json:"question_suffix"`
	DropSelfTestFailures bool              `json:"drop_self_test_failures"`
	Limit                int64             `json:"limit"` // 0 is all
}

// Rule is the rule verifier that finds rejections.
type Rule struct {
	Name     string
	Verifier verify.Verifier
}

// The names of this stage's files.
const (
	ProblemsStem    = "problems"
	ResponsesStem   = "responses"
	GoldRefusedFile = "gold_refused.jsonl"
)

// mustBeRejected is an answer that is right for no problem. A rule verifier that
// accepts it accepts anything.
const mustBeRejected = `\text{tinyv self-test: no answer}`

// GoldRefused is a problem whose ground truth failed the gold self-test.
type GoldRefused struct {
	ProblemID   string `parquet:"problem_id" json:"problem_id"`
	Source      string `parquet:"source" json:"source"`
	Question    string `parquet:"question" json:"question"`
	GroundTruth string `parquet:"ground_truth" json:"ground_truth"`
	Extracted   string `parquet:"extracted" json:"extracted"` // what the rule verifier took from a reply that boxes the ground truth
	Reason      string `parquet:"reason" json:"reason"`
}

// selfTest puts every ground truth to the rule verifier as a perfect reply would
// bring it, boxed. A problem that fails it can only ever yield rejections.
type selfTest struct {
	rule    Rule
	file    *rows.Writer[GoldRefused]
	refused int64
}

func newSelfTest(dir string, rule Rule) (*selfTest, error) {
	file, err := rows.CreateFile[GoldRefused](filepath.Join(dir, GoldRefusedFile))
	if err != nil {
		return nil, err
	}
	return &selfTest{rule: rule, file: file}, nil
}

// passes reports whether the rule verifier accepts p's own ground truth.
func (t *selfTest) passes(ctx context.Context, p rows.Problem) (bool, error) {
	verdict, err := t.rule.Verifier.Verify(ctx, verify.Case{Question: p.Question, GroundTruth: p.GroundTruth, Response: `\boxed{` + p.GroundTruth + `}`})
	if err != nil {
		return false, fmt.Errorf("self-test of problem %s: %w", p.ProblemID, err)
	}
	wrong, err := t.rule.Verifier.Verify(ctx, verify.Case{Question: p.Question, GroundTruth: p.GroundTruth, Response: `\boxed{` + mustBeRejected + `}`})
	if err != nil {
		return false, fmt.Errorf("self-test of problem %s: %w", p.ProblemID, err)
	}
	if wrong.Outcome == verify.Correct {
		return false, fmt.Errorf("self-test of problem %s: the rule verifier %s accepts %q for the ground truth %q; its verdicts mean nothing", p.ProblemID, t.rule.Name, mustBeRejected, p.GroundTruth)
	}
	if verdict.Outcome == verify.Correct {
		return true, nil
	}
	t.refused++
	return false, t.file.Write(GoldRefused{
		ProblemID: p.ProblemID, Source: p.Source, Question: p.Question, GroundTruth: p.GroundTruth,
		Extracted: verdict.Extracted, Reason: verdict.Reason,
	})
}

// maxShown is how many characters a list that people read shows of a text.
const maxShown = 120

// problemOrDrop is one row of the input: a problem, or the reason for leaving it out.
type problemOrDrop struct {
	problem rows.Problem
	input   string // where the row stands: file and 1-based row
	row     int64
	drop    *rows.Rejected
}

// Problems is the step before any call: it reads problems, drops (with a reason)
// those that cannot be used or came before, and runs the gold self-test. It
// writes problems-*.parquet, rejected.jsonl and gold_refused.jsonl to dir.
//
// world, if not nil, is where the problems come from instead of in.Path; settings
// then names it for the fingerprint.
func Problems(ctx context.Context, env stage.Env, dir string, in Input, world iter.Seq[rows.Problem], worldSettings any, rule Rule) (*manifest.Manifest, error) {
	var inputs []manifest.File
	source := generated(world)
	if world == nil {
		var err error
		if inputs, err = manifest.HashAll(in.Path); err != nil {
			return nil, fmt.Errorf("reading problems: %w", err)
		}
		source = foreignProblems(in)
	}
	settings := struct {
		Input `json:"input"`
		Rule  string `json:"rule"`
		World any    `json:"world,omitempty"`
	}{in, rule.Name, worldSettings}
	s, done, err := manifest.Begin(dir, "problems", settings, inputs, []string{ProblemsStem + "-*", stage.RejectedFile, GoldRefusedFile})
	if err != nil || done != nil {
		return done, err
	}

	counts := &manifest.Counts{}
	rejects, err := stage.NewRejects(filepath.Join(dir, stage.RejectedFile), counts)
	if err != nil {
		return nil, err
	}
	defer rejects.Abort()
	test, err := newSelfTest(dir, rule)
	if err != nil {
		return nil, err
	}
	defer test.file.Abort()
	out, err := rows.Create[rows.Problem](dir, ProblemsStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer out.Abort()

	bar := env.Progress.Start("problems", 0, nil)
	defer bar.Finish()
	kept := problemSieve{in: in, rejects: rejects, test: test, out: out, seen: map[questionKey]struct{}{}}
	for row, err := range stage.Until(env.Stop, source) {
		if err != nil {
			return nil, fmt.Errorf("reading problems: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		bar.Add(1)
		if err := kept.take(ctx, row); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(rejects.Close(), test.file.Close()); err != nil {
		return nil, err
	}
	if counts.Out == 0 {
		return nil, noRows(in.Path, counts, filepath.Join(dir, stage.RejectedFile))
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	figures := map[string]int64{"self_test_refused": test.refused}
	return s.Finish(append(out.Files(), stage.RejectedFile, GoldRefusedFile), map[string]*manifest.Counts{"problems": counts}, figures, nil, kept.simulated)
}

// problemSieve takes problems one after the other: it writes what can be used and is
// new, and lists and counts the rest.
type problemSieve struct {
	in        Input
	rejects   *stage.Rejects
	test      *selfTest
	out       *rows.Writer[rows.Problem]
	seen      map[questionKey]struct{}
	simulated bool
}

func (p *problemSieve) take(ctx context.Context, row problemOrDrop) error {
	p.rejects.Counts.In++
	if row.drop != nil {
		return p.rejects.Drop(*row.drop)
	}
	problem := row.problem
	key := keyOf(problem.Question)
	if _, dup := p.seen[key]; dup {
		return p.rejects.Drop(rows.Rejected{Input: row.input, Row: row.row, Reason: reasonDuplicateProblem, Detail: "the same question came before: " + brief.Of(problem.Question, maxShown)})
	}
	p.seen[key] = struct{}{}
	ok, err := p.test.passes(ctx, problem)
	if err != nil {
		return err
	}
	if !ok && p.in.DropSelfTestFailures {
		return p.rejects.Drop(rows.Rejected{Input: row.input, Row: row.row, Reason: reasonSelfTest, Detail: "listed in " + GoldRefusedFile})
	}
	p.simulated = p.simulated || problem.Simulated
	p.rejects.Counts.Out++
	return p.out.Write(problem)
}

// noRows says why an input yields nothing at all.
func noRows(path string, counts *manifest.Counts, rejected string) error {
	if counts.In == 0 {
		return fmt.Errorf("%s is empty: it holds no rows", path)
	}
	return fmt.Errorf("%s: none of its %d rows can be used (%v); %s says why for each", path, counts.In, counts.Dropped, rejected)
}

func generated(world iter.Seq[rows.Problem]) iter.Seq2[problemOrDrop, error] {
	return func(yield func(problemOrDrop, error) bool) {
		var n int64
		for p := range world {
			n++
			if !yield(problemOrDrop{problem: p, input: "simulated", row: n}, nil) {
				return
			}
		}
	}
}

// foreignProblems reads problems of any layout.
func foreignProblems(in Input) iter.Seq2[problemOrDrop, error] {
	c := &columns{in: in, section: "problems"}
	return func(yield func(problemOrDrop, error) bool) {
		for record, err := range records(in) {
			if err == nil && record.first {
				err = errors.Join(c.require(record.Record, "question"), c.require(record.Record, "ground_truth"))
			}
			if err != nil {
				yield(problemOrDrop{}, err)
				return
			}
			item := problemOrDrop{input: record.Input, row: record.Row, drop: record.drop}
			if item.drop == nil {
				p, used, err := c.problem(record.Record)
				if err == nil {
					p.Extra, err = extra(record.Record, used)
				}
				item.problem = p
				if err != nil {
					item.drop = dropped(record.Record, err)
				}
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// foreignRecord is one row of the input as it is, or the reason for leaving it out.
type foreignRecord struct {
	rows.Record
	first bool // the first whole row of the input
	drop  *rows.Rejected
}

// records reads foreign rows, up to the limit. A bad row is an item; an error
// ends the input.
func records(in Input) iter.Seq2[foreignRecord, error] {
	return func(yield func(foreignRecord, error) bool) {
		var n int64
		first := true
		for record, err := range rows.Records(in.Path) {
			if in.Limit > 0 && n == in.Limit {
				return
			}
			n++
			var bad *rows.RowError
			switch {
			case errors.As(err, &bad):
				if !yield(foreignRecord{drop: &rows.Rejected{Input: bad.Input, Row: bad.Row, Reason: reasonBadRow, Detail: bad.Err.Error()}}, nil) {
					return
				}
			case err != nil:
				yield(foreignRecord{}, err)
				return
			default:
				if !yield(foreignRecord{Record: record, first: first}, nil) {
					return
				}
				first = false
			}
		}
	}
}

func dropped(r rows.Record, err error) *rows.Rejected {
	reason, detail := reasonBadRow, err.Error()
	var why *rowError
	if errors.As(err, &why) {
		reason, detail = why.reason, why.detail
	}
	return &rows.Rejected{Input: r.Input, Row: r.Row, Reason: reason, Detail: detail}
}
