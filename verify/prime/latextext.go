package prime

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file turns LaTeX into plain text as pylatexenc 2.10's LatexNodes2Text
// does in its default setting: faults are skipped over, macros that are not
// known vanish while their arguments stay, braces vanish. The callers have
// taken all '$' and '%' out before, so dollar mathematics and comments do not
// occur here. Left out, since no answer has them: the text of \maketitle,
// \today, sectioning macros and \verb.

var (
	// errNoText is returned where pylatexenc raises an exception, or recurses
	// deeper than Python allows; the original then goes on with the LaTeX.
	errNoText = errors.New("LaTeX has no text form")
	// errTooCostly is returned where reading would take time out of proportion
	// to the length. An unclosed `\frac{\frac{\frac{` doubles the time per macro.
	errTooCostly = errors.New("LaTeX takes too long to read")
)

const (
	// pythonFrames is what Python's recursion limit of 1000 leaves to pylatexenc.
	pythonFrames = 995
	// Frames that pylatexenc stacks per level.
	parseGroupFrames    = 3
	parseArgumentFrames = 3 // on top of the group's
	renderGroupFrames   = 4
	renderMacroFrames   = 7
)

// latexToText returns the text form of LaTeX code.
func latexToText(code string) (string, error) {
	p := latexParser{code: code, budget: 8*len(code) + 4096}
	nodes, _, err := p.nodes(0, stop{}, 0)
	if err != nil {
		return "", err
	}
	r := latexRenderer{out: make([]byte, 0, len(code)+16)}
	if err := r.list(nodes, false, 0); err != nil {
		return "", err
	}
	return string(r.out), nil
}

type nodeKind uint8

const (
	charsNode nodeKind = iota
	groupNode
	macroNode
	environmentNode
	specialsNode
	inlineMathNode
	displayMathNode
)

type latexNode struct {
	kind     nodeKind
	text     string // the characters, or the name of the macro or environment
	space    string // the white space after a macro
	bare     bool   // a macro without any argument
	args     []*latexNode
	children []latexNode
}

type tokenKind uint8

const (
	endToken tokenKind = iota
	charToken
	macroToken
	openToken
	closeToken
	beginToken
	endEnvironmentToken
	mathToken
	specialsToken
)

type latexToken struct {
	kind     tokenKind
	text     string
	pos, end int    // without the space before it
	space    string // the white space before it; for endToken what is left of it
	after    string // the white space after a macro, part of pos:end
}

// stop says what ends a list of nodes. The zero value is the end of the text.
type stop struct {
	brace       byte // '}' or ']'
	environment string
	math        string
}

type latexParser struct {
	code   string
	budget int // tokens left to read
}

// token reads the token at pos. Brackets are braces if asked for, and \begin
// and \end are ordinary macros unless environments is set.
func (p *latexParser) token(pos int, brackets, environments bool) (latexToken, error) {
	p.budget--
	if p.budget < 0 {
		return latexToken{}, errTooCostly
	}
	s := p.code
	start := pos
	for pos < len(s) {
		r, size := utf8.DecodeRuneInString(s[pos:])
		if !isSpace(r) {
			break
		}
		pos += size
		if strings.HasSuffix(s[start:pos], "\n\n") {
			return latexToken{kind: charToken, text: "\n\n", pos: pos - 2, end: pos, space: s[start : pos-2]}, nil
		}
	}
	space := s[start:pos]
	if pos == len(s) {
		return latexToken{kind: endToken, pos: pos, end: pos, space: space}, nil
	}
	one := func(kind tokenKind, size int) (latexToken, error) {
		return latexToken{kind: kind, text: s[pos : pos+size], pos: pos, end: pos + size, space: space}, nil
	}
	switch c := s[pos]; c {
	case '\\':
		return p.macroToken(pos, space, environments), nil
	case '{':
		return one(openToken, 1)
	case '}':
		return one(closeToken, 1)
	case '[', ']':
		if brackets && c == '[' {
			return one(openToken, 1)
		}
		if brackets {
			return one(closeToken, 1)
		}
	case '&', '~', '`', '\'', '-', '!', '?':
		if size := specialsLength(s[pos:]); size > 0 {
			return one(specialsToken, size)
		}
	}
	_, size := utf8.DecodeRuneInString(s[pos:])
	return one(charToken, size)
}

