package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// jsonSections reads profiles by name from JSON. It goes token by token, because
// a map would keep neither lines nor keys that stand twice. Its errors, like
// those of yamlSections, begin with a line and are put behind a path.
func jsonSections(data []byte) ([]section, error) {
	r := jsonSource{data, json.NewDecoder(bytes.NewReader(data))}
	all, err := r.sections()
	if err == nil {
		if _, err = r.dec.Token(); err == nil {
			return nil, fmt.Errorf("%d: there is more after the object of profiles", r.line())
		} else if err == io.EOF {
			return all, nil
		}
	}
	line := r.line()
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		line = 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the file ends too early: %w", err)
	}
	return nil, fmt.Errorf("%d: not JSON in the published layout, {\"name of a model\": {\"template\": ..., ...}, ...}: %w", line, err)
}

type jsonSource struct {
	data []byte
	dec  *json.Decoder
}

// line is that of what was read last.
func (r jsonSource) line() int {
	return 1 + bytes.Count(r.data[:r.dec.InputOffset()], []byte("\n"))
}

func (r jsonSource) sections() ([]section, error) {
	var all []section
	err := r.object(func(name string, line int) error {
		for _, s := range all {
			if s.name == name {
				return fmt.Errorf("profile %q stands twice; leave one", name)
			}
		}
		s := section{name: name, line: line}
		err := r.object(func(key string, line int) error {
			set := setting{key: key, line: line}
			if err := r.dec.Decode(&set.value); err != nil {
				return err
			}
			s.settings = append(s.settings, set)
			return nil
		})
		if err != nil {
			return fmt.Errorf("profile %q: %w", name, err)
		}
		all = append(all, s)
		return nil
	})
	return all, err
}

// object reads an object; member reads the value of a member.
func (r jsonSource) object(member func(name string, line int) error) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return fmt.Errorf("an object should stand where %v does", token)
	}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok {
			return fmt.Errorf("a name should stand where %v does", token)
		}
		if err := member(name, r.line()); err != nil {
			return err
		}
	}
	_, err = r.dec.Token()
	return err
}

// yamlSections reads profiles by name from YAML.
func yamlSections(data []byte) ([]section, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, yamlError(err)
	}
	const layout = "profiles stand by name, each with its keys, as in\n    strict:\n      prompt: prompts/judge-json.txt\n      parser: json"
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("1: the file is empty; %s", layout)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%d: %s", root.Line, layout)
	}
	var all []section
	for i := 0; i+1 < len(root.Content); i += 2 {
		name, body := root.Content[i], resolved(root.Content[i+1])
		if body.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("%d: profile %q has no keys; %s", name.Line, name.Value, layout)
		}
		for _, s := range all {
			if s.name == name.Value {
				return nil, fmt.Errorf("%d: profile %q stands twice; leave one", name.Line, name.Value)
			}
		}
		s := section{name: name.Value, line: name.Line}
		for j := 0; j+1 < len(body.Content); j += 2 {
			key := body.Content[j]
			set := setting{key: key.Value, line: key.Line}
			if err := body.Content[j+1].Decode(&set.value); err != nil {
				return nil, fmt.Errorf("%d: profile %q: %s: %w", key.Line, s.name, key.Value, err)
			}
			set.value = number(set.value)
			s.settings = append(s.settings, set)
		}
		all = append(all, s)
	}
	return all, nil
}

// resolved follows an alias (*name), by which a profile repeats another.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// number makes a whole number of YAML what it would be in JSON.
func number(value any) any {
	switch n := value.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case uint64:
		return float64(n)
	}
	return value
}

// yamlError puts the line of the library's words before them.
func yamlError(err error) error {
	words := strings.TrimPrefix(err.Error(), "yaml: ")
	line, rest, ok := strings.Cut(strings.TrimPrefix(words, "line "), ": ")
	if !ok || !strings.HasPrefix(words, "line ") {
		return fmt.Errorf("1: not YAML: %s", words)
	}
	return fmt.Errorf("%s: not YAML: %s", line, rest)
}
