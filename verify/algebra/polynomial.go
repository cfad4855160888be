package algebra

import (
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
	"strings"
)

// errTooLarge ends a computation beyond the limits; errUndefined one that
// divides by zero. Neither says anything about equality.
var (
	errTooLarge  = errors.New("too large to expand")
	errUndefined = errors.New("division by zero")
)

const (
	maxTerms     = 300
	maxExponent  = 1 << 20 // of numerator and denominator
	maxRootIndex = 1 << 12
	maxExpanded  = 64 // power of a sum that is multiplied out
)

// fraction is an exponent, in lowest terms with a positive denominator.
type fraction struct{ num, den int32 }

func (f fraction) rat() *big.Rat { return big.NewRat(int64(f.num), int64(f.den)) }

func smallFraction(r *big.Rat) (fraction, error) {
	if !r.Num().IsInt64() || !r.Denom().IsInt64() || max(r.Num().Int64(), -r.Num().Int64()) > maxExponent || r.Denom().Int64() > maxRootIndex {
		return fraction{}, errTooLarge
	}
	return fraction{int32(r.Num().Int64()), int32(r.Denom().Int64())}, nil
}

func (f fraction) plus(g fraction) (fraction, error) {
	if f.den == 1 && g.den == 1 {
		if n := f.num + g.num; n <= maxExponent && n >= -maxExponent {
			return fraction{n, 1}, nil
		}
		return fraction{}, errTooLarge
	}
	return smallFraction(new(big.Rat).Add(f.rat(), g.rat()))
}

func (f fraction) times(g fraction) (fraction, error) {
	return smallFraction(new(big.Rat).Mul(f.rat(), g.rat()))
}

// floor returns the largest integer not above f.
func (f fraction) floor() int32 {
	n := f.num / f.den
	if f.num%f.den < 0 {
		n--
	}
	return n
}

// factor is an atom to a power.
type factor struct {
	atom     int32
	exponent fraction
}

// term is a coefficient times atoms in ascending order, none twice.
type term struct {
	factors     []factor
	key         string // of the factors, for comparison
	coefficient coefficient
}

func keyOf(factors []factor) string {
	if len(factors) == 0 {
		return ""
	}
	b := make([]byte, 0, 12*len(factors))
	for _, f := range factors {
		b = binary.BigEndian.AppendUint32(b, uint32(f.atom))
		b = binary.BigEndian.AppendUint32(b, uint32(f.exponent.num))
		b = binary.BigEndian.AppendUint32(b, uint32(f.exponent.den))
	}
	return string(b)
}

// polynomial is a sum of terms in ascending order of their keys, none twice,
// none zero. Exponents may be negative or fractional.
type polynomial []term

func constantPolynomial(c coefficient) polynomial {
	if c.isZero() {
		return nil
	}
	return polynomial{{coefficient: c}}
}

// constant returns the value of a polynomial without atoms.
func (p polynomial) constant() (coefficient, bool) {
	switch {
	case len(p) == 0:
		return intCoefficient(0), true
	case len(p) == 1 && len(p[0].factors) == 0:
		return p[0].coefficient, true
	}
	return coefficient{}, false
}

func (p polynomial) plus(q polynomial) (polynomial, error) {
	out := make(polynomial, 0, len(p)+len(q))
	for len(p) > 0 && len(q) > 0 {
		switch c := strings.Compare(p[0].key, q[0].key); {
		case c < 0:
			out, p = append(out, p[0]), p[1:]
		case c > 0:
			out, q = append(out, q[0]), q[1:]
		default:
			t := p[0]
			t.coefficient = t.coefficient.plus(q[0].coefficient)
			if !t.coefficient.withinLimits() {
				return nil, errTooLarge
			}
			if !t.coefficient.isZero() {
				out = append(out, t)
			}
			p, q = p[1:], q[1:]
		}
	}
	out = append(append(out, p...), q...)
	if len(out) > maxTerms {
		return nil, errTooLarge
	}
	return out, nil
}

func (p polynomial) negate() polynomial {
	out := slices.Clone(p)
	for i := range out {
		out[i].coefficient = out[i].coefficient.negate()
	}
	return out
}

func (p polynomial) scale(c coefficient) (polynomial, error) {
	if c.isOne() {
		return p, nil
	}
	out := make(polynomial, 0, len(p))
	for _, t := range p {
		t.coefficient = t.coefficient.times(c)
		if !t.coefficient.withinLimits() {
			return nil, errTooLarge
		}
		if !t.coefficient.isZero() {
			out = append(out, t)
		}
	}
	return out, nil
}

// normalize sorts terms and joins equal ones.
func normalize(terms []term) (polynomial, error) {
	slices.SortStableFunc(terms, func(a, b term) int { return strings.Compare(a.key, b.key) })
	out := terms[:0]
	for _, t := range terms {
		if n := len(out); n > 0 && out[n-1].key == t.key {
			out[n-1].coefficient = out[n-1].coefficient.plus(t.coefficient)
			if !out[n-1].coefficient.withinLimits() {
				return nil, errTooLarge
			}
			continue
		}
		out = append(out, t)
	}
	out = slices.DeleteFunc(out, func(t term) bool { return t.coefficient.isZero() })
	if len(out) > maxTerms {
		return nil, errTooLarge
	}
	return out, nil
}
