package serve

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"tinyv/internal/processes"
)

// defaultGrace is for how long processes may end by themselves after SIGTERM.
const defaultGrace = 20 * time.Second

// process is a program with everything that it starts.
type process struct {
	cmd   *exec.Cmd
	mark  processes.Mark
	grace time.Duration // between SIGTERM and SIGKILL
	done  chan struct{} // closed when the program itself has ended
}

// startProcess starts the program so that it is asked to end when this process is
// killed. What it started itself, and a program that does not listen, are left to
// Orphans.
func startProcess(cmd *exec.Cmd, output *os.File, mark processes.Mark) (*process, error) {
	p := &process{cmd: cmd, mark: mark, grace: defaultGrace, done: make(chan struct{})}
	cmd.Env = append(cmd.Env, string(p.mark))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	processes.EndWithParent(cmd.SysProcAttr)
	started := make(chan error)
	go func() {
		// This thread is the parent that the program must not outlive, so it is to be
		// there as long as the program is.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		defer close(p.done)
		_ = cmd.Wait() // its state says how it ended
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// ended reports whether the program itself has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop ends the program and all that it has started, and returns when they are gone.
func (p *process) stop() {
	p.signal(syscall.SIGTERM)
	if p.goneWithin(p.grace) {
		return
	}
	p.signal(syscall.SIGKILL)
	<-p.done
	for !p.goneWithin(time.Second) {
		p.signal(syscall.SIGKILL) // what was started meanwhile
	}
}

func (p *process) goneWithin(d time.Duration) bool {
	for deadline := time.Now().Add(d); ; time.Sleep(50 * time.Millisecond) {
		if p.ended() && len(p.mark.Living()) == 0 {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// signal reaches the group of a program that has not ended, and who carries the mark
// outside of it, once each. The group of a program that has ended is left alone: its
// number may be another's by now.
func (p *process) signal(s syscall.Signal) {
	group := 0
	if !p.ended() {
		group = p.cmd.Process.Pid
		_ = syscall.Kill(-group, s) // it may have gone just now
	}
	for _, pid := range p.mark.Living() {
		if of, err := syscall.Getpgid(pid); err == nil && of != group {
			p.mark.Signal(pid, s)
		}
	}
}

// lastWords returns the last lines of a log.
func lastWords(path string) string {
	const size, lines = 4096, 15
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > size {
		_, _ = f.Seek(-size, io.SeekEnd) // else it is read from the beginning
	}
	data, err := io.ReadAll(io.LimitReader(f, 2*size))
	if err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(data), "")), "\n")
	if len(all) == 1 && all[0] == "" {
		return "(nothing)"
	}
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
