package rows

import (
	"iter"
	"reflect"
	"unsafe"
)

// BatchBytes is how much text a batch for other goroutines has before it ends: there
// are some of them at once.
const BatchBytes = 2 << 20

// Batches gathers rows, at most so many at once and fewer if their texts are large:
// to hand a row to another goroutine costs more than to work on it, and a bound on
// rows alone is no bound on memory. An error comes after the rows before it.
func Batches[T any](in iter.Seq2[T, error], most int) iter.Seq2[[]T, error] {
	text := textSizeOf(reflect.TypeFor[T]())
	return func(yield func([]T, error) bool) {
		batch, bytes := make([]T, 0, most), 0
		for row, err := range in {
			if err != nil {
				if len(batch) == 0 || yield(batch, nil) {
					yield(nil, err)
				}
				return
			}
			batch = append(batch, row)
			if text != nil {
				bytes += text.of(unsafe.Pointer(&batch[len(batch)-1]))
			}
			if len(batch) < most && bytes < BatchBytes {
				continue
			}
			if !yield(batch, nil) {
				return
			}
			batch, bytes = make([]T, 0, most), 0
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}
