package train

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tinyv/internal/durable"
	"tinyv/train/trainerlog"
)

// The colours of a loss plot: told apart also by those who see no red or no green.
var (
	rawColor    = color.NRGBA{R: 0x9e, G: 0xc5, B: 0xe8, A: 0xff}
	smoothColor = color.NRGBA{R: 0x0b, G: 0x52, B: 0x8f, A: 0xff}
	evalColor   = color.NRGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	gridColor   = color.NRGBA{R: 0xe4, G: 0xe4, B: 0xe4, A: 0xff}
)

// PlotLoss draws the loss by step into loss.svg and loss.png of a directory. Equal
// points give equal bytes.
func PlotLoss(dir string, points []trainerlog.Point) error {
	p, err := lossPlot(points)
	if err != nil {
		return fmt.Errorf("plotting the loss: %w", err)
	}
	for name, format := range map[string]string{LossSVG: "svg", LossPNG: "png"} {
		w, err := p.WriterTo(18*vg.Centimeter, 10*vg.Centimeter, format)
		if err != nil {
			return fmt.Errorf("plotting the loss: %w", err)
		}
		var b bytes.Buffer
		if _, err := w.WriteTo(&b); err != nil {
			return fmt.Errorf("plotting the loss: %w", err)
		}
		if err := durable.WriteFile(filepath.Join(dir, name), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func lossPlot(points []trainerlog.Point) (*plot.Plot, error) {
	var raw, eval plotter.XYs
	for _, p := range points {
		for _, series := range []struct {
			loss *trainerlog.Float
			to   *plotter.XYs
		}{{p.Loss, &raw}, {p.EvalLoss, &eval}} {
			if series.loss != nil && series.loss.Finite() {
				*series.to = append(*series.to, plotter.XY{X: float64(p.Step), Y: float64(*series.loss)})
			}
		}
	}
	p := plot.New()
	p.Title.Text = "Training loss"
	for _, font := range []*font.Font{&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		font.Variant = "Sans"
	}
	p.Title.TextStyle.Font.Size = vg.Points(13)
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text = "optimizer step"
	p.Y.Label.Text = "loss (nats per token)"
	p.X.Label.Padding, p.Y.Label.Padding = vg.Points(4), vg.Points(4)
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)
	p.Legend.YOffs = -vg.Points(4)
	p.Legend.XOffs = -vg.Points(6)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridColor, gridColor
	p.Add(grid)
	if len(raw) > 0 {
		if err := addLine(p, "each step", raw, rawColor, vg.Points(1)); err != nil {
			return nil, err
		}
		if err := addLine(p, "smoothed", smooth(raw), smoothColor, vg.Points(2)); err != nil {
			return nil, err
		}
	}
	if len(eval) > 0 {
		dots, err := plotter.NewScatter(eval)
		if err != nil {
			return nil, err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: evalColor, Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
		p.Add(dots)
		p.Legend.Add("evaluation", dots)
	}
	if len(raw)+len(eval) == 0 {
		p.X.Max, p.Y.Max = 1, 1
	}
	p.X.Min = 0
	p.Y.Min = min(p.Y.Min, 0)
	if p.Y.Min == 0 {
		p.Y.Max *= 1.04
	}
	return p, nil
}

func addLine(p *plot.Plot, name string, xys plotter.XYs, c color.Color, width vg.Length) error {
	line, err := plotter.NewLine(xys)
	if err != nil {
		return err
	}
	line.Color, line.Width = c, width
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}

// smooth is the weighted mean around each point, by a bell curve whose deviation is
// a fiftieth of all points: of both sides, so that it does not lag behind.
func smooth(raw plotter.XYs) plotter.XYs {
	deviation := max(1, float64(len(raw))/50)
	reach := int(3 * deviation)
	bell := make([]float64, reach+1)
	for d := range bell {
		bell[d] = math.Exp(-0.5 * math.Pow(float64(d)/deviation, 2))
	}
	out := make(plotter.XYs, len(raw))
	for i, p := range raw {
		sum, weight := p.Y, 1.0
		for d := 1; d <= reach; d++ {
			for _, j := range []int{i - d, i + d} {
				if j >= 0 && j < len(raw) {
					sum, weight = sum+bell[d]*raw[j].Y, weight+bell[d]
				}
			}
		}
		out[i] = plotter.XY{X: p.X, Y: sum / weight}
	}
	return out
}
