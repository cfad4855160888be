package taxonomy

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tinyv/verify/algebra"
)

// A formula is a canonical text as package algebra reads it.
type formula struct {
	expr *algebra.Expr
	text string // canonical, solid
}

// names gives the variables of both texts the same single letters, as package
// algebra takes longer names apart.
type names struct{ letters map[string]string }

// free are the letters given to variables with subscripts and to letters which
// mean a constant to package algebra.
const free = "ABCDFGHJKLMNOPQRSTUVWXYZ"

func (n *names) letter(variable string) (string, error) {
	if len(variable) == 1 && variable >= "a" && variable <= "z" {
		return variable, nil
	}
	if l, ok := n.letters[variable]; ok {
		return l, nil
	}
	if len(n.letters) == len(free) {
		return "", fmt.Errorf("more than %d variables", len(free))
	}
	l := free[len(n.letters) : len(n.letters)+1]
	n.letters[variable] = l
	return l, nil
}

// read reads a canonical text as a formula; false if it is none.
func (n *names) read(s string) (formula, bool) {
	if s == "" || len(s) > maxText || hasSentence(s) {
		return formula{}, false
	}
	t := translator{rest: s, names: n}
	text, err := t.until("")
	if err != nil {
		return formula{}, false
	}
	expr, err := algebra.Parse(text, algebra.Implicit)
	if err != nil {
		return formula{}, false
	}
	return formula{expr, solid(s)}, true
}

// hasSentence reports whether words stand in a text that are not letters to
// multiply.
func hasSentence(s string) bool {
	return slices.ContainsFunc(wordsOf(s), func(w string) bool {
		return isWord(w) && (len(w) > 3 || slices.Contains([]string{"the", "and", "for", "all", "not", "are", "any", "or", "is", "of"}, strings.ToLower(w)))
	})
}

// translator turns LaTeX into the syntax of package algebra.
type translator struct {
	rest  string
	names *names
	depth int
}

const maxDepth = 40

func (t *translator) syntax(what string) error {
	return fmt.Errorf("%s before %.20q", what, t.rest)
}

func (t *translator) skip(prefix string) bool {
	t.rest = strings.TrimLeft(t.rest, " ")
	rest, ok := strings.CutPrefix(t.rest, prefix)
	if ok {
		t.rest = rest
	}
	return ok
}

// until translates up to the closing text, which it skips; "" is the end.
func (t *translator) until(closing string) (string, error) {
	if t.depth++; t.depth > maxDepth {
		return "", t.syntax("nested too deep")
	}
	defer func() { t.depth-- }()
	var b strings.Builder
	for {
		t.rest = strings.TrimLeft(t.rest, " ")
		if t.rest == "" {
			if closing != "" {
				return "", t.syntax("no " + closing)
			}
			return b.String(), nil
		}
		if closing != "" && t.skip(closing) {
			return b.String(), nil
		}
		part, err := t.item()
		if err != nil {
			return "", err
		}
		b.WriteString(part)
		b.WriteByte(' ')
	}
}

var brackets = map[byte]string{'(': ")", '[': "]", '{': "}"}

// item translates the next number, variable, command or operator.
func (t *translator) item() (string, error) {
	c := t.rest[0]
	switch {
	case c >= '0' && c <= '9' || c == '.':
		return t.number()
	case strings.IndexByte("+-*/!", c) >= 0:
		t.rest = t.rest[1:]
		return string(c), nil
	case c == '(' || c == '[' || c == '{':
		t.rest = t.rest[1:]
		inner, err := t.until(brackets[c])
		return "(" + inner + ")", err
	case c == '^':
		t.rest = t.rest[1:]
		power, err := t.argument()
		return "**(" + power + ")", err
	case c == '%':
		t.rest = t.rest[1:]
		return "/100", nil
	case c == ':':
		t.rest = t.rest[1:]
		return "/", nil
	case c == '\\':
		return t.command()
	}
	switch {
	case t.skip("°"):
		return "*pi/180", nil
	case t.skip("π"):
		return "pi", nil
	case t.skip("√"):
		inner, err := t.argument()
		return "sqrt(" + inner + ")", err
	}
	return t.variable()
}

// number translates a number exactly: a decimal becomes a fraction, and a whole
// number with a fraction behind it a mixed number.
func (t *translator) number() (string, error) {
	end := strings.IndexFunc(t.rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(t.rest)
	}
	digits := t.rest[:end]
	if len(digits) > 60 || strings.Count(digits, ".") > 1 || digits == "." {
		return "", t.syntax("no number")
	}
	t.rest = strings.TrimLeft(t.rest[end:], " ")
	whole, decimals, isDecimal := strings.Cut(digits, ".")
	if isDecimal {
		value, ok := new(big.Rat).SetString("0" + whole + "." + decimals + "0")
		if !ok {
			return "", t.syntax("no number")
		}
		return "(" + value.Num().String() + "/" + value.Denom().String() + ")", nil
	}
	if strings.HasPrefix(t.rest, `\frac{`) {
		before := t.rest
		part, err := t.command()
		if err != nil {
			return "", err
		}
		if strings.Trim(part, "0123456789()/ ") == "" {
			return "(" + digits + "+" + part + ")", nil
		}
		t.rest = before
	}
	return digits, nil
}

