package lock

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func mustTake(t *testing.T, path string) *Lock {
	t.Helper()
	l, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// refusal is the error of taking a lock that another has.
func refusal(t *testing.T, path string) string {
	t.Helper()
	_, err := Take(path)
	if _, held := errors.AsType[*HeldError](err); !held {
		t.Fatalf("the error is %v", err)
	}
	return err.Error()
}

func TestTakeAndRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	l := mustTake(t, path)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("it is in use by process %d on host %q (lock.test) since 2", os.Getpid(), host)
	if got := refusal(t, path); !strings.HasPrefix(got, want) || strings.Contains(got, "lost") {
		t.Errorf("refused with %q, want %q", got, want)
	}
	l.Release()
	if data, err := os.ReadFile(path); err != nil || len(data) > 0 {
		t.Errorf("after the release the file holds %q, %v", data, err)
	}
	mustTake(t, path).Release()
}

// A process that another part of the program is just starting has all open files until
// it becomes the other program. That must not hold up who comes next.
func TestReleaseWhileAProcessStarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	l := mustTake(t, path)
	inherited, err := syscall.Dup(int(l.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	l.Release()
	mustTake(t, path).Release()
}

// What names the owner is for people, and may be of another version, or half there.
func TestOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	defer mustTake(t, path).Release()
	for content, want := range map[string]string{
		"":         "it is in use by another process",
		`{"pid":7`: "it is in use by another process",
		`{"pid":7,"host":"elsewhere","since":"2026-01-02T03:04:05Z"}`: `it is in use by process 7 on host "elsewhere" since 2026-01-02T03:04:05Z, ` +
			"whose lock ends a few minutes after that host if it is lost",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := refusal(t, path); got != want {
			t.Errorf("%q: %q", content, got)
		}
	}
}

const holds = "TINYV_TEST_HOLDS"

// A lock goes with the process, also when that is killed. The name that it left is
// not taken for a lock.
func TestKilledOwner(t *testing.T) {
	if path := os.Getenv(holds); path != "" {
		mustTake(t, path)
		fmt.Println("taken")
		_, _ = io.Copy(io.Discard, os.Stdin) // which lasts until it is killed
	}
	path := filepath.Join(t.TempDir(), "a.lock")
	child := exec.Command(os.Args[0], "-test.run=^TestKilledOwner$")
	child.Env = append(os.Environ(), holds+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanln(out, new(string)); err != nil {
		t.Fatal(err)
	}
	if got := refusal(t, path); !strings.Contains(got, fmt.Sprintf("process %d on", child.Process.Pid)) {
		t.Errorf("refused with %q", got)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	mustTake(t, path).Release()
}

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"/usr/bin/tinyv", "train", "launch", "--out", "runs/a"}, "tinyv train launch"},
		{[]string{"tinyv", "eval", "--serve-arg=--api-key=secret", "secret"}, "tinyv eval"},
		{[]string{"tinyv"}, "tinyv"},
	} {
		if got := command(c.args); got != c.want {
			t.Errorf("%q: %q", c.args, got)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOLCK, syscall.EOPNOTSUPP, syscall.ENOSYS} {
		if err := refused("/nfs/journal.lock", errno); !errors.Is(err, errno) || !strings.Contains(err.Error(), "no file locks") {
			t.Errorf("%v", err)
		}
	}
	if err := refused("x", fs.ErrPermission); strings.Contains(err.Error(), "no file locks") {
		t.Errorf("%v", err)
	}
}
