package model

import (
	"slices"
	"strings"

	"tinyv/verify"
)

// readJSON takes the last object that says whether the answer is correct.
func readJSON(text string) reading {
	objects, broken := findObjects(text)
	if broken {
		return undecided("a JSON object is malformed or breaks off")
	}
	for _, o := range slices.Backward(objects) {
		found, word, ok := o.verdict(text)
		if !ok {
			continue
		}
		if found == verify.Undecided {
			return undecided(contradiction)
		}
		return reading{outcome: found, reason: o.text("reasoning"), word: word, words: &trueFalse}
	}
	return undecided("no JSON object with is_correct true or false")
}

// verdict returns what the object's is_correct says, where, and whether it says
// anything. Undecided means that it says both.
func (o object) verdict(text string) (outcome verify.Outcome, word span, said bool) {
	for _, m := range o {
		if m.name != "is_correct" {
			continue
		}
		correct, ok := m.value.(bool)
		if s, isString := m.value.(string); isString {
			s = strings.TrimSpace(s)
			correct = strings.EqualFold(s, "true")
			ok = correct || strings.EqualFold(s, "false")
		}
		if !ok {
			continue
		}
		if said && outcome != verify.OutcomeOf(correct) {
			return verify.Undecided, span{}, true
		}
		outcome, word, said = verify.OutcomeOf(correct), m.span.trim(text, `"`), true
	}
	return outcome, word, said
}

// text returns the last string of the name, or "".
func (o object) text(name string) string {
	for _, m := range slices.Backward(o) {
		if s, ok := m.value.(string); ok && m.name == name {
			return s
		}
	}
	return ""
}

// findObjects returns the objects of a text that have is_correct, in order, and
// whether something that began like an object could not be read to its end.
func findObjects(text string) (found []object, broken bool) {
	for at := 0; at < len(text); {
		open := strings.IndexByte(text[at:], '{')
		if open < 0 {
			return found, false
		}
		at += open
		r := reader{text: text, at: at}
		if v, ok := r.value(0); ok {
			found = collect(found, v)
			at = r.at
			continue
		}
		if beginsObject(text[at:]) {
			return found, true
		}
		at++ // a brace of prose or mathematics
	}
	return found, false
}

// collect adds the outermost objects in v that have is_correct.
func collect(found []object, v value) []object {
	switch v := v.(type) {
	case object:
		if slices.ContainsFunc(v, func(m member) bool { return m.name == "is_correct" }) {
			return append(found, v)
		}
		for _, m := range v {
			found = collect(found, m.value)
		}
	case []value:
		for _, e := range v {
			found = collect(found, e)
		}
	}
	return found
}
