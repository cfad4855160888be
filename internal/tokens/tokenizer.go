package tokens

import (
	"slices"
	"sync"
	"unicode/utf8"
)

// Tokenizer turns text into tokens. Load makes one; it is safe for several
// goroutines.
type Tokenizer struct {
	nfc        bool
	word       func(string) int
	bpe        *bpe
	raw        added // looked for in the text as it is
	normalized added // looked for in normalised text
	known      map[string]bool
	specials   []string
	cache      *cache
	scratches  sync.Pool
}

// Count returns the number of tokens of a text, without those that a post-processor
// would put around it. Added tokens in the text, control tokens among them, count as
// what they name, as in training. A byte that is not UTF-8 counts as U+FFFD.
func (t *Tokenizer) Count(text string) int {
	n := 0
	t.encode(text, func(ids []int32) { n += len(ids) })
	return n
}

// Has says whether the vocabulary or the added tokens have a token, as
// tokenizer.json writes it.
func (t *Tokenizer) Has(token string) bool { return t.known[token] }

// Specials returns the control tokens: the added tokens that the file calls
// special, by id.
func (t *Tokenizer) Specials() []string { return slices.Clone(t.specials) }

func (t *Tokenizer) encode(text string, emit func([]int32)) {
	s, _ := t.scratches.Get().(*scratch)
	if s == nil {
		s = &scratch{}
	}
	t.raw.cut(valid(text), func(part string) {
		if t.nfc {
			part = composed(part)
		}
		t.normalized.cut(part, func(part string) { t.words(part, s, emit) }, emit)
	}, emit)
	// What one hostile word needed is not kept.
	if cap(s.parts) <= 1<<16 {
		t.scratches.Put(s)
	}
}

func (t *Tokenizer) words(text string, s *scratch, emit func([]int32)) {
	for len(text) > 0 {
		n := t.word(text)
		word := text[:n]
		text = text[n:]
		if n > cacheWord {
			emit(t.bpe.encode(word, s, nil))
			continue
		}
		slot := t.cache.slot(word)
		if c := slot.Load(); c != nil && c.word == word {
			emit(c.ids)
			continue
		}
		s.ids = t.bpe.encode(word, s, s.ids[:0])
		t.cache.fill(slot, word, s.ids)
		emit(s.ids)
	}
}

// valid replaces each byte that is not UTF-8 by U+FFFD, as a JSON encoder does.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}
