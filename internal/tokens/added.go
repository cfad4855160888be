package tokens

// added finds the tokens that a text is cut at before it is split into words. The
// zero value has none.
type added struct {
	begins [256]bool
	nodes  []node // the first is the root
	next   map[edge]int32
}

type edge struct {
	from int32
	by   byte
}

// node ends a token where it has one.
type node struct{ token []int32 }

func (a *added) add(content string, id int32) {
	if a.nodes == nil {
		a.nodes, a.next = make([]node, 1), map[edge]int32{}
	}
	a.begins[content[0]] = true
	at := int32(0)
	for i := range len(content) {
		to, ok := a.next[edge{at, content[i]}]
		if !ok {
			to = int32(len(a.nodes))
			a.nodes = append(a.nodes, node{})
			a.next[edge{at, content[i]}] = to
		}
		at = to
	}
	a.nodes[at].token = []int32{id}
}

// cut calls text for what lies between tokens and token for each of them, in their
// order. Of the tokens that begin first, the longest is taken.
func (a *added) cut(s string, text func(string), token func([]int32)) {
	from := 0
	for i := 0; i < len(s); {
		if !a.begins[s[i]] {
			i++
			continue
		}
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

func (a *added) longest(s string) (token []int32, size int) {
	at := int32(0)
	for i := range len(s) {
		to, ok := a.next[edge{at, s[i]}]
		if !ok {
			break
		}
		at = to
		if a.nodes[at].token != nil {
			token, size = a.nodes[at].token, i+1
		}
	}
	return token, size
}
