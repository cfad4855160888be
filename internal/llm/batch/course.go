package batch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	openai "github.com/sashabaranov/go-openai"
)

const (
	// metadataKey is where a batch at the server carries our id for it.
	metadataKey = "tinyv"

	// maxFetches is how often files of results are read again when lines in them
	// make no sense or are missing: the replies in them are paid for.
	maxFetches = 3

	// maxLost is how often a request is put into yet another batch because the
	// one it was in ended without a readable word about it.
	maxLost = 2

	// maxLimited is how often a batch is tried that the account's limit of
	// enqueued tokens has no room for: about a day, after which limits that count
	// by the day have begun anew.
	maxLimited = 150

	// maxUnnamed is how often a batch that has ended is looked at again because
	// the server does not yet name the file of its results.
	maxUnnamed = 10

	codeTokenLimit = "token_limit_exceeded"
)

// run takes a batch from where it is to its end.
func (q *Queue) run(b *batch) {
	err := q.course(b)
	var f *failure
	switch {
	case err == nil || q.ctx.Err() != nil:
	case errors.As(err, &f) && f.endsAll():
		q.fail(err)
	default:
		q.mu.Lock()
		defer q.mu.Unlock()
		q.giveTokens(b)
		q.failRequests(b, err)
	}
}

func (q *Queue) course(b *batch) error {
	limited := 0
	for {
		var err error
		switch b.state.Step {
		case gathering:
			err = q.finishInput(b)
		case written:
			err = q.upload(b)
		case uploaded:
			err = q.create(b)
		case creating: // an earlier process did not live to see the answer
			if gone, err := q.lookFor(b); err != nil || gone {
				return err
			}
		case created:
			limited, err = q.poll(b, limited)
		case ended:
			err = q.fetch(b)
		case fetched:
			return q.deliver(b)
		default:
			return fmt.Errorf("batch: %s names the step %q, which this version does not know; use the version that wrote it", b.path(stateName), b.state.Step)
		}
		if err != nil {
			return err
		}
	}
}

func (q *Queue) upload(b *batch) error {
	err := q.try(func() (err error) {
		b.state.File, err = q.uploadFile(b.path(inputName), "tinyv-"+b.state.ID+".jsonl")
		return err
	})
	if err != nil {
		return err
	}
	return b.to(uploaded)
}

// create creates the batch at the server, which is what costs. After a call
// without a clear answer it is created again only if the server's list does not
// have it.
func (q *Queue) create(b *batch) error {
	if err := q.takeTokens(b); err != nil {
		return err
	}
	var (
		got     openai.Batch
		unclear bool
	)
	err := q.try(func() error {
		if unclear {
			there, ok, err := q.find(b)
			if err != nil || ok {
				got = there
				return err
			}
		}
		b.state.Tried = time.Now().UTC()
		if err := b.to(creating); err != nil {
			return err
		}
		var err error
		got, err = q.createBatch(b.state.File, b.state.ID)
		var f *failure
		unclear = errors.As(err, &f) && f.unclear()
		return err
	})
	if err != nil {
		return err
	}
	return q.isCreated(b, got)
}

func (q *Queue) isCreated(b *batch, got openai.Batch) error {
	b.state.Batch = got.ID
	if err := b.to(created); err != nil {
		return err
	}
	q.o.Log.Info("batch: sent", "batch", got.ID, "requests", b.state.Requests, "dir", b.dir)
	return nil
}

