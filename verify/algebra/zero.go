package algebra

import (
	"errors"
	"hash/fnv"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
)

// Outcome is what is known about an equality.
type Outcome uint8

// The outcomes. The zero value is Unknown.
const (
	Unknown Outcome = iota
	Equal
	Different
)

// Difference returns a-b.
func Difference(a, b *Expr) *Expr { return sum(a, negative(b)) }

// Effort is what a decision may cost, in units of about a microsecond. A
// decision takes what it needs out of it, and is Unknown when there is none left.
type Effort int

// DefaultEffort is what one decision may cost. It decides all formulas that
// people write as answers.
const DefaultEffort = 10_000

func (e *Effort) spend(units int) error {
	if *e -= Effort(units); *e < 0 {
		return errTooLarge
	}
	return nil
}

// Zero says whether an expression is zero wherever it has a value.
//
// Equal means that the canonical form is zero, or that at each of eight random
// points the value is below 2**-100, and below 2**-100 of the size of its parts,
// error bounds included. Different means that the canonical form, in quantities that have
// no relation among them, is not zero; or that the value at one of the points
// is proven not to be zero. With decimals, which are rounded as sympy rounds
// them, only a canonical form of zero is Equal.
//
// Several decisions may share an effort.
func Zero(e *Expr, effort *Effort) Outcome {
	first := *effort / 2 // the rest is for the evaluation
	*effort -= first
	c := canonicalizer{effort: &first}
	q, err := c.quotient(e)
	if err == nil {
		q.num, err = c.settle(q.num)
	}
	*effort += max(first, 0)
	switch {
	case errors.Is(err, errUndefined):
		return Unknown
	case err == nil && len(q.num) == 0:
		return Equal
	case err == nil && c.independent(q.num) && !e.hasFloats():
		return Different
	}
	return zeroAtPoints(e, effort)
}

// settle multiplies the roots in a numerator out: afterwards each has an
// exponent in [0,1). The numerator is zero if and only if it was before.
func (c *canonicalizer) settle(p polynomial) (polynomial, error) {
	for range 16 {
		atom := int32(-1)
		for _, t := range p {
			for _, f := range t.factors {
				switch a := c.atoms[f.atom]; a.kind {
				case radicandAtom:
					if f.exponent.floor() != 0 {
						atom = max(atom, f.atom)
					}
				case floatPowerAtom:
					if f.exponent.num < 0 && f.exponent.den == 1 && a.exponent == math.Trunc(a.exponent) {
						atom = max(atom, f.atom)
					}
				}
			}
		}
		if atom < 0 {
			return p, nil
		}
		var err error
		if p, err = c.settleAtom(p, atom); err != nil {
			return nil, err
		}
	}
	return nil, errTooLarge
}

func (c *canonicalizer) settleAtom(p polynomial, atom int32) (polynomial, error) {
	radicand := c.atoms[atom].radicand
	scale := int32(1) // of the exponent
	if a := c.atoms[atom]; a.kind == floatPowerAtom {
		if math.Abs(a.exponent) > maxExponent {
			return nil, errTooLarge
		}
		scale = int32(a.exponent)
	}
	lowest := int32(0)
	exponentOf := func(t term) fraction {
		for _, f := range t.factors {
			if f.atom == atom {
				return f.exponent
			}
		}
		return fraction{0, 1}
	}
	for _, t := range p {
		lowest = min(lowest, exponentOf(t).floor())
	}
	out := rational{nil, onePolynomial}
	for _, t := range p {
		e := exponentOf(t)
		n := e.floor()
		factors := slices.DeleteFunc(slices.Clone(t.factors), func(f factor) bool { return f.atom == atom })
		if e.num -= n * e.den; e.num != 0 {
			factors = append(factors, factor{atom, e})
		}
		kept, err := c.term(t.coefficient, factors)
		if err != nil {
			return nil, err
		}
		part := rational{polynomial{kept}, onePolynomial}
		raised, err := c.integerPower(radicand, int64(n-lowest)*int64(scale))
		if err != nil {
			return nil, err
		}
		if part, err = c.times(part, raised); err != nil {
			return nil, err
		}
		if out, err = c.plus(out, part); err != nil {
			return nil, err
		}
	}
	return out.num, nil
}

// independent reports whether no algebraic relation holds among the atoms of a
// polynomial beyond those that the canonical form applies: symbols, pi, roots
// of primes (Besicovitch 1940) and I.
func (c *canonicalizer) independent(p polynomial) bool {
	for _, t := range p {
		for _, f := range t.factors {
			switch c.atoms[f.atom].kind {
			case symbolAtom, piAtom, primeAtom:
			case signAtom:
				if f.exponent != (fraction{1, 2}) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

const (
	points      = 8
	zeroBits    = 100 // a value below 2**-zeroBits, also of its parts, counts as zero
	pointDigits = 1 << 12
)

// randomPoint returns the value of a symbol at one of the points: a complex
// number of absolute value near one, in any quadrant; at the second and third
// point just above or below the negative real line, where products leave the
// principal branch of roots and logarithms. It depends on nothing but the name
// and the number of the point.
func randomPoint(name string, number int) ball {
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), uint64(number)))
	part := func() *big.Float {
		x := newReal().SetInt64(pointDigits/4 + r.Int64N(pointDigits))
		if r.Int64N(2) == 0 {
			x.Neg(x)
		}
		return x.SetMantExp(x, -12)
	}
	re, im := part(), part()
	if number == 1 || number == 2 {
		re.Abs(re).Neg(re)
		im.Abs(im).SetMantExp(im, -4)
		if number == 2 {
			im.Neg(im)
		}
	}
	return ball{re: re, im: im, radius: upper()}
}

func zeroAtPoints(e *Expr, effort *Effort) Outcome {
	v := evaluator{reals: newReals(), effort: effort}
	n := points
	if !e.hasSymbols() {
		n = 1
	}
	for number := range n {
		v.point = func(name string) ball { return randomPoint(name, number) }
		value, scale, err := v.valueAndScale(e)
		if err != nil {
			return Unknown
		}
		if !value.containsZero() {
			if e.hasFloats() && value.bound().Cmp(upper().SetMantExp(scale, -40)) < 0 {
				return Unknown // within the roundings of the decimals
			}
			return Different
		}
		if scale.Cmp(upper().SetInt64(1)) > 0 {
			scale = upper().SetInt64(1) // beside large parts a small difference still counts
		}
		if value.bound().Cmp(upper().SetMantExp(scale, -zeroBits)) >= 0 {
			return Unknown
		}
	}
	if e.hasFloats() {
		return Unknown
	}
	return Equal
}

// valueAndScale returns a value and the size of the summands it is made of.
func (v *evaluator) valueAndScale(e *Expr) (ball, *big.Float, error) {
	if e.op != opAdd {
		value, err := v.value(e)
		return value, value.boundOrZero(), err
	}
	total := exactBall(new(big.Rat))
	scale := upper()
	for _, arg := range e.args {
		part, s, err := v.valueAndScale(arg)
		if err != nil {
			return ball{}, nil, err
		}
		total = addBalls(total, part)
		scale.Add(scale, s)
	}
	return total, scale, nil
}

func (b ball) boundOrZero() *big.Float {
	if b.re == nil {
		return upper()
	}
	return b.bound()
}