// macroToken reads the token of a backslash. One at the end of the text ends
// it, white space before included.
func (p *latexParser) macroToken(pos int, space string, environments bool) latexToken {
	s := p.code
	if pos+1 == len(s) {
		return latexToken{kind: endToken, pos: pos, end: pos}
	}
	r, size := utf8.DecodeRuneInString(s[pos+1:])
	end := pos + 1 + size
	letters := unicode.IsLetter(r)
	if letters {
		end = pos + 1 + len(letterPrefix(s[pos+1:]))
	}
	t := latexToken{kind: macroToken, text: s[pos+1 : end], pos: pos, end: end, space: space}
	switch t.text {
	case "[", "]", "(", ")":
		t.kind = mathToken
		return t
	case "begin", "end":
		if !environments {
			break
		}
		name, size := environmentName(s[end:])
		if size == 0 {
			t.kind, t.text = charToken, s[pos:end]
			return t
		}
		t.kind = beginToken
		if t.text == "end" {
			t.kind = endEnvironmentToken
		}
		t.text, t.end = name, end+size
		return t
	}
	if letters {
		t.after = s[end : end+spaceUpToParagraph(s[end:])]
		t.end = end + len(t.after)
	}
	return t
}

func letterPrefix(s string) string {
	for i, r := range s {
		if !unicode.IsLetter(r) {
			return s[:i]
		}
	}
	return s
}

// spaceUpToParagraph returns the length of the white space that s begins with,
// up to an empty line.
func spaceUpToParagraph(s string) int {
	for i, r := range s {
		if !isSpace(r) {
			return i
		}
		if r == '\n' && strings.HasSuffix(s[:i], "\n") {
			return i - 1
		}
	}
	return len(s)
}

// environmentName reads `{name}` after \begin or \end; size is 0 if there is none.
func environmentName(s string) (name string, size int) {
	trimmed := strings.TrimLeftFunc(s, isSpace)
	if trimmed == "" || trimmed[0] != '{' {
		return "", 0
	}
	for i, r := range trimmed[1:] {
		switch {
		case r == '}':
			if i == 0 {
				return "", 0
			}
			return trimmed[1 : 1+i], len(s) - len(trimmed) + i + 2
		case unicode.IsLetter(r), unicode.IsNumber(r), r == '_', r == '*', r == ' ', r == '.', r == '-':
		default:
			return "", 0
		}
	}
	return "", 0
}

// specialsLength returns the length of the longest ligature or special
// character that s begins with.
func specialsLength(s string) int {
	for _, special := range [...]string{"---", "--", "``", "''", "!`", "?`", "&", "~"} {
		if strings.HasPrefix(s, special) {
			return len(special)
		}
	}
	return 0
}

func specialsText(special string) string {
	switch special {
	case "&":
		return "   "
	case "~":
		return "\u00a0"
	case "``":
		return "“"
	case "''":
		return "”"
	case "--":
		return "–"
	case "---":
		return "—"
	case "!`":
		return "¡"
	}
	return "¿"
}

