package sim

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// batches holds the files and batches of a server. It is safe for several
// goroutines.
type batches struct {
	server  *Server
	options Batch
	start   string // in every id, so that no two servers give the same one

	mostBytes    int64 // of an input
	mostRequests int   // in it

	mu    sync.Mutex
	last  int // number of a file or batch
	files []*storedFile
	all   []*batch
}

type batch struct {
	mu sync.Mutex
	batchRecord
	lines []batchLine // nil until they are needed
	order []int
}

func newBatches(s *Server) *batches {
	return &batches{server: s, options: s.world.Batch, start: strconv.FormatInt(time.Now().UnixNano(), 36), mostBytes: maxBatchBytes, mostRequests: maxBatchRequests}
}

// nextNumber must be called with b.mu held.
func (b *batches) nextNumber() int {
	b.last++
	return b.last
}

func (b *batches) file(id string) *storedFile {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.files {
		if f.ID == id {
			return f
		}
	}
	return nil
}

func (b *batches) find(id string) *batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.all {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// create makes a batch. Its input is read here, and what is wrong with it shows
// when validation ends.
func (b *batches) create(input *storedFile, metadata map[string]string) (*batch, error) {
	b.mu.Lock()
	number := b.nextNumber()
	b.mu.Unlock()
	x := &batch{batchRecord: batchRecord{
		ID: fmt.Sprintf("batch_%s%06d", b.start, number), Number: number, InputFileID: input.ID, Metadata: metadata,
	}}
	var err error
	if x.lines, x.Errors, err = b.read(x, input); err != nil {
		return nil, err
	}
	if len(x.Errors) == 0 {
		x.Requests = len(x.lines)
		x.order = batchOrder(b.server.world.Seed, x.Requests)
	}
	x.Created = time.Now() // reading a large input takes seconds, which are not those of its phases
	if err := b.keep(x.ID, &x.batchRecord); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, x)
	return x, nil
}

func (b *batches) read(x *batch, input *storedFile) ([]batchLine, []batchError, error) {
	return readBatch(input.reader(), b.mostRequests, func(customID string) fate { return b.options.fate(b.server.world.Seed, x.Number, customID) })
}

// cancel asks a batch to stop. One that has ended stays as it is.
func (b *batches) cancel(x *batch) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	switch x.status(b.options, now) {
	case batchValidating, batchInProgress, batchFinalizing:
		x.Cancelled = now
		return b.keep(x.ID, &x.batchRecord)
	}
	return nil
}

// apiBatch is a batch as the API shows it.
type apiBatch struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Endpoint         string            `json:"endpoint"`
	Errors           *batchErrors      `json:"errors"`
	InputFileID      string            `json:"input_file_id"`
	CompletionWindow string            `json:"completion_window"`
	Status           string            `json:"status"`
	OutputFileID     *string           `json:"output_file_id"`
	ErrorFileID      *string           `json:"error_file_id"`
	CreatedAt        int64             `json:"created_at"`
	InProgressAt     *int64            `json:"in_progress_at"`
	ExpiresAt        int64             `json:"expires_at"`
	FinalizingAt     *int64            `json:"finalizing_at"`
	CompletedAt      *int64            `json:"completed_at"`
	FailedAt         *int64            `json:"failed_at"`
	ExpiredAt        *int64            `json:"expired_at"`
	CancellingAt     *int64            `json:"cancelling_at"`
	CancelledAt      *int64            `json:"cancelled_at"`
	RequestCounts    requestCounts     `json:"request_counts"`
	Metadata         map[string]string `json:"metadata"`
	Simulated        bool              `json:"simulated"`
}

type batchErrors struct {
	Object string       `json:"object"`
	Data   []batchError `json:"data"`
}

type requestCounts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

// show returns a batch as it is now. If it has ended, its results are written
// first.
func (b *batches) show(x *batch) (apiBatch, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	status := x.status(b.options, now)
	if (status == batchCompleted || status == batchCancelled) && x.Result == nil {
		if err := b.settle(x, now); err != nil {
			return apiBatch{}, err
		}
	}
	out := apiBatch{
		ID: x.ID, Object: "batch", Endpoint: chatPath, InputFileID: x.InputFileID, CompletionWindow: "24h", Status: status,
		CreatedAt: x.Created.Unix(), ExpiresAt: x.Created.Add(batchWindow).Unix(), Metadata: x.Metadata, Simulated: true,
	}
	if r := x.Result; r != nil {
		out.RequestCounts = requestCounts{x.Requests, r.Completed, r.Failed}
		out.OutputFileID, out.ErrorFileID = orNull(r.OutputFileID), orNull(r.ErrorFileID)
		if status == batchCompleted && r.Expired > 0 {
			out.Status = batchExpired
		}
	} else if status != batchValidating && status != batchFailed {
		if err := b.prepare(x); err != nil {
			return apiBatch{}, err
		}
		out.RequestCounts = requestCounts{Total: x.Requests}
		for _, at := range x.order[:x.done(b.options, now)] {
			switch x.lines[at].fate {
			case fateAnswered:
				out.RequestCounts.Completed++
			case fate500, fate429, fate400:
				out.RequestCounts.Failed++
			}
		}
	}
	x.tellTimes(&out, b.options, now)
	return out, nil
}

