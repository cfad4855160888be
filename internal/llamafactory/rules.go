package llamafactory

import (
	"encoding/json"
	"regexp"
	"strings"
)

// turn is a message with the role that LLaMA-Factory gives it.
type turn struct {
	role    string // one of the role constants, or what the row says
	content any
}

const (
	roleUser        = "user"
	roleAssistant   = "assistant"
	roleObservation = "observation"
	roleFunction    = "function"
	roleSystem      = "system"
	roleNull        = "null"
)

// conversation applies the rules of the layouts with messages.
func (l *layout) conversation(number int64, values map[string]any) {
	column := l.a.columns["messages"]
	list, ok := values[column].([]any)
	if !ok {
		l.problem(number, "messages_type", Fails, "column %q is %s, wanted a list of messages", column, typeName(values[column]))
		return
	}
	turns := make([]turn, 0, len(list))
	for i, element := range list {
		m, ok := element.(map[string]any)
		if !ok {
			l.problem(number, "messages_type", Fails, "message %d is %s, wanted an object of %s and %s", i+1, typeName(element), l.a.tags["role_tag"], l.a.tags["content_tag"])
			return
		}
		turns = append(turns, l.turn(m))
	}

	var system any
	if name := l.a.columns["system"]; name != "" {
		system = values[name]
	}
	stated := len(turns) > 0 && turns[0].role == roleSystem
	if stated {
		system, turns = turns[0].content, turns[1:]
	}
	if l.a.formatting == "openai" {
		if turns, ok = l.merged(number, turns); !ok {
			return
		}
	}
	if !l.ordered(number, turns) {
		return
	}
	if l.a.ranking && !l.preference(number, values) {
		return
	}
	for _, t := range turns {
		if !l.content(number, t) {
			return
		}
	}
	l.systemText(number, system, stated)
}

func (l *layout) turn(m map[string]any) turn {
	return turn{l.role(m[l.a.tags["role_tag"]]), m[l.a.tags["content_tag"]]}
}

// role is what a row's role is to LLaMA-Factory.
func (l *layout) role(v any) string {
	name, ok := v.(string)
	if !ok {
		if v == nil {
			return roleNull
		}
		return typeName(v)
	}
	for _, tag := range [...][2]string{
		{"user_tag", roleUser}, {"assistant_tag", roleAssistant}, {"observation_tag", roleObservation},
		{"function_tag", roleFunction}, {"system_tag", roleSystem},
	} {
		if given, ok := l.a.tags[tag[0]]; ok && given == name {
			return tag[1]
		}
	}
	return quoted(name)
}

// merged joins observations that follow one another, as the openai formatting does,
// which fails on a role that it does not know.
func (l *layout) merged(number int64, turns []turn) ([]turn, bool) {
	var all []turn
	waiting := false
	for i, t := range turns {
		switch t.role {
		case roleObservation:
			waiting = true
			continue
		case roleUser, roleAssistant, roleFunction, roleSystem:
		case roleNull:
			if _, named := l.a.tags["observation_tag"]; named {
				l.problem(number, "null_role", Fails, "message %d has no role", i+1)
				return nil, false
			}
			l.problem(number, "null_role", Misreads, "message %d has no role, and is taken for what a tool says", i+1)
			waiting = true
			continue
		default:
			l.problem(number, "unknown_role", Fails, "the role of message %d is %s, which no tag names", i+1, t.role)
			return nil, false
		}
		if waiting {
			all, waiting = append(all, turn{roleObservation, " "}), false
		}
		all = append(all, t)
	}
	return all, true
}

// ordered checks that the turns change between those who ask and those who reply.
func (l *layout) ordered(number int64, turns []turn) bool {
	if len(turns) == 0 {
		l.drop(number, "no_messages", "it has no message beside the system message")
		return false
	}
	for i, t := range turns {
		asks := i%2 == 0
		wanted, optional := roleAssistant, "function_tag"
		if asks {
			wanted, optional = roleUser, "observation_tag"
		}
		_, named := l.a.tags[optional]
		switch {
		case t.role == wanted, asks && t.role == roleObservation, !asks && t.role == roleFunction:
		case t.role == roleNull && !named:
			// None equals the tag that is not named: a message without a role is
			// taken for one of a tool, whose text must be JSON.
			l.problem(number, "null_role", Fails, "message %d has no role", i+1)
			return false
		default:
			l.drop(number, "role_order", "message %d after the system message is of %s, wanted %s; those who ask and those who reply take turns", i+1, t.role, wanted)
			return false
		}
	}
	if even := len(turns)%2 == 0; even == l.a.ranking {
		if even {
			l.drop(number, "message_count", "it ends with a reply; in a dataset of preferences the replies are chosen and rejected")
		} else {
			l.drop(number, "message_count", "it ends with a question, without a reply")
		}
		return false
	}
	return true
}

// content checks the text of one turn; it is not ok if the dataset fails over it.
func (l *layout) content(number int64, t turn) bool {
	text, ok := t.content.(string)
	switch {
	case t.content == nil:
		l.problem(number, "null_text", Fails, "a message of role %s has no text (%s is null or missing)", t.role, l.a.tags["content_tag"])
		return false
	case !ok:
		l.problem(number, "not_text", Fails, "the content of a message of role %s is %s, wanted a text", t.role, typeName(t.content))
		return false
	case t.role == roleFunction:
		if !toolCall(text) {
			l.problem(number, "tool_call", Fails, "a message of a tool is no JSON object with name and arguments")
			return false
		}
		return true
	}
	l.text(number, text, t.role)
	return true
}

