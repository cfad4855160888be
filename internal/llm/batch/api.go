package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v5"
	openai "github.com/sashabaranov/go-openai"

	"tinyv/internal/brief"
	"tinyv/internal/durable"
)

// patience says how long the queue waits for the server.
type patience struct {
	first   time.Duration // wait after the first failure of a call
	longest time.Duration // between two tries
	total   time.Duration // for a call that keeps failing
	unheard time.Duration // the same, of a server that has never answered
	call    time.Duration // for one answer that is not a file
	stall   time.Duration // for the next bytes of a file
	settle  time.Duration // until a batch shows in the server's list
}

// A batch has a day, so an outage of hours is no reason to end a run that waits
// for it.
var defaultPatience = patience{
	first:   time.Second,
	longest: time.Minute,
	total:   3 * time.Hour,
	unheard: time.Minute,
	call:    2 * time.Minute,
	stall:   5 * time.Minute,
	settle:  30 * time.Second,
}

// maxRetryAfter is the longest wait that a server may ask for.
const maxRetryAfter = time.Hour

// failure is a call of the API that failed.
type failure struct {
	doing  string
	url    string
	status int // 0 = no answer, or none that makes sense
	code   string
	words  string
	hint   string
	after  time.Duration // the server's Retry-After
	cause  error
}

func (f *failure) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "batch: %s at %s failed", f.doing, f.url)
	if f.status != 0 {
		fmt.Fprintf(&s, " with status %d", f.status)
	}
	if f.words != "" {
		fmt.Fprintf(&s, ": %s", f.words)
	}
	if f.hint != "" {
		fmt.Fprintf(&s, " (hint: %s)", f.hint)
	}
	return s.String()
}

func (f *failure) Unwrap() error { return f.cause }

// transient says that the same call may succeed later.
func (f *failure) transient() bool {
	switch f.status {
	case 0, http.StatusRequestTimeout, http.StatusConflict:
		return true
	case http.StatusTooManyRequests:
		return f.code != "insufficient_quota"
	case http.StatusNotImplemented:
		return false
	}
	return f.status >= 500
}

// unclear says that the server may have done what it was asked to.
func (f *failure) unclear() bool { return f.transient() && f.status != http.StatusTooManyRequests }

// endsAll says that no other call would fare better. A 404 says so of the API
// itself, not of one file or batch.
func (f *failure) endsAll() bool {
	switch f.status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return true
	}
	return f.code == "insufficient_quota" || f.hint == hintNoAPI
}

const hintNoAPI = "this server offers no Batch API; remove mode: batch from the endpoint, or correct its url, which as a rule ends in /v1"

// failed judges the error of a call. One means that the call was about one file
// or batch that the server should know.
func (q *Queue) failed(doing string, one bool, header http.Header, err error) error {
	if q.ctx.Err() != nil {
		return q.ctx.Err()
	}
	f := &failure{doing: doing, url: q.o.URL, cause: err}
	var (
		api     *openai.APIError
		request *openai.RequestError
		where   *url.Error
	)
	switch {
	case errors.As(err, &api):
		f.status, f.words = api.HTTPStatusCode, api.Message
		f.code, _ = api.Code.(string)
		if f.code == "" {
			f.code = api.Type
		}
	case errors.As(err, &request):
		f.status, f.words = request.HTTPStatusCode, string(request.Body)
	case errors.As(err, &where):
		f.words = where.Err.Error() // the URL is named anyway
	default:
		f.words = err.Error()
	}
	f.words = words(f.words)
	if f.status == 0 {
		f.hint = "look at the server and the network, then run the same command again, it resumes"
		return f
	}
	q.heard.Store(true)
	f.after = retryAfter(header.Get("Retry-After"), time.Now())
	switch {
	case f.transient():
		f.hint = "the server keeps failing; run the same command again later, it resumes"
	case f.code == "insufficient_quota", f.status == http.StatusPaymentRequired:
		f.hint = "the account has no credit left; run the same command again after topping up, it resumes"
	case f.status == http.StatusUnauthorized:
		f.hint = "the API key is not accepted there"
	case f.status == http.StatusForbidden:
		f.hint = "the API key may not use files or batches; give it the rights, or remove mode: batch from the endpoint"
	case one && f.status == http.StatusNotFound:
		f.hint = "it was deleted there, or belongs to another account or project: was the key changed?"
	case f.status == http.StatusNotFound, f.status == http.StatusMethodNotAllowed, f.status == http.StatusNotImplemented:
		f.hint = hintNoAPI
	}
	return f
}

