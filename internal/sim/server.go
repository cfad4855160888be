package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBody is the largest request, in bytes.
const maxBody = 32 << 20

// maxRemembered is the number of first tries that Faults remembers.
const maxRemembered = 100_000

// Server answers for the models of a World. Besides the solver and the
// annotators there are models that always fail, for trying wrong input by hand:
// sim-status-401, sim-status-404, sim-status-500, sim-html.
type Server struct {
	RequireKey string // bearer key that requests must bring; empty for none

	world *World
	log   *slog.Logger

	mu     sync.Mutex
	asked  map[string]int64    // requests by model
	failed map[uint64]struct{} // requests that failed at their first try
}

// NewServer returns a server for the models of w.
func NewServer(w *World, log *slog.Logger) *Server {
	return &Server{world: w, log: log, asked: map[string]int64{}, failed: map[uint64]struct{}{}}
}

// Models lists the models that answer.
func (s *Server) Models() []string {
	return append([]string{SolverModel}, slices.Sorted(maps.Keys(s.world.Annotators))...)
}

// Handler returns the HTTP handler: GET /v1/models, POST /v1/chat/completions,
// GET /healthz, and GET /stats, which counts requests by model.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		asked := maps.Clone(s.asked)
		s.mu.Unlock()
		write(w, http.StatusOK, map[string]any{"simulated": true, "requests": asked})
	})
	mux.HandleFunc("GET /v1/models", s.withKey(s.models))
	mux.HandleFunc("POST /v1/chat/completions", s.withKey(s.chat))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, fmt.Sprintf("there is no %s %s here; the API is at /v1/chat/completions", r.Method, excerpt(r.URL.Path)))
	})
	return mux
}

func (s *Server) withKey(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.RequireKey != "" && r.Header.Get("Authorization") != "Bearer "+s.RequireKey {
			fail(w, http.StatusUnauthorized, "the API key is missing or wrong")
			return
		}
		next(w, r)
	}
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		OwnedBy string `json:"owned_by"`
	}
	var data []model
	for _, id := range s.Models() {
		data = append(data, model{id, "model", "simulated"})
	}
	write(w, http.StatusOK, map[string]any{"object": "list", "data": data, "simulated": true})
}

type chatRequest struct {
	Model       string    `json:"model"`
	Messages    []message `json:"messages"`
	Temperature *float64  `json:"temperature"`
	N           *int      `json:"n"`
	MaxTokens   *int      `json:"max_tokens"`
	MaxComplete *int      `json:"max_completion_tokens"`
	Stop        stops     `json:"stop"`
	Seed        *int64    `json:"seed"`
	Stream      bool      `json:"stream"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// stops is a text or a list of texts.
type stops []string

func (s *stops) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		if one != "" {
			*s = stops{one}
		}
		return nil
	}
	var many []string
	err := json.Unmarshal(data, &many)
	*s = many
	return err
}

type choice struct {
	Index        int     `json:"index"`
	Message      message `json:"message"`
	FinishReason string  `json:"finish_reason"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

type chatReply struct {
	ID                string   `json:"id"`
	Object            string   `json:"object"`
	Created           int64    `json:"created"`
	Model             string   `json:"model"`
	Choices           []choice `json:"choices"`
	Usage             usage    `json:"usage"`
	SystemFingerprint string   `json:"system_fingerprint"`
	Simulated         bool     `json:"simulated"`
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	var req chatRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&req); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d MiB", maxBody>>20))
			return
		}
		fail(w, http.StatusBadRequest, "the body is not a chat request: "+excerpt(err.Error()))
		return
	}
	switch {
	case req.Stream:
		fail(w, http.StatusBadRequest, "the simulated server does not stream; leave stream out")
		return
	case len(req.Messages) == 0:
		fail(w, http.StatusBadRequest, "messages is missing or empty")
		return
	case req.N != nil && (*req.N < 1 || *req.N > 128):
		fail(w, http.StatusBadRequest, "n must be from 1 to 128")
		return
	}
	if s.alwaysFails(w, req.Model) {
		return
	}
	annotator, isAnnotator := s.world.Annotators[req.Model]
	if !isAnnotator && req.Model != SolverModel {
		fail(w, http.StatusNotFound, fmt.Sprintf("the model %q does not exist; there are %s", excerpt(req.Model), strings.Join(s.Models(), ", ")))
		return
	}
	s.count(req.Model)
	if s.firstTryFails(w, &req) {
		return
	}
	if s.world.Latency > 0 {
		select {
		case <-time.After(s.world.Latency):
		case <-r.Context().Done():
			return
		}
	}

	system, prompt := req.texts()
	n := 1
	if req.N != nil {
		n = *req.N
	}
	out := chatReply{
		ID: fmt.Sprintf("sim-%016x", req.hash(0)), Object: "chat.completion", Model: req.Model,
		SystemFingerprint: fmt.Sprintf("simulated-%d", s.world.Seed), Simulated: true, Choices: make([]choice, n),
	}
	for _, m := range req.Messages {
		out.Usage.PromptTokens += tokens(m.Content)
	}
	for i := range n {
		random := draw(s.world.Seed, "reply", strconv.FormatUint(req.hash(i), 16))
		var said reply
		if isAnnotator {
			said = s.world.judge(req.Model, annotator, random, system, prompt)
		} else {
			said = s.world.solve(random, prompt)
		}
		said = req.limit(said)
		out.Choices[i] = choice{i, message{"assistant", said.text}, said.finish}
		out.Usage.CompletionTokens += tokens(said.text)
	}
	out.Usage.TotalTokens = out.Usage.PromptTokens + out.Usage.CompletionTokens
	write(w, http.StatusOK, out)
}

