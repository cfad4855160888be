package algebra

import (
	"math"
	"math/big"
)

// Elementary functions of real numbers with about 90 correct digits. Their
// arguments are exact; their results are within 2**-elementaryBits of the
// right value, relative to it (absolute for sine and cosine).
const (
	workingBits    = 320
	elementaryBits = 250

	piDigits  = "3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679821480865132823"
	ln2Digits = "0.69314718055994530941723212145817656807550013436025525412068000949339362196969471560586332699641868754200148102057069"
)

func newReal() *big.Float { return new(big.Float).SetPrec(workingBits) }

func realConstant(digits string) *big.Float {
	f, _, err := big.ParseFloat(digits, 10, workingBits+32, big.ToNearestEven)
	if err != nil {
		panic(err) // the digits are constants of this file
	}
	return f
}

// reals holds the constants, which cost more to read than to use.
type reals struct{ pi, ln2 *big.Float }

func newReals() reals { return reals{realConstant(piDigits), realConstant(ln2Digits)} }

// nearestMultiple returns the integer nearest to x/unit.
func nearestMultiple(x, unit *big.Float) *big.Int {
	q := newReal().Quo(x, unit)
	if q.Signbit() {
		q.Sub(q, big.NewFloat(0.5))
	} else {
		q.Add(q, big.NewFloat(0.5))
	}
	n, _ := q.Int(nil)
	return n
}

func tiny(term *big.Float) bool {
	return term.Sign() == 0 || term.MantExp(nil) < -workingBits
}

// exp is not ok for arguments of 2**16 and more.
func (c reals) exp(x *big.Float) (*big.Float, bool) {
	if x.Sign() == 0 {
		return newReal().SetInt64(1), true
	}
	if x.MantExp(nil) > 16 {
		return nil, false
	}
	k := nearestMultiple(x, c.ln2)
	r := newReal().Sub(x, newReal().Mul(newReal().SetInt(k), c.ln2))
	const halvings = 8
	r.SetMantExp(r, -halvings)
	out, term := newReal().SetInt64(1), newReal().SetInt64(1)
	for n := int64(1); !tiny(term); n++ {
		term.Mul(term, r)
		term.Quo(term, newReal().SetInt64(n))
		out.Add(out, term)
	}
	for range halvings {
		out.Mul(out, out)
	}
	return out.SetMantExp(out, int(k.Int64())), true
}

// log returns the logarithm of a positive number.
func (c reals) log(x *big.Float) (*big.Float, bool) {
	m := newReal()
	e := x.MantExp(m)
	start, _ := m.Float64()
	y := newReal().SetFloat64(math.Log(start))
	inverse, ok := c.exp(newReal().Neg(y))
	if !ok {
		return nil, false
	}
	w := newReal().Mul(m, inverse) // nearly one, so the series is short
	w.Sub(w, newReal().SetInt64(1))
	term := newReal().Set(w)
	for n := int64(1); !tiny(term); n++ {
		y.Add(y, newReal().Quo(term, newReal().SetInt64(n)))
		term.Mul(term, w)
		term.Neg(term)
	}
	return y.Add(y, newReal().Mul(newReal().SetInt64(int64(e)), c.ln2)), true
}

func (c reals) sinCos(x *big.Float) (sin, cos *big.Float, ok bool) {
	if x.Sign() != 0 && x.MantExp(nil) > 40 {
		return nil, nil, false
	}
	quarter := newReal().SetMantExp(c.pi, -1)
	k := nearestMultiple(x, quarter)
	r := newReal().Sub(x, newReal().Mul(newReal().SetInt(k), quarter))
	square := newReal().Mul(r, r)
	square.Neg(square)
	series := func(term *big.Float, n int64) *big.Float {
		out := newReal().Set(term)
		for ; !tiny(term); n += 2 {
			term.Mul(term, square)
			term.Quo(term, newReal().SetInt64(n*(n+1)))
			out.Add(out, term)
		}
		return out
	}
	sin = series(newReal().Set(r), 2)
	cos = series(newReal().SetInt64(1), 1)
	switch new(big.Int).And(k, big.NewInt(3)).Int64() {
	case 1:
		sin, cos = cos, sin.Neg(sin)
	case 2:
		sin.Neg(sin)
		cos.Neg(cos)
	case 3:
		sin, cos = cos.Neg(cos), sin
	}
	return sin, cos, true
}

// angle returns the argument of re+im*i, in (-pi, pi]. Not both may be zero.
func (c reals) angle(re, im *big.Float) (*big.Float, bool) {
	scale := -1 << 30
	for _, f := range []*big.Float{re, im} {
		if f.Sign() != 0 {
			scale = max(scale, f.MantExp(nil))
		}
	}
	x, y := newReal().SetMantExp(re, -scale), newReal().SetMantExp(im, -scale)
	fx, _ := x.Float64()
	fy, _ := y.Float64()
	if fy == 0 {
		fy = 0 // no negative zero, whose angle would be -pi
	}
	out := newReal().SetFloat64(math.Atan2(fy, fx))
	sin, cos, ok := c.sinCos(out)
	if !ok {
		return nil, false
	}
	num := newReal().Sub(newReal().Mul(y, cos), newReal().Mul(x, sin))
	den := newReal().Add(newReal().Mul(x, cos), newReal().Mul(y, sin))
	t := num.Quo(num, den) // the tangent of the rest, below 1e-15
	square := newReal().Mul(t, t)
	square.Neg(square)
	term := newReal().Set(t)
	for n := int64(1); !tiny(term); n += 2 {
		out.Add(out, newReal().Quo(term, newReal().SetInt64(n)))
		term.Mul(term, square)
	}
	return out, true
}
