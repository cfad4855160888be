package algebra

import (
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
