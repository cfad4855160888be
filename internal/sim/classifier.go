package sim

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// ClassifierModel is the name of the model that says why a right answer was
// rejected, in the codes that the prompt lists.
const ClassifierModel = "sim-classifier"

// defaultClassifierAccuracy is what a World has that states none.
const defaultClassifierAccuracy = 0.9

// A classification is what the classifier has to reply.
type classification struct {
	none bool   // the prompt holds no answer or no codes
	code string // errors included
}

var codePattern = regexp.MustCompile(`\b[a-z_]+\.[a-z_]+\b`)

// classify names the difference between the answer and the ground truth of a
// prompt. It errs as a pure function of the world's seed and the messages.
func (w *World) classify(system, prompt string) classification {
	question, truth, answer := sectionOf(prompt, "question"), sectionOf(prompt, "ground_truth_answer"), sectionOf(prompt, "model_answer")
	codes := listed(system + "\n" + outside(prompt, question, truth, answer))
	if !answer.found || len(codes) == 0 {
		return classification{none: true}
	}
	family := ""
	if i, ok := tagged(question.text); ok {
		if p := w.problem(i); p.truth == truth.text && slices.Contains(p.right, answer.text) {
			family = p.family
		}
	}
	code := cause(family, truth.text, answer.text)
	accuracy := w.ClassifierAccuracy
	if accuracy == 0 {
		accuracy = defaultClassifierAccuracy
	}
	r := draw(w.Seed, "classifier error", system, prompt)
	if r.Float64() >= accuracy {
		if others := slices.DeleteFunc(codes, func(c string) bool { return c == code }); len(others) > 0 {
			code = pick(r, others)
		}
	}
	return classification{code: code}
}

// outside returns what stands in a prompt around its sections.
func outside(prompt string, sections ...section) string {
	slices.SortFunc(sections, func(a, b section) int { return a.start - b.start })
	var b strings.Builder
	at := 0
	for _, s := range sections {
		if s.found && s.start >= at {
			b.WriteString(prompt[at:s.start] + "\n")
			at = s.end
		}
	}
	b.WriteString(prompt[at:])
	return b.String()
}

// listed returns the codes in a text, once each, in alphabetical order.
func listed(text string) []string {
	codes := codePattern.FindAllString(text, 200)
	slices.Sort(codes)
	return slices.Compact(codes)
}

