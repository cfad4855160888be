package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// families are the kinds of problems. Each makes a question, the usual form of
// its answer, further right forms, and wrong answers. Parameters are chosen so
// that no wrong answer is right by accident.
var families = []struct {
	name   string
	domain string
	make   func(r *rand.Rand) problem
}{
	{"fraction", "Mathematics -> Arithmetic", fraction},
	{"linear_function", "Mathematics -> Algebra", linearFunction},
	{"ray", "Mathematics -> Algebra", ray},
	{"interval", "Mathematics -> Algebra", interval},
	{"solution_set", "Mathematics -> Algebra", solutionSet},
	{"length", "Mathematics -> Geometry", length},
	{"ratio", "Mathematics -> Arithmetic", ratio},
	{"point", "Mathematics -> Geometry", point},
	{"percent", "Mathematics -> Arithmetic", percent},
	{"count", "Mathematics -> Discrete Mathematics", count},
	{"circle", "Mathematics -> Geometry", circle},
	{"root", "Mathematics -> Algebra", root},
	{"line", "Mathematics -> Geometry", line},
	{"name", "Mathematics -> Discrete Mathematics", name},
}

// between returns a random whole number from lo to hi, both included.
func between(r *rand.Rand, lo, hi int) int { return lo + r.IntN(hi-lo+1) }

