package sim

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// An apiError is an error in OpenAI's form.
type apiError struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Param   any    `json:"param,omitempty"`
	Code    any    `json:"code"`
}

type errorReply struct {
	Error     apiError `json:"error"`
	Simulated bool     `json:"simulated"`
}

// failure is an error as the API words one whose code is its status.
func failure(status int, text string) errorReply {
	kind := "invalid_request_error"
	switch {
	case status == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case status >= 500:
		kind = "server_error"
	}
	return errorReply{apiError{Message: text, Type: kind, Code: status}, true}
}

// fail answers with an error.
func fail(w http.ResponseWriter, status int, text string) { write(w, status, failure(status, text)) }

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
func failWith(w http.ResponseWriter, status int, text string, retryAfter time.Duration) {
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", wholeSeconds(retryAfter))
	}
	if text == "" {
		text = fmt.Sprintf("a simulated failure with status %d", status)
	}
	fail(w, status, text)
}

func wholeSeconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

// failLimited answers a request over a limit. One that no minute has room for is
// not told to come again.
func failLimited(w http.ResponseWriter, model string, over refused) {
	text := fmt.Sprintf("Rate limit reached for %s on %s per min: limit %d. Please try again in %v.", model, over.what, over.limit, over.wait.Round(time.Millisecond))
	if over.never {
		text = fmt.Sprintf("Request too large for %s on %s per min: limit %d. Its %s must be reduced.", model, over.what, over.limit, over.what)
	} else {
		w.Header().Set("Retry-After", wholeSeconds(over.wait))
	}
	write(w, http.StatusTooManyRequests, errorReply{apiError{Message: text, Type: over.what, Code: "rate_limit_exceeded"}, true})
}

// tooLong says that a request does not fit into the context, in the words of
// OpenAI or of vLLM. wanted is 0 if the request has no limit of its own.
func tooLong(vllm bool, context, prompt, wanted int) errorReply {
	if vllm {
		text := fmt.Sprintf("This model's maximum context length is %d tokens. However, your request has %d input tokens. Please reduce the length of the input messages.", context, prompt)
		if wanted > 0 {
			text = fmt.Sprintf("'max_tokens' or 'max_completion_tokens' is too large: %d. This model's maximum context length is %d tokens and your request has %d input tokens (%d > %d - %d).",
				wanted, context, prompt, wanted, context, prompt)
		}
		return errorReply{apiError{Message: text, Type: "BadRequestError", Code: http.StatusBadRequest}, true}
	}
	text := fmt.Sprintf("This model's maximum context length is %d tokens. However, you requested %d tokens (%d in the messages, %d in the completion). Please reduce the length of the messages or completion.",
		context, prompt+wanted, prompt, wanted)
	return errorReply{apiError{Message: text, Type: "invalid_request_error", Param: "messages", Code: "context_length_exceeded"}, true}
}

// failFiltered refuses a prompt as a content filter does.
func failFiltered(w http.ResponseWriter) {
	const text = "The response was filtered due to the prompt triggering the content management policy. Please modify your prompt and retry."
	write(w, http.StatusBadRequest, errorReply{apiError{Message: text, Type: "invalid_request_error", Param: "prompt", Code: "content_filter"}, true})
}