// causes are the differences between the forms that the world writes and the
// ground truth, as a person would name them. The first whose pattern fits the one
// form and not the other holds; a family narrows it, "" is any, answers that the
// world does not know included.
var causes = []struct {
	family  string
	pattern *regexp.Regexp // nil for any
	code    string
}{
	{"yes_no", regexp.MustCompile(`(?i)^(?:\\text\{)?(?:yes|no), `), "language.explanatory_text"},
	{"yes_no", regexp.MustCompile(`divisible`), "language.phrasing"},
	{"", regexp.MustCompile(`(?i)\bthe [a-z ]+ (?:is|are)\b|\bthere are\b|they meet|it is|each jug|both fill|cost\b|the point|fastest|first\)`), "language.explanatory_text"},
	{"", regexp.MustCompile(`real numbers|to the power|dollars and`), "language.phrasing"},
	{"count", regexp.MustCompile(`(?i)\b(?:` + strings.Join(slices.Concat(units[1:], tens[2:]), "|") + `)\b`), "language.phrasing"},
	{"percent", regexp.MustCompile(`[a-z]+ percent\}`), "language.phrasing"},
	{"percent", regexp.MustCompile(`percent$|percent\}$`), "formatting.unit"},
	{"ratio", regexp.MustCompile(`= \d+:\d+$|girls`), "formatting.context"},
	{"ratio", nil, "notation.ratio"},
	{"", regexp.MustCompile(`pmatrix|\\mid -?\d+\)`), "notation.vector_matrix"},
	{"", regexp.MustCompile(`=.*=|\d = |\} = |for all|\\mathbb\{R\}$|\(rounded\)|form\)|^\\approx|about`), "formatting.context"},
	{"", regexp.MustCompile(`\\frac\{\d+\}\{\d+\} \\approx`), "numeric.approximate"},
	{"", regexp.MustCompile(`text\{ (?:cm|m|km|L|litres|tanks|rad|degrees|dollars|cents|screws|students|square)|\d (?:cm|dollars|tanks|screws|students|degrees)|km|°|circ|\\\$`), "formatting.unit"},
	{"", regexp.MustCompile(`\\pm|±`), "notation.joined_solutions"},
	{"", regexp.MustCompile(`<|>|\\[lg]e\b|\\[lg]eq`), "notation.interval"},
	{"", regexp.MustCompile(`\\cup|\\infty|\[`), "notation.other"},
	{"", regexp.MustCompile(`^[a-zA-Z](?:_\S+)?(?:\([a-z]\))? ?(?:=|\\in|\\approx)|\\mapsto|->|^[A-Z]\(|\(x,y\)=|^\\(?:gamma|angle)`), "language.variable_assignment"},
	{"point", regexp.MustCompile(`;`), "set_list.delimiter"},
	{"solution_set", regexp.MustCompile(`;|and|or`), "set_list.delimiter"},
	{"", regexp.MustCompile(`\\\{`), "set_list.structure"},
	{"solution_set", nil, "set_list.order"},
	{"", regexp.MustCompile(`\\times 10\^|^\d+\.\d+$|^\d+/\d+$`), "numeric.exact_form"},
	{"grouped", nil, "numeric.other"},
	{"polynomial", nil, "expression.algebraic"},
	{"line", nil, "expression.algebraic"},
	{"linear_function", nil, "expression.algebraic"},
	{"", regexp.MustCompile(`sqrt|√|\^`), "expression.root_exponent"},
	{"", regexp.MustCompile(`\\(?:sin|cos|tan|log|ln)`), "expression.log_trig"},
	{"", regexp.MustCompile(`\\(?:text|math|left|dfrac)|\*\*`), "formatting.markup"},
	{"fraction", nil, "numeric.exact_form"},
	{"", regexp.MustCompile(`[a-z]`), "expression.algebraic"},
}

// cause names the difference between two forms. It is the same for everyone who
// asks: a fixed map, not an opinion.
func cause(family, truth, answer string) string {
	if strings.Join(strings.Fields(truth), "") == strings.Join(strings.Fields(answer), "") {
		return "formatting.whitespace"
	}
	for _, c := range causes {
		if (c.family == "" || c.family == family) && (c.pattern == nil || c.pattern.MatchString(answer) != c.pattern.MatchString(truth)) {
			return c.code
		}
	}
	return "formatting.symbol"
}

// reply words a classification, in the ways in which models do.
func (c classification) reply(r *rand.Rand) reply {
	if c.none {
		return reply{text: "I cannot find an answer and a list of codes in this request, so I name no category.", finish: "stop"}
	}
	tag := "<category>" + c.code + "</category>"
	switch r.IntN(6) {
	case 0:
		object, err := json.Marshal(map[string]string{"category": c.code})
		if err == nil {
			return reply{text: "```json\n" + string(object) + "\n```", finish: "stop"}
		}
	case 1:
		return reply{text: "The two state the same result in different forms.\n\n" + tag, finish: "stop"}
	case 2:
		return reply{text: "Category: " + c.code, finish: "stop"}
	}
	return reply{text: tag, finish: "stop"}
}

// NameCategory returns a reply of the classifier to a prompt, for looking at the
// world without a server; equal seeds give equal replies.
func (w *World) NameCategory(prompt string, seed uint64) string {
	return w.classify("", prompt).reply(rand.New(rand.NewPCG(w.Seed, seed))).text
}
