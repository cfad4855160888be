package ordered_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tinyv/internal/ordered"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func count(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func TestMapKeepsOrder(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 7, 64} {
		next := 0
		for v, err := range ordered.Map(t.Context(), count(500), workers, 16, func(_ context.Context, i int) (int, error) {
			time.Sleep(time.Duration(rand.IntN(50)) * time.Microsecond)
			return i * i, nil
		}) {
			if err != nil {
				t.Fatal(err)
			}
			if v != next*next {
				t.Fatalf("%d workers: item %d is %d, want %d", workers, next, v, next*next)
			}
			next++
		}
		if next != 500 {
			t.Fatalf("%d workers: %d items, want 500", workers, next)
		}
	}
}

func TestMapBoundsItemsInFlight(t *testing.T) {
	const window = 10
	var read, handed, most atomic.Int64
	in := func(yield func(int, error) bool) {
		for i := range 300 {
			most.Store(max(most.Load(), read.Add(1)-handed.Load()))
			if !yield(i, nil) {
				return
			}
		}
	}
	for range ordered.Map(t.Context(), in, 4, window, func(_ context.Context, i int) (int, error) { return i, nil }) {
		handed.Add(1)
	}
	// One more is read while it waits for a place, and one is being handed on.
	if m := most.Load(); m > window+2 {
		t.Errorf("%d items were in flight, the window is %d", m, window)
	}
}

func TestMapErrorsStayInPlace(t *testing.T) {
	bad := errors.New("bad item")
	in := func(yield func(int, error) bool) {
		_ = yield(0, nil) && yield(0, bad) && yield(2, nil)
	}
	var got []error
	for v, err := range ordered.Map(t.Context(), in, 2, 4, func(_ context.Context, i int) (int, error) {
		if i == 2 {
			return 0, context.DeadlineExceeded
		}
		return i, nil
	}) {
		_ = v
		got = append(got, err)
	}
	if len(got) != 3 || got[0] != nil || got[1] != bad || got[2] != context.DeadlineExceeded {
		t.Errorf("errors are %v", got)
	}
}

func TestMapStopsEarlyAndWhenCancelled(t *testing.T) {
	for v := range ordered.Map(t.Context(), count(1<<40), 4, 8, func(_ context.Context, i int) (int, error) { return i, nil }) {
		if v == 20 {
			break
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for v, err := range ordered.Map(ctx, count(1<<40), 4, 8, func(ctx context.Context, i int) (int, error) {
		if i > 20 {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		return i, nil
	}) {
		if v == 10 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the last error is %v, want the context's", last)
	}
}
