package question

import (
	"unicode"
	"unicode/utf8"
)

// A form is a normal form in the making. Whether punctuation is kept depends on
// the tokens on its two sides that are kept, and on nothing that is dropped: that
// is what makes a normal form its own normal form.
type form struct {
	in  string
	out []byte
	n   int // bytes of out

	prev    class
	hyphens int  // after a long word, to be dropped if another follows
	soft    byte // a comma, colon or semicolon whose right side is not known yet

	groups    []group // open braces
	arguments int     // that a fraction still takes

	lower, upper uint32 // letters that stand alone
	cased        uint32 // those of them whose case stays
}

// class is what a token is to the punctuation beside it.
type class byte

const (
	start class = iota
	long        // a word of three letters or more: prose
	short       // a word of one or two, a number, a command, a closing bracket, a prime
	operator
	ellipsis
	blank
)

// group is an open brace.
type group struct {
	dropped   bool // it belongs to \text and the like
	at        int  // where it is in out
	tokens    int  // it holds so far
	arguments int  // that were due when it opened
}

// articles are the letters that are words of English.
const articles = 1 | 1<<('i'-'a')

// lowered holds the lower case of ASCII letters, and 0 for the rest.
var lowered = func() (table [256]byte) {
	for c := byte('a'); c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = c, c
	}
	return table
}()

func digit(c byte) bool { return c-'0' < 10 }

func (f *form) run() {
	in := f.in
	for i := 0; i < len(in); {
		c := in[i]
		switch {
		case lowered[c] != 0 || c >= utf8.RuneSelf:
			i = f.text(i)
		case c <= ' ' || c == 0x7f:
			i++
		case digit(c), c == '.' && i+1 < len(in) && digit(in[i+1]):
			i = f.number(i)
		case c == '\\':
			i = f.backslash(i)
		case c == '.':
			i = f.dots(i)
		default:
			i = f.mark(i)
		}
	}
}

// text takes a word, or a character beyond ASCII that is none.
func (f *form) text(i int) int {
	in := f.in
	j := i + 1
	for j < len(in) && lowered[in[j]] != 0 {
		j++
	}
	letters := j - i
	if in[j-1] >= utf8.RuneSelf || j < len(in) && in[j] >= utf8.RuneSelf {
		if j, letters = f.letters(i); letters == 0 {
			return f.symbol(i)
		}
	}
	kind := short
	if letters > 2 {
		kind = long
	}
	f.open(kind)
	word := in[i:j]
	out := f.out[f.n:][:len(word)]
	for k := range len(word) {
		c := word[k]
		if c-'A' < 26 {
			c += 'a' - 'A'
		}
		out[k] = c
	}
	f.n += len(word)
	if len(word) == 1 {
		f.alone(word[0], out)
	}
	return j
}

// letters returns the end of the word at i, and the number of its letters.
func (f *form) letters(i int) (end, count int) {
	for n, r := range f.in[i:] {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) {
			return i + n, count
		}
		count++
	}
	return len(f.in), count
}

// alone notes a letter that is a word, and writes it as it stands if its case stays.
func (f *form) alone(c byte, out []byte) {
	bit := uint32(1) << (out[0] - 'a')
	if c == out[0] {
		f.lower |= bit
		return
	}
	f.upper |= bit
	if f.cased&bit != 0 {
		out[0] = c
	}
}

// number takes digits, and a point with digits after it. The first digits after a
// fraction are its arguments, one each, as in LaTeX.
func (f *form) number(i int) int {
	in := f.in
	f.settle(short)
	for digit(in[i]) && f.arguments > 0 {
		f.put(short, in[i:i+1])
		i++
		if i == len(in) || !digit(in[i]) && !(in[i] == '.' && i+1 < len(in) && digit(in[i+1])) {
			return i
		}
	}
	j := i
	for j < len(in) && digit(in[j]) {
		j++
	}
	if j+1 < len(in) && in[j] == '.' && digit(in[j+1]) {
		j++
		for j < len(in) && digit(in[j]) {
			j++
		}
	}
	f.put(short, in[i:j])
	return j
}

// dots takes a full stop, or the dots that stand for terms.
func (f *form) dots(i int) int {
	in := f.in
	count, j := 1, i+1
	for ; j < len(in); j++ {
		if in[j] == ' ' {
			continue
		}
		if in[j] != '.' || in[j-1] == ' ' && j+1 < len(in) && digit(in[j+1]) {
			break
		}
		count++
	}
	if count == 1 {
		return i + 1
	}
	f.ellipsis()
	return j
}

func (f *form) ellipsis() {
	if f.prev != ellipsis || f.soft != 0 {
		f.token(ellipsis, "...")
	}
}

