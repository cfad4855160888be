package progress_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"tinyv/internal/progress"
)

// Without a terminal there is no bar, and what Start began Finish ends.
func TestWithoutTerminal(t *testing.T) {
	defer goleak.VerifyNone(t)
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var log bytes.Buffer
	b := progress.New(f, slog.New(slog.NewTextHandler(&log, nil))).Start("sampling", 10, nil)
	for range 10 {
		b.Add(1)
	}
	b.Finish()
	if info, err := f.Stat(); err != nil || info.Size() != 0 || log.Len() != 0 {
		t.Errorf("short work wrote %v bytes and logged %q", info.Size(), log.String())
	}
}
