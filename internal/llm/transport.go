package llm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// maxBody is the size of the largest answer that is read, in bytes.
const maxBody = 64 << 20

var (
	errTooLarge = fmt.Errorf("the answer is larger than %d MB", maxBody>>20)
	errTimeout  = errors.New("no complete answer in time")
	errStalled  = errors.New("the answer stalled")
)

func newTransport(concurrency int) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          concurrency,
		MaxIdleConnsPerHost:   concurrency, // the default of 2 would dial anew for almost every request
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// exchange is one request on its way through go-openai, and the answer as it
// really was.
type exchange struct {
	request []byte        // the body that is sent
	idle    time.Duration // stall is called when no byte came for this long
	stall   func()

	status     int // 0 until there is a whole answer
	header     http.Header
	body       []byte
	completion completion // set by the judge
}

type exchangeKey struct{}

// exchange sends x through go-openai, which sees as little as it can do with: it
// refuses parameters, and whole requests, by the model's name.
func (s *server) exchange(ctx context.Context, x *exchange) error {
	_, err := s.api.CreateChatCompletion(context.WithValue(ctx, exchangeKey{}, x), openai.ChatCompletionRequest{})
	return err
}

// bodyEditor is a RoundTripper that cures what go-openai does to a request
// (leaves out temperature 0, refuses parameters by the model's name, has no
// field for what vLLM adds) and to an answer (loses `reasoning` and the text of
// errors that are not in OpenAI's form): it sends the exchange's own body and
// keeps the answer's. go-openai is handed an empty one, since to read it twice
// would cost twice.
type bodyEditor struct {
	next    http.RoundTripper
	headers map[string]string
}

func (t bodyEditor) RoundTrip(req *http.Request) (*http.Response, error) {
	defer req.Body.Close()
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("llm: a request without its exchange")
	}
	edited := req.Clone(req.Context())
	edited.ContentLength = int64(len(x.request))
	edited.Body = io.NopCloser(bytes.NewReader(x.request))
	edited.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.request)), nil }
	for name, value := range t.headers {
		edited.Header.Set(name, value)
	}
	resp, err := t.next.RoundTrip(edited)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readBody(resp, x)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	x.status, x.header, x.body = resp.StatusCode, resp.Header, body
	resp.StatusCode = http.StatusOK
	resp.Body = io.NopCloser(strings.NewReader("{}"))
	return resp, nil
}

// readBody reads an answer, and calls x.stall when it stops coming.
func readBody(resp *http.Response, x *exchange) ([]byte, error) {
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= maxBody {
		b.Grow(int(n) + bytes.MinRead)
	}
	idle := time.AfterFunc(x.idle, x.stall)
	defer idle.Stop()
	watched := watchedReader{resp.Body, func() { idle.Reset(x.idle) }}
	if _, err := b.ReadFrom(io.LimitReader(watched, maxBody+1)); err != nil {
		return nil, err
	}
	if b.Len() > maxBody {
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}

// watchedReader calls came after every read that brought something.
type watchedReader struct {
	io.Reader
	came func()
}

func (r watchedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.came()
	}
	return n, err
}

// authorizer adds the key and the headers of an endpoint to requests of the Batch API.
type authorizer struct {
	next    http.RoundTripper
	host    string // alone gets the key: a file may be redirected to another
	key     string
	headers map[string]string
}

func (t authorizer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != t.host {
		return t.next.RoundTrip(req)
	}
	edited := req.Clone(req.Context())
	if t.key != "" {
		edited.Header.Set("Authorization", "Bearer "+t.key)
	}
	for name, value := range t.headers {
		edited.Header.Set(name, value)
	}
	return t.next.RoundTrip(edited)
}
