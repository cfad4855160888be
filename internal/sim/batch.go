package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// Batch says how the Batch API goes about its work. A batch has no goroutine: what
// it shows is a function of what was asked and the clock, and its results are
// written by the request that first finds it at its end.
type Batch struct {
	Validating, InProgress, Finalizing time.Duration // how long each takes
	// Shares of requests. Another batch with the same request draws anew.
	Expired                         float64 // are not done within the window; then so is the batch
	Failed500, Failed429, Failed400 float64
	Dir                             string // where files and batches are kept for the next server; empty is nowhere
}

func (b Batch) check() error {
	sum := 0.0
	for _, share := range []float64{b.Expired, b.Failed500, b.Failed429, b.Failed400} {
		if share < 0 {
			return errors.New("a share of requests in batches is negative")
		}
		sum += share
	}
	if sum > 1 {
		return fmt.Errorf("the shares of requests that fail and expire in batches are %v together; that is more than all", sum)
	}
	if b.Validating < 0 || b.InProgress < 0 || b.Finalizing < 0 {
		return errors.New("a phase of batches takes a negative time")
	}
	return nil
}

// The limits of OpenAI's API.
const (
	maxBatchRequests = 50_000
	maxBatchBytes    = 200 << 20
	batchWindow      = 24 * time.Hour
)

// The states of a batch.
const (
	batchValidating = "validating"
	batchInProgress = "in_progress"
	batchFinalizing = "finalizing"
	batchCompleted  = "completed"
	batchFailed     = "failed"
	batchExpired    = "expired"
	batchCancelling = "cancelling"
	batchCancelled  = "cancelled"
)

// fate is what becomes of a request in a batch, but for what is wrong with itself.
type fate uint8

const (
	fateAnswered fate = iota
	fateExpired
	fate500
	fate429
	fate400
)

// fate draws what becomes of a request in the batch of that number.
func (b Batch) fate(seed uint64, number int, customID string) fate {
	u := draw(seed, "batch fate", strconv.Itoa(number), customID).Float64()
	for i, share := range []float64{b.Expired, b.Failed500, b.Failed429, b.Failed400} {
		if u -= share; u < 0 {
			return fateExpired + fate(i)
		}
	}
	return fateAnswered
}

// batchRecord is what a batch is, beside the clock. It is what is kept on disk.
type batchRecord struct {
	ID          string            `json:"id"`
	Number      int               `json:"number"`
	InputFileID string            `json:"input_file_id"`
	Metadata    map[string]string `json:"metadata"`
	Created     time.Time         `json:"created"`
	Cancelled   time.Time         `json:"cancelled,omitzero"` // when that was asked for
	Requests    int               `json:"requests"`
	Errors      []batchError      `json:"errors,omitempty"` // of validation
	Result      *batchResult      `json:"result,omitempty"` // once it is written
}

type batchResult struct {
	OutputFileID string `json:"output_file_id,omitempty"`
	ErrorFileID  string `json:"error_file_id,omitempty"`
	Completed    int    `json:"completed"`
	Failed       int    `json:"failed"`
	Expired      int    `json:"expired"`
}

// batchError is a mistake in the input of a batch.
type batchError struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int    `json:"line"`
}

// phases are the times at which a batch changes its state.
type phases struct{ begun, finalizing, ended time.Time }

func (r *batchRecord) phases(options Batch) phases {
	begun := r.Created.Add(options.Validating)
	finalizing := begun.Add(options.InProgress)
	return phases{begun, finalizing, finalizing.Add(options.Finalizing)}
}

// status returns the state of a batch. One that ended is completed here; whether it
// expired is known once its requests have their fates.
func (r *batchRecord) status(options Batch, now time.Time) string {
	at := r.phases(options)
	switch {
	case !r.Cancelled.IsZero() && now.Before(r.Cancelled.Add(options.Finalizing)):
		return batchCancelling
	case !r.Cancelled.IsZero():
		return batchCancelled
	case now.Before(at.begun):
		return batchValidating
	case len(r.Errors) > 0:
		return batchFailed
	case now.Before(at.finalizing):
		return batchInProgress
	case now.Before(at.ended):
		return batchFinalizing
	}
	return batchCompleted
}

// done is how many requests a batch has been through by a time.
func (r *batchRecord) done(options Batch, now time.Time) int {
	if !r.Cancelled.IsZero() && r.Cancelled.Before(now) {
		now = r.Cancelled
	}
	at := r.phases(options)
	switch {
	case len(r.Errors) > 0 || now.Before(at.begun):
		return 0
	case !now.Before(at.finalizing):
		return r.Requests
	}
	return int(float64(r.Requests) * float64(now.Sub(at.begun)) / float64(options.InProgress))
}

// batchOrder is the order in which a batch goes through its requests: not theirs.
func batchOrder(seed uint64, requests int) []int {
	order := rand.New(rand.NewPCG(seed, uint64(requests))).Perm(requests)
	inOrder := true
	for i, at := range order {
		inOrder = inOrder && i == at
	}
	if inOrder && requests > 1 { // few requests may be drawn in their own order
		order[0], order[requests-1] = order[requests-1], order[0]
	}
	return order
}
