// Package durable writes files that are there whole or not at all, also after a
// crash or, as far as fsync tells the truth, a power failure.
//
// A file is written under its name with [Suffix] added, flushed to disk and renamed,
// and the rename is flushed too. What a killed process leaves under the longer name
// is written over by the next one.
package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Suffix is what the name of a file ends in until the file is whole.
const Suffix = ".tmp"

// File is a file in the making. It ends with Commit or Discard.
type File struct {
	path string // once it is whole
	file *os.File
}

// Create begins a file.
func Create(path string) (*File, error) {
	file, err := os.Create(path + Suffix)
	if err != nil {
		return nil, fmt.Errorf("creating %q: %w", path+Suffix, Cause(err))
	}
	return &File{path, file}, nil
}

// Write appends to the file.
func (f *File) Write(p []byte) (int, error) { return f.file.Write(p) }

// ReadFrom lets the kernel copy from one file to another.
func (f *File) ReadFrom(r io.Reader) (int64, error) { return f.file.ReadFrom(r) }

// Commit closes the file and gives it its name. After an error it is removed, and
// what had the name before stays.
func (f *File) Commit() error {
	err := f.file.Sync()
	if closing := f.file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.file.Name(), f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %q: %w", f.path, Cause(err)), f.remove())
	}
	return SyncDir(filepath.Dir(f.path))
}

// Discard gives the file up.
func (f *File) Discard() error {
	f.file.Close() // nothing in it is wanted
	return f.remove()
}

func (f *File) remove() error {
	if err := os.Remove(f.file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %q: %w", f.file.Name(), Cause(err))
	}
	return nil
}

// WriteFile writes a whole small file. A reader sees the old content or the new,
// never a part.
func WriteFile(path string, data []byte) error {
	return WriteBy(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// CopyFile writes the content of a file to another path.
func CopyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("opening %q: %w", from, Cause(err))
	}
	defer in.Close()
	return WriteBy(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// WriteBy makes a file of what write writes.
func WriteBy(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		// What else failed, such as reading what is written, tells of itself.
		if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path == f.file.Name() {
			err = fmt.Errorf("writing %q: %w", path, e.Err)
		}
		return errors.Join(err, f.Discard())
	}
	return f.Commit()
}

// MakeDir makes a directory and its missing parents, and their names last.
func MakeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MakeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		// Another process may have made it meanwhile.
		if info, there := os.Stat(dir); there != nil || !info.IsDir() {
			return fmt.Errorf("making directory %q: %w", dir, Cause(err))
		}
	}
	return SyncDir(parent)
}

// SyncDir makes what was made, renamed or removed in a directory last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("opening directory %q: %w", dir, Cause(err))
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !cannotSync(err) {
		return fmt.Errorf("flushing directory %q: %w", dir, Cause(err))
	}
	return nil
}

// cannotSync tells the error of a file system that has no flushing of directories
// from that of a disk: some network file systems have none, and what is done in
// their directories lasts as it is.
func cannotSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}

// Cause leaves out of an error of package os the operation and the paths, for
// messages that name the file themselves.
func Cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
