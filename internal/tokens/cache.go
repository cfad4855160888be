package tokens

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

const (
	cacheSlots = 1 << 15
	cacheWord  = 64 // bytes; longer words are rarely seen twice
)

// cache remembers the tokens of words, one word to a slot, the latest one: some
// 15 MB at most. For several goroutines.
type cache struct {
	seed  maphash.Seed
	slots [cacheSlots]atomic.Pointer[cached]
}

type cached struct {
	word string
	ids  []int32
}

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

func (c *cache) slot(word string) *atomic.Pointer[cached] {
	return &c.slots[maphash.String(c.seed, word)%cacheSlots]
}

// fill remembers copies, since the word is part of a text that can go.
func (c *cache) fill(slot *atomic.Pointer[cached], word string, ids []int32) {
	slot.Store(&cached{strings.Clone(word), append([]int32(nil), ids...)})
}