// words makes what a server said fit for an error: one line, not too long.
func words(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return brief.Of(strings.Join(strings.Fields(s), " "), 500)
}

func retryAfter(value string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
		wait = time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return max(0, min(wait, maxRetryAfter))
}

// try calls until the call succeeds, fails for good, or has failed for too long.
func (q *Queue) try(call func() error) error {
	wait := backoff.ExponentialBackOff{
		InitialInterval:     q.patience.first,
		RandomizationFactor: 0.5,
		Multiplier:          2,
		MaxInterval:         q.patience.longest,
	}
	begun := time.Now()
	for {
		err := call()
		if err == nil {
			q.heard.Store(true)
			return nil
		}
		var f *failure
		if !errors.As(err, &f) || !f.transient() {
			return err
		}
		limit := q.patience.total
		if !q.heard.Load() {
			limit = q.patience.unheard
		}
		// Never sooner than the server asked for, and not all batches at once.
		pause := f.after + wait.NextBackOff()
		if time.Since(begun) > limit {
			return err
		}
		q.o.Log.Warn("batch: a call failed and is tried again", "doing", f.doing, "url", f.url, "status", f.status, "wait", pause.Round(time.Millisecond))
		if err := q.sleep(pause); err != nil {
			return err
		}
	}
}

func (q *Queue) sleep(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-q.ctx.Done():
		return q.ctx.Err()
	}
}

func (q *Queue) createBatch(file, id string) (openai.Batch, error) {
	ctx, cancel := context.WithTimeout(q.ctx, q.patience.call)
	defer cancel()
	got, err := q.api.CreateBatch(ctx, openai.CreateBatchRequest{
		InputFileID:      file,
		Endpoint:         openai.BatchEndpointChatCompletions,
		CompletionWindow: "24h",
		Metadata:         map[string]any{metadataKey: id},
	})
	if err == nil && got.ID == "" {
		err = errors.New("an answer without the id of a batch")
	}
	if err != nil {
		return openai.Batch{}, q.failed("creating a batch", false, got.Header(), err)
	}
	return got.Batch, nil
}

func (q *Queue) retrieveBatch(id string) (openai.Batch, error) {
	ctx, cancel := context.WithTimeout(q.ctx, q.patience.call)
	defer cancel()
	got, err := q.api.RetrieveBatch(ctx, url.PathEscape(id))
	if err == nil && got.Status == "" {
		err = errors.New("an answer without the status of the batch")
	}
	if err != nil {
		return openai.Batch{}, q.failed("looking at batch "+id, true, got.Header(), err)
	}
	return got.Batch, nil
}

func (q *Queue) cancelBatch(id string) error {
	ctx, cancel := context.WithTimeout(q.ctx, q.patience.call)
	defer cancel()
	got, err := q.api.CancelBatch(ctx, url.PathEscape(id))
	if err != nil {
		return q.failed("cancelling batch "+id, true, got.Header(), err)
	}
	return nil
}

// listBatches calls each with every batch of the account.
func (q *Queue) listBatches(each func(openai.Batch)) error {
	limit := 100
	var after *string
	for {
		ctx, cancel := context.WithTimeout(q.ctx, q.patience.call)
		page, err := q.api.ListBatch(ctx, after, &limit)
		cancel()
		if err != nil {
			return q.failed("listing batches", false, page.Header(), err)
		}
		for _, b := range page.Data {
			each(b)
		}
		if !page.HasMore || len(page.Data) == 0 {
			return nil
		}
		last := page.Data[len(page.Data)-1].ID
		if after != nil && *after == last {
			return nil // a server that does not know `after` would go on for ever
		}
		after = &last
	}
}

