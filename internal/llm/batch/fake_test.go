package batch

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fake is a server with the files and batches of OpenAI's API. A batch takes a
// step each time it is looked at; its results come in another order.
type fake struct {
	*httptest.Server
	t testing.TB

	// Set before the first request. They are called with the mutex held.
	fate      func(id string, tries int) string // of a request: see (*fake).work; "" = answered
	status    func(n int) string                // that the nth batch ends with; "" = completed
	problems  func(n int) string                // errors.data of the nth batch, if it fails
	after     func(b *fakeBatch)                // a batch has its results
	intercept func(w http.ResponseWriter, r *http.Request, handle http.HandlerFunc)

	mu      sync.Mutex
	random  *rand.Rand
	files   map[string][]byte
	batches []*fakeBatch
	tries   map[string]int // batches that were created with a request and did not fail
	paid    map[string]int
	auth    map[string]bool
}

type fakeBatch struct {
	id, input, output, errors, status, final, metadata, problems string
	total, completed, failed                                     int
}

func newFake(t testing.TB) *fake {
	f := &fake{
		t:      t,
		random: rand.New(rand.NewPCG(1, 2)),
		files:  map[string][]byte{},
		tries:  map[string]int{},
		paid:   map[string]int{},
		auth:   map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/files", f.upload)
	mux.HandleFunc("GET /v1/files/{id}/content", f.content)
	mux.HandleFunc("POST /v1/batches", f.create)
	mux.HandleFunc("GET /v1/batches", f.list)
	mux.HandleFunc("GET /v1/batches/{id}", f.retrieve)
	mux.HandleFunc("POST /v1/batches/{id}/cancel", f.cancel)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.intercept != nil {
			f.intercept(w, r, mux.ServeHTTP)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Server.Close)
	return f
}

func (f *fake) upload(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil || r.FormValue("purpose") != "batch" || !strings.HasSuffix(header.Filename, ".jsonl") {
		http.Error(w, `{"error":{"message":"bad form"}}`, 400)
		return
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.auth[r.Header.Get("Authorization")] = true
	fmt.Fprintf(w, `{"id":%q,"object":"file","bytes":%d,"filename":%q,"purpose":"batch"}`, f.store(data), len(data), header.Filename)
}

func (f *fake) store(data []byte) string {
	id := fmt.Sprintf("file-%d", len(f.files))
	f.files[id] = data
	return id
}

func (f *fake) content(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	data, ok := f.files[r.PathValue("id")]
	f.mu.Unlock()
	if !ok {
		http.Error(w, `{"error":{"message":"No such File object"}}`, 404)
		return
	}
	w.Write(data)
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Input    string          `json:"input_file_id"`
		Endpoint string          `json:"endpoint"`
		Window   string          `json:"completion_window"`
		Metadata json.RawMessage `json:"metadata"`
	}
	err := json.NewDecoder(r.Body).Decode(&req)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || req.Endpoint != "/v1/chat/completions" || req.Window != "24h" || f.files[req.Input] == nil {
		http.Error(w, `{"error":{"message":"bad batch"}}`, 400)
		return
	}
	n := len(f.batches)
	b := &fakeBatch{id: fmt.Sprintf("batch_%d", n), input: req.Input, metadata: string(req.Metadata), status: "validating", final: "completed"}
	if f.status != nil && f.status(n) != "" {
		b.final = f.status(n)
	}
	f.batches = append(f.batches, b)
	if b.final == "failed" {
		b.problems = f.problems(n)
	} else {
		f.work(b)
	}
	b.write(w)
}

// work does what a batch asks for, each request by its fate.
func (f *fake) work(b *fakeBatch) {
	var output, errors []string
	for line := range strings.Lines(string(f.files[b.input])) {
		var req struct {
			ID     string          `json:"custom_id"`
			Method string          `json:"method"`
			URL    string          `json:"url"`
			Body   json.RawMessage `json:"body"`
		}
		if err := json.Unmarshal([]byte(line), &req); err != nil || req.Method != "POST" || req.URL != "/v1/chat/completions" {
			f.t.Errorf("request %q: %v", line, err)
		}
		b.total++
		fate := ""
		if f.fate != nil {
			fate = f.fate(req.ID, f.tries[req.ID])
		}
		f.tries[req.ID]++
		answer := fmt.Sprintf(`{"id":"r","custom_id":%q,"response":{"status_code":200,"request_id":"q","body":{"echo":%s}},"error":null}`, req.ID, req.Body)
		if fate == "" || fate == "twice" || fate == "garbled" {
			f.paid[req.ID]++
		}
		switch fate {
		case "":
			output = append(output, answer)
		case "twice":
			output = append(output, answer+"\n"+strings.Replace(answer, `"echo"`, `"other"`, 1))
		case "garbled":
			output = append(output, answer[:len(answer)/2])
		case "silent":
		case "stranger":
			output = append(output, answer, strings.Replace(answer, req.ID, "stranger", 1))
		case "expired", "cancelled":
			errors = append(errors, fmt.Sprintf(`{"id":"r","custom_id":%q,"response":null,"error":{"code":"batch_%s","message":"too late"}}`, req.ID, fate))
			b.failed++
			continue
		case "failure":
			errors = append(errors, fmt.Sprintf(`{"id":"r","custom_id":%q,"response":null,"error":{"code":"server_error","message":"oh"}}`, req.ID))
			b.failed++
			continue
		default: // a status, in either file
			line := fmt.Sprintf(`{"id":"r","custom_id":%q,"response":{"status_code":%s,"request_id":"q","body":{"error":{"message":"no"}}},"error":null}`, req.ID, strings.TrimPrefix(fate, "output "))
			b.failed++
			if strings.HasPrefix(fate, "output ") {
				output = append(output, line)
			} else {
				errors = append(errors, line)
			}
			continue
		}
		b.completed++
	}
	f.random.Shuffle(len(output), func(i, j int) { output[i], output[j] = output[j], output[i] })
	if len(output) > 0 {
		b.output = f.store([]byte(strings.Join(output, "\n") + "\n"))
	}
	if len(errors) > 0 {
		b.errors = f.store([]byte(strings.Join(errors, "\n") + "\n"))
	}
	if f.after != nil {
		f.after(b)
	}
}

func (b *fakeBatch) write(w io.Writer) {
	problems, output, errors := "null", "null", "null"
	if b.status == b.final {
		if b.problems != "" {
			problems = `{"object":"list","data":[` + b.problems + `]}`
		}
		if b.output != "" {
			output = `"` + b.output + `"`
		}
		if b.errors != "" {
			errors = `"` + b.errors + `"`
		}
	}
	fmt.Fprintf(w, `{"id":%q,"object":"batch","endpoint":"/v1/chat/completions","errors":%s,"input_file_id":%q,"completion_window":"24h",
		"status":%q,"output_file_id":%s,"error_file_id":%s,"created_at":1,"metadata":%s,"request_counts":{"total":%d,"completed":%d,"failed":%d}}`,
		b.id, problems, b.input, b.status, output, errors, b.metadata, b.total, b.completed, b.failed)
}

func (f *fake) find(w http.ResponseWriter, r *http.Request) *fakeBatch {
	for _, b := range f.batches {
		if b.id == r.PathValue("id") {
			return b
		}
	}
	http.Error(w, `{"error":{"message":"No batch found"}}`, 404)
	return nil
}

func (f *fake) retrieve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.find(w, r)
	if b == nil {
		return
	}
	steps := []string{"validating", "in_progress", "finalizing", b.final}
	if b.final == "failed" {
		steps = []string{"validating", "failed"}
	}
	if i := slices.Index(steps, b.status); i >= 0 && i+1 < len(steps) {
		b.status = steps[i+1]
	}
	b.write(w)
}

func (f *fake) cancel(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.find(w, r); b != nil {
		b.status, b.final = "cancelled", "cancelled"
		b.write(w)
	}
}

// list has pages of two, so that there are several.
func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := len(f.batches)
	for i, b := range f.batches {
		if b.id == r.URL.Query().Get("after") {
			from = i
		}
	}
	io.WriteString(w, `{"object":"list","data":[`)
	to := max(from-2, 0)
	for i := from - 1; i >= to; i-- {
		f.batches[i].write(w)
		if i > to {
			io.WriteString(w, ",")
		}
	}
	fmt.Fprintf(w, `],"has_more":%v}`, to > 0)
}

// paidOnce checks that each id was answered at a price once, and no other id.
func (f *fake) paidOnce(ids ...string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if f.paid[id] != 1 {
			f.t.Errorf("%s was paid for %d times", id, f.paid[id])
		}
	}
	if len(f.paid) != len(ids) {
		f.t.Errorf("paid for %v, asked for %v", f.paid, ids)
	}
}
