package algebra

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Dialect says how text becomes an expression. All are sympy 1.13's: Python's
// syntax, decimals as floats, 3! as a factorial.
type Dialect uint8

const (
	// Implicit reads a caret as power, "2x" and "(a)(b)" as products, "ln x"
	// as a call, and a name that is neither known nor a Greek letter as the
	// product of its letters.
	Implicit Dialect = iota
	// Plain reads names as they are and products only where there is a star. A
	// caret is Python's exclusive or, which only integers have.
	Plain
	// PlainPower is Plain with a caret as power.
	PlainPower
)

// ErrSyntax is wrapped by what Parse returns for a text that is no expression
// of its dialect, or no number or formula but a list, a relation or the like.
var ErrSyntax = errors.New("not an expression")

// ErrTooLarge is wrapped by what Parse returns for a text beyond its limits.
var ErrTooLarge = errors.New("expression too large")

const (
	maxText  = 20_000 // bytes
	maxDepth = 190    // of brackets; Python's own limit is 200
	maxNodes = 5_000
	maxBits  = 8192 // of a number written out
)

// Parse reads an expression. Its time is linear in the length of the text.
func Parse(text string, dialect Dialect) (*Expr, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%d bytes: %w", len(text), ErrTooLarge)
	}
	p := parser{dialect: dialect}
	if err := p.scan(text); err != nil {
		return nil, err
	}
	e, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != endOfText {
		return nil, p.unexpected(t)
	}
	return e, nil
}

type tokenKind uint8

const (
	endOfText tokenKind = iota
	numberToken
	nameToken
	operatorToken
)

type token struct {
	kind tokenKind
	text string
}

type parser struct {
	dialect Dialect
	tokens  []token
	pos     int
	nodes   int
}

func (p *parser) unexpected(t token) error {
	if t.kind == endOfText {
		return fmt.Errorf("unexpected end: %w", ErrSyntax)
	}
	return fmt.Errorf("unexpected %q: %w", t.text, ErrSyntax)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// scan cuts text into Python's tokens.
func (p *parser) scan(text string) error {
	p.tokens = make([]token, 0, len(text)/2+1)
	add := func(kind tokenKind, s string) { p.tokens = append(p.tokens, token{kind, s}) }
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\f':
			i++
		case isDigit(c) || c == '.' && i+1 < len(text) && isDigit(text[i+1]):
			end := i + numberLength(text[i:])
			add(numberToken, text[i:end])
			i = end
		case strings.IndexByte("+-*/%(),^!", c) >= 0:
			if c == '!' && i > 0 && text[i-1] == ' ' {
				return fmt.Errorf("space before a factorial: %w", ErrSyntax) // to Python's tokenizer two errors
			}
			size := 1
			if (c == '*' || c == '/') && i+1 < len(text) && text[i+1] == c {
				size = 2
			}
			add(operatorToken, text[i:i+size])
			i += size
		default:
			size := nameLength(text[i:])
			if size == 0 {
				r, _ := utf8.DecodeRuneInString(text[i:])
				return fmt.Errorf("unexpected %q: %w", r, ErrSyntax)
			}
			if err := p.addName(text[i : i+size]); err != nil {
				return err
			}
			i += size
		}
	}
	return nil
}

