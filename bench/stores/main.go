// Command stores puts the same work to the journal and to stores that it could
// have been made of: durable puts of replies of 4 KiB, opening, look-ups. It is a
// module of its own so that tinyv depends on none of them.
//
//	go run . -dir DIR [-n 100000] [-stores journal,bbolt,pebble,sqlite,badger]
//
// Each phase runs in a process of its own, so that opening is that of a new
// process and memory is what opening alone takes. Files are deleted at the end.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"tinyv/internal/journal"
)

const (
	valueBytes = 4096
	lookups    = 20_000
	single     = 2000 // puts of the one caller
)

func main() {
	dir := flag.String("dir", "", "work below `DIR`, which needs room for all stores one after the other; required")
	n := flag.Int("n", 100_000, "replies")
	names := flag.String("stores", "journal,bbolt,pebble,sqlite,badger", "which stores")
	phase := flag.String("phase", "", "for the command's own use")
	flag.Parse()
	if *dir == "" {
		fmt.Fprintln(os.Stderr, "stores: -dir is missing; name a directory on the disk to measure")
		os.Exit(2)
	}
	var err error
	if *phase != "" {
		err = measure(*phase, *names, *dir, *n)
	} else {
		err = compare(*dir, strings.Split(*names, ","), *n)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "stores: %v\n", err)
		os.Exit(1)
	}
}

// result is what the phases of one store have measured.
type result struct {
	PutMany   float64 `json:",omitempty"` // per second
	PutOne    float64 `json:",omitempty"`
	Open      float64 `json:",omitempty"` // milliseconds, until the first look-up is answered
	Memory    float64 `json:",omitempty"` // MiB, anonymous, above that of the process before opening
	Get       float64 `json:",omitempty"` // per second
	BytesEach float64 `json:",omitempty"`
}

func compare(dir string, names []string, n int) error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "store\tputs/s, 256 callers\tputs/s, 1 caller\topen ms\tmemory MiB\tlook-ups/s\tbytes a reply\t\n")
	for _, name := range names {
		if err := compareOne(t, dir, name, n); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return t.Flush()
}

func compareOne(t *tabwriter.Writer, dir, name string, n int) error {
	work, err := os.MkdirTemp(dir, "stores-"+name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	row := func(name string, r result) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t%.1f\t%.0f\t%.0f\t\n", name, perSecond(r.PutMany), perSecond(r.PutOne), r.Open, r.Memory, r.Get, r.BytesEach)
	}
	var r result
	for _, phase := range []string{"many", "open", "one"} {
		if err := child(phase, name, work, n, &r); err != nil {
			return err
		}
		if phase == "many" {
			size, err := bytesBelow(work)
			if err != nil {
				return err
			}
			r.BytesEach = float64(size) / float64(n)
		}
	}
	row(name, r)
	if name != "journal" {
		return nil
	}
	r = result{}
	for _, phase := range []string{"compact", "open"} {
		if err := child(phase, name, work, n, &r); err != nil {
			return err
		}
	}
	size, err := bytesBelow(work)
	if err != nil {
		return err
	}
	r.BytesEach = float64(size) / float64(n+single)
	row("journal, compacted", r)
	return nil
}

// perSecond is empty for what was not measured.
func perSecond(rate float64) string {
	if rate == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", rate)
}

// child runs a phase in a process of its own and adds what it measured to r.
func child(phase, name, dir string, n int, r *result) error {
	cmd := exec.Command(os.Args[0], "-phase", phase, "-stores", name, "-dir", dir, "-n", fmt.Sprint(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("phase %s: %w", phase, err)
	}
	return json.Unmarshal(out, r)
}

func measure(phase, name, dir string, n int) (err error) {
	if phase == "compact" {
		if err := compact(dir); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(result{})
	}
	before, err := anonymous()
	if err != nil {
		return err
	}
	start := time.Now()
	s, err := openStore(name, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var r result
	switch phase {
	case "many":
		r.PutMany, err = put(s, 0, n, 256)
	case "one":
		r.PutOne, err = put(s, n, single, 1)
	case "open":
		if err := get(s, 0); err != nil {
			return err
		}
		r.Open = float64(time.Since(start).Microseconds()) / 1000
		after, err := anonymous()
		if err != nil {
			return err
		}
		r.Memory = float64(after-before) / (1 << 20)
		start = time.Now()
		random := rand.New(rand.NewPCG(1, 2))
		for range lookups {
			if err := get(s, random.IntN(n)); err != nil {
				return err
			}
		}
		r.Get = lookups / time.Since(start).Seconds()
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// put puts n replies and returns how many it put in a second. Replies are made
// beforehand: making them is not what is measured.
func put(s store, from, n, callers int) (float64, error) {
	const kinds = 1000
	replies := make([]journal.Reply, kinds)
	for i := range replies {
		replies[i] = reply(i)
	}
	numbers := make(chan int)
	failed := make(chan error, callers)
	var callersDone sync.WaitGroup
	start := time.Now()
	for range callers {
		callersDone.Go(func() {
			for i := range numbers {
				if err := s.put(keyOf(i), replies[i%kinds]); err != nil {
					failed <- err
					for range numbers { // let the others end
					}
					return
				}
			}
		})
	}
	for i := range n {
		numbers <- from + i
	}
	close(numbers)
	callersDone.Wait()
	took := time.Since(start)
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(n) / took.Seconds(), nil
	}
}

func get(s store, i int) error {
	r, err := s.get(keyOf(i))
	if err != nil {
		return err
	}
	if want := reply(i % 1000); r.PromptTokens != want.PromptTokens {
		return fmt.Errorf("reply %d is another one", i)
	}
	return nil
}

func keyOf(n int) journal.Key { return sha256.Sum256(fmt.Appendf(nil, "request %d", n)) }

// anonymous is the memory that the process has to itself, in bytes.
func anonymous() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(status), "RssAnon:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); !ok || err != nil {
		return 0, errors.New("no RssAnon in /proc/self/status")
	}
	return kib << 10, nil
}

func bytesBelow(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
