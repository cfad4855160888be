package balance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tinyv/balance/decontaminate"
	"tinyv/balance/question"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/spool"
	"tinyv/internal/stagetest"
)

// randomRows makes rows of few questions, answers and sources, so that everything
// that can clash does.
func randomRows(r *rand.Rand, most int) []rows.Annotation {
	questions := 1 + r.IntN(most)
	var in []rows.Annotation
	for i := range r.IntN(most + 1) {
		var label *bool
		if r.IntN(10) > 0 {
			label = []*bool{yes, no}[r.IntN(2)]
		}
		number := r.IntN(questions)
		a := row(fmt.Sprintf([]string{"what is %s", "What is %s?", "what  is $%s$."}[r.IntN(3)], words(number)), fmt.Sprint("a", r.IntN(6)), label)
		a.ProblemID = fmt.Sprint(number)
		a.Extra = strings.Repeat("x", 300) // so that a small memory does not hold the rows
		a.Source = fmt.Sprint("s", r.IntN(4))
		a.Sample = int32(i)
		a.Category = []string{"", "units", "form"}[r.IntN(3)]
		a.Origin = []string{rows.OriginSampled, rows.OriginSampled, rows.OriginSynthetic, rows.OriginNearMiss}[r.IntN(4)]
		if a.Origin == rows.OriginNearMiss && label != nil {
			a.Label = no
		}
		in = append(in, a)
	}
	return in
}

func drawOptions(t *rapid.T, benchmark string) Options {
	o := Options{
		Seed:      rapid.Int64().Draw(t, "seed"),
		Ratio:     rapid.SampledFrom([]string{"1:1", "1:3", "2:1", "0.2", "all"}).Draw(t, "ratio"),
		Total:     rapid.SampledFrom([]int64{0, 0, 0, 10, 12, 25}).Draw(t, "total"),
		EvalShare: rapid.SampledFrom([]float64{0, 0, 0.2, 0.5}).Draw(t, "eval"),
	}
	if o.Ratio != "all" {
		o.Strategy = rapid.SampledFrom([]string{"", "", "up", "by_source", "by_category"}).Draw(t, "strategy")
	}
	if o.Strategy == StrategyByCategory {
		o.Temperature = rapid.SampledFrom([]float64{0.5, 1, 2, 1000}).Draw(t, "temperature")
	}
	if (o.Strategy == "" || o.Strategy == StrategyUp) && rapid.Bool().Draw(t, "shares") {
		o.Shares = map[string]float64{rows.OriginSampled: 3, rows.OriginSynthetic: 1}
		if rapid.Bool().Draw(t, "near misses") {
			o.Shares[rows.OriginNearMiss] = 0.5
		}
	}
	if rapid.Bool().Draw(t, "caps") {
		o.MaxPerProblem = rapid.Int64Range(0, 5).Draw(t, "per problem")
		o.MaxPerSource = rapid.Int64Range(0, 40).Draw(t, "per source")
	}
	if rapid.IntRange(0, 2).Draw(t, "hold out") == 0 {
		o.HeldOutSources = []string{"s0"}
	}
	if rapid.IntRange(0, 3).Draw(t, "near") == 0 {
		o.NearDuplicates = &NearDuplicates{Threshold: 0.5, Seed: 1}
	}
	if rapid.IntRange(0, 3).Draw(t, "benchmarks") == 0 {
		o.Decontaminate = &Decontamination{Benchmarks: []decontaminate.Benchmark{{Name: "b", Path: benchmark}}}
	}
	return o
}

