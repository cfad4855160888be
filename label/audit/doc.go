// Package audit lets a person check the labels of a run.
//
// [Draw] takes a sample of the labelled rows and writes it as a CSV file and as
// one HTML page, to be judged in either; [Score] reads the judgements back and
// says how many labels are right, with an interval.
//
// The sample is stratified by label, origin and source: every stratum has its
// share, and one row at least. It depends on the rows and the seed alone, not on
// the order of the rows or on the files they lie in. Rows without a label are not
// sampled: nothing is trained on them.
//
// The person is asked whether the answer is correct, not whether the label is, so
// the same judgement counts whether or not the label was shown. Every text of a
// row is hostile: the page runs no script but its own, loads nothing, and shows
// text as text; no cell of the CSV is a formula.
package audit
