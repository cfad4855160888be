package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestFormsMeanWhatTheyClaim reads every form of many problems back with a reader
// that knows nothing of how forms are made, and compares what they mean. A form
// that cannot be read fails too, so none goes unlooked at.
func TestFormsMeanWhatTheyClaim(t *testing.T) {
	t.Parallel()
	read := 0
	for _, seed := range []uint64{1, math.MaxUint64} {
		w := &World{Seed: seed}
		for i := range 15 * len(families) {
			p := w.problem(i)
			want, err := meaning(p.family, p.truth)
			if err != nil {
				t.Fatalf("seed %d, problem %d (%s): ground truth %q: %v", seed, i, p.family, p.truth, err)
			}
			for j, form := range slices.Concat(p.right, p.wrong) {
				got, err := meaning(p.family, form)
				isRight := j < len(p.right)
				if err != nil || (got == want) != isRight {
					t.Errorf("seed %d, problem %d (%s), %s\nground truth %q means %s\nform %q, right %v, means %s (%v)", seed, i, p.family, p.question, p.truth, want, form, isRight, got, err)
				}
				read++
			}
		}
		if t.Failed() {
			return
		}
	}
	if read < 16_000 {
		t.Errorf("only %d forms were read", read)
	}
}

// TestMeaning keeps the reader honest: it must tell apart what is different.
func TestMeaning(t *testing.T) {
	for _, c := range []struct {
		family, a, b string
		same         bool
	}{
		{"fraction", `\frac{1}{2}`, "0.5", true}, {"fraction", `1\frac{1}{2}`, "3/2", true}, {"fraction", `1\frac{1}{2}`, "1/2", false},
		{"length", "150", `1.5 \text{ m}`, true}, {"length", "150", `150 \text{ m}`, false}, {"length", "4", `4 \text{ cm}^2`, false},
		{"root", `2\sqrt{3}`, `\sqrt{12}`, true}, {"root", `2\sqrt{3}`, `3\sqrt{2}`, false}, {"power", "2^{3+4}", "128", true}, {"power", "-2^{7}", "128", false},
		{"linear_function", "f(x)=2x-3", `x \mapsto -3+2x`, true}, {"linear_function", "f(x)=2x-3", "f(x)=2x+3", false},
		{"line", "y=2x+1", "2y = 4x + 2", true}, {"line", "y=2x+1", "2x+y+1=0", false}, {"polynomial", "x^2-5x+6", "(x-2)(x-3)", true}, {"polynomial", "x^2-5x+6", "(x+2)(x+3)", false},
		{"ray", `(-\infty,-5)`, "k<-5", true}, {"ray", `(-\infty,-5]`, "k<-5", false}, {"ray", `]3,\infty[`, "3 < x", true}, {"ray", "3", "x = 3", true},
		{"interval", `1 \le x < 2`, "[1,2)", true}, {"interval", "(1,2]", "[1,2)", false}, {"union", `x<1 \text{ or } x>2`, `\mathbb{R} \setminus [1,2]`, true}, {"union", `x<1 \text{ and } x>2`, `x<1, x>2`, false},
		{"solution_set", "1,2", `x=2 \text{ or } x=1`, true}, {"solution_set", "1,2", "1", false}, {"radical_pair", `1\pm\sqrt{2}`, `\frac{2 \pm \sqrt{8}}{2}`, true}, {"plus_minus", `\pm 3`, "3", false},
		{"ratio", "2:3", `\text{two to three}`, true}, {"ratio", "2:3", `\text{boys}:\text{girls} = 3:2`, true}, {"point", "(1,2)", "y = 2, x = 1", true}, {"point", "(1,2)", "(2,1)", false},
		{"name", "Amir", `\text{Amir or Chen}`, false}, {"yes_no", "No", `\text{7 is not divisible by 2}`, true}, {"angle", "90", `\frac{1\pi}{2} \text{ rad}`, true}, {"percent", `17\%`, "0.17", true}, {"percent", `17\%`, "17", false},
	} {
		a, errA := meaning(c.family, c.a)
		b, errB := meaning(c.family, c.b)
		if errA != nil || errB != nil || (a == b) != c.same {
			t.Errorf("%s: %q means %s (%v), %q means %s (%v); same should be %v", c.family, c.a, a, errA, c.b, b, errB, c.same)
		}
	}
	for _, c := range [][2]string{{"fraction", "three quarters"}, {"ray", "a lot"}, {"point", "(1,"}, {"name", "Zoe"}, {"yes_no", "perhaps"}, {"solution_set", "1,,2"}} {
		if got, err := meaning(c[0], c[1]); err == nil {
			t.Errorf("%s: %q is read as %s", c[0], c[1], got)
		}
	}
}