// TestProperties holds for every set of rows and all options: what the package
// promises, or an error.
func TestProperties(t *testing.T) {
	benchmark := filepath.Join(t.TempDir(), "b.jsonl")
	if err := os.WriteFile(benchmark, fmt.Appendf(nil, `{"problem": "what is %s"}`+"\n", words(3)), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	met := 0
	rapid.Check(t, func(rt *rapid.T) {
		if met == 20 {
			return // files take their time, and the next run draws others
		}
		in := randomRows(rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "rows"), 1)), 150)
		o := drawOptions(rt, benchmark)
		dir := filepath.Join(t.TempDir(), "balance")
		m, err := Run(t.Context(), stagetest.Env(), dir, labelled(t, in, 0), o)
		if err != nil {
			return // it cannot be met; TestImpossible says how
		}
		met++
		checkSet(rt, in, o, m, stagetest.Read[rows.Example](t, dir))

		if rapid.IntRange(0, 2).Draw(rt, "again") > 0 {
			return // one in three is enough, and files take their time
		}
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		again := filepath.Join(t.TempDir(), "balance")
		if _, err := runWithin(t.Context(), stagetest.Env(), again, labelled(t, in, int64(1+len(in)/3)), o, spool.MinMemory); err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(files(t, dir), files(t, again)) {
			rt.Fatal("the order of the input, its number of parts, or the memory changed the output")
		}
	})
	if met < 15 {
		t.Errorf("only %d sets could be made; the test shows little", met)
	}
}

func checkSet(t *rapid.T, in []rows.Annotation, o Options, m *manifest.Manifest, got []rows.Example) {
	splits := map[string]string{} // of each question
	pairs := map[string]bool{}
	perProblem, perSource, perOrigin := map[string]int64{}, map[string]int64{}, map[string]int64{}
	var trues, falses, copies int64
	for _, e := range got {
		form := question.Normalize(e.Question)
		if s, ok := splits[form]; ok && s != e.Split {
			t.Fatalf("%q is in %s and %s", form, s, e.Split)
		}
		splits[form] = e.Split
		if (e.Source == "s0" && len(o.HeldOutSources) > 0) && e.Split != rows.SplitHeldOut {
			t.Fatalf("a held-out source is in %s", e.Split)
		}
		pair := fmt.Sprint(form, "\xff", question.NormalizeAnswer(e.Answer), "\xff", e.Copy)
		if pairs[pair] {
			t.Fatalf("%q was chosen twice", pair)
		}
		pairs[pair] = true
		if o.Shares != nil && o.Shares[e.Origin] == 0 {
			t.Fatalf("origin %s has no share", e.Origin)
		}
		if e.Copy > 0 {
			copies++
		} else {
			perProblem[form]++
			perSource[e.Split+e.Source]++
		}
		if e.Split == rows.SplitTrain {
			perOrigin[e.Origin]++
			if e.Label {
				trues++
			} else {
				falses++
			}
		}
	}
	for form, n := range perProblem {
		if o.MaxPerProblem > 0 && n > o.MaxPerProblem {
			t.Fatalf("%q has %d rows", form, n)
		}
	}
	for source, n := range perSource {
		if o.MaxPerSource > 0 && n > o.MaxPerSource {
			t.Fatalf("source %q has %d rows", source, n)
		}
	}
	c := m.Rows["annotations"]
	if c.In != int64(len(in)) || c.Out+copies != int64(len(got)) || m.Figures["copies"] != copies || copies > 0 && o.Strategy != StrategyUp {
		t.Fatalf("%d rows in, %d written with %d copies: %+v, %v", len(in), len(got), copies, c, m.Figures)
	}
	if trues != m.Figures["train_true"] || falses != m.Figures["train_false"] {
		t.Fatalf("%d True and %d False in training, the figures are %v", trues, falses, m.Figures)
	}
	if o.Total > 0 && trues+falses != o.Total {
		t.Fatalf("%d rows of %d", trues+falses, o.Total)
	}
	if r, _ := ParseRatio(o.Ratio); !r.All {
		off := math.Abs(float64(trues*r.False-falses*r.True)) / float64(r.True+r.False)
		if o.Total == 0 && off != 0 || off > 0.5 || trues == 0 {
			t.Fatalf("%d True and %d False are not %s", trues, falses, o.Ratio)
		}
	}
	if o.Shares != nil {
		sum := 0.0
		for _, weight := range o.Shares {
			sum += weight
		}
		for origin, weight := range o.Shares {
			if want := float64(trues+falses) * weight / sum; math.Abs(float64(perOrigin[origin])-want) > 1 {
				t.Fatalf("%d rows of origin %s, want %.1f", perOrigin[origin], origin, want)
			}
		}
	}
}

