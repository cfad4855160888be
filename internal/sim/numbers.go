package sim

import (
	"math/rand/v2"
	"strconv"
)

// Families whose answer is one number, with what people write around it: units,
// words, signs of currency and percent, groups of digits, other exact forms.

func fraction(r *rand.Rand) problem {
	m := pick(r, []int{4, 5, 8, 10, 16, 20}) // decimals end
	n := between(r, 2, 3*m)
	for gcd(n, m) > 1 {
		n = between(r, 2, 3*m)
	}
	a := between(r, 1, n-1)
	b := n - a
	p := problem{
		question: form("One pipe fills %d/%d of a tank in an hour and another fills %d/%d. How many tanks do both fill in an hour?", a, m, b, m),
		truth:    form(`\frac{%d}{%d}`, n, m),
		right: []string{
			form("%d/%d", n, m), form(`\dfrac{%d}{%d}`, n, m), form(`\frac{%d}{%d}`, 3*n, 3*m), decimal(n, m),
			form(`%d \div %d`, n, m), form(`\frac{%d}{%d} \text{ tanks}`, n, m), form(`%s \text{ tanks per hour}`, decimal(n, m)),
			form(`\frac{%d}{%d} + \frac{%d}{%d} = \frac{%d}{%d}`, a, m, b, m, n, m), form(`\text{The answer is } \frac{%d}{%d}`, n, m),
			form(`\text{Both fill } %d/%d \text{ of a tank in an hour}`, n, m), form(`%d/%d tanks`, n, m),
		},
		wrong: []string{
			form(`\frac{%d}{%d}`, m, n), form("%d/%d", m, n), form(`-\frac{%d}{%d}`, n, m), form(`\frac{%d}{%d}`, n+1, m), form("%d/%d", n+2, m),
			form(`\frac{%d}{%d}`, n, 2*m), form(`\frac{%d}{%d} + \frac{%d}{%d} = \frac{%d}{%d}`, a, m, b, m, n, 2*m), decimal(n+1, m), strconv.Itoa(n),
			form(`%d/%d \text{ tanks}`, n+1, m), form(`\text{The answer is } \frac{%d}{%d}`, n, m+1),
		},
		steps: []string{
			form("In one hour the two pipes add up their shares: %d/%d and %d/%d.", a, m, b, m),
			form("The denominators agree, so only the numerators are added: %d + %d.", a, b),
			form("The denominator stays %d.", m),
			"No further work is needed because both pipes run for the same hour.",
		},
	}
	if n > m {
		p.right = append(p.right, form(`%d\frac{%d}{%d}`, n/m, n%m, m), form(`%d \frac{%d}{%d} \text{ tanks}`, n/m, n%m, m), form(`%d \text{ and } \frac{%d}{%d}`, n/m, n%m, m))
		p.wrong = append(p.wrong, form(`%d\frac{%d}{%d}`, n/m+1, n%m, m))
	}
	return p
}

func rounded(r *rand.Rand) problem {
	var p, q, exact, cents int
	// The third decimal has to round up, else cutting off would be right, and
	// the second must not be zero, else one decimal would do.
	for cents%10 == 0 || exact/10 == cents {
		q = pick(r, []int{3, 6, 7, 9, 11, 13})
		p = between(r, 1, 4*q)
		exact = 1000 * p / q
		cents = (200*p + q) / (2 * q)
	}
	s := hundredths(cents)
	return problem{
		question: form("%d litres of juice are poured evenly into %d jugs. How many litres does each jug hold? Round to two decimal places.", p, q),
		truth:    s,
		right: []string{
			form(`\approx %s`, s), form(`x \approx %s`, s), form(`%s \text{ litres}`, s), form(`\frac{%d}{%d} \approx %s`, p, q, s), form(`\text{about } %s`, s),
			form(`\frac{%d}{100}`, cents), form(`%s \text{ L}`, s), form("%s litres (rounded)", s), form(`%d \times 10^{-2}`, cents), form(`\text{Each jug holds } %s \text{ litres}`, s),
		},
		wrong: []string{
			hundredths(exact / 10), form(`\approx %s`, hundredths(exact/10)), hundredths(cents + 1), hundredths(cents + 10), form("-%s", s),
			form("%d.%d", (cents+5)/100, (cents+5)/10%10), form("%d.%d", cents/10, cents%10), form(`%s \text{ litres}`, hundredths(exact/10)),
			form(`%s \text{ litres}`, hundredths(cents+2)), form(`%s \text{ ml}`, s), form(`\frac{%d}{%d} \approx %s`, p, q, hundredths(cents+10)),
		},
		steps: []string{
			form("Each jug gets %d divided by %d litres.", p, q),
			form("Long division gives %d.%03d... litres.", exact/1000, exact%1000),
			"The third decimal decides whether the second one is rounded up.",
			"Two decimal places are asked for.",
		},
	}
}

