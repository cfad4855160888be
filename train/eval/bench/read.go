package bench

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
)

// Read yields the rows of a benchmark, which is one or more files or directories,
// in their order. It ends with the first error, which names file, row and column.
//
// The ID of a row is that of the file, or the row's number (the line's, of JSON
// lines) if the file has none; "/fn" or "/tn" follows in HardVerify-Math's layout.
// Where the benchmark is more than one file, the file's name comes before it. An
// ID that occurs twice is an error.
func Read(paths []string, l Layout) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		r := reader{layout: l, seen: map[[16]byte]struct{}{}}
		if err := r.read(paths, func(row Row) bool { return yield(row, nil) }); err != nil {
			yield(Row{}, err)
		}
	}
}

// Files lists the files of a benchmark. Of the directory of a finished stage of
// ours these are the parts that hold labelled rows.
func Files(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		found, err := filesOf(path)
		if err != nil {
			return nil, fmt.Errorf("reading the benchmark: %w", err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, errors.New("no benchmark is named: name a file of labelled answers with --bench")
	}
	return files, nil
}

// labelledParts are the parts of our stages that hold labelled rows: those of
// balance and of export.
var labelledParts = []string{"examples-", "provenance-"}

func filesOf(path string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(path, manifest.Name)); err != nil {
		return rows.Parts(path) // no stage's directory
	}
	m, err := manifest.Require(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, output := range m.Outputs {
		for _, prefix := range labelledParts {
			if strings.HasPrefix(output.Path, prefix) && strings.HasSuffix(output.Path, ".parquet") {
				files = append(files, filepath.Join(path, output.Path))
			}
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s is a directory of stage %q, which has no labelled answers: name one of stage balance or export, or a file", path, m.Stage)
	}
	return files, nil
}

type reader struct {
	layout Layout
	seen   map[[16]byte]struct{} // IDs
	prefix string                // of IDs
}

// errStopped says that the consumer wants no more rows.
var errStopped = errors.New("stopped")

func (r *reader) read(paths []string, yield func(Row) bool) error {
	if err := r.layout.check(); err != nil {
		return err
	}
	files, err := Files(paths)
	if err != nil {
		return err
	}
	found := false
	for _, file := range files {
		if len(files) > 1 {
			r.prefix = filepath.Base(file) + ":"
		}
		err := r.file(file, func(row Row) bool {
			found = true
			return yield(row)
		})
		if errors.Is(err, errStopped) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if !found && r.layout.Split != "" {
		return fmt.Errorf("the benchmark %s has no row whose split is %q", strings.Join(paths, ", "), r.layout.Split)
	}
	if !found {
		return fmt.Errorf("the benchmark %s has no rows", strings.Join(paths, ", "))
	}
	return nil
}

// check refuses names that mean nothing.
func (l Layout) check() error {
	for _, name := range slices.Sorted(maps.Keys(l.Columns)) {
		if !slices.Contains(Columns(), name) {
			return fmt.Errorf("the benchmark's columns name %q, which is not ours; it may be one of: %s", name, strings.Join(Columns(), ", "))
		}
	}
	return nil
}

// file yields the rows of one file.
func (r *reader) file(path string, yield func(Row) bool) error {
	var paired bool
	first := true
	for rec, err := range rows.Records(path) {
		if err != nil {
			return fmt.Errorf("reading the benchmark: %w", err)
		}
		c := cells{rec: rec, path: path, columns: r.layout.Columns, prefix: r.prefix}
		if first {
			paired = c.has("fn_output") || c.has("tn_output")
			first = false
		}
		wanted, err := r.wanted(c)
		if err != nil {
			return err
		}
		if !wanted {
			continue
		}
		made, err := c.rows(paired)
		if err != nil {
			return err
		}
		for _, row := range made {
			if err := r.unique(c, row.ID); err != nil {
				return err
			}
			if !yield(row) {
				return errStopped
			}
		}
	}
	return nil
}

// wanted reports whether a row is of the split that is read.
func (r *reader) wanted(c cells) (bool, error) {
	if !c.has("split") {
		if r.layout.Split != "" {
			return false, c.missing("split", fmt.Sprintf("to read the split %q of", r.layout.Split))
		}
		return true, nil
	}
	split, err := c.optional("split")
	if err != nil {
		return false, err
	}
	if r.layout.Split == "" && split == rows.SplitTrain {
		return false, c.errorf("split", "is %q: a verifier proves nothing on rows that it may have been trained on; choose the split %q or %q", split, rows.SplitEval, rows.SplitHeldOut)
	}
	return r.layout.Split == "" || split == r.layout.Split, nil
}

func (r *reader) unique(c cells, id string) error {
	sum := sha256.Sum256([]byte(id))
	key := [16]byte(sum[:16])
	if _, twice := r.seen[key]; twice {
		return c.errorf("id", "is %q once more: ids must be unique in a benchmark, or name its column of ids", id)
	}
	r.seen[key] = struct{}{}
	return nil
}
