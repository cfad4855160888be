// Package progress shows how far long work is: one bar on a terminal, a log line
// every few seconds elsewhere.
package progress

import (
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// every is the time between two log lines where there is no terminal.
const every = 5 * time.Second

// Progress makes bars, one at a time.
type Progress struct {
	terminal io.Writer // nil if there is none
	log      *slog.Logger
}

// New returns a Progress that draws on f if that is a terminal, and logs otherwise.
func New(f *os.File, log *slog.Logger) *Progress {
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
		return &Progress{terminal: f, log: log}
	}
	return &Progress{log: log}
}

// Bar counts the rows of one piece of work. Add is safe for several goroutines.
type Bar struct {
	name  string
	total int64
	done  atomic.Int64
	start time.Time

	bar  *pb.ProgressBar
	log  *slog.Logger
	stop chan struct{}
	wg   sync.WaitGroup
}

const template = `{{string . "name"}} {{counters . }} {{bar . }} {{percent . }} {{speed . "%s/s"}} {{rtime . "%s left" "in %s"}}`
const templateWithoutTotal = `{{string . "name"}} {{counters . }} {{speed . "%s/s"}} {{etime . }}`

// Start begins a bar. A total of 0 means that it is not known.
func (p *Progress) Start(name string, total int64) *Bar {
	b := &Bar{name: name, total: total, start: time.Now(), log: p.log, stop: make(chan struct{})}
	if p.terminal != nil {
		t := pb.ProgressBarTemplate(template)
		if total == 0 {
			t = templateWithoutTotal
		}
		b.bar = t.New(int(total)).SetWriter(p.terminal).Set("name", name).Start()
		return b
	}
	b.wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				b.logLine()
			case <-b.stop:
				return
			}
		}
	})
	return b
}

// Add counts n more rows as done.
func (b *Bar) Add(n int64) {
	b.done.Add(n)
	if b.bar != nil {
		b.bar.Add64(n)
	}
}

// Finish ends the bar. It must be called once for every bar.
func (b *Bar) Finish() {
	if b.bar != nil {
		b.bar.Finish()
		return
	}
	close(b.stop)
	b.wg.Wait()
}

func (b *Bar) logLine() {
	done, spent := b.done.Load(), time.Since(b.start)
	rate := float64(done) / spent.Seconds()
	args := []any{"done", done, "per_second", int64(rate)}
	if b.total > 0 && rate > 0 {
		left := time.Duration(float64(b.total-done) / rate * float64(time.Second))
		args = append(args, "of", b.total, "left", left.Round(time.Second).String())
	}
	b.log.Info(b.name, args...)
}
