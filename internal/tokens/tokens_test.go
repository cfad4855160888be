package tokens

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func load(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Load(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

var small = []string{"qwen", "llama", "gpt2"}

// golden is what the real package made of texts: testdata/make_small.py.
type golden struct {
	Tokenizer string
	Text      string
	IDs       []int32
}

func goldens(t testing.TB) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for line := range bytes.Lines(data) {
		var g golden
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	if len(all) < 300 {
		t.Fatalf("%d golden texts only", len(all))
	}
	return all
}

func TestGolden(t *testing.T) {
	toks := map[string]*Tokenizer{}
	for _, name := range small {
		toks[name] = load(t, name)
	}
	for _, g := range goldens(t) {
		tok := toks[g.Tokenizer]
		for _, pass := range []string{"first", "cached"} {
			if got := encoded(tok, g.Text); !slices.Equal(got, g.IDs) {
				t.Errorf("%s, %s: Encode(%q) = %v, want %v", g.Tokenizer, pass, g.Text, got, g.IDs)
			}
		}
		if n := tok.Count(g.Text); n != len(g.IDs) {
			t.Errorf("%s: Count(%q) = %d, want %d", g.Tokenizer, g.Text, n, len(g.IDs))
		}
		if b := Bound(g.Text); b < len(g.IDs) {
			t.Errorf("%s: Bound(%q) = %d, below %d", g.Tokenizer, g.Text, b, len(g.IDs))
		}
	}
}

func TestTokens(t *testing.T) {
	tok := load(t, "qwen")
	if want := []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}; !slices.Equal(tok.Specials(), want) {
		t.Errorf("Specials() = %q, want %q", tok.Specials(), want)
	}
	for token, want := range map[string]bool{"<|im_end|>": true, "<tool_call>": true, "Ġt": true, "zzqx": false, "": false} {
		if tok.Has(token) != want {
			t.Errorf("Has(%q) = %t", token, !want)
		}
	}
	for text, want := range map[string]int{"": 0, "<|im_end|>": 1, "<|im_end|><tool_call>": 2, "\xff": tok.Count("\uFFFD"), "a\xffb": tok.Count("a\uFFFDb")} {
		if got := tok.Count(text); got != want {
			t.Errorf("Count(%q) = %d, want %d", text, got, want)
		}
	}
}

// TestSeveral has goroutines fill and read one cache.
func TestSeveral(t *testing.T) {
	tok, all := load(t, "qwen"), goldens(t)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for _, g := range all {
				if g.Tokenizer == "qwen" && tok.Count(g.Text) != len(g.IDs) {
					t.Errorf("Count(%q) is wrong among several goroutines", g.Text)
				}
			}
		})
	}
	wait.Wait()
}

// TestHostile would not end before its time-out if time were quadratic.
func TestHostile(t *testing.T) {
	const n = 1 << 16
	for _, name := range small {
		tok := load(t, name)
		for _, piece := range []string{"a", "th", " ", "\n", " \n", "'", "é", "e\u0301", "\u0301", "1", "<|im_", "<|im_end|>", "\xff", "$", "👩‍"} {
			text := strings.Repeat(piece, n/len(piece))
			count := tok.Count(text)
			if b := Bound(text); count < 1 || count > b {
				t.Errorf("%s: %q repeated has %d tokens, bound %d", name, piece, count, b)
			}
		}
	}
}

// hostile draws texts of pieces that patterns and normal forms treat specially.
func hostile() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		pieces := rapid.SliceOf(rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`[ \n\r\t]{1,4}|'(s|RE|ll|x)[a-z]{0,4}|[a-z]{1,12}| [A-Za-z]{1,6}|[0-9]{1,5}`),
			rapid.SampledFrom([]string{"<|im_end|>", "<|im_", "<tool_call>", "'ſ", "e\u0301", "\u0958", "\U0001D160", "\u0301", "\u1100\u1161\u11a8", "\xff", ">\u0338", "\u00a0", "the", " the"}),
		)).Draw(t, "pieces")
		return strings.Join(pieces, "")
	})
}

func TestProperties(t *testing.T) {
	var toks []*Tokenizer
	for _, name := range small {
		toks = append(toks, load(t, name))
	}
	rapid.Check(t, func(r *rapid.T) {
		text := hostile().Draw(r, "text")
		for i, tok := range toks {
			checkText(r, small[i], tok, text)
		}
	})
}

func FuzzTokens(f *testing.F) {
	var toks []*Tokenizer
	for _, name := range small {
		toks = append(toks, load(f, name))
	}
	for _, g := range goldens(f)[:40] {
		f.Add(g.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, tok := range toks {
			checkText(t, small[i], tok, text)
		}
	})
}

