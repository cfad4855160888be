package balance

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
)

// A second run does nothing; a set that is gone is made again, byte for byte; other
// settings make everything anew; and the sets can be read as stages.
func TestGridAgain(t *testing.T) {
	labels := labelled(t, many(400, func(i int, a *rows.Annotation) { a.Label = []*bool{yes, no}[i%2] }), 0)
	dir := filepath.Join(t.TempDir(), "grid")
	o := Options{Seed: 9, EvalShare: 0.1}
	axes := Axes{Ratios: []string{"1:1", "1:4"}, Sizes: []int64{100, 50}}
	grid := func() (skipped int) {
		t.Helper()
		g, err := Grid(t.Context(), stagetest.Env(), dir, labels, o, axes)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Sets) != 4 || g.Sets[0].Name != "ratio=1-4,size=50,seed=9" || g.Sets[3].Name != "ratio=1-1,size=100,seed=9" || g.Sets[3].Size != 100 {
			t.Fatalf("sets %+v", g.Sets)
		}
		for _, s := range g.Sets {
			if s.Manifest.Skipped {
				skipped++
			}
		}
		return skipped
	}
	if n := grid(); n != 0 {
		t.Errorf("%d sets were skipped in an empty directory", n)
	}
	leftOnly(t, dir, "manifest.json", "overlap.txt", "overlap.json", "ratio=1-4,size=50,seed=9", "ratio=1-1,size=50,seed=9", "ratio=1-4,size=100,seed=9", "ratio=1-1,size=100,seed=9")
	table, err := os.ReadFile(filepath.Join(dir, OverlapTable))
	if err != nil {
		t.Fatal(err)
	}
	if want := "ratio=1-4,size=100,seed=9  ratio=1-1,size=100,seed=9  70         70  100.0%"; !strings.Contains(string(table), want) {
		t.Errorf("the table lacks %q:\n%s", want, table)
	}
	if n := grid(); n != 4 {
		t.Errorf("%d of 4 sets were skipped", n)
	}
	one := filepath.Join(dir, "ratio=1-1,size=50,seed=9")
	before := files(t, one)
	if err := os.RemoveAll(one); err != nil {
		t.Fatal(err)
	}
	if n := grid(); n != 3 || string(files(t, one)) != string(before) {
		t.Errorf("%d of 3 sets were skipped, or the fourth is another one", n)
	}
	if err := os.Remove(filepath.Join(dir, OverlapTable)); err != nil {
		t.Fatal(err)
	}
	if n := grid(); n != 4 {
		t.Errorf("%d of 4 sets were skipped without the table", n)
	}
	if again, err := os.ReadFile(filepath.Join(dir, OverlapTable)); err != nil || string(again) != string(table) {
		t.Errorf("the table is another one: %v", err)
	}
	o.MaxPerProblem = 3
	if n := grid(); n != 0 {
		t.Errorf("%d sets of other settings were skipped", n)
	}
}

// A grid names the sets that an earlier one had and it has not, and leaves them as they
// are; directories of others are no sets.
func TestGridNamesSetsOfAnEarlierOne(t *testing.T) {
	labels := labelled(t, many(400, func(i int, a *rows.Annotation) { a.Label = []*bool{yes, no}[i%2] }), 0)
	dir := filepath.Join(t.TempDir(), "grid")
	var log bytes.Buffer
	env := stagetest.Env()
	env.Log = slog.New(slog.NewTextHandler(&log, nil))
	grid := func(ratios ...string) *GridResult {
		t.Helper()
		log.Reset()
		g, err := Grid(t.Context(), env, dir, labels, Options{Seed: 9}, Axes{Ratios: ratios, Sizes: []int64{50}})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	grid("1:1", "1:2", "1:4")
	if err := os.Mkdir(filepath.Join(dir, "notes"), 0o755); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "ratio=1-2,size=50,seed=9")
	before := files(t, old)
	if g := grid("1:1", "1:4"); !slices.Equal(g.Left, []string{"ratio=1-2,size=50,seed=9"}) || len(g.Sets) != 2 || !strings.Contains(log.String(), "ratio=1-2,size=50,seed=9") {
		t.Errorf("left %v, log %s", g.Left, log.String())
	}
	if !bytes.Equal(files(t, old), before) {
		t.Error("the set of the earlier grid is another one")
	}
	if g := grid("1:1", "1:2", "1:4"); len(g.Left) > 0 || strings.Contains(log.String(), "earlier") {
		t.Errorf("left %v, log %s", g.Left, log.String())
	}
}