// upload sends a file and returns its id. It does not use go-openai, which
// builds the whole form in memory: 200 MB for each of the batches under way.
func (q *Queue) uploadFile(path, name string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("batch: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("batch: %w", err)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	err = w.WriteField("purpose", string(openai.PurposeBatch))
	if err == nil {
		_, err = w.CreateFormFile("file", name)
	}
	head := form.Len()
	if err = errors.Join(err, w.Close()); err != nil {
		return "", fmt.Errorf("batch: %w", err)
	}
	before, behind := form.Bytes()[:head], form.Bytes()[head:]

	doing := "uploading " + path
	ctx, cancel := context.WithCancelCause(q.ctx)
	defer cancel(nil)
	watch := newWatch(q.patience.stall, cancel)
	defer watch.stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.o.URL+"/files", nil)
	if err != nil {
		return "", fmt.Errorf("batch: %w", err)
	}
	req.Body = io.NopCloser(watch.reader(io.MultiReader(bytes.NewReader(before), f, bytes.NewReader(behind))))
	req.ContentLength = int64(form.Len()) + info.Size()
	req.Header.Set("Content-Type", w.FormDataContentType())
	var answer struct {
		ID string `json:"id"`
	}
	header, err := q.send(req, func(body io.Reader) error {
		if err := json.NewDecoder(io.LimitReader(watch.reader(body), 1<<20)).Decode(&answer); err != nil {
			return fmt.Errorf("the answer is not JSON: %w", err)
		}
		if answer.ID == "" {
			return errors.New("an answer without the id of a file")
		}
		return nil
	})
	if err != nil {
		return "", q.failed(doing, false, header, watch.cause(ctx, err))
	}
	return answer.ID, nil
}

// download writes a file of the server to disk, durably. It does not use
// go-openai, which loses the Retry-After of a failure.
func (q *Queue) download(id, path string) error {
	ctx, cancel := context.WithCancelCause(q.ctx)
	defer cancel(nil)
	watch := newWatch(q.patience.stall, cancel)
	defer watch.stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.o.URL+"/files/"+url.PathEscape(id)+"/content", nil)
	if err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	f, err := durable.Create(path)
	if err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	var disk error
	header, err := q.send(req, func(body io.Reader) error {
		_, err := io.Copy(writer{f, &disk}, watch.reader(body))
		return err
	})
	if err != nil {
		_ = f.Discard() // what stays is written over
	}
	if disk != nil {
		return fmt.Errorf("batch: writing %s: %w", path, durable.Cause(disk))
	}
	if err != nil {
		return q.failed("downloading file "+id, true, header, watch.cause(ctx, err))
	}
	if err := f.Commit(); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	return nil
}

// writer notes an error of its own, so that a full disk is not taken for a
// broken connection.
type writer struct {
	w   io.Writer
	err *error
}

func (w writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	*w.err = err
	return n, err
}

// send sends a request and has read read the body of its answer. Failures look
// like those of go-openai.
func (q *Queue) send(req *http.Request, read func(io.Reader) error) (http.Header, error) {
	resp, err := q.o.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp.Header, read(resp.Body)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		body = nil // the status says enough
	}
	var said openai.ErrorResponse
	if json.Unmarshal(body, &said) != nil || said.Error == nil {
		return resp.Header, &openai.RequestError{HTTPStatusCode: resp.StatusCode, Body: body}
	}
	said.Error.HTTPStatusCode = resp.StatusCode
	return resp.Header, said.Error
}

// watch cancels a transfer in which nothing moves. The length of the whole says
// nothing: a file has up to 200 MB and the line may be slow.
type watch struct {
	limit time.Duration
	timer *time.Timer
}

var errStalled = errors.New("the connection stalled")

func newWatch(limit time.Duration, cancel context.CancelCauseFunc) watch {
	return watch{limit, time.AfterFunc(limit, func() { cancel(errStalled) })}
}

func (w watch) stop() { w.timer.Stop() }

// cause is err, or the stall behind it.
func (w watch) cause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return fmt.Errorf("no bytes for %s: %w", w.limit, errStalled)
	}
	return err
}

func (w watch) reader(r io.Reader) io.Reader { return watched{r, w} }

type watched struct {
	io.Reader
	watch watch
}

func (w watched) Read(p []byte) (int, error) {
	w.watch.timer.Reset(w.watch.limit)
	return w.Reader.Read(p)
}
