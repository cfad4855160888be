package rows

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func sampleRecord() Record {
	return Record{Input: "in.jsonl", Row: 7, Values: map[string]any{
		"reward_model": map[string]any{"ground_truth": "1 < 2 & 3", "style": nil},
		"extra_info":   map[string]any{"question": "q", "index": int64(4), "deep": map[string]any{"x": 0.5}},
		"extra.info":   map[string]any{"q": "dotted group"},
		"a.b":          "dotted",
		"a":            map[string]any{"b": "nested", "c": int64(1)},
		"empty":        nil,
		"list":         []any{map[string]any{"k": nil}, int64(2)},
	}}
}

func TestLookup(t *testing.T) {
	for _, test := range []struct {
		path string
		want any
		ok   bool
	}{
		{"reward_model.ground_truth", "1 < 2 & 3", true},
		{"reward_model.style", nil, true},
		{"reward_model.solution", nil, false},
		{"extra_info.deep.x", 0.5, true},
		{"extra.info.q", "dotted group", true},
		{"a.b", "dotted", true}, // the exact name wins
		{"a.c", int64(1), true},
		{"empty", nil, true},
		{"empty.question", nil, true}, // inside a null object
		{"list.k", nil, false},
		{"list.0", nil, false},
		{"reward_model.ground_truth.x", nil, false},
		{"nothing", nil, false},
		{"", nil, false},
		{".", nil, false},
		{"a.", nil, false},
	} {
		got, ok := sampleRecord().Lookup(test.path)
		if ok != test.ok || !cmp.Equal(got, test.want) {
			t.Errorf("Lookup(%q) = %v, %v; want %v, %v", test.path, got, ok, test.want, test.ok)
		}
	}
}

func TestColumns(t *testing.T) {
	want := []string{"a.b", "a.b", "a.c", "empty", "extra.info.q", "extra_info.deep.x", "extra_info.index", "extra_info.question", "list", "reward_model.ground_truth", "reward_model.style"}
	if got := sampleRecord().Columns(); !slices.Equal(got, want) {
		t.Errorf("Columns() = %q, want %q", got, want)
	}
}

func TestExtra(t *testing.T) {
	for _, test := range []struct {
		name   string
		values map[string]any
		used   []string
		want   string
	}{
		{"none", map[string]any{}, nil, ""},
		{"all used", map[string]any{"q": "x", "a": "y"}, []string{"a", "q"}, ""},
		{"sorted, unescaped", map[string]any{"z": "<&>", "a": int64(1), "m": 0.1, "n": nil, "b": true}, []string{"none"}, `{"a":1,"b":true,"m":0.1,"n":null,"z":"<&>"}`},
		{"member used", map[string]any{"r": map[string]any{"gt": "1", "style": "rule"}}, []string{"r.gt"}, `{"r":{"style":"rule"}}`},
		{"members used or null", map[string]any{"r": map[string]any{"gt": "1", "style": nil, "deep": map[string]any{"x": nil}}}, []string{"r.gt"}, ""},
		{"exact name first", map[string]any{"a.b": "1", "a": map[string]any{"b": "2"}}, []string{"a.b"}, `{"a":{"b":"2"}}`},
		{"objects in lists stay", map[string]any{"l": []any{map[string]any{"k": nil}, "x"}}, nil, `{"l":[{"k":null},"x"]}`},
		{"not numbers of JSON", map[string]any{"f": []any{math.NaN(), math.Inf(1), math.Inf(-1)}}, nil, `{"f":["NaN","Infinity","-Infinity"]}`},
		{"Unicode", map[string]any{"é": "数\u2028\x00"}, nil, "{\"é\":\"数\\u2028\\u0000\"}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, _ := json.Marshal(writable(test.values))
			got, err := Record{Values: test.values}.Extra(test.used...)
			if err != nil || got != test.want {
				t.Errorf("Extra(%q) = %s, %v; want %s", test.used, got, err, test.want)
			}
			if after, _ := json.Marshal(writable(test.values)); string(after) != string(before) {
				t.Errorf("Extra changed the record: %s, was %s", after, before)
			}
		})
	}
}

// What Extra leaves out is exactly what Lookup finds.
func TestExtraHasTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"a", "b", "a.b", "b.a"})
		var object func(depth int) *rapid.Generator[map[string]any]
		object = func(depth int) *rapid.Generator[map[string]any] {
			return rapid.Custom(func(t *rapid.T) map[string]any {
				m := map[string]any{}
				for _, n := range rapid.SliceOfN(name, 1, 3).Draw(t, "names") {
					if depth > 0 && rapid.Bool().Draw(t, "nested") {
						m[n] = object(depth-1).Draw(t, "object")
					} else {
						m[n] = "v"
					}
				}
				return m
			})
		}
		r := Record{Values: object(2).Draw(t, "values")}
		path := rapid.SampledFrom([]string{"a", "b", "a.b", "b.a", "a.b.a", "a.a", "b.a.b"}).Draw(t, "path")
		value, found := r.Lookup(path)
		extra, err := r.Extra(path)
		if err != nil {
			t.Fatal(err)
		}
		count := func(v any) int { // of leaves
			n := 0
			var walk func(any)
			walk = func(v any) {
				if m, ok := v.(map[string]any); ok {
					for _, x := range m {
						walk(x)
					}
					return
				}
				n++
			}
			walk(v)
			return n
		}
		want := count(r.Values)
		if found {
			want -= count(value)
		}
		got := 0
		if extra != "" {
			var back map[string]any
			if err := json.Unmarshal([]byte(extra), &back); err != nil {
				t.Fatal(err)
			}
			got = count(back)
		}
		if got != want {
			t.Fatalf("Extra(%q) of %v has %d leaves, want %d: %s", path, r.Values, got, want, extra)
		}
	})
}
