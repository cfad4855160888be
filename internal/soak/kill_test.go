package soak

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tinyv/internal/sim"
)

// world is the simulated world of the kill tests: slow enough to be killed in the
// middle, and failing now and then.
func world() *sim.World {
	w := sim.DefaultWorld()
	var err error
	if w.Delay, err = sim.ParseDistribution(fmt.Sprintf("exp:%v,max=%v", *latency, 10**latency)); err != nil {
		panic(err) // the flag is a duration of its own
	}
	w.Faults = sim.Faults{Rate: 0.02, Statuses: []int{429, 500, 503}}
	return w
}

// run runs tinyv to its end.
func run(t *testing.T, config, out string) {
	t.Helper()
	cmd := tinyv(t, "run", "--config", config, "--out", out)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

// notAgain checks that nothing that was durable then has been asked for since.
func (l *ledger) notAgain(t *testing.T, durable map[string]bool, then map[string]int) {
	t.Helper()
	now := l.counts()
	again := 0
	for number := range durable {
		if now[number] != then[number] {
			again++
		}
	}
	if again > 0 {
		t.Errorf("%d of %d durable replies were asked for again", again, len(durable))
	}
}

// snapshot is what was durable, and what had been asked, when a run was killed.
type snapshot struct {
	durable map[string]bool
	asked   map[string]int
}

// TestKill kills runs at random moments and starts each again, until enough have
// been killed: what they make is byte-equal to an undisturbed run, and no durable
// reply was ever asked for again.
func TestKill(t *testing.T) {
	t.Parallel()
	problems := 25
	if *kills > 10 {
		problems = 300
	}
	server := newLedger(t, world())
	config := server.config(t, problems)
	undisturbed := filepath.Join(t.TempDir(), "undisturbed")
	start := time.Now()
	run(t, config, undisturbed)
	whole := time.Since(start)
	once := len(server.counts())

	random := rand.New(rand.NewPCG(1, 2))
	killed, rounds := 0, 0
	for killed < *kills {
		rounds++
		out := filepath.Join(t.TempDir(), "run")
		var snapshots []snapshot
		for finished := false; !finished; {
			cmd := tinyv(t, "run", "--config", config, "--out", out)
			var output bytes.Buffer
			cmd.Stdout, cmd.Stderr = &output, &output
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			wait := time.Duration(random.Int64N(int64(whole / 4)))
			if killed >= *kills {
				wait = time.Hour
			}
			timer := time.AfterFunc(wait, func() { cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			var exit *exec.ExitError
			switch {
			case err == nil:
				finished = true
			case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
				killed++
				then := server.counts()
				snapshots = append(snapshots, snapshot{durable(t, filepath.Join(out, "journal")), then})
			default:
				t.Fatalf("%v\n%s", err, &output)
			}
		}
		sameOutputs(t, undisturbed, out)
		for _, s := range snapshots {
			server.notAgain(t, s.durable, s.asked)
		}
	}
	t.Logf("%d kills in %d rounds of a run of %s with %d requests", killed, rounds, whole.Round(time.Millisecond), once)
}

// TestDiskFull fills the disk under the journal: the run stops and says so, nothing
// is half-written, and with more room the same command goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	server := newLedger(t, world())
	config := server.config(t, 25)
	undisturbed := filepath.Join(t.TempDir(), "undisturbed")
	run(t, config, undisturbed)

	out := filepath.Join(t.TempDir(), "run")
	disk := filepath.Join(out, "journal")
	if err := os.MkdirAll(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("needs to mount a small tmpfs: %v: %s", err, output)
	}
	defer exec.Command("umount", disk).Run()
	kept := map[string]bool{}
	var then map[string]int
	for size := 0; ; size++ {
		output, err := tinyv(t, "run", "--config", config, "--out", out).CombinedOutput()
		if kept != nil {
			server.notAgain(t, kept, then)
		}
		if err == nil {
			if size == 0 {
				t.Fatal("the disk was not full")
			}
			t.Logf("the run came to its end after the disk had been full %d times", size)
			break
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(output), "no space left on device") || !strings.Contains(string(output), "resume") {
			t.Fatalf("%v\n%s", err, output)
		}
		kept, then = durable(t, disk), server.counts()
		if output, err := exec.Command("mount", "-o", "remount,size="+[]string{"128k", "256k", "16m"}[min(size, 2)], disk).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
	}
	sameOutputs(t, undisturbed, out)
}

// TestServerGone takes the server away for a while in the middle of a run, which
// goes on by itself when it is back.
func TestServerGone(t *testing.T) {
	t.Parallel()
	w := world()
	running, err := sim.Start(t.Context(), w, "", quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	config := configAt(t, running.URL(), 50)
	undisturbed, out := filepath.Join(t.TempDir(), "undisturbed"), filepath.Join(t.TempDir(), "run")
	run(t, config, undisturbed)

	cmd := tinyv(t, "run", "--config", config, "--out", out)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(out, "journal", "journal-00000.jsonl")
	for range 1000 {
		if info, err := os.Stat(journal); err == nil && info.Size() > 20_000 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := running.Pause(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(*gone)
	if err := running.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	if *gone >= time.Second && !strings.Contains(output.String(), "rested") {
		t.Errorf("the outage was not noticed:\n%s", &output)
	}
	sameOutputs(t, undisturbed, out)
	t.Logf("gone for %s", *gone)
}
