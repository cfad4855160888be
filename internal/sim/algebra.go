package sim

import (
	"math/rand/v2"
	"strings"
)

// Families whose answer is a function, an equation, a set, a tuple or a word.

func linearFunction(r *rand.Rand) problem {
	a, b := signed(r, 2, 9), signed(r, 2, 20)
	for a == b {
		b = signed(r, 2, 20)
	}
	return problem{
		question: form("Find the linear function f with f(0) = %d and f(1) = %d.", b, a+b),
		truth:    either(r, form("f(x)=%dx%+d", a, b), form("%dx%+d", a, b)),
		right: []string{
			form("f(x)=%dx%+d", a, b), form("f(x) = %d x%s", a, plus(b)), form("%dx%+d", a, b), form("y = %dx%s", a, plus(b)), form("f(x)=%d%+dx", b, a), form(`f(x) = %d \cdot x%s`, a, plus(b)), form(`x \mapsto %dx%+d`, a, b),
			form(`f(x)=%dx%+d \text{ for all real } x`, a, b), form("f(t) = %dt%s", a, plus(b)), form("f: x -> %dx%s", a, plus(b)), form(`\text{The function is } f(x)=%dx%+d`, a, b),
			form(`f(x) = %dx%s, x \in \mathbb{R}`, a, plus(b)), form("%d x%s", a, plus(b)),
		},
		wrong: []string{
			form("f(x)=%dx%+d", a, -b), form("f(x)=%s%+d", times(a+1, "x"), b), form("f(x)=%dx%+d", b, a), form("%dx", a), form("f(x) = %dx", a), form("f(x) = %d x%s", a, plus(2*b)), form("f(x)=%dx%+d", -a, b),
			form("%dx%+d", a, 3*b), form("y = %dx%s", b, plus(a)), form(`x \mapsto %dx%+d`, -a, -b), form("%d", a), form(`\text{The function is } f(x)=%dx%+d`, a, -b),
		},
		steps: []string{
			"A linear function has the form f(x) = mx + c.",
			form("From f(0) = %d we read off c = %d.", b, b),
			form("The slope is f(1) - f(0) = %d%s.", a+b, plus(-b)),
			"Putting slope and constant together gives the function.",
		},
	}
}

func line(r *rand.Rand) problem {
	m, b, x := signed(r, 2, 9), signed(r, 2, 12), between(r, 1, 5)
	for m == b || m*x+b == 0 {
		b = signed(r, 2, 12)
	}
	y := m*x + b
	return problem{
		question: form("Give an equation of the line with slope %d through the point (%d, %d).", m, x, y),
		truth:    form("y=%dx%+d", m, b),
		right: []string{
			form("y = %dx%s", m, plus(b)), form("%dx-y%+d=0", m, b), form("y%+d = %dx", -b, m), form(`y = %d \cdot x%s`, m, plus(b)), form("y=%d%+dx", b, m), form("%dx+y=%d", -m, b),
			form(`y=%dx%+d \text{ (slope-intercept form)}`, m, b), form("2y = %dx%s", 2*m, plus(2*b)), form(`\text{The line is } y = %dx%s`, m, plus(b)), form("y%+d=%d(x-%d)", -y, m, x), form("y = %d x%s", m, plus(b)),
			form("%dx%s = y", m, plus(b)),
		},
		wrong: []string{
			form("y=%dx%+d", m, -b), form("y=%dx%+d", b, m), form("y=%dx%+d", -m, b), form("%dx+y%+d=0", m, b), form("y = %s%s", times(m+1, "x"), plus(b)), form("x = %dy%s", m, plus(b)), form("y=%dx", m),
			form("y = %dx%s", m, plus(2*b)), form("y%+d=%d(x-%d)", y, m, x), form("y = %d", b), form(`\text{The line is } y = %dx%s`, -m, plus(b)), form("2y = %dx%s", m, plus(2*b)),
		},
		steps: []string{
			"We start from the slope-intercept form y = mx + c.",
			form("The slope is m = %d.", m),
			form("The point (%d, %d) lies on the line, so %d = %d * %d + c.", x, y, y, m, x),
			"Solving for c and inserting it gives the equation.",
		},
	}
}

