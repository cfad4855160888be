//go:build race

package algebra

// raceFactor is by how much the race detector slows the engine.
const raceFactor = 20