// checkText checks what holds for every text: the bound, and that tokens are those
// of a slow and obvious merging of each word.
func checkText(t interface{ Fatalf(string, ...any) }, name string, tok *Tokenizer, text string) {
	ids := encoded(tok, text)
	if n := tok.Count(text); n != len(ids) {
		t.Fatalf("%s: Count(%q) = %d, Encode has %d", name, text, n, len(ids))
	}
	if b := Bound(text); len(ids) > b {
		t.Fatalf("%s: %q has %d tokens, above its bound %d", name, text, len(ids), b)
	}
	text = strings.ToValidUTF8(text, "")
	for len(text) > 0 {
		n := tok.word(text)
		if n <= 0 || n > len(text) {
			t.Fatalf("%s: the first word of %q has %d bytes", name, text, n)
		}
		got, want := tok.bpe.encode(text[:n], &scratch{}, nil), slowly(tok.bpe, text[:n])
		if !slices.Equal(got, want) {
			t.Fatalf("%s: the word %q is %v, want %v", name, text[:n], got, want)
		}
		text = text[n:]
	}
}

// slowly merges the pair of the lowest rank, the leftmost of equals, until none is left.
func slowly(b *bpe, word string) []int32 {
	if id, ok := b.whole[word]; ok {
		return []int32{id}
	}
	var ids []int32
	for i := range len(word) {
		ids = append(ids, b.bytes[word[i]])
	}
	for {
		at, best := -1, merge{}
		for i := range len(ids) - 1 {
			if m, ok := b.merges[pair{ids[i], ids[i+1]}]; ok && (at < 0 || m.rank < best.rank) {
				at, best = i, m
			}
		}
		if at < 0 {
			return ids
		}
		ids = slices.Replace(ids, at, at+2, best.id)
	}
}

func TestBound(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0}, {"x", 1}, {"xx", 2}, {"th", 1}, {" the", 3}, {"the", 2}, {"12", 2}, {"é", 2}, {"'re", 3}, {"'rest", 4}, {"\u0958", 6}, {"\U0001D160", 12}, {"\xff", 3},
	} {
		if got := Bound(c.text); got != c.want {
			t.Errorf("Bound(%q) = %d, want %d", c.text, got, c.want)
		}
	}
}

// TestBoundPairs: the small tokenizers are of the kind that Bound is about.
func TestBoundPairs(t *testing.T) {
	for _, name := range small {
		b := load(t, name).bpe
		pairs := 0
		for left := range joined {
			for right, is := range joined[left] {
				if !is {
					continue
				}
				pairs++
				if _, ok := b.merges[pair{b.bytes[left], b.bytes[right]}]; !ok {
					t.Errorf("%s does not merge %q and %q", name, rune(left), rune(right))
				}
			}
		}
		if pairs < 150 {
			t.Errorf("Bound counts on %d pairs only", pairs)
		}
	}
}

func TestRow(t *testing.T) {
	tok := load(t, "qwen")
	const begin, end = "<|im_start|>", "<|im_end|>\n"
	qwenDefault := "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
	for _, c := range []struct{ template, system, prompt, reply, want string }{
		{"qwen", "Judge.", "1 = 1?", "True", begin + "system\nJudge." + end + begin + "user\n1 = 1?" + end + begin + "assistant\n" + "True" + end},
		{"qwen", "", "1 = 1?", "True", begin + "system\n" + qwenDefault + end + begin + "user\n1 = 1?" + end + begin + "assistant\n" + "True" + end},
		{"qwen3_nothink", "", "{{idx}}{{idx}}", "", begin + "user\n0{{idx}}" + end + begin + "assistant\n" + end},
		{"qwen3_nothink", "", "a<|im_end|>b", "", begin + "user\na<|im_end|>b" + end + begin + "assistant\n" + end},
	} {
		got, err := Row(tok, c.template, c.system, c.prompt, c.reply)
		if want := tok.Count(c.want); err != nil || got != want {
			t.Errorf("Row(%q) = %d, %v, want %d", c, got, err, want)
		}
		bound, err := Row(nil, c.template, c.system, c.prompt, c.reply)
		if err != nil || bound < got {
			t.Errorf("Row(%q) without a tokenizer = %d, %v, below %d", c, bound, err, got)
		}
	}
	if _, err := Row(tok, "llama2", "", "a", "b"); err == nil || !strings.Contains(err.Error(), "those of qwen, qwen3_nothink can") {
		t.Errorf("an unknown template: %v", err)
	}
	bare := changed(t, "qwen", func(f map[string]any) { f["added_tokens"] = []any{} })
	if tok, err := read(bytes.NewReader(bare)); err != nil {
		t.Error(err)
	} else if _, err := Row(tok, "qwen", "", "a", "b"); err == nil || !strings.Contains(err.Error(), "<|im_start|>") {
		t.Errorf("a tokenizer without control tokens: %v", err)
	}
}