func polynomial(r *rand.Rand) problem {
	var a, b, s, p int
	for s*s < 2 || p*p < 2 || s == p || a == b {
		a, b = signed(r, 1, 9), signed(r, 1, 9)
		s, p = -(a + b), a*b
	}
	return problem{
		question: form("Find the monic quadratic polynomial in x whose roots are %d and %d.", a, b),
		truth:    form("x^2%+dx%+d", s, p),
		right: []string{
			form("x^{2}%+dx%+d", s, p), form("x^2 %s x%s", strings.TrimSpace(plus(s)), plus(p)), form("(x%+d)(x%+d)", -a, -b), form("(x%+d)(x%+d)", -b, -a), form("P(x) = x^2%+dx%+d", s, p),
			form("%d%+dx+x^2", p, s), form("x(x%+d)%+d", s, p), form(`x^2%+d \cdot x%+d`, s, p), form(`\left(x%+d\right)\left(x%+d\right)`, -a, -b), form("y = x^2%+dx%+d", s, p),
			form("(x%+d)(x%+d) = x^2%+dx%+d", -a, -b, s, p), form(`\text{The polynomial is } x^2%+dx%+d`, s, p),
		},
		wrong: []string{
			form("x^2%+dx%+d", -s, p), form("x^2%+dx%+d", s, -p), form("x^2%+dx%+d", -s, -p), form("(x%+d)(x%+d)", a, b), form("x^2%+dx%+d", p, s), form("x^2%+dx%+d", 2*s, p), form("P(x) = x^2%+dx%+d", s, 2*p),
			form("2x^2%+dx%+d", s, p), form("x%+d", -a), form("(x%+d)(x%+d)", -a, b), form("x^{2}%+d", p), form(`\text{The polynomial is } x^2%+dx%+d`, -s, p),
		},
		steps: []string{
			form("A monic quadratic with the roots %d and %d is the product of two linear factors.", a, b),
			form("The sum of the roots is %d.", a+b),
			form("Their product is %d.", p),
			"By Vieta these give the two coefficients, the sum with the opposite sign.",
		},
	}
}

func solutionSet(r *rand.Rand) problem {
	a, b := signed(r, 1, 12), signed(r, 1, 12)
	for a == b || a == -b {
		b = signed(r, 1, 12)
	}
	a, b = min(a, b), max(a, b)
	return problem{
		question: form("Find all real x with (x%s)(x%s) = 0.", plus(-a), plus(-b)),
		truth:    pick(r, []string{form("%d,%d", a, b), form(`\{%d,%d\}`, a, b), form(`x=%d \text{ or } x=%d`, a, b)}),
		right: []string{
			form("%d,%d", a, b), form("%d, %d", b, a), form(`x=%d \text{ or } x=%d`, b, a), form("x=%d or x=%d", a, b), form(`\{%d,%d\}`, a, b), form(`\{%d, %d\}`, b, a), form("x = %d, x = %d", a, b),
			form(`x \in \{%d, %d\}`, a, b), form(`%d \text{ and } %d`, a, b), form(`x_1 = %d, x_2 = %d`, b, a), form(`%d \text{ or } %d`, b, a), form(`x = %d, %d`, a, b), form("%d; %d", a, b),
			form(`\left\{%d,%d\right\}`, a, b), form(`\text{The solutions are } %d \text{ and } %d`, a, b),
		},
		wrong: []string{
			form("%d", a), form("x = %d", b), form("%d,%d", -b, -a), form(`x=%d \text{ or } x=%d`, -a, -b), form("%d,%d", a-1, b), form(`\{%d\}`, a), form("%d, %d", a, b+1), form(`\{%d,%d\}`, -b, -a),
			form("%d,0,%d", a, b), form("%d", a*b), form(`x_1 = %d, x_2 = %d`, -a, b), form(`\text{The solutions are } %d \text{ and } %d`, -b, -a), form(`x=%d \text{ or } x=%d`, a, b+2),
		},
		steps: []string{
			"A product is zero exactly if one of its factors is zero.",
			form("The first factor vanishes where x%s = 0.", plus(-a)),
			form("The second factor vanishes where x%s = 0.", plus(-b)),
			"Both solutions are real, and there are no others.",
		},
	}
}

