// Package prime is the published rule verifier in Go: the one that the Prime
// project ships in verl and that decided which replies TinyV's training data
// calls rejected. It promises the original's verdict, mistakes included, in
// bounded time and without Python.
//
// [Extract] takes the answer out of a full reply, [Equal] judges an answer, and
// [Verifier] does both behind the project's interface. All are safe for use by
// several goroutines, take any bytes, and never panic.
//
// # Steps of a verdict
//
// An answer is accepted by the first of these that holds:
//
//   - equal after the normalisation of the MATH data set (mathform.go);
//   - equal after the original's own normalisation (ownform.go), which turns
//     LaTeX into text as pylatexenc 2.10 does (latextext.go, latexsymbols.go);
//   - equal element by element in that form (elements.go);
//   - equal by the original's second opinion on the unnormalised texts
//     (mathequal.go): numbers within 1e-4, also at a hundredth and a
//     hundredfold, pi as 3.14159… or 3.14, brackets, tuples and lists.
//
// Extraction and both normal forms agree with the original on every row of the
// project's golden files.
//
// # What differs from the original
//
//   - Algebra is not there yet: where the original has sympy simplify a
//     difference, only plain arithmetic of numbers is evaluated (arithmetic.go);
//     anything with a letter in it, roots and factorials are refused. That is
//     nearly all of the disagreement that is left, and only refuses.
//   - Text with `\pi` is evaluated as numbers and operators alone; the original
//     calls Python's eval, names and calls included.
//   - The original has no bound of its own in the normalisations. Here LaTeX
//     whose unclosed macros would be read again and again stays LaTeX.
//   - Python's recursion limit counts the caller's stack too, so the depth of
//     nested LaTeX (about 250 braces, 140 fractions) at which the original gives
//     up the conversion is matched to within a few levels only.
package prime