func percent(r *rand.Rand) problem {
	p := between(r, 11, 47)
	hundreds := between(r, 2, 9)
	sold := hundreds * p
	return problem{
		question: form("%d of %d tickets were sold. What share of the tickets is that, in percent?", sold, 100*hundreds),
		truth:    form(`%d\%%`, p),
		right: []string{
			form("%d%%", p), form(`%d \%%`, p), form(`%d \text{ percent}`, p), form("%d percent", p), form(`\frac{%d}{100}`, p), form("0.%d", p), form("%d/100", p),
			form(`\frac{%d}{%d} = %d\%%`, sold, 100*hundreds, p), form(`%d\%% \text{ of the tickets}`, p), form("%d percent of the tickets", p), form(`\text{%s percent}`, inWords(p)),
		},
		wrong: []string{
			form(`%d\%%`, 100-p), form("%d%%", 100-p), form(`%d\%%`, p+1), form("%d%%", p+5), form(`%d \text{ percent}`, 100-p), form("%d", sold), form(`-%d\%%`, p),
			form("0.0%d", p), form(`\frac{%d}{100}`, 100-p), form(`\text{%s percent}`, inWords(p-1)), form(`\frac{%d}{%d} = %d\%%`, sold, 100*hundreds, p+2),
		},
		steps: []string{
			form("We compare the tickets sold, %d, with all tickets, %d.", sold, 100*hundreds),
			form("One percent of all tickets is %d tickets.", hundreds),
			form("So %d has to be divided by %d.", sold, hundreds),
			"A share is the part divided by the whole.",
		},
	}
}

func price(r *rand.Rand) problem {
	var k, each, total int
	for total%100 < 2 || total%100 == 99 {
		k, each = between(r, 3, 9), 5*between(r, 21, 190)
		total = k * each
	}
	s := hundredths(total)
	p := problem{
		question: form("One notebook costs %s dollars. How many dollars do %d notebooks cost?", hundredths(each), k),
		truth:    either(r, s, form(`\$%s`, s)),
		right: []string{
			s, form(`\$%s`, s), form(`%s \text{ dollars}`, s), form("%s dollars", s), form(`%s \text{ USD}`, s), form(`\$ %s`, s), form(`\text{\$}%s`, s), form(`%d \text{ cents}`, total),
			form(`\frac{%d}{100}`, total), form(`\text{%d dollars and %d cents}`, total/100, total%100), form(`%d \times %s = %s`, k, hundredths(each), s),
			form(`\text{The notebooks cost } %s \text{ dollars}`, s),
		},
		wrong: []string{
			form(`%s \text{ cents}`, s), hundredths(total + 10), hundredths(total - 5), form(`\$%s`, hundredths(total+100)), form("%d.%d", total/10, total%10), hundredths(each),
			form(`%s \text{ dollars}`, hundredths(total-each)), form(`\$%s`, hundredths(total+5)), form("-%s", s), form(`\text{%d dollars and %d cents}`, total/100, total%100+1),
		},
		steps: []string{
			form("One notebook is %d cents.", each),
			form("There are %d of them, so we multiply %s by %d.", k, hundredths(each), k),
			form("%d times %d cents is what they cost together.", k, each),
			"There is no discount, so the price is proportional.",
		},
	}
	if total%10 == 0 {
		p.right = append(p.right, decimal(total, 100), form(`\$%s`, decimal(total, 100)))
	}
	return p
}