func form(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func fraction(r *rand.Rand) problem {
	m := pick(r, []int{4, 5, 8, 10, 16, 20}) // decimals end
	n := between(r, 1, 4*m)
	for gcd(n, m) > 1 || n == m || n == 1 {
		n = between(r, 1, 4*m)
	}
	a := between(r, 1, n-1)
	p := problem{
		question: form("One pipe fills %d/%d of a tank in an hour and another fills %d/%d. How many tanks do both fill in an hour?", a, m, n-a, m),
		truth:    form(`\frac{%d}{%d}`, n, m),
		right: []string{
			form("%d/%d", n, m), form(`\dfrac{%d}{%d}`, n, m), strconv.FormatFloat(float64(n)/float64(m), 'f', -1, 64),
			form(`\frac{%d}{%d}`, 3*n, 3*m), form(`%d \div %d`, n, m), form(`\frac{%d}{%d} \text{ tanks}`, n, m), form(`%d/%d of a tank`, n, m),
		},
		wrong: []string{
			form(`\frac{%d}{%d}`, m, n), form(`-\frac{%d}{%d}`, n, m), form(`\frac{%d}{%d}`, n+1, m), form(`\frac{%d}{%d}`, n, 2*m), form("%d/%d", n+2, m),
			form("%d/%d", m, n), strconv.FormatFloat(float64(n+1)/float64(m), 'f', -1, 64), strconv.Itoa(n),
		},
	}
	if n > m {
		p.right = append(p.right, form(`%d\frac{%d}{%d}`, n/m, n%m, m), form(`%d \text{ and } \frac{%d}{%d}`, n/m, n%m, m))
	}
	return p
}

func linearFunction(r *rand.Rand) problem {
	a, b := between(r, 2, 9), between(r, 1, 20)
	for a == b {
		b = between(r, 1, 20)
	}
	return problem{
		question: form("Find the linear function f with f(0) = %d and f(1) = %d.", b, a+b),
		truth:    form("f(x)=%dx+%d", a, b),
		right: []string{
			form("f(x) = %d x + %d", a, b), form("%dx+%d", a, b), form("y = %dx + %d", a, b), form("f(x)=%d+%dx", b, a),
			form(`f(x) = %d \cdot x + %d`, a, b), form(`x \mapsto %dx+%d`, a, b), form(`f(x)=%dx+%d \text{ for all real } x`, a, b),
		},
		wrong: []string{
			form("f(x)=%dx-%d", a, b), form("f(x)=%dx+%d", a+1, b), form("f(x)=%dx+%d", b, a), form("%dx", a), form("f(x) = %dx", a), form("f(x) = %d x + %d", a, b+1),
		},
	}
}

func ray(r *rand.Rand) problem {
	a, k := between(r, -12, 12), between(r, 2, 6)
	return problem{
		question: form("Solve the inequality %dx > %d for real x. Give the solution set.", k, k*a),
		truth:    form(`(%d,\infty)`, a),
		right: []string{
			form("x>%d", a), form("x > %d", a), form("%d < x", a), form(`x \in (%d, \infty)`, a), form(`\{x \mid x > %d\}`, a), form(`(%d, +\infty)`, a),
			form(`]%d,\infty[`, a), form("all real numbers greater than %d", a),
		},
		wrong: []string{
			form(`[%d,\infty)`, a), form(`x \ge %d`, a), form(`(-\infty,%d)`, a), form("x<%d", a), form(`(%d,\infty)`, a+1), form("x > %d", a-1), form("%d", a),
		},
	}
}

func interval(r *rand.Rand) problem {
	a := between(r, -9, 9)
	b := a + between(r, 2, 12)
	return problem{
		question: form("For which real x is %d at most x, and x less than %d? Give the answer as an interval.", a, b),
		truth:    form("[%d,%d)", a, b),
		right: []string{
			form("[%d, %d)", a, b), form(`%d \le x < %d`, a, b), form(`%d \leq x < %d`, a, b), form(`x \in [%d,%d)`, a, b), form(`\left[%d,%d\right)`, a, b),
			form(`\{x : %d \le x < %d\}`, a, b), form(`x \ge %d \text{ and } x < %d`, a, b),
		},
		wrong: []string{
			form("(%d,%d)", a, b), form("(%d,%d]", a, b), form("[%d,%d]", a, b), form(`%d < x < %d`, a, b), form("[%d,%d)", a, b+1), form("[%d,%d)", b, a),
		},
	}
}

func solutionSet(r *rand.Rand) problem {
	a := between(r, 1, 12)
	b := -between(r, 1, 12)
	for a == -b {
		b = -between(r, 1, 12)
	}
	return problem{
		question: form("Find all real x with (x - %d)(x + %d) = 0.", a, -b),
		truth:    form("%d,%d", b, a),
		right: []string{
			form("%d, %d", b, a), form("%d,%d", a, b), form(`x=%d \text{ or } x=%d`, a, b), form(`\{%d,%d\}`, b, a), form("x = %d, x = %d", a, b),
			form(`x \in \{%d, %d\}`, a, b), form(`%d \text{ and } %d`, a, b), form(`x_1 = %d, x_2 = %d`, b, a),
		},
		wrong: []string{
			form("%d", a), form("x = %d", b), form("%d,%d", -b, -a), form(`x=%d \text{ or } x=%d`, -a, -b), form("%d,%d", b, a+1), form(`\{%d\}`, a), form("%d, %d", b-1, a),
		},
	}
}

func length(r *rand.Rand) problem {
	a, b := between(r, 3, 40), between(r, 3, 40)
	n := 2 * (a + b)
	return problem{
		question: form("A rectangle is %d cm long and %d cm wide. What is its perimeter in centimetres?", a, b),
		truth:    form("%d", n),
		right: []string{
			form(`%d \text{ cm}`, n), form(`%d\text{ centimetres}`, n), form("%d cm", n), form(`%d\,\mathrm{cm}`, n), form("P = %d", n), form("The perimeter is %d cm", n),
			form("%d.0", n), form(`P = 2(%d+%d) = %d \text{ cm}`, a, b, n),
		},
		wrong: []string{
			form(`%d \text{ m}`, n), form("%d", n+2), form("%d", a+b), form(`%d \text{ cm}`, a*b+n+1), form(`%d \text{ cm}`, n-2), form("%d", -n), form(`%d \text{ mm}`, n),
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
		question: form("A class has %d girls and %d boys. What is the ratio of girls to boys in lowest terms?", k*a, k*b),
		truth:    form("%d:%d", a, b),
		right: []string{
			form("%d : %d", a, b), form(`%d \text{ to } %d`, a, b), form(`\frac{%d}{%d}`, a, b), form("%d/%d", a, b), form("%d to %d", a, b), form(`\text{girls}:\text{boys} = %d:%d`, a, b),
		},
		wrong: []string{
			form("%d:%d", b, a), form("%d:%d", a, a+b), form(`\frac{%d}{%d}`, b, a), form("%d:%d", a+1, b), form(`%d \text{ to } %d`, b, a), form(`\frac{%d}{%d}`, a, a+b),
		},
	}
}

func point(r *rand.Rand) problem {
	a, b := between(r, -9, 9), between(r, 1, 9)
	for a == b || a == 0 {
		a = between(r, -9, 9)
	}
	return problem{
		question: form("At which point do the lines x = %d and y = %d meet?", a, b),
		truth:    form("(%d,%d)", a, b),
		right: []string{
			form("(%d, %d)", a, b), form(`\left(%d, %d\right)`, a, b), form("x=%d, y=%d", a, b), form(`x = %d \text{ and } y = %d`, a, b),
			form(`\begin{pmatrix} %d \\ %d \end{pmatrix}`, a, b), form("the point (%d, %d)", a, b), form("P(%d,%d)", a, b),
		},
		wrong: []string{
			form("(%d,%d)", b, a), form("(%d,%d)", -a, b), form("(%d, %d)", a, -b), form("x=%d, y=%d", b, a), form("(%d,%d)", a, b+1), form("%d", a),
		},
	}
}

func percent(r *rand.Rand) problem {
	p := between(r, 3, 47)
	total := 100 * between(r, 2, 9)
	return problem{
		question: form("%d of %d tickets were sold. What percentage is that?", total/100*p, total),
		truth:    form(`%d\%%`, p),
		right: []string{
			form("%d%%", p), form(`%d \text{ percent}`, p), form(`\frac{%d}{100}`, p), form("%d percent of the tickets", p), form(`%d \%%`, p), form("0.%02d", p),
			form(`%d\%% \text{ of the tickets}`, p),
		},
		wrong: []string{
			form(`%d\%%`, 100-p), form(`%d\%%`, p+1), form("%d%%", p+5), form(`%d \text{ percent}`, 100-p), form("%d", total/100*p+100), form(`-%d\%%`, p),
		},
	}
}

var numberWords = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"}

func count(r *rand.Rand) problem {
	n := between(r, 3, 14)
	extra := between(r, 1, 9)
	return problem{
		question: form("%d students stand in a room and %d leave. How many students are left?", n+extra, extra),
		truth:    form("%d", n),
		right: []string{
			form(`\text{%s}`, numberWords[n]), numberWords[n], form(`%d \text{ students}`, n), form("There are %d students left", n), form("%d.0", n), form("n = %d", n),
			form("The answer: %s students", numberWords[n]),
		},
		wrong: []string{
			form("%d", n+1), form("%d", n-1), numberWords[n+1], form(`\text{%s}`, numberWords[n-1]), form(`%d \text{ students}`, n+extra+extra), form("%d", n+2*extra+20),
		},
	}
}

func circle(r *rand.Rand) problem {
	k := between(r, 3, 15)
	return problem{
		question: form("A circle has radius %d. What is its area?", k),
		truth:    form(`%d\pi`, k*k),
		right: []string{
			form(`%d \pi`, k*k), form(`\pi \cdot %d`, k*k), form(`%d^2\pi`, k), form(`A = %d\pi`, k*k), form(`\pi %d^{2}`, k), form(`%d\pi \text{ square units}`, k*k),
			form(`the area is %d\pi`, k*k),
		},
		wrong: []string{
			form(`%d\pi`, 2*k), form("%d", k*k), form(`\frac{%d\pi}{2}`, k*k), form(`%d\pi`, k*k+1), form(`%d \pi`, k), form(`%d\pi`, 4*k*k),
		},
	}
}

func root(r *rand.Rand) problem {
	a, b := between(r, 2, 7), pick(r, []int{2, 3, 5, 7, 11, 13})
	for a == b {
		a = between(r, 2, 7)
	}
	return problem{
		question: form("Write the positive number whose square is %d in simplest radical form.", a*a*b),
		truth:    form(`%d\sqrt{%d}`, a, b),
		right: []string{
			form(`%d \sqrt{%d}`, a, b), form(`\sqrt{%d}`, a*a*b), form(`%d \cdot \sqrt{%d}`, a, b), form(`\sqrt{%d} \cdot %d`, b, a), form(`%d\sqrt %d`, a, b),
			form(`%d^{1/2}`, a*a*b), form(`x = %d\sqrt{%d}`, a, b), form(`%d \times \sqrt{%d}`, a, b),
		},
		wrong: []string{
			form(`%d\sqrt{%d}`, b, a), form(`\sqrt{%d}`, a*b), form(`%d\sqrt{%d}`, a+1, b), form(`-%d\sqrt{%d}`, a, b), form(`%d`, a*b), form(`\pm %d\sqrt{%d}`, a, b),
		},
	}
}

func line(r *rand.Rand) problem {
	m, b := between(r, 2, 9), between(r, 1, 12)
	for m == b {
		b = between(r, 1, 12)
	}
	return problem{
		question: form("Give the equation of the line with slope %d through (0, %d).", m, b),
		truth:    form("y=%dx+%d", m, b),
		right: []string{
			form("y = %dx + %d", m, b), form("%dx-y+%d=0", m, b), form("y - %d = %dx", b, m), form(`y = %d \cdot x + %d`, m, b), form("%dx + %d", m, b),
			form(`y=%dx+%d \text{ (slope-intercept form)}`, m, b), form("f(x) = %dx + %d", m, b),
		},
		wrong: []string{
			form("y=%dx-%d", m, b), form("y=%dx+%d", b, m), form("y=-%dx+%d", m, b), form("%dx+y+%d=0", m, b), form("y = %dx + %d", m+1, b), form("x = %dy + %d", m, b),
		},
	}
}

var people = []string{"Amir", "Beatriz", "Chen", "Dilnoza", "Emeka", "Freya", "Goran", "Hana"}

func name(r *rand.Rand) problem {
	order := r.Perm(len(people))
	first, second, third := people[order[0]], people[order[1]], people[order[2]]
	return problem{
		question: form("%s runs faster than %s, and %s runs slower than %s. Who is fastest?", first, second, third, second),
		truth:    form(`\text{%s}`, first),
		right: []string{
			first, form(`\text{%s is fastest}`, first), form("%s is the fastest", first), form(`\textbf{%s}`, first), form(`\text{The fastest is %s}`, first), form(`\mathrm{%s}`, first),
		},
		wrong: []string{
			form(`\text{%s}`, second), third, second, form(`\text{%s is fastest}`, third), form("%s is the fastest", second), form(`\text{%s}`, third),
		},
	}
}
