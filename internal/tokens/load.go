package tokens

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// largest is the size of a tokenizer.json that is still read: several times that
// of the largest known vocabulary.
const largest = 128 << 20

// instead ends every error about a tokenizer that is not supported.
const instead = "leave the tokenizer out, and lengths are upper bounds"

// Load reads a tokenizer.json. Whatever would let counts differ from those of the
// real package is an error that names it.
func Load(path string) (*Tokenizer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the tokenizer: %w", err)
	}
	defer f.Close()
	t, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("reading the tokenizer %s: %w", path, err)
	}
	return t, nil
}

// file is a tokenizer.json. Its decoder turns tokens into text, its post-processor
// adds what training does not ask for, truncation and padding are training's own:
// none of them changes a count.
type file struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// model has every key of a BPE model. The unknown token and its fusing do not
// matter where each byte has a token.
type model struct {
	Type                    string           `json:"type"`
	Dropout                 *float64         `json:"dropout"`
	UnkToken                json.RawMessage  `json:"unk_token"`
	ContinuingSubwordPrefix string           `json:"continuing_subword_prefix"`
	EndOfWordSuffix         string           `json:"end_of_word_suffix"`
	FuseUnk                 bool             `json:"fuse_unk"`
	ByteFallback            bool             `json:"byte_fallback"`
	IgnoreMerges            bool             `json:"ignore_merges"`
	Vocab                   map[string]int64 `json:"vocab"`
	Merges                  json.RawMessage  `json:"merges"`
}

// readMerges takes both ways that files write the pairs: lists of two, or texts
// with a space between.
func readMerges(data json.RawMessage) ([][]string, error) {
	var pairs [][]string
	if json.Unmarshal(data, &pairs) != nil {
		var lines []string
		if err := json.Unmarshal(data, &lines); err != nil {
			return nil, fmt.Errorf("model.merges: %w", err)
		}
		pairs = make([][]string, len(lines))
		for i, line := range lines {
			pairs[i] = strings.Split(line, " ")
		}
	}
	for i, p := range pairs {
		if len(p) != 2 {
			return nil, fmt.Errorf("model.merges, entry %d: %q is not of two tokens", i, p)
		}
	}
	return pairs, nil
}

func read(r io.Reader) (*Tokenizer, error) {
	data, err := io.ReadAll(io.LimitReader(r, largest+1))
	if err != nil {
		return nil, err
	}
	if len(data) > largest {
		return nil, fmt.Errorf("it has more than %d MiB; is it a tokenizer.json?", largest>>20)
	}
	var f file
	if err := decode(data, &f); err != nil {
		return nil, fmt.Errorf("%w; is it a whole tokenizer.json? If so, %s", err, instead)
	}
	// The type comes first: another model's keys would be reported as unknown.
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(f.Model, &kind); err != nil {
		return nil, fmt.Errorf("model: %w; is it a tokenizer.json?", err)
	}
	if kind.Type != "BPE" {
		return nil, unsupported("model.type %q (only byte-level BPE is)", kind.Type)
	}
	var m model
	if err := decode(f.Model, &m); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	t := &Tokenizer{cache: newCache()}
	if t.nfc, err = readNormalizer(f.Normalizer); err != nil {
		return nil, err
	}
	if t.word, err = readPreTokenizer(f.PreTokenizer); err != nil {
		return nil, err
	}
	if t.bpe, err = newBPE(&m); err != nil {
		return nil, err
	}
	if err := t.add(f.AddedTokens, m.Vocab); err != nil {
		return nil, err
	}
	return t, nil
}

