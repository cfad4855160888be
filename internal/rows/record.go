package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Record is one row of foreign input.
//
// A value is a string, int64, float64, bool, nil, []any or map[string]any of
// such values. Dates, times and decimals come as strings. An integer beyond
// int64 comes as a string of its digits, so that none is lost.
type Record struct {
	Input  string // base name of the file
	Row    int64  // 1-based row in it; the line number for JSON lines
	Values map[string]any
}

// RowError says why one row of an input could not be read. Reading goes on after it.
type RowError struct {
	Input string // base name of the file
	Row   int64  // 1-based row in it; the line number for JSON lines
	Err   error
}

// Error returns "input:row: reason".
func (e *RowError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Input, e.Row, e.Err) }

// Unwrap returns the reason.
func (e *RowError) Unwrap() error { return e.Err }

// Lookup returns the value at a path, and whether there is such a column. Dots
// in the path reach into nested objects, as in "reward_model.ground_truth"; a
// name that itself contains dots is found first. A column that is there and null
// gives (nil, true), and so does a column inside an object that is null.
func (r Record) Lookup(path string) (any, bool) { return lookup(r.Values, path) }

func lookup(object map[string]any, path string) (any, bool) {
	if v, ok := object[path]; ok {
		return v, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		child, ok := object[path[:i]]
		if !ok {
			continue
		}
		if child == nil {
			return nil, true
		}
		if child, ok := child.(map[string]any); ok {
			if v, ok := lookup(child, path[i+1:]); ok {
				return v, true
			}
		}
	}
	return nil, false
}

// Columns returns the sorted paths of the row's leaves, for error messages. A
// list is a leaf, and so is an object that is null or empty.
func (r Record) Columns() []string {
	var paths []string
	var walk func(prefix string, object map[string]any)
	walk = func(prefix string, object map[string]any) {
		for name, v := range object {
			if child, ok := v.(map[string]any); ok && len(child) > 0 {
				walk(prefix+name+".", child)
				continue
			}
			paths = append(paths, prefix+name)
		}
	}
	walk("", r.Values)
	slices.Sort(paths)
	return paths
}

// Extra returns all values but those at the used paths as one JSON object with
// sorted keys and no HTML escaping, or "" if none are left. A nested object all
// of whose members are used or null is left out. Numbers that JSON lacks are
// written as the strings "NaN", "Infinity" and "-Infinity".
func (r Record) Extra(used ...string) (string, error) {
	rest := r.Values
	for _, path := range used {
		rest, _ = without(rest, path)
	}
	rest = maps.Clone(rest)
	for name, v := range rest {
		if v = writable(v); v == nil && rest[name] != nil {
			delete(rest, name)
		} else {
			rest[name] = v
		}
	}
	if len(rest) == 0 {
		return "", nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out) // sorts the keys of maps
	enc.SetEscapeHTML(false)
	if err := enc.Encode(rest); err != nil {
		return "", fmt.Errorf("writing the other columns of %s:%d as JSON: %w", r.Input, r.Row, err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// without returns object without the value at path, which it finds as lookup
// does, and whether there was one. It copies what it changes.
func without(object map[string]any, path string) (map[string]any, bool) {
	if _, ok := object[path]; ok {
		object = maps.Clone(object)
		delete(object, path)
		return object, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		child, ok := object[path[:i]].(map[string]any)
		if !ok {
			continue
		}
		if child, ok = without(child, path[i+1:]); ok {
			object = maps.Clone(object)
			object[path[:i]] = child
			return object, true
		}
	}
	return object, false
}

// writable returns a copy of v that JSON can hold, nil for an object that has
// nothing but nulls.
func writable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		empty := true
		for name, member := range v {
			w := writable(member)
			if _, object := member.(map[string]any); object && w == nil {
				continue
			}
			out[name] = w
			empty = empty && w == nil
		}
		if empty {
			return nil
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			if out[i] = writable(element); out[i] == nil {
				out[i] = element // an element keeps its place, even one of nulls only
			}
		}
		return out
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
	}
	return v
}
