package near

import "math/bits"

// keySet is a set of keys in 9 to 14 bytes each: open addressing in shards that
// grow one at a time, so that growing does not double the memory.
type keySet struct {
	shards [256]shard
}

type shard struct {
	slots []uint64 // 0 is free
	used  int
	zero  bool // the key 0 is in the set
}

func (s *keySet) has(key uint64) bool {
	h := mix(key)
	return s.shards[h>>56].has(key, h<<8)
}

func (s *keySet) add(key uint64) {
	h := mix(key)
	s.shards[h>>56].add(key, h<<8)
}

// find returns the slot of a key, or the free slot where it belongs.
func (s *shard) find(key, hash uint64) int {
	at, _ := bits.Mul64(hash, uint64(len(s.slots)))
	i := int(at)
	for s.slots[i] != 0 && s.slots[i] != key {
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	return i
}

func (s *shard) has(key, hash uint64) bool {
	if key == 0 {
		return s.zero
	}
	return s.used > 0 && s.slots[s.find(key, hash)] == key
}

func (s *shard) add(key, hash uint64) {
	if key == 0 {
		s.zero = true
		return
	}
	if s.used*8 >= len(s.slots)*7 {
		old := s.slots
		s.slots = make([]uint64, max(16, len(old)*3/2))
		for _, k := range old {
			if k != 0 {
				s.slots[s.find(k, mix(k)<<8)] = k
			}
		}
	}
	s.slots[s.find(key, hash)] = key
	s.used++
}