// meaning returns a text that two forms share exactly if they mean the same as an
// answer to a problem of the family.
func meaning(family, form string) (string, error) {
	s := plainForm(form)
	switch family {
	case "linear_function", "polynomial":
		return meaningOfFunction(s)
	case "line":
		return meaningOfEquation(s)
	case "ray", "interval", "union":
		return meaningOfRegion(s)
	case "solution_set", "plus_minus", "radical_pair":
		return meaningOfSet(s)
	case "point":
		return meaningOfPoint(s)
	case "name":
		return meaningOfName(s)
	case "yes_no":
		return meaningOfYesNo(s)
	}
	return meaningOfNumber(family, s)
}

var (
	texts  = regexp.MustCompile(`\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}`)
	blanks = strings.NewReplacer(`\\`, `\\`, `\left`, "", `\right`, "", `\,`, " ", `\ `, " ", "~", " ", `\!`, "", `\$`, "$", `\%`, "%", "{,}", ",", "{:}", ":", "**", "")
)

// plainForm undoes what is about typesetting alone.
func plainForm(s string) string {
	s = blanks.Replace(s)
	return strings.TrimSuffix(strings.Join(strings.Fields(texts.ReplaceAllString(s, "$1")), " "), ".")
}

func afterLast(s string, separators ...string) string {
	for _, sep := range separators {
		if at := strings.LastIndex(s, sep); at >= 0 {
			s = s[at+len(sep):]
		}
	}
	return s
}

var (
	fillers = regexp.MustCompile(`(?i)\b(?:the|answer|is|both|fill|of|an?|tanks?|in|hour|per hour|each|jug|holds|about|litres|l|rounded|tickets|share|notebooks|cost|total|perimeter|average|speed|there|are|students|left|` +
		`screws|third|angle|c|area|square units|number|product|to the power|ratio|girls|boys|solutions|function|line|polynomial|they|meet|at|point|p)\b`)
	wordsOfNumbers  = regexp.MustCompile(`(?i)\b[a-z]+(?:-[a-z]+)?\b`)
	dollarsAndCents = regexp.MustCompile(`^(\d+) dollars and (\d+) cents$`)
	membership      = regexp.MustCompile(`^[xkt] \\in (.*)$`)
	forReal         = regexp.MustCompile(` for real [xkt]$`)
	denial          = regexp.MustCompile(`\b(?:no|not)\b`)
	assent          = regexp.MustCompile(`\byes\b|\bis divisible\b`)
	mixedNumber     = regexp.MustCompile(`^ *\d+ ?\\frac`)
	groups          = regexp.MustCompile(`(\d)[, ](\d{3})\b`)
)

var numberWords = func() (all []string) {
	for n := range 100 {
		all = append(all, inWords(n))
	}
	return all
}()

// unitsOf gives the factors of units, longest names first. A factor of 0 marks a
// unit that cannot be converted into the one that is asked for.
var unitsOf = map[string][]struct {
	name   string
	factor float64
}{
	"length": {{"centimetres", 1}, {"centimeters", 1}, {"cm^2", 0}, {"cm", 1}, {"mm", 0.1}, {"m", 100}},
	"speed": {
		{`\frac{km}{h}`, 1}, {`km\cdoth^{-1}`, 1}, {`km\cdot h^{-1}`, 1}, {"kilometres per hour", 1}, {"km per hour", 1}, {"km/h", 1}, {"m/s", 3.6}, {"km", 0},
	},
	"angle":   {{`^\circ`, 1}, {`^{\circ}`, 1}, {"°", 1}, {"degrees", 1}, {"rad", 180 / math.Pi}},
	"price":   {{"dollars", 1}, {"USD", 1}, {"cents", 0.01}, {"$", 1}},
	"rounded": {{"ml", 0}},
	"percent": {{"%", 0.01}, {"percent", 0.01}},
}

