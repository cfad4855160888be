package synth

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of what is read of a generator's reply.
const (
	maxReply  = 64 << 10 // bytes
	maxListed = 64       // items
	maxItem   = 400      // characters; a longer one is an explanation
)

// parseList reads the answers that a generator lists: in <answer> tags, as asked
// for, else as a JSON list of texts, else as numbered or bulleted lines, else, in a
// code fence, line by line. Prose is no item. The items are trimmed and taken out
// of a box or dollars around the whole of them, and none is empty. Its time is
// linear in the length of the reply.
func parseList(reply string) []string {
	if len(reply) > maxReply {
		reply = reply[:maxReply]
	}
	reply = strings.ToValidUTF8(reply, "")
	if at := strings.LastIndex(reply, "</think>"); at >= 0 {
		reply = reply[at+len("</think>"):]
	}
	if !hasTag(reply) {
		if plain := unescape.Replace(reply); hasTag(plain) {
			reply = plain
		}
	}
	var items []string
	for _, read := range []func(string) []string{tagged, quoted, marked, fenced} {
		if items = read(reply); len(items) > 0 {
			break
		}
	}
	var kept []string
	for _, item := range items[:min(len(items), maxListed)] {
		if item = bare(unescape.Replace(item)); item != "" {
			kept = append(kept, item)
		}
	}
	return kept
}

// unescape undoes what a model does that takes tags for HTML.
var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&amp;", "&")

const tagName = "answer"

func hasTag(s string) bool {
	_, _, _, ok := nextTag(s)
	return ok
}

// nextTag finds the first <answer>, <answer 2>, <answer_2> or </answer>, in any
// case, and says where it begins and ends and whether it closes.
func nextTag(s string) (begin, end int, closes, ok bool) {
	for from := 0; ; {
		at := strings.IndexByte(s[from:], '<')
		if at < 0 {
			return 0, 0, false, false
		}
		begin = from + at
		rest := strings.TrimLeft(s[begin+1:min(len(s), begin+40)], " ")
		rest, closes = strings.CutPrefix(rest, "/")
		rest = strings.TrimLeft(rest, " ")
		if len(rest) > len(tagName) && strings.EqualFold(rest[:len(tagName)], tagName) {
			rest = strings.TrimLeft(rest[len(tagName):], " _-0123456789")
			if strings.HasPrefix(rest, ">") {
				return begin, begin + strings.IndexByte(s[begin:], '>') + 1, closes, true
			}
		}
		from = begin + 1
	}
}

// tagged returns what stands in tags. An item whose tag is not closed ends with
// its line, if another tag follows; the last one may be cut off, and is left out.
func tagged(s string) []string {
	var items []string
	opened := false
	for len(items) < maxListed {
		begin, end, closes, ok := nextTag(s)
		if !ok {
			break
		}
		if opened {
			text := s[:begin]
			if !closes {
				text, _, _ = strings.Cut(strings.TrimLeft(text, " \t\r\n"), "\n")
			}
			items = append(items, text)
		}
		opened = !closes
		s = s[end:]
	}
	return items
}

// quoted returns the texts of the first JSON list of texts. A backslash before a
// letter is LaTeX's, even where JSON knows it as an escape: no answer holds a
// form feed, and many begin with \frac.
func quoted(s string) []string {
	for {
		at := strings.IndexByte(s, '[')
		if at < 0 {
			return nil
		}
		s = s[at+1:]
		if strings.HasPrefix(strings.TrimLeft(s, " \t\r\n"), `"`) {
			return texts(s)
		}
	}
}

// texts reads "a", "b" up to what is no further text.
func texts(s string) []string {
	var items []string
	for len(items) < maxListed {
		s = strings.TrimLeft(s, " \t\r\n,")
		if !strings.HasPrefix(s, `"`) {
			break
		}
		s = s[1:]
		var b strings.Builder
		closed := false
		for i := 0; i < len(s) && !closed; i++ {
			switch {
			case s[i] == '"':
				s, closed = s[i+1:], true
			case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`"\/`, s[i+1]) >= 0:
				i++
				b.WriteByte(s[i])
			default:
				b.WriteByte(s[i])
			}
		}
		if !closed {
			break // cut off
		}
		items = append(items, b.String())
	}
	return items
}

// marked returns the lines that begin with a number or a bullet and a blank.
func marked(s string) []string {
	var items []string
	for line := range strings.Lines(s) {
		if item, ok := unmark(strings.TrimSpace(line)); ok && len(items) < maxListed {
			items = append(items, item)
		}
	}
	return items
}

// unmark takes "1. ", "2) ", "(3) ", "- ", "* " and the like off a line. The blank
// tells them from -5 and 1.5.
func unmark(line string) (string, bool) {
	for _, bullet := range []string{"- ", "* ", "+ ", "• ", "– "} {
		if rest, ok := strings.CutPrefix(line, bullet); ok {
			return rest, true
		}
	}
	rest, bracket := strings.CutPrefix(line, "(")
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if digits == 0 || digits > 3 || digits+1 >= len(rest) {
		return "", false
	}
	mark := rest[digits]
	if mark != ')' && (mark != '.' || bracket) && (mark != ':' || bracket) {
		return "", false
	}
	after := rest[digits+1:]
	return after, strings.HasPrefix(after, " ") || strings.HasPrefix(after, "\t")
}

// fenced returns the lines of the first code fence.
func fenced(s string) []string {
	_, inside, ok := strings.Cut(s, "```")
	if !ok {
		return nil
	}
	_, inside, _ = strings.Cut(inside, "\n") // the rest of the line names a language
	inside, _, ok = strings.Cut(inside, "```")
	if !ok {
		return nil
	}
	var items []string
	for line := range strings.Lines(inside) {
		if line = strings.TrimSpace(line); line != "" && len(items) < maxListed {
			items = append(items, line)
		}
	}
	return items
}

// bare takes white space, emphasis, code marks, dollars and a box off, where they
// are around the whole of an item: it is to stand in a box of its own. What is left
// without a letter or a digit is no answer.
func bare(item string) string {
	item = strings.Join(strings.FieldsFunc(item, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }), " ")
	for range 4 {
		before := item
		for _, pair := range [][2]string{{"**", "**"}, {"`", "`"}, {"$$", "$$"}, {"$", "$"}, {`\(`, `\)`}, {`\[`, `\]`}, {`\boxed{`, "}"}} {
			item = unwrap(item, pair[0], pair[1])
		}
		if item == before {
			break
		}
	}
	if !strings.ContainsFunc(item, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.Is(unicode.Sm, c) }) {
		return ""
	}
	return item
}

// unwrap takes a pair of marks off if they belong together.
func unwrap(s, open, close string) string {
	if len(s) < len(open)+len(close) || !strings.HasPrefix(s, open) || !strings.HasSuffix(s, close) {
		return s
	}
	inner := s[len(open) : len(s)-len(close)]
	if strings.HasSuffix(inner, `\`) { // the mark at the end is escaped
		return s
	}
	if open == `\boxed{` {
		if !balanced(inner) {
			return s
		}
	} else if strings.Contains(inner, open) || strings.Contains(inner, close) {
		return s
	}
	return strings.TrimSpace(inner)
}

// balanced reports whether braces open and close in order; escaped ones count not.
func balanced(s string) bool {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}

// tooLong reports whether a listed item is too long for an answer.
func tooLong(item string) bool {
	return len(item) > maxItem && utf8.RuneCountInString(item) > maxItem
}
