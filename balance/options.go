package balance

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"tinyv/balance/decontaminate"
	"tinyv/internal/rows"
)

// Options says how to balance.
type Options struct {
	Seed  int64  `json:"seed"`
	Ratio string `json:"ratio"` // True:False of the train split, as ParseRatio takes it
	Total int64  `json:"total"` // rows of the train split; 0 is the most that the rest allows

	// Shares are weights by origin. Origins that it does not name, or names with 0,
	// are left out of every split. Nil takes the origins as they come.
	Shares map[string]float64 `json:"shares"`

	MaxPerProblem int64 `json:"max_per_problem"` // rows of one question; 0 is no limit
	MaxPerSource  int64 `json:"max_per_source"`  // rows of one source in one split, copies aside; 0 is no limit

	Strategy    string  `json:"strategy"`    // one of the Strategy constants; empty is StrategyDown
	Temperature float64 `json:"temperature"` // of StrategyByCategory only: a class of n rows weighs n^(1/Temperature); 1 as they are, larger is flatter

	EvalShare      float64  `json:"eval_share"`       // of the questions, 0 up to but not including 1
	HeldOutSources []string `json:"held_out_sources"` // their questions are in no other split, whatever other source has them too

	NearDuplicates *NearDuplicates  `json:"near_duplicates"` // nil takes every normal form for a question of its own
	Decontaminate  *Decontamination `json:"decontaminate"`   // nil looks at no benchmark

	Reply *Reply `json:"reply,omitempty"` // what is made of the rows, where that needs more than a label; nil takes every row
}

// Reply says which rows there can be no reply of, for the verifier to learn. They are
// left out before the others are counted off: left out later, they would spoil the
// ratio.
type Reply struct {
	Name     string                                 `json:"name"` // of the kind of reply
	Unusable func(reason string, label bool) string `json:"-"`    // why not, as the reason code of the drop; empty if there can
}

// NearDuplicates says which questions are taken for one.
type NearDuplicates struct {
	Threshold float64 `json:"threshold"` // the least Jaccard similarity of their shingles of words, above 0 and at most 1
	Seed      int64   `json:"seed"`
}

// Decontamination says which questions must not be in the set.
type Decontamination struct {
	Benchmarks []decontaminate.Benchmark `json:"benchmarks"`
	NGram      int                       `json:"ngram"`   // words in an n-gram; 0 is the default of package decontaminate
	Overlap    float64                   `json:"overlap"` // the least share of n-grams in common; 0 is the default of package decontaminate
}

// The strategies: what is done with the rows that a ratio has no use for.
const (
	StrategyDown       = "down"        // they are left out
	StrategyUp         = "up"          // they stay, and rows of the other class are repeated
	StrategyBySource   = "by_source"   // each source is balanced in itself
	StrategyByCategory = "by_category" // True rows are drawn by taxonomy class
)

// Strategies lists every strategy, for messages.
func Strategies() []string {
	return []string{StrategyDown, StrategyUp, StrategyBySource, StrategyByCategory}
}

// check returns the options with their defaults, and the ratio.
func (o Options) check() (Options, Ratio, error) {
	ratio, err := ParseRatio(o.Ratio)
	if err != nil {
		return o, ratio, fmt.Errorf("balance.ratio: %w", err)
	}
	if o.Strategy == "" {
		o.Strategy = StrategyDown
	}
	if !slices.Contains(Strategies(), o.Strategy) {
		return o, ratio, fmt.Errorf("balance.strategy: %q is none of %s", o.Strategy, strings.Join(Strategies(), ", "))
	}
	if ratio.All && o.Strategy != StrategyDown {
		return o, ratio, fmt.Errorf("balance.strategy: %s needs a ratio to balance to, and balance.ratio is all; set it to 1:1, or leave the strategy out", o.Strategy)
	}
	for _, limit := range []struct {
		key   string
		value int64
	}{{"total", o.Total}, {"max_per_problem", o.MaxPerProblem}, {"max_per_source", o.MaxPerSource}} {
		if limit.value < 0 || limit.value > maxTotal {
			return o, ratio, fmt.Errorf("balance.%s: %d is not within 0 and %d; leave it out for no limit", limit.key, limit.value, int64(maxTotal))
		}
	}
	if !(o.EvalShare >= 0 && o.EvalShare < 1) {
		return o, ratio, fmt.Errorf("balance.eval_share: %v is not a share of the questions from 0 up to but not including 1", o.EvalShare)
	}
	if slices.Contains(o.HeldOutSources, "") {
		return o, ratio, fmt.Errorf("balance.held_out_sources: has an empty name, which would hold out every row without a source; remove it")
	}
	if o, err = o.checkTemperature(); err != nil {
		return o, ratio, err
	}
	if err := o.checkShares(); err != nil {
		return o, ratio, err
	}
	if n := o.NearDuplicates; n != nil && !(n.Threshold > 0 && n.Threshold <= 1) {
		return o, ratio, fmt.Errorf("balance.near_duplicates.threshold: %v is not above 0 and at most 1", n.Threshold)
	}
	return o, ratio, nil
}

// maxTotal is far above what one machine holds, and keeps the arithmetic within int64.
const maxTotal = 1_000_000_000_000

func (o Options) checkTemperature() (Options, error) {
	if o.Strategy != StrategyByCategory {
		if o.Temperature != 0 {
			return o, fmt.Errorf("balance.temperature: %v means nothing to strategy %s; remove it, or set balance.strategy to %s", o.Temperature, o.Strategy, StrategyByCategory)
		}
		return o, nil
	}
	if o.Temperature == 0 {
		o.Temperature = 1
	}
	if !(o.Temperature >= 0.01) || math.IsInf(o.Temperature, 1) {
		return o, fmt.Errorf("balance.temperature: %v is not a finite number of at least 0.01; 1 takes the classes as they are, larger makes them flatter", o.Temperature)
	}
	return o, nil
}

func (o Options) checkShares() error {
	if o.Shares == nil {
		return nil
	}
	if o.Strategy == StrategyBySource || o.Strategy == StrategyByCategory {
		return fmt.Errorf("balance.shares: cannot be met together with strategy %s; remove one of them", o.Strategy)
	}
	sum := 0.0
	for _, origin := range slices.Sorted(maps.Keys(o.Shares)) {
		weight := o.Shares[origin]
		if !slices.Contains(rows.Origins(), origin) {
			return fmt.Errorf("balance.shares: %q is no origin; there are %s", origin, strings.Join(rows.Origins(), ", "))
		}
		if !(weight >= 0 && weight <= maxTotal) || weight > 0 && weight < 1e-9 {
			return fmt.Errorf("balance.shares.%s: %v is not a weight: a number from 0 to %d, and not below 1e-9 unless it is 0", origin, weight, int64(maxTotal))
		}
		sum += weight
	}
	if sum == 0 {
		return fmt.Errorf("balance.shares: gives no origin a weight above 0, which leaves no row; name one, or remove balance.shares")
	}
	return nil
}
