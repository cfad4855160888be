package stats

import (
	"maps"
	"slices"
)

// maxNames is the most names that are told apart. Sources, kinds and
// codes are few; a column that holds another name in every row is not one of them.
const maxNames = 1000

// named holds counts by name. With more than maxNames names it is empty and stays
// so: to tell apart the names that came first would depend on the order of rows.
type named[T any] struct {
	byName   map[string]*T
	overflow bool
	nowhere  T
}

// at returns the counts of a name, to be added to.
func (t *named[T]) at(name string) *T {
	if t.overflow {
		return &t.nowhere
	}
	if counts, ok := t.byName[name]; ok {
		return counts
	}
	if len(t.byName) == maxNames {
		t.byName, t.overflow = nil, true
		return &t.nowhere
	}
	if t.byName == nil {
		t.byName = map[string]*T{}
	}
	counts := new(T)
	t.byName[name] = counts
	return counts
}

func (t *named[T]) names() []string { return slices.Sorted(maps.Keys(t.byName)) }