func meaningOfNumber(family, s string) (string, error) {
	if family == "ratio" {
		if rest, ok := strings.CutPrefix(s, "boys:girls ="); ok {
			b, a, _ := strings.Cut(rest, ":")
			s = a + ":" + b
		}
		s = strings.NewReplacer(" to ", "/", ":", "/").Replace(afterLast(s, "= "))
		s = strings.ReplaceAll(s, "girls/", "/")
	}
	if m := dollarsAndCents.FindStringSubmatch(s); m != nil {
		s = m[1] + " + " + m[2] + "/100"
	}
	if family == "fraction" {
		s = strings.Replace(s, " and ", " + ", 1)
	}
	if family == "power" {
		s = strings.Replace(s, " to the power ", "^", 1)
	}
	s = afterLast(s, "=", `\approx`)
	factor, unit := 1.0, ""
	for _, u := range unitsOf[family] {
		if before, after, ok := strings.Cut(s, u.name); ok {
			s, factor = before+" "+after, u.factor
			if factor == 0 {
				unit = " " + u.name
				factor = 1
			}
			break
		}
	}
	s = strings.ReplaceAll(fillers.ReplaceAllString(s, ""), "()", "")
	s = wordsOfNumbers.ReplaceAllStringFunc(s, func(word string) string {
		if n := slices.Index(numberWords, strings.ToLower(word)); n >= 0 {
			return strconv.Itoa(n)
		}
		return word
	})
	for groups.MatchString(s) {
		s = groups.ReplaceAllString(s, "$1$2")
	}
	x, err := evaluate(s, nil)
	return fmt.Sprintf("%.9g%s", x*factor, unit), err
}

func meaningOfFunction(s string) (string, error) {
	s = strings.TrimSuffix(s, " for all real x")
	s = strings.TrimSuffix(s, `, x \in \mathbb{R}`)
	isT := strings.Contains(s, "f(t)")
	s = fillers.ReplaceAllString(afterLast(s, "=", `\mapsto`, "->"), "")
	if isT {
		s = strings.ReplaceAll(s, "t", "x")
	}
	var values []string
	for _, x := range []float64{-1.5, 0.25, 2, 3} {
		y, err := evaluate(s, map[string]float64{"x": x})
		if err != nil {
			return "", err
		}
		values = append(values, fmt.Sprintf("%.9g", y+0)) // -0 is 0
	}
	return strings.Join(values, " "), nil
}

func meaningOfEquation(s string) (string, error) {
	s = fillers.ReplaceAllString(strings.TrimSuffix(s, " (slope-intercept form)"), "")
	left, right, ok := strings.Cut(s, "=")
	if !ok {
		return "", errors.New("not an equation")
	}
	var failed error
	at := func(x, y float64) float64 {
		env := map[string]float64{"x": x, "y": y}
		l, err := evaluate(left, env)
		r, err2 := evaluate(right, env)
		failed = cmp.Or(failed, err, err2)
		return l - r
	}
	c := at(0, 0)
	a, b := at(1, 0)-c, at(0, 1)-c
	if math.Abs(at(2, 3)-(2*a+3*b+c)) > 1e-9 {
		return "", errors.New("not linear")
	}
	return fmt.Sprintf("%.9g x + y + %.9g = 0", a/b+0, c/b+0), failed
}

func meaningOfSet(s string) (string, error) {
	s = strings.TrimPrefix(s, "The solutions are ")
	s = strings.TrimPrefix(s, `x \in `)
	s = strings.TrimSuffix(strings.TrimPrefix(s, `\{`), `\}`)
	s = strings.NewReplacer(" or ", ",", " and ", ",", ";", ",", "±", `\pm`).Replace(s)
	var values []float64
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		for _, prefix := range []string{"x_1", "x_2", "x_{1", "x", "2}"} { // x_{1,2} is split in the middle
			part = strings.TrimPrefix(part, prefix)
		}
		if part == "" && strings.Contains(s, "x_{1,2}") {
			continue
		}
		part = strings.TrimPrefix(strings.TrimSpace(part), "=")
		for _, sign := range []string{"+", "-"} {
			x, err := evaluate(strings.ReplaceAll(part, `\pm`, sign), nil)
			if err != nil {
				return "", err
			}
			values = append(values, math.Round(x*1e9)/1e9)
		}
	}
	slices.Sort(values)
	return fmt.Sprint(slices.Compact(values)), nil
}

