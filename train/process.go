package train

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tinyv/internal/processes"
)

// runVariable is set for the trainer and inherited by all that it starts. The
// workers of torchrun are each in a session and group of their own, and live on as
// orphans when what started them is killed: only this mark finds them.
const runVariable = "TINYV_RUN"

// started is a trainer and everything that it started.
type started struct {
	mark  string
	pid   int           // of the trainer, and of its group
	ended chan struct{} // closed when the trainer itself has ended
	err   error         // how; to be read after ended
}

// start starts a command in a group of its own, so that a Ctrl-C of the terminal
// does not reach it, with output to a file, so that it outlives us if we are killed.
func start(command, environment []string, output *os.File, mark string) (*started, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(append(os.Environ(), environment...), string(markOf(mark)))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the trainer: %w; install LLaMA-Factory (pip install llamafactory), or put its environment first on PATH", err)
	}
	p := &started{mark: mark, pid: cmd.Process.Pid, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// killWait is how long the kernel is given to end what was killed: a process may be
// in the middle of a call to a GPU's driver.
const killWait = 30 * time.Second

// end ends every process: it asks with SIGTERM, and kills what is left after grace,
// or as soon as now is closed. A trainer saves nothing on SIGINT either, and SIGINT
// makes llamafactory-cli kill torchrun before that has ended its workers.
func (p *started) end(grace time.Duration, now <-chan struct{}) error {
	p.signal(syscall.SIGTERM)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	for killed := false; ; {
		if p.gone() {
			return nil
		}
		select {
		case <-tick.C:
			if killed {
				p.signal(syscall.SIGKILL) // one that was being started is found now
			}
			continue
		case <-now:
			now = nil
		case <-deadline.C:
			if killed {
				return fmt.Errorf("processes of the training are still there %v after they were killed: %s", killWait, numbers(marked(p.mark)))
			}
		}
		if !killed {
			killed = true
			p.signal(syscall.SIGKILL)
			deadline.Reset(killWait)
		}
	}
}

func (p *started) signal(s syscall.Signal) {
	if !p.hasEnded() || !processes.Findable() { // else its number may be another's by now
		_ = syscall.Kill(-p.pid, s)
	}
	for _, pid := range marked(p.mark) {
		markOf(p.mark).Signal(pid, s)
	}
}

func (p *started) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *started) gone() bool { return p.hasEnded() && len(marked(p.mark)) == 0 }

// markOf is what all processes of a launch carry in their environment.
func markOf(launch string) processes.Mark { return processes.Mark(runVariable + "=" + launch) }

// marked lists the living processes of a launch.
func marked(launch string) []int { return markOf(launch).Living() }

func numbers(pids []int) string {
	words := make([]string, len(pids))
	for i, pid := range pids {
		words[i] = strconv.Itoa(pid)
	}
	return strings.Join(words, " ")
}

// stateOf is what the error of waiting tells of how a process ended, nil if nothing.
func stateOf(err error) *os.ProcessState {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ProcessState
	}
	return nil
}
