package llamafactory

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the validator says into testdata/cases.json; run check_loader.py after it")

const casesFile = "testdata/cases.json"

// found is a problem without its words.
type found struct {
	Row    int64  `json:"row"`
	Kind   string `json:"kind"`
	Effect Effect `json:"effect"`
}

// loaderCase is a line of cases.json, which check_loader.py runs through the loader.
type loaderCase struct {
	Name       string            `json:"name"`
	Entry      map[string]any    `json:"entry"`
	Rows       []json.RawMessage `json:"rows,omitempty"`
	Repeat     int               `json:"repeat,omitempty"` // of the first row; the loader is given padding in it, and this test a small batch
	Files      map[string]string `json:"files,omitempty"`
	Count      int64             `json:"count,omitempty"`
	Latin1     bool              `json:"latin1,omitempty"`
	NoFileName bool              `json:"no_file_name,omitempty"`
	Version    string            `json:"version,omitempty"`
	Reads      []string          `json:"reads,omitempty"`
	Problems   []found           `json:"problems,omitempty"`
}

// write makes the dataset_dir of a case.
func (c loaderCase) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	entry := maps.Clone(c.Entry)
	if _, ok := entry["file_name"]; !ok && !c.NoFileName {
		entry["file_name"] = "d.jsonl"
	}
	files := maps.Clone(c.Files)
	if files == nil {
		files = map[string]string{}
	}
	if c.Rows != nil {
		var lines bytes.Buffer
		for i, row := range c.Rows {
			if i == 0 && c.Repeat > 0 {
				lines.Write(bytes.Repeat(append(slices.Clone(row), '\n'), c.Repeat-1))
			}
			lines.Write(row)
			lines.WriteByte('\n')
		}
		files["d.jsonl"] = lines.String()
	}
	info, err := json.Marshal(map[string]any{"d": entry})
	if err != nil {
		t.Fatal(err)
	}
	files[InfoFile] = string(info)
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data := []byte(text)
		if c.Latin1 && name != InfoFile {
			data = nil
			for _, r := range text {
				data = append(data, byte(r))
			}
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readCases(t *testing.T) []loaderCase {
	t.Helper()
	data, err := os.ReadFile(casesFile)
	if err != nil {
		t.Fatal(err)
	}
	var cases []loaderCase
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&cases); err != nil {
		t.Fatalf("%s: %v", casesFile, err)
	}
	return cases
}

func TestRules(t *testing.T) {
	cases := readCases(t)
	kinds := map[string]bool{}
	for i, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			settled := batch
			if c.Repeat > 0 {
				settled = 10_000
			}
			report, err := validate(t.Context(), c.write(t), c.Version, 10, settled)
			if err != nil {
				t.Fatal(err)
			}
			var got []found
			for _, p := range report.Problems {
				t.Log(p)
				got = append(got, found{p.Row, p.Kind, p.Effect})
				kinds[p.Kind] = true
				if p.Dataset != "d" || p.File == "" && p.Kind != "not_local" && p.Kind != "no_file_name" || p.Detail == "" {
					t.Errorf("the problem does not say where and what: %+v", p)
				}
			}
			if *update {
				cases[i].Problems = got
				return
			}
			if diff := cmp.Diff(c.Problems, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
	if len(kinds) < 25 {
		t.Errorf("the cases show %d kinds of problems only", len(kinds))
	}
	if *update {
		var out bytes.Buffer
		out.WriteString("[\n")
		for i, c := range cases {
			var line bytes.Buffer
			enc := json.NewEncoder(&line)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(c); err != nil {
				t.Fatal(err)
			}
			out.Write(bytes.TrimSpace(line.Bytes()))
			if i < len(cases)-1 {
				out.WriteByte(',')
			}
			out.WriteByte('\n')
		}
		out.WriteString("]\n")
		if err := os.WriteFile(casesFile, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
