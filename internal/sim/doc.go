// Package sim is a small mathematical world and an OpenAI-compatible server that
// pretends to be models in it. The quickstart, tests and scale trials run on it
// without a key, a GPU or a network.
//
// The world makes problems of 14 families, with right and wrong answers in many
// written forms, so that a rule verifier wrongly rejects some of the right ones
// for the published causes (units, intervals against inequalities, sets, words,
// ...). Every question ends in a tag such as "[simulated problem 17]", by which
// the server finds the problem again.
//
// A reply is a pure function of the world's seed and the request (model,
// messages, temperature, seed, and the number of the choice). The same request
// gets the same reply, whenever and wherever it is asked.
//
//   - The solver ([SolverModel]) answers rightly with probability 0.60, and then in
//     the form of the ground truth with probability 0.38, else in any of the right
//     forms. It leaves the box out with probability 0.04, and is cut off (finish
//     reason "length") with probability 0.02.
//   - An annotator says of a right answer that it is right with the probability
//     that is stated as its sensitivity, and of a wrong one that it is wrong with
//     its specificity. Annotators err independently of one another; one annotator
//     errs on the same prompt always or never. Of questions outside the world, and
//     of answers that the world does not write, it judges by a lenient comparison
//     with the ground truth instead ([Lenient]).
//
// Tokens are counted as one for every four bytes, rounded up. Everything the
// server says is marked: "simulated": true, and system_fingerprint "simulated-SEED".
package sim
