package tinyv_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// stages are the packages that must not know one another.
var stages = []string{"tinyv/gen", "tinyv/label", "tinyv/balance", "tinyv/export", "tinyv/train"}

// forTests are the packages that no program may be made of.
var forTests = []string{"tinyv/internal/stagetest", "tinyv/internal/shareddata", "tinyv/train/traintest"}

// only says which packages alone may import a module.
var only = map[string][]string{
	"github.com/sashabaranov/go-openai": {"tinyv/internal/llm", "tinyv/internal/llm/batch"},
	"github.com/parquet-go/parquet-go":  {"tinyv/internal/rows"},
	"github.com/urfave/cli/v2":          {"tinyv/cmd/tinyv"},
	"go.yaml.in/yaml/v3":                {"tinyv/internal/config", "tinyv/verify/model", "tinyv/train/traintest"},
	"gonum.org/v1/plot":                 {"tinyv/train", "tinyv/train/ablation", "tinyv/train/eval/page"},
	"github.com/cheggaaa/pb/v3":         {"tinyv/internal/progress"},
	"tinyv/internal/journal":            {"tinyv/internal/llm", "tinyv/internal/pipeline", "tinyv/internal/journal/inspect", "tinyv/cmd/tinyv"},
}

// TestLayout keeps the rules of the design that a compiler does not.
func TestLayout(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	packages := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages++
		for _, imported := range p.Imports {
			for _, broken := range breaks(p.ImportPath, imported) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, broken)
			}
		}
	}
	if packages < 10 {
		t.Errorf("go list found %d packages only; this test looks at nothing", packages)
	}
}

// breaks lists the rules that one import breaks.
func breaks(importer, imported string) []string {
	var broken []string
	stageOf := func(path string) string {
		for _, s := range stages {
			if path == s || strings.HasPrefix(path, s+"/") {
				return s
			}
		}
		return ""
	}
	if from, to := stageOf(importer), stageOf(imported); from != "" && to != "" && from != to {
		broken = append(broken, "stages do not import one another; they meet in internal/rows and in files")
	}
	if importer == "tinyv/verify" && strings.HasPrefix(imported, "tinyv/") {
		broken = append(broken, "package verify imports nothing of the project")
	}
	if strings.HasPrefix(imported, "tinyv/cmd/") {
		broken = append(broken, "nothing imports a command")
	}
	if importer != "tinyv/cmd/tinyv" && importer != "tinyv/internal/pipeline" && imported == "tinyv/internal/config" {
		broken = append(broken, "only cmd and internal/pipeline know the config; stages take options")
	}
	for _, t := range forTests {
		below := func(path string) bool { return path == t || strings.HasPrefix(path, t+"/") }
		if below(imported) && !below(importer) {
			broken = append(broken, "only tests may")
		}
	}
	if importers, ruled := only[imported]; ruled && !slices.Contains(importers, importer) {
		broken = append(broken, "only "+strings.Join(importers, ", ")+" may")
	}
	return broken
}

// TestLayoutFindsBreaks keeps the rules from being rules that nothing can break.
func TestLayoutFindsBreaks(t *testing.T) {
	for _, c := range [][2]string{
		{"tinyv/gen", "tinyv/label"},
		{"tinyv/train/eval", "tinyv/export"},
		{"tinyv/verify", "tinyv/internal/rows"},
		{"tinyv/label", "github.com/sashabaranov/go-openai"},
		{"tinyv/balance", "tinyv/internal/config"},
		{"tinyv/internal/rows", "tinyv/internal/stagetest/golden"},
	} {
		if len(breaks(c[0], c[1])) == 0 {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
	for _, c := range [][2]string{{"tinyv/train/eval", "tinyv/train"}, {"tinyv/gen", "tinyv/internal/rows"}, {"tinyv/verify/model", "tinyv/verify"}, {"tinyv/internal/stagetest/golden", "tinyv/internal/stagetest"}} {
		if b := breaks(c[0], c[1]); len(b) > 0 {
			t.Errorf("%s may not import %s: %v", c[0], c[1], b)
		}
	}
}
