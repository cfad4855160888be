package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// judge replies to a request for a verdict, as the annotator of that name.
func (w *World) judge(name string, a Annotator, r *rand.Rand, system, prompt string) reply {
	answer, ok := tagContent(prompt, "model_answer")
	if !ok {
		return reply{"I cannot find <model_answer> and </model_answer> in this request, so I give no verdict.", "stop"}
	}
	question, _ := tagContent(prompt, "question")
	truth, _ := tagContent(prompt, "ground_truth_answer")
	right, known := false, false
	if i, ok := tagged(question); ok {
		right, known = w.Truth(i, unescape(answer))
	}
	if !known {
		right = Lenient(truth, unescape(answer))
	}

	// The error of an annotator belongs to the prompt, not to the request's seed:
	// asking again does not make it better.
	said := right
	errs := draw(w.Seed, "annotator error", name, system, prompt).Float64()
	if right && errs >= a.Sensitivity || !right && errs >= a.Specificity {
		said = !right
	}
	if r.Float64() < a.Malformed {
		return malformed(r)
	}
	if strings.Contains(prompt, "is_correct") || strings.Contains(system, "is_correct") {
		return reply{jsonVerdict(r, said, answer), "stop"}
	}
	return reply{wordVerdict(r, said), "stop"}
}

// tagContent returns what stands between the last complete pair of tags of a name.
func tagContent(text, name string) (string, bool) {
	end := strings.LastIndex(text, "</"+name+">")
	if end < 0 {
		return "", false
	}
	open := "<" + name + ">"
	start := strings.LastIndex(text[:end], open)
	if start < 0 {
		return "", false
	}
	return strings.TrimSpace(text[start+len(open) : end]), true
}

// unescape undoes the escape that prompts use where an answer holds a tag of theirs.
func unescape(s string) string { return strings.ReplaceAll(s, "&lt;", "<") }

func malformed(r *rand.Rand) reply {
	switch r.IntN(3) {
	case 0:
		return reply{"The model answer and the ground truth can both be read in several ways. Comparing them term by term, we", "length"}
	case 1:
		return reply{"I am sorry, but I cannot judge this answer.", "stop"}
	}
	return reply{`{"reasoning": "The two answers are compared`, "length"}
}

func jsonVerdict(r *rand.Rand, said bool, answer string) string {
	reasoning := "The model answer differs from the ground truth in value."
	if said {
		reasoning = "The model answer is the ground truth in another written form."
	}
	quoted := strconv.Quote(reasoning)
	if r.IntN(3) == 0 && !strings.ContainsAny(answer, "\"\n") && len(answer) < 200 {
		// As models do: LaTeX in JSON with its backslashes left as they are.
		quoted = `"Here $` + answer + `$ is compared. ` + reasoning + `"`
	} else if encoded, err := json.Marshal(reasoning); err == nil {
		quoted = string(encoded)
	}
	object := fmt.Sprintf(`{"reasoning": %s, "is_correct": %v}`, quoted, said)
	switch r.IntN(4) {
	case 0:
		return "```json\n" + object + "\n```"
	case 1:
		return "Here is my verdict:\n\n" + object
	case 2:
		return strings.NewReplacer(`{"reasoning"`, "{\n  \"reasoning\"", `, "is_correct"`, ",\n  \"is_correct\"").Replace(object)
	}
	return object
}

func wordVerdict(r *rand.Rand, said bool) string {
	word := "False"
	if said {
		word = "True"
	}
	switch r.IntN(4) {
	case 0:
		return "Answer: " + word
	case 1:
		return word + "."
	}
	return word
}
