package balance

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tinyv/balance/near"
	"tinyv/balance/question"
	"tinyv/internal/ordered"
	"tinyv/internal/rows"
	"tinyv/internal/spool"
	"tinyv/internal/stage"
	"tinyv/verify"
)

// pool is the labelled rows of a label stage, by question.
type pool struct {
	rows *spool.Spool // by question key; what appendPooled writes

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

// readPool reads every row of labelDir. The caller closes the pool's rows.
func (w *work) readPool(ctx context.Context) (*pool, error) {
	canonical, err := w.nearDuplicates(ctx)
	if err != nil {
		return nil, err
	}
	p := &pool{rows: spool.Create(w.dir, spoolPattern, w.memory), heldOut: map[uint64]bool{}, dropped: map[string]int64{}, clusters: clustersIn(canonical)}
	if err := w.fill(ctx, p, canonical); err != nil {
		p.rows.Close() // the first error is the one to tell
		return nil, err
	}
	return p, nil
}

func (w *work) fill(ctx context.Context, p *pool, canonical map[uint64]uint64) error {
	bar := w.env.Progress.Start("reading labels", w.expected, nil)
	defer bar.Finish()
	in := rows.Batches(stage.Until(w.env.Stop, rows.ReadColumns[annotation](w.labelDir)), rowsPerBatch)
	workers := runtime.GOMAXPROCS(0)
	sources := map[string]bool{} // of those to hold out, those that there are
	for b, err := range ordered.Map(ctx, in, workers, 2*workers, func(_ context.Context, batch []annotation) (*prepared, error) {
		return prepare(batch, canonical, w.o.HeldOutSources), nil
	}) {
		if err != nil {
			return unreadable(err)
		}
		from := 0
		for i, key := range b.keys {
			if err := p.rows.Add(key, b.data[from:b.ends[i]]); err != nil {
				return err
			}
			from = b.ends[i]
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

// unreadable says what to do about input that is not what it should be.
func unreadable(err error) error {
	if errors.Is(err, stage.ErrInterrupted) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("balance reads the annotations of one label stage: %w; run the label stage again, or name its directory with --in", err)
}

// rowsPerBatch is how many rows go from one goroutine to another at once, if
// rows.BatchBytes does not end the batch before.
const rowsPerBatch = 256

// prepared is a batch of rows for the pool.
type prepared struct {
	keys []uint64 // of the questions
	ends []int    // in data
	data []byte

	heldOut []uint64        // as those of pool
	sources map[string]bool // of those to hold out, those that there are

	read    int64
	dropped map[string]int64
}

// pooledHead is what a row of the pool begins with: the same for all rows of one
// question, ground truth and answer in their normal forms; a hash of what the row
// is, which breaks ties; and the hash of the question's own normal form.
const pooledHead = 16 + 8 + 8

func prepare(batch []annotation, canonical map[uint64]uint64, heldOutSources []string) *prepared {
	p := &prepared{read: int64(len(batch)), sources: map[string]bool{}, dropped: map[string]int64{}, data: make([]byte, 0, len(batch)*512)}
	var last struct { // rows of one problem follow one another
		question, groundTruth string
		form                  uint64
		normalTruth           string
	}
	last.form = formKey(question.Normalize(""))
	var space []byte
	for i := range batch {
		a := &batch[i]
		heldOut := slices.Contains(heldOutSources, a.Source)
		if heldOut && !p.sources[a.Source] {
			p.sources[strings.Clone(a.Source)] = true
		}
		if a.Label == nil {
			reason := reasonUndecided
			if a.LabelReason == verify.ReasonDisagreed {
				reason = reasonDisagreed
			}
			p.dropped[reason]++
			if !heldOut {
				continue
			}
		}
		if a.Question != last.question {
			last.question, last.form = a.Question, formKey(question.Normalize(a.Question))
		}
		key := last.form
		if first, ok := canonical[key]; ok {
			key = first
		}
		if a.Label == nil {
			p.heldOut = append(p.heldOut, key)
			continue
		}
		if a.GroundTruth != last.groundTruth {
			last.groundTruth, last.normalTruth = a.GroundTruth, question.NormalizeAnswer(a.GroundTruth)
		}

		space = binary.BigEndian.AppendUint64(space[:0], key)
		space = appendText(space, last.normalTruth)
		space = appendText(space, question.NormalizeAnswer(a.Answer))
		same := sha256.Sum256(space)
		space = append(space[:0], same[:16]...)
		space = binary.BigEndian.AppendUint32(space, uint32(a.Sample))
		space = appendText(space, a.ProblemID)
		space = appendText(space, a.Origin)
		identity := sha256.Sum256(space)

		p.data = append(p.data, same[:16]...)
		p.data = append(p.data, identity[:8]...)
		p.data = binary.BigEndian.AppendUint64(p.data, last.form)
		p.data = appendRow(p.data, a)
		p.keys = append(p.keys, key)
		p.ends = append(p.ends, len(p.data))
	}
	return p
}

// formKey stands for a normal form of a question. Of ten million questions, two
// have the same key with a chance of one in 400,000; they are then taken for one.
func formKey(form string) uint64 {
	sum := sha256.Sum256([]byte(form))
	return binary.BigEndian.Uint64(sum[:])
}

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
