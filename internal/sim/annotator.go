package sim

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
)

// A judgement is what an annotator has to reply, and how.
type judgement struct {
	none   bool   // the prompt holds no answer
	said   bool   // the verdict, errors included
	right  bool   // what the verdict would be without them
	asJSON bool   // the prompt asks for is_correct
	answer string // what is judged
}

// judge decides on the answer in a prompt, as the annotator of that name.
func (w *World) judge(name string, a Annotator, system, prompt string) judgement {
	question, truth, answer := sectionOf(prompt, "question"), sectionOf(prompt, "ground_truth_answer"), sectionOf(prompt, "model_answer")
	if !answer.found {
		return judgement{none: true}
	}
	right, known := false, false
	if i, ok := tagged(question.text); ok {
		// The problem of that number in another world has another ground truth.
		if p := w.problem(i); p.truth == truth.text {
			right, known = p.judge(answer.text)
		}
	}
	if !known {
		right = Lenient(truth.text, answer.text)
	}
	said := right
	errs := draw(w.Seed, "annotator error", name, system, prompt).Float64()
	if right && errs >= a.Sensitivity || !right && errs >= a.Specificity {
		said = !right
	}
	return judgement{
		said: said, right: right, answer: answer.text,
		asJSON: strings.Contains(system, "is_correct") || asks(prompt, "is_correct", question, truth, answer),
	}
}

// section is the text between the last complete pair of tags of a name.
type section struct {
	text       string // without white space around it, and with the escape of prompts undone
	start, end int    // in the prompt
	found      bool
}

func sectionOf(prompt, name string) section {
	end := strings.LastIndex(prompt, "</"+name+">")
	if end < 0 {
		return section{}
	}
	opening := "<" + name + ">"
	start := strings.LastIndex(prompt[:end], opening)
	if start < 0 {
		return section{}
	}
	start += len(opening)
	// Where a value holds a tag of the prompt, its "<" is written "&lt;".
	text := strings.ReplaceAll(strings.TrimSpace(prompt[start:end]), "&lt;", "<")
	return section{text, start, end, true}
}

// asks reports whether a word stands in a prompt outside of its sections: what an
// answer says of the format wanted is no request.
func asks(prompt, word string, sections ...section) bool {
	for at := 0; ; at++ {
		next := strings.Index(prompt[at:], word)
		if next < 0 {
			return false
		}
		at += next
		inside := false
		for _, s := range sections {
			inside = inside || s.found && s.start <= at && at < s.end
		}
		if !inside {
			return true
		}
	}
}

// reply words a judgement.
func (a Annotator) reply(r *rand.Rand, j judgement) reply {
	switch {
	case j.none:
		return reply{text: "I cannot find <model_answer> and </model_answer> in this request, so I give no verdict.", finish: "stop"}
	case r.Float64() < a.Malformed:
		return malformed(r)
	case j.asJSON:
		return reply{text: jsonVerdict(r, j), finish: "stop"}
	}
	return reply{text: wordVerdict(r, j.said), finish: "stop"}
}

// malformed returns a reply that holds no verdict, in any format.
func malformed(r *rand.Rand) reply {
	switch r.IntN(4) {
	case 0:
		return reply{text: "The model answer and the ground truth can both be read in several ways. Comparing them term by term, we", finish: "length"}
	case 1:
		return reply{text: "I am sorry, but I cannot judge this answer.", finish: "stop"}
	case 2:
		return reply{text: "```json\n{\"reasoning\": \"Both answers are brought to a common form first. The", finish: "length"}
	}
	return reply{text: `{"reasoning": "The two answers are compared`, finish: "length"}
}

var reasons = map[bool][]string{
	true: {
		"The model answer is the ground truth in another written form.", "Both state the same result; only the notation differs.",
		"Units and wording aside, the two values agree.", "Rewriting the model answer gives the ground truth.",
	},
	false: {
		"The model answer differs from the ground truth in value.", "The two results do not agree, and no rewriting makes them agree.",
		"Part of the ground truth is changed or lost in the model answer.", "The model answer would be the solution of a different problem.",
	},
}

func jsonVerdict(r *rand.Rand, j judgement) string {
	reasoning := pick(r, reasons[j.said])
	quoted := `"` + reasoning + `"`
	if text := "Here $" + j.answer + "$ is compared. " + reasoning; len(text) < 300 {
		switch r.IntN(3) {
		case 0: // as it should be
			if encoded, err := json.Marshal(text); err == nil {
				quoted = string(encoded)
			}
		case 1: // as models do: LaTeX in JSON with its backslashes left as they are
			if !strings.ContainsFunc(text, func(c rune) bool { return c == '"' || c < ' ' }) && !strings.HasSuffix(text, `\`) {
				quoted = `"` + text + `"`
			}
		}
	}
	verdict := "false"
	if j.said {
		verdict = "true"
	}
	object := `{"reasoning": ` + quoted + `, "is_correct": ` + verdict + `}`
	switch r.IntN(6) {
	case 0:
		return "```json\n" + object + "\n```"
	case 1:
		return "Here is my verdict:\n\n" + object
	case 2:
		return object + "\n\nLet me know if you need more detail."
	case 3:
		return "{\n  \"reasoning\": " + quoted + ",\n  \"is_correct\": " + verdict + "\n}"
	}
	return object
}

func wordVerdict(r *rand.Rand, said bool) string {
	word := "False"
	if said {
		word = "True"
	}
	switch r.IntN(5) {
	case 0:
		return "Answer: " + word
	case 1:
		return word + "."
	case 2:
		return word + "\n"
	}
	return word
}
