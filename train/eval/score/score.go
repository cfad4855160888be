// Package score turns verdicts on a labelled benchmark into numbers: how many
// correct answers a verifier accepts, how many wrong ones it rejects, how sure
// that is, and how two verifiers compare on the same rows.
//
// A verdict is correct, incorrect or undecided. An undecided one is never counted
// for a verifier: a correct answer that it did not decide is not accepted, a wrong
// one is not rejected. How many there are always stands beside, and so do the
// rates over the decided rows alone.
package score

import (
	"math"

	"tinyv/internal/interval"
	"tinyv/verify"
)

// Confusion counts verdicts by the label of their row.
type Confusion struct {
	CorrectAccepted  int64 `json:"correct_accepted"`
	CorrectRejected  int64 `json:"correct_rejected"`
	CorrectUndecided int64 `json:"correct_undecided"`
	WrongAccepted    int64 `json:"wrong_accepted"`
	WrongRejected    int64 `json:"wrong_rejected"`
	WrongUndecided   int64 `json:"wrong_undecided"`
}

// Add counts one verdict on a row whose answer is correct, or not.
func (c *Confusion) Add(correct bool, verdict verify.Outcome) {
	cell := map[bool][3]*int64{
		true:  {&c.CorrectUndecided, &c.CorrectAccepted, &c.CorrectRejected},
		false: {&c.WrongUndecided, &c.WrongAccepted, &c.WrongRejected},
	}[correct][verdict]
	*cell++
}

// Correct is how many rows have a correct answer.
func (c Confusion) Correct() int64 {
	return c.CorrectAccepted + c.CorrectRejected + c.CorrectUndecided
}

// Wrong is how many rows have a wrong answer.
func (c Confusion) Wrong() int64 { return c.WrongAccepted + c.WrongRejected + c.WrongUndecided }

// N is how many rows there are.
func (c Confusion) N() int64 { return c.Correct() + c.Wrong() }

// Undecided is how many rows got no decision.
func (c Confusion) Undecided() int64 { return c.CorrectUndecided + c.WrongUndecided }

// FNRecall is the share of correct answers that are accepted.
func (c Confusion) FNRecall() interval.Proportion {
	return interval.Share(c.CorrectAccepted, c.Correct())
}

// TNAccuracy is the share of wrong answers that are rejected.
func (c Confusion) TNAccuracy() interval.Proportion {
	return interval.Share(c.WrongRejected, c.Wrong())
}

// Accuracy is the share of rows with the right verdict.
func (c Confusion) Accuracy() interval.Proportion {
	return interval.Share(c.CorrectAccepted+c.WrongRejected, c.N())
}

// Precision is the share of accepted answers that are correct.
func (c Confusion) Precision() interval.Proportion {
	return interval.Share(c.CorrectAccepted, c.CorrectAccepted+c.WrongAccepted)
}

// UndecidedShare is the share of rows without a decision.
func (c Confusion) UndecidedShare() interval.Proportion {
	return interval.Share(c.Undecided(), c.N())
}

// Decided is the matrix of the decided rows alone.
func (c Confusion) Decided() Confusion {
	c.CorrectUndecided, c.WrongUndecided = 0, 0
	return c
}

// BalancedAccuracy is the mean of FNRecall and TNAccuracy, with an interval made
// of theirs: the square-and-add method for a sum of two independent shares
// (R. G. Newcombe, Statistics in Medicine 17, 1998, 873-890, method 10).
func (c Confusion) BalancedAccuracy() Estimate {
	fn, tn := c.FNRecall(), c.TNAccuracy()
	if fn.Rate == nil || tn.Rate == nil {
		return Estimate{}
	}
	mean := (*fn.Rate + *tn.Rate) / 2
	below := math.Hypot(*fn.Rate-*fn.Lo, *tn.Rate-*tn.Lo) / 2
	above := math.Hypot(*fn.Hi-*fn.Rate, *tn.Hi-*tn.Rate) / 2
	return estimate(mean, mean-below, mean+above)
}

// f1 is the harmonic mean of precision and FNRecall; an undecided row counts as
// the wrong verdict. NaN if it is not defined.
func (c Confusion) f1() float64 {
	tp, fp, fn, _ := c.strict()
	return 2 * tp / (2*tp + fp + fn)
}

// mcc is Matthews' correlation coefficient; an undecided row counts as the wrong
// verdict. NaN if it is not defined: one class, or one verdict, only.
func (c Confusion) mcc() float64 {
	tp, fp, fn, tn := c.strict()
	return (tp*tn - fp*fn) / math.Sqrt((tp+fp)*(tp+fn)*(tn+fp)*(tn+fn))
}

func (c Confusion) strict() (tp, fp, fn, tn float64) {
	return float64(c.CorrectAccepted), float64(c.WrongAccepted + c.WrongUndecided), float64(c.CorrectRejected + c.CorrectUndecided), float64(c.WrongRejected)
}

// plus adds the counts of two matrices.
func (c Confusion) plus(d Confusion) Confusion {
	return Confusion{
		c.CorrectAccepted + d.CorrectAccepted, c.CorrectRejected + d.CorrectRejected, c.CorrectUndecided + d.CorrectUndecided,
		c.WrongAccepted + d.WrongAccepted, c.WrongRejected + d.WrongRejected, c.WrongUndecided + d.WrongUndecided,
	}
}

// Estimate is a figure with its interval; all three are null if it is not defined.
type Estimate struct {
	Value *float64 `json:"value"`
	Lo    *float64 `json:"lo"`
	Hi    *float64 `json:"hi"`
}

func estimate(value, lo, hi float64) Estimate {
	if math.IsNaN(value) {
		return Estimate{}
	}
	e := Estimate{Value: interval.Rounded(value)}
	if !math.IsNaN(lo) && !math.IsNaN(hi) {
		e.Lo, e.Hi = interval.Rounded(min(lo, value)), interval.Rounded(max(hi, value))
	}
	return e
}
