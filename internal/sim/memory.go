package sim

import "sync"

// maxRemembered is the number of requests in each of the two generations that a
// memory holds.
const maxRemembered = 1 << 20

// memory remembers what has happened to requests, in bounded memory: when the
// younger of two generations is full, the older one is forgotten. It is safe for
// several goroutines.
type memory struct {
	most int // in a generation

	mu             sync.Mutex
	younger, older map[uint64]past
}

// past is what has happened to a request.
type past struct {
	tries uint32 // that reached a model
	whole uint32 // replies that were written to their end
}

// try returns the number of this try of a request, from 0.
func (m *memory) try(request uint64) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.recall(request)
	number := p.tries
	p.tries++
	m.younger[request] = p
	return int(number)
}

// again notes a whole reply, and reports whether there was one before.
func (m *memory) again(request uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.recall(request)
	p.whole++
	m.younger[request] = p
	return p.whole > 1
}

// recall returns what is remembered, and makes room for one more in the younger
// generation.
func (m *memory) recall(request uint64) past {
	p, ok := m.younger[request]
	if ok {
		return p
	}
	p = m.older[request]
	if len(m.younger) >= m.most {
		m.older, m.younger = m.younger, nil
	}
	if m.younger == nil {
		m.younger = map[uint64]past{}
	}
	return p
}
