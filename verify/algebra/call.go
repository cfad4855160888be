package algebra

import (
	"math"
	"math/big"
)

// call makes the value of a function.
func (c *canonicalizer) call(name string, arg rational) (rational, error) {
	if n, ok := arg.num.constant(); ok && n.exact == nil {
		if out, ok := floatCall(name, n.float); ok {
			return rational{constantPolynomial(coefficient{float: out}), onePolynomial}, nil
		}
	}
	v, isNumber := arg.rational()
	switch name {
	case "sqrt":
		return c.power(arg, constant(half))
	case "cbrt":
		return c.power(arg, constant(third))
	case "exp":
		return c.raise("e", arg)
	case "factorial":
		if isNumber && v.IsInt() && v.Sign() >= 0 {
			if !v.Num().IsInt64() || v.Num().Int64() > 500 {
				return rational{}, errTooLarge
			}
			return constant(new(big.Rat).SetInt(new(big.Int).MulRange(1, v.Num().Int64()))), nil
		}
	case "ln":
		return c.call("log", arg)
	case "log":
		if isNumber && v.Sign() > 0 {
			return c.logOfNumber(v)
		}
		if isNumber && v.Sign() == 0 {
			return rational{}, errUndefined
		}
		if len(arg.num) == 1 && arg.num[0].coefficient.isOne() && len(arg.num[0].factors) == 1 && len(arg.den) == 1 {
			f := arg.num[0].factors[0]
			if a := c.atoms[f.atom]; a.kind == raisedAtom && a.name == eConstant {
				return constant(f.exponent.rat()), nil
			}
			if a := c.atoms[f.atom]; a.kind == primeAtom {
				logarithm, err := c.logOfNumber(big.NewRat(a.prime, 1))
				if err != nil {
					return rational{}, err
				}
				return c.times(constant(f.exponent.rat()), logarithm)
			}
		}
	case "sin", "tan", "asin", "atan", "sinh", "tanh", "cot", "csc", "coth", "asinh", "atanh":
		if isNumber && v.Sign() == 0 && name != "cot" && name != "csc" && name != "coth" {
			return rational{nil, onePolynomial}, nil
		}
		if leadsNegative(arg) { // odd functions
			arg.num = arg.num.negate()
			s, err := c.callAtom(name, arg)
			s.num = s.num.negate()
			return s, err
		}
	case "cos", "cosh", "sec", "Abs":
		if leadsNegative(arg) {
			arg.num = arg.num.negate()
		}
		if isNumber && name == "Abs" {
			return constant(new(big.Rat).Abs(v)), nil
		}
		if isNumber && v.Sign() == 0 {
			return constant(one), nil
		}
	}
	return c.callAtom(name, arg)
}

// floatCall evaluates a function of a float, as sympy does at once.
func floatCall(name string, x float64) (float64, bool) {
	var y float64
	switch name {
	case "exp":
		y = math.Exp(x)
	case "ln", "log":
		y = math.Log(x)
	case "sin":
		y = math.Sin(x)
	case "cos":
		y = math.Cos(x)
	case "tan":
		y = math.Tan(x)
	case "asin":
		y = math.Asin(x)
	case "acos":
		y = math.Acos(x)
	case "atan":
		y = math.Atan(x)
	case "sinh":
		y = math.Sinh(x)
	case "cosh":
		y = math.Cosh(x)
	case "tanh":
		y = math.Tanh(x)
	case "Abs":
		y = math.Abs(x)
	default:
		return 0, false
	}
	return y, !math.IsNaN(y) && !math.IsInf(y, 0)
}

func leadsNegative(q rational) bool {
	return len(q.num) > 0 && q.num[0].coefficient.value() < 0
}

func (c *canonicalizer) callAtom(name string, arg rational) (rational, error) {
	return c.single(c.atom("f"+name+"("+c.key(arg), atom{kind: callAtom, name: name}), fraction{1, 1})
}

// logOfNumber is a sum of logarithms of primes.
func (c *canonicalizer) logOfNumber(v *big.Rat) (rational, error) {
	out := rational{nil, onePolynomial}
	for i, n := range []*big.Int{v.Num(), v.Denom()} {
		primes, err := c.factorize(n)
		if err != nil {
			return rational{}, err
		}
		for _, p := range primes {
			logarithm, err := c.callAtom("log", constant(big.NewRat(p.prime, 1)))
			if err != nil {
				return rational{}, err
			}
			count := int64(p.count)
			if i == 1 {
				count = -count
			}
			if logarithm.num, err = logarithm.num.scale(intCoefficient(count)); err != nil {
				return rational{}, err
			}
			if out, err = c.plus(out, logarithm); err != nil {
				return rational{}, err
			}
		}
	}
	return out, nil
}
