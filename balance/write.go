package balance

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"path/filepath"

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
func (w *work) write(ctx context.Context, dir string, c *candidates, p *plan) (*set, error) {
	s := &set{dropped: map[string]int64{}, written: map[kindOfRow]int64{}}
	if w.o.Decontaminate != nil {
		if err := w.list(dir, c.contaminated); err != nil {
			return nil, err
		}
	}
	bar := w.env.Progress.Start("writing examples", c.rows.Len(), nil)
	defer bar.Finish()
	out, err := rows.Create[rows.Example](dir, ExamplesStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer out.Abort()

	chosen := p.choose(c.rows, s, func() { bar.Add(1) })
	if w.o.Strategy == StrategyUp {
		copies := spool.Create(w.dir, spoolPattern, w.memory)
		defer copies.Close()
		chosen = repeat(chosen, p, copies)
	}
	for r, err := range stage.Until(w.env.Stop, chosen) {
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := r.example(p)
		if err != nil {
			return nil, err
		}
		s.written[kindOfRow{e.Split, e.Origin, e.Label}]++
		if e.Copy > 0 {
			s.copies++
		}
		if err := out.Write(e); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	s.rows = out.Rows()
	s.files = append(s.files, out.Files()...)
	if w.o.Decontaminate != nil {
		s.files = append(s.files, ContaminatedFile)
	}
	return s, nil
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
	data     []byte // the row as judge spooled it, without the number of its group; valid until the next
}

// example decodes the row.
func (r *choice) example(p *plan) (rows.Example, error) {
	head := reader{data: string(r.data)}
	falseNegatives, rejections := head.uvarint(), head.uvarint()
	if head.broken {
		return rows.Example{}, errDamaged
	}
	e, err := parseRow(head.data)
	e.FalseNegatives, e.Rejections = rows.Tokens(int64(falseNegatives)), rows.Tokens(int64(rejections))
	e.Split, e.Copy = p.groups[r.group].split, r.copy
	return e, err
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
