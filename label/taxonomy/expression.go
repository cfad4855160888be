package taxonomy

import (
	"regexp"
	"strings"
)

// formulas compares as formulas.
func (c *comparison) formulas(truth, given string) (Category, bool) {
	n := names{letters: map[string]string{}}
	a, ok := n.read(truth)
	if !ok {
		return "", false
	}
	b, ok := n.read(given)
	if !ok || !equal(a, b, &c.effort) {
		return "", false
	}
	return kindOfFormula(a.text, b.text), true
}

// kindOfFormula names the difference of two ways to write the same formula.
func kindOfFormula(truth, given string) Category {
	switch {
	case slashed(truth) == slashed(given):
		return Symbol // \frac{a}{b} and a/b
	case functionsOf(truth) != functionsOf(given):
		return LogTrig
	case strings.Count(truth, `\sqrt`) != strings.Count(given, `\sqrt`), exponents(truth) != exponents(given) && !strings.ContainsAny(truth+given, "+"):
		return RootExponent
	}
	return Algebraic
}

var (
	shortQuotient = regexp.MustCompile(`\\frac ?\{([^{}]*)\} ?\{([^{}]*)\}`)
	brace         = strings.NewReplacer("(", "", ")", "", "{", "", "}", "", "*", "", " ", "")
)

// slashed writes fractions with a slash, without brackets and stars.
func slashed(s string) string { return brace.Replace(fixed(shortQuotient, s, "$1/$2")) }

func functionsOf(s string) string {
	var b strings.Builder
	for i := range s {
		for _, f := range functions {
			if f.written != "sqrt" && f.written != "exp" && strings.HasPrefix(s[i:], f.written) {
				b.WriteString(f.written + ";")
				break
			}
		}
	}
	return b.String()
}

var exponent = regexp.MustCompile(`\^(?:\w|\{[^{}]*\}|\([^()]*\))`)

func exponents(s string) string { return strings.Join(exponent.FindAllString(s, -1), ";") }

var definition = regexp.MustCompile(`^[a-zA-Z](?:\([a-zA-Z]\))?$`)

// equations compares two equations by their differences of sides, and an
// equation with the formula that it gives for one of its letters.
func (c *comparison) equations(truth, given string) (Category, bool) {
	left, right, isEquation := strings.Cut(truth, "=")
	otherLeft, otherRight, bothEquations := strings.Cut(given, "=")
	if strings.Contains(right, "=") || strings.Contains(otherRight, "=") || strings.ContainsAny(truth+given, "<>!") {
		return "", false
	}
	switch {
	case isEquation && bothEquations:
		return c.proportional(left, right, otherLeft, otherRight)
	case isEquation:
		return c.solves(left, right, given)
	case bothEquations:
		return c.solves(otherLeft, otherRight, truth)
	}
	return "", false
}

// proportional reports whether one equation is a multiple of the other.
func (c *comparison) proportional(left, right, otherLeft, otherRight string) (Category, bool) {
	n := names{letters: map[string]string{}}
	a, okA := n.read("(" + left + ")-(" + right + ")")
	b, okB := n.read("(" + otherLeft + ")-(" + otherRight + ")")
	if !okA || !okB {
		return "", false
	}
	if equal(a, b, &c.effort) {
		if slashed(left) == slashed(otherLeft) && slashed(right) == slashed(otherRight) {
			return Symbol, true
		}
		return Algebraic, true
	}
	for _, factor := range []string{"-1", "2", "-2", "3", "-3", "4", "-4", "5", "6", "1/2", "-1/2", "1/3", "1/4"} {
		scaled, ok := n.read("(" + factor + ")*((" + left + ")-(" + right + "))")
		if ok && equal(scaled, b, &c.effort) {
			return Algebraic, true
		}
	}
	return "", false
}

// solves reports whether a formula, put for one of the letters that it does not
// hold itself, makes an equation true.
func (c *comparison) solves(left, right, value string) (Category, bool) {
	if definition.MatchString(strings.TrimSpace(left)) {
		return "", false // "y = ..." is a name, which is taken off
	}
	for _, letter := range []string{"y", "x", "z", "t"} {
		if !strings.Contains(left+right, letter) || strings.Contains(value, letter) {
			continue
		}
		put := func(s string) string { return strings.ReplaceAll(s, letter, "("+value+")") }
		n := names{letters: map[string]string{}}
		a, okA := n.read(put(left))
		b, okB := n.read(put(right))
		if okA && okB && equal(a, b, &c.effort) {
			return Algebraic, true
		}
	}
	return "", false
}

