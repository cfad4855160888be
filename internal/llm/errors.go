package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"tinyv/internal/brief"
)

// Why a request went without a reply.
const (
	RefusedContextLength = "context_length" // the prompt, or prompt and max_tokens, are too long
	RefusedContentFilter = "content_filter"
	RefusedBadRequest    = "bad_request" // statuses 400, 413 and 422 for any other reason
	RefusedDenied        = "denied"      // statuses 401, 403, 404 and the like, from endpoints that answer other requests
	GaveUp               = "gave_up"     // every try failed, while other requests were answered
)

// UnansweredError says that this request has no reply. Asking again now would not
// help; other requests may well be answered, so the row is marked and the run
// goes on.
type UnansweredError struct {
	URL    string
	Status int    // HTTP status: 400, 413, 422, ...; 0 if the last try had no answer
	Kind   string // one of the constants above
	Words  string // the server's, on one line, at most 500 characters
	Tries  int
}

func (e *UnansweredError) Error() string {
	switch {
	case e.Kind == GaveUp && e.Status != 0:
		return fmt.Sprintf("%s gave no reply, tries: %d; the last answer had status %d: %s", e.URL, e.Tries, e.Status, e.Words)
	case e.Kind == GaveUp:
		return fmt.Sprintf("%s gave no reply, tries: %d: %s", e.URL, e.Tries, e.Words)
	}
	return fmt.Sprintf("%s refused the request with status %d: %s", e.URL, e.Status, e.Words)
}

// EndpointError says that the endpoint cannot be used as configured, or has
// failed for good. Other requests would fare no better.
type EndpointError struct {
	URL    string
	Status int    // HTTP status; 0 if there was no answer
	Tries  int    // requests that were sent for it
	Words  string // what the server, or the network, said; one line, at most 500 characters
	Hint   string // what to fix
}

func (e *EndpointError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "endpoint %s", e.URL)
	if e.Status != 0 {
		fmt.Fprintf(&b, " answered with status %d", e.Status)
	} else {
		b.WriteString(" failed")
	}
	if e.Tries > 1 {
		fmt.Fprintf(&b, " after %d tries", e.Tries)
	}
	if e.Words != "" {
		fmt.Fprintf(&b, ": %s", e.Words)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (hint: %s)", e.Hint)
	}
	return b.String()
}

const maxWords = 500 // characters of a server's words that are passed on

// words makes what a server said fit for an error and a log: one line, no
// control characters, no API key, of bounded length. The key goes last but one:
// what stands before could have put it together, what follows could leave half
// of it.
func (r *resolved) words(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	return brief.Of(r.withoutSecrets(s), maxWords)
}

// withoutSecrets takes the API key, and what headers hold of the environment, out
// of a text.
func (r *resolved) withoutSecrets(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, "[API key]")
	}
	return s
}

// minSecret is the length below which a secret is a word (vLLM's "EMPTY", the
// number of an organisation) that replies may hold by right.
const minSecret = 8

// withoutLongSecrets is withoutSecrets for a reply.
func (r *resolved) withoutLongSecrets(s string) string {
	for _, secret := range r.secrets {
		if len(secret) >= minSecret {
			s = strings.ReplaceAll(s, secret, "[API key]")
		}
	}
	return s
}

// serverError is what the body of a failure says, in any of the forms in use.
type serverError struct {
	message string
	code    string // OpenAI's "code", or else its "type"
	status  int    // a numeric "code", as vLLM and OpenRouter have it; 0 if none
}

// readError understands OpenAI's {"error":{"message",...}}, vLLM's older flat
// {"object":"error","message":...}, {"error":"text"}, FastAPI's {"detail":...}
// and plain text; of an HTML page it takes the title.
func readError(body []byte) serverError {
	var outer struct {
		Error   json.RawMessage `json:"error"`
		Detail  json.RawMessage `json:"detail"`
		Message string          `json:"message"`
		Code    any             `json:"code"`
		Type    any             `json:"type"`
	}
	if isHTML(body) {
		if m := htmlTitle.FindSubmatch(body); m != nil {
			return serverError{message: "an HTML page titled " + strings.TrimSpace(string(m[1]))}
		}
		return serverError{message: "an HTML page"}
	}
	if json.Unmarshal(body, &outer) != nil {
		return serverError{message: plain(body)}
	}
	var inner struct {
		Message string `json:"message"`
		Code    any    `json:"code"`
		Type    any    `json:"type"`
	}
	var text string
	switch {
	case json.Unmarshal(outer.Error, &inner) == nil && inner.Message != "":
		return serverError{inner.Message, codeOf(inner.Code, inner.Type), statusOf(inner.Code)}
	case json.Unmarshal(outer.Error, &text) == nil && text != "":
		return serverError{message: text}
	case outer.Message != "":
		return serverError{outer.Message, codeOf(outer.Code, outer.Type), statusOf(outer.Code)}
	case json.Unmarshal(outer.Detail, &text) == nil && text != "":
		return serverError{message: text}
	case len(outer.Detail) > 0:
		return serverError{message: plain(outer.Detail)}
	}
	return serverError{message: plain(body)}
}

// plain writes JSON anew, so that no unusual escape hides an API key in it.
func plain(data []byte) string {
	var v any
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if json.Unmarshal(data, &v) != nil || enc.Encode(v) != nil {
		return string(data[:min(len(data), 8*maxWords)])
	}
	return b.String()
}

func codeOf(values ...any) string {
	for _, v := range values {
		if s, ok := v.(string); ok && s != "" {
			return s
		}
	}
	return ""
}

func statusOf(code any) int {
	if f, ok := code.(float64); ok && f >= 400 && f < 600 {
		return int(f)
	}
	return 0
}

var (
	htmlTitle     = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	contextLength = regexp.MustCompile(`(?i)context_length|context length|maximum context|max_model_len|maximum model length|too many tokens|prompt is too long`)
	contentFilter = regexp.MustCompile(`(?i)content_filter|content_policy|content management policy|moderation`)
)

func isHTML(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

func (e serverError) kind() string {
	switch all := e.code + " " + e.message; {
	case contextLength.MatchString(all):
		return RefusedContextLength
	case contentFilter.MatchString(all):
		return RefusedContentFilter
	}
	return RefusedBadRequest
}
