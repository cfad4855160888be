package algebra

import (
	"errors"
	"math"
	"math/big"
	"math/cmplx"
)

// errNoValue is returned where an expression has no value at a point, or none
// that the arithmetic can bound.
var errNoValue = errors.New("no value")

// Costs in units of Effort.
const (
	elementaryCost = 60
	arithmeticCost = 2
)

// evaluator evaluates expressions in ball arithmetic.
type evaluator struct {
	reals
	effort *Effort
	point  func(symbol string) ball
}

func (v *evaluator) value(e *Expr) (ball, error) {
	if err := v.effort.spend(arithmeticCost); err != nil {
		return ball{}, err
	}
	switch e.op {
	case opExact:
		return exactBall(e.exact), nil
	case opFloat:
		return exactBall(new(big.Rat).SetFloat64(e.float)), nil
	case opSymbol:
		return v.point(e.name), nil
	case opConstant:
		return v.constant(e.name)
	case opAdd, opMultiply:
		out, err := v.value(e.args[0])
		for _, arg := range e.args[1:] {
			if err != nil {
				return ball{}, err
			}
			var next ball
			next, err = v.value(arg)
			if err != nil {
				return ball{}, err
			}
			if e.op == opAdd {
				out = addBalls(out, next)
			} else {
				out = mulBalls(out, next)
			}
			if out.re.IsInf() || out.im.IsInf() || out.radius.IsInf() {
				return ball{}, errNoValue
			}
		}
		return out, err
	case opPower:
		return v.power(e.args[0], e.args[1])
	}
	arg, err := v.value(e.args[0])
	if err != nil {
		return ball{}, err
	}
	return v.call(e.name, e.args[0], arg)
}

func (v *evaluator) constant(name string) (ball, error) {
	switch name {
	case "pi":
		b := ball{re: newReal().Set(v.pi), im: newReal(), radius: upper(), real: true}
		b.widen(b.size(), 0)
		return b, nil
	case "I":
		return ball{re: newReal(), im: newReal().SetInt64(1), radius: upper()}, nil
	}
	return v.exp(exactBall(one))
}

func (v *evaluator) exp(b ball) (ball, error) {
	if err := v.effort.spend(elementaryCost); err != nil {
		return ball{}, err
	}
	out, ok := v.expBall(b)
	if !ok {
		return ball{}, errNoValue
	}
	return out, nil
}

func (v *evaluator) log(b ball) (ball, error) {
	if err := v.effort.spend(elementaryCost); err != nil {
		return ball{}, err
	}
	out, ok := v.logBall(b)
	if !ok {
		return ball{}, errNoValue
	}
	return out, nil
}

func (v *evaluator) invert(b ball) (ball, error) {
	out, ok := b.invert()
	if !ok {
		return ball{}, errNoValue
	}
	return out, nil
}

// smallInteger returns the value of an exponent that is written as an integer.
func smallInteger(e *Expr) (int64, bool) {
	switch {
	case e.op == opExact && e.exact.IsInt() && e.exact.Num().IsInt64():
		return e.exact.Num().Int64(), true
	case e.op == opFloat && e.float == math.Trunc(e.float) && math.Abs(e.float) < 1<<20:
		return int64(e.float), true
	case e.op == opMultiply && len(e.args) == 2 && e.args[0].op == opExact && e.args[0].exact.Cmp(minusOne) == 0:
		n, ok := smallInteger(e.args[1])
		return -n, ok
	}
	return 0, false
}

func (v *evaluator) power(base, exponent *Expr) (ball, error) {
	b, err := v.value(base)
	if err != nil {
		return ball{}, err
	}
	if n, ok := smallInteger(exponent); ok && n < 1<<20 && n > -1<<20 {
		return v.integerPower(b, n)
	}
	if b.isExactZero() {
		return b, nil // its exponent is positive, or the original has no value either
	}
	e, err := v.value(exponent)
	if err != nil {
		return ball{}, err
	}
	if base.op == opConstant && base.name == "E" {
		return v.exp(e)
	}
	l, err := v.log(b)
	if err != nil {
		return ball{}, err
	}
	return v.exp(mulBalls(l, e))
}

func (v *evaluator) integerPower(b ball, n int64) (ball, error) {
	if n < 0 {
		inverse, err := v.invert(b)
		if err != nil {
			return ball{}, err
		}
		return v.integerPower(inverse, -n)
	}
	out := exactBall(one)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			out = mulBalls(out, b)
		}
		if n > 1 {
			b = mulBalls(b, b)
		}
		if b.re.IsInf() || b.im.IsInf() || out.radius.IsInf() || b.radius.IsInf() || out.re.IsInf() || out.im.IsInf() {
			return ball{}, errNoValue
		}
	}
	return out, nil
}

// squareRoot is the principal one.
func (v *evaluator) squareRoot(b ball) (ball, error) {
	if b.isExactZero() {
		return b, nil
	}
	l, err := v.log(b)
	if err != nil {
		return ball{}, err
	}
	return v.exp(mulBalls(l, exactBall(half)))
}

