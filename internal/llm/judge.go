package llm

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const hintURL = "url should be the base URL of an OpenAI-compatible API, which as a rule ends in /v1"

// verdict is what a failed try means for what to do next.
type verdict int

const (
	again    verdict = iota // another try may do
	throttle                // too many requests: the endpoint pauses, the request is not at fault
	deny                    // the endpoint will not have this request, another one may
	refuse                  // the request is at fault; asking again would not help
	fatal                   // the endpoint is of no use as configured
)

// failure is a try that failed.
type failure struct {
	name     string // for statistics: the status, or what happened
	verdict  verdict
	unproven bool // if the endpoint has never given a reply, it is not what the config takes it for
	unheard  bool // nothing listens at the URL
	words    string
	hint     string
	status   int           // 0 = no answer
	after    time.Duration // the server's Retry-After; 0 = none
	refused  string        // Kind of an UnansweredError
}

// networkFailure judges a try without an answer.
func (s *server) networkFailure(err error) *failure {
	var (
		dns    *net.DNSError
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		where  *url.Error
	)
	fail := &failure{name: "network", words: err.Error(), hint: "the endpoint keeps failing; look at the server, then run the same command again, it resumes"}
	if errors.As(err, &where) {
		fail.words = where.Err.Error() // the URL is named anyway
	}
	switch {
	case errors.Is(err, errTooLarge):
		fail.name, fail.verdict, fail.refused = "too_large", refuse, GaveUp
		fail.hint = "set max_tokens; no chat completion is this long"
	case errors.As(err, &cert):
		fail.name, fail.verdict = "certificate", fatal
		fail.hint = "the server's certificate is not trusted here; check url, or add its authority to the system's certificates"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		fail.name, fail.verdict = "no_tls", fatal
		fail.hint = "the server does not speak TLS; write http:// instead of https:// in url"
	case errors.Is(err, syscall.ECONNREFUSED):
		fail.name, fail.unheard = "connection_refused", true
		fail.hint = "nothing listens there; start the server or correct url"
	case errors.As(err, &dns):
		fail.name, fail.unheard = "unknown_host", true
		fail.hint = "the host's name is not known; correct url"
	case errors.Is(err, errStalled):
		fail.name = "stalled"
		fail.words = fmt.Sprintf("the answer stalled: no byte for %s", s.IdleTimeout)
		fail.hint = "look at the server, or raise idle_timeout"
	case errors.Is(err, errTimeout):
		fail.name = "timeout"
		fail.words = fmt.Sprintf("no complete answer within %s", s.Timeout)
		fail.hint = "raise timeout, lower concurrency or max_tokens"
	case errors.Is(err, io.ErrUnexpectedEOF):
		fail.name = "cut_off"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF):
		fail.name = "reset"
	}
	return fail
}

// judge says what an answer is: a reply or a failure.
func (s *server) judge(x *exchange) *answer {
	a := &answer{header: x.header}
	if a.fail = s.answerFailure(x); a.fail == nil {
		a.reply = readReply(x.completion)
	}
	return a
}

// answerFailure judges an answer; nil means that it is a reply.
func (s *server) answerFailure(x *exchange) *failure {
	if x.status < 200 || x.status > 299 {
		return s.statusFailure(x.status, x.header, x.body)
	}
	var completion completion
	err := json.Unmarshal(x.body, &completion)
	if err == nil && len(completion.Choices) > 0 {
		x.completion = completion
		return nil
	}
	fail := &failure{status: x.status}
	var syntax *json.SyntaxError
	errors.As(json.Unmarshal(x.body, new(json.RawMessage)), &syntax)
	switch {
	case isHTML(x.body):
		fail.name, fail.unproven = "html", true
		fail.words = readError(x.body).message
		fail.hint = "that is a web page and not an API; " + hintURL
	case bytes.HasPrefix(x.body, []byte("data:")):
		fail.name, fail.unproven = "stream", true
		fail.words = "a stream of events"
		fail.hint = "the server streams although it was not asked to; " + hintURL
	case syntax != nil && syntax.Offset >= int64(len(x.body)):
		fail.name = "cut_off"
		fail.words = "the answer breaks off in the middle"
		fail.hint = "the endpoint, or a proxy before it, keeps cutting answers off"
	case syntax != nil:
		fail.name, fail.unproven = "not_json", true
		fail.words = "not JSON: " + string(x.body[:min(len(x.body), 8*maxWords)])
		fail.hint = hintURL
	case readError(x.body).status != 0:
		// OpenRouter answers 200 and puts the real status into the body.
		return s.statusFailure(readError(x.body).status, x.header, x.body)
	case err != nil:
		fail.name, fail.unproven = "other_json", true
		fail.words = err.Error()
		fail.hint = "the answer is JSON but not a chat completion; " + hintURL
	default:
		fail.name = "no_choices"
		fail.words = "an answer without choices: " + plain(x.body)
		fail.hint = "the endpoint keeps answering without choices; look at the server"
	}
	return fail
}

func (s *server) statusFailure(status int, header http.Header, body []byte) *failure {
	said := readError(body)
	fail := &failure{name: strconv.Itoa(status), status: status, words: said.message, verdict: deny, unproven: true, refused: RefusedDenied}
	if said.message == "" {
		fail.words = http.StatusText(status)
	}
	switch {
	case status >= 300 && status < 400:
		fail.words = "redirects to " + header.Get("Location")
		fail.hint = "write the address it redirects to into url"
	case bytes.Contains(body, []byte("HTTP request to an HTTPS server")): // in the words of Go's server
		fail.verdict = fatal
		fail.hint = "write https:// instead of http:// in url"
	case status == http.StatusRequestEntityTooLarge, (status == 400 || status == 422) && !isHTML(body):
		fail.verdict, fail.unproven, fail.refused = refuse, false, said.kind()
	case status == http.StatusForbidden && said.kind() == RefusedContentFilter:
		fail.verdict, fail.unproven, fail.refused = refuse, false, RefusedContentFilter
	case status == http.StatusUnauthorized && s.KeyEnv == "":
		fail.hint = "the server wants an API key; name the environment variable that holds it in key_env"
	case status == http.StatusUnauthorized:
		fail.hint = fmt.Sprintf("the API key in $%s is not accepted there", s.KeyEnv)
	case status == http.StatusPaymentRequired, said.code == "insufficient_quota":
		fail.verdict = fatal
		fail.hint = "the account has no credit left; what was paid for is in the journal, so run the same command again after topping up"
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests, status >= 500:
		fail.verdict, fail.unproven, fail.refused = again, false, ""
		if status == http.StatusTooManyRequests {
			fail.verdict = throttle
		}
		fail.after = retryAfter(header.Get("Retry-After"), time.Now())
		fail.hint = "the endpoint keeps failing; look at the server, or lower concurrency, then run the same command again, it resumes"
	case status == http.StatusForbidden:
		fail.hint = fmt.Sprintf("the API key may not use model %q", s.Endpoint.Model)
	case status == http.StatusNotFound && !isHTML(body) && strings.Contains(strings.ToLower(said.message), "model"):
		fail.hint = fmt.Sprintf("the server has no model %q; GET %s/models lists those it has", s.Endpoint.Model, s.URL)
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, isHTML(body):
		fail.hint = hintURL
	default:
		fail.hint = "the server does not take such requests"
	}
	return fail
}