var letterRun = regexp.MustCompile(`\\?[A-Za-zα-ω]+`)

// renamed compares with every letter replaced by its place in the text.
func (c *comparison) renamed(truth, given string) (Category, bool) {
	if c.placing {
		return "", false
	}
	a, countA := placed(truth)
	b, countB := placed(given)
	if countA == 0 || countA != countB {
		return "", false
	}
	c.placing = true
	defer func() { c.placing = false }()
	category, ok := c.same(a, b)
	return VariableChoice, ok && category != Rounding && category != Approximate
}

// placed writes the letters of a text as a, b, c, ... in the order in which they
// come, and counts them.
func placed(s string) (string, int) {
	const letters = "abcdfghjklmnopqrstuvwxyz"
	places := map[rune]string{}
	s = letterRun.ReplaceAllStringFunc(s, func(run string) string {
		if strings.HasPrefix(run, `\`) || isWord(run) || hasFunction(run) || run == "π" || run == "e" {
			return run
		}
		var b strings.Builder
		for _, r := range run {
			if _, ok := places[r]; !ok {
				places[r] = letters[len(places)%len(letters):][:1]
			}
			b.WriteString(places[r])
		}
		return b.String()
	})
	return s, len(places)
}

// Signs of one's own for what others name or write with letters.
var (
	chooseForm = regexp.MustCompile(`C ?\( ?(\w+) ?, ?(\w+) ?\)|C_?\{?(\w)\}?\^\{?(\w)\}?|\{?\}?(?:_|\^)\{?(\w)\}? ?C ?_\{?(\w)\}?`)
	floorForm  = regexp.MustCompile(`\\lfloor ?(.+?) ?\\rfloor|⌊ ?(.+?) ?⌋|floor ?\((.+?)\)`)
	ceilForm   = regexp.MustCompile(`\\lceil ?(.+?) ?\\rceil|⌈ ?(.+?) ?⌉|ceil(?:ing)? ?\((.+?)\)`)
	floorBox   = regexp.MustCompile(`\[([^\[\](),]*)\]`)
	accent     = regexp.MustCompile(`\\(?:overline|bar|vec|hat|tilde|mathcal|mathscr|mathfrak|widehat|overrightarrow|triangle|angle|star|operatorname) ?\{? ?([A-Za-z]+)? ?\}?`)
	otherSigns = strings.NewReplacer("△", "", "∠", "", "ℓ", "l", `\|`, "|", `\lVert`, "|", `\rVert`, "|", `\lvert`, "|", `\rvert`, "|", "‖", "|", `\oplus`, "⊕", `\land`, " and ", `\wedge`, " and ", "∧", " and ",
		`\lor`, " or ", `\vee`, " or ", "∨", " or ", `\neg`, "not ", `\lnot`, "not ", "¬", "not ", `\complement`, "^c", `\prime`, "'", `\star`, "*", `\ast`, "*", "ϕ", "φ", "ε", "e", "℘", "P", `\wp`, "P")
)

func plainSigns(s string) string {
	s = chooseForm.ReplaceAllString(s, `\binom{$1$3$6}{$2$4$5}`)
	s = floorForm.ReplaceAllString(s, "floor($1$2$3)")
	s = ceilForm.ReplaceAllString(s, "ceil($1$2$3)")
	s = accent.ReplaceAllString(s, "$1")
	return spaced(otherSigns.Replace(s))
}

// custom compares with signs such as \binom, \lfloor and \vec written in one way.
func (c *comparison) custom(truth, given string) (Category, bool) {
	a, b := plainSigns(truth), plainSigns(given)
	if a == truth && b == given {
		return "", false
	}
	if solid(a) == solid(b) {
		return CustomSymbol, true
	}
	if strings.Contains(a+b, "floor") { // [x] is a bracket elsewhere
		return CustomSymbol, solid(floorBox.ReplaceAllString(a, "floor($1)")) == solid(floorBox.ReplaceAllString(b, "floor($1)"))
	}
	_, ok := c.formulas(a, b)
	return CustomSymbol, ok
}
