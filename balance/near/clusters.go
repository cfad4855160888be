package near

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// sketchSize is the size on disk of a hash of the numbers and of the low 16 bits of
// every value of the signature. Two values that differ agree in them once in 65,536
// times.
const sketchSize = 8 + 2*permutations

// window is how many questions of a band's bucket one is compared with.
const window = 64

// leastCommon returns how many hashes two questions of a threshold have in common.
func leastCommon(threshold float64) int {
	return int(math.Ceil(threshold*permutations - 1e-9))
}

// clusters joins questions to clusters.
type clusters struct {
	x      *Index
	parent []uint32 // of the question's number; a root is its own
	recent [window]sketched
}

// sketched is a question of a bucket whose sketch is read when it is wanted.
type sketched struct {
	number uint32
	read   bool
	sketch [sketchSize]byte
}

// entry is a question in a band: first with the hash of the band, then, in a
// bucket, with its key.
type entry struct {
	value  uint64
	number uint32
}

// Clusters returns, for every key in a cluster of two or more, the smallest key
// of the cluster. It ends the adding: an Add after it is an error.
func (x *Index) Clusters(ctx context.Context) (map[uint64]uint64, error) {
	if x.failed != nil {
		return nil, x.failed
	}
	x.fail(fmt.Errorf("near duplicates: the index has been clustered and takes no more"))
	x.seen = keySet{}
	for _, s := range []*spool{x.keys, x.sketches} {
		if err := s.w.Flush(); err != nil {
			return nil, s.wrap(err)
		}
	}
	c := &clusters{x: x, parent: make([]uint32, x.count)}
	for i := range c.parent {
		c.parent[i] = uint32(i)
	}
	entries := make([]entry, x.count)
	for _, hashes := range x.hashes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := hashes.numbers(func(i uint32, v uint64) error {
			entries[i] = entry{v, i}
			return nil
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.value, b.value) })
		for from := 0; from < len(entries); {
			to := from + 1
			for to < len(entries) && entries[to].value == entries[from].value {
				to++
			}
			if to-from > 1 {
				if err := c.bucket(ctx, entries[from:to]); err != nil {
					return nil, err
				}
			}
			from = to
		}
	}
	return c.smallest()
}

// bucket joins the questions of a bucket that are near. Which it compares depends
// on their keys, not on their numbers.
func (c *clusters) bucket(ctx context.Context, questions []entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	root := c.find(questions[0].number)
	if !slices.ContainsFunc(questions[1:], func(q entry) bool { return c.find(q.number) != root }) {
		return nil
	}
	var b [8]byte
	for i := range questions {
		if err := c.x.keys.at(b[:], questions[i].number); err != nil {
			return err
		}
		questions[i].value = binary.LittleEndian.Uint64(b[:])
	}
	slices.SortFunc(questions, func(a, b entry) int { return cmp.Compare(a.value, b.value) })
	for i := range questions {
		mine := sketched{number: questions[i].number}
		for j := max(0, i-window); j < i; j++ {
			other := &c.recent[j%window]
			if c.find(mine.number) == c.find(other.number) {
				continue
			}
			near, err := c.near(&mine, other)
			if err != nil {
				return err
			}
			if near {
				c.join(mine.number, other.number)
			}
		}
		c.recent[i%window] = mine
	}
	return nil
}

// near compares two questions by their sketches.
func (c *clusters) near(a, b *sketched) (bool, error) {
	for _, s := range []*sketched{a, b} {
		if !s.read {
			if err := c.x.sketches.at(s.sketch[:], s.number); err != nil {
				return false, err
			}
			s.read = true
		}
	}
	if [8]byte(a.sketch[:8]) != [8]byte(b.sketch[:8]) {
		return false, nil // other numbers
	}
	common := 0
	for i := 8; i < sketchSize; i += 2 {
		if a.sketch[i] == b.sketch[i] && a.sketch[i+1] == b.sketch[i+1] {
			common++
		}
	}
	return common >= c.x.least, nil
}

func (c *clusters) find(i uint32) uint32 {
	for c.parent[i] != i {
		c.parent[i] = c.parent[c.parent[i]]
		i = c.parent[i]
	}
	return i
}

// join makes one cluster of two. The older question is its root, which keeps paths
// short enough: find halves them.
func (c *clusters) join(a, b uint32) {
	a, b = c.find(a), c.find(b)
	c.parent[max(a, b)] = min(a, b)
}

// smallest returns what Clusters does.
func (c *clusters) smallest() (map[uint64]uint64, error) {
	least := map[uint32]uint64{} // key of a cluster, by root
	for i := range c.parent {
		if root := c.find(uint32(i)); root != uint32(i) {
			least[root] = math.MaxUint64
		}
	}
	err := c.x.keys.numbers(func(i uint32, key uint64) error {
		root := c.find(i)
		if smallest, ok := least[root]; ok {
			least[root] = min(smallest, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found := make(map[uint64]uint64)
	err = c.x.keys.numbers(func(i uint32, key uint64) error {
		if smallest, ok := least[c.find(i)]; ok {
			found[key] = smallest
		}
		return nil
	})
	return found, err
}
