package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// maxBody is the size of the largest answer that is read, in bytes.
const maxBody = 64 << 20

var errTooLarge = fmt.Errorf("the answer is larger than %d MB", maxBody>>20)

func newTransport(concurrency int) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   concurrency, // the default of 2 would dial anew for almost every request
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// exchange is one request on its way through go-openai: its body's
// fields, most of which go-openai would refuse, round or leave out, and the
// answer as it really was.
type exchange struct {
	fields map[string]any // set in the body, over what go-openai put there

	status int // 0 until there is an answer
	header http.Header
	body   []byte
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// bodyEditor is a RoundTripper that cures what go-openai does to a request
// (leaves out temperature 0, refuses parameters by the model's name, has no
// field for what vLLM adds) and to an answer (loses `reasoning` and the text of
// errors that are not in OpenAI's form): it edits the body that goes out and
// keeps the one that comes back.
type bodyEditor struct {
	next http.RoundTripper
}

func (t bodyEditor) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("llm: a request without its exchange")
	}
	edited, err := editRequest(req, x.fields)
	if err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(edited)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	x.status, x.header, x.body = resp.StatusCode, resp.Header, body
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func editRequest(req *http.Request, fields map[string]any) (*http.Request, error) {
	defer req.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return nil, fmt.Errorf("llm: reading the request's own body: %w", err)
	}
	for name, value := range fields {
		body[name] = value
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("llm: encoding the request: %w", err)
	}
	edited := req.Clone(req.Context())
	edited.ContentLength = int64(len(data))
	edited.Body = io.NopCloser(bytes.NewReader(data))
	edited.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	return edited, nil
}
