package sim

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBody is the largest request, in bytes.
const maxBody = 32 << 20

// Server answers for the models of a World. Besides the solver and the
// annotators there are models that always fail, for trying by hand what happens
// then: sim-status-401 and every other status from 400 to 599, sim-html (a web
// page), sim-garbage (broken JSON), sim-empty (no choices), and sim-cut (the
// connection breaks inside the body).
type Server struct {
	RequireKey string // bearer key that requests under /v1/ must bring; empty for none

	world       *World
	log         *slog.Logger
	fingerprint string
	buffers     sync.Pool // of *bytes.Buffer
	warnForeign sync.Once
	failed      tries

	mu    sync.Mutex
	asked map[string]int64 // requests by model that answers
}

// NewServer returns a server for the models of w.
func NewServer(w *World, log *slog.Logger) *Server {
	return &Server{
		world: w, log: log, fingerprint: "simulated-" + strconv.FormatUint(w.Seed, 10),
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}, asked: map[string]int64{},
	}
}

// Models lists the models that answer.
func (s *Server) Models() []string {
	return append([]string{SolverModel}, slices.Sorted(maps.Keys(s.world.Annotators))...)
}

// Handler returns the HTTP handler: GET /v1/models, POST /v1/chat/completions,
// GET /healthz, and GET /stats, which counts the well-formed requests for each
// model, those that failed by Faults included. Errors have OpenAI's form. It is
// safe for several goroutines.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var method string
	var answer http.HandlerFunc
	switch r.URL.Path {
	case "/v1/chat/completions":
		method, answer = http.MethodPost, s.chat
	case "/v1/models":
		method, answer = http.MethodGet, s.models
	case "/healthz":
		method, answer = http.MethodGet, func(w http.ResponseWriter, _ *http.Request) {
			write(w, http.StatusOK, map[string]any{"status": "ok", "simulated": true})
		}
	case "/stats":
		method, answer = http.MethodGet, s.stats
	default:
		fail(w, http.StatusNotFound, fmt.Sprintf("there is no %q here; the API is at /v1/models and /v1/chat/completions", excerpt(r.URL.Path)))
		return
	}
	switch {
	case r.Method != method:
		w.Header().Set("Allow", method)
		fail(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %q", r.URL.Path, method, excerpt(r.Method)))
	case strings.HasPrefix(r.URL.Path, "/v1/") && !s.admits(r):
		fail(w, http.StatusUnauthorized, wrongKey)
	default:
		answer(w, r)
	}
}

func (s *Server) admits(r *http.Request) bool {
	want := "Bearer " + s.RequireKey
	return s.RequireKey == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) == 1
}

func (s *Server) stats(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	asked := maps.Clone(s.asked)
	s.mu.Unlock()
	write(w, http.StatusOK, map[string]any{"simulated": true, "requests": asked})
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

type choice struct {
	Index        int    `json:"index"`
	Message      spoken `json:"message"`
	FinishReason string `json:"finish_reason"`
}

type spoken struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

type chatReply struct {
	ID                string   `json:"id"`
	Object            string   `json:"object"`
	Created           int64    `json:"created"` // always 0: a reply depends on no clock
	Model             string   `json:"model"`
	Choices           []choice `json:"choices"`
	Usage             usage    `json:"usage"`
	SystemFingerprint string   `json:"system_fingerprint"`
	Simulated         bool     `json:"simulated"`
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	req, ok := s.read(w, r)
	if !ok {
		return
	}
	if text := req.refusal(); text != "" {
		fail(w, http.StatusBadRequest, text)
		return
	}
	if failingModel(w, req.Model) {
		return
	}
	annotator, isAnnotator := s.world.Annotators[req.Model]
	if !isAnnotator && req.Model != SolverModel {
		fail(w, http.StatusNotFound, fmt.Sprintf("there is no model %q here; the simulated models are %s", excerpt(req.Model), strings.Join(s.Models(), ", ")))
		return
	}
	s.mu.Lock()
	s.asked[req.Model]++
	s.mu.Unlock()

	request := req.hash()
	if status := s.world.Faults.status(request); status != 0 && s.failed.first(request) {
		failWith(w, status, "a simulated fault; try again")
		return
	}
	if s.world.Latency > 0 {
		select {
		case <-time.After(s.world.Latency):
		case <-r.Context().Done():
			return
		}
	}
	if isAnnotator {
		system, prompt := req.texts()
		judgement := s.world.judge(req.Model, annotator, system, prompt)
		s.answer(w, req, request, func(r *rand.Rand) reply { return annotator.reply(r, judgement) })
		return
	}
	p := s.posed(req)
	s.answer(w, req, request, func(r *rand.Rand) reply { return solve(r, p) })
}

// read reads a request, or answers what is wrong with it.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (*chatRequest, bool) {
	body := s.buffers.Get().(*bytes.Buffer)
	defer s.release(body)
	if _, err := io.Copy(body, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d MiB", maxBody>>20))
			return nil, false
		}
		fail(w, http.StatusBadRequest, "the body cannot be read: "+excerpt(err.Error()))
		return nil, false
	}
	req := new(chatRequest)
	if err := json.Unmarshal(body.Bytes(), req); err != nil {
		fail(w, http.StatusBadRequest, "the body is not a chat request: "+excerpt(err.Error()))
		return nil, false
	}
	return req, true
}

// release puts a buffer back, unless one large request has made it a burden.
func (s *Server) release(b *bytes.Buffer) {
	if b.Cap() <= 1<<20 {
		b.Reset()
		s.buffers.Put(b)
	}
}

// posed returns the problem that a request is about, nil if there is none.
func (s *Server) posed(req *chatRequest) *problem {
	_, prompt := req.texts()
	i, ok := tagged(prompt)
	if !ok {
		return nil
	}
	p := s.world.problem(i)
	if !strings.Contains(prompt, p.question) {
		s.warnForeign.Do(func() {
			s.log.Warn("a request names a simulated problem but does not hold its question; is the server's seed that of the problems?", "problem", i, "seed", s.world.Seed)
		})
	}
	return p
}

// answer writes as many replies as the request wants.
func (s *Server) answer(w http.ResponseWriter, req *chatRequest, request uint64, say func(*rand.Rand) reply) {
	n := req.choices()
	id := strconv.FormatUint(request, 16)
	out := chatReply{
		ID: "sim-" + id, Object: "chat.completion", Model: req.Model, SystemFingerprint: s.fingerprint, Simulated: true, Choices: make([]choice, n),
	}
	for _, m := range req.Messages {
		out.Usage.PromptTokens += tokens(string(m.Content))
	}
	for i := range n {
		said := req.limit(say(draw(s.world.Seed, "reply", id, strconv.Itoa(i))))
		out.Choices[i] = choice{i, spoken{"assistant", said.text}, said.finish}
		out.Usage.CompletionTokens += tokens(said.text)
	}
	out.Usage.TotalTokens = out.Usage.PromptTokens + out.Usage.CompletionTokens
	write(w, http.StatusOK, out)
}

// fail writes an error in OpenAI's form.
func fail(w http.ResponseWriter, status int, text string) {
	kind := "invalid_request_error"
	switch {
	case status == http.StatusTooManyRequests:
		kind = "rate_limit_error"
	case status >= 500:
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
