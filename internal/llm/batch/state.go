package batch

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tinyv/internal/durable"
)

// What is in the directory of a batch.
const (
	stateName  = "state.json"
	inputName  = "input.jsonl"
	outputName = "output.jsonl"
	errorsName = "errors.jsonl"
	keptName   = "kept.log"
	lockName   = "batches.lock" // beside the directories of all batches

	fileMode = 0o644
)

// step is the last step of a batch that is known to be done.
type step string

const (
	gathering step = ""         // the input file grows; there is no state file yet
	written   step = "written"  // the input file is whole
	uploaded  step = "uploaded" // ... and at the server
	creating  step = "creating" // the batch may exist at the server, or not
	created   step = "created"  // it does
	ended     step = "ended"    // the server will do no more about it
	fetched   step = "fetched"  // its results are on disk
)

// state is what state.json holds.
type state struct {
	ID       string    `json:"id"` // ours, in the metadata of the batch
	Step     step      `json:"step"`
	Requests int       `json:"requests"`
	Tokens   int64     `json:"tokens"` // of all prompts, estimated
	File     string    `json:"input_file_id,omitempty"`
	Tried    time.Time `json:"tried,omitzero"` // when creating it was tried last
	Batch    string    `json:"batch_id,omitempty"`
	Status   string    `json:"status,omitempty"` // that it ended with
	Output   string    `json:"output_file_id,omitempty"`
	Errors   string    `json:"error_file_id,omitempty"`
	Answered int       `json:"answered,omitempty"` // requests, as the server counts
}

// batch is one batch. Its state belongs to the one goroutine that runs it;
// what is below is guarded by the queue's mutex.
type batch struct {
	dir     string
	state   state
	results []result // between fetching and delivering

	input     *input // nil once the input file is whole
	delivered bool
	unkept    int  // replies that are paid for and not kept
	waiting   int  // callers
	enqueued  bool // its tokens are counted
	kept      *os.File
}

func newBatch(dir string) (*batch, error) {
	var random [8]byte
	rand.Read(random[:])
	b := &batch{state: state{ID: fmt.Sprintf("%x", random)}}
	b.dir = filepath.Join(dir, b.state.ID)
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *batch) path(name string) string { return filepath.Join(b.dir, name) }

// to makes durable that a step is done.
func (b *batch) to(s step) error {
	b.state.Step = s
	data, err := json.MarshalIndent(b.state, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(b.path(stateName), append(data, '\n')); err != nil {
		return fmt.Errorf("batch: noting that batch %s is %s: %w", b.state.ID, s, err)
	}
	return nil
}

// remove deletes what is on disk. The state file goes first: a directory
// without one is taken for a batch that was never sent.
func (b *batch) remove() error {
	b.closeFiles()
	if err := os.Remove(b.path(stateName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(b.dir)
}

func (b *batch) closeFiles() {
	if b.input != nil {
		b.input.file.Close() // nobody has been promised anything about it
	}
	if b.kept != nil {
		b.kept.Close()
		b.kept = nil
	}
}

// noteKept appends an id to the log of those kept. The log is not synced: the
// caller's own record is, and an id that is missing here costs only space.
func (b *batch) noteKept(id string) error {
	if b.kept == nil {
		f, err := os.OpenFile(b.path(keptName), os.O_WRONLY|os.O_CREATE|os.O_APPEND, fileMode)
		if err != nil {
			return err
		}
		b.kept = f
		id = "\n" + id // an earlier process may have been cut off within a line
	}
	_, err := b.kept.WriteString(id + "\n")
	return err
}

func (b *batch) readKept() (map[string]bool, error) {
	data, err := os.ReadFile(b.path(keptName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	kept := map[string]bool{}
	for line := range bytes.Lines(data) {
		kept[string(bytes.TrimSuffix(line, []byte("\n")))] = true
	}
	return kept, nil
}

// removeIfDone removes a batch when nobody can want anything of it any more.
func (q *Queue) removeIfDone(b *batch) {
	if !b.delivered || b.unkept > 0 || b.waiting > 0 || !q.batches[b] {
		return
	}
	q.drop(b)
}

// drop removes a batch, and its requests from the index.
func (q *Queue) drop(b *batch) {
	delete(q.batches, b)
	for id, r := range q.requests {
		if r.batch == b {
			delete(q.requests, id)
		}
	}
	if err := b.remove(); err != nil {
		// What is left is removed by a later Open, or found again by it.
		q.o.Log.Warn("batch: a batch that is done could not be removed", "dir", b.dir, "error", err)
	}
}

// takeUp reads the directory: what is under way is indexed by the ids of its
// input file, what is fetched by its results.
func (q *Queue) takeUp() error {
	entries, err := os.ReadDir(q.o.Dir)
	if err != nil {
		return err
	}
	var found []*batch
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		b := &batch{dir: filepath.Join(q.o.Dir, e.Name())}
		data, err := os.ReadFile(b.path(stateName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil {
			if err := json.Unmarshal(data, &b.state); err != nil || b.state.ID != e.Name() {
				return fmt.Errorf("%s is damaged (%v); the batch that it describes may be paid for: look for it at the server, then remove %s", b.path(stateName), err, b.dir)
			}
		}
		switch b.state.Step {
		case gathering, written, uploaded:
			// It costs nothing yet, and whoever still wants it asks again.
			if err := b.remove(); err != nil {
				return err
			}
		default:
			found = append(found, b)
		}
	}
	for _, b := range found {
		q.batches[b] = true
		if b.state.Step == fetched {
			continue
		}
		if b.state.Step == creating || b.state.Step == created {
			q.tokens += b.state.Tokens
			b.enqueued = true
		}
		if err := q.indexInput(b); err != nil {
			return err
		}
	}
	// Only now, so that an error among the results does not hide that its
	// request is under way again.
	for _, b := range found {
		if b.state.Step != fetched {
			continue
		}
		if err := q.takeUpResults(b); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) indexInput(b *batch) error {
	return eachLine(b.path(inputName), func(n int, _ int64, line []byte) error {
		id, ok := lineID(line)
		if !ok {
			return fmt.Errorf("%s, line %d, is damaged; the batch is paid for, so restore the file or look at batch %q at the server, then remove %s", b.path(inputName), n, b.state.Batch, b.dir)
		}
		q.requests[id] = &request{batch: b, ready: make(chan struct{})}
		return nil
	})
}

func (q *Queue) takeUpResults(b *batch) error {
	kept, err := b.readKept()
	if err != nil {
		return err
	}
	results, _, err := readResults(b)
	if err != nil {
		return err
	}
	unclaimed := 0
	for _, res := range results {
		before := q.requests[res.id]
		if kept[res.id] || q.o.Kept != nil && q.o.Kept(res.id) || !res.final() || before != nil && (!res.success() || before.answered()) {
			continue
		}
		r := &request{batch: b, ready: make(chan struct{}), answer: res}
		close(r.ready)
		q.requests[res.id] = r
		if res.success() {
			b.unkept++
			unclaimed++
		}
	}
	b.delivered = true
	q.o.Log.Info("batch: found the results of an earlier run", "batch", b.state.Batch, "dir", b.dir, "not_kept", unclaimed)
	q.removeIfDone(b)
	return nil
}
