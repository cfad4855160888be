package taxonomy

import (
	"regexp"
	"strings"
)

// LaTeX's ways to write white space, and those of HTML.
var spacing = regexp.MustCompile(`\\(?:[,;:! ]|quad\b|qquad\b|thinspace\b|hspace\*?\{[^{}]*\})|~|&nbsp;|\s|[\p{Z}\x{200b}\x{feff}]`)

// escapes undoes what a reader of JSON or Python made of LaTeX's backslashes.
var escapes = strings.NewReplacer("\frac", `\frac`, "\text", `\text`, "\times", `\times`, "\right", `\right`, "\binom", `\binom`)

// spaced writes every white space as one blank.
func spaced(s string) string {
	s = escapes.Replace(s)
	if strings.Contains(s, `\begin{`) { // whose lines end in two backslashes
		s = strings.ReplaceAll(s, `\\`, " ⏎ ")
	}
	return strings.Join(strings.Fields(spacing.ReplaceAllString(s, " ")), " ")
}

// solid takes all blanks out.
func solid(s string) string { return strings.ReplaceAll(s, " ", "") }

// Signs and the one spelling that each gets. Longer ones come first where one
// begins with the other.
var signs = []string{
	`\$`, "＄", "$", "",
	`\leqslant`, "<=", `\geqslant`, ">=", `\leq`, "<=", `\geq`, ">=", "≤", "<=", "⩽", "<=", "≥", ">=", "⩾", ">=", "＞", ">", "＜", "<",
	`\neq`, "!=", "≠", "!=", `\lt`, "<", `\gt`, ">",
	`\times`, "*", `\cdot`, "*", "×", "*", "·", "*", "⋅", "*", "∙", "*", `\div`, "/", "÷", "/",
	"−", "-", "–", "-", "—", "-", "‐", "-",
	`\pm`, "±", "∓", "±", `\mp`, "±",
	`\infty`, "∞", `\cup`, "∪", `\cap`, "∩", `\notin`, "∉",
	`\approx`, "≈", `\simeq`, "≈", `\forall`, "∀", `\exists`, "∃", `\emptyset`, "∅", `\varnothing`, "∅",
	`\setminus`, "∖", `\backslash`, "∖", `\mapsto`, "->", `\rightarrow`, "->", "→", "->", "↦", "->", `\langle`, "⟨", `\rangle`, "⟩",
	`^{\circ}`, "°", `^\circ`, "°", `{}°`, "°", `\circ`, "°", `\degree`, "°", "º", "°", `\%`, "%", "％", "%",
	`\ldots`, "...", `\cdots`, "...", `\dots`, "...", "…", "...", `\mid`, "|", `\vert`, "|", `\colon`, ":", "：", ":", "，", ",", "；", ";", "（", "(", "）", ")",
	`\pi`, "π", `\theta`, "θ", `\alpha`, "α", `\beta`, "β", `\gamma`, "γ", `\lambda`, "λ", `\ell`, "ℓ", `\varphi`, "φ", `\phi`, "φ", `\varepsilon`, "ε", `\epsilon`, "ε",
	"²", "^2", "³", "^3", "½", "1/2", "¼", "1/4", "¾", "3/4",
	"“", `"`, "”", `"`, "’", "'", "‘", "'", `\\frac`, `\frac`, `\\pi`, "π",
	`\mathbb{R}`, "ℝ", `\mathbb R`, "ℝ", `\mathbb{Z}`, "ℤ", `\mathbb Z`, "ℤ", `\mathbb{N}`, "ℕ", `\mathbb{Q}`, "ℚ", `\mathbb{C}`, "ℂ",
}

// Commands that other commands begin with.
var shortCommands = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`\\le([^A-Za-z]|$)`), "<=$1"}, {regexp.MustCompile(`\\ge([^A-Za-z]|$)`), ">=$1"}, {regexp.MustCompile(`\\ne([^A-Za-z]|$)`), "!=$1"},
	{regexp.MustCompile(`\\in([^A-Za-z]|$)`), "∈$1"}, {regexp.MustCompile(`\\to([^A-Za-z]|$)`), "->$1"}, {regexp.MustCompile(`\\sim([^A-Za-z]|$)`), "≈$1"}, {regexp.MustCompile(`\\R([^A-Za-z]|$)`), "ℝ$1"},
}

var (
	rootSign     = regexp.MustCompile(`√ ?(\d+|[a-z])`)
	plusInfinity = regexp.MustCompile(`\+ ?∞`)
	lastStop     = regexp.MustCompile(`[.。;,]\s*$`)
)

// normalizer holds the replacer, which is costly to build.
type normalizer struct{ signs *strings.Replacer }

var normal = normalizer{strings.NewReplacer(signs...)}

// symbols writes signs in one way; s is spaced.
func (n normalizer) symbols(s string) string {
	for _, command := range shortCommands {
		s = command.pattern.ReplaceAllString(s, command.by)
	}
	s = rootSign.ReplaceAllString(n.signs.Replace(s), `\sqrt{$1}`)
	s = plusInfinity.ReplaceAllString(s, "∞")
	return spaced(lastStop.ReplaceAllString(strings.TrimSpace(s), ""))
}

