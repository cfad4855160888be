package taxonomy

import (
	"regexp"
	"strings"
)

// A list is a text taken apart at its delimiters.
type list struct {
	opening, closing string // the brackets around all of it, if there are any
	delimiters       string // each that occurs, once
	elements         []string
}

var digitGroups = regexp.MustCompile(`^[-+]?(?:＄ ?)?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?:[^,\d].*)?$`)

// splitList splits at the commas, semicolons, "and", "or" that stand in no
// bracket. A text without any is a list of one.
func splitList(s string) list {
	s = strings.TrimSpace(s)
	l := list{}
	if digitGroups.MatchString(s) {
		l.elements = []string{s}
		return l
	}
	inner := s
	for _, pair := range [][2]string{{`\{`, `\}`}, {"(", ")"}, {"[", "]"}, {"{", "}"}, {"[", ")"}, {"(", "]"}} {
		if within, ok := enclosed(s, pair[0], pair[1]); ok {
			l.opening, l.closing, inner = pair[0], pair[1], within
			break
		}
	}
	depth, start := 0, 0
	cut := func(end int, delimiter string, next int) {
		if e := strings.TrimSpace(inner[start:end]); e != "" {
			l.elements = append(l.elements, e)
		}
		if !strings.Contains(l.delimiters, delimiter) {
			l.delimiters += delimiter
		}
		start = next
	}
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(depth-1, 0)
		case ',', ';':
			if depth == 0 && i >= start {
				cut(i, string(c), i+1)
			}
		case ' ':
			for _, word := range []string{" and ", " or ", " ∪ ", " & "} {
				if depth == 0 && i >= start && strings.HasPrefix(inner[i:], word) {
					cut(i, strings.TrimSpace(word), i+len(word))
				}
			}
		}
		if depth == 0 && i >= start && strings.HasPrefix(inner[i:], "∪") {
			cut(i, "∪", i+len("∪"))
		}
	}
	if l.delimiters == "" && l.opening != `\{` {
		return list{elements: []string{s}}
	}
	cut(len(inner), "", len(inner))
	if len(l.elements) > maxElements {
		return list{elements: []string{s}}
	}
	return l
}

// join writes a list again, its delimiters all alike.
func (l list) join() string {
	delimiter := ","
	if d := l.delimiters; d == "∪" || d == "and" || d == "or" || d == ";" {
		delimiter = " " + d + " "
	}
	return l.opening + strings.Join(l.elements, delimiter) + l.closing
}

// maxElements bounds the comparison of lists in any order.
const maxElements = 64

// enclosed returns what stands between two brackets that belong together and
// enclose all.
func enclosed(s, opening, closing string) (string, bool) {
	if !strings.HasPrefix(s, opening) || !strings.HasSuffix(s, closing) || len(s) < len(opening)+len(closing) {
		return "", false
	}
	inner := s[len(opening) : len(s)-len(closing)]
	depth := 0
	for i := range len(inner) {
		switch inner[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return "", false
			}
		}
	}
	return strings.TrimSpace(inner), depth == 0
}

var matrix = regexp.MustCompile(`^\\begin ?\{ ?([pbvV]?matrix|array|cases) ?\}(?: ?\{[^{}]*\})? ?(.*?) ?\\end ?\{ ?[a-zA-Z]+ ?\}$`)

// vector reads a matrix or a tuple in angle brackets or with bars as a list.
func vector(s string) (list, bool) {
	if m := matrix.FindStringSubmatch(s); m != nil {
		var l list
		for _, e := range strings.FieldsFunc(m[2], func(r rune) bool { return r == '⏎' || r == '&' }) {
			l.elements = append(l.elements, strings.TrimSpace(e))
		}
		return l, len(l.elements) <= maxElements
	}
	if inner, ok := enclosed(s, "⟨", "⟩"); ok {
		l := splitList(inner)
		return l, len(l.elements) > 1
	}
	if inner, ok := enclosed(s, "(", ")"); ok && strings.Count(inner, "|") > 0 && !strings.Contains(inner, ",") {
		l := splitList(strings.ReplaceAll(inner, "|", ","))
		return l, len(l.elements) > 1
	}
	if components, ok := unitVectors(s); ok {
		return list{elements: components}, true
	}
	return list{}, false
}

var component = regexp.MustCompile(`^([^ijk]*?)\*?(?:\\vec|\\hat)? ?\{? ?([ijk]) ?\}?`)

// unitVectors reads 3i - 2j + k.
func unitVectors(s string) ([]string, bool) {
	s = solid(s)
	var components []string
	for _, name := range []string{"i", "j", "k"} {
		m := component.FindStringSubmatch(s)
		if m == nil || m[2] != name {
			break
		}
		factor := strings.TrimPrefix(m[1], "+")
		if factor == "" || factor == "-" {
			factor += "1"
		}
		components = append(components, factor)
		s = s[len(m[0]):]
	}
	return components, s == "" && len(components) > 1
}
