// Package sim is a small mathematical world and an OpenAI-compatible server that
// pretends to be models in it. The quickstart, tests and scale trials run on it
// without a key, a GPU or a network.
//
// # The world
//
// [World.Problem] makes problems of 25 families, in turn, from the seed and the
// number of the problem alone. Each has right and wrong answers in many written
// forms, so that a rule verifier wrongly rejects some of the right ones for the
// published causes: units, intervals against inequalities, ratios, sets, words,
// explanatory text, other exact forms. Every question ends in a tag such as
// "[simulated problem 17]", by which the server finds the problem again.
//
// # Replies
//
// A reply is a pure function of the world's seed and of the model, messages,
// temperature, seed and number of the choice that a request names: the same
// request gets the same reply, whenever, in whatever order and by whichever
// server of the world it is asked. max_tokens and stop only cut it, logprobs only
// adds to it; everything else in a request is ignored. Temperature is a number like
// any other here: at 0 another seed still gets another reply.
//
//   - The solver ([SolverModel]) knows the right answer with probability 0.60.
//     It writes it in the form of the ground truth with probability 0.30, else in
//     one of the right forms, all alike. Otherwise it gives one of the wrong
//     answers, all alike. It is cut off before the answer (finish reason
//     "length") with probability 0.02, and gives the answer without a box with
//     probability 0.04.
//
//   - An annotator says of a right answer that it is right with the probability
//     stated as its sensitivity, and of a wrong one that it is wrong with its
//     specificity. Its errors are a pure function of the world's seed, its name
//     and the messages: asking again does not make it better, and two annotators
//     err independently. With the probability stated as Malformed the reply holds
//     no verdict; that depends on the request's seed too, so asking again may
//     help. It judges by the world's own truth if the question's tag, the ground
//     truth and the answer are all the world's, else by [Lenient].
//
//   - The generator ([GeneratorModel]) lists as many other forms of the right answer
//     as the prompt asks for, without repetition, or, if the word "wrong" stands in
//     the prompt outside of its sections, wrong answers; fewer where the world knows
//     no more. With probability 0.10 one item of the other kind is among them, with
//     0.20 one comes twice, with 0.10 one is empty or its tag is never closed. The
//     items stand between <answer> and </answer>; with probability 0.15 they are
//     numbered lines or a JSON list instead.
//
//   - The classifier ([ClassifierModel]) says why a right answer was rejected, in
//     one of the codes that the prompt lists: with the probability stated as
//     ClassifierAccuracy the one that a fixed map of the world's forms has for it,
//     else another, all alike. It errs like an annotator.
//
// A model may show its thoughts ([Reasoning]); what it says after them is the same.
//
// A token is four bytes, rounded up for each message or reply.
//
// # Weather
//
// The server can be made late ([Distribution]), strict ([Limits]), unreliable
// ([Faults], [Running.Pause]) and slow to do batches ([Batch]). None of that changes
// a reply. It keeps a log ([World.RequestLog]) and counts (/stats) of who was
// answered what, and of what was answered again.
//
// Everything the server says is marked: "simulated": true, and in completions
// system_fingerprint "simulated-SEED".
package sim