// tellTimes fills in when a batch changed its state.
func (r *batchRecord) tellTimes(out *apiBatch, options Batch, now time.Time) {
	at := r.phases(options)
	cancelled := !r.Cancelled.IsZero()
	reached := func(t time.Time) *int64 {
		if now.Before(t) || cancelled && !t.Before(r.Cancelled) {
			return nil
		}
		seconds := t.Unix()
		return &seconds
	}
	if out.Status == batchFailed {
		out.FailedAt = reached(at.begun)
		out.Errors = &batchErrors{"list", r.Errors}
		return
	}
	out.InProgressAt, out.FinalizingAt = reached(at.begun), reached(at.finalizing)
	switch out.Status {
	case batchCompleted:
		out.CompletedAt = reached(at.ended)
	case batchExpired:
		out.ExpiredAt = reached(at.ended)
	case batchCancelling, batchCancelled:
		asked, ended := r.Cancelled.Unix(), r.Cancelled.Add(options.Finalizing).Unix()
		out.CancellingAt = &asked
		if out.Status == batchCancelled {
			out.CancelledAt = &ended
		}
	}
}

func orNull(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// prepare reads the lines of a batch that an earlier server began.
func (b *batches) prepare(x *batch) error {
	if x.lines != nil || len(x.Errors) > 0 {
		return nil
	}
	input := b.file(x.InputFileID)
	if input == nil {
		return fmt.Errorf("batch %s: its input file %s is gone", x.ID, x.InputFileID)
	}
	lines, mistakes, err := b.read(x, input)
	if err == nil && (len(mistakes) > 0 || len(lines) != x.Requests) {
		err = fmt.Errorf("its input file %s has changed", x.InputFileID)
	}
	if err != nil {
		return fmt.Errorf("batch %s: %w", x.ID, err)
	}
	x.lines, x.order = lines, batchOrder(b.server.world.Seed, len(lines))
	return nil
}

// settle does the requests of a batch that has ended and stores its results.
func (b *batches) settle(x *batch, now time.Time) error {
	if err := b.prepare(x); err != nil {
		return err
	}
	input := b.file(x.InputFileID)
	if input == nil && len(x.lines) > 0 {
		return fmt.Errorf("batch %s: its input file %s is gone", x.ID, x.InputFileID)
	}
	output, err := b.options.newData()
	if err != nil {
		return err
	}
	failures, err := b.options.newData()
	if err != nil {
		b.options.discard(output)
		return err
	}
	result, err := b.work(x, input, x.done(b.options, now), output, failures)
	if err != nil {
		b.options.discard(output)
		b.options.discard(failures)
		return fmt.Errorf("batch %s: %w", x.ID, err)
	}
	if result.OutputFileID, err = b.storeResult(output, x.ID+"_output.jsonl"); err != nil {
		b.options.discard(failures)
		return err
	}
	if result.ErrorFileID, err = b.storeResult(failures, x.ID+"_error.jsonl"); err != nil {
		return err
	}
	x.Result, x.lines, x.order = &result, nil, nil
	return b.keep(x.ID, &x.batchRecord)
}

// storeResult stores a file of results; one without any is not there.
func (b *batches) storeResult(data *os.File, name string) (string, error) {
	if info, err := data.Stat(); err != nil || info.Size() == 0 {
		b.options.discard(data)
		return "", err
	}
	f, err := b.store(data, name, "batch_output")
	if err != nil {
		return "", err
	}
	return f.ID, nil
}

// newest returns up to limit of what is after the one with an id, the newest
// first, and whether there is more. ok is false if there is no such id.
func newest[T any](all []T, id func(T) string, after string, limit int) (page []T, more, ok bool) {
	end := len(all)
	if after != "" {
		end = slices.IndexFunc(all, func(x T) bool { return id(x) == after })
		if end < 0 {
			return nil, false, false
		}
	}
	start := max(0, end-limit)
	page = slices.Clone(all[start:end])
	slices.Reverse(page)
	return page, start > 0, true
}
