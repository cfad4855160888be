// Package stats says what the labels of a run are worth: how often the rule
// verifier is wrong, how far the annotators agree, and what a label costs.
//
// A [Collector] takes the annotations one by one, in any order, and counts; a
// ratio is made once, at the end, from whole counts, so equal rows give equal
// bytes in whatever order they came. It holds a few numbers for each source, kind,
// category and pair of annotators, and nine bytes for each question; no row is kept.
//
// A rate is over what was decided. Undecided rows are counted beside it and are
// in neither of its terms, and a rate or kappa that is undefined (nothing was
// decided, or everything alike) is null in JSON, never 0 and never NaN.
//
// Intervals take rows as independent of one another. Several replies to one
// question are not quite, so intervals over replies are somewhat too narrow;
// those over questions are not.
package stats
