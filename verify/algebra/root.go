package algebra

import (
	"math"
	"math/big"
)

// root raises to a fraction that is no integer. Positive numbers are taken out
// of the base, as sympy does; what stays is one atom.
func (c *canonicalizer) root(base rational, e fraction) (rational, error) {
	if len(base.num) == 0 {
		if e.num < 0 {
			return rational{}, errUndefined
		}
		return rational{nil, onePolynomial}, nil
	}
	content, rest, err := c.splitContent(base)
	if err != nil {
		return rational{}, err
	}
	out, err := c.contentRoot(content, e)
	if err != nil {
		return rational{}, err
	}
	if len(rest.num) == 1 && len(rest.den) == 1 && len(rest.den[0].factors) == 0 {
		t := rest.num[0]
		if t.coefficient.exact == nil && t.coefficient.float > 0 {
			v := coefficient{float: math.Pow(t.coefficient.float, float64(e.num)/float64(e.den))}
			if e == (fraction{1, 2}) {
				v.float = math.Sqrt(t.coefficient.float)
			}
			if !v.withinLimits() {
				return rational{}, errTooLarge
			}
			out = rational{constantPolynomial(v), onePolynomial}
			t.coefficient = intCoefficient(1)
		}
		var outside, inside []factor
		for _, f := range t.factors {
			if c.positive(f) {
				scaled, err := f.exponent.times(e)
				if err != nil {
					return rational{}, err
				}
				outside = append(outside, factor{f.atom, scaled})
				continue
			}
			inside = append(inside, f)
		}
		if len(outside) > 0 {
			pulled, err := c.term(intCoefficient(1), outside)
			if err != nil {
				return rational{}, err
			}
			if out, err = c.times(out, rational{polynomial{pulled}, onePolynomial}); err != nil {
				return rational{}, err
			}
		}
		negative := t.coefficient.value() < 0
		switch {
		case len(inside) == 0 && !negative:
			return out, nil
		case len(inside) == 0:
			s, err := c.single(c.sign(), e)
			if err != nil {
				return rational{}, err
			}
			return c.times(out, s)
		case len(inside) == 1 && !negative && insideUnit(inside[0].exponent):
			scaled, err := inside[0].exponent.times(e)
			if err != nil {
				return rational{}, err
			}
			s, err := c.single(inside[0].atom, scaled)
			if err != nil {
				return rational{}, err
			}
			return c.times(out, s)
		}
		kept, err := c.term(t.coefficient, inside)
		if err != nil {
			return rational{}, err
		}
		rest = rational{polynomial{kept}, onePolynomial}
	}
	s, err := c.single(c.atom("r"+c.key(rest), atom{kind: radicandAtom, radicand: rest}), e)
	if err != nil {
		return rational{}, err
	}
	return c.times(out, s)
}

// insideUnit reports whether -1 < e <= 1: then (x**e)**f is x**(e*f).
func insideUnit(e fraction) bool { return e.num <= e.den && e.num > -e.den }

// splitContent returns the positive rational content of a quotient, and the
// quotient without it; coefficients become integers without a common factor.
func (c *canonicalizer) splitContent(q rational) (*big.Rat, rational, error) {
	content := big.NewRat(1, 1)
	out := q
	for i, p := range []*polynomial{&out.num, &out.den} {
		g := new(big.Rat)
		for _, t := range *p {
			if t.coefficient.exact == nil {
				return content, q, nil
			}
			g = ratGCD(g, t.coefficient.exact)
		}
		scaled, err := p.scale(exactCoefficient(new(big.Rat).Inv(g)))
		if err != nil {
			return nil, rational{}, err
		}
		*p = scaled
		if i == 0 {
			content.Set(g)
		} else {
			content.Quo(content, g)
		}
	}
	return content, out, nil
}

// ratGCD returns the largest rational of which a and b are integer multiples.
func ratGCD(a, b *big.Rat) *big.Rat {
	abs := new(big.Rat).Abs(b)
	if a.Sign() == 0 {
		return abs
	}
	x := new(big.Int).Mul(a.Num(), b.Denom())
	y := new(big.Int).Mul(abs.Num(), a.Denom())
	return new(big.Rat).SetFrac(new(big.Int).GCD(nil, nil, x, y), new(big.Int).Mul(a.Denom(), b.Denom()))
}

// contentRoot raises a positive rational to a fraction, as a product of primes
// to fractions.
func (c *canonicalizer) contentRoot(r *big.Rat, e fraction) (rational, error) {
	var factors []factor
	coef := intCoefficient(1)
	for i, n := range []*big.Int{r.Num(), r.Denom()} {
		primes, err := c.factorize(n)
		if err != nil {
			return rational{}, err
		}
		for _, p := range primes {
			count := int32(p.count)
			if i == 1 {
				count = -count
			}
			f, err := e.times(fraction{count, 1})
			if err != nil {
				return rational{}, err
			}
			factors = append(factors, factor{c.primeNumber(p.prime), f})
		}
	}
	t, err := c.term(coef, factors)
	return rational{polynomial{t}, onePolynomial}, err
}

type primePower struct {
	prime int64
	count int
}

const (
	maxTrialDivisor = 2000
	maxFactored     = 512 // bits
)

// factorize factors by trial division. What has no factor up to the limit is a
// prime if it is below the limit's square; beyond that the engine gives up.
func (c *canonicalizer) factorize(n *big.Int) ([]primePower, error) {
	if n.IsInt64() && n.Int64() == 1 {
		return nil, nil
	}
	if err := c.effort.spend(1 + n.BitLen()/2); err != nil {
		return nil, err
	}
	if n.BitLen() > maxFactored {
		return nil, errTooLarge
	}
	var out []primePower
	n = new(big.Int).Set(n)
	rest := new(big.Int)
	quotient := new(big.Int)
	divisor := new(big.Int)
	for d := int64(2); d <= maxTrialDivisor; d++ {
		if n.IsInt64() && n.Int64() < d*d {
			break
		}
		divisor.SetInt64(d)
		count := 0
		for {
			quotient.QuoRem(n, divisor, rest)
			if rest.Sign() != 0 {
				break
			}
			n.Set(quotient)
			count++
		}
		if count > 0 {
			out = append(out, primePower{d, count})
		}
	}
	if n.IsInt64() && n.Int64() == 1 {
		return out, nil
	}
	if !n.IsInt64() || n.Int64() >= maxTrialDivisor*maxTrialDivisor {
		return nil, errTooLarge
	}
	return append(out, primePower{n.Int64(), 1}), nil
}
