// Package pool makes labelled rows by the million, as a finished label stage: what
// balance and export are tried and measured on without asking any model, not even
// a simulated one.
//
// [World] states what the rows are like, in shares; [DefaultWorld] has those of the
// published data. [World.Rows] makes the rows and [Write] writes them. What is made
// is a pure function of the world and the number of rows: the same bytes every
// time, one problem in memory at a time.
//
// Questions are sentences of words drawn from lists. They mean nothing, and no two
// problems have one alike, unless the world says that a problem is repeated. A right
// answer is the ground truth in another written form, as the published causes of
// false negatives go; a wrong one has other numbers. Every row is marked simulated.
package pool
