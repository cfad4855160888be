package export

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
)

// byteTokenizer writes a tokenizer.json in which every byte is a token, beside the
// control tokens.
func byteTokenizer(t *testing.T, controls ...string) string {
	t.Helper()
	vocab := map[string]int{}
	next := rune(256)
	for b := range rune(256) {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			vocab[string(b)] = int(b)
			continue
		}
		vocab[string(next)] = int(b)
		next++
	}
	var added []map[string]any
	for i, token := range controls {
		added = append(added, map[string]any{"id": 256 + i, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
	}
	data, err := json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer":  map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
		"post_processor": nil, "decoder": map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": []string{},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLengths(t *testing.T) {
	in := []rows.Example{
		example("short", "1", true), example(strings.Repeat("long ", 20), "2", false),
		example(strings.Repeat("é", 30), "3", false),
	}
	// Bytes of a row beside the question: the prompt, the reply, the template's
	// system message, names of roles and line breaks; six control tokens.
	prompt := len("Q: \nT: 1\n<model_answer>1</model_answer>")
	around := prompt + len("system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.\nuser\n\nassistant\n\n") + 6
	longest := around + 100 + len("False")
	tokenizer := byteTokenizer(t, "<|im_start|>", "<|im_end|>", "<|endoftext|>")

	for _, c := range []struct {
		name     string
		o        Options
		dropped  map[string]int64
		longest  int
		lastKept bool
	}{
		{"all fit", Options{Tokenizer: tokenizer, CutoffLen: longest}, nil, longest, true},
		{"one is over", Options{Tokenizer: tokenizer, CutoffLen: longest - 1}, map[string]int64{"over_cutoff": 1}, around + 60 + len("False"), true},
		{"a longer reply of a pair", Options{Tokenizer: tokenizer, CutoffLen: around + len("short") + len("True"), Targets: []string{"preference"}}, nil, 0, false},
		{"no limit", Options{Tokenizer: tokenizer}, nil, longest, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Template = "qwen"
			m, _, err := run(t, in, c.o)
			if c.longest == 0 {
				if err == nil || !strings.Contains(err.Error(), "no row is left to train on: 3 examples, dropped: 3 over_cutoff") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.dropped, m.Rows["examples"].Dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			if got := m.Figures["longest_row"]; got != int64(c.longest) {
				t.Errorf("the longest row has %d tokens, want %d", got, c.longest)
			}
			if m.Figures["tokens"] < m.Figures["longest_row"] {
				t.Errorf("figures %v", m.Figures)
			}
		})
	}
}

func TestBoundIsWarnedOf(t *testing.T) {
	in := []rows.Example{example("short", "1", true), example("short too", "1", false), example(strings.Repeat("word ", 2000), "2", false)}
	env, out := logged()
	m, err := runInto(t, env, filepath.Join(t.TempDir(), "export"), in, Options{CutoffLen: 2048, Template: "qwen"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&manifest.Counts{In: 3, Out: 2, Dropped: map[string]int64{"over_cutoff_bound": 1}}, m.Rows["examples"]); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "export.tokenizer") || !strings.Contains(got, "rows=1") {
		t.Errorf("logged %q", got)
	}
	if m.Figures["tokens_bound"] < m.Figures["longest_row_bound"] || m.Figures["longest_row_bound"] == 0 {
		t.Errorf("figures %v", m.Figures)
	}
}

// The content of the tokenizer is part of what an export is made of, its place is not.
func TestTokenizerInTheFingerprint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "export")
	balance := stagetest.Finished(t, "balance", "examples", hostile(), map[string]*manifest.Counts{"annotations": {In: 8, Out: 8}}, splitsOf(hostile()))
	export := func(tokenizer string) bool {
		m, err := Run(t.Context(), stagetest.Env(), dir, balance, Options{Targets: []string{"llama_factory"}, Prompt: template, Dataset: "d", Template: "qwen", Tokenizer: tokenizer})
		if err != nil {
			t.Fatal(err)
		}
		return m.Skipped
	}
	if export(byteTokenizer(t, "<|im_start|>", "<|im_end|>")) {
		t.Error("the first export is skipped")
	}
	if !export(byteTokenizer(t, "<|im_start|>", "<|im_end|>")) {
		t.Error("the same tokenizer in another place exports again")
	}
	if export(byteTokenizer(t, "<|im_start|>", "<|im_end|>", "[GMASK]")) {
		t.Error("another tokenizer does not")
	}
	if export("") {
		t.Error("none does not")
	}
}
