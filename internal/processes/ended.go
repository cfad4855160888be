package processes

import (
	"fmt"
	"os"
	"syscall"
)

// WhyKilled says where a SIGKILL comes from that nobody here has sent.
const WhyKilled = "often by the kernel, when the machine is out of memory (dmesg tells)"

// How says how a process ended, as the verb of a sentence about it. A nil state is
// that of one nothing is known of.
func How(s *os.ProcessState) string {
	if signal, ok := endedBy(s); ok {
		return fmt.Sprintf("was ended by signal %d (%s)", int(signal), signal)
	}
	if s == nil {
		return "ended, nobody knows how"
	}
	return fmt.Sprintf("ended with exit code %d", s.ExitCode())
}

// Killed reports whether SIGKILL ended the process.
func Killed(s *os.ProcessState) bool {
	signal, ok := endedBy(s)
	return ok && signal == syscall.SIGKILL
}

func endedBy(s *os.ProcessState) (syscall.Signal, bool) {
	if s == nil {
		return 0, false
	}
	status, ok := s.Sys().(syscall.WaitStatus)
	return status.Signal(), ok && status.Signaled()
}
