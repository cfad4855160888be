package synth

import (
	"math/cmplx"
	"regexp"
	"strings"

	"tinyv/verify/algebra"
)

// A formula is an expression that was read from LaTeX or plain text.
type formula struct {
	text string // as package algebra reads it
	expr *algebra.Expr

	effort *algebra.Effort // what may be spent on comparisons with it; those of one answer share it
}

// The limits of what is read as one expression.
const (
	maxFormula = 400 // bytes
	maxNested  = 20  // brackets in one another
)

// dress is notation that does not change what an expression says.
var dress = strings.NewReplacer(
	`\left`, "", `\right`, "", `\!`, "", `\,`, " ", `\;`, " ", `\:`, " ", `\ `, " ", "~", " ", `\dfrac`, `\frac`, `\tfrac`, `\frac`, `\cfrac`, `\frac`, `\times`, `\cdot `, `\div`, "/",
	"−", "-", "π", `\pi `, "√", `\sqrt `, "×", `\cdot `, "·", `\cdot `, "²", "^2", "³", "^3", "\t", " ", "\n", " ",
)

// grouped finds a separator of thousands. A plain comma is one only in a text that
// is nothing but such a number.
var (
	grouped      = regexp.MustCompile(`(\d)(?:\{,\}|,\\!|\\,)(\d{3})\b`)
	groupedWhole = regexp.MustCompile(`^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$`)
)

// readFormula reads one expression: numbers, fractions, roots, powers, letters, pi,
// and the functions everybody knows. It is not ok where a reader could take the
// text in two ways, or where a letter may stand for any whole number: what is
// concluded from the expression must hold for the answer.
func readFormula(text string, effort *algebra.Effort) (formula, bool) {
	if len(text) > maxFormula {
		return formula{}, false
	}
	text = strings.TrimSpace(text)
	for before := ""; before != text; { // neighbours share a digit: 1{,}234{,}567
		before, text = text, grouped.ReplaceAllString(text, "$1$2")
	}
	if groupedWhole.MatchString(text) {
		text = strings.ReplaceAll(text, ",", "")
	}
	r := formulaReader{rest: strings.TrimSpace(dress.Replace(text))}
	if r.rest == "" || !r.sum() || r.rest != "" || r.pi && r.wholeNumber {
		return formula{}, false
	}
	return parsed(string(r.out), effort)
}

// parsed makes a formula of algebra's text. A number must have a value: 1/0 has none.
func parsed(text string, effort *algebra.Effort) (formula, bool) {
	expr, err := algebra.Parse(text, algebra.Plain)
	if err != nil {
		return formula{}, false
	}
	if v, ok := expr.Value(); !strings.Contains(text, symbolPrefix) && (!ok || cmplx.IsNaN(v) || cmplx.IsInf(v)) {
		return formula{}, false
	}
	return formula{text, expr, effort}, true
}

// equalTo says whether two formulas are equal for all values of their letters.
func (f formula) equalTo(g formula) algebra.Outcome {
	return algebra.Zero(algebra.Difference(f.expr, g.expr), f.effort)
}

// differs reports whether two formulas are certainly not the same.
func (f formula) differs(g formula) bool { return f.equalTo(g) == algebra.Different }

// nonzero reports whether a formula is certainly not zero.
func (f formula) nonzero() bool { return algebra.Zero(f.expr, f.effort) == algebra.Different }

// number returns the value of a real number.
func (f formula) number() (float64, bool) {
	v, ok := f.expr.Value()
	if !ok || strings.Contains(f.text, symbolPrefix) || imag(v) > 1e-12 || imag(v) < -1e-12 {
		return 0, false
	}
	return real(v), true
}

// symbolPrefix keeps letters apart from names that package algebra knows.
const symbolPrefix = "v_"

// A formulaReader turns a text into algebra's syntax, every product and power
// written out. Its methods report whether they could read on.
type formulaReader struct {
	rest            string
	out             []byte
	depth           int
	pi, wholeNumber bool // there is a pi; a letter as people use for any whole number
}

func (r *formulaReader) write(s string) { r.out = append(r.out, s...) }

func (r *formulaReader) blank() { r.rest = strings.TrimLeft(r.rest, " ") }

