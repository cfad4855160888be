package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "manifest.json")
	for _, data := range []string{"first, and longer", "", "second"} {
		if err := WriteFile(path, []byte(data)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != data {
			t.Errorf("read back %q, %v; want %q", got, err, data)
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the directory has %q", got)
	}

	if err := WriteFile(filepath.Join(dir, "gone", "x"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a directory that is not there: %v", err)
	}
	target := filepath.Join(dir, "a directory")
	if err := os.Mkdir(target, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(target, []byte("x")); err == nil || strings.Count(err.Error(), "a directory") != 1 {
		t.Errorf("in place of a directory: %v", err)
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("an error leaves %q", got)
	}
}

// What ends the writing, and is no matter of the file, is told as it is.
func TestWriteBy(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone")
	err := WriteBy(filepath.Join(dir, "new"), func(w io.Writer) error {
		_, err := os.ReadFile(gone)
		return fmt.Errorf("record 3: %w", err)
	})
	if err == nil || !strings.HasPrefix(err.Error(), "record 3: open "+gone) {
		t.Errorf("the error is %v", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the directory has %q", got)
	}
}

func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"new" + Suffix}) {
		t.Errorf("while it is written the directory has %q", got)
	}
	if err := f.Discard(); err != nil || len(names(t, dir)) != 0 {
		t.Errorf("%v; the directory has %q", err, names(t, dir))
	}
}

func TestMakeDir(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b", "c")
	for range 2 { // the second time it is there
		if err := MakeDir(deep); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(deep); err != nil || !info.IsDir() {
			t.Fatal(err)
		}
	}
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := MakeDir(file); !errors.Is(err, os.ErrExist) {
		t.Errorf("in place of a file: %v", err)
	}
	t.Chdir(root)
	if err := MakeDir(filepath.Join("d", "e")); err != nil {
		t.Error(err)
	}
}

// Some file systems cannot flush a directory, which is no fault of a disk.
func TestCannotSync(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{syscall.EINVAL: true, syscall.ENOTSUP: true, syscall.ENOSYS: true, syscall.EIO: false, syscall.ENOSPC: false} {
		if got := cannotSync(&os.PathError{Op: "sync", Path: "/", Err: errno}); got != want {
			t.Errorf("%v: %t", errno, got)
		}
	}
}
