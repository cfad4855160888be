package processes

import (
	"os"
	"os/exec"
	"testing"
)

func TestHow(t *testing.T) {
	for _, c := range []struct {
		script, want string
		killed       bool
	}{
		{"exit 0", "ended with exit code 0", false},
		{"exit 3", "ended with exit code 3", false},
		{"kill -TERM $$", "was ended by signal 15 (terminated)", false},
		{"kill -KILL $$", "was ended by signal 9 (killed)", true},
		{"", "ended, nobody knows how", false},
	} {
		var state *os.ProcessState
		if c.script != "" {
			cmd := exec.Command("sh", "-c", c.script)
			_ = cmd.Run() // how it ended is in its state
			state = cmd.ProcessState
		}
		if got := How(state); got != c.want || Killed(state) != c.killed {
			t.Errorf("%q: %q, killed: %t", c.script, got, Killed(state))
		}
	}
}
