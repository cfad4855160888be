// Package taxonomy says why a rule verifier rejected a correct answer: which of
// the published 7 classes and 31 sub-classes of difference lies between the
// answer and the ground truth.
//
// [Classify] decides by rule and asks nobody; [ParseReply] reads what a model
// replied to configs/prompts/taxonomy.txt; [Agreement] compares the two. Both
// presuppose that the answer is right: they name a difference of form and must
// not be used to judge.
//
// # How Classify decides
//
// Both texts are normalised in growing steps, and the first step that makes them
// equal names the difference:
//
//  1. white space, LaTeX's commands for it included: formatting.whitespace
//  2. signs and their spellings ($, ≤ and \leqslant, × and \cdot, a full stop at
//     the end): formatting.symbol
//  3. markup (\text, \left, \dfrac, bold type, HTML, needless braces):
//     formatting.markup
//
// If none does, parts that carry no value are taken off, the smallest number of
// them that suffices: a unit, the name in "x = 3", working and conditions
// around the result, prose. The bare texts are compared as texts, then in this
// order: subscripts, ratios, sets of numbers (intervals and inequalities),
// vectors, solutions joined by ±, lists, numbers, words for numbers, formulas,
// renamed variables. If the bare texts are equal, what was taken off names the
// difference; if it takes a comparison of values, the comparison does, as it
// says more than a missing unit.
//
// If nothing makes the two equal, the shapes of both texts choose a class: where
// both are prose language.phrasing, where one is, language.other, else the
// "other" of numbers, of intervals, of lists or of expressions. The result is
// false only if one of the two is empty.
//
// The work is bounded: texts above 1,500 bytes are compared by the first three
// steps only, and formulas share one limit of effort. Classify keeps nothing
// between calls, is safe for several goroutines, and never panics.
package taxonomy