var (
	intervals  = regexp.MustCompile(`([\[\](])(-?\d+|-\\infty), ?(-?\d+|\+?\\infty)([\])\[])`)
	chains     = regexp.MustCompile(`^(?:(-?\d+) ?(<|>|\\le|\\ge) ?)?[xkt] ?(?:(<|>|\\le|\\ge|=) ?(-?\d+))?$`)
	builder    = regexp.MustCompile(`^\\\{[xkt](?: \\in \\mathbb\{R\})? (?:\\mid|:) (.*)\\\}$`)
	comparison = strings.NewReplacer("less than ", "x < ", "at most ", `x \le `, "greater than ", "x > ", "at least ", `x \ge `)
)

// meaningOfRegion says which of the numbers -30, -29.5, ... 30 belong to it.
func meaningOfRegion(s string) (string, error) {
	s = membership.ReplaceAllString(s, "$1")
	s = builder.ReplaceAllString(s, "$1")
	s = comparison.Replace(strings.TrimPrefix(s, "all real numbers "))
	s = forReal.ReplaceAllString(s, "")
	outside := false
	if rest, ok := strings.CutPrefix(s, `\mathbb{R} \setminus `); ok {
		s, outside = rest, true
	}
	parts, all := []string{s}, false
	for _, joint := range []string{` \cup `, `\cup`, " or ", " and "} {
		if strings.Contains(s, joint) {
			parts, all = strings.Split(s, joint), joint == " and "
			break
		}
	}
	if len(parts) == 1 && !intervals.MatchString(s) {
		parts = strings.Split(s, ", ")
	}
	var tests []func(float64) bool
	for _, part := range parts {
		test, err := region(strings.TrimSpace(part))
		if err != nil {
			return "", err
		}
		tests = append(tests, test)
	}
	var b strings.Builder
	for i := -60; i <= 60; i++ {
		in := all
		for _, test := range tests {
			if all {
				in = in && test(float64(i)/2)
			} else {
				in = in || test(float64(i)/2)
			}
		}
		b.WriteByte("01"[map[bool]int{true: 1}[in != outside]])
	}
	return b.String(), nil
}

func region(s string) (func(float64) bool, error) {
	bound := func(s string) float64 {
		switch s {
		case `-\infty`:
			return math.Inf(-1)
		case `\infty`, `+\infty`:
			return math.Inf(1)
		}
		x, _ := strconv.ParseFloat(s, 64)
		return x
	}
	holds := func(x float64, sign string, y float64) bool {
		return map[string]bool{"<": x < y, ">": x > y, `\le`: x <= y, `\ge`: x >= y, "=": x == y}[sign]
	}
	if m := intervals.FindStringSubmatch(s); m != nil && m[0] == s {
		low, high := bound(m[2]), bound(m[3])
		return func(x float64) bool {
			return (x > low || m[1] == "[" && x == low) && (x < high || m[4] == "]" && x == high)
		}, nil
	}
	if m := chains.FindStringSubmatch(s); m != nil && m[0] != "x" {
		return func(x float64) bool {
			return (m[2] == "" || holds(bound(m[1]), m[2], x)) && (m[3] == "" || holds(x, m[3], bound(m[4])))
		}, nil
	}
	if y, err := strconv.ParseFloat(s, 64); err == nil {
		return func(x float64) bool { return x == y }, nil
	}
	return nil, fmt.Errorf("%q is no set of numbers", s)
}

var (
	pointForms = []*regexp.Regexp{
		regexp.MustCompile(`^(?:P|\(x,y\)=|the point |They meet at )?\((-?\d+)(?:,|, |; | \\mid )(-?\d+)(,-?\d+)?\)$`),
		regexp.MustCompile(`^\\begin\{pmatrix\} (-?\d+) \\\\ (-?\d+) \\end\{pmatrix\}$`),
		regexp.MustCompile(`^x ?= ?(-?\d+)(?:, | and )y ?= ?(-?\d+)$`),
	}
	pointReversed = regexp.MustCompile(`^y = (-?\d+), x = (-?\d+)$`)
)

func meaningOfPoint(s string) (string, error) {
	for _, re := range pointForms {
		if m := re.FindStringSubmatch(s); m != nil {
			return strings.TrimSpace(strings.Join(m[1:], " ")), nil
		}
	}
	if m := pointReversed.FindStringSubmatch(s); m != nil {
		return m[2] + " " + m[1], nil
	}
	if x, err := strconv.Atoi(s); err == nil {
		return fmt.Sprint(x), nil
	}
	return "", fmt.Errorf("%q is no point", s)
}

