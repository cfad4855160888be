package ablation

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"tinyv/internal/stagetest/golden"
)

// grid is an ablation of three seeds: one cell of 3:1 is done, none of 4:1; the second
// benchmark has no wrong answers.
func grid() []Cell {
	var cells []Cell
	for _, r := range []struct {
		ratio         string
		share, fn, tn float64
		done          int
	}{
		{ratio: "1:4", share: 0.2, fn: 0.612, tn: 0.981, done: 3}, {ratio: "1:2", share: 1.0 / 3, fn: 0.705, tn: 0.964, done: 3},
		{ratio: "1:1", share: 0.5, fn: 0.804, tn: 0.922, done: 3}, {ratio: "2:1", share: 2.0 / 3, fn: 0.851, tn: 0.833, done: 2},
		{ratio: "3:1", share: 0.75, fn: 0.88, tn: 0.79, done: 1}, {ratio: "4:1", share: 0.8},
	} {
		for seed := int64(1); seed <= 3; seed++ {
			off := 0.012 * float64(seed-2) * float64(1+seed%2)
			fn, tn, undecided := r.fn+off, r.tn-off/2, 0.004*float64(seed-1)
			balanced := (fn + tn) / 2
			hard := Cell{
				Name: fmt.Sprintf("ratio=%s,size=4000,seed=%d", strings.Replace(r.ratio, ":", "-", 1), seed), Ratio: r.ratio, TrueShare: r.share,
				Size: 4000, Seed: seed, Benchmark: "hardverify-math", Rows: 4000, Steps: 16, Done: int(seed) <= r.done,
			}
			own := hard
			own.Benchmark = "own | split"
			if hard.Done {
				hard.FNRecall, hard.TNAccuracy, hard.BalancedAccuracy, hard.Undecided = &fn, &tn, &balanced, &undecided
				own.FNRecall, own.Undecided = &fn, &undecided
			}
			cells = append(cells, hard, own)
		}
	}
	return cells
}

// Student's sleep data (Biometrika 6, 1908, p. 20): hours gained with the second drug
// less those with the first. R's t.test(extra ~ group, sleep, paired = TRUE) prints its
// interval, 0.7001142 to 2.4598858, in the help page of t.test.
func TestInterval(t *testing.T) {
	mean, deviation := stat.MeanStdDev([]float64{1.2, 2.4, 1.3, 1.3, 0, 1.0, 1.8, 0.8, 4.6, 1.4}, nil)
	half := halfWidth(deviation, 10)
	if math.Abs(mean-half-0.7001142) > 1e-6 || math.Abs(mean+half-2.4598858) > 1e-6 {
		t.Errorf("%.7f to %.7f", mean-half, mean+half)
	}
	// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2: heat flow, 195 values,
	// standard deviation 0.02278881, from 9.258242 to 9.264679.
	if half := halfWidth(0.02278881, 195); math.Abs(half-(9.264679-9.258242)/2) > 1e-6 {
		t.Errorf("NIST: %.7f", half)
	}
	// Upper 2.5% points of Student's t, any printed table (NIST's: 1.3.6.7.2).
	for n, want := range map[int]float64{2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 11: 2.228, 31: 2.042} {
		if got := halfWidth(math.Sqrt(float64(n)), n); math.Abs(got-want) > 0.5000001e-3 {
			t.Errorf("t of %d values is %.4f, want %v", n, got, want)
		}
	}
}

