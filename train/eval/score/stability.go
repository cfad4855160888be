package score

import (
	"tinyv/internal/interval"
	"tinyv/verify"
)

// Stability says how alike the verdicts of one verifier on the same rows are.
type Stability struct {
	Verdicts int64               `json:"verdicts"` // of each row
	Alike    interval.Proportion `json:"alike"`    // rows whose verdicts are all the same
	// Kappa is the agreement beyond chance (J. L. Fleiss, Psychological Bulletin 76,
	// 1971), undecided being a verdict of its own; null if all verdicts are the same.
	Kappa *float64 `json:"fleiss_kappa"`

	rows, alike, agreeing int64
	outcomes              [3]int64
}

// Add takes the verdicts on one row; every row has equally many, two or more.
func (s *Stability) Add(verdicts []verify.Outcome) {
	var counts [3]int64
	for _, v := range verdicts {
		counts[v]++
	}
	s.Verdicts = int64(len(verdicts))
	s.rows++
	for i, n := range counts {
		s.outcomes[i] += n
		s.agreeing += n * (n - 1)
		if n == s.Verdicts {
			s.alike++
		}
	}
}

// Finish fills in the figures.
func (s *Stability) Finish() {
	s.Alike = interval.Share(s.alike, s.rows)
	all := s.rows * s.Verdicts
	chance := 0.0
	for _, n := range s.outcomes {
		if n == all {
			return // chance alone explains everything
		}
		p := float64(n) / float64(all)
		chance += p * p
	}
	observed := float64(s.agreeing) / float64(all*(s.Verdicts-1))
	s.Kappa = interval.Rounded((observed - chance) / (1 - chance))
}
