package tokens

import "strings"

// added finds the tokens that a text is cut at before it is split into words. The
// zero value has none.
type added struct {
	begins [256]bool
	begin  []byte // the bytes of begins
	nodes  []node // the first is the root
	next   map[edge]int32
}

type edge struct {
	from int32
	by   byte
}

// node ends a token where it has one. Most nodes lead to one other, which needs no
// map to be found.
type node struct {
	token []int32
	to    int32 // the first node that it leads to; 0 for none
	by    byte
	more  bool // there are others, in next
}

func (a *added) add(content string, id int32) {
	if a.nodes == nil {
		a.nodes, a.next = make([]node, 1), map[edge]int32{}
	}
	if !a.begins[content[0]] {
		a.begins[content[0]] = true
		a.begin = append(a.begin, content[0])
	}
	at := int32(0)
	for i := range len(content) {
		to := a.follow(at, content[i])
		if to == 0 {
			to = int32(len(a.nodes))
			a.nodes = append(a.nodes, node{})
			if n := &a.nodes[at]; n.to == 0 {
				n.to, n.by = to, content[i]
			} else {
				n.more = true
				a.next[edge{at, content[i]}] = to
			}
		}
		at = to
	}
	a.nodes[at].token = []int32{id}
}

// follow returns the node after a node by a byte, or 0, which is the root and
// after none.
func (a *added) follow(from int32, by byte) int32 {
	n := &a.nodes[from]
	switch {
	case n.to != 0 && n.by == by:
		return n.to
	case n.more:
		return a.next[edge{from, by}]
	}
	return 0
}

// cut calls text for what lies between tokens and token for each of them, in their
// order. Of the tokens that begin first, the longest is taken.
func (a *added) cut(s string, text func(string), token func([]int32)) {
	from := 0
	for i := a.candidate(s, 0); i < len(s); i = a.candidate(s, i) {
		id, size := a.longest(s[i:])
		if size == 0 {
			i++
			continue
		}
		if from < i {
			text(s[from:i])
		}
		token(id)
		i += size
		from = i
	}
	if from < len(s) {
		text(s[from:])
	}
}

// candidate returns the first place from i on where a token may begin; len(s) if
// there is none.
func (a *added) candidate(s string, i int) int {
	if len(a.begin) == 1 {
		if n := strings.IndexByte(s[i:], a.begin[0]); n >= 0 {
			return i + n
		}
		return len(s)
	}
	for i < len(s) && !a.begins[s[i]] {
		i++
	}
	return i
}

func (a *added) longest(s string) (token []int32, size int) {
	at := int32(0)
	for i := range len(s) {
		if at = a.follow(at, s[i]); at == 0 {
			break
		}
		if t := a.nodes[at].token; t != nil {
			token, size = t, i+1
		}
	}
	return token, size
}