func TestMean(t *testing.T) {
	for _, c := range []struct {
		shares []float64
		want   string
	}{
		{nil, "-"},
		{[]float64{0.5}, "50.0% (one seed)"},
		{[]float64{0.5, 0.5}, "50.0% (50.0 to 50.0)"},
		{[]float64{0.70, 0.71, 0.72}, "71.0% (68.5 to 73.5)"}, // 4.303 * 0.01 / sqrt(3)
		{[]float64{0.9, 1}, "95.0% (31.5 to 100.0)"},          // 12.706 * 0.05, cut at 1
	} {
		if got := newMean(c.shares).String(); got != c.want {
			t.Errorf("%v: %s, want %s", c.shares, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	data, err := JSON(grid())
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"table.txt": Table(grid()), "table.md": Markdown(grid()), "table.json": string(data), "forecast.txt": Forecast(grid(), 2, 25, 8)} {
		golden.Compare(t, name, got)
	}
}

// The order in which cells come must not reach a file.
func TestOrder(t *testing.T) {
	cells, turned := grid(), grid()
	slices.Reverse(turned)
	a, err := JSON(cells)
	if err != nil {
		t.Fatal(err)
	}
	b, err := JSON(turned)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) || Table(cells) != Table(turned) {
		t.Error("another order of cells gives another result")
	}
	if cells[0].Name != grid()[0].Name {
		t.Error("the caller's cells are put in another order")
	}
}

func TestFigures(t *testing.T) {
	figures, err := Figures(grid())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Figures(slices.DeleteFunc(grid(), func(c Cell) bool { return c.Benchmark != "hardverify-math" }))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(figures[0].SVG, again[0].SVG) || !bytes.Equal(figures[0].PNG, again[0].PNG) {
		t.Error("drawn again, the bytes are others")
	}
	if len(figures) != 2 || figures[0].Name != "hardverify-math-4000" || figures[1].Name != "own-split-4000" {
		t.Fatalf("%d figures: %+v", len(figures), figures)
	}
	for i, f := range figures {
		for ext, data := range map[string][]byte{".svg": f.SVG, ".png": f.PNG} { // go test -artifacts keeps them to be looked at
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), f.Name+ext), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		picture, err := png.Decode(bytes.NewReader(f.PNG))
		if err != nil {
			t.Fatal(err)
		}
		if size := picture.Bounds().Size(); size.X < 1000 || size.Y < 500 {
			t.Errorf("%s: the picture is of %v", f.Name, size)
		}
		texts := svgTexts(t, f.SVG)
		for _, want := range []string{"1:4", "1:1", "3:1", "50%", "fn_recall", f.Benchmark + " after training on 4000 rows"} {
			if !slices.Contains(texts, want) {
				t.Errorf("%s does not say %q: %q", f.Name, want, texts)
			}
		}
		if slices.Contains(texts, "4:1") {
			t.Errorf("%s shows a ratio of which nothing is done", f.Name)
		}
		if has := slices.Contains(texts, "tn_accuracy"); has != (i == 0) {
			t.Errorf("%s: a line of tn_accuracy: %v", f.Name, has)
		}
	}
}

// svgTexts parses a figure and returns the texts in it.
func svgTexts(t *testing.T, svg []byte) []string {
	t.Helper()
	var texts []string
	in := false
	for dec := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("the figure is no XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			in = token.Name.Local == "text"
		case xml.CharData:
			if in {
				texts = append(texts, string(token))
			}
		case xml.EndElement:
			in = false
		}
	}
}

func TestNothing(t *testing.T) {
	undone := grid()
	for i := range undone {
		undone[i].Done, undone[i].FNRecall, undone[i].TNAccuracy, undone[i].BalancedAccuracy, undone[i].Undecided = false, nil, nil, nil, nil
	}
	for _, cells := range [][]Cell{nil, undone} {
		if figures, err := Figures(cells); err != nil || len(figures) > 0 {
			t.Errorf("%d cells, none done: %d figures, %v", len(cells), len(figures), err)
		}
		data, err := JSON(cells)
		if err != nil || !json.Valid(data) || bytes.Contains(data, []byte(`"means": null`)) {
			t.Errorf("%d cells: %v\n%s", len(cells), err, data)
		}
	}
	if Table(nil) != none || Markdown(nil) != none || Forecast(nil, 1, 1, 1) != none {
		t.Error("a grid without cells has lines")
	}
	if text := Table(undone); !strings.Contains(text, "0 of 3") || strings.Count(text, "not done") != len(undone) {
		t.Errorf("nothing is done:\n%s", text)
	}
	if text := Forecast(undone, 2, 0, 8); !strings.Contains(text, "unknown") || !strings.Contains(text, "18 of 18 to do") {
		t.Errorf("no speed is known:\n%s", text)
	}
}

// One ratio alone, and sets of one class, are drawn too; benchmarks whose names differ
// only in what a file's name cannot have are kept apart.
func TestFiguresAtTheEdge(t *testing.T) {
	half := 0.5
	one := Cell{Name: "a", Ratio: "1:1", TrueShare: 0.5, Size: 8, Seed: 1, Benchmark: "b c", Done: true, FNRecall: &half, TNAccuracy: &half, BalancedAccuracy: &half}
	with, without := one, one
	with.Benchmark, without.Benchmark = "b/c", "b/c"
	without.Name, without.Ratio, without.TrueShare = "d", "1:0", 1
	figures, err := Figures([]Cell{one, with, without})
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != 2 || figures[0].Name != "b-c-8" || figures[1].Name != "b-c-8-2" {
		t.Errorf("%d figures: %+v", len(figures), figures)
	}
	for _, f := range figures {
		if bytes.Contains(f.SVG, []byte("NaN")) || bytes.Contains(f.SVG, []byte("Inf")) {
			t.Errorf("%s is drawn at no place", f.Benchmark)
		}
	}
}

func TestGPUHours(t *testing.T) {
	// 159,136 rows, 2 epochs, 100 rows a second on 8 GPUs: 3182.72 s on each.
	if h := GPUHours(159136, 2, 100, 8); h == nil || math.Abs(*h-8*3182.72/3600) > 1e-9 {
		t.Errorf("%v", h)
	}
	for _, unknown := range []float64{0, -1, math.NaN()} {
		if h := GPUHours(1, 1, unknown, 1); h != nil {
			t.Errorf("speed %v: %v hours", unknown, *h)
		}
	}
}
