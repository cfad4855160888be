// Package lock keeps two processes from working in one place.
//
// A lock is the kernel's, on an open file, and goes with the process however that
// ends, so that none is ever stale and none is to be removed by hand. What the file
// holds only names the owner, for whoever is refused. It is never deleted: two
// processes could then lock two files of one name.
package lock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Lock is a lock that this process has.
type Lock struct{ file *os.File }

// HeldError says that another process has the lock, or another part of this one.
type HeldError struct{ By string }

func (e *HeldError) Error() string { return "it is in use by " + e.By }

// Take takes the lock on a file, which it makes if need be. It does not wait: the
// error of a lock that is taken is a *HeldError.
func Take(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &HeldError{By: readOwner(f)}
		}
		return nil, refused(path, err)
	}
	if err := writeOwner(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing %q: %w", path, err)
	}
	return &Lock{f}, nil
}

// Release takes the name out and lets go of the lock. It unlocks before it closes:
// a process that is being started at this moment has the file open too, and closing
// alone would leave the lock to it until it is another program. The name is only a
// courtesy, and what cannot be unlocked is closed, so errors are of no consequence.
func (l *Lock) Release() {
	_ = l.file.Truncate(0)
	_ = flock(l.file, syscall.LOCK_UN)
	_ = l.file.Close()
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// refused says what to do where locks are not to be had: to go on without would let
// two processes write into each other's files.
func refused(path string, err error) error {
	if errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("locking %q: its file system has no file locks (%w), without which two processes could spoil each other's files; "+
			"work in a directory on a local disk, or have the file system mounted with locks", path, err)
	}
	return fmt.Errorf("locking %q: %w", path, err)
}

// owner names the process that has a lock.
type owner struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func (o owner) String() string {
	text := fmt.Sprintf("process %d on host %q", o.PID, o.Host)
	if o.Command != "" { // earlier versions named none
		text += fmt.Sprintf(" (%s)", o.Command)
	}
	text += " since " + o.Since.Format(time.RFC3339)
	if host, err := os.Hostname(); err == nil && host != o.Host {
		// A file server takes some time to notice.
		text += ", whose lock ends a few minutes after that host if it is lost"
	}
	return text
}

// command is the program and what it was told to do, without flags: the value of a
// flag may be a secret.
func command(args []string) string {
	words := []string{filepath.Base(args[0])}
	for _, arg := range args[1:] {
		if strings.HasPrefix(arg, "-") {
			break
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

func readOwner(f *os.File) string {
	// The owner may be between locking and writing its name, so an empty or
	// half-written file is no fault.
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	var o owner
	if err != nil || json.Unmarshal(data, &o) != nil {
		return "another process"
	}
	return o.String()
}

func writeOwner(f *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	data, err := json.Marshal(owner{PID: os.Getpid(), Host: host, Command: command(os.Args), Since: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(data, '\n'), 0)
	return err
}
