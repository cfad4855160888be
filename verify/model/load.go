package model

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/brief"
)

// LoadProfile reads the profile of a name from a file. A .json file has the
// layout of the published verifiers: an object of models by name, each with
// template, max_completion_tokens, temperature, top_p and is_think_model. The
// reply of a model that thinks is read by parser answer, that of another by
// true_false.
//
// A .yaml file has profiles by name too, with keys of our own: prompt, system,
// parser, threshold, temperature, top_p, max_tokens, stop, samples, attempts,
// structured and confidence. prompt is a text that holds its places, or else the
// name of a file beside the YAML; parser is json unless it says otherwise.
//
// Without attempts, a profile of temperature 0 has one: asked again, a greedy
// model would say the same and be paid twice.
//
// Errors name the file, the line, the profile, the key and what would be right.
func LoadProfile(path, name string) (Profile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Profile{}, fmt.Errorf("reading profile %q: %w", name, err)
	}
	f := profileFile{path: path, name: name}
	var all []section
	published := false
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".json":
		published = true
		all, err = jsonSections(data)
	case ".yaml", ".yml":
		all, err = yamlSections(data)
	default:
		return Profile{}, fmt.Errorf("%s: a file of profiles ends in .json (published layout) or .yaml, not in %q", path, ext)
	}
	if err != nil {
		return Profile{}, fmt.Errorf("%s:%w", path, err)
	}
	s, err := f.find(all)
	if err != nil {
		return Profile{}, err
	}
	var p Profile
	promptKey := "prompt"
	if published {
		promptKey = "template"
		p, err = f.published(s)
	} else {
		p, err = f.own(s)
	}
	if err != nil {
		return Profile{}, err
	}
	p.Name = name
	if p.Attempts == 0 && p.Temperature != nil && *p.Temperature == 0 {
		p.Attempts = 1
	}
	if err := checkPrompt(p.Prompt); err != nil {
		return Profile{}, f.errorf(s.lineOf(promptKey), promptKey, "%w", err)
	}
	if err := checkParser(p.Parser, p.Threshold); err != nil {
		return Profile{}, f.errorf(s.lineOf("parser"), "parser", "%w", err)
	}
	if err := p.check(); err != nil {
		return Profile{}, f.errorf(s.line, "", "%w", err)
	}
	return p, nil
}

// section is the settings of one profile in a file.
type section struct {
	name     string
	line     int
	settings []setting
}

// lineOf is the line of a key, or that of the profile if it is absent.
func (s section) lineOf(key string) int {
	for _, set := range s.settings {
		if set.key == key {
			return set.line
		}
	}
	return s.line
}

// setting is a key with its value: a string, bool, float64, nil, []any or
// something that no key has.
type setting struct {
	key   string
	line  int
	value any
}

// profileFile says where a mistake is.
type profileFile struct{ path, name string }

func (f profileFile) errorf(line int, key, format string, args ...any) error {
	if key != "" {
		key = " " + key + ":"
	}
	return fmt.Errorf("%s:%d: profile %q:%s %w", f.path, line, f.name, key, fmt.Errorf(format, args...))
}

func (f profileFile) find(all []section) (section, error) {
	var names []string
	for _, s := range all {
		if s.name == f.name {
			return s, nil
		}
		names = append(names, s.name)
	}
	if len(names) == 0 {
		return section{}, fmt.Errorf("%s: the file has no profiles", f.path)
	}
	return section{}, fmt.Errorf("%s: no profile %q%s; it has %q", f.path, f.name, didYouMean(f.name, names), names)
}

// published reads the layout of the published verifiers.
func (f profileFile) published(s section) (Profile, error) {
	var p Profile
	thinks := false
	err := f.read(s, map[string]any{
		"template": &p.Prompt, "max_completion_tokens": &p.MaxTokens, "temperature": &p.Temperature, "top_p": &p.TopP, "is_think_model": &thinks,
	})
	if err == nil && p.Prompt == "" {
		err = f.errorf(s.line, "template", "is missing; it is the text of the prompt, with %s and %s", groundTruthPlace, answerPlace)
	}
	p.Parser = parserTrueFalse
	if thinks {
		p.Parser = parserAnswer
	}
	return p, err
}

