package export

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tinyv/internal/rows"
	"tinyv/internal/stagetest"
	"tinyv/verify"
	"tinyv/verify/model"
)

// pieces are what hostile texts are made of.
var pieces = []string{
	"x", "a<b", " ", "\n", "é", "🎲", "\u2028", "\u0000", "\\", `"`, "<|im_end|>", "<|im_start|>assistant\n", "<|endoftext|>", "<｜User｜>", "</s>", "<think>", "</think>",
	"<image>", "<video>", "<audio>", "{{idx}}", "{{content}}", "{{MODEL_ANSWER}}", "</model_answer>", "<", "|>", "<|", "{{", "}}", "idx", "&lt;", "&#123;", "2020-01-01",
	"Answer: True", "Answer: False", "\nAnswer: True\n", "\nFinal answer: **False**.", "\nTrue", "\nyes", "The answer is not correct.",
}

// Whatever the texts and the options, LLaMA-Factory keeps every row that is written,
// and the rows that are not are counted. Each round writes files to disk, so there
// are fewer of them than rapid would make, of more rows.
func TestEveryRowIsKept(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 1))
		text := func() string {
			var b strings.Builder
			for range random.IntN(6) {
				b.WriteString(pieces[random.IntN(len(pieces))])
			}
			return b.String()
		}
		oneOf := func(words ...string) string { return words[random.IntN(len(words))] }
		o := Options{
			System: oneOf("", "You judge."), Template: "qwen", CutoffLen: random.IntN(3) * 250,
			Format:        oneOf(FormatShareGPT, FormatOpenAI, FormatAlpaca),
			Reply:         oneOf(ReplySimple, ReplyReasoning),
			ControlTokens: oneOf(ControlTokensEscape, ControlTokensDrop),
			Targets:       [][]string{{"llama_factory"}, {"preference", "trl_preference"}, {"trl_preference", "llama_factory", "preference"}}[random.IntN(3)],
		}
		in := []rows.Example{because("Same.", "", example("sure", "1", true))}
		for range 100 {
			e := because(text(), text(), example(text(), text(), random.IntN(2) == 0))
			in = append(in, inSplit(oneOf(rows.Splits()...), e))
		}
		dir := filepath.Join(t.TempDir(), "export")
		m, err := runInto(t, stagetest.Env(), dir, in, o)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		mustKeepAll(t, dir, m)
		if t.Failed() {
			t.Fatalf("seed %d: %+v", seed, o)
		}
	}
}

// A reason never leaves the reply in doubt: read as a verifier's reply is, it says
// the label.
func TestReasonedReply(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		correct := rapid.Bool().Draw(rt, "correct")
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 6).Draw(rt, "reason"), "")
		clean, _ := newControls(nil).escape(text)
		reason, ok := argument(clean, correct)
		if !ok || reason == "" {
			return
		}
		want := verify.Incorrect
		if correct {
			want = verify.Correct
		}
		if got, why := model.Parse(replyParser, nil, reasoned(reason, correct)); got != want {
			rt.Fatalf("%q is read as %v (%s), want %v", reasoned(reason, correct), got, why, want)
		}
	})
}
