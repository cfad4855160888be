package export

import "crypto/sha256"

// questions are those that rows have asked, in whatever spelling. Memory holds 16
// bytes for each, and 16 for each of its spellings.
type questions struct{ forms, spellings map[digest]struct{} }

// digest stands for a text.
type digest [16]byte

func digestOf(text string) digest {
	sum := sha256.Sum256([]byte(text))
	return digest(sum[:])
}

func newQuestions() *questions {
	return &questions{map[digest]struct{}{}, map[digest]struct{}{}}
}

// first reports whether no row before has asked the question of this one.
func (q *questions) first(r *made) bool {
	_, asked := q.forms[r.form]
	q.forms[r.form] = struct{}{}
	q.spellings[r.spelling] = struct{}{}
	return !asked
}

// merged is how many spellings are of a question that was asked in another one before.
func (q *questions) merged() int64 { return int64(len(q.spellings) - len(q.forms)) }
