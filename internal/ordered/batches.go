package ordered

import "iter"

// Batches gathers the values of in, so many at once: Map costs some microseconds
// for each thing that it maps. An error comes after the values before it.
func Batches[T any](in iter.Seq2[T, error], size int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		batch := make([]T, 0, size)
		for v, err := range in {
			if err != nil {
				if len(batch) == 0 || yield(batch, nil) {
					yield(nil, err)
				}
				return
			}
			if batch = append(batch, v); len(batch) == size {
				if !yield(batch, nil) {
					return
				}
				batch = make([]T, 0, size)
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}
