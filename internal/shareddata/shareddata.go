// Package shareddata finds the third-party data that tests compare with. The
// data is never part of the repository: it lies in a directory `shared` beside
// the checkout, and a test that needs it skips, saying so, where it is absent.
package shareddata

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns the path of a file in the shared directory, for example
// Path(t, "golden", "prime-extract.jsonl.gz"), or skips the test.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			t.Fatal("no go.mod above the working directory")
		}
		root = parent
	}
	path := filepath.Join(append([]string{root, "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared data is absent (%v); put the project's shared directory beside the checkout to run this test", err)
	}
	return path
}
