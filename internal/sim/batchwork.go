package sim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// batchReply is a line of the output or the error file of a batch.
type batchReply struct {
	ID       string         `json:"id"`
	CustomID string         `json:"custom_id"`
	Response *batchResponse `json:"response"`
	Error    *undone        `json:"error"`
}

type batchResponse struct {
	StatusCode int    `json:"status_code"`
	RequestID  string `json:"request_id"`
	Body       any    `json:"body"`
}

// undone says why a request was not done at all.
type undone struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// work does the first requests of a batch, in the order of the batch, and writes
// the replies to output and all else to failures.
func (b *batches) work(x *batch, input *storedFile, done int, output, failures io.Writer) (batchResult, error) {
	good, bad := bufio.NewWriter(output), bufio.NewWriter(failures)
	var result batchResult
	for i, at := range x.order {
		line := x.lines[at]
		data := make([]byte, line.length)
		if _, err := input.data.ReadAt(data, line.offset); err != nil {
			return result, fmt.Errorf("reading request %d: %w", at+1, err)
		}
		var request batchRequest
		if err := json.Unmarshal(data, &request); err != nil {
			return result, fmt.Errorf("reading request %d: %w", at+1, err)
		}
		id := fmt.Sprintf("%s_%06d", x.ID, at+1)
		reply := batchReply{ID: "batch_req_" + id, CustomID: request.CustomID}
		to := bad
		switch {
		case i >= done:
			reply.Error = &undone{"batch_cancelled", "This request was not done because the batch was cancelled."}
		case line.fate == fateExpired:
			reply.Error = &undone{"batch_expired", "This request could not be executed before the completion window expired."}
			result.Expired++
		default:
			status, body := b.server.answerInBatch(request.Body, line.fate, x.ID)
			reply.Response = &batchResponse{status, "req_" + id, body}
			result.Failed++
			if status == http.StatusOK {
				to = good
				result.Completed++
				result.Failed--
			}
		}
		text, err := json.Marshal(reply)
		if err == nil {
			_, err = to.Write(append(text, '\n'))
		}
		if err != nil {
			return result, fmt.Errorf("writing the reply to request %d: %w", at+1, err)
		}
	}
	for _, w := range []*bufio.Writer{good, bad} {
		if err := w.Flush(); err != nil {
			return result, fmt.Errorf("writing replies: %w", err)
		}
	}
	return result, nil
}

// answerInBatch returns what the chat endpoint answers to a body, without its
// faults and limits, unless it is the request's fate to fail.
func (s *Server) answerInBatch(body []byte, f fate, batch string) (int, any) {
	req := new(chatRequest)
	if err := json.Unmarshal(body, req); err != nil {
		return http.StatusBadRequest, failure(http.StatusBadRequest, "the body is not a chat request: "+excerpt(err.Error()))
	}
	if status, wrong := s.refusal(req); status != 0 {
		return status, wrong
	}
	a := asking{model: req.Model, body: canonicalHash(body), reply: req.hash(), batch: batch}
	fails := func(status int, kind string) (int, any) {
		a.try = s.memory.try(a.body)
		s.ended(a, status, kind, false)
		text := failures[status]
		if text == "" {
			text = fmt.Sprintf("a simulated failure with status %d", status)
		}
		return status, failure(status, text)
	}
	if kind, ok := alwaysFails(req.Model); ok {
		if status := statusOf(kind); status != 0 {
			return fails(status, kind)
		}
		return fails(http.StatusInternalServerError, kind) // a batch has no connection to break
	}
	s.tally.ask(req.Model)
	if wrong, ok := s.tooLong(req); ok {
		s.tally.end(outcomeContextLength, "", false)
		return http.StatusBadRequest, wrong
	}
	switch f {
	case fate500:
		return fails(http.StatusInternalServerError, "500")
	case fate429:
		return fails(http.StatusTooManyRequests, "429")
	case fate400:
		return fails(http.StatusBadRequest, "400")
	}
	a.try = s.memory.try(a.body)
	reply := s.complete(req, a.reply)
	s.ended(a, http.StatusOK, "", true)
	return http.StatusOK, reply
}
