package balance

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"

	"tinyv/internal/ordered"
	"tinyv/internal/rows"
	"tinyv/internal/spool"
	"tinyv/internal/stage"
)

// set is what was written.
type set struct {
	files        []string
	rows, copies int64 // copies are rows, too
	dropped      map[string]int64
	written      map[kindOfRow]int64
}

type kindOfRow struct {
	split, origin string
	label         bool
}

// write writes the examples of a plan, and the list of what is in benchmarks.
func (w *work) write(ctx context.Context, dir string, p *pool, c *candidates, planned *plan) (*set, error) {
	s := &set{dropped: map[string]int64{}, written: map[kindOfRow]int64{}}
	if w.o.Decontaminate != nil {
		if err := w.list(dir, p.contaminated); err != nil {
			return nil, err
		}
	}
	picked, err := w.pick(ctx, c, planned, s)
	if err != nil {
		return nil, err
	}
	defer picked.Close()
	gathered, err := w.gather(ctx, p, picked, uint64(s.rows))
	if err != nil {
		return nil, err
	}
	defer gathered.Close()
	if s.files, err = w.writeExamples(ctx, dir, gathered, planned, s.rows); err != nil {
		return nil, err
	}
	if w.o.Decontaminate != nil {
		s.files = append(s.files, ContaminatedFile)
	}
	return s, nil
}

// pick chooses the rows of a plan, counts them in s, and returns them by row
// number: of each its place in the set and what place says. The caller closes them.
func (w *work) pick(ctx context.Context, c *candidates, planned *plan, s *set) (*spool.Spool, error) {
	picked := spool.Create(w.dir, spoolPattern, w.memory/2)
	if err := w.pickAll(ctx, c, planned, s, picked); err != nil {
		picked.Close() // the first error is the one to tell
		return nil, err
	}
	return picked, nil
}

func (w *work) pickAll(ctx context.Context, c *candidates, planned *plan, s *set, picked *spool.Spool) error {
	bar := w.env.Progress.Start("choosing rows", c.rows.Len(), nil)
	defer bar.Finish()
	chosen := planned.choose(c.rows, s, func() { bar.Add(1) })
	if w.o.Strategy == StrategyUp {
		copies := spool.Create(w.dir, spoolPattern, w.memory/2)
		defer copies.Close()
		chosen = repeat(chosen, planned, copies)
	}
	var t taken
	var space []byte
	for r, err := range stage.Until(w.env.Stop, chosen) {
		if err == nil {
			err = cmp.Or(ctx.Err(), parseTaken(r.data, &t))
		}
		if err != nil {
			return err
		}
		g := &planned.groups[r.group]
		s.written[kindOfRow{g.split, g.origin, g.label}]++
		if r.copy > 0 {
			s.copies++
		}
		p := place{uint64(s.rows), r.group, r.copy, t.falseNegatives, t.rejections}
		s.rows++
		space = p.append(space[:0])
		for _, row := range t.rows {
			if err := picked.Add(row, space); err != nil {
				return err
			}
		}
	}
	return nil
}

// place is where a chosen row goes, and what is known of it beside its own columns.
type place struct {
	number                     uint64 // 0-based, in the set
	group                      int    // of the plan
	copy                       int32
	falseNegatives, rejections int
}

func (p *place) append(to []byte) []byte {
	for _, v := range [...]uint64{p.number, uint64(p.group), uint64(p.copy), uint64(p.falseNegatives), uint64(p.rejections)} {
		to = binary.AppendUvarint(to, v)
	}
	return to
}

// readPlace reads what append wrote; r is broken if that was something else.
func readPlace(r *reader) place {
	return place{r.uvarint(), int(r.uvarint()), int32(r.uvarint()), int(r.uvarint()), int(r.uvarint())}
}

// gather reads the label stage once more, and puts the picked rows to their places.
// The caller closes what it returns.
func (w *work) gather(ctx context.Context, p *pool, picked *spool.Spool, places uint64) (*spool.Shelves, error) {
	gathered := spool.CreateShelves(w.dir, spoolPattern, w.memory/2, places)
	if err := w.gatherAll(ctx, p, picked, places, gathered); err != nil {
		gathered.Close() // the first error is the one to tell
		return nil, err
	}
	return gathered, nil
}

