// Package soak holds the long trials of the client and the journal: many calls,
// many faults, kills, a full disk, a server that goes away; and a run that is killed
// at every call by which it changes a file. They are tests and benchmarks only, and
// run with
//
//	make soak
//
// In `make test` each runs in a small size, so that it keeps working.
package soak
