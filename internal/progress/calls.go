package progress

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Calls is what the model replies of a piece of work have come to so far.
type Calls struct {
	Paid       int64 // replies asked for and answered in this run
	Known      int64 // replies taken from the journal
	Unanswered int64 // requests without a reply
	InFlight   int64 // requests at servers now
	Tokens     int64 // of the paid replies, prompt and completion
	CostUSD    float64
	Unpriced   int64            // paid replies whose endpoint has no price
	Failures   map[string]int64 // failed tries, by status or by what happened
	Resting    []string         // hosts that are not asked at the moment
	Pools      int64            // how many pools this is the sum of; a row takes one reply of each
}

// Plus returns the sum of two pools' calls.
func (c Calls) Plus(d Calls) Calls {
	sum := Calls{
		Paid: c.Paid + d.Paid, Known: c.Known + d.Known, Unanswered: c.Unanswered + d.Unanswered, InFlight: c.InFlight + d.InFlight,
		Tokens: c.Tokens + d.Tokens, CostUSD: c.CostUSD + d.CostUSD, Unpriced: c.Unpriced + d.Unpriced,
		Pools: c.Pools + d.Pools, Failures: maps.Clone(c.Failures), Resting: slices.Concat(c.Resting, d.Resting),
	}
	for name, n := range d.Failures {
		if sum.Failures == nil {
			sum.Failures = map[string]int64{}
		}
		sum.Failures[name] += n
	}
	return sum
}

// since returns what was added to c after before.
func (c Calls) since(before Calls) Calls {
	c.Paid -= before.Paid
	c.Known -= before.Known
	c.Unanswered -= before.Unanswered
	c.Tokens -= before.Tokens
	c.CostUSD -= before.CostUSD
	c.Unpriced -= before.Unpriced
	failures := map[string]int64{}
	for name, n := range c.Failures {
		if n -= before.Failures[name]; n > 0 {
			failures[name] = n
		}
	}
	c.Failures = failures
	return c
}

// attrs are the calls as pairs of a log line, where there are total rows.
func (c Calls) attrs(total int64) []any {
	args := []any{"paid", c.Paid, "known", c.Known, "in_flight", c.InFlight, "tokens", c.Tokens}
	if cost, projected := c.cost(total); cost != "" {
		args = append(args, "cost", cost)
		if projected != "" {
			args = append(args, "projected", projected)
		}
	}
	if c.Unanswered > 0 {
		args = append(args, "unanswered", c.Unanswered)
	}
	if len(c.Failures) > 0 {
		args = append(args, "failed_tries", c.failures())
	}
	if len(c.Resting) > 0 {
		args = append(args, "resting", strings.Join(c.Resting, " "))
	}
	return args
}

// line is the calls as the end of a bar.
func (c Calls) line(total int64) string {
	parts := []string{fmt.Sprintf("%s tok", short(c.Tokens))}
	if cost, projected := c.cost(total); projected != "" {
		parts = append(parts, cost+" of ~"+projected)
	} else if cost != "" {
		parts = append(parts, cost)
	}
	if c.Known > 0 {
		parts = append(parts, short(c.Known)+" known")
	}
	if c.Unanswered > 0 {
		parts = append(parts, short(c.Unanswered)+" unanswered")
	}
	if len(c.Failures) > 0 {
		parts = append(parts, "failed "+c.failures())
	}
	if len(c.Resting) > 0 {
		parts = append(parts, "resting "+strings.Join(c.Resting, " "))
	}
	return strings.Join(parts, ", ")
}

// cost is what was paid, and what it will have been when every row has its replies;
// empty where it is not known.
func (c Calls) cost(total int64) (cost, projected string) {
	if c.Paid == 0 || c.Unpriced > 0 {
		return "", ""
	}
	cost = fmt.Sprintf("$%.2f", c.CostUSD)
	if left := total*c.Pools - c.Paid - c.Known - c.Unanswered; left > 0 {
		projected = fmt.Sprintf("$%.2f", c.CostUSD*(1+float64(left)/float64(c.Paid)))
	}
	return cost, projected
}

func (c Calls) failures() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.Failures)) {
		parts = append(parts, fmt.Sprintf("%s:%d", name, c.Failures[name]))
	}
	return strings.Join(parts, " ")
}

// short writes a count in four characters or so.
func short(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1fG", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.0fk", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}
