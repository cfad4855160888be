package algebra

import (
	"math"
	"math/big"
)

// coefficient is a number in front of a monomial. As in sympy, a decimal is a
// binary float, whatever it touches becomes one, and the roundings of its
// arithmetic count: 7/5.0 is not 7/5.
type coefficient struct {
	exact *big.Rat // nil for a float
	float float64
}

func exactCoefficient(r *big.Rat) coefficient { return coefficient{exact: r} }
func intCoefficient(n int64) coefficient      { return coefficient{exact: big.NewRat(n, 1)} }

func (c coefficient) value() float64 {
	if c.exact == nil {
		return c.float
	}
	f, _ := c.exact.Float64()
	return f
}

func (c coefficient) isZero() bool {
	if c.exact == nil {
		return c.float == 0
	}
	return c.exact.Sign() == 0
}

func (c coefficient) isOne() bool { return c.exact != nil && c.exact.Cmp(one) == 0 }

func (c coefficient) negate() coefficient {
	if c.exact == nil {
		return coefficient{float: -c.float}
	}
	return coefficient{exact: new(big.Rat).Neg(c.exact)}
}

func (c coefficient) plus(d coefficient) coefficient {
	if c.exact != nil && d.exact != nil {
		return coefficient{exact: new(big.Rat).Add(c.exact, d.exact)}
	}
	return coefficient{float: c.value() + d.value()}
}

func (c coefficient) times(d coefficient) coefficient {
	if c.exact != nil && d.exact != nil {
		if c.isOne() {
			return d
		}
		if d.isOne() {
			return c
		}
		return coefficient{exact: new(big.Rat).Mul(c.exact, d.exact)}
	}
	if c.exact != nil && c.exact.Sign() == 0 || d.exact != nil && d.exact.Sign() == 0 {
		return intCoefficient(0)
	}
	return coefficient{float: c.value() * d.value()}
}

// inverse must not be called on zero.
func (c coefficient) inverse() coefficient {
	if c.exact == nil {
		return coefficient{float: 1 / c.float}
	}
	return coefficient{exact: new(big.Rat).Inv(c.exact)}
}

// withinLimits reports whether the coefficient is finite and not too long.
func (c coefficient) withinLimits() bool {
	if c.exact == nil {
		return !math.IsInf(c.float, 0) && !math.IsNaN(c.float)
	}
	return c.exact.Num().BitLen() <= maxBits && c.exact.Denom().BitLen() <= maxBits
}