func length(r *rand.Rand) problem {
	a, b := between(r, 3, 40), between(r, 3, 40)
	for a*b == 2*(a+b) {
		a = between(r, 3, 40)
	}
	n := 2 * (a + b)
	return problem{
		question: form("A rectangle is %d cm long and %d cm wide. What is its perimeter in centimetres?", a, b),
		truth:    either(r, form("%d", n), form(`%d \text{ cm}`, n)),
		right: []string{
			form("%d", n), form(`%d \text{ cm}`, n), form(`%d\text{ centimetres}`, n), form("%d cm", n), form(`%d\,\mathrm{cm}`, n), form(`%d~\text{cm}`, n), form("P = %d", n),
			form(`P = 2(%d+%d) = %d \text{ cm}`, a, b, n), form("%d.0", n), form(`\text{The perimeter is } %d \text{ cm}`, n), form("The perimeter is %d cm", n), form("%d centimeters", n),
			form(`%s \text{ m}`, decimal(n, 100)),
		},
		wrong: []string{
			form(`%d \text{ m}`, n), form(`%d \text{ mm}`, n), form(`%d \text{ cm}^2`, n), form("%d", n+2), form("%d", a+b), form(`%d \text{ cm}`, a+b), form(`%d \text{ cm}`, a*b),
			form(`%d \text{ cm}`, n-2), form("-%d", n), form("%d cm", n+4), form("P = %d", a+b), form(`\text{The perimeter is } %d \text{ cm}`, n+1), form("%d", a*b),
		},
		steps: []string{
			form("A rectangle has two sides of %d cm and two of %d cm.", a, b),
			form("Half the perimeter is %d + %d.", a, b),
			"The perimeter is twice the sum of length and width.",
			"All lengths are in centimetres, so nothing has to be converted.",
		},
	}
}

func speed(r *rand.Rand) problem {
	v, t := between(r, 12, 95), between(r, 2, 6)
	d := v * t
	return problem{
		question: form("A train covers %d km in %d hours. What is its average speed in km/h?", d, t),
		truth:    either(r, form("%d", v), form(`%d \text{ km/h}`, v)),
		right: []string{
			form("%d", v), form(`%d \text{ km/h}`, v), form(`%d\,\mathrm{km/h}`, v), form(`%d \frac{\text{km}}{\text{h}}`, v), form(`%d \text{ kilometres per hour}`, v), form("%d km/h", v),
			form("v = %d", v), form(`v = \frac{%d}{%d} = %d \text{ km/h}`, d, t, v), form(`%d \text{ km per hour}`, v), form(`\text{The average speed is } %d \text{ km/h}`, v),
			form(`%d\ \text{km}\cdot\text{h}^{-1}`, v), form("%d.0", v), form(`\frac{%d}{%d}`, d, t),
		},
		wrong: []string{
			form(`%d \text{ m/s}`, v), form(`%d \text{ km}`, v), form("%d", d*t), form("%d", v+1), form("%d", v-2), form(`%d \text{ km/h}`, d), form(`%d \text{ km/h}`, v+5),
			form(`\frac{%d}{%d}`, t, d), form("v = %d", d-t), form("-%d", v), form(`\text{The average speed is } %d \text{ km/h}`, v+2),
		},
		steps: []string{
			"Average speed is distance divided by time.",
			form("The distance is %d km and the time is %d h.", d, t),
			form("Dividing %d by %d leaves no remainder.", d, t),
			"The unit of the quotient is km/h.",
		},
	}
}

func count(r *rand.Rand) problem {
	n, gone := between(r, 3, 40), between(r, 2, 9)
	return problem{
		question: form("%d students are in a room and %d of them leave. How many students are left?", n+gone, gone),
		truth:    form("%d", n),
		right: []string{
			inWords(n), form(`\text{%s}`, inWords(n)), form(`\text{%s}`, capital(inWords(n))), form(`%d \text{ students}`, n), form(`\text{%s students}`, inWords(n)), form("%d students", n),
			form("There are %d students left", n), form(`\text{There are %s students left}`, inWords(n)), form("n = %d", n), form("%d.0", n), form("The answer is %s", inWords(n)),
			form("%d - %d = %d", n+gone, gone, n), form(`\mathbf{%d}`, n),
		},
		wrong: []string{
			form("%d", n+1), form("%d", n-1), inWords(n + 1), form(`\text{%s}`, inWords(n-1)), form(`%d \text{ students}`, n+2*gone), form("%d", n+2*gone), form("-%d", n),
			form(`\text{There are %s students left}`, inWords(n+2)), form(`\text{%s students}`, inWords(n+1)), form("n = %d", n+gone), form("%d - %d = %d", n+gone, gone, n-1), form("%d", 10*n),
		},
		steps: []string{
			form("At first there are %d students.", n+gone),
			form("We take away the %d who leave.", gone),
			"Nobody else comes in, so this is one subtraction.",
			form("As a check, adding %d again must give %d.", gone, n+gone),
		},
	}
}

