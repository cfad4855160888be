package algebra

import (
	"math"
	"math/big"
	"slices"
	"strconv"
)

func ratPower(base *big.Rat, n int64) (*big.Rat, error) {
	if n == 0 {
		return big.NewRat(1, 1), nil
	}
	if base.Sign() == 0 {
		if n < 0 {
			return nil, errUndefined
		}
		return new(big.Rat), nil
	}
	m := max(n, -n)
	bits := int64(max(base.Num().BitLen(), base.Denom().BitLen()))
	if bits > 1 && (m > maxBits || (bits-1)*m > maxBits) {
		return nil, errTooLarge
	}
	if bits == 1 { // one or minus one
		m &= 1
	}
	num := new(big.Int).Exp(base.Num(), big.NewInt(m), nil)
	den := new(big.Int).Exp(base.Denom(), big.NewInt(m), nil)
	if n < 0 {
		num, den = den, num
	}
	return new(big.Rat).SetFrac(num, den), nil
}

func (c *canonicalizer) power(base, exponent rational) (rational, error) {
	if n, ok := exponent.num.constant(); ok && n.exact == nil { // a float
		if n.float != math.Trunc(n.float) || math.Abs(n.float) > maxExponent || n.float > -2 && (n.float > -1 || len(base.num) > 1) {
			return c.floatPower(base, n.float)
		}
		exponent = constant(new(big.Rat).SetInt64(int64(n.float)))
	}
	r, ok := exponent.rational()
	if !ok {
		return c.symbolicPower(base, exponent)
	}
	if scaled, largest, ok := c.withoutLargestFloat(base); ok && new(big.Rat).Abs(r).Cmp(one) != 0 {
		e, _ := r.Float64()
		factor := coefficient{float: math.Pow(largest, e)}
		if r.IsInt() && r.Num().IsInt64() && r.Num().Int64() < maxExpanded {
			factor.float = roundedPower(largest, int(r.Num().Int64()))
		}
		if !factor.withinLimits() {
			return rational{}, errTooLarge
		}
		rest, err := c.rationalPower(scaled, r)
		if err != nil {
			return rational{}, err
		}
		return c.times(rational{constantPolynomial(factor), onePolynomial}, rest)
	}
	return c.rationalPower(base, r)
}

// withoutLargestFloat divides a sum with floats and symbols by its largest
// coefficient, as sympy does before it raises such a sum to a power: the
// roundings of that division stay in the result. It is not ok for other bases.
func (c *canonicalizer) withoutLargestFloat(base rational) (out rational, largest float64, ok bool) {
	if len(base.num) < 2 || len(base.den) != 1 || len(base.den[0].factors) > 0 || !base.den[0].coefficient.isOne() {
		return rational{}, 0, false
	}
	hasFloat, hasSymbol := false, false
	for _, t := range base.num {
		hasFloat = hasFloat || t.coefficient.exact == nil
		largest = max(largest, math.Abs(t.coefficient.value()))
		for _, f := range t.factors {
			hasSymbol = hasSymbol || c.atoms[f.atom].kind != piAtom && c.atoms[f.atom].kind != primeAtom && c.atoms[f.atom].kind != signAtom
		}
	}
	if !hasFloat || !hasSymbol || largest == 1 {
		return rational{}, 0, false
	}
	num := slices.Clone(base.num)
	for i, t := range num {
		switch v := t.coefficient.value(); {
		case v == largest:
			num[i].coefficient = intCoefficient(1)
		case v == -largest:
			num[i].coefficient = intCoefficient(-1)
		case t.coefficient.exact == nil:
			num[i].coefficient = coefficient{float: v / largest}
		default:
			num[i].coefficient = coefficient{float: v * (1 / largest)}
		}
	}
	return rational{num, base.den}, largest, true
}

func (c *canonicalizer) rationalPower(base rational, r *big.Rat) (rational, error) {
	if r.IsInt() {
		if !r.Num().IsInt64() || max(r.Num().Int64(), -r.Num().Int64()) > maxExponent {
			if v, ok := base.rational(); ok && (v.Sign() == 0 && r.Sign() > 0 || v.Cmp(one) == 0) {
				return constant(v), nil
			}
			return rational{}, errTooLarge
		}
		return c.integerPower(base, r.Num().Int64())
	}
	f, err := smallFraction(r)
	if err != nil {
		return rational{}, err
	}
	return c.root(base, f)
}