// add takes the added tokens in.
func (t *Tokenizer) add(tokens []addedToken, vocab map[string]int64) error {
	t.known = make(map[string]bool, len(vocab)+len(tokens))
	for token := range vocab {
		t.known[token] = true
	}
	tokens = slices.SortedStableFunc(slices.Values(tokens), func(a, b addedToken) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range tokens {
		switch id, listed := vocab[a.Content]; {
		case a.ID < 0 || a.ID > math.MaxInt32:
			return fmt.Errorf("added_tokens: %q has id %d", a.Content, a.ID)
		case listed && id != a.ID:
			return fmt.Errorf("added_tokens: %q has id %d, and %d in model.vocab; the file was edited by hand or is damaged: fetch it again", a.Content, a.ID, id)
		case a.SingleWord, a.LStrip, a.RStrip:
			return unsupported("single_word, lstrip or rstrip of added token %q", a.Content)
		case a.Content == "":
			continue
		}
		t.known[a.Content] = true
		if a.Special {
			t.specials = append(t.specials, a.Content)
		}
		if !a.Normalized {
			t.raw.add(a.Content, int32(a.ID))
		} else if t.nfc {
			t.normalized.add(composed(a.Content), int32(a.ID))
		} else {
			t.normalized.add(a.Content, int32(a.ID))
		}
	}
	return nil
}

func readNormalizer(data json.RawMessage) (nfc bool, err error) {
	if isNull(data) {
		return false, nil
	}
	var n struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &n); err != nil {
		return false, fmt.Errorf("normalizer: %w", err)
	}
	if n.Type != "NFC" {
		return false, unsupported("normalizer %q (only NFC or none are)", n.Type)
	}
	return true, decode(data, &n)
}