// texts returns the system message and the last user message.
func (r *chatRequest) texts() (system, prompt string) {
	for _, m := range r.Messages {
		switch m.Role {
		case "system", "developer":
			system = m.Content
		case "user":
			prompt = m.Content
		}
	}
	return system, prompt
}

// hash stands for everything a reply depends on but the world's seed.
func (r *chatRequest) hash(choice int) uint64 {
	texts := []string{r.Model, strconv.Itoa(choice)}
	if r.Temperature != nil {
		texts = append(texts, "temperature", strconv.FormatFloat(*r.Temperature, 'g', -1, 64))
	}
	if r.Seed != nil {
		texts = append(texts, "seed", strconv.FormatInt(*r.Seed, 10))
	}
	for _, m := range r.Messages {
		texts = append(texts, m.Role, m.Content)
	}
	return mix(texts...)
}

// limit cuts a reply at the first stop text, and to the tokens asked for.
func (r *chatRequest) limit(said reply) reply {
	for _, stop := range r.Stop {
		if at := strings.Index(said.text, stop); stop != "" && at >= 0 {
			said = reply{said.text[:at], "stop"}
		}
	}
	for _, limit := range []*int{r.MaxTokens, r.MaxComplete} {
		if limit != nil && *limit >= 0 && tokens(said.text) > *limit {
			said = reply{strings.ToValidUTF8(said.text[:4**limit], ""), "length"}
		}
	}
	return said
}

// tokens counts one token for every four bytes, rounded up.
func tokens(text string) int { return (len(text) + 3) / 4 }

func (s *Server) alwaysFails(w http.ResponseWriter, model string) bool {
	switch model {
	case "sim-status-401":
		fail(w, http.StatusUnauthorized, "the API key is missing or wrong")
	case "sim-status-404":
		fail(w, http.StatusNotFound, "the model does not exist")
	case "sim-status-500":
		fail(w, http.StatusInternalServerError, "the simulated model is broken")
	case "sim-html":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><html><body><h1>Welcome to the simulated proxy</h1></body></html>")
	default:
		return false
	}
	return true
}

func (s *Server) count(model string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[model]++
}

// firstTryFails answers with a fault if this request is among those that fail at
// first and has not failed yet.
func (s *Server) firstTryFails(w http.ResponseWriter, req *chatRequest) bool {
	f := s.world.Faults
	if f.Rate <= 0 {
		return false
	}
	hash := req.hash(0)
	random := draw(f.Seed, "fault", strconv.FormatUint(hash, 16))
	if random.Float64() >= f.Rate {
		return false
	}
	s.mu.Lock()
	_, failed := s.failed[hash]
	if !failed {
		if len(s.failed) >= maxRemembered {
			clear(s.failed)
		}
		s.failed[hash] = struct{}{}
	}
	s.mu.Unlock()
	if failed {
		return false
	}
	status := http.StatusInternalServerError
	if len(f.Statuses) > 0 {
		status = pick(random, f.Statuses)
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "0")
	}
	fail(w, status, "a simulated fault; try again")
	return true
}

// fail writes an error in OpenAI's form.
func fail(w http.ResponseWriter, status int, text string) {
	kind := "invalid_request_error"
	if status >= 500 {
		kind = "server_error"
	}
	write(w, status, map[string]any{"error": map[string]any{"message": text, "type": kind, "code": status}, "simulated": true})
}

func write(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the reply cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that has gone needs no answer
}

// excerpt bounds what an error repeats of a request.
func excerpt(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Running is a server that listens.
type Running struct {
	server *http.Server
	addr   net.Addr
	stop   context.CancelFunc
	done   chan error
}

// Start serves w on addr until ctx ends or Close is called. An empty addr is a
// free port of the loopback interface; a caller who wants the server seen from
// elsewhere has to name another interface.
func Start(ctx context.Context, w *World, addr string, log *slog.Logger) (*Running, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("starting the simulated model server: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	r := &Running{
		server: &http.Server{
			Handler: NewServer(w, log).Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		addr: listener.Addr(), stop: stop, done: make(chan error, 1),
	}
	go func() {
		served := make(chan error, 1)
		go func() { served <- r.server.Serve(listener) }()
		select {
		case <-ctx.Done():
		case err := <-served:
			r.done <- fmt.Errorf("the simulated model server stopped: %w", err)
			return
		}
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		err := r.server.Shutdown(grace)
		if errors.Is(err, context.DeadlineExceeded) {
			err = r.server.Close()
		}
		<-served
		r.done <- err
	}()
	return r, nil
}

// URL returns the base URL that clients are given: http://HOST:PORT/v1.
func (r *Running) URL() string { return "http://" + r.addr.String() + "/v1" }

// Close stops the server and waits for its goroutines. It must be called once.
func (r *Running) Close() error {
	r.stop()
	return <-r.done
}