// lookFor finds a batch that an earlier process may have created. If the server
// does not have it, nothing was paid; those of its requests that somebody waits
// for go into the next batch, and it is gone.
func (q *Queue) lookFor(b *batch) (gone bool, err error) {
	var (
		got openai.Batch
		ok  bool
	)
	err = q.try(func() (err error) {
		got, ok, err = q.find(b)
		return err
	})
	if err != nil {
		return false, err
	}
	if ok {
		return false, q.isCreated(b, got)
	}
	if _, err := q.sendAgain(b, q.unanswered(b)); err != nil {
		return false, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.giveTokens(b)
	q.drop(b)
	return true, nil
}

// find looks for the batch in the server's list. It goes by our id, and by the
// input file too: not every server keeps metadata.
func (q *Queue) find(b *batch) (openai.Batch, bool, error) {
	// A batch that is being created may not be in the list yet. (The bound is for
	// a clock that was set back.)
	if err := q.sleep(min(time.Until(b.state.Tried.Add(q.patience.settle)), q.patience.settle)); err != nil {
		return openai.Batch{}, false, err
	}
	var there []openai.Batch
	err := q.listBatches(func(got openai.Batch) {
		if (got.Metadata[metadataKey] == b.state.ID || got.InputFileID == b.state.File) && got.Status != "failed" {
			there = append(there, got)
		}
	})
	if err != nil || len(there) == 0 {
		return openai.Batch{}, false, err
	}
	slices.SortStableFunc(there, func(a, b openai.Batch) int {
		switch {
		case wasCancelled(a) == wasCancelled(b):
			return a.CreatedAt - b.CreatedAt
		case wasCancelled(a):
			return 1
		}
		return -1
	})
	for _, twin := range there[1:] {
		if wasCancelled(twin) {
			continue
		}
		// A call that seemed lost has arrived after all.
		q.o.Log.Warn("batch: the server has a batch twice; one is cancelled", "cancelled", twin.ID, "kept", there[0].ID)
		var f *failure
		if err := q.cancelBatch(twin.ID); errors.As(err, &f) && !f.transient() {
			q.o.Log.Warn("batch: it could not be cancelled, and may be paid for twice", "batch", twin.ID, "status", f.status)
		} else if err != nil {
			return openai.Batch{}, false, err
		}
	}
	return there[0], true, nil
}

func wasCancelled(b openai.Batch) bool { return b.Status == "cancelling" || b.Status == "cancelled" }

// poll looks at the batch until the server is done with it.
func (q *Queue) poll(b *batch, limited int) (int, error) {
	wait := backoff.ExponentialBackOff{InitialInterval: q.o.Poll, RandomizationFactor: 0.1, Multiplier: 1.2, MaxInterval: 4 * q.o.Poll}
	unnamed := 0
	for {
		var got openai.Batch
		err := q.try(func() (err error) {
			got, err = q.retrieveBatch(b.state.Batch)
			return err
		})
		if err != nil {
			return 0, err
		}
		output, failed := named(got.OutputFileID), named(got.ErrorFileID)
		switch got.Status {
		case "failed":
			return q.refused(b, got, limited)
		case "completed", "expired", "cancelled":
			if output == "" && got.RequestCounts.Completed > 0 || output == "" && failed == "" && got.Status == "completed" {
				if unnamed++; unnamed > maxUnnamed {
					return 0, fmt.Errorf("batch: batch %s at %s is %s, with %d requests completed, but names no file of results; look at it there, and run the same command again once it does, it resumes", b.state.Batch, q.o.URL, got.Status, got.RequestCounts.Completed)
				}
				break
			}
			b.state.Status, b.state.Output, b.state.Errors = got.Status, output, failed
			b.state.Answered = got.RequestCounts.Completed + got.RequestCounts.Failed
			if err := b.to(ended); err != nil {
				return 0, err
			}
			q.mu.Lock()
			q.giveTokens(b)
			q.mu.Unlock()
			return 0, nil
		}
		if err := q.sleep(wait.NextBackOff()); err != nil {
			return 0, err
		}
	}
}

func named(id *string) string {
	if id == nil {
		return ""
	}
	return *id
}

// refused deals with a batch that failed the server's validation: nothing of it
// is done or paid. If there was only no room for its tokens, it waits.
func (q *Queue) refused(b *batch, got openai.Batch, limited int) (int, error) {
	b.state.Batch = ""
	if err := b.to(uploaded); err != nil {
		return 0, err
	}
	q.mu.Lock()
	q.giveTokens(b)
	freed := q.freed
	q.mu.Unlock()
	if limited++; !tokenLimited(got) || limited > maxLimited {
		return 0, q.refusal(b, got)
	}
	wait := q.o.Poll * time.Duration(min(limited, 20))
	q.o.Log.Warn("batch: the account has no room for this many enqueued tokens; the batch is sent again later.",
		"tokens_estimated", b.state.Tokens, "wait", wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-freed:
	case <-q.ctx.Done():
		return 0, q.ctx.Err()
	}
	return limited, nil
}

func tokenLimited(got openai.Batch) bool {
	if got.Errors == nil {
		return false
	}
	for _, e := range got.Errors.Data {
		if e.Code == codeTokenLimit {
			return true
		}
	}
	return false
}

// refusal puts the server's complaints into one error.
func (q *Queue) refusal(b *batch, got openai.Batch) error {
	const most = 3
	var said []string
	if got.Errors != nil {
		for i, e := range got.Errors.Data {
			if i == most {
				said = append(said, fmt.Sprintf("and %d more", len(got.Errors.Data)-most))
				break
			}
			where := b.path(inputName)
			if e.Line != nil {
				where = fmt.Sprintf("%s, line %d", where, *e.Line)
			}
			said = append(said, fmt.Sprintf("%s: %s: %s", where, e.Code, words(e.Message)))
		}
	}
	if len(said) == 0 {
		said = []string{b.path(inputName) + ": the server does not say why"}
	}
	return fmt.Errorf("batch: the server at %s refused batch %s, which has cost nothing: %s", q.o.URL, got.ID, strings.Join(said, "; "))
}

// fetch gets the files of results, again if they are not whole.
func (q *Queue) fetch(b *batch) error {
	wait := backoff.ExponentialBackOff{InitialInterval: q.patience.first, RandomizationFactor: 0.5, Multiplier: 4, MaxInterval: q.patience.longest}
	for n := 1; ; n++ {
		for _, file := range [][2]string{{b.state.Output, outputName}, {b.state.Errors, errorsName}} {
			if file[0] == "" {
				continue
			}
			if err := q.try(func() error { return q.download(file[0], b.path(file[1])) }); err != nil {
				return err
			}
		}
		results, wrong, err := readResults(b)
		if err != nil {
			return err
		}
		missing := b.state.Answered - len(results)
		if wrong.count() == 0 && missing <= 0 || n == maxFetches {
			if len(results) == 0 && (wrong.count() > 0 || missing > 0) {
				return fmt.Errorf("batch: no line of the results of batch %s can be read, see %s; they are paid for, so nothing is sent again: run the same command again later, it fetches them anew", b.state.Batch, b.dir)
			}
			if wrong.count() > 0 || missing > 0 || wrong.duplicates > 0 {
				q.o.Log.Warn("batch: the server's results are faulty", "batch", b.state.Batch, "malformed_lines", wrong.count(),
					"at", wrong.malformed, "missing", max(missing, 0), "duplicates", wrong.duplicates)
			}
			b.results = results
			return b.to(fetched)
		}
		if err := q.sleep(wait.NextBackOff()); err != nil {
			return err
		}
	}
}

// deliver answers those who wait, and sends again what was not done.
func (q *Queue) deliver(b *batch) error {
	again, counts := q.answer(b)
	sent, err := q.sendAgain(b, again)
	if err != nil {
		return err
	}
	q.o.Log.Info("batch: ended", "batch", b.state.Batch, "status", b.state.Status, "answered", counts.answered,
		"expired", counts.expired, "lost", counts.lost, "cancelled", counts.cancelled, "sent_again", sent)
	if counts.unknown > 0 {
		q.o.Log.Warn("batch: results for requests that were not in the batch are left out", "batch", b.state.Batch, "results", counts.unknown)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	b.delivered = true
	q.removeIfDone(b)
	return nil
}

type counts struct{ answered, expired, lost, cancelled, unknown int }

// answer gives the results to the index, and returns the requests that should
// be sent again.
func (q *Queue) answer(b *batch) (map[string]*request, counts) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var n counts
	codes := map[string]string{}
	for _, res := range b.results {
		r := q.requests[res.id]
		switch {
		case r == nil || r.batch != b || r.answered():
			n.unknown++
		case !res.final():
			codes[res.id] = res.code
		default:
			r.answer = res
			close(r.ready)
			n.answered++
			if res.success() {
				b.unkept++
			}
		}
	}
	b.results = nil
	q.done += n.answered
	again := map[string]*request{}
	for id, r := range q.requests {
		if r.batch != b || r.answered() {
			continue
		}
		switch {
		case b.state.Status == "cancelled" || codes[id] == codeCancelled:
			// Whoever cancelled it did not want to pay for it.
			n.cancelled++
			r.err = fmt.Errorf("batch: batch %s was cancelled at the server before request %s was answered; run the same command again to send it again", b.state.Batch, id)
			close(r.ready)
		case codes[id] == codeExpired:
			n.expired++
			again[id] = r
		case r.lost == maxLost:
			n.lost++
			r.err = fmt.Errorf("batch: request %s was put into %d batches, the last being %s, and none had a readable result for it: %w", id, maxLost+1, b.state.Batch, ErrLost)
			close(r.ready)
		default:
			n.lost++
			r.lost++
			again[id] = r
		}
	}
	return again, n
}

// unanswered are the requests of a batch that have no answer.
func (q *Queue) unanswered(b *batch) map[string]*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	open := map[string]*request{}
	for id, r := range q.requests {
		if r.batch == b && !r.answered() {
			open[id] = r
		}
	}
	return open
}

// failRequests gives all requests of a batch an error for an answer. They stay
// in the index: they may be paid for, and must not be sent again by this process.
func (q *Queue) failRequests(b *batch, err error) {
	for _, r := range q.requests {
		if r.batch == b && !r.answered() {
			r.err = err
			close(r.ready)
		}
	}
}

// takeTokens waits until there is room for the batch's tokens. One batch alone
// always has room: the server will say if it is too large.
func (q *Queue) takeTokens(b *batch) error {
	for {
		q.mu.Lock()
		if q.o.MaxTokens == 0 || q.tokens == 0 || q.tokens+b.state.Tokens <= q.o.MaxTokens {
			q.tokens += b.state.Tokens
			b.enqueued = true
			q.mu.Unlock()
			return nil
		}
		freed := q.freed
		q.mu.Unlock()
		select {
		case <-freed:
		case <-q.ctx.Done():
			return q.ctx.Err()
		}
	}
}

// giveTokens gives back what takeTokens took. The queue's mutex is held.
func (q *Queue) giveTokens(b *batch) {
	if !b.enqueued {
		return
	}
	b.enqueued = false
	q.tokens -= b.state.Tokens
	close(q.freed)
	q.freed = make(chan struct{})
}