// own reads our own keys.
func (f profileFile) own(s section) (Profile, error) {
	var p Profile
	err := f.read(s, map[string]any{
		"prompt": &p.Prompt, "system": &p.System, "parser": &p.Parser, "threshold": &p.Threshold,
		"temperature": &p.Temperature, "top_p": &p.TopP, "max_tokens": &p.MaxTokens, "stop": &p.Stop,
		"samples": &p.Samples, "attempts": &p.Attempts, "structured": &p.Structured, "confidence": &p.Confidence,
	})
	if err != nil {
		return p, err
	}
	if p.Prompt == "" {
		return p, f.errorf(s.line, "prompt", "is missing; write the prompt, or name its file, such as prompts/judge-json.txt")
	}
	if p.Parser == "" {
		p.Parser = parserJSON
	}
	if !strings.Contains(p.Prompt, "{{") {
		p.Prompt, err = f.promptFile(s, p.Prompt)
	}
	return p, err
}

// promptFile reads a prompt that is named and not written out.
func (f profileFile) promptFile(s section, name string) (string, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(f.path), path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", f.errorf(s.lineOf("prompt"), "prompt", "it holds no %s, so it should name a file: %w", answerPlace, err)
	}
	return string(data), nil
}

// read puts the settings into the variables of their keys.
func (f profileFile) read(s section, into map[string]any) error {
	var keys []string
	for key := range into {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for i, set := range s.settings {
		target, ok := into[set.key]
		if !ok {
			return f.errorf(set.line, set.key, "is not a key of a profile%s; keys are %s", didYouMean(set.key, keys), strings.Join(keys, ", "))
		}
		if slices.ContainsFunc(s.settings[:i], func(other setting) bool { return other.key == set.key }) {
			return f.errorf(set.line, set.key, "stands twice; leave one")
		}
		if want := assign(target, set); want != "" {
			return f.errorf(set.line, set.key, "should be %s, not %s", want, shown(set.value))
		}
	}
	return nil
}

// assign puts a value into a variable, or says what would be right.
func assign(target any, set setting) (want string) {
	switch target := target.(type) {
	case *string:
		s, ok := set.value.(string)
		if !ok || s == "" {
			return "a text"
		}
		*target = s
	case *bool:
		b, ok := set.value.(bool)
		if !ok {
			return "true or false"
		}
		*target = b
	case *int:
		n, ok := set.value.(float64)
		if !ok || n < 1 || n > 1e9 || n != float64(int(n)) {
			return "a whole number from 1 on"
		}
		*target = int(n)
	case **float64:
		return assignNumber(target, set)
	case *[]string:
		list, ok := set.value.([]any)
		if !ok {
			return "a list of texts"
		}
		for _, e := range list {
			s, ok := e.(string)
			if !ok || s == "" {
				return "a list of texts"
			}
			*target = append(*target, s)
		}
	}
	return ""
}

func assignNumber(target **float64, set setting) (want string) {
	if set.value == nil && set.key != "threshold" {
		return "" // the server's default
	}
	n, ok := set.value.(float64)
	switch {
	case set.key == "temperature" && !(ok && n >= 0 && n <= 2):
		return "a number from 0 to 2"
	case set.key == "top_p" && !(ok && n > 0 && n <= 1):
		return "a number above 0 and at most 1"
	case !ok:
		return "a number, such as 0.5 or 7"
	}
	*target = &n
	return ""
}

// shown is a value of a file in a message.
func shown(value any) string {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case string:
		return fmt.Sprintf("%q", brief.Of(v, 40))
	case bool, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	}
	return "a map"
}