// take takes a mark off the rest, with blanks before it.
func (r *formulaReader) take(mark string) bool {
	r.blank()
	rest, ok := strings.CutPrefix(r.rest, mark)
	if ok && len(mark) > 1 && mark[0] == '\\' && isLetter(mark[len(mark)-1]) && rest != "" && isLetter(rest[0]) {
		return false // a longer command
	}
	if ok {
		r.rest = rest
	}
	return ok
}

func (r *formulaReader) sum() bool {
	if r.depth++; r.depth > maxNested {
		return false
	}
	defer func() { r.depth-- }()
	switch {
	case r.take("-"):
		r.write("-")
	case r.take("+"):
	}
	for {
		if !r.product() {
			return false
		}
		switch {
		case r.take("+"):
			r.write("+")
		case r.take("-"):
			r.write("-")
		default:
			return true
		}
	}
}

// What a factor was, since not all may stand side by side.
type factor int

const (
	noFactor factor = iota
	numeral
	group // of any kind
	letter
	function
)

func (r *formulaReader) product() bool {
	last := r.power(noFactor)
	if last == noFactor {
		return false
	}
	divided := false
	for {
		switch {
		case r.take(`\cdot`) || r.take("*"):
			r.write("*")
			last = r.power(noFactor)
		case r.take("/"):
			r.write("/")
			last = r.power(noFactor)
			divided = true
		default:
			r.blank()
			if r.rest == "" || strings.IndexByte("+-)]},;:=<>&|!", r.rest[0]) >= 0 {
				return true
			}
			if divided || last == function {
				return false // 1/2x and sin 2x are read in two ways
			}
			r.write("*")
			last = r.power(last)
		}
		if last == noFactor {
			return false
		}
	}
}

// power reads a factor with its exponent; before is the factor that it stands
// right behind.
func (r *formulaReader) power(before factor) factor {
	at := len(r.out)
	kind := r.atom(before)
	if kind == noFactor {
		return noFactor
	}
	text := string(r.out[at:])
	r.out = r.out[:at]
	if r.take("!") {
		if kind != numeral {
			return noFactor
		}
		text += "!"
	}
	if !r.take("^") {
		r.write(text)
		return kind
	}
	r.write("(" + text + ")**(")
	if !r.argument() {
		return noFactor
	}
	r.write(")")
	r.blank()
	if strings.HasPrefix(r.rest, "^") {
		return noFactor
	}
	if kind == numeral {
		kind = group // 2^3 5 is no longer two numerals side by side
	}
	return kind
}

var numeralRE = regexp.MustCompile(`^(?:\d+(?:\.\d+)?|\.\d+)`)

