//go:build unix

package durable

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tinyv/internal/stagetest/fulldisk"
)

// A full disk leaves what was there, and nothing beside it.
func TestDiskFull(t *testing.T) {
	if !fulldisk.Alone(t) {
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, 20<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() error{
		"WriteFile": func() error { return WriteFile(path, make([]byte, 20<<10)) },
		"CopyFile":  func() error { return CopyFile(large, path) },
	} {
		var err error
		fulldisk.At(t, 10<<10, func() { err = write() })
		if !errors.Is(err, syscall.EFBIG) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s gives %v", name, err)
		}
		if data, err := os.ReadFile(path); string(data) != "old" || len(names(t, dir)) != 1 {
			t.Errorf("%s leaves %q (%v) among %q", name, data, err, names(t, dir))
		}
	}
}
