package sim

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// canonicalHash hashes a JSON value so that two ways to write the same value hash
// alike: the order of members, white space, escapes and the form of numbers do not
// matter. The value must be valid JSON. It is how the server knows a request again
// in whatever words a client's encoder writes it.
func canonicalHash(data []byte) uint64 {
	c := canonical{data: data}
	return c.value()
}

// canonical walks through valid JSON; it hashes without decoding, since every
// request passes here.
type canonical struct {
	data []byte
	at   int
}

// FNV-1a, written out: the one of the standard library costs a call for each byte.
const (
	fnvOffset uint64 = 14695981039346656037
	fnvPrime  uint64 = 1099511628211
)

func mix(h, word uint64) uint64 {
	for range 8 {
		h = (h ^ word&0xff) * fnvPrime
		word >>= 8
	}
	return h
}

// peek returns the next byte that is no white space, 0 at the end.
func (c *canonical) peek() byte {
	for ; c.at < len(c.data); c.at++ {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

func (c *canonical) value() uint64 {
	switch first := c.peek(); first {
	case '{':
		return c.object()
	case '[':
		return c.array()
	case '"':
		return c.text()
	default:
		return c.scalar()
	}
}

func (c *canonical) object() uint64 {
	c.at++
	var sum uint64 // members count in any order
	for {
		switch c.peek() {
		case '}', 0:
			c.at++
			return mix(mix(fnvOffset, '{'), sum)
		case ',':
			c.at++
			continue
		}
		name := c.text()
		if c.peek() == ':' {
			c.at++
		}
		sum += mix(mix(fnvOffset, name), c.value())
	}
}

func (c *canonical) array() uint64 {
	c.at++
	h := mix(fnvOffset, '[')
	for {
		switch c.peek() {
		case ']', 0:
			c.at++
			return h
		case ',':
			c.at++
			continue
		}
		h = mix(h, c.value())
	}
}

// text hashes a string without its escapes. Invalid UTF-8 counts as it stands.
func (c *canonical) text() uint64 {
	h := mix(fnvOffset, '"')
	for c.at++; c.at < len(c.data); c.at++ {
		b := c.data[c.at]
		switch b {
		case '"':
			c.at++
			return h
		case '\\':
			var plain [utf8.UTFMax]byte
			for _, b := range plain[:c.escape(&plain)] {
				h = (h ^ uint64(b)) * fnvPrime
			}
			continue
		}
		h = (h ^ uint64(b)) * fnvPrime
	}
	return h
}

// unquote returns what a JSON string says that is known to be valid, as
// encoding/json would, which checks it all once more: prompts are most of the bytes
// that the server reads.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if !utf8.Valid(inner) {
		var text string
		_ = json.Unmarshal(quoted, &text) // it is valid JSON, for all its bytes
		return text
	}
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	text := make([]byte, 0, len(inner))
	c := canonical{data: inner}
	for {
		n := bytes.IndexByte(inner[c.at:], '\\')
		if n < 0 {
			return string(append(text, inner[c.at:]...))
		}
		text = append(text, inner[c.at:c.at+n]...)
		c.at += n
		var plain [utf8.UTFMax]byte
		text = append(text, plain[:c.escape(&plain)]...)
		c.at++
	}
}

// escape decodes the escape at c.at, leaves c.at on its last byte, and returns the
// number of bytes it stands for.
func (c *canonical) escape(plain *[utf8.UTFMax]byte) int {
	c.at++
	if c.at >= len(c.data) {
		return 0
	}
	switch b := c.data[c.at]; b {
	case 'b':
		plain[0] = '\b'
	case 'f':
		plain[0] = '\f'
	case 'n':
		plain[0] = '\n'
	case 'r':
		plain[0] = '\r'
	case 't':
		plain[0] = '\t'
	case 'u':
		char := c.hex()
		if 0xd800 <= char && char < 0xdc00 && c.at+2 < len(c.data) && c.data[c.at+1] == '\\' && c.data[c.at+2] == 'u' {
			high := char
			before := c.at
			c.at += 2
			if low := c.hex(); 0xdc00 <= low && low < 0xe000 {
				char = (high-0xd800)<<10 + (low - 0xdc00) + 0x10000
			} else {
				c.at = before
			}
		}
		return utf8.EncodeRune(plain[:], char) // half a pair is U+FFFD, as encoding/json reads it
	default:
		plain[0] = b
	}
	return 1
}

// hex reads the four digits after the u at c.at, and leaves c.at on the last.
func (c *canonical) hex() rune {
	end := min(c.at+5, len(c.data))
	n, err := strconv.ParseUint(string(c.data[c.at+1:end]), 16, 32)
	if err != nil {
		n = utf8.RuneError
	}
	c.at = end - 1
	return rune(n)
}

// scalar hashes a number, true, false or null.
func (c *canonical) scalar() uint64 {
	start := c.at
scan:
	for ; c.at < len(c.data); c.at++ {
		switch c.data[c.at] {
		case ',', ']', '}', ' ', '\t', '\n', '\r', ':', '"', '[', '{':
			break scan
		}
	}
	if c.at == start { // not JSON: go on, so that no input makes this loop
		c.at++
	}
	word := c.data[start:c.at]
	if n, err := strconv.ParseInt(string(word), 10, 64); err == nil {
		return mix(mix(fnvOffset, '0'), uint64(n))
	}
	if f, err := strconv.ParseFloat(string(word), 64); err == nil {
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return mix(mix(fnvOffset, '0'), uint64(int64(f)))
		}
		return mix(mix(fnvOffset, '.'), math.Float64bits(f))
	}
	h := mix(fnvOffset, 'w')
	for _, b := range word {
		h = (h ^ uint64(b)) * fnvPrime
	}
	return h
}
