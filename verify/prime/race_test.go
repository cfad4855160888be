//go:build race

package prime

// raceFactor is by how much the race detector slows a verdict.
const raceFactor = 20
