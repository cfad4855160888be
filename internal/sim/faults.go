package sim

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// maxRemembered is the number of requests in each of the two generations that
// tries remembers.
const maxRemembered = 50_000

// tries remembers which requests have failed already, in bounded memory: when the
// younger of two generations is full, the older one is forgotten. It is safe for
// several goroutines.
type tries struct {
	mu             sync.Mutex
	younger, older map[uint64]struct{}
}

// first reports whether a request is not remembered, and remembers it.
func (t *tries) first(request uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.younger[request]; ok {
		return false
	}
	if _, ok := t.older[request]; ok {
		return false
	}
	if len(t.younger) >= maxRemembered {
		t.older, t.younger = t.younger, nil
	}
	if t.younger == nil {
		t.younger = map[uint64]struct{}{}
	}
	t.younger[request] = struct{}{}
	return true
}

// status returns the status that the first try of a request gets, or 0 if that
// try succeeds.
func (f Faults) status(request uint64) int {
	if f.Rate <= 0 {
		return 0
	}
	random := draw(f.Seed, "fault", strconv.FormatUint(request, 16))
	if random.Float64() >= f.Rate {
		return 0
	}
	if len(f.Statuses) == 0 {
		return http.StatusInternalServerError
	}
	return pick(random, f.Statuses)
}

// failingModel answers as the models do that always fail, and reports whether
// model is one of them. See Server for their names.
func failingModel(w http.ResponseWriter, model string) bool {
	if code, ok := strings.CutPrefix(model, "sim-status-"); ok {
		status, err := strconv.Atoi(code)
		if err != nil || status < 400 || status > 599 || len(code) != 3 {
			return false
		}
		failWith(w, status, failures[status])
		return true
	}
	// Bodies that are no completion come with status 200, as from a proxy.
	switch model {
	case "sim-html":
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!DOCTYPE html><html><body><h1>Welcome to the simulated proxy</h1></body></html>")
	case "sim-garbage":
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id": "sim-garbage", "choices": [{"index": 0, "message"`)
	case "sim-empty":
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id": "sim-empty", "object": "chat.completion", "model": "sim-empty", "simulated": true, "choices": []}`)
	case "sim-cut":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000") // so that the server closes the connection
		io.WriteString(w, `{"id": "sim-cut", "object": "chat.completion", "choices": [{"index": 0`)
	default:
		return false
	}
	return true
}

// failures words the statuses whose cause a person may want to see.
var failures = map[int]string{
	http.StatusUnauthorized:        wrongKey,
	http.StatusForbidden:           "this key may not use the model",
	http.StatusNotFound:            "the model does not exist",
	http.StatusTooManyRequests:     "too many requests; slow down",
	http.StatusInternalServerError: "the simulated model is broken",
	http.StatusServiceUnavailable:  "the simulated model is overloaded",
}

const wrongKey = "the API key is missing or wrong"

// failWith answers with a status that was asked for.
func failWith(w http.ResponseWriter, status int, text string) {
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "0")
	}
	if text == "" {
		text = fmt.Sprintf("a simulated failure with status %d", status)
	}
	fail(w, status, text)
}
