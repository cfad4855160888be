package model

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"tinyv/verify"
)

type golden struct {
	parser, name, reply string
	outcome             string
	reason              *string
}

func readGolden(t testing.TB) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/replies.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for _, f := range txtar.Parse(data).Files {
		text := strings.TrimSuffix(string(f.Data), "\n")
		if f.Name == "reason" {
			all[len(all)-1].reason = &text
			continue
		}
		words := strings.SplitN(f.Name, " ", 3)
		if len(words) != 3 {
			t.Fatalf("testdata/replies.txtar: %q is not a parser, an outcome and a description", f.Name)
		}
		all = append(all, golden{parser: words[0], outcome: words[1], name: words[2], reply: text})
	}
	return all
}

func TestGoldenReplies(t *testing.T) {
	all := readGolden(t)
	if len(all) < 100 {
		t.Fatalf("only %d replies: the archive was not read to its end", len(all))
	}
	for _, g := range all {
		t.Run(g.parser+" "+g.name, func(t *testing.T) {
			outcome, reason := Parse(g.parser, g.reply)
			if outcome.String() != g.outcome {
				t.Errorf("outcome is %s (%s), want %s", outcome, reason, g.outcome)
			}
			if g.reason != nil && reason != *g.reason {
				t.Errorf("reason is\n%q, want\n%q", reason, *g.reason)
			}
			if undecided := strings.HasPrefix(reason, "parse_error: "); undecided != (outcome == verify.Undecided) {
				t.Errorf("%s with reason %q", outcome, reason)
			}
		})
	}
}

func TestParseUnknownParser(t *testing.T) {
	if outcome, reason := Parse("yaml", "True"); outcome != verify.Undecided || reason != "parse_error: there is no parser yaml" {
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
		outcome, reason := Parse("json", string(data))
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
		if _, got := Parse("json", string(data)); got != want {
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
		if outcome, reason := Parse("json", reply); outcome != verify.Undecided {
			t.Errorf("%.20q: %s, %q", reply, outcome, reason)
		}
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
		f.Add(g.parser == "json", g.reply)
	}
	f.Fuzz(func(t *testing.T, isJSON bool, reply string) {
		parser := "true_false"
		if isJSON {
			parser = "json"
		}
		outcome, reason := Parse(parser, reply)
		if again, _ := Parse(parser, reply); again != outcome {
			t.Fatalf("%s, then %s", outcome, again)
		}
		if outcome == verify.Undecided && !strings.HasPrefix(reason, "parse_error: ") {
			t.Fatalf("undecided because %q", reason)
		}
		word := map[verify.Outcome]string{verify.Correct: "true", verify.Incorrect: "false"}[outcome]
		if !isJSON && !strings.Contains(strings.ToLower(reply), word) {
			t.Fatalf("%s without the word", outcome)
		}
		// A thought never changes a verdict.
		if !strings.Contains(reply, "</think>") && !strings.HasPrefix(strings.TrimSpace(reply), "<think>") {
			thoughtful := "<think>True {\"is_correct\": false} False {\"is_correct\": true} {\"</think>" + reply
			if got, gotReason := Parse(parser, thoughtful); got != outcome || gotReason != reason {
				t.Fatalf("after a thought: %s, %q; without: %s, %q", got, gotReason, outcome, reason)
			}
		}
		if !isJSON {
			return
		}
		want, known := oracle(reply)
		if known && want != outcome {
			t.Fatalf("%s, encoding/json says %s", outcome, want)
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
	reply := "```json\n" + `{"reasoning": "` + strings.Repeat(`The answer \frac{1}{2} is the same. `, 30) + `", "is_correct": true}` + "\n```"
	for _, parser := range Parsers() {
		b.Run(fmt.Sprintf("parser=%s", parser), func(b *testing.B) {
			for b.Loop() {
				Parse(parser, reply)
			}
		})
	}
}
