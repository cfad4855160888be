package sim

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// alwaysFails returns the kind of fault that a model stands for which always
// fails. See Server for their names.
func alwaysFails(model string) (kind string, ok bool) {
	name, ok := strings.CutPrefix(model, "sim-")
	if !ok {
		return "", false
	}
	if code, ok := strings.CutPrefix(name, "status-"); ok {
		return code, statusOf(code) != 0
	}
	switch kind := strings.ReplaceAll(name, "-", "_"); kind {
	case faultHTML, faultGarbage, faultEmpty, faultCut, faultHang, faultReset, faultStall, faultDuplicate, faultWrongJSON:
		return kind, true
	}
	return "", false
}

// cannedReply is what a model that always fails would say if it did not.
func cannedReply(model string) chatReply {
	const text = "This is what a simulated model would say that does not fail."
	return chatReply{
		ID: model, Object: "chat.completion", Model: model, Simulated: true,
		Choices: []choice{{Message: spoken{Role: "assistant", Content: text}, FinishReason: "stop"}},
		Usage:   usage{CompletionTokens: tokens(text), TotalTokens: tokens(text)},
	}
}

// early reports whether a kind of fault comes before the model has worked: what it
// says needs no reply.
func early(kind string) bool {
	switch kind {
	case faultCut, faultStall, faultDuplicate, faultChunked, faultSlow, faultFiltered, faultEmpty, faultGarbage, faultWrongJSON:
		return false
	}
	return true
}

// misbehave answers as a kind of fault does where the honest answer would be
// reply. It returns the status, 0 for none, and whether a whole and valid reply
// was written.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, kind string, reply chatReply) (status int, whole bool) {
	f := s.world.Faults
	if status := statusOf(kind); status != 0 {
		failWith(w, status, failures[status], f.RetryAfter)
		return status, false
	}
	switch kind {
	case faultReset:
		drop(w, true)
		return 0, false
	case faultHang:
		s.hold(r)
		drop(w, false)
		return 0, false
	case faultBareLimit:
		fail(w, http.StatusTooManyRequests, failures[http.StatusTooManyRequests])
		return http.StatusTooManyRequests, false
	case faultContentFilter:
		failFiltered(w)
		return http.StatusBadRequest, false
	case faultHTML502:
		page(w, http.StatusBadGateway)
		return http.StatusBadGateway, false
	case faultHTML:
		page(w, http.StatusOK)
		return http.StatusOK, false
	}

	// From here on the status is 200, and the answer says it is JSON.
	w.Header().Set("Content-Type", "application/json")
	switch kind {
	case faultGarbage:
		io.WriteString(w, `{"id": "sim-garbage", "choices": [{"index": 0, "message"`)
		return http.StatusOK, false
	case faultWrongJSON:
		io.WriteString(w, `{"object": "list", "data": [{"text": "JSON of another shape"}], "simulated": true}`)
		return http.StatusOK, false
	case faultEmpty:
		io.WriteString(w, `{"id": "sim-empty", "object": "chat.completion", "model": "sim-empty", "simulated": true, "choices": []}`)
		return http.StatusOK, false
	case faultFiltered:
		for i := range reply.Choices {
			reply.Choices[i] = choice{Index: i, Message: spoken{Role: "assistant"}, FinishReason: "content_filter"}
		}
		reply.Usage.TotalTokens -= reply.Usage.CompletionTokens
		reply.Usage.CompletionTokens = 0
	}
	body, err := json.Marshal(reply)
	if err != nil {
		fail(w, http.StatusInternalServerError, "the reply cannot be written as JSON")
		return http.StatusInternalServerError, false
	}
	switch kind {
	case faultFiltered:
		return http.StatusOK, send(w, r, body)
	case faultDuplicate:
		w.Header().Set("Content-Length", strconv.Itoa(2*len(body)))
		w.Write(body)
		w.Write(body)
	case faultCut:
		// The server closes a connection whose body is shorter than announced.
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body[:len(body)/2])
	case faultStall:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush()
		s.hold(r)
	case faultChunked:
		return http.StatusOK, s.dribble(w, r, body, 0)
	case faultSlow:
		took := f.Slow
		if took == 0 {
			took = time.Second
		}
		return http.StatusOK, s.dribble(w, r, body, took)
	default: // Start refuses such a world, a Server on its own has nobody to tell
		fail(w, http.StatusInternalServerError, "the simulated server knows no fault "+excerpt(kind))
		return http.StatusInternalServerError, false
	}
	return http.StatusOK, false
}

// hold keeps a client waiting until it leaves, the server ends, or as long as the
// world says.
func (s *Server) hold(r *http.Request) {
	most := s.world.Faults.Hold
	if most == 0 {
		most = forever
	}
	s.timers.wait(r.Context(), s.ending, most)
}

// dribble writes a whole body in about 16 pieces of odd sizes that respect neither
// characters nor values, over some time.
func (s *Server) dribble(w http.ResponseWriter, r *http.Request, body []byte, took time.Duration) bool {
	const pieces = 16
	random := rand.New(rand.NewPCG(uint64(len(body)), 0))
	controller := http.NewResponseController(w)
	if took > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	for rest := body; len(rest) > 0; {
		n := min(len(rest), 1+random.IntN(2*len(body)/pieces+1))
		if _, err := w.Write(rest[:n]); err != nil {
			return false
		}
		if err := controller.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return false
		}
		rest = rest[n:]
		if len(rest) > 0 && !s.timers.wait(r.Context(), s.ending, took*time.Duration(n)/time.Duration(len(body))) {
			return false
		}
	}
	return true
}

// drop closes the connection of a request without another byte; reset says that
// the client is to see a reset, not an end.
func drop(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's way to the same end
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // what is left is an end, no reset, if this fails
	}
	_ = conn.Close() // nobody is told anything any more
}

// page answers with a web page, as a proxy does that has lost its server.
func page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	io.WriteString(w, "<!DOCTYPE html><html><body><h1>Welcome to the simulated proxy</h1></body></html>")
}
