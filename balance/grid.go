package balance

import (
	"context"
	"errors"

	"tinyv/internal/manifest"
	"tinyv/internal/stage"
)

// Axes are what the sets of a grid differ in. An empty list stands for the one
// value that the options have.
type Axes struct {
	Ratios []string // as ParseRatio takes them, without "all"
	Sizes  []int64  // rows of the train split; empty is the largest size that every ratio can give
	Seeds  []int64
}

// GridResult says what a grid wrote.
type GridResult struct {
	Sets []GridSet // by seed, then size, then share of True, all ascending
}

// GridSet is one set of a grid.
type GridSet struct {
	Name     string // of its directory in the grid's
	Ratio    string
	Size     int64
	Seed     int64
	Manifest *manifest.Manifest
}

// Grid balances the finished stage in labelDir once for every combination of the
// axes, each as a finished stage of its own in dir/NAME.
func Grid(ctx context.Context, env stage.Env, dir, labelDir string, o Options, axes Axes) (*GridResult, error) {
	return nil, errors.New("grids are not built yet")
}
