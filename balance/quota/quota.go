// Package quota divides numbers of rows: over weights, and over two classes and
// several kinds at once. It knows numbers only.
//
// It promises: sums are exact; what comes out depends on the numbers alone; what
// is divided among the same weights grows in every part as it grows as a whole,
// so that a smaller division is part of a larger one.
package quota

import (
	"container/heap"
	"math"
)

// Divide divides n over weights, as near to their proportions as whole numbers
// allow, with least[i] <= parts[i] <= most[i]: the divisor method of Sainte-Laguë
// between bounds. nil for least is zeros, nil for most is no bound. A part of
// weight 0 gets no more than its least. It returns false if the bounds do not
// allow n.
//
// Of two divisions over the same weights and bounds, the one of less is at most
// the other in every part. Equal claims are met in the order of the weights.
func Divide(n int64, weights []float64, least, most []int64) ([]int64, bool) {
	parts := make([]int64, len(weights))
	limit := make([]int64, len(weights))
	left, room := n, int64(0)
	for i, w := range weights {
		limit[i] = n
		if most != nil {
			limit[i] = min(n, most[i])
		}
		if least != nil {
			parts[i] = least[i]
		}
		if w <= 0 {
			limit[i] = min(limit[i], parts[i])
		}
		if parts[i] < 0 || parts[i] > limit[i] {
			return nil, false
		}
		left -= parts[i]
		room += min(limit[i]-parts[i], maxRows-room) // no overflow
	}
	if left < 0 || room < left {
		return nil, false
	}
	left -= jump(left, weights, parts, limit)
	if left == 0 {
		return parts, true
	}
	q := queue{weights: weights, parts: parts}
	for i := range parts {
		if parts[i] < limit[i] {
			q.waiting = append(q.waiting, i)
		}
	}
	heap.Init(&q)
	for ; left > 0; left-- {
		i := q.waiting[0]
		if parts[i]++; parts[i] < limit[i] {
			heap.Fix(&q, 0)
		} else {
			heap.Pop(&q)
		}
	}
	return parts, true
}

// queue is a heap of parts that may grow, by whose claim is next.
type queue struct {
	weights []float64
	parts   []int64
	waiting []int
}

// claim is what the next row of a part costs it: the part with the lowest gets it.
func (q *queue) claim(i int) float64 { return (float64(q.parts[i]) + 0.5) / q.weights[i] }

func (q *queue) Len() int { return len(q.waiting) }

func (q *queue) Less(a, b int) bool {
	i, j := q.waiting[a], q.waiting[b]
	v, w := q.claim(i), q.claim(j)
	return v < w || v == w && i < j
}

func (q *queue) Swap(a, b int) { q.waiting[a], q.waiting[b] = q.waiting[b], q.waiting[a] }

func (q *queue) Push(i any) { q.waiting = append(q.waiting, i.(int)) }

func (q *queue) Pop() any {
	last := len(q.waiting) - 1
	i := q.waiting[last]
	q.waiting = q.waiting[:last]
	return i
}

// maxRows is more rows than there will ever be.
const maxRows = math.MaxInt64 / 4

// jump raises parts towards the division at once, and never above it, so that few
// steps are left for Divide to do one by one. It returns by how much in all.
func jump(left int64, weights []float64, parts, limit []int64) int64 {
	start := append([]int64(nil), parts...)
	at := func(i int, level float64) int64 { // the part when claims up to level are met
		return max(start[i], int64(math.Min(math.Floor(level*weights[i]+0.5), float64(limit[i]))))
	}
	low, high := 0.0, 0.0 // levels: at low, no more than left is given
	for i, w := range weights {
		if w > 0 {
			high = max(high, float64(limit[i]+1)/w)
		}
	}
	for range 200 {
		middle := low + (high-low)/2
		given := int64(0)
		for i := range parts {
			given += at(i, middle) - start[i]
			if given > left {
				break
			}
		}
		if given > left {
			high = middle
		} else {
			low = middle
		}
	}
	// One below what the level says, for what rounding may do to it.
	given := int64(0)
	for i := range parts {
		parts[i] = max(start[i], at(i, low)-1)
		given += parts[i] - start[i]
	}
	return given
}

// Table is the rows of two classes, True and False, by kind.
type Table struct{ True, False []int64 }

// Totals returns the sums of the two classes.
func (t Table) Totals() (isTrue, isFalse int64) { return sum(t.True), sum(t.False) }

// Split divides kinds into True and False rows: kinds[i] rows of every kind,
// trues of them True in all, each cell within its bounds, and each kind as near
// as can be to the same share of True rows, so that the kind of a row does not
// tell its class. It returns false if the bounds do not allow it.
//
// With the same kinds and bounds, fewer trues are part of more, and the False
// rows of more are part of those of fewer.
func Split(kinds []int64, trues int64, least, most Table) (Table, bool) {
	low, high, weights := make([]int64, len(kinds)), make([]int64, len(kinds)), make([]float64, len(kinds))
	for i, n := range kinds {
		low[i] = max(least.True[i], n-most.False[i])
		high[i] = min(most.True[i], n-least.False[i])
		weights[i] = float64(n)
	}
	isTrue, ok := Divide(trues, weights, low, high)
	if !ok {
		return Table{}, false
	}
	t := Table{isTrue, make([]int64, len(kinds))}
	for i, n := range kinds {
		t.False[i] = n - t.True[i]
	}
	return t, true
}

// Largest returns the largest n in 0..limit for which holds is true, where holds
// is true up to some number and false beyond it, aside from exceptions within
// slack of that number.
func Largest(limit, slack int64, holds func(n int64) bool) int64 {
	low, high := int64(0), limit // it holds at low
	for low < high {
		middle := low + (high-low+1)/2
		if holds(middle) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	for n := min(limit, low+slack); n > low; n-- {
		if holds(n) {
			return n
		}
	}
	return low
}

func sum(parts []int64) (n int64) {
	for _, p := range parts {
		n += p
	}
	return n
}
