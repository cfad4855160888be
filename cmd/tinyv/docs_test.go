package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```")

// TestDocs runs the commands of the documentation, page by page, as a reader would
// in a clone, and compares what they print where the page shows it.
func TestDocs(t *testing.T) {
	root := filepath.Join("..", "..")
	work := t.TempDir()
	for _, dir := range []string{"configs", "examples"} {
		if err := os.CopyFS(filepath.Join(work, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			t.Fatal(err)
		}
	}
	commands := 0
	// In the order in which the stages follow one another.
	for _, page := range []string{"README.md", "docs/gen.md", "docs/verify.md", "docs/label.md", "docs/balance.md", "docs/export.md", "docs/train.md", "docs/journal.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range consoleBlock.FindAllStringSubmatch(string(text), -1) {
			for _, example := range strings.Split("\n"+block[1], "\n$ ")[1:] {
				command, want, _ := strings.Cut(example, "\n")
				commands++
				cmd := exec.Command("sh", "-c", strings.ReplaceAll(command, "bin/tinyv", "tinyv"))
				cmd.Dir = work
				var stderr strings.Builder
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Errorf("%s: %s: %v\n%s", page, command, err, stderr.String())
				}
				if want != "" && string(out) != want {
					t.Errorf("%s: %s\nprinted:\n%s\nand the page says:\n%s", page, command, out, want)
				}
			}
		}
	}
	if commands < 7 {
		t.Errorf("%d commands found, so this test looks at too little", commands)
	}
}
