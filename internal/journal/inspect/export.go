package inspect

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"tinyv/internal/journal"
	"tinyv/internal/rows"
)

// exported is a reply with its key.
type exported struct {
	Key string `json:"key"`
	journal.Reply
}

// ErrFormat is in the error of exporting to a name of another ending.
var ErrFormat = errors.New("its name must end in .jsonl, .jsonl.gz or .jsonl.zst")

// Export writes every reply that counts as one JSON line, in the order in which
// they were kept. The file appears when it is whole. What could not be read is
// named on notes and makes the error; the other replies are exported all the same.
func Export(dir, out string, w, notes io.Writer) (err error) {
	if !strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(out, ".gz"), ".zst"), ".jsonl") {
		return fmt.Errorf("cannot export to %q: %w", out, ErrFormat)
	}
	r, err := journal.OpenReader(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	file, err := rows.CreateFile[exported](out)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Abort())
		}
	}()
	damaged := 0
	for rec, err := range r.All() {
		if damage := (*journal.Damage)(nil); errors.As(err, &damage) {
			damaged++
			fmt.Fprintln(notes, clean(damage.Error()))
			continue
		}
		if err != nil {
			return fmt.Errorf("exporting the journal %q: %w", dir, err)
		}
		if rec.Superseded {
			continue
		}
		if err := file.Write(exported{rec.Key.String(), rec.Reply}); err != nil {
			return err
		}
	}
	if err := file.Close(); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%d replies in %s\n", file.Rows(), clean(out)); err != nil {
		return err
	}
	if damaged > 0 {
		return fmt.Errorf("%d damaged places of the journal %q are not in %q", damaged, dir, out)
	}
	return nil
}
