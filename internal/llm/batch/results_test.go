package batch

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseResult(t *testing.T) {
	tests := []struct {
		name, line string
		status     int
		code, body string // no body = not a result
	}{
		{"answer", `{"id":"r","custom_id":"a","response":{"status_code":200,"request_id":"q","body":{"x":1}},"error":null}`, 200, "", `{"x":1}`},
		{"without error", `{"custom_id":"a","response":{"status_code":200,"body":{}}}`, 200, "", `{}`},
		{"refusal", `{"custom_id":"a","response":{"status_code":400,"body":{"error":{}}},"error":null}`, 400, "", `{"error":{}}`},
		{"refusal with an error too", `{"custom_id":"a","response":{"status_code":400,"body":{"e":1}},"error":{"code":"c"}}`, 400, "", `{"e":1}`},
		{"expired", `{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"m"}}`, 500, codeExpired, `{"error":{"code":"batch_expired","message":"m"}}`},
		{"status as code", `{"custom_id":"a","error":{"code":429}}`, 429, "", `{"error":{"code":429}}`},
		{"odd code", `{"custom_id":"a","error":{"code":7}}`, 500, "", `{"error":{"code":7}}`},
		{"error as text", `{"custom_id":"a","error":"oh"}`, 500, "", `{"error":"oh"}`},
		{"an answer without a body but an error", `{"custom_id":"a","response":{"status_code":200,"body":null},"error":{"code":"c"}}`, 500, "c", `{"error":{"code":"c"}}`},
		{name: "success that says nothing", line: `{"custom_id":"a","response":{"status_code":200}}`},
		{name: "no status", line: `{"custom_id":"a","response":{"body":{}}}`},
		{name: "odd status", line: `{"custom_id":"a","response":{"status_code":99,"body":{}}}`},
		{name: "nothing", line: `{"custom_id":"a","response":null,"error":null}`},
		{name: "nobody's", line: `{"response":{"status_code":200,"body":{}}}`},
		{name: "half", line: `{"custom_id":"a","response":{"sta`},
		{name: "another type", line: `[1]`},
		{name: "empty", line: ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, body, ok := parseResult([]byte(tt.line))
			if ok != (tt.body != "") || string(body) != tt.body || got.status != tt.status || got.code != tt.code || ok && got.id != "a" {
				t.Errorf("got %+v, %s, %v", got, body, ok)
			}
		})
	}
}

func FuzzParseResult(f *testing.F) {
	f.Add([]byte(`{"custom_id":"a","response":{"status_code":200,"body":{}},"error":null}`))
	f.Add([]byte(`{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"m"}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, body, ok := parseResult(line)
		if !ok {
			return
		}
		if got.id == "" || got.status < 100 || got.status > 599 || len(body) > 0 && !json.Valid(body) || got.success() && len(body) == 0 {
			t.Errorf("%q: %+v, %s", line, got, body)
		}
	})
}

func TestRequestLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[0-9a-zA-Z_-]{1,64}`).Draw(t, "id")
		content := rapid.String().Draw(t, "content")
		body, err := json.MarshalIndent(map[string]any{"custom_id": content, "body": id}, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		line, err := inputLine(id, body)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := lineID(line); !ok || got != id {
			t.Errorf("the id is %q, was %q", got, id)
		}
		var back struct {
			ID   string            `json:"custom_id"`
			Body map[string]string `json:"body"`
		}
		if err := json.Unmarshal(line, &back); err != nil || back.ID != id || bytes.Count(line, []byte("\n")) != 1 || back.Body["body"] != id {
			t.Errorf("%s: %+v, %v", line, back, err)
		}
	})
}

// Lines come whole, with their places, however long they are.
func TestEachLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	rapid.Check(t, func(t *rapid.T) {
		var data []byte
		for range rapid.IntRange(0, 3).Draw(t, "lines") {
			n := rapid.SampledFrom([]int{0, 1, 50, 256<<10 - 1, 256 << 10, 256<<10 + 1, 600 << 10}).Draw(t, "length")
			data = append(data, bytes.Repeat([]byte("x"), n)...)
			data = append(data, '\n')
		}
		data = append(data, rapid.SampledFrom([]string{"", "end"}).Draw(t, "last")...)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		type line struct {
			n    int
			at   int64
			text string
		}
		var want, got []line
		at := int64(0)
		for l := range bytes.Lines(data) {
			want = append(want, line{len(want) + 1, at, string(l)})
			at += int64(len(l))
		}
		err := eachLine(path, func(n int, at int64, l []byte) error {
			got = append(got, line{n, at, string(l)})
			return nil
		})
		if err != nil || !cmp.Equal(want, got, cmp.AllowUnexported(line{})) {
			t.Errorf("%d lines, want %d (%v)", len(got), len(want), err)
		}
	})
}