// TestLargest compares the number of rows that shares allow with a search through all.
func TestLargest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Ratio: rapid.SampledFrom([]string{"1:1", "1:3", "3:2"}).Draw(t, "ratio"), Strategy: rapid.SampledFrom([]string{StrategyDown, StrategyUp}).Draw(t, "strategy"), Shares: map[string]float64{}}
		var groups []group
		var have []int64
		sum := int64(0)
		for _, origin := range []string{rows.OriginSampled, rows.OriginSynthetic, rows.OriginNearMiss} {
			o.Shares[origin] = float64(rapid.IntRange(0, 5).Draw(t, "share"))
			for _, label := range []bool{true, false} {
				if n := rapid.Int64Range(0, 30).Draw(t, "rows"); n > 0 && o.Shares[origin] > 0 {
					groups, have = append(groups, group{split: rows.SplitTrain, origin: origin, label: label}), append(have, n)
					sum += n
				}
			}
		}
		o, ratio, err := o.check()
		if err != nil {
			return // no share
		}
		p := newPlanner(o, ratio, ratio, groups, have, stagetest.Env().Log)
		step := ratio.True + ratio.False
		var possible []int64
		for n := step; n <= 30*(sum+1); n += step {
			if _, ok := p.try(n); ok {
				possible = append(possible, n)
			}
		}
		got, err := p.bestTotal()
		want := int64(0)
		if len(possible) > 0 && o.Strategy == StrategyDown {
			want = possible[len(possible)-1]
		} else if len(possible) > 0 {
			want = possible[0]
		}
		if last := 30 * (sum + 1); o.Strategy == StrategyUp && (got > last || len(possible) > 0 && possible[len(possible)-1] < last-last%step) {
			return // the search ends too early, or what it finds is possible by the grace of rounding few rows only
		}
		if got != want && (err == nil || want != 0) {
			t.Fatalf("%d rows, %v; a search finds %d", got, err, want)
		}
	})
}

// TestGrid: the sets of a seed are nested as Grid promises, are as large as asked,
// are evaluated on the same rows, and the overlap table is right.
func TestGrid(t *testing.T) {
	t.Parallel()
	met := 0
	for seed := range uint64(6) {
		in := randomRows(rand.New(rand.NewPCG(seed, 3)), 400)
		o := Options{EvalShare: 0.1, MaxPerProblem: int64(seed % 3 * 3), MaxPerSource: int64(seed % 2 * 25)}
		if seed%2 == 0 {
			o.Shares = map[string]float64{rows.OriginSampled: 5, rows.OriginSynthetic: 2, rows.OriginNearMiss: 1}
		}
		axes := Axes{Ratios: []string{"1:1", "1:3", "1:2"}, Seeds: []int64{5, -2}}
		if seed%4 < 2 {
			axes.Sizes = []int64{12, 30}
		}
		dir := filepath.Join(t.TempDir(), "grid")
		g, err := Grid(t.Context(), stagetest.Env(), dir, labelled(t, in, 0), o, axes)
		if err != nil {
			if !strings.Contains(err.Error(), "missing: ") && !strings.Contains(err.Error(), "no row with a label") {
				t.Fatal(err)
			}
			continue
		}
		met++
		checkGrid(t, dir, g, axes)
	}
	if met < 3 {
		t.Errorf("only %d grids could be made; the test shows little", met)
	}
}

