package taxonomy

import "strings"

// Category is a sub-class, as its stable code: "formatting.whitespace".
type Category string

// Class returns the code of the class: "formatting".
func (c Category) Class() string {
	class, _, _ := strings.Cut(string(c), ".")
	return class
}

// The sub-classes. The codes are stored in data sets and never change.
const (
	Whitespace      Category = "formatting.whitespace"
	Symbol          Category = "formatting.symbol"
	Markup          Category = "formatting.markup"
	Unit            Category = "formatting.unit"
	Context         Category = "formatting.context"
	FormattingOther Category = "formatting.other"

	Interval        Category = "notation.interval"
	Ratio           Category = "notation.ratio"
	JoinedSolutions Category = "notation.joined_solutions"
	VectorMatrix    Category = "notation.vector_matrix"
	NotationOther   Category = "notation.other"

	Algebraic       Category = "expression.algebraic"
	RootExponent    Category = "expression.root_exponent"
	LogTrig         Category = "expression.log_trig"
	ExpressionOther Category = "expression.other"

	Approximate  Category = "numeric.approximate"
	ExactForm    Category = "numeric.exact_form"
	Rounding     Category = "numeric.rounding"
	NumericOther Category = "numeric.other"

	ExplanatoryText    Category = "language.explanatory_text"
	VariableAssignment Category = "language.variable_assignment"
	Phrasing           Category = "language.phrasing"
	LanguageOther      Category = "language.other"

	Order        Category = "set_list.order"
	Structure    Category = "set_list.structure"
	Delimiter    Category = "set_list.delimiter"
	SetListOther Category = "set_list.other"

	VariableChoice Category = "symbolic.variable_choice"
	Script         Category = "symbolic.script"
	CustomSymbol   Category = "symbolic.custom_symbol"
	SymbolicOther  Category = "symbolic.other"
)

// Class is one of the seven classes.
type Class struct {
	Code   string
	Letter string // A to G
	Title  string
	Subs   []Sub
}

// Sub is one of the sub-classes of a class.
type Sub struct {
	Code   Category
	Number string // its letter and place in the class: A1
	Title  string
}

// Classes returns the published classes in the published order. The caller owns
// the result.
func Classes() []Class {
	return []Class{
		class("A", "formatting", "formatting and syntax",
			Sub{Whitespace, "A1", "white space"}, Sub{Symbol, "A2", "spelling of signs"}, Sub{Markup, "A3", "markup"},
			Sub{Unit, "A4", "unit added, dropped or converted"}, Sub{Context, "A5", "context added or left out"}, Sub{FormattingOther, "A6", "other formatting"}),
		class("B", "notation", "mathematical notation",
			Sub{Interval, "B1", "interval against inequality"}, Sub{Ratio, "B2", "form of a ratio"}, Sub{JoinedSolutions, "B3", "joined against listed solutions"},
			Sub{VectorMatrix, "B4", "form of a vector or matrix"}, Sub{NotationOther, "B5", "other notation"}),
		class("C", "expression", "mathematical expression",
			Sub{Algebraic, "C1", "algebraic rearrangement"}, Sub{RootExponent, "C2", "roots and exponents"}, Sub{LogTrig, "C3", "logarithms and trigonometry"},
			Sub{ExpressionOther, "C4", "other equal expression"}),
		class("D", "numeric", "numbers",
			Sub{Approximate, "D1", "exact against approximate"}, Sub{ExactForm, "D2", "other exact form"}, Sub{Rounding, "D3", "rounding"}, Sub{NumericOther, "D4", "other form of a number"}),
		class("E", "language", "language",
			Sub{ExplanatoryText, "E1", "explanatory text"}, Sub{VariableAssignment, "E2", "variable or function named or not"}, Sub{Phrasing, "E3", "phrasing"},
			Sub{LanguageOther, "E4", "other difference of language"}),
		class("F", "set_list", "sets and lists",
			Sub{Order, "F1", "order of elements"}, Sub{Structure, "F2", "brackets and structure"}, Sub{Delimiter, "F3", "delimiter"}, Sub{SetListOther, "F4", "other form of a list"}),
		class("G", "symbolic", "symbols",
			Sub{VariableChoice, "G1", "choice of variable"}, Sub{Script, "G2", "sub- and superscripts"}, Sub{CustomSymbol, "G3", "custom symbol"}, Sub{SymbolicOther, "G4", "other use of symbols"}),
	}
}

func class(letter, code, title string, subs ...Sub) Class {
	return Class{Code: code, Letter: letter, Title: title, Subs: subs}
}
