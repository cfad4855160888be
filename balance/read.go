package balance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"runtime"

	"tinyv/balance/decontaminate"
	"tinyv/balance/near"
	"tinyv/balance/question"
	"tinyv/internal/ordered"
	"tinyv/internal/rows"
	"tinyv/internal/spool"
	"tinyv/internal/stage"
)

// pool is the labelled rows of a label stage, by question.
type pool struct {
	rows         *spool.Spool // by question key; sketches
	contaminated *spool.Spool // by question; JSON of Contaminated
	groups       []group      // of the sketches, without their split

	// heldOut are the questions that rows without a label have in a held-out source:
	// rows of other sources with them are held out, too.
	heldOut map[uint64]bool

	read     int64
	dropped  map[string]int64
	clusters int64 // of near duplicates
}

// spoolPattern names the temporary files of this stage.
const spoolPattern = ".spool-*"

// nearDir is a directory for those of package near, inside the stage's.
const nearDir = ".near"

// readPool reads what decides about every row of labelDir. The caller closes the pool.
func (w *work) readPool(ctx context.Context, benchmarks *decontaminate.Set) (*pool, error) {
	canonical, err := w.nearDuplicates(ctx)
	if err != nil {
		return nil, err
	}
	p := &pool{
		rows: spool.Create(w.dir, spoolPattern, w.memory), contaminated: spool.Create(w.dir, spoolPattern, spool.MinMemory),
		heldOut: map[uint64]bool{}, dropped: map[string]int64{}, clusters: clustersIn(canonical),
	}
	if err := w.fill(ctx, p, &sketcher{w.o, canonical, benchmarks}); err != nil {
		p.close() // the first error is the one to tell
		return nil, err
	}
	return p, nil
}

func (p *pool) close() error { return errors.Join(p.rows.Close(), p.contaminated.Close()) }

func (w *work) fill(ctx context.Context, p *pool, s *sketcher) error {
	bar := w.env.Progress.Start("reading labels", w.expected, nil)
	defer bar.Finish()
	numbers := map[group]uint32{}
	sources := map[string]bool{} // of those to hold out, those that there are
	var space []byte
	for b, err := range w.sketches(ctx, s) {
		if err != nil {
			return unreadable(err)
		}
		group := p.number(b.groups, numbers)
		for i, row := range b.rows {
			row.row += uint64(p.read)
			row.group = group[row.group]
			space = row.append(space[:0])
			if err := p.rows.Add(b.keys[i], space); err != nil {
				return err
			}
		}
		for _, listed := range b.contaminated {
			if err := p.contaminated.Add(listed.key, listed.json); err != nil {
				return err
			}
		}
		for _, key := range b.heldOut {
			p.heldOut[key] = true
		}
		maps.Copy(sources, b.sources)
		p.read += b.read
		for reason, n := range b.dropped {
			p.dropped[reason] += n
		}
		bar.Add(b.read)
	}
	for _, source := range w.o.HeldOutSources {
		if !sources[source] {
			w.env.Log.Warn("a source of balance.held_out_sources has no row, so nothing is held out for it; is its name spelt as in the rows?", "source", source)
		}
	}
	return nil
}

// sketches reads what decides about the rows.
func (w *work) sketches(ctx context.Context, s *sketcher) iter.Seq2[*sketched, error] {
	if w.o.Reply != nil {
		return sketchesOf(ctx, w, s.reasoned)
	}
	return sketchesOf(ctx, w, func(batch []deciding) (*sketched, error) { return s.sketch(batch, nil) })
}

func sketchesOf[T any](ctx context.Context, w *work, sketch func([]T) (*sketched, error)) iter.Seq2[*sketched, error] {
	in := rows.Batches(stage.Until(w.env.Stop, rows.ReadColumns[T](w.labelDir)), rowsPerBatch)
	workers := runtime.GOMAXPROCS(0)
	return ordered.Map(ctx, in, workers, 2*workers, func(_ context.Context, batch []T) (*sketched, error) { return sketch(batch) })
}

// number returns the pool's numbers of a batch's groups, which get one if they are new.
func (p *pool) number(groups []group, numbers map[group]uint32) []uint32 {
	of := make([]uint32, len(groups))
	for i, g := range groups {
		n, ok := numbers[g]
		if !ok {
			g = g.clone()
			n = uint32(len(p.groups))
			numbers[g] = n
			p.groups = append(p.groups, g)
		}
		of[i] = n
	}
	return of
}

// unreadable says what to do about input that is not what it should be.
func unreadable(err error) error {
	if errors.Is(err, stage.ErrInterrupted) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("balance reads the annotations of one label stage: %w; run the label stage again, or name its directory with --in", err)
}

// rowsPerBatch is how many rows go from one goroutine to another at once.
const rowsPerBatch = 256

// nearDuplicates returns, for the key of every question that is near another, the
// key that stands for all of them. It is nil where nobody asked.
func (w *work) nearDuplicates(ctx context.Context) (canonical map[uint64]uint64, err error) {
	scratch := filepath.Join(w.dir, nearDir)
	if err := os.RemoveAll(scratch); err != nil { // of a run that was killed, whatever its options
		return nil, fmt.Errorf("removing temporary files of an earlier run: %w", err)
	}
	if w.o.NearDuplicates == nil {
		return nil, nil
	}
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return nil, fmt.Errorf("making a directory for temporary files: %w", err)
	}
	defer func() {
		if closing := os.RemoveAll(scratch); err == nil && closing != nil {
			err = fmt.Errorf("removing temporary files: %w", closing)
		}
	}()
	index, err := near.New(scratch, near.Options{Threshold: w.o.NearDuplicates.Threshold, Seed: w.o.NearDuplicates.Seed})
	if err != nil {
		return nil, err
	}
	canonical, err = w.cluster(ctx, index)
	return canonical, errors.Join(err, index.Close())
}

func (w *work) cluster(ctx context.Context, index *near.Index) (map[uint64]uint64, error) {
	bar := w.env.Progress.Start("comparing questions", w.expected, nil)
	defer bar.Finish()
	type row struct {
		Question string `parquet:"question" json:"question"`
	}
	type keyed struct {
		key  uint64
		form string
	}
	in := rows.Batches(stage.Until(w.env.Stop, rows.ReadColumns[row](w.labelDir)), rowsPerBatch)
	workers := runtime.GOMAXPROCS(0)
	for forms, err := range ordered.Map(ctx, in, workers, 2*workers, func(_ context.Context, batch []row) ([]keyed, error) {
		forms := make([]keyed, len(batch))
		for i, r := range batch {
			if i > 0 && r == batch[i-1] {
				forms[i] = forms[i-1]
				continue
			}
			form := question.Normalize(r.Question)
			forms[i] = keyed{formKey(form), form}
		}
		return forms, nil
	}) {
		if err != nil {
			return nil, unreadable(err)
		}
		for _, f := range forms {
			if err := index.Add(f.key, f.form); err != nil {
				return nil, err
			}
		}
		bar.Add(int64(len(forms)))
	}
	return index.Clusters(ctx)
}

func clustersIn(canonical map[uint64]uint64) (n int64) {
	for key, first := range canonical {
		if key == first {
			n++
		}
	}
	return n
}
