// Package ordered maps a stream through concurrent workers and keeps its order.
//
// It promises: results come out in input order; at most `window` items are
// between being read and being handed on, so memory does not grow with the
// stream; one slow item holds back only what lies behind it in that window; and
// when the consumer stops, or the context ends, every goroutine has ended before
// the iterator returns. A consumer that stops does not cancel what is under way
// (it may be paid for): nothing new is begun, and only the context cuts it short.
package ordered

import (
	"context"
	"iter"
	"sync"
)

type result[U any] struct {
	value U
	err   error
}

type job[T, U any] struct {
	in   T
	done chan result[U]
}

// Map applies f to every item of in, with the given number of workers (at least
// one) and of items in flight (at least the number of workers), and yields the
// results in input order. An error of f is yielded in its item's place and does
// not end the stream: the consumer decides. An error of in is yielded in its
// place, too. When ctx ends, its error is the last thing yielded.
func Map[T, U any](ctx context.Context, in iter.Seq2[T, error], workers, window int, f func(context.Context, T) (U, error)) iter.Seq2[U, error] {
	workers = max(workers, 1)
	window = max(window, workers)
	return func(yield func(U, error) bool) {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		defer wg.Wait()
		defer close(stop)

		// pending holds one channel per item in flight, in input order; its
		// capacity is what bounds the window.
		pending := make(chan chan result[U], window-1)
		jobs := make(chan job[T, U])

		wg.Go(func() {
			defer close(pending)
			defer close(jobs)
			for item, err := range in {
				done := make(chan result[U], 1)
				select {
				case pending <- done:
				case <-stop:
					return
				case <-ctx.Done():
					return
				}
				if err != nil {
					done <- result[U]{err: err}
					continue
				}
				select {
				case jobs <- job[T, U]{item, done}:
				case <-stop:
					return
				case <-ctx.Done():
					done <- result[U]{err: ctx.Err()}
					return
				}
			}
		})
		for range workers {
			wg.Go(func() {
				for j := range jobs {
					value, err := f(ctx, j.in)
					j.done <- result[U]{value, err}
				}
			})
		}

		for done := range pending {
			r := <-done
			if !yield(r.value, r.err) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			var zero U
			yield(zero, err)
		}
	}
}
