package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tinyv/internal/journal"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 5, ""},
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"a\nb", 10, `a\nb`},
		{"\x1b[31mred", 20, `\x1b[31mred`},
		{"\u202eabc", 20, `\u202eabc`},
		{"½½½½½½", 5, "½½½½…"},
		{"x = \"1\" \\frac", 20, `x = "1" \frac`},
	} {
		if got := cut(c.in, c.n); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

// Whatever a model says, what is printed is printable and the JSON means the same.
func TestNothingSteersTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		data, err := cleanJSON(map[string]string{"s": s})
		if err != nil {
			t.Fatal(err)
		}
		for _, printed := range []string{clean(s), cut(s, rapid.IntRange(1, 50).Draw(t, "n")), strings.ReplaceAll(string(data), "\n", "")} {
			if i := strings.IndexFunc(printed, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 || !utf8.ValidString(printed) {
				t.Fatalf("%q is printed for %q", printed, s)
			}
		}
		var back map[string]string
		if err := json.Unmarshal(data, &back); err != nil || back["s"] != strings.ToValidUTF8(s, "\ufffd") {
			t.Fatalf("%q is read back as %q, %v", s, back["s"], err)
		}
	})
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"2026-11-20":                time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		"2026-11-20T10:00:00+02:00": time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
		"90m":                       now.Add(-90 * time.Minute),
	} {
		if got, err := ParseSince(in, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "yesterday", "-1h", "20"} {
		if got, err := ParseSince(in, now); err == nil {
			t.Errorf("%q is taken for %v", in, got)
		}
	}
}

func TestDir(t *testing.T) {
	run := t.TempDir()
	if _, err := Dir(run); !errors.Is(err, journal.ErrNone) || !strings.Contains(err.Error(), run) {
		t.Errorf("%v", err)
	}
	dir := filepath.Join(run, "journal")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "journal-00000.jsonl.zst"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{run, dir} {
		if got, err := Dir(name); err != nil || got != dir {
			t.Errorf("Dir(%s) = %s, %v", name, got, err)
		}
	}
}

func TestSummarize(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	at := func(h int) time.Time { return time.Date(2026, 11, 21, h, 0, 0, 0, time.UTC) }
	for i, r := range []journal.Reply{
		{Model: "m1", Host: "a", FinishReason: "stop", PromptTokens: 1, CompletionTokens: 10, CostUSD: new(0.5), Time: at(3)},
		{Model: "m1-0409", Identity: "m1", Host: "b", FinishReason: "length", PromptTokens: 2, CompletionTokens: 20, CostUSD: new(0.25), Time: at(1)},
		{Identity: "m2", Host: "b", FinishReason: "stop", PromptTokens: 4, CompletionTokens: 40, Simulated: true, Time: at(2)},
		{Identity: "m2", Host: "b", FinishReason: "stop", PromptTokens: 8, CompletionTokens: 80, CostUSD: new(0.0), Time: time.Time{}},
	} {
		if err := j.Put(t.Context(), journal.Key{byte(i / 2 * i)}, r); err != nil { // keys 0, 0, 2, 3
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Summarize(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Keys != 3 || s.Duplicates != 1 || s.Simulated != 1 || !s.First.Equal(at(1)) || !s.Last.Equal(at(3)) {
		t.Errorf("%+v", s)
	}
	want := journal.Totals{Replies: 4, PromptTokens: 15, CompletionTokens: 150, CostUSD: 0.75, Unpriced: 1}
	if s.Totals != want {
		t.Errorf("%+v, want %+v", s.Totals, want)
	}
	m1 := Group{"m1", journal.Totals{Replies: 2, PromptTokens: 3, CompletionTokens: 30, CostUSD: 0.75}}
	if len(s.Identity) != 2 || s.Identity[0] != m1 || len(s.Host) != 2 || s.Host[0].Name != "b" || s.FinishReason[0].Replies != 3 {
		t.Errorf("%+v", s)
	}
	var text strings.Builder
	if err := s.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cost        $0.7500 and 1 without price", "simulated   1 ", "first       2026-11-21T01:00:00Z"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
}

// A server that gives every reply another name does not fill the memory.
func TestGroupsAreBounded(t *testing.T) {
	g := groups{}
	for i := range groupsMost + 50 {
		g.add(fmt.Sprint(i), journal.Reply{})
	}
	if sorted := g.sorted(); len(sorted) != groupsMost+1 || sorted[0].Name != others || sorted[0].Replies != 50 {
		t.Errorf("%d groups, the first is %+v", len(sorted), sorted[0])
	}
}
