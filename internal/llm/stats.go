package llm

import (
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"tinyv/internal/progress"
)

type counters struct {
	known, unanswered, inFlight atomic.Int64

	paidCalls, prompt, completion, unpriced atomic.Int64
	cost                                    atomic.Uint64 // bits of a float64

	mu       sync.Mutex
	failures map[string]int64
}

func (c *counters) paid(r Reply) {
	c.paidCalls.Add(1)
	c.prompt.Add(r.PromptTokens)
	c.completion.Add(r.CompletionTokens)
	if r.CostUSD == nil {
		c.unpriced.Add(1)
		return
	}
	for {
		old := c.cost.Load()
		if c.cost.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+*r.CostUSD)) {
			return
		}
	}
}

func (c *counters) failed(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures == nil {
		c.failures = map[string]int64{}
	}
	c.failures[name]++
}

// Calls returns what the pool has done so far.
func (p *Pool) Calls() progress.Calls {
	c := &p.stats
	s := progress.Calls{
		Pools: 1,
		Paid:  c.paidCalls.Load(), Known: c.known.Load(), Unanswered: c.unanswered.Load(), InFlight: c.inFlight.Load(),
		Tokens:  c.prompt.Load() + c.completion.Load(),
		CostUSD: math.Float64frombits(c.cost.Load()), Unpriced: c.unpriced.Load(),
	}
	c.mu.Lock()
	s.Failures = maps.Clone(c.failures)
	c.mu.Unlock()
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, server := range p.servers {
		if server.dead != nil || server.resting || server.pausedUntil.After(now.Add(time.Second)) {
			s.Resting = append(s.Resting, server.host)
		}
	}
	return s
}
