package serve

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tinyv/internal/processes"
)

// markName is the variable by which a server's processes are known, those included
// that have left its process group. Its value is a sign.
const markName = "TINYV_SERVE"

// sign says which server a process is of, and who has to stop it.
type sign struct {
	ID   string             `json:"id"`
	By   processes.Identity `json:"by"`
	Port int                `json:"port"`
	Log  string             `json:"log"` // absolute
}

// newMark is the mark of a server that this process starts.
func newMark(o Options) (processes.Mark, error) {
	log, err := filepath.Abs(o.Log)
	if err != nil {
		return "", err
	}
	value, err := json.Marshal(sign{ID: rand.Text(), By: processes.Self(), Port: o.Port, Log: log})
	if err != nil {
		return "", fmt.Errorf("encoding the mark of the model server: %w", err)
	}
	return processes.Mark(markName + "=" + string(value)), nil
}

// Orphan is a server, or what is left of one, whose tinyv is gone without having
// stopped it.
type Orphan struct {
	Processes []int
	Log       string // of its output
	By        int    // the process that started it

	mark  processes.Mark
	grace time.Duration
}

// Orphans finds what is left of servers with the log or the port of o, which a tinyv
// started that was killed. Servers whose tinyv is alive, or may be, are none.
func Orphans(o Options) ([]Orphan, error) {
	log, err := filepath.Abs(o.Log)
	if err != nil {
		return nil, err
	}
	var found []Orphan
	for _, mark := range processes.Marks(markName) {
		var s sign
		if json.Unmarshal([]byte(mark.Value()), &s) != nil {
			continue // not one of ours
		}
		if s.Log != log && (o.Port == 0 || s.Port != o.Port) || !s.By.Gone() {
			continue
		}
		if living := mark.Living(); len(living) > 0 {
			found = append(found, Orphan{Processes: living, Log: s.Log, By: s.By.PID, mark: mark, grace: orphanGrace})
		}
	}
	return found, nil
}

const (
	orphanGrace = 5 * time.Second  // it has been asked to end before, and nobody waits for it
	killWait    = 30 * time.Second // a process may be in the middle of a call to a GPU's driver
)

// End ends the orphan's processes, first with SIGTERM and then with SIGKILL, and
// returns when they are gone, or ctx is done.
func (o Orphan) End(ctx context.Context) error {
	for _, step := range []struct {
		signal os.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, o.grace}, {syscall.SIGKILL, killWait}} {
		gone, err := o.signal(ctx, step.signal, step.wait)
		if gone || err != nil {
			return err
		}
	}
	return fmt.Errorf("processes %v of a model server are still there %v after they were killed: its port and its GPU memory may be taken; end them yourself", o.mark.Living(), killWait)
}

// signal sends a signal to every process, once each, and reports whether they went.
func (o Orphan) signal(ctx context.Context, s os.Signal, wait time.Duration) (gone bool, err error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	told := map[int]bool{}
	for {
		living := o.mark.Living()
		if len(living) == 0 {
			return true, nil
		}
		for _, pid := range living { // also one that was being started
			if !told[pid] {
				told[pid] = true
				o.mark.Signal(pid, s)
			}
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return false, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}
