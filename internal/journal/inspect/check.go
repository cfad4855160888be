package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"tinyv/internal/journal"
)

// DamagedError is the error of Verify when it has found damage.
type DamagedError struct {
	Dir     string
	Damages int64
}

// Error says what to do.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the journal %q has %d damages; tinyv journal compact drops damaged records and makes indexes anew, and what they held is asked again", e.Dir, e.Damages)
}

// Verify reads everything and prints each damage.
func Verify(dir string, w io.Writer) error {
	var failed error
	v, err := journal.Verify(dir, func(d *journal.Damage) {
		kind := "damaged"
		if d.Torn {
			kind = "unfinished, of a running or a killed process"
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", kind, clean(d.Error())); err != nil && failed == nil {
			failed = err
		}
		if d.Begins != "" {
			fmt.Fprintf(w, "    begins %s\n", cut(d.Begins, 120))
		}
	})
	if err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	if v.Damages > 0 {
		return &DamagedError{dir, v.Damages}
	}
	_, err = fmt.Fprintf(w, "sound: %d replies, %d keys, %d segments, %d bytes\n", v.Replies, v.Keys, v.Segments, v.Bytes)
	return err
}

// Compact compacts the journal and prints what that did.
func Compact(ctx context.Context, dir string, log *slog.Logger, w io.Writer) error {
	c, err := journal.Compact(ctx, dir, log)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `segments     %d, rewritten %d
superseded   %d replies dropped, %d bytes
damaged      %d records dropped, %d bytes
on disk      %d bytes, was %d
`, c.Segments, c.Rewritten, c.Superseded.Count, c.Superseded.Bytes, c.Damaged.Count, c.Damaged.Bytes, c.After, c.Before)
	return err
}
