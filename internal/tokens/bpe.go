package tokens

// bpe joins the bytes of a word into tokens.
type bpe struct {
	bytes  [256]int32
	merges map[pair]merge
	whole  map[string]int32 // words that are tokens whatever the merges; nil where merges decide
}

type pair struct{ left, right int32 }

// merge is what becomes of a pair; lower ranks go first.
type merge struct{ rank, id int32 }

// scratch is the memory that one word needs: some 40 bytes for each of its bytes.
type scratch struct {
	parts []part
	queue []candidate
	ids   []int32
}

// part is a token in the making. One that was joined to its left neighbour is gone:
// its id is -1.
type part struct{ id, previous, next int32 }

// candidate says that the part at a place could be joined to the next one.
type candidate struct{ rank, at, id int32 }

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// encode appends the tokens of a word to ids, in time n log n.
func (b *bpe) encode(word string, s *scratch, ids []int32) []int32 {
	if id, ok := b.whole[word]; ok {
		return append(ids, id)
	}
	s.parts, s.queue = s.parts[:0], s.queue[:0]
	for i := range len(word) {
		s.parts = append(s.parts, part{b.bytes[word[i]], int32(i - 1), int32(i + 1)})
	}
	s.parts[len(word)-1].next = -1
	for i := range len(word) - 1 {
		b.consider(s, int32(i))
	}
	for len(s.queue) > 0 {
		c := s.pop()
		left := &s.parts[c.at]
		if left.id < 0 || left.next < 0 {
			continue
		}
		right := &s.parts[left.next]
		// A neighbour may have changed since. As in the original, what counts is
		// that both still make the same token, by whatever merge.
		if m, ok := b.merges[pair{left.id, right.id}]; !ok || m.id != c.id {
			continue
		}
		left.id, left.next = c.id, right.next
		right.id = -1
		if left.next >= 0 {
			s.parts[left.next].previous = c.at
			b.consider(s, c.at)
		}
		if left.previous >= 0 {
			b.consider(s, left.previous)
		}
	}
	for i := int32(0); i >= 0; i = s.parts[i].next {
		ids = append(ids, s.parts[i].id)
	}
	return ids
}

// consider queues the merge of the part at a place, which has a next one.
func (b *bpe) consider(s *scratch, at int32) {
	p := s.parts[at]
	if m, ok := b.merges[pair{p.id, s.parts[p.next].id}]; ok {
		s.push(candidate{m.rank, at, m.id})
	}
}

// The queue is a binary heap; container/heap would allocate for every entry.

func (s *scratch) push(c candidate) {
	i := len(s.queue)
	s.queue = append(s.queue, c)
	for i > 0 {
		up := (i - 1) / 2
		if !c.before(s.queue[up]) {
			break
		}
		s.queue[i] = s.queue[up]
		i = up
	}
	s.queue[i] = c
}

func (s *scratch) pop() candidate {
	top := s.queue[0]
	end := len(s.queue) - 1
	c := s.queue[end]
	s.queue = s.queue[:end]
	if end == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= end {
			break
		}
		if down+1 < end && s.queue[down+1].before(s.queue[down]) {
			down++
		}
		if !s.queue[down].before(c) {
			break
		}
		s.queue[i] = s.queue[down]
		i = down
	}
	s.queue[i] = c
	return top
}