// floatPower raises to a float. As in sympy, a positive number made of rationals
// and roots becomes a float; anything else is a quantity of its own, and x**2.0
// is not x**2. In denominators simplification makes the exponent exact: 1/x**2.0
// is x**-2 (see settle).
func (c *canonicalizer) floatPower(base rational, e float64) (rational, error) {
	if len(base.num) == 0 {
		if e < 0 {
			return rational{}, errUndefined
		}
		return rational{nil, onePolynomial}, nil
	}
	ownQuantity := func() (rational, error) {
		key := "float" + strconv.FormatFloat(e, 'g', -1, 64) + c.key(base)
		return c.single(c.atom(key, atom{kind: floatPowerAtom, exponent: e, radicand: base}), fraction{1, 1})
	}
	den, ok := base.den.constant()
	if len(base.num) > 1 || !ok {
		return ownQuantity()
	}
	t := base.num[0]
	value := t.coefficient.value() / den.value()
	isNumber := value > 0
	for _, f := range t.factors {
		a := c.atoms[f.atom]
		isNumber = isNumber && a.kind == primeAtom
		value *= math.Pow(float64(a.prime), float64(f.exponent.num)/float64(f.exponent.den))
	}
	if value < 0 && len(t.factors) == 0 && e == math.Trunc(e) {
		isNumber = true
	}
	if !isNumber {
		return ownQuantity()
	}
	v := coefficient{float: math.Pow(value, e)}
	if !v.withinLimits() {
		return rational{}, errTooLarge
	}
	return rational{constantPolynomial(v), onePolynomial}, nil
}

func (c *canonicalizer) integerPower(base rational, n int64) (rational, error) {
	switch {
	case n == 0:
		return constant(one), nil
	case n < 0:
		if len(base.num) == 0 {
			return rational{}, errUndefined
		}
		inverse, err := c.reduced(base.den, base.num)
		if err != nil {
			return rational{}, err
		}
		return c.integerPower(inverse, -n)
	}
	num, err := c.polynomialPower(base.num, n)
	if err != nil {
		return rational{}, err
	}
	den, err := c.polynomialPower(base.den, n)
	return rational{num, den}, err
}

