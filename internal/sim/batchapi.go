package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

// route returns what answers at a path of the Batch API, by method; nil if nothing
// does.
func (b *batches) route(path string) map[string]http.HandlerFunc {
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok {
		return nil
	}
	parts := strings.Split(rest, "/")
	switch {
	case rest == "files":
		return map[string]http.HandlerFunc{http.MethodGet: b.listFiles, http.MethodPost: b.upload}
	case rest == "batches":
		return map[string]http.HandlerFunc{http.MethodGet: b.list, http.MethodPost: b.make}
	case len(parts) == 2 && parts[0] == "files":
		return map[string]http.HandlerFunc{http.MethodGet: b.withFile(parts[1], tellFile), http.MethodDelete: b.withFile(parts[1], b.deleteFile)}
	case len(parts) == 3 && parts[0] == "files" && parts[2] == "content":
		return map[string]http.HandlerFunc{http.MethodGet: b.withFile(parts[1], sendContent)}
	case len(parts) == 2 && parts[0] == "batches":
		return map[string]http.HandlerFunc{http.MethodGet: b.withBatch(parts[1], b.tell)}
	case len(parts) == 3 && parts[0] == "batches" && parts[2] == "cancel":
		return map[string]http.HandlerFunc{http.MethodPost: b.withBatch(parts[1], b.stop)}
	}
	return nil
}

func (b *batches) withFile(id string, answer func(http.ResponseWriter, *storedFile)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		f := b.file(id)
		if f == nil {
			fail(w, http.StatusNotFound, fmt.Sprintf("No such File object: %s", excerpt(id)))
			return
		}
		answer(w, f)
	}
}

func (b *batches) withBatch(id string, answer func(http.ResponseWriter, *batch)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		x := b.find(id)
		if x == nil {
			fail(w, http.StatusNotFound, fmt.Sprintf("No batch found with id '%s'.", excerpt(id)))
			return
		}
		answer(w, x)
	}
}

// broken answers that the server itself has failed, on its disk for one.
func (b *batches) broken(w http.ResponseWriter, err error) {
	b.server.log.Error("the simulated Batch API failed", "error", err)
	fail(w, http.StatusInternalServerError, excerpt(err.Error()))
}

// upload streams a file to disk.
func (b *batches) upload(w http.ResponseWriter, r *http.Request) {
	const overhead = 1 << 20 // of the form around the file
	r.Body = http.MaxBytesReader(w, r.Body, b.mostBytes+overhead)
	form, err := r.MultipartReader()
	if err != nil {
		fail(w, http.StatusBadRequest, "an upload is multipart/form-data with the parts purpose and file: "+excerpt(err.Error()))
		return
	}
	data, err := b.options.newData()
	if err != nil {
		b.broken(w, err)
		return
	}
	name, purpose, err := readForm(form, data, b.mostBytes)
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	onDisk, _ := errors.AsType[*diskError](err)
	status, text := 0, ""
	switch {
	case tooLarge || errors.Is(err, errTooLarge):
		status, text = http.StatusRequestEntityTooLarge, fmt.Sprintf("the file is larger than %d MB", b.mostBytes>>20)
	case onDisk != nil:
		b.options.discard(data)
		b.broken(w, onDisk)
		return
	case err != nil:
		status, text = http.StatusBadRequest, "the upload cannot be read: "+excerpt(err.Error())
	case purpose != "batch":
		status, text = http.StatusBadRequest, fmt.Sprintf("the purpose is %q; the simulated server takes files of purpose batch only", excerpt(purpose))
	case name == "":
		status, text = http.StatusBadRequest, "the part file is missing, or it has no file name"
	}
	if status != 0 {
		b.options.discard(data)
		fail(w, status, text)
		return
	}
	f, err := b.store(data, name, purpose)
	if err != nil {
		b.broken(w, err)
		return
	}
	write(w, http.StatusOK, f.apiFile)
}

var errTooLarge = errors.New("too large")

// diskError is the server's own failure to write an upload.
type diskError struct{ err error }

func (e *diskError) Error() string { return "writing an upload: " + e.err.Error() }

// readForm reads the parts of an upload, in any order, and writes the file to data.
func readForm(form *multipart.Reader, data io.Writer, most int64) (name, purpose string, err error) {
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return name, purpose, nil
		}
		if err != nil {
			return "", "", err
		}
		switch part.FormName() {
		case "purpose":
			text, err := io.ReadAll(io.LimitReader(part, 100))
			if err != nil {
				return "", "", err
			}
			purpose = string(text)
		case "file":
			name = part.FileName()
			n, err := io.Copy(diskWriter{data}, io.LimitReader(part, most+1))
			if err != nil {
				return "", "", err
			}
			if n > most {
				return "", "", errTooLarge
			}
		}
	}
}

// diskWriter marks the errors of a writer, to tell them from a client's.
type diskWriter struct{ w io.Writer }

func (d diskWriter) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if err != nil {
		err = &diskError{err}
	}
	return n, err
}

