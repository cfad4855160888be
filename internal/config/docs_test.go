package config

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// TestDocs keeps the examples of the documentation free of keys that do not exist
// and values of the wrong type.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range yamlBlock.FindAllSubmatch(text, -1) {
			blocks++
			if _, err := decode(filepath.Base(page), m[1], &Config{}); err != nil {
				t.Errorf("%v, in:\n%s", err, m[1])
			}
		}
	}
	if blocks < 5 {
		t.Errorf("%d blocks of YAML found, so this test looks at nothing", blocks)
	}
}
