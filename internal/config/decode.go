package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"tinyv/internal/brief"
	"tinyv/internal/spelling"
)

// Error is one mistake in a configuration. Its text names the file, the line,
// the key and the fix.
type Error struct {
	File string
	Line int    // 1-based; 0 if the mistake is that something is absent everywhere
	Key  string // dotted path, as in label.annotators[1].prompt
	Msg  string
}

func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.Key == "" {
		return at + ": " + e.Msg
	}
	return at + ": " + e.Key + ": " + e.Msg
}

// decoder fills structs from YAML nodes by itself, because the library's strict
// mode names the Go type of an unknown key, not the path to it, and stops at
// what the reader of a config would call a detail. It collects all mistakes.
type decoder struct {
	file   string
	lines  map[string]int // the line of every key and element, by path
	errors []error
}

var durationType = reflect.TypeFor[time.Duration]()

func decode(file string, data []byte, into any) (*decoder, error) {
	d := &decoder{file: file, lines: map[string]int{}}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, syntaxError(file, err)
	}
	if doc.Kind == 0 || len(doc.Content) == 0 {
		return nil, &Error{File: file, Msg: "the file is empty; configs/quickstart.yaml is an example to start from"}
	}
	d.value(doc.Content[0], reflect.ValueOf(into).Elem(), "")
	return d, errors.Join(d.errors...)
}

// syntaxError takes the line out of the library's words.
func syntaxError(file string, err error) error {
	e := &Error{File: file, Msg: "is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if _, scanErr := fmt.Sscanf(err.Error(), "yaml: line %d:", &e.Line); scanErr == nil {
		_, e.Msg, _ = strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), ": ")
		e.Msg = "is not YAML: " + e.Msg
	}
	return e
}

func (d *decoder) fail(line int, key, format string, args ...any) {
	d.errors = append(d.errors, &Error{File: d.file, Line: line, Key: key, Msg: fmt.Sprintf(format, args...)})
}

func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.lines[path] = n.Line
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		fix := "give one or remove the line"
		if v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct {
			fix = "write `{}` after it for the defaults, or remove the line"
		}
		d.fail(n.Line, path, "has no value; %s", fix)
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case v.Type() == durationType:
		d.duration(n, v, path)
	case v.Kind() == reflect.Struct:
		d.structure(n, v, path)
	case v.Kind() == reflect.Map && v.Type().Elem().Kind() != reflect.Interface:
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	if n.Kind != yaml.MappingNode {
		d.fail(n.Line, path, "must be a block of keys (%s), not %s", strings.Join(names(fields), ", "), describe(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := join(path, key.Value)
		if line, dup := seen[key.Value]; dup {
			d.fail(key.Line, at, "is given twice, first in line %d", line)
			continue
		}
		seen[key.Value] = key.Line
		index, known := fields[key.Value]
		if !known {
			d.fail(key.Line, at, "is not a known key%s; here it may be one of: %s", suggest(key.Value, names(fields)), strings.Join(names(fields), ", "))
			continue
		}
		d.value(value, v.FieldByIndex(index), at)
		d.lines[at] = key.Line
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n.Line, path, "must be a block of `name: value` lines, not %s", describe(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		element := reflect.New(v.Type().Elem()).Elem()
		at := join(path, n.Content[i].Value)
		d.value(n.Content[i+1], element, at)
		d.lines[at] = n.Content[i].Line
		key := reflect.ValueOf(n.Content[i].Value)
		if v.MapIndex(key).IsValid() {
			d.fail(n.Content[i].Line, at, "is given twice")
		}
		v.SetMapIndex(key, element)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n.Line, path, "must be a list (lines that begin with `- `, or [a, b]), not %s", describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, element := range n.Content {
		d.value(element, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if v.Kind() == reflect.String && n.Kind == yaml.ScalarNode && n.Tag != "!!str" {
		d.fail(n.Line, path, "must be text, not %s; put it in quotes: %q", describe(n), n.Value)
		return
	}
	if err := n.Decode(v.Addr().Interface()); err != nil {
		d.fail(n.Line, path, "must be %s, not %s", kindName(v.Type()), describe(n))
	}
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value, path string) {
	t, err := time.ParseDuration(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode || t < 0 {
		d.fail(n.Line, path, "must be a duration such as 30s, 10m or 1h30m, not %s", describe(n))
		return
	}
	v.SetInt(int64(t))
}

// fieldsOf maps the keys of a struct, those of embedded structs included, to fields.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("yaml"); name != "" && name != "-" {
			fields[name] = f.Index
		}
	}
	return fields
}

// names lists the keys in the order of their declaration.
func names(fields map[string][]int) []string {
	return slices.SortedFunc(maps.Keys(fields), func(a, b string) int { return slices.Compare(fields[a], fields[b]) })
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number, 0 or more"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "text"
	case reflect.Map:
		return "a block of `name: value` lines"
	}
	return t.String()
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a block of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!int", "!!float":
		return fmt.Sprintf("the number %s", n.Value)
	case "!!bool":
		return fmt.Sprintf("the truth value %s", n.Value)
	}
	return fmt.Sprintf("the text %q", brief.Of(strings.ToValidUTF8(n.Value, "�"), 60))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// suggest names the known key that is nearest to a misspelt one.
func suggest(key string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if n := spelling.Distance(key, k); n < distance {
			best, distance = k, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
