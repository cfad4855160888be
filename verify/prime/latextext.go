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
