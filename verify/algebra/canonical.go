package algebra

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// atomKind says what stands behind an atom, and so which rules it obeys.
type atomKind uint8

const (
	symbolAtom     atomKind = iota // an unknown; any complex number
	piAtom                         // pi
	primeAtom                      // a prime number, only with exponents in (0,1)
	signAtom                       // minus one, only with exponents in (0,1); I is its square root
	radicandAtom                   // a sum or product to a fractional power
	raisedAtom                     // a base to a product with symbols in it, such as e**(x*y)
	floatPowerAtom                 // a base to a power that is a float
	callAtom                       // a function of something
)

type atom struct {
	kind     atomKind
	name     string
	prime    int64
	exponent float64
	radicand rational // or base
}

// eConstant names the atom of Euler's number, of which exp(1) and exp(1/2) are
// powers.
const eConstant = "e itself"

// rational is a quotient of polynomials. The denominator is not zero.
type rational struct{ num, den polynomial }

// canonicalizer brings expressions into the form of a quotient of polynomials
// in atoms. Equal quotients of independent atoms have a difference without
// terms. Atoms are shared by what it has brought into form.
type canonicalizer struct {
	effort *Effort
	atoms  []atom
	ids    map[string]int32
}

var onePolynomial = constantPolynomial(intCoefficient(1))

func (c *canonicalizer) atom(key string, a atom) int32 {
	if id, ok := c.ids[key]; ok {
		return id
	}
	if c.ids == nil {
		c.ids = make(map[string]int32)
	}
	id := int32(len(c.atoms))
	c.atoms = append(c.atoms, a)
	c.ids[key] = id
	return id
}

func (c *canonicalizer) symbol(name string) int32 {
	return c.atom("s"+name, atom{kind: symbolAtom, name: name})
}
func (c *canonicalizer) pi() int32   { return c.atom("pi", atom{kind: piAtom}) }
func (c *canonicalizer) sign() int32 { return c.atom("-1", atom{kind: signAtom}) }
func (c *canonicalizer) primeNumber(p int64) int32 {
	return c.atom("p"+strconv.FormatInt(p, 10), atom{kind: primeAtom, prime: p})
}

func constant(r *big.Rat) rational {
	return rational{constantPolynomial(exactCoefficient(r)), onePolynomial}
}

func (q rational) rational() (*big.Rat, bool) {
	n, ok := q.num.constant()
	d, ok2 := q.den.constant()
	if !ok || !ok2 || n.exact == nil || d.exact == nil {
		return nil, false
	}
	return new(big.Rat).Quo(n.exact, d.exact), true
}

// key is a text that two quotients share only if they are equal.
func (c *canonicalizer) key(q rational) string {
	var b strings.Builder
	for _, p := range []polynomial{q.num, q.den} {
		for _, t := range p {
			b.WriteString(t.key)
			b.WriteByte('*')
			if t.coefficient.exact != nil {
				b.WriteString(t.coefficient.exact.RatString())
			} else {
				b.WriteString("f" + strconv.FormatFloat(t.coefficient.float, 'g', -1, 64))
			}
			b.WriteByte('+')
		}
		b.WriteByte('/')
	}
	return b.String()
}

// term makes a term of unsorted factors, and keeps the rules of primes and
// signs.
func (c *canonicalizer) term(coef coefficient, factors []factor) (term, error) {
	slices.SortStableFunc(factors, func(a, b factor) int { return int(a.atom) - int(b.atom) })
	out := factors[:0]
	for _, f := range factors {
		if n := len(out); n > 0 && out[n-1].atom == f.atom {
			e, err := out[n-1].exponent.plus(f.exponent)
			if err != nil {
				return term{}, err
			}
			out[n-1].exponent = e
			continue
		}
		out = append(out, f)
	}
	kept := out[:0]
	for _, f := range out {
		if f.exponent.num == 0 {
			continue
		}
		switch a := c.atoms[f.atom]; a.kind {
		case primeAtom, signAtom:
			n := f.exponent.floor()
			f.exponent.num -= n * f.exponent.den
			base := big.NewRat(-1, 1)
			if a.kind == primeAtom {
				base.SetInt64(a.prime)
			} else {
				n &= 1
			}
			pulled, err := ratPower(base, int64(n))
			if err != nil {
				return term{}, err
			}
			coef = coef.times(exactCoefficient(pulled))
		}
		if f.exponent.num != 0 {
			kept = append(kept, f)
		}
	}
	if !coef.withinLimits() {
		return term{}, errTooLarge
	}
	if coef.exact != nil {
		if err := c.effort.spend((coef.exact.Num().BitLen() + coef.exact.Denom().BitLen()) / 256); err != nil {
			return term{}, err
		}
	}
	return term{factors: kept, key: keyOf(kept), coefficient: coef}, nil
}

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

