// Package stagetest gives the tests of stages finished stages to read from.
package stagetest

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tinyv/internal/manifest"
	"tinyv/internal/progress"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
)

// Env is an environment that shows nothing and is never asked to stop.
func Env() stage.Env {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	return stage.Env{Log: log, Progress: progress.New(os.Stderr, log), Stop: make(chan struct{})}
}

// Finished returns the directory of a finished stage that holds the given rows.
func Finished[T any](t testing.TB, name, stem string, content []T, counts map[string]*manifest.Counts, figures map[string]int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	s, _, err := manifest.Begin(dir, name, nil, nil, []string{stem + "-*"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := rows.Create[T](dir, stem, "parquet", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range content {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Finish(w.Files(), counts, figures, nil, false); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Read returns all rows of a file or directory.
func Read[T any](t testing.TB, path string) []T {
	t.Helper()
	var all []T
	for row, err := range rows.Read[T](path) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// PeakMemory is the most memory that this process has held, in bytes; 0 where the
// system does not tell.
func PeakMemory() int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
