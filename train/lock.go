package train

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// lockFile is the name of the lock of a launch. Of node N > 0 it is train-nodeN.lock.
const lockFile = "train.lock"

// lock takes the lock of a launch. It is the kernel's, on an open file, and goes with
// the process however that ends, so it is never stale. The file only names its owner,
// and is never deleted: two processes could then lock two files of one name.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		defer f.Close()
		name := "another process"
		if data, err := io.ReadAll(io.LimitReader(f, 4096)); err == nil && len(data) > 0 {
			name = strings.TrimSpace(string(data))
		}
		return nil, fmt.Errorf("this training is being run by %s; `tinyv train status` shows how far it is", name)
	case err == nil:
		err = f.Truncate(0)
	}
	if err == nil {
		host, _ := os.Hostname()
		_, err = fmt.Fprintf(f, "process %d on host %q since %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %q: %w; without locks two trainings could write into one directory: take a directory on a file system that has them", path, err)
	}
	return func() {
		_ = f.Truncate(0) // the name is a courtesy
		_ = f.Close()
	}, nil
}