func plusMinus(r *rand.Rand) problem {
	a := between(r, 2, 15)
	return problem{
		question: form("Solve x^2 = %d over the real numbers.", a*a),
		truth:    pick(r, []string{form(`\pm %d`, a), form("%d,-%d", a, a), form(`x=\pm %d`, a)}),
		right: []string{
			form(`\pm %d`, a), form("%d,-%d", a, a), form("-%d, %d", a, a), form(`x = \pm %d`, a), form(`\{-%d,%d\}`, a, a), form(`x=%d \text{ or } x=-%d`, a, a), form("x = %d, x = -%d", a, a), form("±%d", a),
			form(`x \in \{-%d, %d\}`, a, a), form(`%d \text{ and } -%d`, a, a), form(`\pm\sqrt{%d}`, a*a), form("+%d, -%d", a, a), form(`x_{1,2} = \pm %d`, a),
		},
		wrong: []string{
			form("%d", a), form("x = %d", a), form("-%d", a), form(`\pm %d`, a*a), form(`\pm %d`, a+1), form("%d,-%d", a+1, a+1), form(`\{%d\}`, a), form(`x=%d \text{ or } x=0`, a), form(`\pm\sqrt{%d}`, a),
			form("-%d, 0, %d", a, a), form(`\{-%d, %d\}`, a-1, a-1), form(`x = \pm %d`, 2*a),
		},
		steps: []string{
			form("We look for all numbers with the square %d.", a*a),
			form("One of them is the square root of %d.", a*a),
			"A negative number has a positive square too.",
			"A quadratic equation has at most two solutions.",
		},
	}
}

func radicalPair(r *rand.Rand) problem {
	c, d := signed(r, 1, 9), pick(r, []int{2, 3, 5, 6, 7, 10, 11, 13})
	return problem{
		question: form("Solve x^2%sx%s = 0 over the real numbers.", plus(-2*c), plus(c*c-d)),
		truth:    either(r, form(`%d\pm\sqrt{%d}`, c, d), form(`%d+\sqrt{%d}, %d-\sqrt{%d}`, c, d, c, d)),
		right: []string{
			form(`%d\pm\sqrt{%d}`, c, d), form(`%d+\sqrt{%d}, %d-\sqrt{%d}`, c, d, c, d), form(`x = %d \pm \sqrt{%d}`, c, d), form(`\{%d-\sqrt{%d}, %d+\sqrt{%d}\}`, c, d, c, d),
			form(`x=%d+\sqrt{%d} \text{ or } x=%d-\sqrt{%d}`, c, d, c, d), form(`x_1 = %d+\sqrt{%d}, x_2 = %d-\sqrt{%d}`, c, d, c, d), form(`\frac{%d \pm \sqrt{%d}}{2}`, 2*c, 4*d), form(`%d \pm %d^{1/2}`, c, d),
			form(`%d - \sqrt{%d} \text{ and } %d + \sqrt{%d}`, c, d, c, d), form(`\pm\sqrt{%d}%+d`, d, c), form("%d ± √%d", c, d),
		},
		wrong: []string{
			form(`%d+\sqrt{%d}`, c, d), form(`x = %d-\sqrt{%d}`, c, d), form(`%d\pm\sqrt{%d}`, -c, d), form(`x = %d \pm \sqrt{%d}`, -c, d), form(`%d\pm\sqrt{%d}`, c, d+1), form(`%d \pm %d`, c, d),
			form(`\pm\sqrt{%d}`, d), form(`%d\pm 2\sqrt{%d}`, c, d), form(`\frac{%d \pm \sqrt{%d}}{2}`, c, d), form(`%d+\sqrt{%d}, %d-\sqrt{%d}`, -c, d, -c, d), form(`\{%d+\sqrt{%d}\}`, c, d),
			form(`%d\pm\sqrt{%d}`, 2*c, d),
		},
		steps: []string{
			form("Completing the square turns the left side into (x%s)^2 - %d.", plus(-c), d),
			form("So the square of x%s must be %d.", plus(-c), d),
			form("The root of %d is irrational, so it stays as it is.", d),
			"Both signs of the root give a solution.",
		},
	}
}

// half describes the numbers on one side of a bound, in the ways people write them.
type half struct {
	bound  int
	above  bool // the bound
	closed bool // the bound belongs to it
}