// numberLength returns the length of the number that s begins with: an integer,
// with underscores between digits, or a decimal with or without an exponent.
// An integer other than zero does not begin with a zero, so "012" is "0", "12".
func numberLength(s string) int {
	digits := func(i int) int {
		for i < len(s) && (isDigit(s[i]) || s[i] == '_' && i > 0 && isDigit(s[i-1]) && i+1 < len(s) && isDigit(s[i+1])) {
			i++
		}
		return i
	}
	i := digits(0)
	whole := i
	if i < len(s) && s[i] == '.' {
		i++
		if i < len(s) && isDigit(s[i]) {
			i = digits(i)
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if j < len(s) && isDigit(s[j]) {
			i = digits(j)
		}
	}
	if i == whole && s[0] == '0' {
		zeros := 0
		for zeros < whole && (s[zeros] == '0' || s[zeros] == '_') {
			zeros++
		}
		if zeros < whole {
			return max(1, zeros)
		}
	}
	return i
}

func nameLength(s string) int {
	for i, r := range s {
		letter := r == '_' || unicode.IsLetter(r)
		if !letter && (i == 0 || !unicode.Is(unicode.Nd, r) && !unicode.Is(unicode.Mn, r)) {
			return i
		}
	}
	return len(s)
}

// addName adds a name, in the implicit dialect cut into its letters unless it
// is known, Greek, or has an underscore. A run of digits in it is a number.
func (p *parser) addName(name string) error {
	switch name {
	case "and", "or":
		if p.dialect != Implicit {
			p.tokens = append(p.tokens, token{operatorToken, name})
			return nil
		}
		return fmt.Errorf("unexpected %q: %w", name, ErrSyntax)
	case "not", "in", "is", "if", "else", "for", "lambda", "as", "def", "del", "try", "None", "True", "False", "oo", "zoo", "nan",
		"from", "with", "while", "yield", "pass", "class", "return", "import", "global", "raise", "break", "continue", "assert", "except", "finally", "elif", "async", "await", "nonlocal":
		return fmt.Errorf("unexpected %q: %w", name, ErrSyntax)
	}
	if p.dialect != Implicit || isFunction(name) || isConstant(name) || isGreek(name) || strings.Contains(name, "_") {
		if isSpecial(name) {
			return fmt.Errorf("%q is no symbol: %w", name, ErrSyntax)
		}
		p.tokens = append(p.tokens, token{nameToken, name})
		return nil
	}
	for name != "" {
		if isDigit(name[0]) {
			rest := strings.TrimLeft(name, "0123456789")
			p.tokens = append(p.tokens, token{numberToken, name[:len(name)-len(rest)]})
			name = rest
			continue
		}
		_, size := utf8.DecodeRuneInString(name)
		if isSpecial(name[:size]) {
			return fmt.Errorf("%q is no symbol: %w", name[:size], ErrSyntax)
		}
		p.tokens = append(p.tokens, token{nameToken, name[:size]})
		name = name[size:]
	}
	return nil
}

// isSpecial reports whether sympy's name space has something else than a
// number or function under a name of one letter.
func isSpecial(name string) bool {
	switch name {
	case "N", "O", "Q", "S":
		return true
	}
	return false
}

func isConstant(name string) bool { return name == "pi" || name == "E" || name == "I" }

func isGreek(name string) bool {
	switch name {
	case "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lamda", "mu", "nu", "xi",
		"omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "final sigma":
		return true
	}
	return false
}

// isFunction reports whether name is a function of one argument that the
// engine knows.
func isFunction(name string) bool {
	switch name {
	case "sqrt", "cbrt", "exp", "ln", "log", "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "acot",
		"sinh", "cosh", "tanh", "coth", "asinh", "acosh", "atanh", "Abs", "factorial", "re", "im":
		return true
	}
	return false
}

func (p *parser) peek() token {
	if p.pos < len(p.tokens) {
		return p.tokens[p.pos]
	}
	return token{}
}

func (p *parser) accept(operator string) bool {
	if t := p.peek(); t.kind == operatorToken && t.text == operator {
		p.pos++
		return true
	}
	return false
}

// expression reads the loosest operators. As in Python, "a and b" is b unless a
// is zero, and "a or b" is a unless it is zero: "2 and 3" has the value 3.
func (p *parser) expression(depth int) (*Expr, error) {
	left, err := p.conjunction(depth)
	for err == nil && p.accept("or") {
		var right *Expr
		if right, err = p.conjunction(depth); err == nil && isZeroNumber(left) {
			left = right
		}
	}
	return left, err
}

func (p *parser) conjunction(depth int) (*Expr, error) {
	left, err := p.exclusive(depth)
	for err == nil && p.accept("and") {
		var right *Expr
		if right, err = p.exclusive(depth); err == nil && !isZeroNumber(left) {
			left = right
		}
	}
	return left, err
}

func (p *parser) exclusive(depth int) (*Expr, error) {
	left, err := p.sum(depth)
	for err == nil && p.dialect == Plain && p.accept("^") {
		var right *Expr
		if right, err = p.sum(depth); err == nil {
			left, err = exclusiveOr(left, right)
		}
	}
	return left, err
}

// isZeroNumber reports whether plain arithmetic finds that e is zero.
func isZeroNumber(e *Expr) bool {
	effort := Effort(parseEffort)
	c := canonicalizer{effort: &effort}
	q, err := c.quotient(e)
	return err == nil && len(q.num) == 0
}

// exclusiveOr is Python's, for two integers that are written out.
func exclusiveOr(a, b *Expr) (*Expr, error) {
	x, ok := integerOf(a)
	y, ok2 := integerOf(b)
	if !ok || !ok2 {
		return nil, fmt.Errorf("exclusive or of what are not integers: %w", ErrSyntax)
	}
	return exact(new(big.Rat).SetInt(new(big.Int).Xor(x, y))), nil
}

// parseEffort limits the arithmetic that reading takes.
const parseEffort = 500

// integerOf evaluates an expression that is an integer by plain arithmetic.
func integerOf(e *Expr) (*big.Int, bool) {
	effort := Effort(parseEffort)
	c := canonicalizer{effort: &effort}
	q, err := c.quotient(e)
	if err != nil {
		return nil, false
	}
	r, ok := q.rational()
	if !ok || !r.IsInt() {
		return nil, false
	}
	return r.Num(), true
}

func (p *parser) grow() error {
	if p.nodes++; p.nodes > maxNodes {
		return fmt.Errorf("more than %d operations: %w", maxNodes, ErrTooLarge)
	}
	return nil
}

func (p *parser) sum(depth int) (*Expr, error) {
	first, err := p.product(depth)
	if err != nil {
		return nil, err
	}
	terms := []*Expr{first}
	for {
		minus := p.accept("-")
		if !minus && !p.accept("+") {
			break
		}
		term, err := p.product(depth)
		if err != nil {
			return nil, err
		}
		if minus {
			term = negative(term)
		}
		if err := p.grow(); err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	if len(terms) == 1 {
		return first, nil
	}
	return sum(terms...), nil
}

// adjacent reports whether the next token continues a product without a star.
func (p *parser) adjacent() bool {
	t := p.peek()
	return p.dialect == Implicit && (t.kind == numberToken || t.kind == nameToken || t.kind == operatorToken && t.text == "(")
}

func (p *parser) product(depth int) (*Expr, error) {
	left, err := p.signed(depth)
	for err == nil {
		var right *Expr
		switch {
		case p.accept("*"), p.adjacent():
			if right, err = p.signed(depth); err == nil {
				left = product(left, right)
			}
		case p.accept("/"):
			if right, err = p.signed(depth); err == nil {
				left = quotient(left, right)
			}
		default:
			return left, nil
		}
		if err == nil {
			err = p.grow()
		}
	}
	return nil, err
}

// tight reads a product without quotients, the argument of a function that is
// applied without brackets.
func (p *parser) tight(depth int) (*Expr, error) {
	left, err := p.signed(depth)
	for err == nil && (p.accept("*") || p.adjacent()) {
		var right *Expr
		if right, err = p.signed(depth); err == nil {
			left = product(left, right)
			err = p.grow()
		}
	}
	return left, err
}

func (p *parser) signed(depth int) (*Expr, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep: %w", maxDepth, ErrTooLarge)
	}
	switch {
	case p.accept("-"):
		e, err := p.signed(depth + 1)
		if err != nil {
			return nil, err
		}
		return negative(e), nil
	case p.accept("+"):
		return p.signed(depth + 1)
	}
	return p.power(depth)
}

func (p *parser) acceptPower() bool {
	return p.accept("**") || p.dialect != Plain && p.accept("^")
}

func (p *parser) power(depth int) (*Expr, error) {
	base, err := p.postfix(depth)
	if err != nil || !p.acceptPower() {
		return base, err
	}
	exponent, err := p.signed(depth + 1)
	if err != nil {
		return nil, err
	}
	return power(base, exponent), p.grow()
}

func (p *parser) postfix(depth int) (*Expr, error) {
	e, err := p.atom(depth)
	for err == nil && p.accept("!") {
		if t := p.peek(); t.text == "!" {
			return nil, p.unexpected(t)
		}
		e = call("factorial", e)
		err = p.grow()
	}
	return e, err
}

func (p *parser) atom(depth int) (*Expr, error) {
	t := p.peek()
	p.pos++
	switch t.kind {
	case numberToken:
		return number(t.text)
	case nameToken:
		if isFunction(t.text) {
			return p.application(t.text, depth)
		}
		if isConstant(t.text) {
			return &Expr{op: opConstant, name: t.text}, nil
		}
		if p.dialect != Implicit && p.peek().text == "(" {
			return nil, p.unexpected(p.peek()) // an undefined function
		}
		return &Expr{op: opSymbol, name: t.text}, nil
	}
	if t.kind == operatorToken && t.text == "(" {
		return p.bracketed(depth)
	}
	p.pos--
	return nil, p.unexpected(t)
}

// bracketed reads the rest of a bracket.
func (p *parser) bracketed(depth int) (*Expr, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep: %w", maxDepth, ErrTooLarge)
	}
	e, err := p.expression(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.unexpected(p.peek())
	}
	return e, nil
}

