package synth

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseList(t *testing.T) {
	for _, c := range []struct {
		name, reply string
		want        []string
	}{
		{"as asked for", "<answer>0.5</answer>\n<answer>\\frac{1}{2}</answer>\n", []string{"0.5", `\frac{1}{2}`}},
		{"prose around", "Sure! Here they are:\n<answer>0.5</answer> (a decimal)\n<answer> one half </answer>\nDone.", []string{"0.5", "one half"}},
		{"one line", "<answer>1</answer><answer>2</answer>", []string{"1", "2"}},
		{"numbered tags", "<answer1>a</answer1><answer_2>b</answer_2><answer 3>c</answer 3><ANSWER>d</ANSWER>", []string{"a", "b", "c", "d"}},
		{"in a numbered list", "1. <answer>a</answer>\n2. <answer>b</answer>", []string{"a", "b"}},
		{"in a wrapper", "<answers>\n<answer>a</answer>\n<answer>b</answer>\n</answers>", []string{"a", "b"}},
		{"escaped tags", "&lt;answer&gt;x &lt; 5&lt;/answer&gt;\n&lt;answer&gt;(-\\infty, 5)&lt;/answer&gt;", []string{"x < 5", `(-\infty, 5)`}},
		{"escaped inside", "<answer>x &lt; 5</answer><answer>1 &amp; 2</answer>", []string{"x < 5", "1 & 2"}},
		{"comparison inside", "<answer>1<x<2</answer>", []string{"1<x<2"}},
		{"not closed, others follow", "<answer>1 half\n<answer>0.5</answer>", []string{"1 half", "0.5"}},
		{"cut off", "<answer>0.5</answer>\n<answer>\\frac{1}{", []string{"0.5"}},
		{"only one, cut off", "<answer>\\frac{1}{", nil},
		{"empty ones", "<answer></answer><answer> </answer><answer>$$</answer><answer>2</answer>", []string{"2"}},
		{"nested", "<answer><answer>7</answer></answer>", []string{"7"}},
		{"closed twice", "<answer>7</answer></answer> and <answer>8</answer>", []string{"7", "8"}},
		{"several lines in one", "<answer>\n\\begin{pmatrix} 1 \\\\\n2 \\end{pmatrix}\n</answer>", []string{`\begin{pmatrix} 1 \\ 2 \end{pmatrix}`}},
		{"dollars", "<answer>$0.5$</answer><answer>\\(\\frac12\\)</answer><answer>$$x$$</answer><answer>**5**</answer><answer>`6`</answer>", []string{"0.5", `\frac12`, "x", "5", "6"}},
		{"dollars that are not around", `<answer>$1$ or $2$</answer><answer>\$5</answer><answer>5\$</answer><answer>$5</answer>`, []string{"$1$ or $2$", `\$5`, `5\$`, "$5"}},
		{"boxes", `<answer>\boxed{5}</answer><answer>$\boxed{\frac{1}{2}}$</answer><answer>\boxed{1} or \boxed{2}</answer>`, []string{"5", `\frac{1}{2}`, `\boxed{1} or \boxed{2}`}},
		{"no letter", `<answer>∞</answer><answer>\emptyset</answer><answer>...</answer>`, []string{"∞", `\emptyset`}},
		{"thoughts", "<think>maybe <answer>9</answer>?</think>\n<answer>1</answer>", []string{"1"}},
		{"JSON", `["0.5", "\\frac{1}{2}", "\frac12", "a \"b\"", "\text{half}"]`, []string{"0.5", `\frac{1}{2}`, `\frac12`, `a "b"`, `\text{half}`}},
		{"fenced JSON", "```json\n{\"answers\": [\n \"1:2\",\n \"1 to 2\"\n]}\n```", []string{"1:2", "1 to 2"}},
		{"JSON cut off", `["0.5", "\\frac{1}`, []string{"0.5"}},
		{"an interval is no JSON", "1. [2,3]\n2. 2 \\le x \\le 3", []string{"[2,3]", `2 \le x \le 3`}},
		{"bullets", "Forms:\n- 0.5\n* $\\frac12$\n• one half\n-5", []string{"0.5", `\frac12`, "one half"}},
		{"numbers", "1. 0.5\n2) 1.5\n(3) 2.5\n4: 3\n1.5\n(1,2)", []string{"0.5", "1.5", "2.5", "3"}},
		{"fence", "Here:\n```\n0.5\n\\frac12\n```\nBye.", []string{"0.5", `\frac12`}},
		{"fence not closed", "```\n0.5", nil},
		{"prose", "I am sorry, I cannot do that.", nil},
		{"nothing", "", nil},
		{"bad bytes", "<answer>a\xff\x00b</answer>", []string{"a b"}},
	} {
		if diff := cmp.Diff(c.want, parseList(c.reply)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if n := len(parseList(strings.Repeat("<answer>1</answer>", 1000))); n != maxListed {
		t.Errorf("%d items", n)
	}
	if n := len(parseList(strings.Repeat("- 1\n", 1000))); n != maxListed {
		t.Errorf("%d items", n)
	}
	if !tooLong(strings.Repeat("é", maxItem+1)) || tooLong(strings.Repeat("é", maxItem)) {
		t.Error("the limit of an item is not in characters")
	}
}

// FuzzParseList: whatever the reply, the items are bounded, whole and from it, and
// wrapping each in the tags asked for gives them back.
func FuzzParseList(f *testing.F) {
	for _, s := range []string{
		"<answer>0.5</answer>", "&lt;answer&gt;1&lt;/answer&gt;", `["\\frac{1}{2}", "b"]`, "1. a\n2. b", "```\na\n```", "<answer><answer>", `<answer>\boxed{$1$}</answer>`, "</think><answer>x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		items := parseList(reply)
		if len(items) > maxListed {
			t.Fatalf("%d items", len(items))
		}
		for _, item := range items {
			if item == "" || item != strings.TrimSpace(item) || !utf8.ValidString(item) || len(item) > len(reply) {
				t.Fatalf("item %q of %q", item, reply)
			}
			if strings.Contains(item, "&") || strings.Contains(item, "<") || bare(item) != item {
				continue // an item may hold a tag or an escape itself
			}
			if again := parseList("<answer>" + item + "</answer>"); len(again) != 1 || again[0] != item {
				t.Fatalf("item %q of %q comes back as %q", item, reply, again)
			}
		}
	})
}
