package pool

import (
	"context"
	"fmt"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/label"
	"tinyv/verify"
)

// besidePadding is the mean length of a row's texts without the padding of its
// question: measured over the default world.
const besidePadding = 299

// MinRowBytes is the least that the texts of a row can have on average: a question
// has one sentence of padding.
const MinRowBytes = besidePadding + sentenceBytes

// Options says what pool to write.
type Options struct {
	Rows     int64 `json:"rows"`
	RowBytes int   `json:"row_bytes"` // mean length of the texts of a row, MinRowBytes or more
	World    World `json:"world"`
}

// Write makes a pool of labelled rows in dir, as a finished label stage: its parts
// and its manifest, without the statistics.
func Write(ctx context.Context, env stage.Env, dir string, o Options) (*manifest.Manifest, error) {
	if o.Rows < 1 {
		return nil, fmt.Errorf("a pool of %d rows: give 1 or more", o.Rows)
	}
	if o.RowBytes < MinRowBytes {
		return nil, fmt.Errorf("rows of %d bytes: the shortest have %d on average", o.RowBytes, MinRowBytes)
	}
	// Begin replaces what an earlier run of the stage left, and that may be labels
	// that were paid for.
	if m, err := manifest.Read(dir); err == nil && m.Stage == "label" && !isPool(m) {
		return nil, fmt.Errorf("%s holds labels of a run, which are left alone: name another --out", dir)
	}
	s, done, err := manifest.Begin(dir, "label", o, nil, []string{label.AnnotationsStem + "-*"})
	if err != nil || done != nil {
		return done, err
	}
	out, err := rows.Create[rows.Annotation](dir, label.AnnotationsStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer out.Abort()
	bar := env.Progress.Start("making rows", o.Rows, nil)
	defer bar.Finish()

	figures := map[string]int64{"labelled_true": 0, "labelled_false": 0, "disagreed": 0, "undecided": 0, "votes_saved": 0}
	sampled := int64(0)
	for row := range o.World.Rows(o.Rows, o.RowBytes) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-env.Stop:
			return nil, stage.ErrInterrupted
		default:
		}
		if err := out.Write(row); err != nil {
			return nil, err
		}
		bar.Add(1)
		count(figures, &row)
		if row.Origin == rows.OriginSampled {
			sampled++
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	counts := map[string]*manifest.Counts{
		"responses":  {In: sampled, Out: sampled},
		"candidates": {In: o.Rows - sampled, Out: o.Rows - sampled},
	}
	return s.Finish(out.Files(), counts, figures, nil, true)
}

// isPool reports whether a manifest as read is that of a pool.
func isPool(m *manifest.Manifest) bool {
	settings, _ := m.Settings.(map[string]any)
	_, ok := settings["world"]
	return ok
}

// count adds a row to the figures by the names that the label stage gives them.
func count(figures map[string]int64, row *rows.Annotation) {
	outcome := "undecided"
	switch {
	case row.Label == nil && row.LabelReason == verify.ReasonDisagreed:
		outcome = "disagreed"
		figures[outcome]++
	case row.Label == nil:
		figures[outcome]++
	case *row.Label:
		outcome = "true"
		figures["labelled_true"]++
	default:
		outcome = "false"
		figures["labelled_false"]++
	}
	figures[row.Origin]++
	figures[row.Origin+"_"+outcome]++
	for _, v := range row.Votes {
		verdict := verify.Undecided
		if v.Correct != nil {
			verdict = verify.OutcomeOf(*v.Correct)
		}
		figures[v.Annotator+"_"+verdict.String()]++
	}
}
