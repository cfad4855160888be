package score

import "tinyv/internal/interval"

// bins is how many bins of equal width calibration has.
const bins = 10

// Calibration says whether the confidence of verdicts is what it says: of verdicts
// given with confidence 0.9, nine of ten should be right. Undecided verdicts, and
// those without a confidence, are left out.
type Calibration struct {
	N     int64    `json:"n"`
	Brier *float64 `json:"brier"` // mean squared distance of confidence and being right (G. W. Brier, Monthly Weather Review 78, 1950); 0 is best
	ECE   *float64 `json:"ece"`   // expected calibration error over ten bins (M. P. Naeini et al., AAAI 2015); 0 is best
	Bins  []Bin    `json:"bins"`

	brier float64
	sums  [bins]struct {
		n, right   int64
		confidence float64
	}
}

// Bin holds the verdicts with a confidence of From up to To, To included in the last alone.
type Bin struct {
	From       float64             `json:"from"`
	To         float64             `json:"to"`
	Confidence *float64            `json:"confidence"` // their mean
	Right      interval.Proportion `json:"right"`
}

// Add takes one decided verdict with its confidence, 0 to 1.
func (c *Calibration) Add(confidence float64, right bool) {
	c.N++
	is := 0.0
	bin := &c.sums[min(int(confidence*bins), bins-1)]
	if right {
		is = 1
		bin.right++
	}
	bin.n++
	bin.confidence += confidence
	c.brier += (confidence - is) * (confidence - is)
}

// Finish fills in the figures.
func (c *Calibration) Finish() {
	c.Bins = []Bin{}
	if c.N == 0 {
		return
	}
	var ece float64
	for i, s := range c.sums {
		bin := Bin{From: float64(i) / bins, To: float64(i+1) / bins, Right: interval.Share(s.right, s.n)}
		if s.n > 0 {
			bin.Confidence = interval.Rounded(s.confidence / float64(s.n))
			gap := s.confidence - float64(s.right)
			ece += max(gap, -gap) / float64(c.N)
		}
		c.Bins = append(c.Bins, bin)
	}
	c.Brier, c.ECE = interval.Rounded(c.brier/float64(c.N)), interval.Rounded(ece)
}
