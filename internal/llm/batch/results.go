package batch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

const (
	// maxLine bounds what one line can make the process hold in memory. No chat
	// completion comes near it.
	maxLine = 64 << 20

	codeExpired   = "batch_expired"
	codeCancelled = "batch_cancelled"
)

// result says what became of one request, and where on disk its answer is.
// Answers stay there until somebody asks: a batch may have 50,000.
type result struct {
	id     string
	status int    // as if the request had been sent alone
	code   string // of an error without an HTTP answer
	file   string
	at     int64
	length int
}

func (r result) success() bool { return r.status >= 200 && r.status < 300 }

// final says that the request got an answer. The others were never tried.
func (r result) final() bool { return r.code != codeExpired && r.code != codeCancelled }

// read gets the answer from the disk.
func (r result) read(b *batch) (Result, error) {
	f, err := os.Open(b.path(r.file))
	if err != nil {
		return Result{}, fmt.Errorf("batch: reading the answer to %s: %w", r.id, err)
	}
	defer f.Close()
	line := make([]byte, r.length)
	if _, err := f.ReadAt(line, r.at); err != nil {
		return Result{}, fmt.Errorf("batch: reading the answer to %s in %s: %w", r.id, f.Name(), err)
	}
	parsed, body, ok := parseResult(line)
	if !ok || parsed.id != r.id {
		return Result{}, fmt.Errorf("batch: the answer to %s is no longer at byte %d of %s; nothing else may write there", r.id, r.at, f.Name())
	}
	return Result{Status: parsed.status, Body: body, Batch: b.state.Batch}, nil
}

// parseResult reads a line of an output or error file; false means that it says
// nothing about any request.
func parseResult(line []byte) (result, []byte, bool) {
	var l struct {
		ID       string `json:"custom_id"`
		Response *struct {
			Status int             `json:"status_code"`
			Body   json.RawMessage `json:"body"`
		} `json:"response"`
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(line, &l) != nil || l.ID == "" {
		return result{}, nil, false
	}
	failed := present(l.Error)
	if r := l.Response; r != nil && r.Status >= 100 && r.Status <= 599 {
		res := result{id: l.ID, status: r.Status}
		switch {
		case present(r.Body):
			return res, r.Body, true
		case !failed && !res.success():
			return res, nil, true
		case !failed:
			return result{}, nil, false // a success that says nothing
		}
	}
	if !failed {
		return result{}, nil, false
	}
	res := result{id: l.ID, status: 500} // no HTTP answer: the server's failure, as far as one can know
	var said struct {
		Code any `json:"code"`
	}
	if json.Unmarshal(l.Error, &said) == nil {
		switch code := said.Code.(type) {
		case string:
			res.code = code
		case float64:
			if code >= 400 && code <= 599 {
				res.status = int(code)
			}
		}
	}
	return res, append(append([]byte(`{"error":`), l.Error...), '}'), true
}

func present(raw json.RawMessage) bool {
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null"))
}

// faults are what is wrong with files of results.
type faults struct {
	malformed  []string // lines, as file:number; the first few
	more       int      // malformed lines beyond these
	duplicates int
}

func (f faults) count() int { return len(f.malformed) + f.more }

// readResults reads the output and the error file of a batch, as far as there
// are any. Of two results for one request the first counts.
func readResults(b *batch) ([]result, faults, error) {
	var (
		results []result
		wrong   faults
		seen    = map[string]bool{}
	)
	for _, name := range []string{outputName, errorsName} {
		err := eachLine(b.path(name), func(n int, at int64, line []byte) error {
			res, _, ok := parseResult(line)
			switch {
			case ok && seen[res.id]:
				wrong.duplicates++
			case ok:
				seen[res.id] = true
				res.file, res.at, res.length = name, at, len(line)
				results = append(results, res)
			case len(bytes.TrimSpace(line)) == 0:
			case len(wrong.malformed) < 5:
				wrong.malformed = append(wrong.malformed, fmt.Sprintf("%s:%d", name, n))
			default:
				wrong.more++
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, faults{}, fmt.Errorf("batch: reading results: %w", err)
		}
	}
	return results, wrong, nil
}

// eachLine calls f with the number, the place and the bytes of each line, which
// are only good during the call. What is beyond maxLine of a line is left out.
func eachLine(path string, f func(n int, at int64, line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 256<<10)
	var (
		line []byte
		at   int64
		size int64 // of this line, in the file
	)
	for n := 1; ; {
		part, err := r.ReadSlice('\n')
		size += int64(len(part))
		line = append(line, part[:min(len(part), maxLine-len(line))]...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if size > 0 {
			if err := f(n, at, line); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
		n, at, size, line = n+1, at+size, 0, line[:0]
	}
}