func (w *work) gatherAll(ctx context.Context, p *pool, picked *spool.Spool, places uint64, gathered *spool.Shelves) error {
	bar := w.env.Progress.Start("gathering rows", p.read, nil)
	defer bar.Finish()
	workers := runtime.GOMAXPROCS(0)
	read := int64(0)
	for b, err := range ordered.Map(ctx, w.joined(picked), workers, 2*workers, encode) {
		if err != nil {
			return unreadable(err)
		}
		from := 0
		for i, number := range b.places {
			if number >= places {
				return errDamaged
			}
			if err := gathered.Put(number, b.data[from:b.ends[i]]); err != nil {
				return err
			}
			from = b.ends[i]
		}
		read += b.read
		bar.Add(b.read)
	}
	if read != p.read {
		return unreadable(fmt.Errorf("%s had %d rows a moment ago and has %d: does something else write to it?", w.labelDir, p.read, read))
	}
	return nil
}

// joined are some rows of the label stage, and those of them that are picked.
type joined struct {
	rows  []annotation
	picks []pick
}

type pick struct {
	row   int // of joined
	place place
}

// joined reads the label stage and, beside it, what was picked of it.
func (w *work) joined(picked *spool.Spool) iter.Seq2[joined, error] {
	return func(yield func(joined, error) bool) {
		next, stop := iter.Pull2(picked.Sorted())
		defer stop()
		r, err, more := next()
		from := uint64(0)
		for batch, reading := range rows.Batches(stage.Until(w.env.Stop, rows.ReadColumns[annotation](w.labelDir)), rowsPerBatch) {
			j := joined{rows: batch}
			for ; more && err == nil && r.Key < from+uint64(len(batch)); r, err, more = next() {
				data := reader{data: string(r.Payload)}
				j.picks = append(j.picks, pick{int(r.Key - from), readPlace(&data)})
				if data.broken {
					err = errDamaged
					break
				}
			}
			from += uint64(len(batch))
			if err = cmp.Or(err, reading); !yield(j, err) || err != nil {
				return
			}
		}
	}
}

// encoded are rows for the shelves.
type encoded struct {
	places []uint64
	ends   []int // in data
	data   []byte
	read   int64
}

func encode(_ context.Context, j joined) (*encoded, error) {
	e := &encoded{read: int64(len(j.rows)), places: make([]uint64, 0, len(j.picks)), ends: make([]int, 0, len(j.picks)), data: make([]byte, 0, 512*len(j.picks))}
	for i := range j.picks {
		p := &j.picks[i]
		a := &j.rows[p.row]
		if a.Label == nil {
			return nil, fmt.Errorf("row %s had a label a moment ago and has none: does something else write to the directory?", a.ProblemID)
		}
		e.data = appendRow(p.place.append(e.data), a)
		e.places, e.ends = append(e.places, p.place.number), append(e.ends, len(e.data))
	}
	return e, nil
}

// writeExamples writes the gathered rows, of which there are so many.
func (w *work) writeExamples(ctx context.Context, dir string, gathered *spool.Shelves, planned *plan, n int64) ([]string, error) {
	bar := w.env.Progress.Start("writing examples", n, nil)
	defer bar.Finish()
	out, err := rows.Create[rows.Example](dir, ExamplesStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer out.Abort()
	workers := runtime.GOMAXPROCS(0)
	for examples, err := range ordered.Map(ctx, stage.Until(w.env.Stop, gathered.All()), workers, workers+1, planned.examples) {
		if err != nil {
			return nil, err
		}
		for i := range examples {
			if err := out.Write(examples[i]); err != nil {
				return nil, err
			}
		}
		bar.Add(int64(len(examples)))
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	if out.Rows() != n {
		return nil, errDamaged
	}
	return out.Files(), nil
}

// examples makes the rows of a shelf. Of several at one place it takes the first.
func (p *plan) examples(_ context.Context, shelf spool.Shelf) ([]rows.Example, error) {
	records, err := shelf.Records()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errDamaged, err)
	}
	all := make([]rows.Example, 0, len(records))
	for i, r := range records {
		if i > 0 && r.Place == records[i-1].Place {
			continue
		}
		data := reader{data: r.Payload}
		at := readPlace(&data)
		if data.broken || at.number != r.Place || at.group >= len(p.groups) {
			return nil, errDamaged
		}
		e, err := parseRow(data.data)
		if err != nil {
			return nil, err
		}
		e.FalseNegatives, e.Rejections = rows.Tokens(int64(at.falseNegatives)), rows.Tokens(int64(at.rejections))
		e.Split, e.Copy = p.groups[at.group].split, at.copy
		all = append(all, e)
	}
	return all, nil
}