// TestNestedTables is TestGrid for the arithmetic alone, with any numbers of rows.
func TestNestedTables(t *testing.T) {
	met := 0
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Shares: map[string]float64{}}
		axes := Axes{Ratios: []string{"1:4", "1:3", "2:3", "1:1", "3:1"}, Sizes: []int64{20}}
		for size := range rapid.IntRange(0, 4).Draw(t, "sizes") {
			axes.Sizes = append(axes.Sizes, 20+int64(size+1)*rapid.Int64Range(1, 30).Draw(t, "step")*100+int64(size))
		}
		var groups []group
		var have []int64
		for _, origin := range rows.Origins() {
			o.Shares[origin] = rapid.Float64Range(0.01, 10).Draw(t, "share")
			for _, label := range []bool{true, false} {
				groups = append(groups, group{split: rows.SplitTrain, origin: origin, label: label})
				have = append(have, rapid.SampledFrom([]int64{0, 300, 5000, 50_000}).Draw(t, "rows"))
			}
		}
		g, err := newGrid(o, axes)
		if err != nil {
			return // a size twice
		}
		var planners []*planner
		for _, ratio := range g.ratios {
			planners = append(planners, newPlanner(g.o, ratio, evenly, groups, have, stagetest.Env().Log))
		}
		if err := g.fillTables([]seeded{{planners: planners}}); err != nil {
			return // the largest cannot be made
		}
		met++
		for i, a := range g.sets {
			trues, falses := a.table.Totals()
			if trues+falses != a.size || trues != a.ratio.trueOf(a.size) {
				t.Fatalf("%s has %d True and %d False rows", a.name, trues, falses)
			}
			for _, b := range g.sets[i+1:] {
				for k := range a.table.True {
					moreTrue, moreFalse := a.table.True[k] <= b.table.True[k], a.table.False[k] <= b.table.False[k]
					if a.ratio == b.ratio && !(moreTrue && moreFalse) || a.size == b.size && !(moreTrue && a.table.False[k] >= b.table.False[k]) {
						t.Fatalf("%s is not nested in %s: %v and %v", a.name, b.name, a.table, b.table)
					}
				}
			}
		}
	})
	if met < 5 {
		t.Errorf("only %d grids could be made; the test shows little", met)
	}
}

func checkGrid(t *testing.T, dir string, g *GridResult, axes Axes) {
	type member struct {
		GridSet
		trues, falses, evaluated map[string]bool
	}
	var sets []member
	for _, s := range g.Sets {
		m := member{s, map[string]bool{}, map[string]bool{}, map[string]bool{}}
		for _, e := range stagetest.Read[rows.Example](t, filepath.Join(dir, s.Name)) {
			key := fmt.Sprint(e.Question, "\xff", e.Answer)
			switch {
			case e.Split != rows.SplitTrain:
				m.evaluated[key] = true
			case e.Label:
				m.trues[key] = true
			default:
				m.falses[key] = true
			}
		}
		r, _ := ParseRatio(s.Ratio)
		if n := int64(len(m.trues) + len(m.falses)); n != s.Size || len(axes.Sizes) > 0 && !slices.Contains(axes.Sizes, n) || int64(len(m.trues)) != r.trueOf(n) {
			t.Fatalf("%s has %d True and %d False", s.Name, len(m.trues), len(m.falses))
		}
		sets = append(sets, m)
	}
	var o Overlap
	data, err := os.ReadFile(filepath.Join(dir, OverlapFile))
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]OverlapPair{}
	for _, p := range o.Pairs {
		pairs[p.A+p.B] = p
	}
	for i, a := range sets {
		if len(axes.Sizes) == 0 && a.Size != sets[0].Size {
			t.Fatalf("%s has %d rows, %s %d", a.Name, a.Size, sets[0].Name, sets[0].Size)
		}
		for _, b := range sets[i+1:] {
			p, ok := pairs[a.Name+b.Name]
			if ok != (a.Seed == b.Seed) {
				t.Fatalf("%s and %s are compared: %v", a.Name, b.Name, ok)
			}
			if !ok {
				continue
			}
			if !within(a.evaluated, b.evaluated) || !within(b.evaluated, a.evaluated) {
				t.Fatalf("%s and %s are evaluated on different rows", a.Name, b.Name)
			}
			// a comes first: it is smaller, or of the same size with fewer True rows.
			if a.Size == b.Size && !(within(a.trues, b.trues) && within(b.falses, a.falses)) ||
				a.Ratio == b.Ratio && !(within(a.trues, b.trues) && within(a.falses, b.falses)) {
				t.Fatalf("%s and %s are not nested", a.Name, b.Name)
			}
			common := int64(shared(a.trues, b.trues) + shared(a.falses, b.falses))
			most := int64(min(len(a.trues), len(b.trues)) + min(len(a.falses), len(b.falses)))
			if p.Common != common || p.Most != most {
				t.Fatalf("%s and %s: %d of %d rows in common, the table says %+v", a.Name, b.Name, common, most, p)
			}
		}
	}
}

func within(a, b map[string]bool) bool { return shared(a, b) == len(a) }

func shared(a, b map[string]bool) (n int) {
	for key := range a {
		if b[key] {
			n++
		}
	}
	return n
}
