package traintest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// self is a command that runs this program again in another role.
func self(role string, args ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path)
	cmd.Args = append([]string{os.Args[0]}, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd, nil
}

// launch is llamafactory-cli with torchrun: it waits for it, and on SIGINT kills it
// 0.25 s later and dies, which leaves its workers. SIGTERM it does not handle.
func launch(config string) int {
	cmd, err := self("torchrun", config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("[INFO|2026-11-21 13:08:47] llamafactory.launcher:144 >> Initializing %s distributed tasks at: %s:%s\n",
		os.Getenv("NPROC_PER_NODE"), os.Getenv("MASTER_ADDR"), os.Getenv("MASTER_PORT"))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			fmt.Fprintf(os.Stderr, "Traceback (most recent call last):\n  File \"launcher.py\", line 115, in launch\nsubprocess.CalledProcessError: Command '['torchrun', '%s']' returned non-zero exit status 1.\n", config)
			return 1
		}
		return 0
	case <-interrupts:
		time.Sleep(250 * time.Millisecond)
		_ = cmd.Process.Kill()
		<-ended
		fmt.Fprintln(os.Stderr, "Traceback (most recent call last):\n  File \"subprocess.py\", line 2046, in _wait\nKeyboardInterrupt")
		dieOf(os.Interrupt.(syscall.Signal))
		return 130
	}
}

// torchrun starts the workers, each in a session of its own; it passes SIGTERM on,
// and ends the others when one fails.
func torchrun(knobs) int {
	n, _ := strconv.Atoi(os.Getenv("NPROC_PER_NODE"))
	if n < 1 {
		fmt.Fprintln(os.Stderr, "torchrun: no processes to start")
		return 1
	}
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, syscall.SIGTERM)
	type end struct {
		rank int
		err  error
	}
	ends := make(chan end, n)
	workers := make([]*exec.Cmd, n)
	for rank := range workers {
		cmd, err := self("worker", os.Args[1])
		if err == nil {
			cmd.Env = append(cmd.Env, fmt.Sprintf("RANK=%d", rank), fmt.Sprintf("LOCAL_RANK=%d", rank), fmt.Sprintf("WORLD_SIZE=%d", n))
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			err = cmd.Start()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		workers[rank] = cmd
		go func() { ends <- end{rank, cmd.Wait()} }()
	}
	terminate := func() {
		for _, cmd := range workers {
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	code := 0
	for left := n; left > 0; {
		select {
		case <-terms:
			fmt.Fprintln(os.Stderr, "W1121 13:36:01 torch/distributed/elastic/multiprocessing/api.py:897] Sending process closing signal SIGTERM")
			code = 1
			terminate()
		case e := <-ends:
			left--
			if e.err != nil && code == 0 {
				code = 1
				failed(e.rank, e.err)
				terminate()
			}
		}
	}
	return code
}

func failed(rank int, err error) {
	code, word := 1, ""
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			code = -int(status.Signal())
			word = fmt.Sprintf("  traceback : Signal %d (SIGKILL) received by PID %d\n", status.Signal(), exit.Pid())
		}
	}
	fmt.Fprintf(os.Stderr, "Traceback (most recent call last):\n  File \"api.py\", line 269, in launch_agent\n    raise ChildFailedError(\n"+
		"torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \nRoot Cause (first observed failure):\n[0]:\n  rank      : %d (local_rank: %d)\n  exitcode  : %d (pid: %d)\n%s", rank, rank, code, exit.Pid(), word)
}

// dieOf ends the process by a signal, as a shell and a parent see it.
func dieOf(s syscall.Signal) {
	signal.Reset(s)
	_ = syscall.Kill(os.Getpid(), s)
	time.Sleep(time.Minute) // the signal comes first
}
