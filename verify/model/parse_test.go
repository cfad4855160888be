package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tinyv/verify"
)

// golden is a reply as models write them, well or ill formed, with the verdict
// that must come out of it. Reason must come out to the letter; where it is nil,
// any may.
type golden struct {
	Parser    string   `json:"parser"`
	Threshold *float64 `json:"threshold"`
	Name      string   `json:"name"`
	Reply     string   `json:"reply"`
	Outcome   string   `json:"outcome"`
	Reason    *string  `json:"reason"`
}

func readGolden(t testing.TB) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/replies.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	for dec.More() {
		var g golden
		if err := dec.Decode(&g); err != nil {
			t.Fatalf("testdata/replies.jsonl:%d: %v", len(all)+1, err)
		}
		all = append(all, g)
	}
	return all
}

// goldenCount is how many replies the table holds: one that was lost is noticed.
const goldenCount = 347

func TestGoldenReplies(t *testing.T) {
	all := readGolden(t)
	if len(all) != goldenCount {
		t.Errorf("%d replies, want %d", len(all), goldenCount)
	}
	for _, g := range all {
		t.Run(g.Parser+" "+g.Outcome+" "+g.Name, func(t *testing.T) {
			outcome, reason := Parse(g.Parser, g.Threshold, g.Reply)
			if outcome.String() != g.Outcome {
				t.Errorf("%q: outcome is %s (%s), want %s", g.Reply, outcome, reason, g.Outcome)
			}
			if g.Reason != nil && reason != *g.Reason {
				t.Errorf("%q: reason is\n%q, want\n%q", g.Reply, reason, *g.Reason)
			}
			if undecided := strings.HasPrefix(reason, "parse_error: "); undecided != (outcome == verify.Undecided) {
				t.Errorf("%s with reason %q", outcome, reason)
			}
		})
	}
}

// TestGoldenTable prints how many replies of each outcome every parser has, and
// wants some of each.
func TestGoldenTable(t *testing.T) {
	count := map[string]map[string]int{}
	for _, g := range readGolden(t) {
		if count[g.Parser] == nil {
			count[g.Parser] = map[string]int{}
		}
		count[g.Parser][g.Outcome]++
	}
	t.Logf("%-18s %8s %10s %10s", "parser", "correct", "incorrect", "undecided")
	for _, parser := range Parsers() {
		c := count[parser]
		t.Logf("%-18s %8d %10d %10d", parser, c["correct"], c["incorrect"], c["undecided"])
		for _, outcome := range []string{"correct", "incorrect", "undecided"} {
			if c[outcome] < 3 {
				t.Errorf("%s has only %d replies that are %s", parser, c[outcome], outcome)
			}
		}
	}
}

func TestParseUnknownParser(t *testing.T) {
	if outcome, reason := Parse("yaml", nil, "True"); outcome != verify.Undecided || reason != "parse_error: there is no parser yaml" {
		t.Errorf("%s, %q", outcome, reason)
	}
}

// What encoding/json writes, with or without its escapes, comes out as it went
// in: the tolerance for LaTeX must not damage JSON that is right.
func TestProperJSONIsReadAsItIs(t *testing.T) {
	reasoning := rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom([]string{
			`\frac{1}{2}`, `\neq`, `\beta`, `\times`, `\right)`, `\ne`, `\not`, `\u00e9`, `\`, `\\`, `"`, "\t", "/", "<", "\u2028", "{", "}", "```", "é", "𝑥",
			`{"is_correct": true}`, `{\"is_correct\": false}`,
		}),
		rapid.StringOfN(rapid.RuneFrom([]rune("abnrtfux0 ")), 0, 5, -1),
	), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		correct := rapid.Bool().Draw(t, "correct")
		text := strings.Join(reasoning.Draw(t, "reasoning"), "")
		data, err := json.Marshal(map[string]any{"reasoning": text, "is_correct": correct})
		if err != nil {
			t.Fatal(err)
		}
		outcome, reason := Parse("json", nil, string(data))
		if outcome != verify.OutcomeOf(correct) || reason != text {
			t.Fatalf("%s: %s, %q; want %q", data, outcome, reason, text)
		}
	})
}

// Real line breaks in a text are not taken for LaTeX, unless they make up a
// command that is no beginning of an English word.
func TestLineBreaksStay(t *testing.T) {
	for _, word := range []string{"note", "not", "ne", "nu", "ni", "new", "So", "the", "equal", "n", "ring", "tab", "right now"} {
		want := "a\n" + word
		data, err := json.Marshal(map[string]any{"reasoning": want, "is_correct": true})
		if err != nil {
			t.Fatal(err)
		}
		if _, got := Parse("json", nil, string(data)); got != want {
			t.Errorf("%s: got %q, want %q", data, got, want)
		}
	}
}

func TestDeepNestingIsBounded(t *testing.T) {
	for _, reply := range []string{
		strings.Repeat(`{"a":`, 1_000_000),
		strings.Repeat(`[`, 1_000_000),
		strings.Repeat(`{`, 1_000_000),
		strings.Repeat(`{"a":[`, 30) + `{"is_correct": true}` + strings.Repeat(`]}`, 30),
	} {
		if outcome, reason := Parse("json", nil, reply); outcome != verify.Undecided {
			t.Errorf("%.20q: %s, %q", reply, outcome, reason)
		}
	}
}

