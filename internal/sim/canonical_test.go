package sim

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCanonicalHash(t *testing.T) {
	for _, same := range [][]string{
		{`{"a":1,"b":[true,null,"x"]}`, ` { "b" : [ true , null,"x" ],` + "\n\t" + `"a":1.0}`, `{"a":1e0,"b":[true,null,"\u0078"]}`, `{"\u0061":1,"b":[true,null,"x"]}`},
		{`"é<\/&"`, `"\u00e9\u003c/\u0026"`, `"\u00E9<\/&"`}, {`"😀"`, `"\ud83d\ude00"`, `"\uD83D\uDE00"`}, {`"\n\t\"\\\b\f\r"`, `"\u000a\u0009\u0022\u005c\u0008\u000c\u000d"`},
		{`"\ud800x"`, `"\ufffdx"`}, {`"\ud800\u0041"`, `"\ufffdA"`}, {`0.5`, `5e-1`}, {`{}`, ` {} `}, {`9007199254740993`, ` 9007199254740993`},
	} {
		for _, other := range same[1:] {
			if canonicalHash([]byte(same[0])) != canonicalHash([]byte(other)) {
				t.Errorf("%s and %s differ", same[0], other)
			}
		}
	}
	different := []string{
		`{"a":1}`, `{"a":2}`, `{"b":1}`, `{"a":"1"}`, `{"a":[1]}`, `{"a":1,"b":1}`, `{"a":{"b":1}}`, `{"b":{"a":1}}`, `[1,2]`, `[2,1]`, `[[1],2]`, `[1,[2]]`, `[]`, `{}`, `null`, `true`, `false`, `"true"`, `""`, `"a"`, `"ab"`, `["a","b"]`, `["ab"]`,
		`9007199254740993`, `9007199254740992`, `0.1`, `0.2`, `-1`, `1`, `{"a":1,"b":2}`, `{"a":2,"b":1}`, `{"a":"b","c":"d"}`, `{"a":"d","c":"b"}`,
	}
	seen := map[uint64]string{}
	for _, text := range different {
		h := canonicalHash([]byte(text))
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s hash alike", text, other)
		}
		seen[h] = text
	}
}

// TestCanonicalHashProperty: what encoding/json writes of what it has read hashes
// as what it has read.
func TestCanonicalHashProperty(t *testing.T) {
	texts := rapid.String()
	rapid.Check(t, func(t *rapid.T) {
		v := map[string]any{"messages": []any{map[string]any{"role": "user", "content": texts.Draw(t, "content")}}, texts.Draw(t, "name"): rapid.Float64().Draw(t, "number"), "seed": rapid.Int64().Draw(t, "seed")}
		plain, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var other bytes.Buffer
		e := json.NewEncoder(&other)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		if canonicalHash(plain) != canonicalHash(other.Bytes()) {
			t.Fatalf("%s and %s differ", plain, other.Bytes())
		}
	})
}

// FuzzUnquote compares with encoding/json on all strings that are valid JSON.
func FuzzUnquote(f *testing.F) {
	for _, text := range []string{`plain`, `\n\u00e9\ud83d\ude00`, `\ud800`, `\ud800\u0041x`, `\udc00\ud800`, "\xff\\n", `\"\\`, `é\/`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, inner []byte) {
		quoted := slices.Concat([]byte{'"'}, inner, []byte{'"'})
		var want string
		if json.Unmarshal(quoted, &want) == nil && unquote(quoted) != want {
			t.Errorf("%s: %q, want %q", quoted, unquote(quoted), want)
		}
	})
}

// FuzzCanonicalHash: no bytes make it fail or loop, and white space around tokens
// of valid JSON changes nothing.
func FuzzCanonicalHash(f *testing.F) {
	for _, text := range []string{`{"a":[1,"\u00e9\ud83d\ude00",null]}`, `"\ud8`, `[1,,]`, `{"a"}`, `"\`, `{:`, `]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1000 {
			return // the recursion is bounded by encoding/json for what is valid
		}
		h := canonicalHash(data)
		var spaced bytes.Buffer
		if json.Indent(&spaced, data, "\t", "  ") == nil && canonicalHash(spaced.Bytes()) != h {
			t.Errorf("%q and %q differ", data, spaced.Bytes())
		}
	})
}
