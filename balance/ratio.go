package balance

import (
	"fmt"
	"math/big"
	"math/bits"
	"strings"

	"tinyv/internal/rows"
)

// Ratio is True:False in lowest terms, or all rows as they are.
type Ratio struct {
	True, False int64
	All         bool
}

// maxTerm bounds the terms of a ratio, so that sums and products of a term and a
// number of rows are within an int64.
const maxTerm = 1_000_000

// ParseRatio reads "1:1", "1:3", "0.5:1", "0.2" (short for 0.2:1), or "all".
func ParseRatio(s string) (Ratio, error) {
	if s == "all" {
		return Ratio{All: true}, nil
	}
	left, right, both := strings.Cut(s, ":")
	if !both {
		right = "1"
	}
	t, okT := decimal(left)
	f, okF := decimal(right)
	if !okT || !okF || (t.Sign() == 0 && f.Sign() == 0) {
		return Ratio{}, fmt.Errorf("ratio %q is not True:False such as 1:1, 1:3 or 0.2, nor all", s)
	}
	if t.Sign() == 0 || f.Sign() == 0 {
		return Ratio{}, fmt.Errorf("ratio %q would leave one class out; a verifier that knows one answer learns nothing", s)
	}
	r := new(big.Rat).Quo(t, f)
	limit := big.NewInt(maxTerm)
	if r.Num().Cmp(limit) > 0 || r.Denom().Cmp(limit) > 0 {
		return Ratio{}, fmt.Errorf("ratio %q is %s in lowest terms, whose terms are above %d; round it", s, strings.Replace(r.String(), "/", ":", 1), maxTerm)
	}
	return Ratio{True: r.Num().Int64(), False: r.Denom().Int64()}, nil
}

func (r Ratio) String() string {
	if r.All {
		return "all"
	}
	return fmt.Sprintf("%d:%d", r.True, r.False)
}

// trueOf returns how many of n rows are True in the ratio, to the nearest row.
func (r Ratio) trueOf(n int64) int64 {
	sum := r.True + r.False
	whole, rest := n/sum, n%sum
	return whole*r.True + (2*rest*r.True+sum)/(2*sum)
}

// trueWithin returns how many rows are True of the n that a source or a question may
// have of more: as many as the ratio says (all: as their labels come) and the rows
// allow. chance, which is not negative, decides whether what does not come out even
// is one more; rest is the chance for the next n, with which all together come out
// as near as can be.
func (r Ratio) trueWithin(n, haveTrue, haveFalse, chance int64) (trues, rest int64) {
	share, sum := r.True, r.True+r.False
	if r.All {
		share, sum = haveTrue, haveTrue+haveFalse
	}
	high, low := bits.Mul64(uint64(n), uint64(share))
	low, carry := bits.Add64(low, uint64(chance%sum), 0)
	quotient, left := bits.Div64(high+carry, low, uint64(sum))
	return max(n-haveFalse, min(int64(quotient), haveTrue)), int64(left)
}

// fillOf is the ratio in which a limit is filled in a split. Splits that are not
// trained on are the same whatever the ratio of the one that is.
func (r Ratio) fillOf(split string) Ratio {
	if r.All || split == rows.SplitTrain {
		return r
	}
	return evenly
}

// evenly is the ratio of splits that are not trained on, and of the limits of a grid.
var evenly = Ratio{True: 1, False: 1}

// decimal reads a plain decimal number, 0 or more. big.Rat would also take 0x1p4,
// 1_000 and 1e999999.
func decimal(s string) (*big.Rat, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 20 || strings.Trim(s, "0123456789.") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}
