//go:build !race

package prime

const raceFactor = 1
