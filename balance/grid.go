package balance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/balance/decontaminate"
	"tinyv/balance/quota"
	"tinyv/internal/manifest"
	"tinyv/internal/stage"
)

// Axes are what the sets of a grid differ in. An empty list stands for the one
// value that the options have.
type Axes struct {
	Ratios []string `json:"ratios"` // as ParseRatio takes them, without "all"
	Sizes  []int64  `json:"sizes"`  // rows of the train split; none is the largest size that every ratio and seed can give
	Seeds  []int64  `json:"seeds"`
}

// GridResult says what a grid wrote.
type GridResult struct {
	Sets []GridSet // by seed, then size, then share of True, all ascending
	Left []string  // names of sets that are there of another grid, such as one with more ratios
}

// GridSet is one set of a grid.
type GridSet struct {
	Name     string // of its directory in the grid's
	Ratio    string // in lowest terms
	Size     int64  // rows of the train split
	Seed     int64
	Manifest *manifest.Manifest // its Skipped says that the set was there already
}

// Grid balances the finished stage in labelDir once for every combination of the
// axes, each as a finished stage in dir/NAME, where NAME is ratio=T-F,size=N,seed=S,
// without size where no sizes are given. Sets that are there already, for the same
// settings and rows, are left as they are. What two sets have in common is written
// to OverlapTable and OverlapFile in dir. Sets of an earlier grid that this one does
// not have are named in a warning, and left as they are.
//
// Sets of one size have equally many rows. Among the sets of one seed, the True
// rows of a ratio are among those of every larger share of True at the same size,
// and its False rows among those of every smaller one; a set is part of the larger
// ones of its ratio; all have the same rows to evaluate on. Shares of origins are
// met by the largest size, and by the smaller ones to within a few rows.
func Grid(ctx context.Context, env stage.Env, dir, labelDir string, o Options, axes Axes) (*GridResult, error) {
	g, err := newGrid(o, axes)
	if err != nil {
		return nil, err
	}
	upstream, inputs, err := g.o.inputs(labelDir)
	if err != nil {
		return nil, err
	}
	settings := gridSettings{g.o.settings(), g.axes()}
	whole, skipped, err := manifest.Begin(dir, gridStage, settings, inputs, []string{OverlapTable, OverlapFile, spoolPattern})
	if err != nil {
		return nil, err
	}
	left, err := g.left(dir)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		env.Log.Warn("sets of an earlier grid are not of this one; they are left as they are, and counted nowhere", "directory", dir, "sets", strings.Join(left, " "))
	}
	pending := 0
	for _, s := range g.sets {
		settings := settings
		settings.Ratio, settings.Total, settings.Seed = s.ratio.String(), s.size, s.seed
		s.stage, s.manifest, err = manifest.Begin(filepath.Join(dir, s.name), stageName, settings, inputs, writes)
		if err != nil {
			return nil, err
		}
		if s.stage != nil {
			pending++
		}
	}
	if pending > 0 || skipped == nil {
		g.work = work{env: env, dir: dir, labelDir: labelDir, o: g.o, memory: spoolMemory, expected: expected(upstream)}
		if err := g.make(ctx, upstream.Simulated, whole); err != nil {
			return nil, err
		}
	}
	return g.result(left), nil
}

// gridStage is the stage of a grid's own manifest; those of its sets are of balance.
const gridStage = "balance_grid"

// gridSettings decide what the sets of a grid are: each depends on the others.
type gridSettings struct {
	Options
	Grid Axes `json:"grid"`
}

// grid is the sets of a grid.
type grid struct {
	work
	ratios []Ratio // by share of True, ascending
	sizes  []int64 // ascending; 0 alone until it is known
	seeds  []int64
	sets   []*gridSet // by seed, then size, then ratio
}

type gridSet struct {
	name       string
	ratio      Ratio
	size, seed int64
	stage      *manifest.Stage // nil if the set is there already
	manifest   *manifest.Manifest
	table      quota.Table
}