// hostile texts of about that many bytes, on which a careless parser takes time
// that grows with the square, or memory without bound.
func hostile(size int) map[string]string {
	rep := func(s string) string { return strings.Repeat(s, size/len(s)) }
	return map[string]string{
		"open braces":        rep("{"),
		"open objects":       rep(`{"a":`),
		"names and braces":   rep(`{"a" `),
		"quotes and braces":  rep(`{"`),
		"escaped quotes":     `{"` + rep(`\"{`),
		"backslashes":        `{"reasoning": "` + rep(`\`) + `", "is_correct": true`,
		"bare words":         rep(`{"a": b c d e f g h i j k l m n o p`),
		"blanks":             rep(" ") + "x",
		"lines":              rep("\n") + "x",
		"boxes":              rep(`\boxed{`),
		"boxes on one line":  rep(`\boxed{1} `) + `\boxed{0}`,
		"wrappers":           rep(`\text{`) + "True" + strings.Repeat("}", size/6),
		"tags":               rep("<answer>") + rep("</answer>"),
		"decoration":         rep("*") + "T" + rep("*"),
		"announcements":      rep("Answer:\n"),
		"announced verdicts": rep("Answer: True\n") + "Answer: False",
		"one announcement":   rep("the so thus ") + "answer: True",
		"scores":             rep("Score: 1\n") + "Score: 1-2",
		"digits":             rep("1"),
		"letters":            rep("A: CORRECT\nB: INCORRECT\n"),
		"thoughts":           rep("</think>"),
	}
}

// No hostile text is a verdict, but where many say the same, and none keeps a
// parser for long: that it does would show as a time-out of all tests.
func TestHostileTextIsBounded(t *testing.T) {
	threshold := 0.5
	for name, text := range hostile(20_000) {
		for _, parser := range Parsers() {
			outcome, reason := Parse(parser, &threshold, text)
			if decided := name == "announced verdicts" && parser == parserAnswer; decided != (outcome != verify.Undecided) || len(reason) > 2_000_000 {
				t.Errorf("%s: %s is %s", parser, name, outcome)
			}
		}
	}
}

func BenchmarkParseHostile(b *testing.B) {
	threshold := 0.5
	texts := hostile(1_000_000)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		b.Run("text="+strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			b.SetBytes(int64(len(texts[name]) * len(Parsers())))
			for b.Loop() {
				for _, parser := range Parsers() {
					Parse(parser, &threshold, texts[name])
				}
			}
		})
	}
}

// FuzzParse holds the parsers against what must be true of any reply, and the
// JSON parser against encoding/json where that can read the reply.
func FuzzParse(f *testing.F) {
	seeds := readGolden(f)
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, g := range seeds {
		f.Add(uint8(slices.Index(Parsers(), g.Parser)), g.Reply)
	}
	threshold := 0.5
	f.Fuzz(func(t *testing.T, number uint8, reply string) {
		parser := Parsers()[int(number)%len(Parsers())]
		r := read(parser, &threshold, reply)
		if again := read(parser, &threshold, reply); again != r {
			t.Fatalf("%+v, then %+v", r, again)
		}
		if undecided := strings.HasPrefix(r.reason, "parse_error: "); undecided != (r.outcome == verify.Undecided) && parser != parserJSON {
			t.Fatalf("%s because %q", r.outcome, r.reason)
		}
		if r.outcome == verify.Undecided && !strings.HasPrefix(r.reason, "parse_error: ") {
			t.Fatalf("undecided because %q", r.reason)
		}
		// No verdict without a decisive token.
		switch {
		case r.outcome == verify.Undecided:
		case parser == parserScore:
			if !strings.ContainsAny(reply, "0123456789") {
				t.Fatalf("%s without a number", r.outcome)
			}
		default:
			if said, ok := r.words.meaning(r.word.of(reply)); !ok || said != r.outcome {
				t.Fatalf("%s, but the word is %q", r.outcome, r.word.of(reply))
			}
		}
		same := func(how, other string) {
			if got, _ := Parse(parser, &threshold, other); got != r.outcome {
				t.Fatalf("%s: %s; without: %s", how, got, r.outcome)
			}
		}
		same("blanks around", " \n\t"+reply+"\r\n \n")
		if strings.Contains(reply, "<think>") {
			return
		}
		same("fence around", "```\n"+reply+"\n```")
		if !strings.Contains(reply, "</think>") {
			same("after a thought", "<think>True {\"is_correct\": false} A \\boxed{1} Score: 1 {\"</think>"+reply)
		}
		if parser != parserJSON {
			return
		}
		if want, known := oracle(reply); known && want != r.outcome {
			t.Fatalf("%s, encoding/json says %s", r.outcome, want)
		}
	})
}

// oracle is slow and obvious: if the whole reply is one JSON object without
// other objects in it or a name twice, its is_correct is the verdict.
func oracle(reply string) (verify.Outcome, bool) {
	var o map[string]json.RawMessage
	if json.Unmarshal([]byte(reply), &o) != nil || o == nil || strings.Contains(reply, "</think>") {
		return verify.Undecided, false
	}
	if strings.Count(reply, "is_correct") != 1 || strings.Count(reply, "{") != 1 {
		return verify.Undecided, false
	}
	raw, ok := o["is_correct"]
	if !ok {
		return verify.Undecided, false
	}
	if strings.HasPrefix(string(raw), `"`) && strings.Contains(string(raw), `\`) {
		return verify.Undecided, false // an escape may mean LaTeX to us
	}
	switch strings.ToLower(strings.TrimSpace(strings.Trim(string(raw), `"`))) {
	case "true":
		return verify.Correct, true
	case "false":
		return verify.Incorrect, true
	}
	return verify.Undecided, true
}

func BenchmarkParse(b *testing.B) {
	threshold := 0.5
	reply := "```json\n" + `{"reasoning": "` + strings.Repeat(`The answer \frac{1}{2} is the same. `, 30) + `", "is_correct": true}` + "\n```"
	for _, parser := range Parsers() {
		b.Run(fmt.Sprintf("parser=%s", parser), func(b *testing.B) {
			for b.Loop() {
				Parse(parser, &threshold, reply)
			}
		})
	}
}