func tellFile(w http.ResponseWriter, f *storedFile) { write(w, http.StatusOK, f.apiFile) }

func (b *batches) deleteFile(w http.ResponseWriter, f *storedFile) {
	deleted, err := b.remove(f.ID)
	if err != nil {
		b.broken(w, err)
		return
	}
	write(w, http.StatusOK, map[string]any{"id": f.ID, "object": "file", "deleted": deleted, "simulated": true})
}

func sendContent(w http.ResponseWriter, f *storedFile) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(f.Bytes, 10))
	_, _ = io.Copy(w, f.reader()) // a body that is shorter than announced tells the client
}

// listOf is a page of a list.
type listOf[T any] struct {
	Object    string  `json:"object"`
	Data      []T     `json:"data"`
	FirstID   *string `json:"first_id"`
	LastID    *string `json:"last_id"`
	HasMore   bool    `json:"has_more"`
	Simulated bool    `json:"simulated"`
}

func newList[T any](data []T, id func(T) string, more bool) listOf[T] {
	l := listOf[T]{Object: "list", Data: data, HasMore: more, Simulated: true}
	if len(data) > 0 {
		l.FirstID, l.LastID = orNull(id(data[0])), orNull(id(data[len(data)-1]))
	}
	return l
}

// pageOf reads which page of a list is wanted, or answers what is wrong with that.
func pageOf(w http.ResponseWriter, r *http.Request, usual, most int) (after string, limit int, ok bool) {
	q := r.URL.Query()
	limit = usual
	if text := q.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > most {
			fail(w, http.StatusBadRequest, fmt.Sprintf("limit must be from 1 to %d", most))
			return "", 0, false
		}
	}
	return q.Get("after"), limit, true
}

func (b *batches) listFiles(w http.ResponseWriter, r *http.Request) {
	after, limit, ok := pageOf(w, r, 10_000, 10_000)
	if !ok {
		return
	}
	b.mu.Lock()
	page, more, ok := newest(b.files, func(f *storedFile) string { return f.ID }, after, limit)
	b.mu.Unlock()
	if !ok {
		fail(w, http.StatusNotFound, fmt.Sprintf("No such File object: %s", excerpt(after)))
		return
	}
	shown := make([]apiFile, len(page))
	for i, f := range page {
		shown[i] = f.apiFile
	}
	write(w, http.StatusOK, newList(shown, func(f apiFile) string { return f.ID }, more))
}

func (b *batches) list(w http.ResponseWriter, r *http.Request) {
	after, limit, ok := pageOf(w, r, 20, 100)
	if !ok {
		return
	}
	b.mu.Lock()
	page, more, ok := newest(b.all, func(x *batch) string { return x.ID }, after, limit)
	b.mu.Unlock()
	if !ok {
		fail(w, http.StatusNotFound, fmt.Sprintf("No batch found with id '%s'.", excerpt(after)))
		return
	}
	shown := make([]apiBatch, len(page))
	for i, x := range page {
		var err error
		if shown[i], err = b.show(x); err != nil {
			b.broken(w, err)
			return
		}
	}
	write(w, http.StatusOK, newList(shown, func(x apiBatch) string { return x.ID }, more))
}

// make makes a batch of an uploaded file.
func (b *batches) make(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		InputFileID      string            `json:"input_file_id"`
		Endpoint         string            `json:"endpoint"`
		CompletionWindow string            `json:"completion_window"`
		Metadata         map[string]string `json:"metadata"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked); err != nil {
		fail(w, http.StatusBadRequest, "the body is not a request for a batch: "+excerpt(err.Error()))
		return
	}
	input := b.file(asked.InputFileID)
	switch {
	case asked.Endpoint != chatPath:
		fail(w, http.StatusBadRequest, fmt.Sprintf("the endpoint is %q; the simulated server batches %s only", excerpt(asked.Endpoint), chatPath))
	case asked.CompletionWindow != "24h":
		fail(w, http.StatusBadRequest, fmt.Sprintf("the completion_window is %q; it must be 24h", excerpt(asked.CompletionWindow)))
	case input == nil || input.Purpose != "batch":
		fail(w, http.StatusBadRequest, fmt.Sprintf("there is no file %q of purpose batch for input_file_id", excerpt(asked.InputFileID)))
	case len(asked.Metadata) > 16:
		fail(w, http.StatusBadRequest, fmt.Sprintf("metadata has %d members; 16 are allowed", len(asked.Metadata)))
	default:
		x, err := b.create(input, asked.Metadata)
		if err != nil {
			b.broken(w, err)
			return
		}
		b.tell(w, x)
	}
}

func (b *batches) tell(w http.ResponseWriter, x *batch) {
	shown, err := b.show(x)
	if err != nil {
		b.broken(w, err)
		return
	}
	write(w, http.StatusOK, shown)
}

func (b *batches) stop(w http.ResponseWriter, x *batch) {
	if err := b.cancel(x); err != nil {
		b.broken(w, err)
		return
	}
	b.tell(w, x)
}
