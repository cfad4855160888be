package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// The lock is an flock on this file, which the kernel drops when the process
// dies, however it dies. What the file holds only names the owner. It is never
// deleted: two processes could then lock two files of one name.
const lockName = "journal.lock"

// owner names the process that has the journal open.
type owner struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

func (o owner) String() string {
	return fmt.Sprintf("process %d on host %q since %s", o.PID, o.Host, o.Since.Format(time.RFC3339))
}

func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("it is in use by %s; wait for it to end or name another journal", readOwner(f))
		}
		return nil, lockError(path, err)
	}
	if err := writeOwner(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing %q: %w", path, err)
	}
	return f, nil
}

// lockError says what to do where locks are not to be had: to go on without would
// let two runs write into each other's replies.
func lockError(path string, err error) error {
	if errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("locking %q: its file system has no file locks (%w), without which two runs could spoil each other's replies; "+
			"put the journal on a local disk, or have the file system mounted with locks", path, err)
	}
	return fmt.Errorf("locking %q: %w", path, err)
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
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
	data, err := json.Marshal(owner{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(data, '\n'), 0)
	return err
}

// release takes the name out and lets go of the lock. The name is only a
// courtesy, and closing the file is what unlocks, so errors are of no
// consequence.
func release(f *os.File) {
	_ = f.Truncate(0)
	_ = f.Close()
}