func grouped(r *rand.Rand) problem {
	a, b := between(r, 21, 98), between(r, 51, 999)
	for a*b%10 == 0 {
		a, b = between(r, 21, 98), between(r, 51, 999)
	}
	n := a * b
	s := strconv.Itoa(n)
	return problem{
		question: form("A factory packs %d boxes with %d screws each. How many screws are that?", a, b),
		truth:    pick(r, []string{s, s, thousands(n, ","), thousands(n, "{,}")}),
		right: []string{
			s, thousands(n, ","), thousands(n, "{,}"), thousands(n, `\,`), thousands(n, " "), thousands(n, `,\!`), form(`%d \text{ screws}`, n), thousands(n, ",") + " screws", form(`%d \times %d = %d`, a, b, n),
			scientific(s, len(s)-1), s + ".0", form(`\text{%s screws}`, thousands(n, ",")), form(`N = %d`, n),
		},
		wrong: []string{
			form("%d", n+10), form("%d", n-100), s + "0", thousands(n+100, ","), thousands(n-10, "{,}"), form("%d", a+b), scientific(s, len(s)), decimal(n, 10), form("-%d", n),
			form(`%d \text{ screws}`, n+1), thousands(n+9, ",") + " screws", form(`%d \times %d = %d`, a, b, n-2),
		},
		steps: []string{
			form("We need the product of %d and %d.", a, b),
			form("Split it: %d times %d is %d.", a, b/10*10, a*(b/10*10)),
			form("The rest is %d times %d, which is %d.", a, b%10, a*(b%10)),
			"Adding the two parts gives the number of screws.",
		},
	}
}

func angle(r *rand.Rand) problem {
	a, b := between(r, 20, 80), between(r, 20, 80)
	for a+b == 90 {
		b = between(r, 20, 80)
	}
	c := 180 - a - b
	d := gcd(c, 180)
	return problem{
		question: form("Two angles of a triangle measure %d and %d degrees. How large is the third angle?", a, b),
		truth:    either(r, form(`%d^\circ`, c), form("%d", c)),
		right: []string{
			form("%d", c), form(`%d^\circ`, c), form(`%d^{\circ}`, c), form("%d°", c), form(`%d \text{ degrees}`, c), form("%d degrees", c), form(`\angle C = %d^\circ`, c), form(`\gamma = %d^{\circ}`, c),
			form(`180^\circ - %d^\circ - %d^\circ = %d^\circ`, a, b, c), form(`\text{The third angle is } %d^\circ`, c), form(`\frac{%d\pi}{%d} \text{ rad}`, c/d, 180/d),
		},
		wrong: []string{
			form(`%d^\circ`, b+c), form("%d", a+c), form(`%d^\circ`, a+b), form("%d", a+b), form(`%d^{\circ}`, c+10), form(`%d \text{ rad}`, c), form(`\frac{%d\pi}{%d} \text{ rad}`, 2*c/d, 180/d),
			form(`%d \text{ degrees}`, c-1), form(`\angle C = %d^\circ`, c+1), form(`-%d^\circ`, c), form("%d degrees", c+180), form(`\text{The third angle is } %d^\circ`, c+a),
		},
		steps: []string{
			"The angles of a triangle add up to 180 degrees.",
			form("The two known angles have the sum %d + %d.", a, b),
			"What is missing to 180 degrees is the third angle.",
			"The triangle need not be a right triangle.",
		},
	}
}

func circle(r *rand.Rand) problem {
	k := between(r, 3, 15)
	return problem{
		question: form("A circle has radius %d. What is its exact area?", k),
		truth:    form(`%d\pi`, k*k),
		right: []string{
			form(`%d \pi`, k*k), form(`\pi \cdot %d`, k*k), form(`%d \cdot \pi`, k*k), form(`%d^2\pi`, k), form(`A = %d\pi`, k*k), form(`\pi \cdot %d^{2}`, k), form(`%d\pi \text{ square units}`, k*k),
			form(`\text{The area is } %d\pi`, k*k), form("%dπ", k*k), form(`\pi(%d)^2 = %d\pi`, k, k*k), form("%d pi", k*k), form(`\frac{%d\pi}{2}`, 2*k*k),
		},
		wrong: []string{
			form(`%d\pi`, 2*k), form("%d", k*k), form(`\frac{%d\pi}{2}`, k*k), form(`%d\pi`, k*k+1), form(`%d \pi`, k), form(`%d\pi`, 4*k*k), form(`A = %d\pi`, 2*k), form(`-%d\pi`, k*k),
			form(`%d\pi^2`, k*k), form(`%d \pi \text{ square units}`, k*k-1), form(`\frac{%d}{\pi}`, k*k), form(`\pi \cdot %d`, k*k+k),
		},
		steps: []string{
			`The area of a circle with radius $r$ is $\pi r^2$.`,
			form("Here the radius is %d.", k),
			form("The square of the radius is %d times %d.", k, k),
			`The answer stays exact, so $\pi$ is not replaced by a decimal.`,
		},
	}
}