// argument translates a group, or the one item that stands for it.
func (t *translator) argument() (string, error) {
	t.rest = strings.TrimLeft(t.rest, " ")
	if t.rest == "" {
		return "", t.syntax("no argument")
	}
	if t.skip("{") {
		return t.until("}")
	}
	if t.skip("-") {
		inner, err := t.argument()
		return "-" + inner, err
	}
	if t.rest[0] == '^' || t.rest[0] == '_' || strings.IndexByte("+*/!%:", t.rest[0]) >= 0 {
		return "", t.syntax("no argument")
	}
	if t.depth++; t.depth > maxDepth {
		return "", t.syntax("nested too deep")
	}
	defer func() { t.depth-- }()
	return t.item()
}

func (t *translator) command() (string, error) {
	switch {
	case t.skip(`\frac`):
		top, bottom, err := t.two()
		return "((" + top + ")/(" + bottom + "))", err
	case t.skip(`\binom`):
		top, bottom, err := t.two()
		return "(factorial(" + top + ")/(factorial(" + bottom + ")*factorial((" + top + ")-(" + bottom + "))))", err
	case t.skip(`\sqrt`):
		if !t.skip("[") {
			inner, err := t.argument()
			return "sqrt(" + inner + ")", err
		}
		degree, err := t.until("]")
		if err != nil {
			return "", err
		}
		inner, err := t.argument()
		return "((" + inner + ")**(1/(" + degree + ")))", err
	}
	return "", t.syntax("unknown command")
}

// two translates two arguments. They are short, as a binomial repeats them.
func (t *translator) two() (first, second string, err error) {
	if first, err = t.argument(); err != nil {
		return "", "", err
	}
	if second, err = t.argument(); err != nil {
		return "", "", err
	}
	if len(first)+len(second) > maxText {
		return "", "", t.syntax("arguments too long")
	}
	return first, second, nil
}

var functions = []struct{ written, meant, inverse string }{
	{"arcsin", "asin", ""}, {"arccos", "acos", ""}, {"arctan", "atan", ""}, {"sin", "sin", "asin"}, {"cos", "cos", "acos"}, {"tan", "tan", "atan"},
	{"cot", "cot", ""}, {"sec", "sec", ""}, {"csc", "csc", ""}, {"ln", "log", ""}, {"lg", "lg", ""}, {"log", "log", ""}, {"exp", "exp", ""}, {"sqrt", "sqrt", ""},
}

// variable translates a function's name with its argument, a constant, or one
// letter with its subscript.
func (t *translator) variable() (string, error) {
	for _, f := range functions {
		if t.skip(f.written) {
			return t.call(f.meant, f.inverse)
		}
	}
	if rest, ok := strings.CutPrefix(t.rest, "pi"); ok && !startsWithLetter(rest) {
		t.rest = rest
		return "pi", nil
	}
	r, size := utf8.DecodeRuneInString(t.rest)
	if !unicode.IsLetter(r) {
		return "", t.syntax("no variable")
	}
	name := t.rest[:size]
	t.rest = t.rest[size:]
	if name == "e" {
		return "E", nil
	}
	if t.skip("_") {
		index, err := t.argument()
		if err != nil {
			return "", err
		}
		name += "_" + solid(index)
	}
	return t.names.letter(name)
}

func startsWithLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r)
}

// call translates the argument of a function, and its power or base.
func (t *translator) call(name, inverse string) (string, error) {
	power, base := "", ""
	var err error
	if t.skip("_") {
		if base, err = t.argument(); err != nil {
			return "", err
		}
	}
	if t.skip("^") {
		if power, err = t.argument(); err != nil {
			return "", err
		}
		if solid(power) == "-1" && inverse != "" {
			name, power = inverse, ""
		}
	}
	argument, err := t.applied()
	if err != nil {
		return "", err
	}
	if name == "lg" {
		name, base = "log", "10"
	}
	text := name + "(" + argument + ")"
	if base != "" {
		text = "(" + text + "/log(" + base + "))"
	}
	if power != "" {
		text = "(" + text + ")**(" + power + ")"
	}
	return text, nil
}

// applied translates what a function is applied to: a bracket, or a product
// without brackets up to the next sign, bracket or function.
func (t *translator) applied() (string, error) {
	t.rest = strings.TrimLeft(t.rest, " ")
	if t.rest == "" {
		return "", t.syntax("no argument")
	}
	if strings.IndexByte("({[", t.rest[0]) >= 0 {
		return t.argument()
	}
	var b strings.Builder
	for t.rest != "" && strings.IndexByte("+-*/)]}({[,=:!", t.rest[0]) < 0 && !t.atFunction() {
		part, err := t.argumentOrPower(b.Len() > 0)
		if err != nil {
			return "", err
		}
		b.WriteString(part + " ")
		t.rest = strings.TrimLeft(t.rest, " ")
	}
	if b.Len() == 0 {
		return "", t.syntax("no argument")
	}
	return b.String(), nil
}

func (t *translator) argumentOrPower(inside bool) (string, error) {
	if inside && t.rest[0] == '^' {
		return t.item()
	}
	return t.argument()
}

func (t *translator) atFunction() bool {
	for _, f := range functions {
		if strings.HasPrefix(t.rest, f.written) {
			return true
		}
	}
	return false
}

// equal reports whether two formulas are equal for all values of their
// variables. It takes its work out of the effort.
func equal(a, b formula, effort *algebra.Effort) bool {
	return algebra.Zero(algebra.Difference(a.expr, b.expr), effort) == algebra.Equal
}