func (c *canonicalizer) multiply(p, q polynomial) (polynomial, error) {
	if err := c.effort.spend((len(p) + len(q)) / 8); err != nil {
		return nil, err
	}
	if v, ok := p.constant(); ok {
		return q.scale(v)
	}
	if v, ok := q.constant(); ok {
		return p.scale(v)
	}
	if err := c.effort.spend(len(p) * len(q)); err != nil {
		return nil, err
	}
	terms := make([]term, 0, len(p)*len(q))
	for _, a := range p {
		for _, b := range q {
			t, err := c.term(a.coefficient.times(b.coefficient), slices.Concat(a.factors, b.factors))
			if err != nil {
				return nil, err
			}
			terms = append(terms, t)
		}
	}
	return normalize(terms)
}

func (c *canonicalizer) plus(a, b rational) (rational, error) {
	if err := c.effort.spend(1 + (len(a.num)+len(a.den)+len(b.num)+len(b.den))/4); err != nil {
		return rational{}, err
	}
	if c.key(rational{num: a.den}) == c.key(rational{num: b.den}) {
		num, err := a.num.plus(b.num)
		if len(num) == 0 {
			return rational{nil, onePolynomial}, err
		}
		return rational{num, a.den}, err
	}
	x, err := c.multiply(a.num, b.den)
	if err != nil {
		return rational{}, err
	}
	y, err := c.multiply(b.num, a.den)
	if err != nil {
		return rational{}, err
	}
	num, err := x.plus(y)
	if err != nil {
		return rational{}, err
	}
	if len(num) == 0 {
		return rational{nil, onePolynomial}, nil
	}
	den, err := c.multiply(a.den, b.den)
	return rational{num, den}, err
}

func (c *canonicalizer) times(a, b rational) (rational, error) {
	num, err := c.multiply(a.num, b.num)
	if err != nil {
		return rational{}, err
	}
	den, err := c.multiply(a.den, b.den)
	if err != nil {
		return rational{}, err
	}
	return c.reduced(num, den)
}

// reduced moves a denominator of one term into the numerator.
func (c *canonicalizer) reduced(num, den polynomial) (rational, error) {
	if len(den) == 0 {
		return rational{}, errUndefined
	}
	if len(den) > 1 {
		return rational{num, den}, nil
	}
	inverse, err := c.invertTerm(den[0])
	if err != nil {
		return rational{}, err
	}
	num, err = c.multiply(num, polynomial{inverse})
	return rational{num, onePolynomial}, err
}

func (c *canonicalizer) invertTerm(t term) (term, error) {
	factors := slices.Clone(t.factors)
	for i := range factors {
		factors[i].exponent.num = -factors[i].exponent.num
	}
	return c.term(t.coefficient.inverse(), factors)
}

func (c *canonicalizer) quotient(e *Expr) (rational, error) {
	switch e.op {
	case opExact:
		return constant(e.exact), nil
	case opFloat:
		return rational{constantPolynomial(coefficient{float: e.float}), onePolynomial}, nil
	case opSymbol:
		return c.single(c.symbol(e.name), fraction{1, 1})
	case opConstant:
		switch e.name {
		case "pi":
			return c.single(c.pi(), fraction{1, 1})
		case "I":
			return c.single(c.sign(), fraction{1, 2})
		}
		return c.raise("e", constant(one))
	case opAdd:
		return c.sum(e.args)
	case opMultiply:
		left, err := c.quotient(e.args[0])
		if err != nil {
			return rational{}, err
		}
		for _, arg := range e.args[1:] {
			right, err := c.quotient(arg)
			if err != nil {
				return rational{}, err
			}
			if left, err = c.times(left, right); err != nil {
				return rational{}, err
			}
		}
		return left, nil
	case opPower:
		base, err := c.quotient(e.args[0])
		if err != nil {
			return rational{}, err
		}
		exponent, err := c.quotient(e.args[1])
		if err != nil {
			return rational{}, err
		}
		if e.args[0].op == opConstant && e.args[0].name == "E" {
			return c.raise("e", exponent)
		}
		return c.power(base, exponent)
	}
	arg, err := c.quotient(e.args[0])
	if err != nil {
		return rational{}, err
	}
	return c.call(e.name, arg)
}

// sum adds by halves, so that a long sum costs little more than its length.
func (c *canonicalizer) sum(args []*Expr) (rational, error) {
	if len(args) == 1 {
		return c.quotient(args[0])
	}
	if len(args) > 2 {
		mid := len(args) / 2
		left, err := c.sum(args[:mid])
		if err != nil {
			return rational{}, err
		}
		right, err := c.sum(args[mid:])
		if err != nil {
			return rational{}, err
		}
		return c.plus(left, right)
	}
	left, err := c.quotient(args[0])
	if err != nil {
		return rational{}, err
	}
	right, err := c.quotient(args[1])
	if err != nil {
		return rational{}, err
	}
	return c.plus(left, right)
}

func (c *canonicalizer) single(atom int32, exponent fraction) (rational, error) {
	t, err := c.term(intCoefficient(1), []factor{{atom, exponent}})
	return rational{polynomial{t}, onePolynomial}, err
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