func (r *formulaReader) atom(before factor) factor {
	r.blank()
	if r.rest == "" {
		return noFactor
	}
	if n := numeralRE.FindString(r.rest); n != "" {
		r.rest = r.rest[len(n):]
		if before != noFactor || strings.HasPrefix(r.rest, "_") { // x2, 2 3; a number in another base
			return noFactor
		}
		at := len(r.out)
		r.write(exact(n))
		if whole := !strings.Contains(n, "."); whole && strings.HasPrefix(strings.TrimLeft(r.rest, " "), `\frac`) {
			return r.mixed(at)
		}
		return numeral
	}
	switch {
	case r.take("(") || r.take("["):
		return r.inner(")]")
	case r.take("{"):
		return r.inner("}")
	case r.take(`\frac`):
		r.write("((")
		if !r.argument() {
			return noFactor
		}
		r.write(")/(")
		if !r.argument() {
			return noFactor
		}
		r.write("))")
		return group
	case r.take(`\sqrt`):
		return r.root()
	case r.take(`\pi`):
		r.pi = true
		r.write("pi")
		return group
	}
	for _, name := range []string{"sin", "cos", "tan", "ln", "log"} {
		if r.take(`\` + name) {
			return r.call(name)
		}
	}
	if c := r.rest[0]; isLetter(c) {
		return r.letter(c)
	}
	return noFactor
}

// mixed reads the fraction of a mixed number, 1\frac{1}{2}, whose whole part is
// written already, from at on.
func (r *formulaReader) mixed(at int) factor {
	m := mixedRE.FindString(strings.TrimLeft(r.rest, " "))
	if m == "" {
		return numeral // 2\frac{x}{3} is a product
	}
	whole := string(r.out[at:])
	r.out = r.out[:at]
	r.write("(" + whole + "+")
	if r.atom(noFactor) == noFactor {
		return noFactor
	}
	r.write(")")
	return group
}

var mixedRE = regexp.MustCompile(`^\\frac\s*(?:\{\s*\d+\s*\}|\d)\s*(?:\{\s*\d+\s*\}|\d)`)

func (r *formulaReader) inner(closing string) factor {
	r.write("(")
	if !r.sum() {
		return noFactor
	}
	r.blank()
	if r.rest == "" || strings.IndexByte(closing, r.rest[0]) < 0 {
		return noFactor
	}
	r.rest = r.rest[1:]
	r.write(")")
	return group
}

// argument reads what a command or a caret takes: a group in braces, else one
// digit, letter or command.
func (r *formulaReader) argument() bool {
	r.blank()
	if r.rest == "" {
		return false
	}
	if c := r.rest[0]; c >= '0' && c <= '9' {
		r.write(string(c))
		r.rest = r.rest[1:]
		return true
	}
	return r.atom(noFactor) != noFactor
}

func (r *formulaReader) root() factor {
	if r.take("[") {
		degree, rest, ok := strings.Cut(r.rest, "]")
		degree = strings.TrimSpace(degree)
		if !ok || len(degree) != 1 || degree[0] < '2' || degree[0] > '9' {
			return noFactor
		}
		r.rest = rest
		r.write("(")
		if !r.argument() {
			return noFactor
		}
		r.write(")**(1/" + degree + ")")
		return group
	}
	r.write("sqrt(")
	r.blank()
	if m := numeralRE.FindString(r.rest); len(m) > 1 { // \sqrt 15 is \sqrt{1}5 to TeX, and root 15 to people
		return noFactor
	}
	if !r.argument() {
		return noFactor
	}
	r.write(")")
	return group
}

func (r *formulaReader) call(name string) factor {
	if name == "ln" {
		name = "log"
	}
	r.blank()
	if r.rest == "" || r.rest[0] == '_' || r.rest[0] == '^' {
		return noFactor // another base; \sin^{-1} and \sin^2
	}
	r.write(name + "(")
	if n := numeralRE.FindString(r.rest); n != "" {
		r.rest = r.rest[len(n):]
		r.write(exact(n))
	} else if !r.argument() {
		return noFactor
	}
	r.write(")")
	r.blank()
	if strings.HasPrefix(r.rest, "^") {
		return noFactor
	}
	return function
}

var subscript = regexp.MustCompile(`^_(?:[A-Za-z0-9]|\{[A-Za-z0-9]{1,4}\})`)

func (r *formulaReader) letter(c byte) factor {
	run := len(r.rest) - len(strings.TrimLeft(r.rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	if run > 2 || run == 2 && notProducts[r.rest[:2]] {
		return noFactor // a word
	}
	r.rest = r.rest[1:]
	if run == 1 && strings.IndexByte("fghFGHPQ", c) >= 0 && strings.HasPrefix(r.rest, "(") {
		return noFactor // a function's value
	}
	sub := subscript.FindString(r.rest)
	r.rest = r.rest[len(sub):]
	r.wholeNumber = r.wholeNumber || strings.IndexByte("kmnKN", c) >= 0
	switch {
	case c == 'e' && sub == "":
		r.write("E")
	case c == 'i' && sub == "":
		r.write("I")
	default:
		r.write(symbolPrefix + string(c) + strings.Trim(sub, "_{}"))
	}
	return letter
}

// notProducts are words of two letters.
var notProducts = map[string]bool{
	"or": true, "no": true, "is": true, "if": true, "in": true, "to": true, "of": true, "at": true, "by": true, "cm": true, "mm": true, "km": true, "kg": true, "mg": true, "ml": true, "ft": true, "yd": true, "mi": true,
	"am": true, "pm": true, "AM": true, "PM": true, "so": true, "we": true, "it": true, "an": true, "as": true, "on": true, "th": true, "st": true, "nd": true, "rd": true, "hr": true, "lb": true, "oz": true,
}

// exact writes a decimal as a fraction: package algebra rounds decimals as floats.
func exact(n string) string {
	whole, decimals, ok := strings.Cut(n, ".")
	if digits := strings.TrimLeft(whole+decimals, "0"); ok {
		if digits == "" {
			return "0"
		}
		return "(" + digits + "/1" + strings.Repeat("0", len(decimals)) + ")"
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		return "0"
	}
	return whole
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
