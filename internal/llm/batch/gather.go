package batch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"tinyv/internal/durable"
)

// maxGathers bounds how often a trickle of requests can put off a batch, in
// multiples of Options.Gather.
const maxGathers = 30

// bytesPerToken makes an estimate of tokens generous: mathematics in LaTeX has
// about three bytes to a token, English more than four.
const bytesPerToken = 3

const (
	lineStart = `{"custom_id":"`
	lineBody  = `","method":"POST","url":"/v1/chat/completions","body":`
	lineEnd   = "}\n"
	maxID     = 64 // the longest custom_id that OpenAI takes
)

// input is the input file of a batch that gathers. Requests go to the file at
// once, so that those that wait take no memory.
type input struct {
	file   *os.File
	buffer *bufio.Writer
	bytes  int64
	first  time.Time
	last   time.Time // when something was added
}

// inputLine is a request as a line of an input file.
func inputLine(id string, body json.RawMessage) ([]byte, error) {
	if !validID([]byte(id)) {
		return nil, fmt.Errorf("batch: id %q should be 1 to %d letters, digits, - and _", id, maxID)
	}
	line := bytes.NewBuffer(make([]byte, 0, len(lineStart)+len(id)+len(lineBody)+len(body)+len(lineEnd)))
	line.WriteString(lineStart)
	line.WriteString(id)
	line.WriteString(lineBody)
	if err := json.Compact(line, body); err != nil { // a line break would end the line
		return nil, fmt.Errorf("batch: the body of request %s is not JSON: %w", id, err)
	}
	line.WriteString(lineEnd)
	return line.Bytes(), nil
}

// lineID is the id of a line that inputLine has made.
func lineID(line []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(lineStart))
	id, _, found := bytes.Cut(rest, []byte(lineBody))
	return string(id), ok && found && validID(id)
}

func validID(id []byte) bool {
	for _, c := range id {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_') {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= maxID
}

func tokens(line []byte) int64 { return int64(len(line))/bytesPerToken + 1 }

// add writes a request to the batch that gathers, and has the index point
// there. A full batch is sent before. The queue's mutex is held.
func (q *Queue) add(r *request, id string, line []byte) error {
	if b := q.open; b != nil && !q.fits(b, line) {
		q.seal()
	}
	if q.open == nil {
		if err := q.begin(); err != nil {
			return fmt.Errorf("batch: beginning an input file: %w", err)
		}
	}
	b := q.open
	if _, err := b.input.buffer.Write(line); err != nil {
		q.open = nil
		err = fmt.Errorf("batch: writing %s: %w", b.path(inputName), err)
		q.failRequests(b, err)
		return err
	}
	b.input.bytes += int64(len(line))
	b.input.last = time.Now()
	b.state.Requests++
	b.state.Tokens += tokens(line)
	if r.batch != nil {
		r.batch.waiting -= r.waiting
	}
	b.waiting += r.waiting
	r.batch = b
	q.requests[id] = r
	return nil
}

func (q *Queue) fits(b *batch, line []byte) bool {
	return b.state.Requests < q.o.MaxRequests &&
		b.input.bytes+int64(len(line)) <= q.o.MaxBytes &&
		(q.o.MaxTokens == 0 || b.state.Tokens+tokens(line) <= q.o.MaxTokens)
}

func (q *Queue) begin() error {
	b, err := newBatch(q.o.Dir)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(b.path(inputName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	now := time.Now()
	b.input = &input{file: f, buffer: bufio.NewWriterSize(f, 256<<10), first: now, last: now}
	q.batches[b] = true
	q.open = b
	select {
	case q.begun <- struct{}{}:
	default: // gather has not taken the last token yet, and will look at this batch too
	}
	return nil
}

// seal sends the batch that gathers on its way.
func (q *Queue) seal() {
	b := q.open
	q.open = nil
	q.wg.Go(func() { q.run(b) })
}

// gather sends batches to which nothing is added any more.
func (q *Queue) gather() {
	for {
		select {
		case <-q.ctx.Done():
			return
		case <-q.begun:
		}
		for {
			wait := q.sealIfQuiet()
			if wait == 0 {
				break
			}
			if q.sleep(wait) != nil {
				return
			}
		}
	}
}

// sealIfQuiet returns how long to wait before it is worth another look; 0 means
// until the next batch begins.
func (q *Queue) sealIfQuiet() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil || q.ctx.Err() != nil {
		return 0
	}
	in := q.open.input
	wait := min(time.Until(in.last.Add(q.o.Gather)), time.Until(in.first.Add(maxGathers*q.o.Gather)))
	if wait > 0 {
		return wait
	}
	q.seal()
	return 0
}

// finishInput makes the input file whole and durable.
func (q *Queue) finishInput(b *batch) error {
	in := b.input
	err := errors.Join(in.buffer.Flush(), in.file.Sync(), in.file.Close())
	q.mu.Lock()
	b.input = nil
	q.mu.Unlock()
	if err == nil {
		// The directory itself must not be lost once it describes a paid batch.
		err = errors.Join(durable.SyncDir(b.dir), durable.SyncDir(q.o.Dir))
	}
	if err != nil {
		return fmt.Errorf("batch: writing %s: %w", b.path(inputName), err)
	}
	return b.to(written)
}

// sendAgain puts requests of a batch into the next one, as far as somebody
// waits for them; the others are forgotten until somebody asks. It returns how
// many were put.
func (q *Queue) sendAgain(b *batch, again map[string]*request) (int, error) {
	if len(again) == 0 {
		return 0, nil
	}
	n := 0
	err := eachLine(b.path(inputName), func(_ int, _ int64, line []byte) error {
		id, _ := lineID(line)
		q.mu.Lock()
		defer q.mu.Unlock()
		r := again[id]
		if r == nil || q.requests[id] != r || r.answered() {
			return nil
		}
		if r.waiting == 0 {
			delete(q.requests, id)
			return nil
		}
		n++
		return q.add(r, id, line)
	})
	return n, err
}