func (v *evaluator) call(name string, argument *Expr, b ball) (ball, error) {
	i := ball{re: newReal(), im: newReal().SetInt64(1), radius: upper()}
	oneBall := exactBall(one)
	switch name {
	case "sqrt":
		return v.squareRoot(b)
	case "cbrt":
		if b.isExactZero() {
			return b, nil
		}
		l, err := v.log(b)
		if err != nil {
			return ball{}, err
		}
		return v.exp(mulBalls(l, exactBall(third)))
	case "exp":
		return v.exp(b)
	case "ln", "log":
		return v.log(b)
	case "sin", "cos", "tan", "cot", "sec", "csc":
		return v.trigonometric(name, b, mulBalls(b, i), b.real)
	case "sinh", "cosh", "tanh", "coth":
		return v.hyperbolic(name, b)
	case "asin", "acos":
		root, err := v.squareRoot(addBalls(oneBall, mulBalls(b, b).negate()))
		if err != nil {
			return ball{}, err
		}
		l, err := v.log(addBalls(mulBalls(i, b), root))
		if err != nil {
			return ball{}, err
		}
		out := mulBalls(i, l).negate()
		if b.real && b.bound().Cmp(oneBall.re) < 0 {
			out.im, out.real = newReal(), true
		}
		if name == "acos" {
			quarter, _ := v.constant("pi")
			quarter = mulBalls(quarter, exactBall(half))
			out = addBalls(quarter, out.negate())
		}
		return out, nil
	case "atan", "acot":
		if name == "acot" {
			var err error
			if b, err = v.invert(b); err != nil {
				return ball{}, err
			}
		}
		w := mulBalls(i, b)
		l1, err := v.log(addBalls(oneBall, w.negate()))
		if err != nil {
			return ball{}, err
		}
		l2, err := v.log(addBalls(oneBall, w))
		if err != nil {
			return ball{}, err
		}
		out := mulBalls(mulBalls(i, exactBall(half)), addBalls(l1, l2.negate()))
		if b.real {
			out.im, out.real = newReal(), true
		}
		return out, nil
	case "Abs":
		norm := newReal().Add(newReal().Mul(b.re, b.re), newReal().Mul(b.im, b.im))
		out := ball{re: newReal().Sqrt(norm), im: newReal(), radius: b.radius, real: true}
		out.widen(out.size(), 3)
		return out, nil
	case "re":
		return ball{re: b.re, im: newReal(), radius: b.radius, real: true}, nil
	case "im":
		return ball{re: b.im, im: newReal(), radius: b.radius, real: true}, nil
	case "factorial":
		if n, ok := smallInteger(argument); ok && n >= 0 && n <= 500 {
			return exactBall(new(big.Rat).SetInt(new(big.Int).MulRange(1, n))), nil
		}
	}
	return ball{}, errNoValue
}

// halfSumAndDifference returns (e**b + e**-b)/2 and (e**b - e**-b)/2.
func (v *evaluator) halfSumAndDifference(b ball) (plus, minus ball, err error) {
	e, err := v.exp(b)
	if err != nil {
		return ball{}, ball{}, err
	}
	inverse, err := v.invert(e)
	if err != nil {
		return ball{}, ball{}, err
	}
	h := exactBall(half)
	return mulBalls(h, addBalls(e, inverse)), mulBalls(h, addBalls(e, inverse.negate())), nil
}

func (v *evaluator) trigonometric(name string, b, rotated ball, isReal bool) (ball, error) {
	cos, sin, err := v.halfSumAndDifference(rotated)
	if err != nil {
		return ball{}, err
	}
	sin = ball{re: sin.im, im: newReal().Neg(sin.re), radius: sin.radius} // divided by i
	if isReal {
		cos.im, sin.im = newReal(), newReal()
		cos.real, sin.real = true, true
	}
	return v.ratio(name, map[string][2]ball{
		"sin": {sin}, "cos": {cos}, "tan": {sin, cos}, "cot": {cos, sin}, "sec": {exactBall(one), cos}, "csc": {exactBall(one), sin},
	})
}

func (v *evaluator) hyperbolic(name string, b ball) (ball, error) {
	cosh, sinh, err := v.halfSumAndDifference(b)
	if err != nil {
		return ball{}, err
	}
	return v.ratio(name, map[string][2]ball{"sinh": {sinh}, "cosh": {cosh}, "tanh": {sinh, cosh}, "coth": {cosh, sinh}})
}

// ratio returns the quotient of the two balls listed under name, or the first
// if there is one only.
func (v *evaluator) ratio(name string, table map[string][2]ball) (ball, error) {
	pair := table[name]
	if pair[1].re == nil {
		return pair[0], nil
	}
	inverse, err := v.invert(pair[1])
	if err != nil {
		return ball{}, err
	}
	return mulBalls(pair[0], inverse), nil
}

// Value evaluates an expression without symbols in double precision. It is not
// ok if there are symbols or no finite value.
func (e *Expr) Value() (complex128, bool) {
	if e.hasSymbols() {
		return 0, false
	}
	effort := Effort(DefaultEffort)
	v := evaluator{reals: newReals(), effort: &effort}
	b, err := v.value(e)
	if err != nil {
		return 0, false
	}
	re, _ := b.re.Float64()
	im, _ := b.im.Float64()
	z := complex(re, im)
	return z, !cmplx.IsInf(z) && !cmplx.IsNaN(z)
}

func (e *Expr) hasSymbols() bool {
	if e.op == opSymbol {
		return true
	}
	for _, arg := range e.args {
		if arg.hasSymbols() {
			return true
		}
	}
	return false
}

func (e *Expr) hasFloats() bool {
	if e.op == opFloat {
		return true
	}
	for _, arg := range e.args {
		if arg.hasFloats() {
			return true
		}
	}
	return false
}
