package gen

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"

	"tinyv/internal/brief"
	"tinyv/internal/manifest"
	"tinyv/internal/ordered"
	"tinyv/internal/progress"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
)

// imported is one reply of an input row, or the reason for leaving out a reply
// or a whole row. Rows and problems are counted at their first item.
type imported struct {
	response   rows.Response
	problem    *rows.Problem // at the first reply of a row: its problem
	newRow     bool
	newProblem bool
	drop       *rows.Rejected // of a reply
	dropRow    *rows.Rejected // of the whole row
}

// Import reads replies that were sampled elsewhere, verifies each by the rule,
// runs the gold self-test on every problem when it is first met, and writes
// responses-*.parquet, rejected.jsonl and gold_refused.jsonl to dir. It takes
//
//   - one row per problem, with a list `responses` (and, if known, a list
//     `known_correct` beside it);
//   - one row per reply, with `response`;
//   - an RL trainer's rollout dump: a JSON array of rows with `response`,
//     `ground_truth` and `extra_info.question`.
//
// Other column names come from in.Columns.
func Import(ctx context.Context, env stage.Env, dir string, in Input, rule Rule) (*manifest.Manifest, error) {
	inputs, err := manifest.HashAll(in.Path)
	if err != nil {
		return nil, fmt.Errorf("reading rollouts: %w", err)
	}
	settings := struct {
		Input `json:"import"`
		Rule  string `json:"rule"`
	}{in, rule.Name}
	s, done, err := manifest.Begin(dir, "gen", settings, inputs, writes())
	if err != nil || done != nil {
		return done, err
	}

	t, err := newTally(dir)
	if err != nil {
		return nil, err
	}
	defer t.abort()
	test, err := newSelfTest(dir, rule)
	if err != nil {
		return nil, err
	}
	defer test.file.Abort()
	bar := env.Progress.Start("importing", 0, nil)
	defer bar.Finish()
	im := importer{in: in, tally: t, test: test, bar: bar, rows: &manifest.Counts{}, failed: map[string]bool{}}
	workers := runtime.GOMAXPROCS(0)
	verified := func(ctx context.Context, item imported) (imported, error) {
		if item.drop != nil || item.dropRow != nil {
			return item, nil
		}
		return item, judge(ctx, rule, &item.response)
	}
	for item, err := range ordered.Map(ctx, stage.Until(env.Stop, replies(in)), workers, stage.Window(workers), verified) {
		if err != nil {
			return nil, fmt.Errorf("importing rollouts: %w", err)
		}
		if err := im.take(ctx, item); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(t.rejects.Close(), test.file.Close()); err != nil {
		return nil, err
	}
	if t.rejects.Counts.Out == 0 {
		return nil, noRows(in.Path, im.rows, filepath.Join(dir, stage.RejectedFile))
	}
	if err := t.out.Close(); err != nil {
		return nil, err
	}
	t.figures["problems"] = im.problems
	t.figures["self_test_refused"] = test.refused
	counts := map[string]*manifest.Counts{"input_rows": im.rows, "responses": t.rejects.Counts}
	return s.Finish(append(t.out.Files(), stage.RejectedFile, GoldRefusedFile), counts, t.figures, nil, t.simulated)
}

// importer takes replies one after the other: it writes what can be used, and lists and
// counts the rest.
type importer struct {
	in       Input
	tally    *tally
	test     *selfTest
	bar      *progress.Bar
	rows     *manifest.Counts // of the input, whatever replies they hold
	problems int64
	failed   map[string]bool // problems that failed the self-test and are to be dropped
}

func (im *importer) take(ctx context.Context, item imported) error {
	if item.newRow {
		im.rows.In++
		if item.dropRow == nil {
			im.rows.Out++
		}
	}
	if item.dropRow != nil {
		im.rows.Drop(item.dropRow.Reason)
		return im.tally.rejects.List(*item.dropRow)
	}
	if item.newProblem {
		im.problems++
		ok, err := im.test.passes(ctx, *item.problem)
		if err != nil {
			return err
		}
		if !ok && im.in.DropSelfTestFailures {
			im.failed[item.problem.ProblemID] = true
		}
	}
	im.bar.Add(1)
	im.tally.rejects.Counts.In++
	switch {
	case item.drop != nil:
		return im.tally.rejects.Drop(*item.drop)
	case im.failed[item.response.ProblemID]:
		return im.tally.rejects.Drop(rows.Rejected{Input: item.response.ProblemID, Row: int64(item.response.Sample), Reason: reasonSelfTest, Detail: "listed in " + GoldRefusedFile})
	}
	return im.tally.add(item.response)
}

// replies reads rollouts of any of the layouts, reply by reply.
func replies(in Input) iter.Seq2[imported, error] {
	r := &rolloutReader{columns: columns{in: in, section: "gen.import"}, seen: map[questionKey]*rollouts{}}
	return func(yield func(imported, error) bool) {
		for record, err := range records(in) {
			if err == nil && record.first {
				err = errors.Join(r.require(record.Record, "question"), r.require(record.Record, "ground_truth"), r.require(record.Record, "responses", "response"))
			}
			if err != nil {
				yield(imported{}, err)
				return
			}
			if record.drop != nil {
				if !yield(imported{newRow: true, dropRow: record.drop}, nil) {
					return
				}
				continue
			}
			items, err := r.row(record.Record)
			if err != nil {
				items = []imported{{newRow: true, dropRow: dropped(record.Record, err)}}
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// rollouts is what is known of a problem that was met before.
type rollouts struct {
	problemID string
	next      int32 // sample number of its next reply
	listed    bool  // it came with a list of responses
}

type rolloutReader struct {
	columns
	seen map[questionKey]*rollouts
}

func (c *rolloutReader) row(r rows.Record) ([]imported, error) {
	p, used, err := c.problem(r)
	if err != nil {
		return nil, err
	}
	texts, listed, path, err := c.responses(r)
	if err != nil {
		return nil, err
	}
	used = append(used, path)
	known, path, err := c.known(r, len(texts), listed)
	if err != nil {
		return nil, err
	}
	used = append(used, path)
	base := fromProblem(p, 0)
	for _, column := range []struct {
		name string
		to   *string
	}{{"model", &base.Model}, {"finish_reason", &base.FinishReason}} {
		v, path := c.find(r, column.name)
		used = append(used, path)
		if *column.to, err = asText(column.name, v); err != nil {
			return nil, err
		}
	}
	numbered, path := c.find(r, "sample")
	used = append(used, path)
	sample, err := asInt32("sample", numbered)
	if err != nil {
		return nil, err
	}
	if base.Extra, err = extra(r, used); err != nil {
		return nil, err
	}
	p.Extra = base.Extra

	// The same question again is a duplicate where a row holds all replies to a
	// problem, and the next reply where a row holds one.
	key := keyOf(p.Question)
	before, met := c.seen[key]
	if met && (listed || before.listed) {
		return nil, &rowError{reasonDuplicateProblem, "the same question came before: " + brief.Of(p.Question, maxShown)}
	}
	if !met {
		before = &rollouts{problemID: p.ProblemID, listed: listed}
		c.seen[key] = before
	}
	base.ProblemID = before.problemID

	items := make([]imported, 0, len(texts))
	for i, text := range texts {
		item := imported{newRow: i == 0, newProblem: i == 0 && !met, response: base}
		if i == 0 {
			item.problem = &p
		}
		item.response.Sample = before.next
		if numbered != nil {
			item.response.Sample = sample
		}
		before.next++
		item.response.KnownCorrect = known[i]
		if s, ok := text.(string); ok {
			item.response.Response = s
		} else {
			item.drop = &rows.Rejected{Input: r.Input, Row: r.Row, Reason: reasonNoResponse, Detail: fmt.Sprintf("reply %d is %s, not text", i, kind(text))}
		}
		items = append(items, item)
	}
	return items, nil
}

// responses returns the replies of a row, and whether the row holds a list of them.
func (c *rolloutReader) responses(r rows.Record) (texts []any, listed bool, path string, err error) {
	if v, path := c.find(r, "responses"); v != nil {
		list, ok := v.([]any)
		if !ok {
			return nil, true, "", badType("responses", v, "a list of texts")
		}
		if len(list) == 0 {
			return nil, true, "", &rowError{reasonNoResponse, "the list of responses is empty"}
		}
		return list, true, path, nil
	}
	v, path := c.find(r, "response")
	switch v.(type) {
	case nil:
		return nil, false, "", &rowError{reasonNoResponse, "the response is missing"}
	case string:
		return []any{v}, false, path, nil
	}
	return nil, false, "", badType("response", v, "text")
}

// known returns the labels that came with a row, one for each reply.
func (c *rolloutReader) known(r rows.Record, n int, listed bool) ([]*bool, string, error) {
	labels := make([]*bool, n)
	v, path := c.find(r, "known_correct")
	if v == nil {
		return labels, path, nil
	}
	values := []any{v}
	if listed {
		var ok bool
		if values, ok = v.([]any); !ok || len(values) != n {
			return nil, "", badType("known_correct", v, fmt.Sprintf("a list of %d truth values, one for each response", n))
		}
	}
	for i, value := range values {
		var err error
		if labels[i], err = asBool("known_correct", value); err != nil {
			return nil, "", err
		}
	}
	return labels, path, nil
}