// changed returns a small tokenizer's file after a change.
func changed(t *testing.T, name string, change func(map[string]any)) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]any
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	change(f)
	data, err = json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRefused(t *testing.T) {
	model := func(key string, value any) func(map[string]any) {
		return func(f map[string]any) { f["model"].(map[string]any)[key] = value }
	}
	top := func(key string, value any) func(map[string]any) {
		return func(f map[string]any) { f[key] = value }
	}
	step := func(i int, key string, value any) func(map[string]any) {
		return func(f map[string]any) {
			f["pre_tokenizer"].(map[string]any)["pretokenizers"].([]any)[i].(map[string]any)[key] = value
		}
	}
	token := func(key string, value any) func(map[string]any) {
		return func(f map[string]any) { f["added_tokens"].([]any)[0].(map[string]any)[key] = value }
	}
	type object = map[string]any
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"unigram":           {top("model", object{"type": "Unigram", "vocab": []any{}}), `model.type "Unigram"`},
		"wordpiece":         {top("model", object{"type": "WordPiece"}), `model.type "WordPiece"`},
		"dropout":           {model("dropout", 0.1), "model.dropout 0.1"},
		"byte fallback":     {model("byte_fallback", true), "model.byte_fallback"},
		"suffix":            {model("end_of_word_suffix", "</w>"), "model.end_of_word_suffix"},
		"prefix":            {model("continuing_subword_prefix", "##"), "model.continuing_subword_prefix"},
		"unknown key":       {model("regroup", 1), `unknown field "regroup"`},
		"no bytes":          {model("vocab", object{"a": 0}), "a vocabulary without the byte 0x00"},
		"negative id":       {model("vocab", object{"a": -1}), `"a" has id -1`},
		"foreign merge":     {model("merges", []any{"a zz"}), "model.merges, entry 0"},
		"merge of three":    {model("merges", []any{"a b c"}), "not of two tokens"},
		"normalizer":        {top("normalizer", object{"type": "Lowercase"}), `normalizer "Lowercase"`},
		"no pre-tokenizer":  {top("pre_tokenizer", nil), "pre_tokenizer null"},
		"metaspace":         {top("pre_tokenizer", object{"type": "Metaspace"}), `pre_tokenizer "Metaspace"`},
		"prefix space":      {step(1, "add_prefix_space", true), "add_prefix_space"},
		"two splits":        {step(1, "use_regex", true), "use_regex after another split"},
		"pattern":           {step(0, "pattern", object{"Regex": `\d+`}), `the pattern "\\d+"`},
		"removed":           {step(0, "behavior", "Removed"), `behavior "Removed"`},
		"digits":            {step(0, "type", "Digits"), `pre_tokenizer "Digits" before ByteLevel`},
		"stripped token":    {token("lstrip", true), "lstrip"},
		"id of a token":     {token("id", -1), `"<|endoftext|>" has id -1`},
		"conflicting token": {token("content", "a"), "fetch it again"},
		"not a tokenizer":   {top("model", nil), "model.type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(bytes.NewReader(changed(t, "qwen", c.change)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "not supported") && !strings.HasSuffix(err.Error(), instead) {
				t.Errorf("the error does not say what to do: %v", err)
			}
		})
	}
	for _, text := range []string{"", "[]", "{", "{}", `{"model":{"type":"BPE"}} {}`} {
		if _, err := read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read as a tokenizer", text)
		}
	}
	if _, err := Load("testdata/absent.json"); err == nil || !strings.Contains(err.Error(), "testdata/absent.json") {
		t.Errorf("an absent file: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range small {
		data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tok, err := read(bytes.NewReader(data)); err == nil {
			tok.Count("The answer's 42, é and <|im_end|>\n\n  so")
		}
	})
}

func TestComposed(t *testing.T) {
	for text, want := range map[string]string{
		"e\u0301":                          "é",
		"a\u0323\u0307":                    "ạ\u0307",
		"a\u0307\u0323":                    "ạ\u0307",
		"\u0958":                           "\u0915\u093c",
		"\u1100\u1161\u11a8":               "각",
		"가\u11a8":                          "각",
		"\u212b":                           "Å",
		"a" + strings.Repeat("\u0302", 40): "â" + strings.Repeat("\u0302", 39), // no joiner
		"a\u1df6\u0323":                    "a\u1df6\u0323",                    // newer than Unicode 9
	} {
		if got := composed(text); got != want {
			t.Errorf("composed(%+q) = %+q, want %+q", text, got, want)
		}
	}
}

func TestLoadSaysWhatToDoAboutABrokenFile(t *testing.T) {
	for _, content := range []string{"", "{", "[1]"} {
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), instead) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// encoded returns the tokens that Count counts.
func encoded(t *Tokenizer, text string) []int32 {
	var all []int32
	t.encode(text, func(ids []int32) { all = append(all, ids...) })
	return all
}
