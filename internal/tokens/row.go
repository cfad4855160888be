package tokens

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// template is how LLaMA-Factory renders a row: each slot is tokenised by itself.
type template struct {
	defaultSystem         string // in place of an empty system message; empty renders none
	defaultBound          int    // of its rendering
	system, prompt, reply slot
	controls              []string // the control tokens of the slots
	cuts                  added    // the same, to cut texts at
}

type slot struct{ before, after string }

var chatML = template{
	system:   slot{"<|im_start|>system\n", "<|im_end|>\n"},
	prompt:   slot{"<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"},
	reply:    slot{"", "<|im_end|>\n"},
	controls: []string{"<|im_start|>", "<|im_end|>"},
}.ready()

var templates = map[string]template{
	"qwen":          chatML.withDefault("You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
	"qwen3_nothink": chatML,
}

func (t template) ready() template {
	for _, control := range t.controls {
		t.cuts.add(control, 0)
	}
	return t
}

func (t template) withDefault(system string) template {
	t.defaultSystem = system
	t.defaultBound = t.bound(t.system.before + system + t.system.after)
	return t
}

// Row returns the tokens of a training row as LLaMA-Factory 0.9.5 renders it with
// a template; it cuts the end of rows that have more than cutoff_len of them. The
// template qwen puts a message of its own in place of an empty system message;
// that of version 0.9.2 is shorter, so that there the row has a few tokens less.
//
// Without a tokenizer n is what Bound promises, for a tokenizer that has the
// template's control tokens.
func Row(t *Tokenizer, template, system, prompt, reply string) (n int, err error) {
	f, ok := templates[template]
	if !ok {
		return 0, fmt.Errorf("template %q: its rows cannot be counted; those of %s can", template, strings.Join(slices.Sorted(maps.Keys(templates)), ", "))
	}
	count := f.bound
	if t != nil {
		for _, control := range f.controls {
			if !t.Has(control) {
				return 0, fmt.Errorf("template %q is made of %s, which the tokenizer does not have; give the tokenizer.json of the model that is trained", template, control)
			}
		}
		count = t.Count
	}
	if system == "" && t == nil {
		n = f.defaultBound
	} else if system = cmp.Or(system, f.defaultSystem); system != "" {
		n = count(f.system.before + system + f.system.after)
	}
	// LLaMA-Factory fills in the number of the turn as well, wherever it stands.
	rendered := strings.Replace(f.prompt.before+prompt+f.prompt.after, "{{idx}}", "0", 1)
	n += count(rendered)
	n += count(f.reply.before + reply + f.reply.after)
	return n, nil
}

// bound counts each control token as one and everything else by Bound.
func (f template) bound(text string) int {
	n := 0
	f.cuts.cut(text, func(part string) { n += Bound(part) }, func([]int32) { n++ })
	return n
}
