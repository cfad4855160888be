package export

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/rows"
)

func TestControls(t *testing.T) {
	usual := []string{"<|im_end|>", "[INST]", "[INST", "<special>"}
	for _, c := range []struct {
		special    []string
		text, want string
	}{
		{nil, "", ""},
		{nil, "[INST]<|im_end|>", "[INST]&lt;|im_end|>"},
		{usual, "a < b, <c>, {{x}} and [1]", "a < b, <c>, {{x}} and [1]"},
		{usual, "<|im_end|><|im_start|>", "&lt;|im_end|>&lt;|im_start|>"},
		{usual, "</s><think>", "&lt;/s>&lt;think>"},
		{usual, "[INST] x [INST", "&#91;INST] x &#91;INST"},
		{usual, "<image><IMAGE>", "&lt;image><IMAGE>"},
		{usual, `\frac{{{idx}}}`, `\frac{&#123;{idx}}}`},
	} {
		got, ok := newControls(c.special).escape(c.text)
		if !ok || got != c.want {
			t.Errorf("%q becomes %q, %v; want %q", c.text, got, ok, c.want)
		}
	}
	// One token holds another; what a token becomes holds another.
	for special, text := range map[string]string{"<a<b>": "<a<b>", "&": "x & y"} {
		if got, ok := newControls([]string{special, "<b>"}).escape(text); ok {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestControlTokensInRows(t *testing.T) {
	in := []rows.Example{
		example("plain a<b", "1", true), example("other", "2", false),
		example("q <|endoftext|>", "1", true), example("q", "[INST]", true), example("<video>", "3", false),
	}
	in[1].GroundTruth = "</think>"
	in = append(in, because("because <|im_end|>", "", example("reason", "4", true)))
	tokenizer := byteTokenizer(t, "<|im_start|>", "<|im_end|>", "[INST]")
	for _, c := range []struct {
		name    string
		o       Options
		escaped int64
		dropped map[string]int64
	}{
		{"escaped", Options{}, 3, nil},
		{"with a tokenizer", Options{Tokenizer: tokenizer, Template: "qwen"}, 4, nil},
		{"dropped", Options{ControlTokens: ControlTokensDrop}, 0, map[string]int64{"control_tokens": 3}},
		{"in a reason", Options{Reply: ReplyReasoning, ControlTokens: ControlTokensDrop}, 0, map[string]int64{"control_tokens": 4, "no_reason": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := in
			if c.o.Reply == ReplyReasoning {
				given = append([]rows.Example{because("so", "", example("good", "1", true))}, in...)
				given[1].Reason, given[4].Reason = "", "so"
			}
			m, dir, err := run(t, given, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Figures["control_tokens_escaped"]; got != c.escaped {
				t.Errorf("%d rows are escaped, want %d", got, c.escaped)
			}
			if diff := cmp.Diff(c.dropped, m.Rows["examples"].Dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			mustKeepAll(t, dir, m)
			data, err := os.ReadFile(filepath.Join(dir, "train.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			if c.o.Tokenizer != "" && strings.Contains(string(data), "[INST]") {
				t.Error("a control token of the tokenizer is left")
			}
		})
	}
}

func TestArgument(t *testing.T) {
	for _, c := range []struct {
		reason  string
		correct bool
		want    string
		ok      bool
	}{
		{"", true, "", true},
		{"  Same number. ", true, "Same number.", true},
		{"Same.\n\nAnswer: True", true, "Same.", true},
		{"Same.\n**Final Answer:** Correct.\n\n", true, "Same.", true},
		{"Same.\nTrue\nAnswer: True", true, "Same.", true},
		{"Answer: True", true, "", true},
		{"True", true, "", true},
		{"Not the same.\n\nAnswer: False", false, "Not the same.", true},
		{"Not the same.\nVerdict: incorrect", false, "Not the same.", true},
		// What an answer talked the annotator into.
		{"Same.\n\nAnswer: False", true, "", false},
		{"Same.\n\nAnswer: False\nAnswer: True", true, "", false},
		{"Same.\n\nAnswer: False\n\nThat is what the text in the answer says.", true, "", false},
		{"Not the same.\n\nAnswer: True", false, "", false},
		{"The grader must say:\nAnswer: True\nbut it is not.", false, "", false},
		{"False", true, "", false},
		// Words that announce nothing.
		{"The statement is true for all x, so the answers agree.", true, "The statement is true for all x, so the answers agree.", true},
		{"1 = 1.\nThe model answer is 5, the truth is 5", true, "1 = 1.\nThe model answer is 5, the truth is 5", true},
	} {
		got, ok := argument(c.reason, c.correct)
		if got != c.want || ok != c.ok {
			t.Errorf("%q (%v): got %q, %v; want %q, %v", c.reason, c.correct, got, ok, c.want, c.ok)
		}
	}
}

func TestReasoningRows(t *testing.T) {
	in := []rows.Example{
		because("Same.", "Differs.", example("both", "1", true)),
		because("Same.\nAnswer: True", "", example("one", "1", true)),
		because("Differs.", "Same.\nAnswer: False", example("against contradicts", "2", false)),
		because("", "Differs.", example("no reason", "1", true)),
		because("Answer: True", "", example("nothing but a verdict", "1", true)),
		because("Differs.\nAnswer: False", "", example("contradicts", "1", true)),
	}
	m, dir, err := run(t, in, Options{Reply: ReplyReasoning, Targets: []string{"preference"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int64{"no_reason": 2, "reason_contradicts": 1}, m.Rows["examples"].Dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
	if got := m.Figures["reason_against_missing"]; got != 2 {
		t.Errorf("%d rows borrow the reason, want 2", got)
	}
	data, err := os.ReadFile(filepath.Join(dir, "preference_train.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`"chosen":{"from":"gpt","value":"Same.\n\nAnswer: True"},"rejected":{"from":"gpt","value":"Differs.\n\nAnswer: False"}`,
		`"chosen":{"from":"gpt","value":"Same.\n\nAnswer: True"},"rejected":{"from":"gpt","value":"Same.\n\nAnswer: False"}`,
		`"chosen":{"from":"gpt","value":"Differs.\n\nAnswer: False"},"rejected":{"from":"gpt","value":"Differs.\n\nAnswer: True"}`,
	} {
		if line := strings.Split(string(data), "\n")[i]; !strings.Contains(line, want) {
			t.Errorf("row %d is %s, want %s in it", i, line, want)
		}
	}
}

// What is said against the label is looked at only where pairs are written.
func TestReasonAgainstWithoutPairs(t *testing.T) {
	in := []rows.Example{because("Same.", "<|im_end|>", example("q", "1", true))}
	m, _, err := run(t, in, Options{Reply: ReplyReasoning, ControlTokens: ControlTokensDrop})
	if err != nil || m.Figures["reason_against_missing"] != 0 {
		t.Errorf("got %v, %v", m, err)
	}
	if _, _, err := run(t, in, Options{Reply: ReplyReasoning, ControlTokens: ControlTokensDrop, Targets: []string{"trl_preference"}}); err == nil || !strings.Contains(err.Error(), "1 control_tokens") {
		t.Errorf("with pairs: %v", err)
	}
}
