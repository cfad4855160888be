package prime

import (
	"strings"
	"unicode/utf8"
)

// latexRenderer writes the text of what the parser has read.
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