// text finds what LLaMA-Factory or a tokenizer takes for more than text.
func (l *layout) text(number int64, text, role string) {
	if strings.TrimSpace(text) == "" {
		switch role {
		case roleUser:
			l.problem(number, "empty_prompt", Misreads, "the question is empty; the reply is trained on as one to nothing")
		case roleAssistant:
			l.problem(number, "empty_reply", Misreads, "the reply is empty; the model learns to end at once")
		}
	}
	if role == roleUser && strings.Contains(text, "{{idx}}") {
		l.problem(number, "place_overwritten", Misreads, "LLaMA-Factory writes the number of the turn over {{idx}}; write it another way")
	}
	if !strings.Contains(text, "<") {
		return
	}
	if token := controlToken.FindString(text); token != "" {
		l.problem(number, "control_tokens", Misreads, "its text holds %s, which the tokenizer takes for the control token and not for text; write &lt; for its <", token)
	}
	for _, place := range []string{"<image>", "<video>", "<audio>"} {
		if strings.Contains(text, place) {
			l.problem(number, "media_place", Misreads, "its text holds %s: text to a template that only reads, but one of a model that sees or hears fails on it; write &lt; for its <", place)
			break
		}
	}
}

var controlToken = regexp.MustCompile(`<\|[A-Za-z_]{3,}[0-9_]*\|>|<｜[^｜<>]{1,40}｜>`)

// toolCall says whether the text of a function turn can be read.
func toolCall(text string) bool {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return false
	}
	calls, ok := v.([]any)
	if !ok {
		calls = []any{v}
	}
	for _, call := range calls {
		m, _ := call.(map[string]any)
		if m["name"] == nil || m["arguments"] == nil {
			return false
		}
	}
	return true
}

// preference checks the two replies of a row in the layouts with messages; it is
// not ok if the row does not train.
func (l *layout) preference(number int64, values map[string]any) bool {
	var replies [2]turn
	for i, key := range []string{"chosen", "rejected"} {
		m, ok := values[l.a.columns[key]].(map[string]any)
		if !ok {
			l.drop(number, "no_pair", "%s is %s, wanted one message (not a list of them, as TRL has it)", l.a.columns[key], typeName(values[l.a.columns[key]]))
			return false
		}
		replies[i] = l.turn(m)
	}
	for i, key := range []string{"chosen", "rejected"} {
		switch t := replies[i]; t.role {
		case roleAssistant, roleFunction:
		case roleUser, roleObservation, roleSystem:
			if t.role == roleSystem {
				l.problem(number, "reply_role", Fails, "%s is of role system, wanted assistant", key)
				return false
			}
			l.problem(number, "reply_role", Misreads, "%s is of role %s, wanted assistant; it is trained on as a question", key, t.role)
		default:
			l.problem(number, "reply_role", Fails, "the role of %s is %s, wanted assistant", key, t.role)
			return false
		}
		if !l.content(number, replies[i]) {
			return false
		}
	}
	if replies[0].content == replies[1].content {
		l.problem(number, "equal_pair", Misreads, "chosen and rejected are the same; the pair teaches nothing")
	}
	return true
}

// systemText checks a row's system message; stated says that it is a message of the row.
func (l *layout) systemText(number int64, system any, stated bool) {
	text, ok := system.(string)
	if !ok && system != nil {
		l.problem(number, "not_text", Fails, "the system message is %s, wanted a text", typeName(system))
		return
	}
	if text == "" && (stated || l.a.columns["system"] != "") {
		l.problem(number, "empty_system", Misreads, "its system message is empty, and the template's own is put in its place")
	}
	l.states(number, text != "")
	l.text(number, text, roleSystem)
}

// instruction applies the rules of the alpaca layout.
func (l *layout) instruction(number int64, values map[string]any) {
	if !l.history(number, values) {
		return
	}
	var query []string
	for _, key := range []string{"prompt", "query"} {
		name := l.a.columns[key]
		if name == "" {
			continue
		}
		switch v := values[name].(type) {
		case nil:
		case string:
			if v != "" {
				query = append(query, v)
			}
		default:
			l.problem(number, "not_text", Fails, "column %q is %s, wanted a text", name, typeName(v))
			return
		}
	}
	if l.a.ranking {
		var replies [2]string
		for i, key := range []string{"chosen", "rejected"} {
			text, ok := values[l.a.columns[key]].(string)
			if !ok {
				l.drop(number, "no_pair", "column %q is %s, wanted a text", l.a.columns[key], typeName(values[l.a.columns[key]]))
				return
			}
			replies[i] = text
			l.text(number, text, roleAssistant)
		}
		if replies[0] == replies[1] {
			l.problem(number, "equal_pair", Misreads, "chosen and rejected are the same; the pair teaches nothing")
		}
	} else {
		name := l.a.columns["response"]
		text, ok := values[name].(string)
		if !ok {
			l.drop(number, "no_reply", "column %q is %s, wanted a text", name, typeName(values[name]))
			return
		}
		l.text(number, text, roleAssistant)
	}
	l.text(number, strings.Join(query, "\n"), roleUser)
	var system any
	if name := l.a.columns["system"]; name != "" {
		system = values[name]
	}
	l.systemText(number, system, false)
}

// history checks the turns before the instruction: a list of pairs of texts.
func (l *layout) history(number int64, values map[string]any) bool {
	name := l.a.columns["history"]
	pairs, ok := values[name].([]any)
	if name == "" || !ok {
		return true // anything but a list is passed over
	}
	for i, element := range pairs {
		pair, _ := element.([]any)
		for j := range pair {
			if _, ok := pair[j].(string); !ok {
				pair = nil
				break
			}
		}
		if len(pair) != 2 {
			l.problem(number, "history", Fails, "element %d of column %q is not a pair of a question and a reply", i+1, name)
			return false
		}
	}
	return true
}
