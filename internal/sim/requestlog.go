package sim

import (
	"encoding/json"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// requestLog writes a line for each request that reached a model and was
// answered, well or by a fault. Each line is one write: whoever reads the log sees
// it at once and whole, whatever becomes of the server.
type requestLog struct {
	out io.Writer // nil for no log
	log *slog.Logger

	mu     sync.Mutex
	failed bool
}

// logLine is a line of the request log.
type logLine struct {
	Time    string `json:"time"`
	Model   string `json:"model"`
	Request string `json:"request"` // hash of the body, whatever way it is written in
	Try     int    `json:"try"`     // of the request, from 0
	Status  int    `json:"status"`  // 0 if there was none
	Fault   string `json:"fault,omitempty"`
	Batch   string `json:"batch,omitempty"`
	Whole   bool   `json:"whole"` // all of a valid reply was written
}

// asking is one try of a request to a model.
type asking struct {
	model string
	body  uint64 // hash of the whole request
	reply uint64 // hash of what its reply depends on
	try   int
	batch string // that it is part of
}

func (l *requestLog) write(a asking, status int, fault string, whole bool) {
	if l.out == nil {
		return
	}
	line, err := json.Marshal(logLine{
		Time: time.Now().UTC().Format(time.RFC3339Nano), Model: a.model, Request: hex16(a.body), Try: a.try, Status: status, Fault: fault, Batch: a.batch, Whole: whole,
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		_, err = l.out.Write(append(line, '\n'))
	}
	if err != nil && !l.failed {
		l.failed = true
		l.log.Error("the request log of the simulated server cannot be written; it is incomplete from here on", "error", err)
	}
}

// hex16 writes a hash with all of its 16 digits.
func hex16(h uint64) string {
	text := strconv.FormatUint(h, 16)
	return "0000000000000000"[len(text):] + text
}
