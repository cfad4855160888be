package sim

import "strconv"

// Solve returns a reply of the solver to the i-th problem, for tests of the
// world without a server; another seed gets another reply.
func (w *World) Solve(i int, seed uint64) string {
	return solve(draw(w.Seed, "solve", strconv.FormatUint(seed, 10), strconv.Itoa(i)), w.problem(i)).text
}