// sign returns the sign of the inequality, the variable on its left.
func (h half) sign() string {
	return [...]string{"<", `\le`, ">", `\ge`}[h.index()]
}

// reversed returns the sign with the variable on its right.
func (h half) reversed() string {
	return [...]string{">", `\ge`, "<", `\le`}[h.index()]
}

func (h half) words() string {
	return [...]string{"less than", "at most", "greater than", "at least"}[h.index()]
}

func (h half) index() int {
	i := 0
	if h.above {
		i += 2
	}
	if h.closed {
		i++
	}
	return i
}

// interval writes the numbers as an interval; inf is the way to write infinity,
// with a sign if that is wanted for plus infinity.
func (h half) interval(blank, inf string) string {
	left, right := brackets(h.closed, h.closed)
	if h.above {
		return form("%s%d,%s%s)", left, h.bound, blank, inf)
	}
	return form(`(-%s,%s%d%s`, strings.TrimPrefix(inf, "+"), blank, h.bound, right)
}

func brackets(closedBelow, closedAbove bool) (left, right string) {
	left, right = "(", ")"
	if closedBelow {
		left = "["
	}
	if closedAbove {
		right = "]"
	}
	return left, right
}

// outward returns the brackets of the French school, which open away from an end
// that does not belong to the interval.
func outward(closedBelow, closedAbove bool) (left, right string) {
	left, right = "]", "["
	if closedBelow {
		left = "["
	}
	if closedAbove {
		right = "]"
	}
	return left, right
}

func ray(r *rand.Rand) problem {
	h := half{bound: signed(r, 1, 12), above: r.IntN(2) == 0, closed: r.IntN(2) == 0}
	v, m, c := pick(r, []string{"x", "k", "t"}), signed(r, 2, 6), between(r, 1, 9)
	asked := h
	asked.above = h.above == (m > 0) // dividing by a negative number turns the sign
	other, flipped, next, before, negated := h, h, h, h, h
	other.closed = !h.closed
	flipped.above = !h.above
	next.bound++
	before.bound--
	negated.bound = -h.bound
	left, right := outward(h.closed, h.closed)
	french := form(`%s%d,\infty[`, left, h.bound)
	if !h.above {
		french = form(`]-\infty,%d%s`, h.bound, right)
	}
	return problem{
		question: form("For which real numbers %s is %s%s %s %d?", v, times(m, v), plus(c), asked.words(), m*h.bound+c),
		truth:    either(r, h.interval("", `\infty`), form("%s%s%d", v, spaced(h.sign()), h.bound)),
		right: []string{
			h.interval("", `\infty`), h.interval(" ", `\infty`), h.interval(" ", `+\infty`), form("%s%s%d", v, spaced(h.sign()), h.bound), form("%s %s %d", v, h.sign(), h.bound), form("%d %s %s", h.bound, h.reversed(), v),
			form(`%s \in %s`, v, h.interval(" ", `\infty`)), form(`\{%s \mid %s %s %d\}`, v, v, h.sign(), h.bound), form(`\{%s \in \mathbb{R} : %s %s %d\}`, v, v, h.sign(), h.bound), french,
			form(`\text{all real numbers } %s %s %d`, v, h.sign(), h.bound), form(`\text{all real numbers %s } %d`, h.words(), h.bound), form(`%s %s %d \text{ for real } %s`, v, h.sign(), h.bound, v),
		},
		wrong: []string{
			other.interval("", `\infty`), form("%s %s %d", v, other.sign(), h.bound), flipped.interval("", `\infty`), form("%s%s%d", v, spaced(flipped.sign()), h.bound), next.interval("", `\infty`),
			form("%s %s %d", v, before.sign(), before.bound), form("%d", h.bound), form("%s = %d", v, h.bound), negated.interval(" ", `\infty`), form("%s%s%d", v, spaced(negated.sign()), negated.bound),
			form(`\{%s \mid %s %s %d\}`, v, v, other.sign(), h.bound), form(`\text{all real numbers %s } %d`, flipped.words(), h.bound), form(`%s \in %s`, v, other.interval(" ", `\infty`)),
		},
		steps: []string{
			form("First subtract %d on both sides, which leaves %s on the left.", c, times(m, v)),
			form("Then divide by %d.", m),
			"Dividing by a negative number would turn the sign around, by a positive one it stays.",
			form("The bound %d itself has to be looked at separately.", h.bound),
		},
	}
}

