// Package algebra decides whether two formulas are equal: a small exact
// computer algebra for verifiers of mathematical answers.
//
// [Parse] reads a formula in sympy's Python syntax, with implicit products if
// asked for; [Zero] says equal, different or unknown of a difference. Both decide
// in bounded time and memory whatever the input (see the limits in parse.go,
// polynomial.go, root.go and evaluate.go), never panic, keep nothing
// between calls, and give the same answer every time.
//
// # How it decides
//
// A formula becomes a quotient of polynomials with rational coefficients in
// atoms: unknowns, pi, roots of primes, roots of minus one, powers and
// functions that do not come apart further. Where the atoms left have no
// relation among them the form is canonical and decides. Elsewhere (nested
// roots, trigonometric identities, exponents with unknowns) the formula is
// evaluated at eight random complex points in ball arithmetic of 320 bits: each
// value carries a bound of its error, so a value away from zero is a proof of
// difference, up to the bound of 2**-250 assumed for the elementary functions; a
// value below 2**-100, and below that part of its summands, at all points is
// taken for zero. Equal is
// thus certain for canonical forms and beyond reasonable doubt otherwise. The
// points are the same in every run, so an adversary who knows them could build
// a formula that vanishes there.
//
// Decimals are floats as in sympy, and their roundings count: 7/5.0 is not
// 7/5. Formulas with decimals are Equal only where the rounded canonical form
// is zero, and Unknown if the difference is within the roundings.
//
// # What it does not know
//
// Relations, sets, matrices, limits, sums and integrals; functions of several
// arguments; infinities; inequalities among unknowns (sqrt(x**2) is not x);
// cancellation in quotients of polynomials beyond what equality needs; numbers
// with a prime factor above four million under a root or logarithm, which are
// evaluated instead.
package algebra
