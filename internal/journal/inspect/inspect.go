// Package inspect answers questions about a journal for people: what is in it,
// what it cost, whether it is sound. It is what `tinyv journal` prints.
//
// Replies come from models, so nothing of them is printed that could steer a
// terminal: control characters, and what else is not printable, come out escaped.
package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"tinyv/internal/brief"
	"tinyv/internal/journal"
)

// Dir returns the journal's directory: dir itself, or that of the run in dir.
func Dir(dir string) (string, error) {
	below := filepath.Join(dir, "journal")
	for _, candidate := range []string{below, dir} {
		files, err := os.ReadDir(candidate)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("looking for a journal: %w", err)
		}
		for _, f := range files {
			if strings.HasPrefix(f.Name(), "journal-") && strings.Contains(f.Name(), ".jsonl") {
				return candidate, nil
			}
		}
	}
	return "", fmt.Errorf("%w in %q or %q; name a run's directory or a journal's with --journal", journal.ErrNone, dir, below)
}

// clean makes text fit for one line of a terminal.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// cut returns at most n characters of clean text.
func cut(s string, n int) string {
	if len(s) > 4*n+4 {
		s = s[:4*n+4] // of at most four bytes each, and one that is cut in the middle
	}
	return brief.Of(clean(s), n)
}

// cleanJSON is v as indented JSON in which all that is not printable is escaped.
func cleanJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	// What is not printable can only be within a string, but for line breaks.
	var out []byte
	for _, r := range b.String() {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out = append(out, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out, nil
}
