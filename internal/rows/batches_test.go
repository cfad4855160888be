package rows

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
)

func TestBatches(t *testing.T) {
	broken := errors.New("broken")
	problems := func(sizes []int, end error) iter.Seq2[Problem, error] {
		return func(yield func(Problem, error) bool) {
			for _, n := range sizes {
				if !yield(Problem{Question: strings.Repeat("q", n)}, nil) {
					return
				}
			}
			if end != nil {
				yield(Problem{}, end)
			}
		}
	}
	for _, c := range []struct {
		name  string
		sizes []int
		end   error
		want  []int // rows of each batch
	}{
		{"nothing", nil, nil, nil},
		{"one", []int{1}, nil, []int{1}},
		{"as many as fit", make([]int, 9), nil, []int{4, 4, 1}},
		{"no more", make([]int, 8), nil, []int{4, 4}},
		{"large texts", []int{BatchBytes, 1, BatchBytes - 1, 5, 5, 5, 5, 5}, nil, []int{1, 2, 4, 1}},
		{"an error", make([]int, 5), broken, []int{4, 1}},
		{"an error at once", nil, broken, nil},
	} {
		var got []int
		var failed error
		for batch, err := range Batches(problems(c.sizes, c.end), 4) {
			if err != nil {
				failed = err
				continue
			}
			if failed != nil {
				t.Errorf("%s: rows after the error", c.name)
			}
			got = append(got, len(batch))
		}
		if !slices.Equal(got, c.want) || failed != c.end {
			t.Errorf("%s: batches of %v, want %v; %v", c.name, got, c.want, failed)
		}
	}
	for batch := range Batches(problems(make([]int, 9), nil), 4) {
		batch[0].Question = "stops"
		break
	}
	kept := slices.Collect(func(yield func([]Problem) bool) {
		for batch := range Batches(problems([]int{1, 2, 3}, nil), 1) {
			if !yield(batch) {
				return
			}
		}
	})
	for i, batch := range kept {
		if len(batch[0].Question) != i+1 {
			t.Errorf("batch %d was overwritten: %v", i, batch)
		}
	}
}
