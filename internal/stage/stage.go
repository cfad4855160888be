// Package stage holds what every stage of a run is given, and what all of them
// do alike: stop when asked to, and list the rows they drop.
package stage

import (
	"errors"
	"iter"
	"log/slog"

	"tinyv/internal/manifest"
	"tinyv/internal/progress"
	"tinyv/internal/rows"
)

// ErrInterrupted is returned by a stage that stopped because it was asked to.
// What it wrote is whole, and the same command resumes.
var ErrInterrupted = errors.New("interrupted; the same command resumes where it stopped")

// Env is what a stage works with.
type Env struct {
	Log      *slog.Logger
	Progress *progress.Progress

	// Stop asks a stage to begin nothing new, wait for the replies that are
	// already being paid for, and return ErrInterrupted. The context that a
	// stage is called with ends everything at once.
	Stop <-chan struct{}
}

// Until passes rows on until the stage is asked to stop; then it yields ErrInterrupted.
func Until[T any](stop <-chan struct{}, in iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range in {
			select {
			case <-stop:
				var zero T
				yield(zero, ErrInterrupted)
				return
			default:
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// Workers is how many rows a stage takes up at once where its models take
// concurrency requests at once: some more, since a row whose request waits to be
// tried again keeps its worker and no place at the model.
func Workers(concurrency int) int { return concurrency + concurrency/4 + 1 }

// Window bounds the rows that are done, or under way, behind the oldest that is
// not: enough for a request that takes a hundred times as long as others, few
// enough to be held in memory.
func Window(concurrency int) int {
	return max(min(16*concurrency, 16384), 256, Workers(concurrency))
}

// RejectedStem is the stem of the file in which a stage lists the rows it dropped.
const RejectedStem = "rejected"

// RejectedFile is that file's name.
const RejectedFile = RejectedStem + ".jsonl"

// Rejects counts dropped rows, and lists each with its reason and place.
type Rejects struct {
	Counts *manifest.Counts
	file   *rows.Writer[rows.Rejected]
}

// NewRejects makes the reject file at path and counts into counts.
func NewRejects(path string, counts *manifest.Counts) (*Rejects, error) {
	file, err := rows.CreateFile[rows.Rejected](path)
	if err != nil {
		return nil, err
	}
	return &Rejects{Counts: counts, file: file}, nil
}

// Drop counts and lists one row.
func (r *Rejects) Drop(row rows.Rejected) error {
	r.Counts.Drop(row.Reason)
	return r.List(row)
}

// List lists a row that is counted elsewhere.
func (r *Rejects) List(row rows.Rejected) error { return r.file.Write(row) }

// Close makes the reject file whole.
func (r *Rejects) Close() error { return r.file.Close() }

// Abort removes the unfinished reject file; it does nothing after Close.
func (r *Rejects) Abort() error { return r.file.Abort() }
