package llm

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Budget is what the replies of a run may cost. Several pools share one. The
// zero limits mean none.
//
// A request is let through only if the most that it can cost still fits, with
// the most that those in flight can cost; so a limit is not passed, as far as
// the estimate is not too low: a token for every two bytes of the prompt, and
// max_tokens, or 4,096 for a request that sets none.
type Budget struct {
	maxCost   float64
	maxTokens int64

	mu       sync.Mutex
	cost     float64 // paid
	tokens   int64
	held     int // reservations
	heldCost float64
	heldTok  int64
	stopped  *BudgetError
	settled  chan struct{} // closed, and made anew, when a reservation ends
}

// BudgetError says that the next request could pass a limit. Nothing is in
// flight when it is first returned, so nothing paid for is lost.
type BudgetError struct {
	Limit string // the config's key of the limit
	Spent string // so far, and the limit, for people
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("stopped before %s is passed: %s; every reply paid for is kept, raise the limit and run the same command again, it resumes", e.Limit, e.Spent)
}

// NewBudget returns a budget of maxCost US dollars and maxTokens tokens (prompt
// and completion; 0 = no limit), of which spentCost and spentTokens are used up.
func NewBudget(maxCost float64, maxTokens int64, spentCost float64, spentTokens int64) *Budget {
	return &Budget{maxCost: maxCost, maxTokens: maxTokens, cost: spentCost, tokens: spentTokens, settled: make(chan struct{})}
}

var errStopping = errors.New("the pool has stopped")

// reserve holds the most that a request can cost until settle is called with
// what it did cost. Where it does not fit it waits for others to settle, and
// fails when there are none left.
func (b *Budget) reserve(ctx context.Context, stopping <-chan struct{}, cost float64, tokens int64) (settle func(cost float64, tokens int64), err error) {
	if b == nil || b.maxCost <= 0 && b.maxTokens <= 0 {
		return func(float64, int64) {}, nil
	}
	for {
		b.mu.Lock()
		if b.stopped != nil {
			defer b.mu.Unlock()
			return nil, b.stopped
		}
		passed := b.passed(cost, tokens)
		if passed == nil {
			b.held++
			b.heldCost += cost
			b.heldTok += tokens
			b.mu.Unlock()
			return func(paidCost float64, paidTokens int64) { b.settle(cost, tokens, paidCost, paidTokens) }, nil
		}
		if b.held == 0 {
			b.stopped = passed
			defer b.mu.Unlock()
			return nil, passed
		}
		settled := b.settled
		b.mu.Unlock()
		select {
		case <-settled:
		case <-stopping:
			return nil, errStopping
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// passed says which limit a further request could pass.
func (b *Budget) passed(cost float64, tokens int64) *BudgetError {
	if b.maxCost > 0 && b.cost+b.heldCost+cost > b.maxCost {
		return &BudgetError{"limits.max_cost", fmt.Sprintf("$%.4f of $%.4f is spent and the next reply can cost $%.4f", b.cost, b.maxCost, cost)}
	}
	if b.maxTokens > 0 && b.tokens+b.heldTok+tokens > b.maxTokens {
		return &BudgetError{"limits.max_tokens", fmt.Sprintf("%d of %d tokens are used and the next reply can take %d", b.tokens, b.maxTokens, tokens)}
	}
	return nil
}

func (b *Budget) settle(heldCost float64, heldTokens int64, cost float64, tokens int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held--
	b.heldCost -= heldCost
	b.heldTok -= heldTokens
	if b.held == 0 {
		b.heldCost = 0 // without what rounding left
	}
	b.cost += cost
	b.tokens += tokens
	close(b.settled)
	b.settled = make(chan struct{})
}