var (
	textCommand   = regexp.MustCompile(`\\(?:text|textbf|textit|textrm|textnormal|mathrm|mathbf|mathit|mathsf|mathbb|operatorname\*?|mbox|boldsymbol|bm|emph|underline|boxed) ?\{([^{}]*)\}`)
	looseCommand  = regexp.MustCompile(`\\(?:left|right|[bB]igg?[lr]?|displaystyle|limits|mathrm|mathbf|text|boxed|rm|bf)([^A-Za-z]|$)`)
	fractions     = regexp.MustCompile(`\\([dtc])(frac|binom)`)
	shortFraction = regexp.MustCompile(`\\frac ?(\d) ?(\d)`)
	shortPower    = regexp.MustCompile(`([\^_])\{ ?(\w|-\d) ?\}`)
	shortRoot     = regexp.MustCompile(`\\sqrt ?(\d+|[A-Za-z])`)
	superscript   = regexp.MustCompile(`(?i)<sup>(.*?)</sup>`)
	subscript     = regexp.MustCompile(`(?i)<sub>(.*?)</sub>`)
	htmlTag       = regexp.MustCompile(`(?i)</?(?:b|i|em|strong|u|p|br|span|div|code|sup|sub|font|h[1-6]|li|ul|ol)(?: [^<>]*)?/?>`)
	loneGroup     = regexp.MustCompile(`(^|[^\\\w}\]^_])\{([^{}\\,]*)\}`)
	apartGroup    = regexp.MustCompile(`([A-Za-z}^_\]]) \{`)
	lonePoint     = regexp.MustCompile(`\{ ?([,:;.!*]) ?\}`)
	heading       = regexp.MustCompile(`^#+ `)
	functionNames = regexp.MustCompile(`\\(arcsin|arccos|arctan|sin|cos|tan|cot|sec|csc|ln|lg|log|exp|max|min|gcd|det)([^A-Za-z]|$)`)
)

// markup takes off what only changes the looks; s is spaced. It also writes
// fractions, roots and powers in one way, with their braces.
func markup(s string) string {
	s = superscript.ReplaceAllString(s, "^{$1}")
	s = subscript.ReplaceAllString(s, "_{$1}")
	s = htmlTag.ReplaceAllString(s, " ")
	s = strings.NewReplacer("**", "", "__", "", "`", "").Replace(heading.ReplaceAllString(s, ""))
	s = fixed(textCommand, s, " $1 ")
	s = fixed(looseCommand, s, " $1")
	s = fractions.ReplaceAllString(s, `\$2`)
	s = shortFraction.ReplaceAllString(s, `\frac{$1}{$2}`)
	s = shortRoot.ReplaceAllString(s, `\sqrt{$1}`)
	s = shortPower.ReplaceAllString(s, "$1$2")
	s = lonePoint.ReplaceAllString(s, "$1")
	s = apartGroup.ReplaceAllString(s, "$1{")
	s = fixed(functionNames, s, " $1$2")
	s = fixed(loneGroup, s, "$1$2")
	return spaced(s)
}

// fixed replaces until nothing changes, a few times at most: what is nested
// deeper nobody writes.
func fixed(pattern *regexp.Regexp, s, by string) string {
	for range 4 {
		changed := pattern.ReplaceAllString(s, by)
		if changed == s {
			break
		}
		s = changed
	}
	return s
}

// canonical is a text after all three steps, its words still apart.
func canonical(s string) string {
	s = normal.symbols(spaced(hideSuperscripts(s)))
	s = markup(s)
	return spaced(lastStop.ReplaceAllString(s, ""))
}

// hideSuperscripts keeps HTML from being read as inequalities.
func hideSuperscripts(s string) string {
	return subscript.ReplaceAllString(superscript.ReplaceAllString(s, "^{$1}"), "_{$1}")
}

// wordsOf lists the runs of letters in a text that are no commands.
func wordsOf(s string) []string {
	var found []string
	for _, m := range words.FindAllStringIndex(s, maxWords) {
		if m[0] == 0 || s[m[0]-1] != '\\' {
			found = append(found, s[m[0]:m[1]])
		}
	}
	return found
}

// maxWords is how many words of a text are looked at.
const maxWords = 400

// isWord reports whether letters are prose and not mathematics.
func isWord(s string) bool {
	low := strings.ToLower(s)
	switch low {
	case "arcsin", "arccos", "arctan", "sin", "cos", "tan", "cot", "sec", "csc", "exp", "log", "max", "min", "gcd", "det", "mod", "pmatrix", "bmatrix", "vmatrix", "begin", "end":
		return false
	case "is", "to", "of", "in", "or", "an", "at", "by", "it", "no", "on", "we", "if", "as", "so", "be", "th", "st", "nd", "rd":
		return true
	}
	return len(s) >= 3 && strings.ContainsAny(low, "aeiouy") && strings.Trim(low, "abcdefghijklmnopqrstuvwxyz") == ""
}
