package question

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plain returns s in lower case and in NFKC, with LaTeX in place of the characters
// that have a command, and with what NFKC would run together kept apart: 2³ must
// not become 23, nor 3½ become 31/2.
func plain(s string) string {
	for range 4 { // lower case may compose where upper case does not, and the other way round
		next := norm.NFKC.String(asLaTeX(norm.NFKC.String(apart(s))))
		if next == s || ascii(next) {
			return next
		}
		s = next
	}
	return s
}

const (
	superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ"
	subscripts   = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚₛₜₓ"
)

// apart writes superscripts, subscripts and fractions as LaTeX does, sets apart
// other characters that hold digits (①, ㎡), and drops characters that have no
// width.
func apart(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	script := byte(0) // that is open
	for _, r := range s {
		mark := byte(0)
		if r >= utf8.RuneSelf {
			switch {
			case strings.ContainsRune(superscripts, r):
				mark = '^'
			case strings.ContainsRune(subscripts, r):
				mark = '_'
			}
		}
		if mark != script {
			if script != 0 {
				b.WriteByte('}')
			}
			if mark != 0 {
				b.WriteByte(mark)
				b.WriteByte('{')
			}
			script = mark
		}
		if r < utf8.RuneSelf || mark != 0 {
			b.WriteRune(r)
			continue
		}
		switch {
		case r == '\u00ad', r == '\u200c', r == '\u200d', r == '\u2060', r == '\ufeff', unicode.Is(unicode.Variation_Selector, r):
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.Is(unicode.Nd, r):
			b.WriteRune(r)
		default:
			b.WriteString(separate(r))
		}
	}
	if script != 0 {
		b.WriteByte('}')
	}
	return b.String()
}

// separate returns a character that is no letter, with space around it if its
// compatible form holds digits.
func separate(r rune) string {
	form := norm.NFKC.String(string(r))
	if over, under, ok := strings.Cut(form, "⁄"); ok && over != "" && under != "" {
		return `\frac{` + over + "}{" + under + "}"
	}
	if strings.ContainsAny(form, "0123456789") {
		return " " + form + " "
	}
	return string(r)
}

// asLaTeX folds case and writes the characters that LaTeX has a command for as
// that command.
func asLaTeX(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	for i, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if next, _ := utf8.DecodeRuneInString(s[i+1:]); next >= utf8.RuneSelf && unicode.IsMark(next) {
				r = unicode.ToLower(r)
			}
			b.WriteRune(r)
		default:
			command := commands[r]
			if command == "" {
				r = unicode.ToLower(r)
				command = commands[r]
			}
			if command == "" {
				command = string(r)
			}
			b.WriteString(command)
		}
	}
	return b.String()
}

// commands holds what LaTeX writes for a character, in NFKC. Names end in a space,
// so that a letter after them is not part of the name.
var commands = map[rune]string{
	'α': `\alpha `, 'β': `\beta `, 'γ': `\gamma `, 'δ': `\delta `, 'ε': `\epsilon `, 'ζ': `\zeta `, 'η': `\eta `, 'θ': `\theta `,
	'ι': `\iota `, 'κ': `\kappa `, 'λ': `\lambda `, 'μ': `\mu `, 'ν': `\nu `, 'ξ': `\xi `, 'π': `\pi `, 'ρ': `\rho `,
	'σ': `\sigma `, 'τ': `\tau `, 'υ': `\upsilon `, 'φ': `\phi `, 'χ': `\chi `, 'ψ': `\psi `, 'ω': `\omega `,
	'Γ': `\Gamma `, 'Δ': `\Delta `, 'Θ': `\Theta `, 'Λ': `\Lambda `, 'Ξ': `\Xi `, 'Π': `\Pi `, 'Σ': `\Sigma `, 'Φ': `\Phi `, 'Ψ': `\Psi `, 'Ω': `\Omega `,

	'≤': `\le `, '⩽': `\le `, '≦': `\le `, '≥': `\ge `, '⩾': `\ge `, '≧': `\ge `, '≠': `\ne `, '≈': `\approx `, '≡': `\equiv `, '≅': `\cong `, '∼': `\sim `, '∝': `\propto `,
	'×': `\times `, '÷': `\div `, '·': `\cdot `, '⋅': `\cdot `, '∙': `\cdot `, '•': `\cdot `, '±': `\pm `, '∓': `\mp `, '∘': `\circ `, '°': `^\circ `, '∗': "*",
	'√': `\sqrt `, '∞': `\infty `, '∑': `\sum `, '∏': `\prod `, '∫': `\int `, '∂': `\partial `, '∇': `\nabla `,
	'∈': `\in `, '∉': `\notin `, '⊂': `\subset `, '⊆': `\subseteq `, '∪': `\cup `, '∩': `\cap `, '∅': `\varnothing `, '∀': `\forall `, '∃': `\exists `, '∧': `\wedge `, '∨': `\vee `, '¬': `\lnot `,
	'→': `\to `, '⇒': `\Rightarrow `, '⇔': `\Leftrightarrow `, '∠': `\angle `, '△': `\triangle `, '⊥': `\perp `, '∥': `\parallel `, '‖': `\| `, '∣': "|",
	'⌊': `\lfloor `, '⌋': `\rfloor `, '⌈': `\lceil `, '⌉': `\rceil `, '⟨': `\langle `, '⟩': `\rangle `, '〈': `\langle `, '〉': `\rangle `, '⋯': "...",
	'−': "-", '‐': "-", '‑': "-", '–': "-", '—': "-", '―': "-", '⁄': "/", '∕': "/", '′': "'", '’': "'", '‘': "`",
}