// The patterns that published tokenizers of the family split text with.
var patterns = map[string]func(string) int{
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:      qwenWord,
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: llamaWord,
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`:                                          gpt2Word,
}

// readPreTokenizer accepts the byte level alone, which splits as GPT-2 does, or
// after a split by a known pattern.
func readPreTokenizer(data json.RawMessage) (func(string) int, error) {
	if isNull(data) {
		return nil, unsupported("pre_tokenizer null (only a split by a known pattern and the byte level are)")
	}
	var p struct {
		Type  string            `json:"type"`
		Steps []json.RawMessage `json:"pretokenizers"`
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if p.Type == "ByteLevel" {
		p.Steps = []json.RawMessage{data}
	} else if p.Type != "Sequence" {
		return nil, unsupported("pre_tokenizer %q", p.Type)
	} else if err := decode(data, &p); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	switch len(p.Steps) {
	case 1:
		split, err := readByteLevel(p.Steps[0])
		if err == nil && !split {
			err = unsupported("pre_tokenizer ByteLevel without a pattern")
		}
		return gpt2Word, err
	case 2:
		word, err := readSplit(p.Steps[0])
		if err != nil {
			return nil, err
		}
		split, err := readByteLevel(p.Steps[1])
		if err == nil && split {
			err = unsupported("pre_tokenizer ByteLevel with use_regex after another split")
		}
		return word, err
	}
	return nil, unsupported("pre_tokenizer of %d steps (only Split and ByteLevel are)", len(p.Steps))
}

func readSplit(data json.RawMessage) (func(string) int, error) {
	var s struct {
		Type     string                     `json:"type"`
		Pattern  map[string]json.RawMessage `json:"pattern"`
		Behavior string                     `json:"behavior"`
		Invert   bool                       `json:"invert"`
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if s.Type != "Split" {
		return nil, unsupported("pre_tokenizer %q before ByteLevel", s.Type)
	}
	if err := decode(data, &s); err != nil {
		return nil, fmt.Errorf("pre_tokenizer Split: %w", err)
	}
	if s.Behavior != "Isolated" || s.Invert {
		return nil, unsupported("pre_tokenizer Split with behavior %q, invert %t", s.Behavior, s.Invert)
	}
	var pattern string
	if regex, ok := s.Pattern["Regex"]; ok {
		if err := json.Unmarshal(regex, &pattern); err != nil {
			return nil, fmt.Errorf("pre_tokenizer Split: pattern: %w", err)
		}
	}
	word, ok := patterns[pattern]
	if !ok {
		return nil, unsupported("the pattern %q of pre_tokenizer Split (only those of GPT-2, Llama 3 and Qwen2 are)", pattern)
	}
	return word, nil
}

// readByteLevel reports whether the step splits words itself.
func readByteLevel(data json.RawMessage) (split bool, err error) {
	// Defaults of the real package.
	b := struct {
		Type           string `json:"type"`
		AddPrefixSpace bool   `json:"add_prefix_space"`
		TrimOffsets    bool   `json:"trim_offsets"` // of offsets, not of tokens
		UseRegex       bool   `json:"use_regex"`
	}{AddPrefixSpace: true, UseRegex: true}
	if err := json.Unmarshal(data, &b); err != nil {
		return false, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if b.Type != "ByteLevel" {
		return false, unsupported("pre_tokenizer %q", b.Type)
	}
	if err := decode(data, &b); err != nil {
		return false, fmt.Errorf("pre_tokenizer ByteLevel: %w", err)
	}
	if b.AddPrefixSpace {
		return false, unsupported("pre_tokenizer ByteLevel with add_prefix_space")
	}
	return b.UseRegex, nil
}

func newBPE(m *model) (*bpe, error) {
	switch {
	case m.Dropout != nil && *m.Dropout != 0:
		return nil, unsupported("model.dropout %g", *m.Dropout)
	case m.ContinuingSubwordPrefix != "":
		return nil, unsupported("model.continuing_subword_prefix %q", m.ContinuingSubwordPrefix)
	case m.EndOfWordSuffix != "":
		return nil, unsupported("model.end_of_word_suffix %q", m.EndOfWordSuffix)
	case m.ByteFallback:
		return nil, unsupported("model.byte_fallback")
	}
	merges, err := readMerges(m.Merges)
	if err != nil {
		return nil, err
	}
	b := &bpe{merges: make(map[pair]merge, len(merges))}
	var impossible []string
	for token, id := range m.Vocab {
		if id < 0 || id > math.MaxInt32 {
			impossible = append(impossible, token)
		}
	}
	if len(impossible) > 0 {
		token := slices.Min(impossible)
		return nil, fmt.Errorf("model.vocab: %q has id %d; the file is damaged: fetch it again", token, m.Vocab[token])
	}
	id := func(token string) int32 {
		if id, ok := m.Vocab[token]; ok {
			return int32(id)
		}
		return -1
	}
	letters := letters()
	byteOf := make(map[rune]byte, len(letters))
	for c, letter := range letters {
		byteOf[letter] = byte(c)
		if b.bytes[c] = id(string(letter)); b.bytes[c] < 0 {
			return nil, unsupported("a vocabulary without the byte 0x%02x", c)
		}
	}
	for i, p := range merges {
		left, right, whole := id(p[0]), id(p[1]), id(p[0]+p[1])
		if left < 0 || right < 0 || whole < 0 {
			return nil, fmt.Errorf("model.merges, entry %d: %q, %q or both together are not in model.vocab; the file is damaged: fetch it again", i, p[0], p[1])
		}
		b.merges[pair{left, right}] = merge{rank: int32(i), id: whole}
	}
	if m.IgnoreMerges {
		b.whole = make(map[string]int32, len(m.Vocab))
		for token, id := range m.Vocab {
			var word []byte
			foreign := false // as control tokens are, which are not written in letters of bytes
			for _, r := range token {
				c, ok := byteOf[r]
				foreign = foreign || !ok
				word = append(word, c)
			}
			if !foreign {
				b.whole[string(word)] = int32(id)
			}
		}
	}
	return b, nil
}

// decode is strict: a key that is not known may change the tokens.
func decode(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the end of its JSON")
	}
	return nil
}

func isNull(data json.RawMessage) bool { return len(data) == 0 || string(data) == "null" }

func unsupported(format string, args ...any) error {
	return fmt.Errorf("not supported: "+format+"; "+instead, args...)
}
