package ablation

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"tinyv/internal/interval"
)

// Figure shows what is measured on one benchmark after training on sets of one size.
type Figure struct {
	Name      string // for files: letters, digits, dots and dashes; no other figure of the grid has it
	Benchmark string
	Size      int64
	SVG, PNG  []byte
}

// Figures draws fn_recall, tn_accuracy and balanced accuracy against the ratio, one
// figure for each benchmark and size that has a cell that is done. Points are means
// over seeds, bars their intervals.
func Figures(cells []Cell) ([]Figure, error) {
	var figures []Figure
	groups := slices.DeleteFunc(Groups(cells), func(g Group) bool { return g.Done == 0 })
	for len(groups) > 0 {
		f := Figure{Benchmark: groups[0].Benchmark, Size: groups[0].Size}
		n := slices.IndexFunc(groups, func(g Group) bool { return g.Benchmark != f.Benchmark || g.Size != f.Size })
		if n < 0 {
			n = len(groups)
		}
		f.Name = fmt.Sprintf("%s-%d", strings.Trim(notInNames.ReplaceAllString(f.Benchmark, "-"), "-."), f.Size)
		for slices.ContainsFunc(figures, func(other Figure) bool { return other.Name == f.Name }) {
			f.Name += "-2"
		}
		if err := f.draw(groups[:n]); err != nil {
			return nil, fmt.Errorf("drawing the ablation on %s, %d rows: %w", f.Benchmark, f.Size, err)
		}
		figures = append(figures, f)
		groups = groups[n:]
	}
	return figures, nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.]+`)

const (
	figureWidth  = 19 * vg.Centimeter
	figureHeight = 11 * vg.Centimeter
	dotsPerInch  = 144
)

func (f *Figure) draw(groups []Group) error {
	p, legend, err := f.plot(groups)
	if err != nil {
		return err
	}
	onto := func(c draw.Canvas) {
		c.SetColor(color.White)
		c.Fill(c.Rectangle.Path())
		c = draw.Crop(c, vg.Points(8), -vg.Points(8), vg.Points(6), -vg.Points(6))
		// The legend stands beside the lines, where it hides none.
		width := legend.Rectangle(c).Size().X
		p.Draw(draw.Crop(c, 0, -width-vg.Points(10), 0, 0))
		legend.Draw(draw.Crop(c, c.Rectangle.Size().X-width, 0, 0, 0))
	}
	svg := vgsvg.New(figureWidth, figureHeight)
	onto(draw.New(svg))
	png := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(figureWidth, figureHeight), vgimg.UseDPI(dotsPerInch))}
	onto(draw.New(png))
	var out bytes.Buffer
	if _, err := svg.WriteTo(&out); err != nil {
		return err
	}
	f.SVG = bytes.Clone(out.Bytes())
	out.Reset()
	if _, err := png.WriteTo(&out); err != nil {
		return err
	}
	f.PNG = out.Bytes()
	return nil
}

// series are the lines of a figure. Colours are told apart also by those who see no
// red or no green, and shapes where there is no colour at all.
var series = []struct {
	name  string
	of    func(Group) Mean
	color color.NRGBA
	shape draw.GlyphDrawer
	shift float64 // to the side, so that bars do not hide one another
}{
	{"fn_recall", func(g Group) Mean { return g.FNRecall }, color.NRGBA{R: 0x0b, G: 0x52, B: 0x8f, A: 0xff}, draw.CircleGlyph{}, -1},
	{"tn_accuracy", func(g Group) Mean { return g.TNAccuracy }, color.NRGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}, draw.BoxGlyph{}, 1},
	{"balanced accuracy", func(g Group) Mean { return g.BalancedAccuracy }, color.NRGBA{R: 0x00, G: 0x8a, B: 0x64, A: 0xff}, draw.PyramidGlyph{}, 0},
}

// intervals are the bars of one line, at its points that have one.
type intervals struct {
	plotter.XYs
	plotter.YErrors
}

func (f *Figure) plot(groups []Group) (*plot.Plot, plot.Legend, error) {
	p, legend := plot.New(), plot.NewLegend()
	p.Title.Text = fmt.Sprintf("%s after training on %d rows", f.Benchmark, f.Size)
	p.Title.TextStyle.Font.Size = vg.Points(13)
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text = fmt.Sprintf("True : False in the training set, and the share of True\nbars: %.0f%% intervals over seeds (Student's t); a point without a bar has one seed", 100*interval.Confidence)
	p.X.Label.Padding, p.X.Padding, p.Y.Padding = vg.Points(6), vg.Points(4), vg.Points(4)
	p.X.Label.TextStyle.Font.Size = vg.Points(10)
	legend.TextStyle.Font.Size = vg.Points(10)
	for _, style := range []*draw.TextStyle{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	legend.Top, legend.Left = true, true
	legend.YOffs = -vg.Points(30)
	legend.Padding = vg.Points(3)

	at := places(groups)
	span := at[len(at)-1] - at[0]
	if span == 0 {
		span = 1
	}
	p.X.Min, p.X.Max = at[0]-0.06*span, at[len(at)-1]+0.06*span
	p.X.Tick.Marker = ratioTicks(groups, at, span)
	lowest, highest := 1.0, 0.0
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{Y: 0xe4}, color.Gray{Y: 0xe4}
	p.Add(grid)
	for _, s := range series {
		var line plotter.XYs
		var bars intervals
		for i, g := range groups {
			m := s.of(g)
			if m.Value == nil {
				continue
			}
			point := plotter.XY{X: at[i] + 0.006*s.shift*span, Y: *m.Value}
			line = append(line, point)
			lo, hi := point.Y, point.Y
			if m.Lo != nil {
				lo, hi = *m.Lo, *m.Hi
				bars.XYs = append(bars.XYs, point)
				bars.YErrors = append(bars.YErrors, struct{ Low, High float64 }{point.Y - lo, hi - point.Y})
			}
			lowest, highest = min(lowest, lo), max(highest, hi)
		}
		if err := add(p, &legend, s.name, line, bars, s.color, s.shape); err != nil {
			return nil, legend, err
		}
	}
	p.Y.Min, p.Y.Max, p.Y.Tick.Marker = scale(lowest, highest)
	return p, legend, nil
}

func add(p *plot.Plot, legend *plot.Legend, name string, xys plotter.XYs, intervals intervals, c color.Color, shape draw.GlyphDrawer) error {
	if len(xys) == 0 {
		return nil
	}
	line, dots, err := plotter.NewLinePoints(xys)
	if err != nil {
		return err
	}
	line.Color, line.Width = c, vg.Points(1.75)
	dots.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(3.5), Shape: shape}
	p.Add(line, dots)
	legend.Add(name, line, dots)
	if len(intervals.XYs) == 0 {
		return nil
	}
	bars, err := plotter.NewYErrorBars(intervals)
	if err != nil {
		return err
	}
	bars.Color, bars.Width, bars.CapWidth = c, vg.Points(1), vg.Points(6)
	p.Add(bars)
	return nil
}

// places are where groups, ascending in their share of True, stand on the axis: at the
// logarithm of True to False, which sets 1:4, 1:2, 1:1, 2:1 apart equally; at the share
// itself if one of them has no True or no False.
func places(groups []Group) []float64 {
	at := make([]float64, len(groups))
	for i, g := range groups {
		at[i] = math.Log(g.TrueShare / (1 - g.TrueShare))
	}
	if slices.ContainsFunc(at, func(x float64) bool { return math.IsInf(x, 0) || math.IsNaN(x) }) {
		for i, g := range groups {
			at[i] = g.TrueShare
		}
	}
	return at
}

// ratioTicks label the places; a label that would touch the one before goes lower.
func ratioTicks(groups []Group, at []float64, span float64) plot.ConstantTicks {
	ticks := make(plot.ConstantTicks, len(groups))
	var ends []float64 // of the labels so far, by how low they stand
	for i, g := range groups {
		row := slices.IndexFunc(ends, func(end float64) bool { return at[i] >= end })
		if row < 0 {
			row = len(ends)
			ends = append(ends, 0)
		}
		ends[row] = at[i] + 0.075*span
		ticks[i] = plot.Tick{Value: at[i], Label: strings.Repeat("\n\n", row) + fmt.Sprintf("%s\n%.0f%%", g.Ratio, 100*g.TrueShare)}
	}
	return ticks
}

// scale is the part of 0 to 1 that the values need, with its ticks.
func scale(lowest, highest float64) (from, to float64, ticks plot.ConstantTicks) {
	step := 0.1
	if highest-lowest < 0.25 {
		step = 0.05
	}
	first, last := math.Floor(lowest/step-0.2), math.Ceil(highest/step+0.2)
	first, last = max(0, first), min(math.Round(1/step), last)
	for i := first; i <= last; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: fmt.Sprintf("%.0f%%", 100*i*step)})
	}
	return first * step, last * step, ticks
}