func (c *canonicalizer) polynomialPower(p polynomial, n int64) (polynomial, error) {
	if len(p) <= 1 {
		if len(p) == 0 {
			return nil, nil
		}
		t, err := c.termPower(p[0], fraction{int32(n), 1})
		if err != nil {
			return nil, err
		}
		return polynomial{t}, nil
	}
	if n > maxExpanded {
		return nil, errTooLarge
	}
	out := onePolynomial
	var err error
	for bit := int64(1) << 62; bit > 0; bit >>= 1 {
		if len(out) != 1 || len(out[0].factors) > 0 || bit <= n {
			if out, err = c.multiply(out, out); err != nil {
				return nil, err
			}
		}
		if n&bit != 0 {
			if out, err = c.multiply(out, p); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// termPower raises a term to an integer, or a term with coefficient one to a
// fraction.
func (c *canonicalizer) termPower(t term, e fraction) (term, error) {
	coef := t.coefficient
	switch {
	case coef.isOne():
	case coef.exact != nil:
		v, err := ratPower(coef.exact, int64(e.num))
		if err != nil {
			return term{}, err
		}
		coef = exactCoefficient(v)
	default:
		coef = coefficient{float: roundedPower(coef.float, int(e.num))}
	}
	factors := slices.Clone(t.factors)
	for i := range factors {
		f, err := factors[i].exponent.times(e)
		if err != nil {
			return term{}, err
		}
		factors[i].exponent = f
	}
	return c.term(coef, factors)
}

// roundedPower is x**n, rounded once as mpmath does.
func roundedPower(x float64, n int) float64 {
	if n < 0 || n > maxExpanded || math.IsInf(x, 0) || math.IsNaN(x) {
		return math.Pow(x, float64(n))
	}
	f := new(big.Float).SetPrec(0).SetInt64(1)
	base := new(big.Float).SetFloat64(x)
	for range n {
		f.SetPrec(f.Prec() + 64)
		f.Mul(f, base)
	}
	out, _ := f.Float64()
	return out
}

// positive reports whether an atom is a positive number, so that powers of it
// to real exponents multiply.
func (c *canonicalizer) positive(f factor) bool {
	switch a := c.atoms[f.atom]; a.kind {
	case piAtom, primeAtom:
		return true
	case raisedAtom:
		return a.name == eConstant
	}
	return false
}

// symbolicPower raises to an exponent with atoms in it.
func (c *canonicalizer) symbolicPower(base, exponent rational) (rational, error) {
	if v, ok := base.rational(); ok {
		switch {
		case v.Sign() == 0:
			return c.single(c.atom("^0"+c.key(exponent), atom{kind: raisedAtom, name: "0"}), fraction{1, 1})
		case v.Sign() > 0:
			return c.numberRaised(v, exponent)
		}
	}
	if len(base.num) == 1 && len(base.den) == 1 && len(base.num[0].factors) == 1 && base.num[0].coefficient.isOne() {
		f := base.num[0].factors[0]
		if a := c.atoms[f.atom]; a.kind == raisedAtom && a.name == eConstant && f.exponent == (fraction{1, 1}) {
			return c.raise("e", exponent)
		}
	}
	return c.raise("b"+c.key(base), exponent, base)
}

func (c *canonicalizer) numberRaised(v *big.Rat, exponent rational) (rational, error) {
	out := constant(one)
	for i, n := range []*big.Int{v.Num(), v.Denom()} {
		primes, err := c.factorize(n)
		if err != nil {
			return rational{}, err
		}
		for _, p := range primes {
			e := exponent
			count := int64(p.count)
			if i == 1 {
				count = -count
			}
			if e.num, err = e.num.scale(intCoefficient(count)); err != nil {
				return rational{}, err
			}
			part, err := c.raise("p"+strconv.FormatInt(p.prime, 10), e, constant(big.NewRat(p.prime, 1)))
			if err != nil {
				return rational{}, err
			}
			if out, err = c.times(out, part); err != nil {
				return rational{}, err
			}
		}
	}
	return out, nil
}

// raise makes base**exponent, where base is named by a key: "e", or the base
// itself is given. The exponent's terms become atoms base**term, to the power of
// the terms' coefficients, so that exp(x)**2 and exp(2*x) are the same.
func (c *canonicalizer) raise(name string, exponent rational, base ...rational) (rational, error) {
	out := constant(one)
	terms := exponent.num
	if len(exponent.den) != 1 || len(exponent.den[0].factors) > 0 {
		s, err := c.single(c.atom("^"+name+c.key(exponent), atom{kind: raisedAtom, name: name}), fraction{1, 1})
		return s, err
	}
	scale := exponent.den[0].coefficient.inverse()
	if n, ok := terms.constant(); ok && n.exact == nil && name == "e" {
		if v, ok := floatCall("exp", n.times(scale).value()); ok {
			return rational{constantPolynomial(coefficient{float: v}), onePolynomial}, nil
		}
	}
	for _, t := range terms {
		k := t.coefficient.times(scale)
		if k.exact == nil {
			return rational{}, errTooLarge
		}
		f, err := smallFraction(k.exact)
		if err != nil {
			return rational{}, err
		}
		var part rational
		switch {
		case len(t.factors) == 0 && len(base) > 0:
			part, err = c.power(base[0], constant(k.exact))
		case len(t.factors) == 0:
			part, err = c.single(c.atom("^"+eConstant, atom{kind: raisedAtom, name: eConstant}), f)
		case name == "e" && c.isImaginaryPi(t.factors):
			part, err = c.single(c.sign(), f)
		default:
			part, err = c.single(c.atom("^"+name+"@"+t.key, atom{kind: raisedAtom, name: name}), f)
		}
		if err != nil {
			return rational{}, err
		}
		if out, err = c.times(out, part); err != nil {
			return rational{}, err
		}
	}
	return out, nil
}

// isImaginaryPi reports whether a product is I*pi, whose exponential is -1.
func (c *canonicalizer) isImaginaryPi(factors []factor) bool {
	if len(factors) != 2 {
		return false
	}
	var i, pi bool
	for _, f := range factors {
		switch c.atoms[f.atom].kind {
		case signAtom:
			i = f.exponent == fraction{1, 2}
		case piAtom:
			pi = f.exponent == fraction{1, 1}
		}
	}
	return i && pi
}
