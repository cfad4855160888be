package tokens

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What the patterns tell apart: \p{L}, \p{N}, \s and the rest.
type class uint8

const (
	other class = iota
	letter
	number
	space
)

// first returns the class of the first character of s, and its bytes.
func first(s string) (class, int) {
	if c := s[0]; c < utf8.RuneSelf {
		return ascii[c], 1
	}
	r, size := utf8.DecodeRuneInString(s)
	return classOf(r), size
}

func classOf(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

var ascii = func() (classes [utf8.RuneSelf]class) {
	for c := range classes {
		classes[c] = classOf(rune(c))
	}
	return classes
}()

// run returns the bytes of the characters of one class that s begins with.
func run(s string, of class) int {
	i := 0
	for i < len(s) {
		c, size := first(s[i:])
		if c != of {
			break
		}
		i += size
	}
	return i
}

// qwenWord, llamaWord and gpt2Word return the bytes of the first match of their
// pattern in s, which is not empty; each matches at once, so that words follow one
// another without gaps. They look at no character more than a few times in all.

func qwenWord(s string) int { return word(s, 1) }

func llamaWord(s string) int { return word(s, 3) }

// word splits as Qwen and Llama 3 do, with up to digits numbers in a word.
func word(s string, digits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	c, size := first(s)
	switch c {
	case letter:
		return size + run(s[size:], letter)
	case number:
		n := size
		for digits--; digits > 0 && n < len(s); digits-- {
			c, size := first(s[n:])
			if c != number {
				break
			}
			n += size
		}
		return n
	}
	// One character of any kind but a line's end begins a word.
	if s[0] != '\r' && s[0] != '\n' {
		if n := run(s[size:], letter); n > 0 {
			return size + n
		}
	}
	if n := others(s); n > 0 {
		for n < len(s) && (s[n] == '\r' || s[n] == '\n') {
			n++
		}
		return n
	}
	blank := run(s, space)
	if end := strings.LastIndexAny(s[:blank], "\r\n"); end >= 0 {
		return end + 1
	}
	return spaces(s, blank)
}

func gpt2Word(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	lead := 0
	if s[0] == ' ' && len(s) > 1 {
		lead = 1
	}
	if c, size := first(s[lead:]); c != space {
		return lead + size + run(s[lead+size:], c)
	}
	return spaces(s, run(s, space))
}

// others matches characters that are neither letters, numbers nor white space,
// after at most one space.
func others(s string) int {
	lead := 0
	if s[0] == ' ' {
		lead = 1
	}
	n := run(s[lead:], other)
	if n == 0 {
		return 0
	}
	return lead + n
}

// spaces matches white space of so many bytes, but leaves its last character to
// the word that follows, unless it is the only one.
func spaces(s string, blank int) int {
	if blank == len(s) {
		return blank
	}
	_, last := utf8.DecodeLastRuneInString(s[:blank])
	if last == blank {
		return blank
	}
	return blank - last
}

// contraction matches 's, 't, 're, 've, 'm, 'll and 'd; with any case, the long s
// is an s.
func contraction(s string, anyCase bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	if anyCase && strings.HasPrefix(s[1:], "ſ") {
		return 1 + len("ſ")
	}
	lower := func(i int) byte {
		if i < len(s) && anyCase && s[i] >= 'A' && s[i] <= 'Z' {
			return s[i] + 'a' - 'A'
		} else if i < len(s) {
			return s[i]
		}
		return 0
	}
	switch a, b := lower(1), lower(2); {
	case a == 's' || a == 't' || a == 'm' || a == 'd':
		return 2
	case (a == 'r' || a == 'v') && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}