func root(r *rand.Rand) problem {
	a, b := between(r, 2, 7), pick(r, []int{2, 3, 5, 7, 11, 13})
	for a == b {
		a = between(r, 2, 7)
	}
	n := a * a * b
	return problem{
		question: form("Which positive number has the square %d?", n),
		truth:    form(`%d\sqrt{%d}`, a, b),
		right: []string{
			form(`%d \sqrt{%d}`, a, b), form(`\sqrt{%d}`, n), form(`%d \cdot \sqrt{%d}`, a, b), form(`\sqrt{%d} \cdot %d`, b, a), form(`%d\sqrt %d`, a, b), form(`%d^{1/2}`, n), form(`x = %d\sqrt{%d}`, a, b),
			form(`%d \times \sqrt{%d}`, a, b), form(`\sqrt{%d} = %d\sqrt{%d}`, n, a, b), form(`%d^{\frac{1}{2}}`, n), form("%d√%d", a, b), form(`\frac{%d}{\sqrt{%d}}`, a*b, b),
			form(`\text{The number is } %d\sqrt{%d}`, a, b),
		},
		wrong: []string{
			form(`%d\sqrt{%d}`, b, a), form(`-%d\sqrt{%d}`, a, b), form(`%d\sqrt{%d}`, a+1, b), form(`%d \sqrt{%d}`, a, b+1), form(`\sqrt{%d}`, n+1), form("%d", a*b), form(`\sqrt{%d}`, a*b),
			form(`x = %d\sqrt{%d}`, a*a, b), form(`\sqrt[3]{%d}`, n), form("%d", n), form(`\frac{\sqrt{%d}}{2}`, n), form(`%d^{1/2}`, n-1),
		},
		steps: []string{
			form("We look for the square root of %d.", n),
			form("The largest square that divides %d is %d.", n, a*a),
			form("What is left under the root is %d, which is free of squares.", b),
			"Only the positive root is asked for.",
		},
	}
}

func power(r *rand.Rand) problem {
	g, a, b := pick(r, []int{2, 3, 5}), between(r, 2, 6), between(r, 3, 6)
	n := a + b
	value := 1
	for range n {
		value *= g
	}
	p := problem{
		question: form("Compute %d^%d times %d^%d.", g, a, g, b),
		truth:    form("%d^{%d}", g, n),
		right: []string{
			form("%d", value), form("%d^{%d+%d}", g, a, b), form(`%d^{%d} = %d`, g, n, value), form(`%d^{%d} \cdot %d^{%d} = %d^{%d}`, g, a, g, b, g, n), form("%d^(%d)", g, n),
			form(`%d \cdot %d^{%d}`, g, g, n-1), form(`\frac{1}{%d^{-%d}}`, g, n), form(`\text{The product is } %d^{%d}`, g, n), form(`\text{%s to the power %d}`, inWords(g), n), form(`\left(%d\right)^{%d}`, g, n),
		},
		wrong: []string{
			form("%d^{%d}", g, a*b), form("%d^{%d}", g*g, n), form("%d^{%d}", g*g, a*b), form("%d^{%d}", g, n+1), form("%d^{%d}", g, n-1), form("%d", g*n), form("%d", value+g), form("%d^{-%d}", g, n),
			form("%d", value/g), form(`%d^{%d} \cdot %d^{%d} = %d^{%d}`, g, a, g, b, g, a*b), form("-%d", value), form(`\text{%s to the power %d}`, inWords(g), n+2),
		},
		steps: []string{
			form("Both factors have the base %d.", g),
			"Powers of one base are multiplied by adding the exponents.",
			form("The exponents are %d and %d.", a, b),
			form("The base %d does not change.", g),
		},
	}
	if n%2 == 0 {
		p.right = append(p.right, form("%d^{%d}", g*g, n/2))
	}
	if value >= 1000 {
		p.right = append(p.right, thousands(value, ","), thousands(value, "{,}"))
	}
	return p
}
