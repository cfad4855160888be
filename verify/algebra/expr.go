package algebra

import "math/big"

type operation uint8

const (
	opExact    operation = iota // a rational number
	opFloat                     // a decimal, held as a float64
	opSymbol                    // an unknown, by name
	opConstant                  // "pi", "E" or "I"
	opAdd
	opMultiply
	opPower
	opCall // a function, by name
)

// Expr is an expression as it was read. It is immutable.
type Expr struct {
	op    operation
	name  string
	exact *big.Rat
	float float64
	args  []*Expr
}

var (
	minusOne = big.NewRat(-1, 1)
	one      = big.NewRat(1, 1)
	half     = big.NewRat(1, 2)
	third    = big.NewRat(1, 3)
)

func exact(r *big.Rat) *Expr          { return &Expr{op: opExact, exact: r} }
func sum(args ...*Expr) *Expr         { return &Expr{op: opAdd, args: args} }
func product(args ...*Expr) *Expr     { return &Expr{op: opMultiply, args: args} }
func power(base, exp *Expr) *Expr     { return &Expr{op: opPower, args: []*Expr{base, exp}} }
func negative(e *Expr) *Expr          { return product(exact(minusOne), e) }
func quotient(a, b *Expr) *Expr       { return product(a, power(b, exact(minusOne))) }
func call(f string, a ...*Expr) *Expr { return &Expr{op: opCall, name: f, args: a} }
