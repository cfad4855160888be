// Package gen is stage 1: it brings problems and model replies together, and
// says of every reply what the rule verifier decides.
//
//   - [Problems] reads problems of any layout, leaves out what cannot be used, and
//     puts every ground truth to the rule verifier (the gold self-test) before a
//     single call is paid.
//   - [Sample] asks a model for replies to them.
//   - [Import] takes replies that were sampled elsewhere.
//
// Replies without a boxed answer or cut off by length are kept and counted; stage
// 2 decides whether they go on.
package gen
