package prime

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/klauspost/compress/gzip"

	"tinyv/internal/shareddata"
)

// golden reads a gzipped JSON-lines file of the shared directory.
func golden[T any](t testing.TB, name string) []T {
	t.Helper()
	data, err := os.ReadFile(shareddata.Path(t, "golden", name))
	if err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(zr)
	lines.Buffer(nil, 64<<20)
	var out []T
	for lines.Scan() {
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatalf("%s line %d: %v", name, len(out)+1, err)
		}
		out = append(out, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

type extractRow struct {
	Response  string
	Extracted string
	Matched   bool
	Boxed     *string
}

func TestExtractGolden(t *testing.T) {
	rows := golden[extractRow](t, "prime-extract.jsonl.gz")
	if len(rows) != 6453 {
		t.Errorf("%d rows, want 6453", len(rows))
	}
	bad := 0
	for i, row := range rows {
		got := Extract(row.Response)
		ok := got.Answer == row.Extracted && got.Matched == row.Matched && got.HasBox == (row.Boxed != nil)
		if row.Boxed != nil && got.Boxed != *row.Boxed {
			ok = false
		}
		if !ok {
			if bad++; bad <= 5 {
				t.Errorf("row %d: got %+v, want %q %v %v", i+1, got, row.Extracted, row.Matched, row.Boxed)
			}
		}
	}
	t.Logf("%d of %d rows agree", len(rows)-bad, len(rows))
}

func TestExtract(t *testing.T) {
	tests := []struct {
		name, response string
		want           Extraction
	}{
		{"empty", "", Extraction{}},
		{"box", `So \boxed{x = 3}`, Extraction{"3", true, "x = 3", true}},
		{"damage", `\boxed{k < -5 \text{ or } k = 2}`, Extraction{"2", true, `k < -5 \text{ or } k = 2`, true}},
		{"last box", `\boxed{1} then \boxed{2}`, Extraction{"2", true, "2", true}},
		{"fbox", `\fbox{7}`, Extraction{"7", true, "7", true}},
		{"boxed before fbox", `\boxed{1} \fbox{2}`, Extraction{"1", true, "1", true}},
		{"unclosed last box", `\boxed{1} \boxed{2`, Extraction{`\boxed{1} \boxed{2`, false, "", false}},
		{"closing brace first", `\boxed}{{}`, Extraction{`{`, false, "{", true}},
		{"empty box", `The \boxed{} 5`, Extraction{`The \boxed{} 5`, false, "", true}},
		{"no digit", `\boxed{x}`, Extraction{"x", false, "x", true}},
		{"superscript is a digit", `\boxed{x²}`, Extraction{"x²", true, "x²", true}},
		{"marker", "The ANSWER IS 12.", Extraction{"12.", true, "", false}},
		{"lead-out", "12 is the answer", Extraction{"12", true, "", false}},
		{"marker order", "answer: 3, and the answer is 4", Extraction{"4", true, "", false}},
		{"sentence", "x = 5. So. ", Extraction{"5. So", true, "", false}},
		{"python white space", "answer:\x1c\u30007\x1f", Extraction{"7", true, "", false}},
		{"growing character shifts the cut", "İ answer: 42", Extraction{"42", true, "", false}},
		{"growing characters shift into the answer", "İİ answer:42x", Extraction{"x", false, "", false}},
		{"growing characters past the end", "İİİ answer:4", Extraction{"", false, "", false}},
		{"kelvin sign", "K answer: 4", Extraction{"4", true, "", false}},
		{"invalid UTF-8", "answer: \xff4\xfe", Extraction{"\xff4\xfe", true, "", false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Extract(tt.response); got != tt.want {
				t.Errorf("Extract(%q) = %+v, want %+v", tt.response, got, tt.want)
			}
		})
	}
}

// TestExtractIsLinear takes replies of 5 MB that would cost a quadratic
// algorithm minutes.
func TestExtractIsLinear(t *testing.T) {
	const size = 5 << 20
	for name, unit := range map[string]string{
		"open braces":  `\boxed{`,
		"nested":       "{",
		"closed":       "}",
		"markers":      "answer: ",
		"equals signs": "=",
		"white space":  " ",
		"growing":      "İ. ",
		"near misses":  "answeR\n",
		"invalid":      "\xff\xc4",
	} {
		reply := `\boxed{` + strings.Repeat(unit, size/len(unit)) + "}"
		start := time.Now()
		got := Extract(reply)
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: took %v", name, took)
		}
		if allocs := testing.AllocsPerRun(1, func() { Extract(reply[:size/100]) }); allocs > 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
		if len(got.Answer) > len(reply) {
			t.Errorf("%s: answer longer than the reply", name)
		}
	}
}

// slowExtract does what Extract does in the obvious way: on slices of
// characters, lower-casing the whole text for every search.
func slowExtract(response string) Extraction {
	text := characters(response)
	out := Extraction{}
	if box, ok := slowBox(text); ok {
		out.Boxed, out.HasBox = strings.Join(box, ""), true
	}
	find := func(marker string) int {
		var folded []string
		for _, c := range text {
			if c == "İ" {
				folded = append(folded, "i", "\u0307")
				continue
			}
			folded = append(folded, strings.Map(unicode.ToLower, c))
		}
		want := characters(marker)
		for i := len(folded) - len(want); i >= 0; i-- {
			if strings.Join(folded[i:i+len(want)], "") == marker {
				return i
			}
		}
		return -1
	}
	clamp := func(i int) int { return min(i, len(text)) }
	marked := false
	after := func(marker string) {
		if i := find(marker); i >= 0 {
			text, marked = slowStrip(text[clamp(i+len(marker)):]), true
		}
	}
	for _, m := range []string{"answer:", "answer is", "answers are"} {
		after(m)
	}
	for _, m := range []string{"is answer", "is the answer", "are answers", "are the answers"} {
		if i := find(m); i >= 0 {
			text, marked = slowStrip(text[:clamp(i)]), true
		}
	}
	if box, ok := slowBox(text); ok && len(box) > 0 {
		text, marked = box, true
	}
	if i := find(". "); i >= 0 {
		text = slowStrip(text[:clamp(i)])
	}
	for _, m := range []string{"be ", "is ", "are ", "=", ": ", "get ", "be\n", "is\n", "are\n", ":\n", "get\n"} {
		after(m)
	}
	out.Answer = strings.Join(text, "")
	for _, c := range text {
		if isDigit([]rune(c)[0]) {
			out.Matched = marked
		}
	}
	return out
}

// characters cuts s into characters; a stray byte is one.
func characters(s string) []string {
	var out []string
	for s != "" {
		head, tail := firstRune(s)
		out, s = append(out, head), tail
	}
	return out
}

func slowStrip(text []string) []string {
	space := func(c string) bool { return strings.ContainsAny(c, "\x1c\x1d\x1e\x1f") || strings.TrimSpace(c) == "" }
	for len(text) > 0 && space(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && space(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

func slowBox(text []string) ([]string, bool) {
	all := strings.Join(text, "")
	i := strings.LastIndex(all, `\boxed`)
	if i < 0 {
		i = strings.LastIndex(all, `\fbox`)
	}
	if i < 0 {
		return nil, false
	}
	rest := characters(all[i:])
	depth, first := 0, -1
	for j, c := range rest {
		if c == "{" {
			depth++
			if first < 0 {
				first = j
			}
		}
		if c == "}" {
			depth--
			if depth == 0 {
				return slowStrip(rest[first+1 : j]), true
			}
		}
	}
	return nil, false
}

func FuzzExtract(f *testing.F) {
	for _, seed := range []string{
		"", `So the answer is \boxed{x = 3}.`, "answer:", "is answer", "are the answers: 4", "İ answer: 4", "İİ. İ",
		"ΑΣ is\n5", "\\boxed}{}{", `\fbox{1}\boxed{`, "get\n\x1c4\x85", "\xff answer is \xfe", "x² = ٣", "a. b. =c: ",
		"ANSWERS ARE 1, 2. AND is 3", `\boxed{\boxed{1} be 2}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, response string) {
		if len(response) > 400 {
			return // the oracle is quadratic
		}
		got, want := Extract(response), slowExtract(response)
		if got != want {
			t.Errorf("Extract(%q) = %+v, oracle %+v", response, got, want)
		}
	})
}

func BenchmarkExtract(b *testing.B) {
	rows := golden[extractRow](b, "prime-extract.jsonl.gz")
	var bytes int64
	for _, row := range rows {
		bytes += int64(len(row.Response))
	}
	b.ReportAllocs()
	b.SetBytes(bytes)
	for b.Loop() {
		for _, row := range rows {
			Extract(row.Response)
		}
	}
	b.ReportMetric(float64(len(rows))*float64(b.N)/b.Elapsed().Seconds(), "replies/s")
}