func TestGridSizes(t *testing.T) {
	in := many(100, func(i int, a *rows.Annotation) { // 30 True, 70 False
		if i < 30 {
			a.Label = yes
		}
	})
	g, err := Grid(t.Context(), stagetest.Env(), filepath.Join(t.TempDir(), "grid"), labelled(t, in, 0), Options{}, Axes{Ratios: []string{"1:1", "1:2"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range g.Sets { // 1:1 could have 60, which 1:2 divides, too
		if s.Size != 60 || !strings.HasSuffix(s.Name, ",seed=0") || strings.Contains(s.Name, "size") {
			t.Errorf("set %+v", s)
		}
	}
}

func TestGridErrors(t *testing.T) {
	labels := labelled(t, many(100, func(i int, a *rows.Annotation) { a.Label = []*bool{yes, no}[i%2] }), 0)
	for want, c := range map[string]struct {
		o    Options
		axes Axes
	}{
		"the grid's ratios: all is no ratio":            {Options{}, Axes{Ratios: []string{"all"}}},
		"ratio \"0\"":                                   {Options{}, Axes{Ratios: []string{"1:1", "0"}}},
		"balance.ratio: ratio \"\"":                     {Options{}, Axes{}},
		"twice":                                         {Options{}, Axes{Ratios: []string{"1:2", "0.5"}}},
		"the grid's sizes: [0 5]":                       {Options{}, Axes{Ratios: []string{"1:1"}, Sizes: []int64{0, 5}}},
		"balance.strategy: a grid":                      {Options{Strategy: "up"}, Axes{Ratios: []string{"1:1"}}},
		"ratio=1-1,size=101,seed=0: balance: the train": {Options{}, Axes{Ratios: []string{"1:1"}, Sizes: []int64{101}}},
		"ratio=1-9,size=3,seed=0: 3 rows":               {Options{}, Axes{Ratios: []string{"1:9"}, Sizes: []int64{3, 20}}},
		"ratio=1-1,seed=0: balance: the train":          {Options{Shares: map[string]float64{"sampled": 1, "hardening": 1}}, Axes{Ratios: []string{"1:1"}}},
	} {
		_, err := Grid(t.Context(), stagetest.Env(), filepath.Join(t.TempDir(), "grid"), labels, c.o, c.axes)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted %q: %v", want, err)
		}
	}
	foreign := filepath.Join(t.TempDir(), "theirs")
	if err := errors.Join(os.Mkdir(foreign, 0o755), os.WriteFile(filepath.Join(foreign, OverlapTable), []byte("mine"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := Grid(t.Context(), stagetest.Env(), foreign, labels, Options{Ratio: "1:1"}, Axes{}); err == nil || !strings.Contains(err.Error(), "did not write") {
		t.Errorf("a directory with files of others: %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(foreign, OverlapTable)); err != nil || string(data) != "mine" {
		t.Errorf("its file was changed: %q, %v", data, err)
	}
}

// The rows of all seeds are held at once, and have the memory of one.
func TestGridMemoryDoesNotGrowWithSeeds(t *testing.T) {
	labels := labelled(t, many(6000, func(i int, a *rows.Annotation) {
		a.Label, a.Extra = []*bool{yes, no}[i%2], strings.Repeat("extra ", 80)
	}), 0)
	axes := Axes{Ratios: []string{"1:1"}}
	for seed := range int64(16) {
		axes.Seeds = append(axes.Seeds, seed)
	}
	g, err := newGrid(Options{}, axes)
	if err != nil {
		t.Fatal(err)
	}
	const memory = 2 << 20
	g.work = work{env: stagetest.Env(), dir: t.TempDir(), labelDir: labels, o: g.o, memory: memory}
	p, err := g.readPool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.rows.Close()
	before := heap()
	all, err := g.seed(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	grown := heap() - before
	for _, s := range all {
		if s.candidates.rows.Len() != 6000 {
			t.Errorf("%d rows", s.candidates.rows.Len())
		}
		if err := s.candidates.close(); err != nil {
			t.Error(err)
		}
	}
	if grown > 4*memory {
		t.Errorf("%d seeds hold %d KiB; one may have %d", len(all), grown>>10, memory>>10)
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // the first leaves what was in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
