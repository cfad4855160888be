package audit

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"

	"tinyv/internal/rows"
)

// stratum is a part of the labelled rows that is sampled by itself.
type stratum struct {
	label          bool
	origin, source string

	size  int64
	drawn lowest
}

// strata takes the rows of a run one by one and holds, of each stratum, the n
// rows of lowest priority: more than n no stratum can get.
type strata struct {
	n         int
	seed      int64
	undecided int64
	byKey     map[key]*stratum
}

type key struct {
	label          bool
	origin, source string
}

func (s *strata) add(a *rows.Annotation) error {
	if a.Label == nil {
		s.undecided++
		return nil
	}
	k := key{*a.Label, a.Origin, a.Source}
	st, ok := s.byKey[k]
	if !ok {
		if len(s.byKey) == s.n {
			return fmt.Errorf("a sample of %d rows cannot hold one of each label, origin and source, of which there are more: give a larger --n", s.n)
		}
		st = &stratum{label: k.label, origin: k.origin, source: k.source}
		s.byKey[k] = st
	}
	st.size++
	st.drawn.offer(itemOf(a, s.seed), s.n)
	return nil
}

// sorted returns the strata, True before False, then by origin and source.
func (s *strata) sorted() []*stratum {
	var list []*stratum
	for _, st := range s.byKey {
		list = append(list, st)
	}
	slices.SortFunc(list, func(a, b *stratum) int {
		if a.label != b.label {
			if a.label {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.origin, b.origin), cmp.Compare(a.source, b.source))
	})
	return list
}

// allot divides n rows among strata in proportion to their sizes, one to each at
// least and no more than it has, by Sainte-Laguë's method; ties go to the first.
func allot(n int, sizes []int64) []int {
	allotted := make([]int, len(sizes))
	for i := range sizes {
		allotted[i] = 1
	}
	for rest := n - len(sizes); rest > 0; rest-- {
		best := -1
		for i, size := range sizes {
			if int64(allotted[i]) < size && (best < 0 || size*int64(2*allotted[best]+1) > sizes[best]*int64(2*allotted[i]+1)) {
				best = i
			}
		}
		if best < 0 {
			break // all rows are taken
		}
		allotted[best]++
	}
	return allotted
}

// lowest holds the items of lowest priority that were offered, the highest of
// them first. Equal rows are one.
type lowest []item

func (l lowest) Len() int           { return len(l) }
func (l lowest) Less(i, j int) bool { return byPriority(l[i], l[j]) > 0 }
func (l lowest) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lowest) Push(x any)        { *l = append(*l, x.(item)) }
func (l *lowest) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

func (l *lowest) offer(it item, most int) {
	if len(*l) == most && byPriority(it, (*l)[0]) >= 0 {
		return
	}
	if slices.ContainsFunc(*l, func(other item) bool { return other.id == it.id }) {
		return
	}
	heap.Push(l, it)
	if len(*l) > most {
		heap.Pop(l)
	}
}

func byPriority(a, b item) int {
	return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.id, b.id))
}
