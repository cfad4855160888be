package batch

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// The lock is the kernel's, on an open file, so it goes with the process
// however that dies. The file holds the owner's name, for whoever is refused,
// and is never deleted: two processes could then lock two files of one name.
const lockName = "batches.lock"

func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %q: %w", path, err)
		}
		name := "another process"
		if data, err := os.ReadFile(path); err == nil && len(data) > 0 {
			name = strings.TrimSpace(string(data))
		}
		return nil, fmt.Errorf("it is in use by %s; wait for it to end", name)
	}
	host, err := os.Hostname()
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintf(f, "process %d on host %q\n", os.Getpid(), host)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("writing %q: %w", path, err)
	}
	return f, nil
}