// spaced gives a sign that is a command the blank that must follow it.
func spaced(sign string) string {
	if strings.HasPrefix(sign, `\`) {
		return " " + sign + " "
	}
	return sign
}

func interval(r *rand.Rand) problem {
	a := signed(r, 1, 9)
	b := a + between(r, 2, 12)
	for b == -a { // else its mirror image might be right
		b = a + between(r, 2, 12)
	}
	low, high := r.IntN(2) == 0, r.IntN(2) == 0 // closed
	write := func(a, b int, low, high bool, format string) string {
		left, right := brackets(low, high)
		return form(format, left, a, b, right)
	}
	from, to := half{a, true, low}, half{b, false, high}
	chain := func(from, to half, format string) string {
		return form(format, from.bound, from.reversed(), to.sign(), to.bound)
	}
	notFrom, notTo := half{a, true, !low}, half{b, false, !high}
	left, right := outward(low, high)
	return problem{
		question: form("Which real numbers x are %s %d and also %s %d? Write the set of them.", from.words(), a, to.words(), b),
		truth:    either(r, write(a, b, low, high, "%s%d,%d%s"), chain(from, to, `%d %s x %s %d`)),
		right: []string{
			write(a, b, low, high, "%s%d,%d%s"), write(a, b, low, high, "%s%d, %d%s"), write(a, b, low, high, `\left%s%d,%d\right%s`), write(a, b, low, high, `x \in %s%d, %d%s`), chain(from, to, `%d %s x %s %d`),
			chain(from, to, `\{x : %d %s x %s %d\}`), chain(from, to, `\{x \in \mathbb{R} \mid %d %s x %s %d\}`), form(`%d %s x %s %d`, b, to.reversed(), from.sign(), a), form("%s%d,%d%s", left, a, b, right),
			form(`x %s %d \text{ and } x %s %d`, from.sign(), a, to.sign(), b), form(`\text{all real numbers %s } %d \text{ and %s } %d`, from.words(), a, to.words(), b),
		},
		wrong: []string{
			write(a, b, !low, high, "%s%d,%d%s"), write(a, b, low, !high, "%s%d,%d%s"), write(a, b, !low, !high, "%s%d,%d%s"), chain(notFrom, to, `%d %s x %s %d`), chain(from, notTo, `%d %s x %s %d`),
			write(a, b+1, low, high, "%s%d,%d%s"), write(a-1, b, low, high, "%s%d, %d%s"), write(b, a, low, high, "%s%d,%d%s"), form("x %s %d", from.sign(), a), to.interval("", `\infty`),
			form(`x %s %d \text{ or } x %s %d`, from.sign(), a, to.sign(), b), write(-b, -a, high, low, "%s%d,%d%s"), chain(notFrom, notTo, `\{x : %d %s x %s %d\}`),
		},
		steps: []string{
			form("The first condition bounds x from below by %d.", a),
			form("The second one bounds x from above by %d.", b),
			"Both must hold at once, so the set is an intersection.",
			"For each end we decide whether it belongs to the set.",
		},
	}
}

func union(r *rand.Rand) problem {
	a := signed(r, 1, 9)
	b := a + between(r, 2, 9)
	closed := r.IntN(2) == 0
	below, above := half{a, false, closed}, half{b, true, closed}
	notBelow, notAbove := half{a, false, !closed}, half{b, true, !closed}
	left, right := brackets(closed, closed)
	inner, innerRight := brackets(!closed, !closed)
	moved := half{b + 1, true, closed}
	in := func(x half) string { return x.interval("", `\infty`) }
	condition := half{0, true, closed}
	return problem{
		question: form("For which real x is the product (x%s)(x%s) %s 0?", plus(-a), plus(-b), condition.words()),
		truth:    either(r, form(`%s\cup%s`, in(below), in(above)), form(`x %s %d \text{ or } x %s %d`, below.sign(), a, above.sign(), b)),
		right: []string{
			form(`%s\cup%s`, in(below), in(above)), form(`%s \cup %s`, in(below), in(above)), form(`%s\cup%s`, in(above), in(below)), form(`x %s %d \text{ or } x %s %d`, below.sign(), a, above.sign(), b),
			form("x %s %d or x %s %d", above.sign(), b, below.sign(), a), form(`x \in %s \cup %s`, below.interval(" ", `\infty`), above.interval(" ", `\infty`)), form(`\mathbb{R} \setminus %s%d,%d%s`, inner, a, b, innerRight),
			form(`\{x : x %s %d \text{ or } x %s %d\}`, below.sign(), a, above.sign(), b), form(`\left(-\infty, %d\right%s \cup \left%s%d, \infty\right)`, a, right, left, b),
			form(`%s \text{ or } %s`, in(below), in(above)), form(`x %s %d, x %s %d`, below.sign(), a, above.sign(), b),
		},
		wrong: []string{
			form("%s%d,%d%s", left, a, b, right), form("%d %s x %s %d", a, below.sign(), below.sign(), b), form(`%s\cup%s`, in(notBelow), in(notAbove)), in(above), in(below), form("x %s %d", above.sign(), b),
			form(`x %s %d \text{ and } x %s %d`, below.sign(), a, above.sign(), b), form(`%s\cup%s`, in(below), in(moved)), form(`x %s %d \text{ or } x %s %d`, notBelow.sign(), a, notAbove.sign(), b),
			form(`%s \cup %s`, in(notBelow), in(above)), form(`\mathbb{R} \setminus %s%d,%d%s`, left, a, b, right), form(`x \in %s \cup %s`, in(below), in(notAbove)),
		},
		steps: []string{
			form("The product changes its sign at %d and at %d only.", a, b),
			"To the left of both zeros the two factors are negative, so the product is positive.",
			"Between the zeros the factors have different signs.",
			"To the right of both zeros the two factors are positive.",
		},
	}
}

func ratio(r *rand.Rand) problem {
	a, b := between(r, 2, 15), between(r, 2, 15)
	for gcd(a, b) > 1 {
		a, b = between(r, 2, 15), between(r, 2, 15)
	}
	k := between(r, 2, 6)
	return problem{
		question: form("A school has %d girls and %d boys. What is the ratio of girls to boys in lowest terms?", k*a, k*b),
		truth:    form("%d:%d", a, b),
		right: []string{
			form("%d : %d", a, b), form(`%d \text{ to } %d`, a, b), form("%d to %d", a, b), form(`\frac{%d}{%d}`, a, b), form("%d/%d", a, b), form(`\text{girls}:\text{boys} = %d:%d`, a, b), form(`%d\!:\!%d`, a, b),
			form(`\text{%s to %s}`, inWords(a), inWords(b)), form(`\text{The ratio is } %d:%d`, a, b), form(`%d{:}%d`, a, b), form(`%d \text{ girls to } %d \text{ boys}`, a, b), form(`%d:%d = %d:%d`, k*a, k*b, a, b),
		},
		wrong: []string{
			form("%d:%d", b, a), form("%d:%d", a, a+b), form(`\frac{%d}{%d}`, b, a), form("%d:%d", a+1, b), form(`%d \text{ to } %d`, b, a), form(`\frac{%d}{%d}`, a, a+b), form("%d : %d", a, b+1),
			form(`\text{boys}:\text{girls} = %d:%d`, a, b), form("%d to %d", a+b, b), form(`\text{%s to %s}`, inWords(b), inWords(a)), form(`\text{The ratio is } %d:%d`, b, a), form("%d", a),
		},
		steps: []string{
			form("We compare %d girls with %d boys, in this order.", k*a, k*b),
			form("Both numbers can be divided by %d.", k),
			"After that they have no common factor.",
			"The order matters: girls come first.",
		},
	}
}

func point(r *rand.Rand) problem {
	a, b := signed(r, 1, 9), signed(r, 1, 9)
	for a == b || a == -b {
		a = signed(r, 1, 9)
	}
	return problem{
		question: form("At which point do the lines x + y = %d and x - y = %d meet?", a+b, a-b),
		truth:    form("(%d,%d)", a, b),
		right: []string{
			form("(%d, %d)", a, b), form(`\left(%d, %d\right)`, a, b), form("x=%d, y=%d", a, b), form(`x = %d \text{ and } y = %d`, a, b), form(`\begin{pmatrix} %d \\ %d \end{pmatrix}`, a, b), form("the point (%d, %d)", a, b),
			form("P(%d,%d)", a, b), form("(x,y)=(%d,%d)", a, b), form(`(%d \mid %d)`, a, b), form("y = %d, x = %d", b, a), form(`\text{They meet at } (%d, %d)`, a, b), form("(%d; %d)", a, b),
		},
		wrong: []string{
			form("(%d,%d)", b, a), form("(%d,%d)", -a, b), form("(%d, %d)", a, -b), form("x=%d, y=%d", b, a), form("(%d,%d)", a, b+1), form("%d", a), form("(%d,%d,0)", a, b), form("(%d,%d)", -a, -b),
			form(`\begin{pmatrix} %d \\ %d \end{pmatrix}`, b, a), form("P(%d,%d)", a-1, b), form("(%d, %d)", a+b, a-b), form(`\text{They meet at } (%d, %d)`, b, a), form("y = %d, x = %d", a, b),
		},
		steps: []string{
			form("Adding the two equations gives 2x = %d.", 2*a),
			form("Subtracting them gives 2y = %d.", 2*b),
			"So both coordinates are found by halving.",
			"Lines with different slopes meet in one point only.",
		},
	}
}

var people = []string{"Amir", "Beatriz", "Chen", "Dilnoza", "Emeka", "Freya", "Goran", "Hana"}

func name(r *rand.Rand) problem {
	order := r.Perm(len(people))
	first, second, third := people[order[0]], people[order[1]], people[order[2]]
	return problem{
		question: form("%s runs faster than %s, and %s runs slower than %s. Who of the three is the fastest?", first, second, third, second),
		truth:    either(r, first, form(`\text{%s}`, first)),
		right: []string{
			first, form(`\text{%s}`, first), form(`\text{%s is the fastest}`, first), form("%s is the fastest", first), form(`\textbf{%s}`, first), form(`\text{The fastest is %s}`, first), form(`\mathrm{%s}`, first),
			form("%s runs fastest", first), form(`\text{%s (first), %s (second), %s (third)}`, first, second, third), form("**%s**", first), form(`\text{It is %s.}`, first), strings.ToLower(first),
		},
		wrong: []string{
			form(`\text{%s}`, second), third, second, form(`\text{%s is the fastest}`, third), form("%s is the fastest", second), form(`\text{%s}`, third), form(`\text{The fastest is %s}`, second),
			form("%s runs fastest", third), form(`\text{%s or %s}`, first, second), form(`\text{%s (first), %s (second), %s (third)}`, second, first, third), form(`\mathrm{%s}`, second), form(`\text{%s and %s}`, first, third),
		},
		steps: []string{
			form("The first statement puts %s before %s.", first, second),
			form("The second one puts %s behind %s.", third, second),
			"Together they order all three runners.",
			"The fastest is the first in this order.",
		},
	}
}

func yesNo(r *rand.Rand) problem {
	k, q := between(r, 3, 12), between(r, 11, 90)
	n, rest := k*q, 0
	if r.IntN(2) == 0 {
		rest = between(r, 1, k-1)
		n += rest
	}
	yes := form("%d is divisible by %d", n, k)
	no := form("%d is not divisible by %d", n, k)
	says := func(word, short, sentence string) []string {
		return []string{
			word, strings.ToLower(word), form(`\text{%s}`, word), form(`\text{%s}`, strings.ToLower(word)), form(`\textbf{%s}`, word), form(`\text{%s, %s}`, word, short), form(`\text{%s, %s}`, word, sentence),
			form("%s, %s", word, sentence), form(`\text{The answer is %s.}`, strings.ToLower(word)), form("%s, %s.", word, short), form(`\text{%s}`, sentence), form(`\mathrm{%s}`, word),
		}
	}
	right, wrong := says("Yes", "it is", yes), says("No", "it is not", no)
	if rest > 0 {
		right, wrong = wrong, right
	}
	return problem{
		question: form("Is %d divisible by %d?", n, k), truth: either(r, right[0], right[2]), right: right, wrong: wrong,
		steps: []string{
			form("We divide %d by %d.", n, k),
			form("The largest multiple of %d that is not above %d is %d.", k, n, k*q),
			form("The remainder is %d.", rest),
			"A number is divisible by another if nothing remains.",
		},
	}
}
