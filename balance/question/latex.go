package question

// dropped are commands that change how mathematics looks, not what it says.
var dropped = set(
	"left", "right", "middle", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "bigm", "Bigl", "Bigr", "Bigm", "biggl", "biggr", "Biggl", "Biggr",
	"displaystyle", "textstyle", "scriptstyle", "scriptscriptstyle", "limits", "nolimits", "nonumber", "notag",
	"quad", "qquad", "enspace", "enskip", "thinspace", "medspace", "thickspace", "negthinspace", "hfill", "noindent", "par", "newline",
	"rm", "bf", "it", "sf", "tt", "sl", "em", "normalsize", "large", "Large", "small",
)

// wrappers are commands whose argument is all that they say.
var wrappers = set(
	"text", "textrm", "textbf", "textit", "textsf", "texttt", "textnormal", "emph", "mbox", "hbox", "fbox",
	"mathrm", "mathbf", "mathit", "mathsf", "mathtt", "mathnormal", "boldsymbol", "bm", "pmb", "operatorname",
)

// names gives the commands that are written in several ways one name, and those
// that plain text has a word or a sign for that word or sign.
var names = map[string]string{
	"dfrac": `\frac`, "tfrac": `\frac`, "cfrac": `\frac`, "dbinom": `\binom`, "tbinom": `\binom`,
	"leq": `\le`, "leqslant": `\le`, "leqq": `\le`, "geq": `\ge`, "geqslant": `\ge`, "geqq": `\ge`, "neq": `\ne`,
	"rightarrow": `\to`, "longrightarrow": `\to`, "land": `\wedge`, "lor": `\vee`, "neg": `\lnot`,
	"ldots": "...", "dots": "...", "cdots": "...", "dotsc": "...", "dotsb": "...", "dotsm": "...", "dotso": "...",
	"lt": "<", "gt": ">", "vert": "|", "lvert": "|", "rvert": "|", "mid": "|", "Vert": `\|`, "lVert": `\|`, "rVert": `\|`,
	"lbrace": `\{`, "rbrace": `\}`, "lbrack": "[", "rbrack": "]", "ast": "*", "emptyset": `\varnothing`,
	"sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc",
	"arcsin": "arcsin", "arccos": "arccos", "arctan": "arctan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
	"log": "log", "ln": "ln", "lg": "lg", "exp": "exp", "max": "max", "min": "min", "gcd": "gcd", "det": "det", "lim": "lim", "deg": "deg",
}

func set(members ...string) map[string]bool {
	m := make(map[string]bool, len(members))
	for _, s := range members {
		m[s] = true
	}
	return m
}

// backslash takes a command of LaTeX, or a character that a backslash escapes.
func (f *form) backslash(i int) int {
	in := f.in
	j := i + 1
	for j < len(in) && lowered[in[j]] != 0 {
		j++
	}
	if j > i+1 {
		return f.command(i, j)
	}
	if j == len(in) {
		return j
	}
	switch c := in[j]; c {
	case '(', ')', '[', ']', ',', ';', ':', '!', '>', '/', '-', ' ':
		return j + 1 // delimiters and spaces
	case '{':
		f.token(operator, `\{`)
	case '}':
		f.token(short, `\}`)
	case '|':
		f.token(short, `\|`)
	case '\\':
		if j+1 < len(in) && (in[j+1] == '(' || in[j+1] == ')') {
			return j + 2 // a delimiter that was escaped twice
		}
		f.token(operator, `\\`)
	default:
		return j // the character alone
	}
	return j + 1
}

// command takes the command in[i:j].
func (f *form) command(i, j int) int {
	in := f.in
	name := in[i+1 : j]
	k := j
	for k < len(in) && in[k] == ' ' {
		k++
	}
	switch {
	case dropped[name]:
		if (name == "left" || name == "right") && k < len(in) && in[k] == '.' {
			return k + 1 // no bracket on this side
		}
		return j
	case wrappers[name]:
		if k < len(in) && in[k] == '{' {
			f.groups = append(f.groups, group{dropped: true})
			return k + 1
		}
		return j
	}
	text, renamed := names[name]
	if !renamed {
		text = in[i:j]
	}
	if text == "..." {
		f.ellipsis()
		return j
	}
	f.token(classOf(text), text)
	if takesTwo(text) {
		f.arguments = 2
	}
	return j
}

// takesTwo says whether a command has two arguments.
func takesTwo(command string) bool { return command == `\frac` || command == `\binom` }