// list writes the rows that are in benchmarks.
func (w *work) list(dir string, contaminated *spool.Spool) error {
	out, err := rows.CreateFile[Contaminated](filepath.Join(dir, ContaminatedFile))
	if err != nil {
		return err
	}
	defer out.Abort()
	for r, err := range stage.Until(w.env.Stop, contaminated.Sorted()) {
		if err != nil {
			return err
		}
		var row Contaminated
		if err := json.Unmarshal(r.Payload, &row); err != nil {
			return fmt.Errorf("%w (%w)", errDamaged, err)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	return out.Close()
}

// choice is a chosen row.
type choice struct {
	priority uint64
	group    int
	times    int64  // how often it is written; copies of it are among the choices that repeat returns
	copy     int32  // 0, or which repetition it is
	data     []byte // what appendTaken wrote; valid until the next
}

// choose goes through the rows by priority and passes on those that the quotas
// take: of each cell the first ones. The others are counted in s.
func (p *plan) choose(candidates *spool.Spool, s *set, seen func()) iter.Seq2[choice, error] {
	return func(yield func(choice, error) bool) {
		available := append([]int64(nil), p.available...)
		taken := make([]int64, len(p.cells))
		for r, err := range candidates.Sorted() {
			if err != nil {
				yield(choice{}, err)
				return
			}
			seen()
			number, n := binary.Uvarint(r.Payload)
			if n <= 0 || number >= uint64(len(p.groups)) {
				yield(choice{}, errDamaged)
				return
			}
			g := int(number)
			if available[g] == 0 {
				s.dropped[reasonSource]++
				continue
			}
			available[g]--
			if p.cellOf[g] == unbalanced {
				s.dropped[reasonUnbalanced]++
				continue
			}
			c := &p.cells[p.cellOf[g]]
			place := taken[p.cellOf[g]]
			taken[p.cellOf[g]]++
			times := c.times(place)
			if times == 0 {
				s.dropped[reasonDownSampled]++
				continue
			}
			if !yield(choice{r.Key, g, times, 0, r.Payload[n:]}, nil) {
				return
			}
		}
	}
}

// times is how often the row of a place in its cell, from 0, is written.
func (c *cell) times(place int64) int64 {
	times := c.quota / c.have
	if place < c.quota%c.have {
		times++
	}
	return times
}

// repeat passes on every choice as often as it is to be written, in a new order in
// which copies of one row are no neighbours.
func repeat(chosen iter.Seq2[choice, error], p *plan, copies *spool.Spool) iter.Seq2[choice, error] {
	return func(yield func(choice, error) bool) {
		var space []byte
		for r, err := range chosen {
			if err != nil {
				yield(choice{}, err)
				return
			}
			for n := range r.times {
				space = binary.AppendUvarint(space[:0], uint64(r.group))
				space = binary.AppendUvarint(space, uint64(n))
				space = append(space, r.data...)
				if err := copies.Add(mix(r.priority, uint64(n), drawCopies), space); err != nil {
					yield(choice{}, err)
					return
				}
			}
		}
		for r, err := range copies.Sorted() {
			if err != nil {
				yield(choice{}, err)
				return
			}
			group, n := binary.Uvarint(r.Payload)
			number, m := binary.Uvarint(r.Payload[max(n, 0):])
			if n <= 0 || m <= 0 || group >= uint64(len(p.groups)) {
				yield(choice{}, errDamaged)
				return
			}
			if !yield(choice{r.Key, int(group), 1, int32(number), r.Payload[n+m:]}, nil) {
				return
			}
		}
	}
}