func meaningOfName(s string) (string, error) {
	var found []string
	for word := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == ' ' || c == ',' || c == '.' }) {
		if slices.ContainsFunc(people, func(p string) bool { return strings.EqualFold(p, word) }) {
			found = append(found, strings.ToLower(word))
		}
	}
	switch {
	case len(found) == 0:
		return "", fmt.Errorf("%q names nobody", s)
	case len(found) > 1 && !strings.Contains(s, "(first)"):
		return strings.Join(found, "+"), nil
	}
	return found[0], nil
}

func meaningOfYesNo(s string) (string, error) {
	s = strings.ToLower(s)
	no := denial.MatchString(s)
	yes := assent.MatchString(s)
	if yes == no {
		return "", fmt.Errorf("%q says neither yes nor no", s)
	}
	return fmt.Sprint(yes), nil
}

// evaluate computes a LaTeX expression in floating point.
func evaluate(s string, env map[string]float64) (x float64, err error) {
	p := &expression{rest: s, env: env}
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("%q: %v", s, failure)
		}
	}()
	x = p.sum()
	if p.space(); p.rest != "" {
		return 0, fmt.Errorf("%q: cannot read from %q on", s, p.rest)
	}
	return x, nil
}

type expression struct {
	rest string
	env  map[string]float64
}

func (p *expression) space() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *expression) take(tokens ...string) bool {
	p.space()
	for _, token := range tokens {
		if rest, ok := strings.CutPrefix(p.rest, token); ok {
			p.rest = rest
			return true
		}
	}
	return false
}

func (p *expression) sum() float64 {
	var x float64
	switch {
	case p.take("-"):
		x = -p.product()
	default:
		p.take("+")
		x = p.product()
	}
	for {
		switch {
		case p.take("+"):
			x += p.product()
		case p.take("-"):
			x -= p.product()
		default:
			return x
		}
	}
}

func (p *expression) product() float64 {
	mixed := mixedNumber.MatchString(p.rest)
	x := p.power()
	if mixed {
		x += p.power()
	}
	for {
		switch {
		case p.take(`\cdot`, `\times`, "*"):
			x *= p.power()
		case p.take(`\div`, "/"):
			x /= p.power()
		case p.starts():
			x *= p.power()
		default:
			return x
		}
	}
}

// starts reports whether a factor follows without a sign of multiplication.
func (p *expression) starts() bool {
	p.space()
	for _, opening := range []string{"(", `\frac`, `\dfrac`, `\sqrt`, "√", `\pi`, "π", "pi", "x", "y"} {
		if strings.HasPrefix(p.rest, opening) {
			return true
		}
	}
	return false
}

func (p *expression) power() float64 {
	x := p.atom()
	if p.take("^") {
		return math.Pow(x, p.group())
	}
	return x
}

// group reads what a command or ^ applies to: braces, or one sign.
func (p *expression) group() float64 {
	if p.take("{") {
		x := p.sum()
		p.want("}")
		return x
	}
	return p.atom()
}

func (p *expression) want(token string) {
	if !p.take(token) {
		panic("wanted " + token + " before " + p.rest)
	}
}

var literal = regexp.MustCompile(`^\d*\.?\d+`)

func (p *expression) atom() float64 {
	switch {
	case p.take("("):
		x := p.sum()
		p.want(")")
		return x
	case p.take(`\frac`, `\dfrac`):
		above := p.group()
		return above / p.group()
	case p.take(`\sqrt[3]`):
		return math.Cbrt(p.group())
	case p.take(`\sqrt`, "√"):
		return math.Sqrt(p.group())
	case p.take(`\pi`, "π", "pi"):
		return math.Pi
	case p.take("-"):
		return -p.atom()
	}
	for name, value := range p.env {
		if p.take(name) {
			return value
		}
	}
	number := literal.FindString(p.rest)
	if number == "" {
		panic("wanted a number before " + strconv.Quote(p.rest))
	}
	p.rest = p.rest[len(number):]
	x, err := strconv.ParseFloat(number, 64)
	if err != nil {
		panic(err)
	}
	return x
}
