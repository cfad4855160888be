//go:build !race

package algebra

const raceFactor = 1
