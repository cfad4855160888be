package pipeline

import (
	"sync"
	"testing"

	"tinyv/balance"
	"tinyv/internal/config"
)

// Slurm runs cells side by side, and each job writes the table of all.
func TestRecordSideBySide(t *testing.T) {
	a := Ablate{Request: Request{Config: &config.Config{}, Out: t.TempDir()}}
	var jobs sync.WaitGroup
	for range 4 {
		jobs.Go(func() {
			for range 5 {
				if _, err := a.record(t.Context(), &balance.GridResult{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	jobs.Wait()
}
