package algebra

import "math/big"

// ball is a complex number known to lie within radius of re+im*i. A ball that
// is real lies on the real line, so that a branch cut is met on one side or not
// at all.
type ball struct {
	re, im *big.Float
	radius *big.Float
	real   bool
}

const radiusBits = 32

// upper returns a number for upper bounds: its arithmetic rounds up.
func upper() *big.Float {
	return new(big.Float).SetPrec(radiusBits).SetMode(big.AwayFromZero)
}

func exactBall(r *big.Rat) ball {
	b := ball{re: newReal().SetRat(r), im: newReal(), radius: upper(), real: true}
	if !r.IsInt() || r.Num().BitLen() > workingBits {
		b.widen(b.size(), 0)
	}
	return b
}

// size returns an upper bound of the midpoint's absolute value.
func (b ball) size() *big.Float {
	return upper().Add(upper().Abs(b.re), upper().Abs(b.im))
}

// bound returns an upper bound of the absolute value of every point.
func (b ball) bound() *big.Float { return upper().Add(b.size(), b.radius) }

// least returns a lower bound of the absolute value of every point, or zero.
func (b ball) least() *big.Float {
	largest := newReal().Abs(b.re)
	if im := newReal().Abs(b.im); im.Cmp(largest) > 0 {
		largest = im
	}
	out := new(big.Float).SetPrec(radiusBits).SetMode(big.ToZero).Sub(largest, b.radius)
	if out.Sign() < 0 {
		return new(big.Float)
	}
	return out
}

// widen adds magnitude * 2**-(elementaryBits-slack) to the radius.
func (b *ball) widen(magnitude *big.Float, slack int) {
	e := upper().SetMantExp(magnitude, slack-elementaryBits)
	b.radius = upper().Add(b.radius, e)
}

func addBalls(a, b ball) ball {
	out := ball{re: newReal().Add(a.re, b.re), im: newReal().Add(a.im, b.im), radius: upper().Add(a.radius, b.radius), real: a.real && b.real}
	out.widen(out.size(), 0)
	return out
}

func (b ball) negate() ball {
	return ball{newReal().Neg(b.re), newReal().Neg(b.im), b.radius, b.real}
}

func mulBalls(a, b ball) ball {
	out := ball{
		re:   newReal().Sub(newReal().Mul(a.re, b.re), newReal().Mul(a.im, b.im)),
		im:   newReal().Add(newReal().Mul(a.re, b.im), newReal().Mul(a.im, b.re)),
		real: a.real && b.real,
	}
	r := upper().Mul(a.size(), b.radius)
	r.Add(r, upper().Mul(b.size(), a.radius))
	out.radius = r.Add(r, upper().Mul(a.radius, b.radius))
	out.widen(upper().Mul(a.size(), b.size()), 2)
	return out
}

// invert is not ok if the ball may contain zero.
func (b ball) invert() (ball, bool) {
	least := b.least()
	if least.Sign() <= 0 {
		return ball{}, false
	}
	norm := newReal().Add(newReal().Mul(b.re, b.re), newReal().Mul(b.im, b.im))
	out := ball{re: newReal().Quo(b.re, norm), im: newReal().Quo(b.im, norm), real: b.real}
	out.im.Neg(out.im)
	out.radius = upper().Quo(upper().Quo(b.radius, least), least)
	out.widen(out.size(), 3)
	return out, true
}

// containsZero reports whether zero may be in the ball.
func (b ball) containsZero() bool { return b.least().Sign() <= 0 }

// isExactZero reports whether the ball is the point zero.
func (b ball) isExactZero() bool {
	return b.re.Sign() == 0 && b.im.Sign() == 0 && b.radius.Sign() == 0
}

func (c reals) expBall(b ball) (ball, bool) {
	if b.radius.Sign() != 0 && b.radius.MantExp(nil) > -1 {
		return ball{}, false
	}
	scale, ok := c.exp(b.re)
	if !ok {
		return ball{}, false
	}
	out := ball{re: scale, im: newReal(), real: b.real}
	if b.im.Sign() != 0 {
		sin, cos, ok := c.sinCos(b.im)
		if !ok {
			return ball{}, false
		}
		out.re, out.im = newReal().Mul(scale, cos), newReal().Mul(scale, sin)
	}
	size := upper().Abs(scale)
	out.radius = upper().Mul(upper().SetMantExp(size, 1), b.radius) // e**r - 1 < 2r below 1/2
	out.widen(size, 3)
	return out, true
}

// logBall is the principal logarithm. It is not ok where the ball may contain
// zero or lies on both sides of the cut along the negative numbers.
func (c reals) logBall(b ball) (ball, bool) {
	least := b.least()
	if least.Sign() <= 0 {
		return ball{}, false
	}
	if !b.real && b.re.Sign() < 0 && upper().Abs(b.im).Cmp(b.radius) <= 0 {
		return ball{}, false
	}
	norm := newReal().Add(newReal().Mul(b.re, b.re), newReal().Mul(b.im, b.im))
	re, ok := c.log(norm)
	if !ok {
		return ball{}, false
	}
	re.SetMantExp(re, -1)
	out := ball{re: re, im: newReal(), real: b.real && b.re.Sign() > 0}
	if !out.real {
		if out.im, ok = c.angle(b.re, b.im); !ok {
			return ball{}, false
		}
	}
	out.radius = upper().Quo(upper().SetMantExp(b.radius, 1), least)
	out.widen(upper().Add(out.size(), upper().SetInt64(1)), 3)
	return out, true
}