func newGrid(o Options, axes Axes) (*grid, error) {
	if len(axes.Ratios) == 0 {
		axes.Ratios = []string{o.Ratio}
	}
	if len(axes.Sizes) == 0 {
		axes.Sizes = []int64{o.Total}
	}
	if len(axes.Seeds) == 0 {
		axes.Seeds = []int64{o.Seed}
	}
	// What the axes say is no part of what all sets have in common.
	o.Ratio, o.Total, o.Seed = axes.Ratios[0], 0, 0
	o, _, err := o.check()
	if err != nil {
		return nil, err
	}
	if o.Strategy != StrategyDown {
		return nil, fmt.Errorf("balance.strategy: a grid takes parts of one order of the rows, which is strategy %s; %s repeats or weighs them otherwise", StrategyDown, o.Strategy)
	}
	o.Ratio = ""
	g := &grid{work: work{o: o}, sizes: slices.Sorted(slices.Values(axes.Sizes)), seeds: slices.Sorted(slices.Values(axes.Seeds))}
	for _, text := range axes.Ratios {
		r, err := ParseRatio(text)
		if err == nil && r.All {
			err = errors.New("all is no ratio that sets of equal size can have; name True:False")
		}
		if err != nil {
			return nil, fmt.Errorf("the grid's ratios: %w", err)
		}
		g.ratios = append(g.ratios, r)
	}
	slices.SortFunc(g.ratios, func(a, b Ratio) int { return cmp.Compare(a.True*b.False, b.True*a.False) })
	if twice(g.ratios) || twice(g.sizes) || twice(g.seeds) {
		return nil, errors.New("the grid names a ratio, a size or a seed twice; each set is made once")
	}
	if g.sizes[0] < 0 || g.sizes[0] == 0 && len(g.sizes) > 1 || g.sizes[len(g.sizes)-1] > maxTotal {
		return nil, fmt.Errorf("the grid's sizes: %v are not numbers of rows from 1 to %d", g.sizes, int64(maxTotal))
	}
	for _, seed := range g.seeds {
		for _, size := range g.sizes {
			for _, r := range g.ratios {
				name := fmt.Sprintf("ratio=%d-%d,size=%d,seed=%d", r.True, r.False, size, seed)
				if size == 0 {
					name = fmt.Sprintf("ratio=%d-%d,seed=%d", r.True, r.False, seed)
				}
				g.sets = append(g.sets, &gridSet{name: name, ratio: r, size: size, seed: seed})
			}
		}
	}
	return g, nil
}

// twice reports whether a sorted list has equal neighbours.
func twice[T comparable](sorted []T) bool {
	return len(slices.Compact(slices.Clone(sorted))) < len(sorted)
}

// axes are the axes in the order of the sets.
func (g *grid) axes() Axes {
	a := Axes{Sizes: g.sizes, Seeds: g.seeds}
	for _, r := range g.ratios {
		a.Ratios = append(a.Ratios, r.String())
	}
	return a
}

// of returns the sets of a seed, and of a size, in the order of ratios.
func (g *grid) of(seed, size int) []*gridSet {
	from := (seed*len(g.sizes) + size) * len(g.ratios)
	return g.sets[from : from+len(g.ratios)]
}

// seeded is what a grid has for one seed.
type seeded struct {
	candidates *candidates
	planners   []*planner // by ratio
}

// make writes the sets that are not there, and what they have in common.
func (g *grid) make(ctx context.Context, simulated bool, whole *manifest.Stage) (err error) {
	benchmarks, err := g.o.benchmarks(ctx)
	if err != nil {
		return err
	}
	p, err := g.readPool(ctx)
	if err != nil {
		return err
	}
	defer p.rows.Close()
	all, err := g.seed(ctx, p, benchmarks)
	defer func() {
		for _, s := range all {
			err = errors.Join(err, s.candidates.close())
		}
	}()
	if err != nil {
		return err
	}
	if err := p.rows.Close(); err != nil {
		return err
	}
	if err := g.fillTables(all); err != nil {
		return err
	}
	for i, s := range all {
		for _, set := range g.sets[i*len(g.sizes)*len(g.ratios):][:len(g.sizes)*len(g.ratios)] {
			if set.stage == nil {
				continue
			}
			planner := s.planners[slices.Index(g.ratios, set.ratio)]
			written, err := g.write(ctx, set.stage.Dir, s.candidates, planner.with(set.table))
			if err != nil {
				return err
			}
			set.manifest, err = set.stage.Finish(written.files, map[string]*manifest.Counts{"annotations": written.counts(p, s.candidates)}, written.figures(p, s.candidates), nil, simulated)
			if err != nil {
				return err
			}
		}
	}
	if whole == nil { // it was finished; some of its sets were gone
		return nil
	}
	if err := g.writeOverlap(whole.Dir); err != nil {
		return err
	}
	_, err = whole.Finish([]string{OverlapTable, OverlapFile}, nil, map[string]int64{"sets": int64(len(g.sets))}, nil, simulated)
	return err
}

