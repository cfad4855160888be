package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// apiFile is a file as the API shows it.
type apiFile struct {
	ID        string `json:"id"`
	Object    string `json:"object"`
	Bytes     int64  `json:"bytes"`
	CreatedAt int64  `json:"created_at"`
	Filename  string `json:"filename"`
	Purpose   string `json:"purpose"`
	Status    string `json:"status"`
	Simulated bool   `json:"simulated"`
}

// storedFile is a file of the Batch API. Without a directory its data has no name
// on disk, so that nothing is left behind, however the server ends.
type storedFile struct {
	apiFile
	Number int `json:"number"` // in the order of creation

	data *os.File // one that was deleted is closed when nobody reads it any more
}

func (f *storedFile) reader() *io.SectionReader { return io.NewSectionReader(f.data, 0, f.Bytes) }

// newData opens a file to write what will be a storedFile.
func (o Batch) newData() (*os.File, error) {
	f, err := os.CreateTemp(o.Dir, "sim-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("making a file of the Batch API: %w", err)
	}
	if o.Dir == "" {
		if err := os.Remove(f.Name()); err != nil {
			return nil, errors.Join(fmt.Errorf("making a file of the Batch API: %w", err), f.Close())
		}
	}
	return f, nil
}

// discard gives up a file of newData.
func (o Batch) discard(f *os.File) {
	_ = f.Close() // nothing in it is wanted
	if o.Dir != "" {
		_ = os.Remove(f.Name()) // the next server removes what stays
	}
}

// store makes a file of data that is wholly written.
func (b *batches) store(data *os.File, name, purpose string) (*storedFile, error) {
	size, err := data.Seek(0, io.SeekEnd)
	if err != nil {
		b.options.discard(data)
		return nil, fmt.Errorf("storing file %s of the Batch API: %w", name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f := &storedFile{data: data, Number: b.nextNumber(), apiFile: apiFile{
		Object: "file", Bytes: size, CreatedAt: time.Now().Unix(), Filename: name, Purpose: purpose, Status: "processed", Simulated: true,
	}}
	f.ID = fmt.Sprintf("file-%s%06d", b.start, f.Number)
	if b.options.Dir != "" {
		if err := os.Rename(data.Name(), b.path(f.ID, ".data")); err != nil {
			b.options.discard(data)
			return nil, fmt.Errorf("storing file %s of the Batch API: %w", name, err)
		}
	}
	if err := b.keep(f.ID, f); err != nil {
		return nil, err
	}
	b.files = append(b.files, f)
	return f, nil
}

// remove deletes a file; whoever reads it still reads it to its end.
func (b *batches) remove(id string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.files, func(f *storedFile) bool { return f.ID == id })
	if at < 0 {
		return false, nil
	}
	b.files = slices.Delete(b.files, at, at+1)
	if b.options.Dir == "" {
		return true, nil
	}
	// Data without a description is removed by the next server.
	if err := errors.Join(os.Remove(b.path(id, ".json")), os.Remove(b.path(id, ".data"))); err != nil {
		return true, fmt.Errorf("deleting file %s of the Batch API: %w", id, err)
	}
	return true, nil
}

func (b *batches) path(id, suffix string) string { return filepath.Join(b.options.Dir, id+suffix) }

// keep writes the description of a file or batch for the next server.
func (b *batches) keep(id string, v any) error {
	if b.options.Dir == "" {
		return nil
	}
	data, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(b.path(id, ".json.tmp"), data, 0o644)
	}
	if err == nil {
		err = os.Rename(b.path(id, ".json.tmp"), b.path(id, ".json"))
	}
	if err != nil {
		return fmt.Errorf("keeping %s of the Batch API: %w", id, err)
	}
	return nil
}

// load takes over what a server before kept, and removes what it did not finish.
func (b *batches) load() error {
	dir := b.options.Dir
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the directory of the Batch API: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the directory of the Batch API: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		id, isDescription := strings.CutSuffix(e.Name(), ".json")
		data, isData := strings.CutSuffix(e.Name(), ".data")
		switch {
		case strings.HasSuffix(e.Name(), ".tmp"):
			err = os.Remove(filepath.Join(dir, e.Name()))
		case isData && strings.HasPrefix(data, "file-"):
			err = b.removeUndescribed(data)
		case isDescription && strings.HasPrefix(id, "file-"):
			err = b.loadFile(id)
		case isDescription && strings.HasPrefix(id, "batch_"):
			err = b.loadBatch(id)
		}
		if err != nil {
			return fmt.Errorf("taking over %s of the Batch API: %w", e.Name(), err)
		}
	}
	slices.SortFunc(b.files, func(x, y *storedFile) int { return x.Number - y.Number })
	slices.SortFunc(b.all, func(x, y *batch) int { return x.Number - y.Number })
	return nil
}

// removeUndescribed removes data that nobody was told of, or that was half deleted.
func (b *batches) removeUndescribed(id string) error {
	if _, err := os.Stat(b.path(id, ".json")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Remove(b.path(id, ".data"))
}

func (b *batches) loadFile(id string) error {
	f := new(storedFile)
	if err := b.description(id, f); err != nil {
		return err
	}
	data, err := os.Open(b.path(id, ".data"))
	if errors.Is(err, fs.ErrNotExist) {
		return os.Remove(b.path(id, ".json")) // half deleted
	}
	if err != nil {
		return err
	}
	f.data = data
	b.files = append(b.files, f)
	b.last = max(b.last, f.Number)
	return nil
}

func (b *batches) loadBatch(id string) error {
	x := new(batch)
	if err := b.description(id, &x.batchRecord); err != nil {
		return err
	}
	b.all = append(b.all, x)
	b.last = max(b.last, x.Number)
	return nil
}

func (b *batches) description(id string, v any) error {
	data, err := os.ReadFile(b.path(id, ".json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// close closes the files; no request may be under way.
func (b *batches) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, f := range b.files {
		errs = append(errs, f.data.Close())
	}
	b.files = nil
	return errors.Join(errs...)
}
