package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// problem is a problem with all the answers that the world writes for it.
type problem struct {
	family   string
	domain   string
	question string
	truth    string   // the form of the answer that the problem comes with
	right    []string // every form of the right answer, truth first
	wrong    []string // wrong answers, in several forms too
	steps    []string // of a solution, true, for replies to be made of
}

// families are the kinds of problems. Parameters are chosen so that no wrong
// answer is right by accident, whatever the seed; the tests read every form back
// with a reader of their own.
var families = []struct {
	name   string
	domain string
	make   func(r *rand.Rand) problem
}{
	{"fraction", "Mathematics -> Arithmetic", fraction},
	{"linear_function", "Mathematics -> Algebra -> Linear Functions", linearFunction},
	{"ray", "Mathematics -> Algebra -> Inequalities", ray},
	{"length", "Mathematics -> Geometry -> Plane Geometry", length},
	{"count", "Mathematics -> Arithmetic", count},
	{"solution_set", "Mathematics -> Algebra -> Quadratic Equations", solutionSet},
	{"ratio", "Mathematics -> Arithmetic -> Ratios", ratio},
	{"interval", "Mathematics -> Algebra -> Inequalities", interval},
	{"point", "Mathematics -> Geometry -> Coordinates", point},
	{"percent", "Mathematics -> Arithmetic -> Percentages", percent},
	{"circle", "Mathematics -> Geometry -> Circles", circle},
	{"name", "Mathematics -> Discrete Mathematics -> Logic", name},
	{"root", "Mathematics -> Algebra -> Radicals", root},
	{"line", "Mathematics -> Geometry -> Coordinates", line},
	{"speed", "Mathematics -> Applied Mathematics", speed},
	{"yes_no", "Mathematics -> Number Theory -> Divisibility", yesNo},
	{"grouped", "Mathematics -> Arithmetic", grouped},
	{"angle", "Mathematics -> Geometry -> Triangles", angle},
	{"polynomial", "Mathematics -> Algebra -> Polynomials", polynomial},
	{"union", "Mathematics -> Algebra -> Inequalities", union},
	{"rounded", "Mathematics -> Arithmetic -> Rounding", rounded},
	{"plus_minus", "Mathematics -> Algebra -> Quadratic Equations", plusMinus},
	{"price", "Mathematics -> Applied Mathematics", price},
	{"radical_pair", "Mathematics -> Algebra -> Quadratic Equations", radicalPair},
	{"power", "Mathematics -> Algebra -> Exponents", power},
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func either[T any](r *rand.Rand, a, b T) T {
	if r.IntN(2) == 0 {
		return a
	}
	return b
}

// between returns a whole number from lo to hi, both included.
func between(r *rand.Rand, lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// signed returns a whole number whose absolute value is from lo to hi.
func signed(r *rand.Rand, lo, hi int) int {
	n := between(r, lo, hi)
	return either(r, n, -n)
}

func form(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// times writes n times a variable: x, -x or 3x.
func times(n int, variable string) string {
	switch n {
	case 1:
		return variable
	case -1:
		return "-" + variable
	}
	return strconv.Itoa(n) + variable
}

// plus writes a further term with blanks around its sign: " + 3" or " - 3".
func plus(n int) string {
	if n < 0 {
		return form(" - %d", -n)
	}
	return form(" + %d", n)
}

// decimal writes numerator/denominator, whose decimals end, as a decimal.
func decimal(numerator, denominator int) string {
	return strconv.FormatFloat(float64(numerator)/float64(denominator), 'f', -1, 64)
}

// hundredths writes n/100 with two decimals; n is not negative.
func hundredths(n int) string { return form("%d.%02d", n/100, n%100) }

// thousands writes n in groups of three digits.
func thousands(n int, separator string) string {
	s := strconv.Itoa(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + separator + s[at:]
	}
	return s
}

// scientific writes digits as d.ddd times a power of ten.
func scientific(digits string, exponent int) string {
	return form(`%s.%s \times 10^{%d}`, digits[:1], digits[1:], exponent)
}

var (
	units = []string{
		"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
		"fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}
	tens = []string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
)

// inWords writes a number from 0 to 99 in English.
func inWords(n int) string {
	switch {
	case n < 20:
		return units[n]
	case n%10 == 0:
		return tens[n/10]
	}
	return tens[n/10] + "-" + units[n%10]
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
