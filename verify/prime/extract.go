package prime

import (
	"strings"
	"unicode/utf8"
)

// Extraction is what was taken out of a reply.
type Extraction struct {
	Answer  string // what the verdict is passed on
	Matched bool   // a marker or box was found and Answer has a digit
	Boxed   string // the content of the reply's last box, before the later cuts
	HasBox  bool   // there was such a box; it can be empty
}

// The markers, in the order in which they are looked for.
var (
	leadIns       = [...]string{"answer:", "answer is", "answers are"}
	leadOuts      = [...]string{"is answer", "is the answer", "are answers", "are the answers"}
	relationWords = [...]string{"be ", "is ", "are ", "=", ": ", "get ", "be\n", "is\n", "are\n", ":\n", "get\n"}
)

const sentenceEnd = ". "

// Extract takes the answer out of a full reply as the original does. It cuts
// more than one would like: of `\boxed{x = 3}` it leaves "3", and of
// `\boxed{k < -5 \text{ or } k = 2}` it leaves "2"; the box itself is kept
// beside the answer for that reason. All strings returned are parts of
// response, nothing is copied, and the time is linear in its length.
func Extract(response string) Extraction {
	boxed, hasBox := lastBox(response)
	s := foldedText{text: response, mayGrow: strings.Contains(response, growing)}
	marked := false
	for _, marker := range leadIns {
		marked = s.keepAfterLast(marker) || marked
	}
	for _, marker := range leadOuts {
		marked = s.keepBeforeLast(marker) || marked
	}
	if content, ok := lastBox(s.text); ok && content != "" {
		s.text = content
		marked = true
	}
	s.keepBeforeLast(sentenceEnd)
	for _, marker := range relationWords {
		marked = s.keepAfterLast(marker) || marked
	}
	return Extraction{
		Answer:  s.text,
		Matched: marked && strings.ContainsFunc(s.text, isDigit),
		Boxed:   boxed,
		HasBox:  hasBox,
	}
}

// growing is the one character whose Python lower case has more characters.
const growing = "İ"

// foldedText is a text in which markers are looked for without regard to case.
// The original looks for them in the lower-cased text and applies the index it
// finds to the text itself; where a character before it grew, the cut is that
// many characters too far to the right.
type foldedText struct {
	text    string
	mayGrow bool // growing occurs in the text, or did before it was cut
}

func (s *foldedText) keepAfterLast(marker string) bool {
	i := lastIndexFold(s.text, marker)
	if i < 0 {
		return false
	}
	s.text = strip(s.text[s.skew(i, i+len(marker)):])
	return true
}

func (s *foldedText) keepBeforeLast(marker string) bool {
	i := lastIndexFold(s.text, marker)
	if i < 0 {
		return false
	}
	s.text = strip(s.text[:s.skew(i, i)])
	return true
}

// skew moves the byte offset cut to the right by one character for each that
// grew before the offset found.
func (s *foldedText) skew(found, cut int) int {
	if !s.mayGrow {
		return cut
	}
	for range strings.Count(s.text[:found], growing) {
		_, size := utf8.DecodeRuneInString(s.text[cut:])
		cut += size
	}
	return cut
}

// lastIndexFold returns the offset of the last occurrence of marker, a text in
// ASCII lower case, in the lower case of s, or -1. No character but the ASCII
// capitals has a lower case that begins with a character of a marker, save 'İ',
// whose "i̇" cannot continue one.
func lastIndexFold(s, marker string) int {
	last := marker[len(marker)-1]
	for end := len(s); end >= len(marker); end-- {
		if c := s[end-1]; c != last && foldASCII(c) != last {
			continue
		}
		if equalFoldASCII(s[end-len(marker):end], marker) {
			return end - len(marker)
		}
	}
	return -1
}

func foldASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

func equalFoldASCII(s, folded string) bool {
	for i := range len(s) {
		if foldASCII(s[i]) != folded[i] {
			return false
		}
	}
	return true
}

// lastBox returns the stripped content of the last `\boxed`, or if there is
// none of the last `\fbox`: what stands between the first brace after it and
// the brace that brings the count of open braces back to zero. Without such a
// brace there is no box, even if an earlier box is whole.
func lastBox(s string) (content string, ok bool) {
	i := strings.LastIndex(s, `\boxed`)
	if i < 0 {
		i = strings.LastIndex(s, `\fbox`)
	}
	if i < 0 {
		return "", false
	}
	open, first := 0, -1
	for ; i < len(s); i++ {
		switch s[i] {
		case '{':
			open++
			if first < 0 {
				first = i + 1
			}
		case '}':
			open--
			if open == 0 {
				return strip(s[first:i]), true
			}
		}
	}
	return "", false
}
