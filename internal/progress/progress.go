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

	calls  func() Calls // nil if no model is asked
	before Calls        // what the pools had done before this work

	now atomic.Pointer[string] // what Say was told last; nil before

	bar  *pb.ProgressBar
	log  *slog.Logger
	stop chan struct{}
	wg   sync.WaitGroup
}

const template = `{{string . "name"}} {{counters . }} {{bar . }} {{percent . }} {{speed . "%s/s"}} {{rtime . "%s left" "in %s"}} {{string . "calls"}}`
const templateWithoutTotal = `{{string . "name"}} {{counters . }} {{speed . "%s/s"}} {{etime . }} {{string . "calls"}}`

// Start begins a bar. A total of 0 means that it is not known. calls tells what
// the model replies of this work come to; nil if no model is asked.
func (p *Progress) Start(name string, total int64, calls func() Calls) *Bar {
	b := &Bar{name: name, total: total, start: time.Now(), calls: calls, log: p.log, stop: make(chan struct{})}
	if calls != nil {
		b.before = calls()
	}
	tell, period := b.logLine, every
	if p.terminal != nil {
		t := pb.ProgressBarTemplate(template)
		if total == 0 {
			t = templateWithoutTotal
		}
		b.bar = t.New(int(total)).SetWriter(p.terminal).Set("name", name).Start()
		tell, period = b.showCalls, time.Second
		if calls == nil {
			return b
		}
	}
	b.wg.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell()
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

// Say sets what is told beside the counts, in place of calls: how the work goes, in a few words.
func (b *Bar) Say(now string) {
	b.now.Store(&now)
	if b.bar != nil {
		b.bar.Set("calls", now)
	}
}

// Finish ends the bar. It must be called once for every bar.
func (b *Bar) Finish() {
	close(b.stop)
	b.wg.Wait()
	if b.bar == nil {
		return
	}
	if b.calls != nil {
		b.showCalls()
	}
	b.bar.Finish()
}

func (b *Bar) showCalls() {
	b.bar.Set("calls", b.calls().since(b.before).line(b.total))
}

func (b *Bar) logLine() {
	done, spent := b.done.Load(), time.Since(b.start)
	rate := float64(done) / spent.Seconds()
	args := []any{"done", done, "per_second", int64(rate)}
	if b.total > 0 && rate > 0 {
		left := time.Duration(float64(b.total-done) / rate * float64(time.Second))
		args = append(args, "of", b.total, "left", left.Round(time.Second).String())
	}
	if b.calls != nil {
		args = append(args, b.calls().since(b.before).attrs(b.total)...)
	}
	if now := b.now.Load(); now != nil {
		args = append(args, "now", *now)
	}
	b.log.Info(b.name, args...)
}
