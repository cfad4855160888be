package prime

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number is a value of Python's arithmetic: decimals are floats and everything
// they touch becomes one. Quotients of integers stay exact until they are
// written, which Python would round at once.
type number struct {
	exact *big.Rat // nil for a float
	float float64
}

func (n number) float64() float64 {
	if n.exact == nil {
		return n.float
	}
	f, _ := n.exact.Float64()
	return f
}

const (
	maxArithmeticBits  = 4096 // of a numerator or denominator
	maxArithmeticDepth = 200  // of brackets and signs; Python's own parser stops there
	maxArithmeticText  = 4096
)

// arithmetic evaluates numbers with + - * / ** and brackets as Python does. It is
// not ok for anything else: names, division by zero, values that are too large.
func arithmetic(text string) (number, bool) {
	if len(text) > maxArithmeticText {
		return number{}, false
	}
	p := arithmeticParser{text: text}
	n, ok := p.sum(0)
	p.skipSpace()
	if !ok || p.pos != len(p.text) {
		return number{}, false
	}
	return n, true
}

type arithmeticParser struct {
	text string
	pos  int
}

func (p *arithmeticParser) skipSpace() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

// operator consumes op, a single character that is not doubled.
func (p *arithmeticParser) operator(op byte) bool {
	p.skipSpace()
	rest := p.text[p.pos:]
	if rest == "" || rest[0] != op || len(rest) > 1 && rest[1] == op && (op == '*' || op == '/') {
		return false
	}
	p.pos++
	return true
}

func (p *arithmeticParser) sum(depth int) (number, bool) {
	left, ok := p.product(depth)
	for ok {
		var right number
		switch {
		case p.operator('+'):
			if right, ok = p.product(depth); ok {
				left, ok = combine(left, right, (*big.Rat).Add, func(a, b float64) float64 { return a + b })
			}
		case p.operator('-'):
			if right, ok = p.product(depth); ok {
				left, ok = combine(left, right, (*big.Rat).Sub, func(a, b float64) float64 { return a - b })
			}
		default:
			return left, true
		}
	}
	return number{}, false
}

func (p *arithmeticParser) product(depth int) (number, bool) {
	left, ok := p.signed(depth)
	for ok {
		var right number
		switch {
		case p.operator('/'):
			if right, ok = p.signed(depth); ok {
				left, ok = quotient(left, right)
			}
		case p.operator('*'):
			if right, ok = p.signed(depth); ok {
				left, ok = combine(left, right, (*big.Rat).Mul, func(a, b float64) float64 { return a * b })
			}
		default:
			return left, true
		}
	}
	return number{}, false
}

func (p *arithmeticParser) signed(depth int) (number, bool) {
	if depth > maxArithmeticDepth {
		return number{}, false
	}
	switch {
	case p.operator('-'):
		n, ok := p.signed(depth + 1)
		if !ok {
			return number{}, false
		}
		if n.exact != nil {
			return number{exact: new(big.Rat).Neg(n.exact)}, true
		}
		return number{float: -n.float}, true
	case p.operator('+'):
		return p.signed(depth + 1)
	}
	base, ok := p.atom(depth)
	if !ok {
		return number{}, false
	}
	p.skipSpace()
	if !strings.HasPrefix(p.text[p.pos:], "**") {
		return base, true
	}
	p.pos += 2
	exponent, ok := p.signed(depth + 1)
	if !ok {
		return number{}, false
	}
	return power(base, exponent)
}

func (p *arithmeticParser) atom(depth int) (number, bool) {
	if p.operator('(') {
		n, ok := p.sum(depth + 1)
		return n, ok && p.operator(')')
	}
	start := p.pos
	digits := func() int {
		from := p.pos
		for p.pos < len(p.text) && isASCIIDigit(p.text[p.pos]) {
			p.pos++
		}
		return p.pos - from
	}
	count := digits()
	isFloat := false
	if p.pos < len(p.text) && p.text[p.pos] == '.' {
		isFloat = true
		p.pos++
		count += digits()
	}
	if count == 0 {
		return number{}, false
	}
	if p.pos < len(p.text) && p.text[p.pos] == 'e' {
		isFloat = true
		p.pos++
		if p.pos < len(p.text) && (p.text[p.pos] == '+' || p.text[p.pos] == '-') {
			p.pos++
		}
		if digits() == 0 {
			return number{}, false
		}
	}
	literal := p.text[start:p.pos]
	if isFloat {
		f, err := strconv.ParseFloat(literal, 64)
		return number{float: f}, err == nil
	}
	if literal[0] == '0' && strings.Trim(literal, "0") != "" {
		return number{}, false // Python has no integers like 012
	}
	return limited(new(big.Rat).SetInt(integer(literal)))
}

// integer reads ASCII digits.
func integer(digits string) *big.Int {
	n, _ := new(big.Int).SetString(digits, 10)
	return n
}

func limited(r *big.Rat) (number, bool) {
	if r.Num().BitLen() > maxArithmeticBits || r.Denom().BitLen() > maxArithmeticBits {
		return number{}, false
	}
	return number{exact: r}, true
}

func finite(f float64) (number, bool) {
	return number{float: f}, !math.IsInf(f, 0) && !math.IsNaN(f)
}

func combine(a, b number, exact func(z, x, y *big.Rat) *big.Rat, float func(x, y float64) float64) (number, bool) {
	if a.exact != nil && b.exact != nil {
		return limited(exact(new(big.Rat), a.exact, b.exact))
	}
	return finite(float(a.float64(), b.float64()))
}

func quotient(a, b number) (number, bool) {
	if b.float64() == 0 {
		return number{}, false
	}
	return combine(a, b, (*big.Rat).Quo, func(x, y float64) float64 { return x / y })
}

// power raises to an integer of at most three digits.
func power(base, exponent number) (number, bool) {
	if exponent.exact == nil || !exponent.exact.IsInt() || !exponent.exact.Num().IsInt64() {
		return number{}, false
	}
	e := exponent.exact.Num().Int64()
	if e < -999 || e > 999 || base.float64() == 0 && e <= 0 {
		return number{}, false
	}
	if base.exact == nil {
		return finite(math.Pow(base.float, float64(e)))
	}
	magnitude := max(e, -e)
	if bits := max(base.exact.Num().BitLen(), base.exact.Denom().BitLen()); int64(bits-1)*magnitude > maxArithmeticBits {
		return number{}, false
	}
	num := new(big.Int).Exp(base.exact.Num(), big.NewInt(magnitude), nil)
	den := new(big.Int).Exp(base.exact.Denom(), big.NewInt(magnitude), nil)
	if e < 0 {
		num, den = den, num
	}
	return limited(new(big.Rat).SetFrac(num, den))
}