// mark takes an ASCII character that is no letter, digit, point or backslash.
func (f *form) mark(i int) int {
	in := f.in
	follows := func(c byte) bool { return i+1 < len(in) && in[i+1] == c }
	switch c := in[i]; c {
	case '$', '~', '"', '`', '?':
	case ',', ':', ';':
		if f.soft == 0 && (f.hyphens > 0 || f.prev != start && f.prev != long) {
			f.soft = c
		}
	case '!', '\'':
		if f.prev == short && f.soft == 0 {
			f.token(short, in[i:i+1])
		}
	case '-':
		switch {
		case follows('>'):
			f.token(short, `\to`)
			return i + 2
		case f.prev == long && f.soft == 0:
			f.hyphens++
		default:
			f.token(operator, "-")
		}
	case '<', '>':
		if !follows('=') {
			f.token(operator, in[i:i+1])
			return i + 1
		}
		name := `\le`
		if c == '>' {
			name = `\ge`
		}
		f.token(short, name)
		return i + 2
	case '_':
		if f.prev != blank || f.soft != 0 {
			f.token(blank, "_")
		}
	case '{':
		f.brace()
	case '}':
		f.unbrace()
	case ')', ']', '|':
		f.token(short, in[i:i+1])
	default:
		f.token(operator, in[i:i+1])
	}
	return i + 1
}

// symbol takes a character beyond ASCII that is no letter.
func (f *form) symbol(i int) int {
	r, size := utf8.DecodeRuneInString(f.in[i:])
	text := f.in[i : i+size]
	switch {
	case unicode.IsNumber(r): // of another script
		for j := i + size; unicode.IsNumber(r); j += size {
			text = f.in[i:j]
			r, size = utf8.DecodeRuneInString(f.in[j:])
			if r < utf8.RuneSelf {
				break
			}
		}
		f.token(short, text)
		return i + len(text)
	case unicode.Is(unicode.Pe, r):
		f.token(short, text)
	case unicode.IsSymbol(r), unicode.Is(unicode.Ps, r), r == '‰', r == '‱':
		f.token(operator, text)
	}
	return i + size
}

// brace opens a group that LaTeX does not print.
func (f *form) brace() {
	f.token(operator, "{")
	f.groups = append(f.groups, group{at: f.n - 1, arguments: f.arguments})
	f.arguments = 0
}

// unbrace closes a group. A group of one character or command is that character.
func (f *form) unbrace() {
	if len(f.groups) == 0 {
		f.token(short, "}")
		return
	}
	last := len(f.groups) - 1
	if f.groups[last].dropped {
		f.groups = f.groups[:last]
		return
	}
	f.settle(operator)
	g := f.groups[last]
	f.groups = f.groups[:last]
	if g.tokens == 1 && single(f.out[g.at+2:f.n]) {
		f.n = g.at + copy(f.out[g.at:], f.out[g.at+2:f.n])
	} else {
		f.write(short, "}")
	}
	f.arguments = g.arguments
}

// single says whether a token means the same without braces around it, to
// whatever stands beside it.
func single(token []byte) bool {
	c := token[0]
	if c == '\\' {
		return !takesTwo(string(token))
	}
	return len(token) == 1 && (lowered[c] != 0 || digit(c) || c == '+' || c == '*')
}

// token adds a token.
func (f *form) token(kind class, text string) {
	f.settle(kind)
	f.put(kind, text)
}

// put adds a token whose left side is settled.
func (f *form) put(kind class, text string) {
	f.count()
	f.write(kind, text)
}

// open settles what is before a token and makes its place; the caller writes it.
func (f *form) open(kind class) {
	if f.hyphens > 0 || f.soft != 0 {
		f.settle(kind)
	}
	f.count()
	if f.n > 0 {
		f.out[f.n] = ' '
		f.n++
	}
	f.prev = kind
}

// count counts a token where it is an argument or in a group.
func (f *form) count() {
	if f.arguments == 0 && len(f.groups) == 0 {
		return
	}
	if f.arguments > 0 {
		f.arguments--
	}
	for i := len(f.groups) - 1; i >= 0; i-- {
		g := &f.groups[i]
		if !g.dropped {
			g.tokens++
			break
		}
	}
}

func (f *form) write(kind class, text string) {
	if f.n > 0 {
		f.out[f.n] = ' '
		f.n++
	}
	f.n += copy(f.out[f.n:], text)
	f.prev = kind
}

// settle decides on the punctuation before a token of this class.
func (f *form) settle(next class) {
	hyphens, soft := f.hyphens, f.soft
	if hyphens == 0 && soft == 0 {
		return
	}
	f.hyphens, f.soft = 0, 0
	if next == long {
		return
	}
	for range hyphens {
		f.put(operator, "-")
	}
	if soft != 0 {
		f.put(operator, string(soft))
	}
}

// classOf returns the class of a token that a command stands for.
func classOf(token string) class {
	switch token {
	case `\\`, `\{`, "[", "<", ">", "*":
		return operator
	}
	if len(token) > 2 && token[0] != '\\' {
		return long
	}
	return short
}
