package page

import "fmt"

// plot is a reliability diagram: how often verdicts are right against how sure the
// verifier is of them.
type plot struct{ Points []point }

// point is one bin, in the units of the picture.
type point struct{ X, Y, Lo, Hi string }

// The picture's square, in its own units: the origin and the length of the axes.
const (
	plotLeft, plotBottom = 40, 230
	plotSize             = 220
)

func (p *plot) add(confidence, right, lo, hi float64) {
	up := func(share float64) string { return fmt.Sprintf("%.1f", plotBottom-plotSize*share) }
	p.Points = append(p.Points, point{fmt.Sprintf("%.1f", plotLeft+plotSize*confidence), up(right), up(lo), up(hi)})
}

// Width is how far a bar reaches, on a scale of 100.
func (b bar) Width() string { return fmt.Sprintf("%.1f", 100*b.Rate) }

// From is where the interval begins.
func (b bar) From() string { return fmt.Sprintf("%.1f", 100*b.Lo) }

// To is where the interval ends.
func (b bar) To() string { return fmt.Sprintf("%.1f", 100*b.Hi) }