// application reads what a function is applied to: a bracket, or in the
// implicit dialect the product that follows; `sin**2 x` is `sin(x)**2`.
func (p *parser) application(name string, depth int) (*Expr, error) {
	if p.accept("(") {
		arg, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		p.accept(",") // Python allows one behind the last argument
		if !p.accept(")") {
			return nil, p.unexpected(p.peek())
		}
		return call(name, arg), p.grow()
	}
	if p.dialect != Implicit {
		return nil, p.unexpected(p.peek())
	}
	if p.acceptPower() {
		exponent, err := p.atom(depth + 1)
		if err != nil {
			return nil, err
		}
		arg, err := p.tight(depth + 1)
		if err != nil {
			return nil, err
		}
		return power(call(name, arg), exponent), p.grow()
	}
	if t := p.peek(); t.kind == operatorToken {
		return nil, p.unexpected(t)
	}
	arg, err := p.tight(depth + 1)
	if err != nil {
		return nil, err
	}
	return call(name, arg), p.grow()
}

func number(text string) (*Expr, error) {
	text = strings.ReplaceAll(text, "_", "")
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, ErrTooLarge)
		}
		return &Expr{op: opFloat, float: f}, nil
	}
	if len(text) > maxBits/4 {
		return nil, fmt.Errorf("%d digits: %w", len(text), ErrTooLarge)
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, fmt.Errorf("unexpected %q: %w", text, ErrSyntax)
	}
	return exact(new(big.Rat).SetInt(n)), nil
}