// seed judges the pool once for every seed. The caller closes what it returns,
// also beside an error.
func (g *grid) seed(ctx context.Context, p *pool, benchmarks *decontaminate.Set) (all []seeded, err error) {
	w := g.work
	w.memory /= len(g.seeds) // all are there at once
	for _, seed := range g.seeds {
		c, err := w.judge(ctx, p, benchmarks, seed, evenly) // the same rows for every ratio
		if err != nil {
			return all, err
		}
		s := seeded{candidates: c}
		o := g.o
		o.Seed = seed
		log := g.env.Log
		for _, ratio := range g.ratios {
			s.planners = append(s.planners, newPlanner(o, ratio, evenly, c.groups, c.have, log))
			log = slog.New(slog.DiscardHandler) // what it warns of is the same for every ratio
		}
		all = append(all, s)
	}
	return all, nil
}

// fillTables sets the quotas of every set.
func (g *grid) fillTables(all []seeded) error {
	if g.sizes[0] == 0 {
		size, err := g.commonSize(all)
		if err != nil {
			return err
		}
		g.sizes = []int64{size}
		for _, s := range g.sets {
			s.size = size
		}
	}
	for i, s := range all {
		largest := len(g.sizes) - 1
		for k, set := range g.of(i, largest) {
			var err error
			if set.table, err = s.planners[k].divide(set.size); err != nil {
				return fmt.Errorf("the grid's set %s: %w", set.name, err)
			}
		}
		for size := largest - 1; size >= 0; size-- {
			if err := nest(g.of(i, size), g.of(i, size+1), g.of(i, largest)); err != nil {
				return err
			}
		}
	}
	return nil
}

// nest fills the tables of the sets of one size, by ratio, as parts of those of the
// next larger size, in the proportions of the largest. Each class goes from the
// ratio with the fewest rows of it to that with the most, every one a part of the
// next: there are always enough, since what it must have the larger set has, too.
func nest(sets, larger, largest []*gridSet) error {
	var before []int64
	for k, s := range sets {
		trues := s.ratio.trueOf(s.size)
		if trues == 0 || trues == s.size {
			return fmt.Errorf("the grid's set %s: %d rows in the ratio %s would have one label only; ask for %d at least", s.name, s.size, s.ratio, s.ratio.True+s.ratio.False)
		}
		s.table.True, _ = quota.Divide(trues, proportions(largest[k].table.True), before, larger[k].table.True)
		before = s.table.True
	}
	before = nil
	for k, s := range slices.Backward(sets) {
		s.table.False, _ = quota.Divide(s.size-s.ratio.trueOf(s.size), proportions(largest[k].table.False), before, larger[k].table.False)
		before = s.table.False
	}
	return nil
}

func proportions(parts []int64) []float64 {
	weights := make([]float64, len(parts))
	for i, n := range parts {
		weights[i] = float64(n)
	}
	return weights
}

// commonSize returns the largest size that all ratios can have with all seeds, in
// which every ratio is exact if there are enough rows for that.
func (g *grid) commonSize(all []seeded) (int64, error) {
	step := int64(1)
	for _, r := range g.ratios {
		terms := r.True + r.False
		if step = step / gcd(step, terms) * terms; step > maxTotal/maxTerm {
			step = 1
			break
		}
	}
	for _, step := range []int64{step, 1} {
		size := int64(maxTotal)
		for _, s := range all {
			for _, p := range s.planners {
				size = min(size, p.largest(step))
			}
		}
		for ; size > 0; size -= step {
			if !slices.ContainsFunc(all, func(s seeded) bool {
				return slices.ContainsFunc(s.planners, func(p *planner) bool { _, ok := p.try(size); return !ok })
			}) {
				return size, nil
			}
		}
	}
	for i, s := range all {
		for k, p := range s.planners {
			if _, err := p.divide(g.ratios[k].True + g.ratios[k].False); err != nil {
				return 0, fmt.Errorf("the grid's set %s: %w", g.of(i, 0)[k].name, err)
			}
		}
	}
	return 0, fmt.Errorf("no size suits all ratios of the grid (%s); leave out the most uneven ones", strings.Join(g.axes().Ratios, ", "))
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// left lists the sets in a directory that are none of the grid's, by name.
func (g *grid) left(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for sets of an earlier grid: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || slices.ContainsFunc(g.sets, func(s *gridSet) bool { return s.name == e.Name() }) {
			continue
		}
		if m, err := manifest.Read(filepath.Join(dir, e.Name())); err == nil && m.Stage == stageName {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (g *grid) result(left []string) *GridResult {
	r := &GridResult{Left: left}
	for _, s := range g.sets {
		r.Sets = append(r.Sets, GridSet{Name: s.name, Ratio: s.ratio.String(), Size: s.manifest.Figures["train"], Seed: s.seed, Manifest: s.manifest})
	}
	return r
}
