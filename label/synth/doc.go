// Package synth proposes answers that no model sampled, for the annotators to judge:
// other ways to write the ground truth, wrong answers close to it, and answers that
// attack a verifier.
//
// It promises to make no label up. Equivalents and near misses go to the annotators,
// even where a wrong answer was proven wrong here. Only hardening rows that are
// wrong by construction are known to be wrong, and say so; where the ground truth
// leaves any doubt of that, they are not made. All that the rule verifier does not
// reject is dropped, counted and listed, since a trained verifier is asked about
// rejections only.
//
// A near miss by rule is made by changing the ground truth in one place, so that it
// keeps its written form, and is kept only if algebra shows that it differs, and not
// because nobody could show that it does not. Ground truths that cannot be read for
// certain (words, general equations, answers with a parameter) have none.
package synth