// nodes reads nodes from pos until what stop says, or the end of the text, and
// returns the position after it. A closing token that fits nothing is skipped.
func (p *latexParser) nodes(pos int, until stop, frames int) ([]latexNode, int, error) {
	if frames > pythonFrames {
		return nil, 0, errNoText
	}
	var list []latexNode
	chars := -1 // where the run of characters began that is not yet a node
	add := func(n latexNode) {
		if len(list) == cap(list) {
			list = slices.Grow(list, max(2, len(list))) // doubles: append grows long lists by a quarter
		}
		list = append(list, n)
	}
	flush := func(end int) {
		if chars >= 0 && end > chars {
			add(latexNode{kind: charsNode, text: p.code[chars:end]})
		}
		chars = -1
	}
	for {
		t, err := p.token(pos, until.brace == ']', true)
		if err != nil {
			return nil, 0, err
		}
		if t.kind == charToken {
			if chars < 0 {
				chars = t.pos - len(t.space)
			}
			pos = t.end
			continue
		}
		if t.kind == endToken {
			if chars < 0 {
				chars = pos
			}
			pos += len(t.space)
			flush(pos)
			return list, pos, nil
		}
		if chars < 0 {
			chars = t.pos - len(t.space)
		}
		flush(t.pos)
		pos = t.end

		switch t.kind {
		case closeToken:
			if t.text[0] == until.brace {
				return list, pos, nil
			}
		case endEnvironmentToken:
			if t.text == until.environment {
				return list, pos, nil
			}
		case mathToken:
			if until.math != "" && t.text == until.math {
				return list, pos, nil
			}
			n := latexNode{kind: inlineMathNode}
			closing := ")"
			switch t.text {
			case ")", "]":
				continue
			case "[":
				n.kind, closing = displayMathNode, "]"
			}
			if n.children, pos, err = p.nodes(pos, stop{math: closing}, frames+parseGroupFrames); err != nil {
				return nil, 0, err
			}
			add(n)
		case openToken:
			var n latexNode
			if n, pos, err = p.group(t, frames); err != nil {
				return nil, 0, err
			}
			add(n)
		case beginToken:
			n := latexNode{kind: environmentNode, text: t.text}
			if _, after, ok, err := p.arguments(environmentArguments(t.text), pos, false, frames); err != nil {
				return nil, 0, err
			} else if ok {
				pos = after
			}
			if n.children, pos, err = p.nodes(pos, stop{environment: t.text}, frames+parseGroupFrames); err != nil {
				return nil, 0, err
			}
			add(n)
		case macroToken:
			n := latexNode{kind: macroNode, text: t.text, space: t.after}
			kinds := macroArguments(t.text)
			args, after, ok, err := p.arguments(kinds, pos, t.text == `\`, frames)
			if err != nil {
				return nil, 0, err
			}
			if ok {
				n.args, pos = args, after
			}
			n.bare = len(n.args) == 0 || !strings.Contains(kinds, "{") && n.args[len(n.args)-1] == nil
			add(n)
		case specialsToken:
			add(latexNode{kind: specialsNode, text: t.text})
		}
	}
}

// group reads the rest of a group whose opening token is t.
func (p *latexParser) group(t latexToken, frames int) (latexNode, int, error) {
	closing := byte('}')
	if t.text == "[" {
		closing = ']'
	}
	children, pos, err := p.nodes(t.end, stop{brace: closing}, frames+parseGroupFrames)
	return latexNode{kind: groupNode, children: children}, pos, err
}

// arguments reads arguments of the given kinds. It is not ok if the text ends
// before they are complete: the macro then has none, and what was read as its
// arguments is read again as text.
func (p *latexParser) arguments(kinds string, pos int, noSpace bool, frames int) (args []*latexNode, after int, ok bool, err error) {
	if kinds == "" {
		return nil, pos, true, nil
	}
	args = make([]*latexNode, 0, len(kinds))
	frames += parseArgumentFrames
	for _, kind := range kinds {
		var n latexNode
		if kind == '[' && noSpace {
			if r, _ := utf8.DecodeRuneInString(p.code[pos:]); isSpace(r) {
				args = append(args, nil)
				continue
			}
		}
		t, err := p.token(pos, kind == '[', false)
		if err != nil {
			return nil, 0, false, err
		}
		switch {
		case kind == '*' && t.kind == endToken:
			return nil, pos, false, nil
		case kind == '*' && (t.kind != charToken || t.text != "*"):
			args = append(args, nil)
			continue
		case kind == '*':
			n, pos = latexNode{kind: charsNode, text: t.text}, t.end
		case kind == '[' && (t.kind != openToken || t.text != "["):
			args = append(args, nil)
			continue
		case t.kind == endToken:
			return nil, pos, false, nil
		case t.kind == openToken:
			if n, pos, err = p.group(t, frames); err != nil {
				return nil, 0, false, err
			}
		case t.kind == closeToken, t.kind == macroToken && t.text == "end":
			n, pos = latexNode{kind: charsNode}, t.pos
		case t.kind == macroToken:
			n, pos = latexNode{kind: macroNode, text: t.text, bare: true}, t.end
		case t.kind == mathToken:
			n, pos = latexNode{kind: charsNode}, t.end
		case t.kind == specialsToken:
			n, pos = latexNode{kind: specialsNode, text: t.text}, t.end
		default:
			n, pos = latexNode{kind: charsNode, text: t.text}, t.end
		}
		args = append(args, &n)
	}
	return args, pos, true, nil
}

// environmentArguments is macroArguments for what follows \begin{name}.
func environmentArguments(name string) string {
	switch name {
	case "array":
		return "[{"
	case "tabular", "alignat", "alignat*":
		return "{"
	case "tabular*":
		return "{{"
	case "tabularx":
		return "{[{"
	case "figure", "figure*", "table", "table*", "theorem", "proposition", "lemma", "corollary", "definition",
		"conjecture", "remark", "proof", "thm", "prop", "lem", "cor", "conj", "rem", "defn",
		"enumerate", "itemize", "description":
		return "["
	}
	return ""
}

type latexRenderer struct{ out []byte }

// list renders nodes one after the other. In equations (the argument is set
// within \( \), \[ \] and the equation environments) the white space after a
// macro stays if characters follow, and characters that are all white space
// vanish; elsewhere it is the other way round.
func (r *latexRenderer) list(nodes []latexNode, equation bool, frames int) error {
	for i := range nodes {
		n := &nodes[i]
		if equation && n.kind == charsNode && i > 0 && nodes[i-1].kind == macroNode && nodes[i-1].bare {
			r.out = append(r.out, nodes[i-1].space...)
		}
		if err := r.node(n, equation, frames); err != nil {
			return err
		}
	}
	return nil
}

func (r *latexRenderer) node(n *latexNode, equation bool, frames int) error {
	if n == nil {
		return nil
	}
	if frames > pythonFrames {
		return errNoText
	}
	switch n.kind {
	case charsNode:
		if !equation || strip(n.text) != "" {
			r.out = append(r.out, n.text...)
		}
	case groupNode:
		return r.list(n.children, equation, frames+renderGroupFrames)
	case macroNode:
		return r.macro(n, equation, frames+renderMacroFrames)
	case environmentNode:
		return r.environment(n, equation, frames+renderGroupFrames)
	case specialsNode:
		r.out = append(r.out, specialsText(n.text)...)
	case inlineMathNode, displayMathNode:
		return r.math(n, frames)
	}
	return nil
}

// strippedFrom strips what was rendered since start.
func (r *latexRenderer) strippedFrom(start int) string {
	text := strip(string(r.out[start:]))
	r.out = r.out[:start]
	return text
}

func (r *latexRenderer) math(n *latexNode, frames int) error {
	start := len(r.out)
	if err := r.list(n.children, true, frames+renderGroupFrames); err != nil {
		return err
	}
	content := r.strippedFrom(start)
	if n.kind == inlineMathNode {
		r.out = append(r.out, content...)
		return nil
	}
	r.block(content)
	return nil
}

// block renders text on lines of its own, indented.
func (r *latexRenderer) block(text string) {
	const indent = "\n    "
	r.out = append(r.out, indent...)
	r.out = append(r.out, strings.ReplaceAll(text, "\n", indent)...)
	r.out = append(r.out, '\n')
}

func (r *latexRenderer) environment(n *latexNode, equation bool, frames int) error {
	switch n.text {
	case "array", "pmatrix", "bmatrix", "smallmatrix", "psmallmatrix", "bsmallmatrix":
		return r.matrix(n, equation, frames)
	case "equation", "equation*", "eqnarray", "eqnarray*", "align", "align*", "multline", "multline*",
		"gather", "gather*", "dmath", "dmath*":
		return r.math(n, frames)
	case "center", "flushleft", "flushright":
		r.out = append(r.out, '\n')
		if err := r.list(n.children, equation, frames); err != nil {
			return err
		}
		r.out = append(r.out, '\n')
		return nil
	}
	return r.list(n.children, equation, frames)
}

// matrix renders cells between '&' and rows between `\\` as "[ a b; c d ]",
// cells aligned to the right.
func (r *latexRenderer) matrix(n *latexNode, equation bool, frames int) error {
	var rows [][]string
	var row []string
	width, cells, from := 0, 0, 0
	cell := func(to int) error {
		if from < to {
			start := len(r.out)
			if err := r.list(n.children[from:to], equation, frames); err != nil {
				return err
			}
			text := r.strippedFrom(start)
			row = append(row, text)
			width = max(width, utf8.RuneCountInString(text))
			cells++
		}
		from = to + 1
		return nil
	}
	for i := range n.children {
		c := &n.children[i]
		column := c.kind == specialsNode && c.text == "&"
		line := c.kind == macroNode && c.text == `\`
		if !column && !line {
			continue
		}
		if err := cell(i); err != nil {
			return err
		}
		if line {
			rows, row = append(rows, row), nil
		}
	}
	if err := cell(len(n.children)); err != nil {
		return err
	}
	if cells == 0 {
		return errNoText
	}
	if width*cells > 64*len(n.children)+4096+len(r.out)*64 {
		return errTooCostly // the padding of one wide cell and many narrow ones
	}
	rows = append(rows, row)
	r.out = append(r.out, "[ "...)
	for i, row := range rows {
		if i > 0 {
			r.out = append(r.out, "; "...)
		}
		for j, text := range row {
			if j > 0 {
				r.out = append(r.out, ' ')
			}
			for range width - utf8.RuneCountInString(text) {
				r.out = append(r.out, ' ')
			}
			r.out = append(r.out, text...)
		}
	}
	r.out = append(r.out, " ]"...)
	return nil
}

// argument renders argument i of a macro, without the braces around it.
func (r *latexRenderer) argument(n *latexNode, i int, equation bool, frames int) error {
	if i >= len(n.args) || n.args[i] == nil {
		return nil
	}
	if n.args[i].kind == groupNode {
		if frames > pythonFrames {
			return errNoText
		}
		return r.list(n.args[i].children, equation, frames)
	}
	return r.node(n.args[i], equation, frames)
}

func (r *latexRenderer) macro(n *latexNode, equation bool, frames int) error {
	if text, ok := symbolText(n.text); ok {
		if !strings.Contains(text, "%") {
			r.out = append(r.out, text...)
			return nil
		}
		return r.template(n, text, equation, frames)
	}
	if mark, ok := accentMark(n.text); ok {
		return r.accent(n, mark, equation, frames)
	}
	switch n.text {
	case "emph", "mathrm", "text", "textbf", "textit", "textrm", "textsc", "textsl":
		return r.argument(n, 0, equation, frames)
	case "%":
		r.out = append(r.out, '%')
	case "texorpdfstring":
		return r.argument(n, 1, equation, frames)
	case "item":
		r.out = append(r.out, "\n  "...)
		if len(n.args) == 0 || n.args[0] == nil {
			r.out = append(r.out, "* "...)
			return nil
		}
		return r.argument(n, 0, equation, frames)
	case "href":
		if len(n.args) < 2 {
			return errNoText
		}
		if err := r.argument(n, 1, equation, frames); err != nil {
			return err
		}
		r.out = append(r.out, " <"...)
		if err := r.argument(n, 0, equation, frames); err != nil {
			return err
		}
		r.out = append(r.out, '>')
	case "includegraphics":
		r.block("< g r a p h i c s >")
	case "mathbf", "mathit", "mathsf", "mathbb", "mathtt", "mathcal", "mathscr", "mathfrak":
		start := len(r.out)
		if err := r.argument(n, 0, equation, frames); err != nil {
			return err
		}
		text := string(r.out[start:])
		r.out = r.out[:start]
		for _, c := range text {
			r.out = utf8.AppendRune(r.out, mathLetter(n.text, c))
		}
	}
	return nil
}

// template renders a macro whose text has places for its arguments. As in
// Python, "%s" with another number of arguments than places is a TypeError,
// which pylatexenc answers with the bare template, and a "%(n)s" that is not
// there is a KeyError, which ends everything.
func (r *latexRenderer) template(n *latexNode, text string, equation bool, frames int) error {
	if places := strings.Count(text, "%s"); places > 0 {
		if places != len(n.args) {
			r.out = append(r.out, text...)
			return nil
		}
		for i := range n.args {
			before, after, _ := strings.Cut(text, "%s")
			r.out = append(r.out, before...)
			if err := r.argument(n, i, equation, frames); err != nil {
				return err
			}
			text = after
		}
		r.out = append(r.out, text...)
		return nil
	}
	before, rest, _ := strings.Cut(text, "%(")
	i := int(rest[0] - '1')
	after := strings.TrimPrefix(rest[1:], ")s")
	if i >= len(n.args) {
		return errNoText
	}
	r.out = append(r.out, before...)
	if err := r.argument(n, i, equation, frames+1); err != nil {
		return err
	}
	r.out = append(r.out, after...)
	return nil
}

// accent adds a combining mark to every character of the argument, or to a
// space if there is none.
func (r *latexRenderer) accent(n *latexNode, mark rune, equation bool, frames int) error {
	text := " "
	if len(n.args) > 0 {
		start := len(r.out)
		if err := r.argument(n, 0, equation, frames); err != nil {
			return err
		}
		text = r.strippedFrom(start)
	}
	for _, c := range text {
		switch c {
		case 'ı':
			c = 'i'
		case 'ȷ':
			c = 'j'
		}
		if composed, ok := compose(c, mark); ok {
			r.out = utf8.AppendRune(r.out, composed)
			continue
		}
		r.out = utf8.AppendRune(r.out, c)
		r.out = utf8.AppendRune(r.out, mark)
	}
	return nil
}

func compose(base, mark rune) (rune, bool) {
	isBase := true
	var found bool
	for _, c := range composedPairs(mark) {
		if found {
			return c, true
		}
		found = isBase && c == base
		isBase = !isBase
	}
	return 0, false
}

// mathLetter returns the character of Unicode's mathematical alphabets for an
// ASCII letter, by the offsets of chart U+1D400 and the letters that had been
// allocated before.
func mathLetter(macro string, c rune) rune {
	upper := 'A' <= c && c <= 'Z'
	if !upper && (c < 'a' || c > 'z') {
		return c
	}
	var start rune
	var exceptions string
	switch macro {
	case "mathbf":
		start = 0x1d400
	case "mathit":
		start, exceptions = 0x1d434, "hℎ"
	case "mathsf":
		start = 0x1d5a0
	case "mathbb":
		start, exceptions = 0x1d538, "CℂHℍNℕPℙQℚRℝZℤ"
	case "mathtt":
		start = 0x1d670
	case "mathcal", "mathscr":
		start, exceptions = 0x1d49c, "BℬEℰFℱHℋIℐLℒMℳRℛeℯgℊoℴ"
	case "mathfrak":
		start, exceptions = 0x1d504, "CℭHℌIℑRℜZℨ"
	}
	if i := strings.IndexRune(exceptions, c); i >= 0 {
		r, _ := utf8.DecodeRuneInString(exceptions[i+1:])
		return r
	}
	if upper {
		return start + c - 'A'
	}
	return start + 26 + c - 'a'
}
