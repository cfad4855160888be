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

// chatPath is where chat completions are asked for, one by one or in a batch.
const chatPath = "/v1/chat/completions"

// maxBody is the largest request but an upload, in bytes.
const maxBody = 32 << 20

// Server answers for the models of a World. Besides the solver, the
// generator and the annotators there are models that always fail, for trying by hand what happens
// then: sim-status-401 and every other status from 400 to 599, sim-html (a web
// page), sim-garbage (broken JSON), sim-empty (no choices), sim-wrong-json (JSON of
// another shape), sim-duplicate (the reply twice in one answer), sim-cut (the
// connection ends inside the body), sim-reset (it is reset before), sim-hang (no
// byte comes), and sim-stall (half of the body comes, then no more).
type Server struct {
	RequireKey string // bearer key that requests under /v1/ must bring; empty for none

	world       *World
	log         *slog.Logger
	fingerprint string
	buffers     sync.Pool // of *bytes.Buffer
	warnForeign sync.Once
	ending      chan struct{} // closed when what is held for the client is let go

	timers     timers
	limiter    limiter
	memory     memory
	tally      *tally
	requestLog requestLog
	batches    *batches
}

// NewServer returns a server for the models of w.
func NewServer(w *World, log *slog.Logger) *Server {
	s := &Server{
		world: w, log: log, fingerprint: "simulated-" + strconv.FormatUint(w.Seed, 10), ending: make(chan struct{}),
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
		memory:  memory{most: maxRemembered}, tally: newTally(), requestLog: requestLog{out: w.RequestLog, log: log},
	}
	s.batches = newBatches(s)
	return s
}

// Models lists the models that answer.
func (s *Server) Models() []string {
	return slices.Concat([]string{SolverModel, GeneratorModel}, slices.Sorted(maps.Keys(s.world.Annotators)), []string{ClassifierModel})
}

// Handler returns the HTTP handler: GET /v1/models, POST /v1/chat/completions, the
// Batch API under /v1/files and /v1/batches, GET /healthz, and GET /stats, which
// counts the well-formed requests for each model, those that failed by Faults
// included, how they ended, the faults by kind, the most requests in flight, and
// the whole replies to requests that had got one before. Errors have OpenAI's
// form. It is safe for several goroutines.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == chatPath && r.Method == http.MethodPost && s.admits(r) {
		s.chat(w, r) // nearly every request, without a map of what else there might be
		return
	}
	answers := s.route(r.URL.Path)
	answer, known := answers[r.Method]
	switch {
	case answers == nil:
		fail(w, http.StatusNotFound, fmt.Sprintf("there is no %q here; the API is at /v1/models, /v1/chat/completions, /v1/files and /v1/batches", excerpt(r.URL.Path)))
	case !known:
		allowed := strings.Join(slices.Sorted(maps.Keys(answers)), ", ")
		w.Header().Set("Allow", allowed)
		fail(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %q", excerpt(r.URL.Path), allowed, excerpt(r.Method)))
	case strings.HasPrefix(r.URL.Path, "/v1/") && !s.admits(r):
		fail(w, http.StatusUnauthorized, wrongKey)
	default:
		answer(w, r)
	}
}

// route returns what answers at a path, by method; nil if nothing does.
func (s *Server) route(path string) map[string]http.HandlerFunc {
	switch path {
	case chatPath:
		return map[string]http.HandlerFunc{http.MethodPost: s.chat}
	case "/v1/models":
		return map[string]http.HandlerFunc{http.MethodGet: s.models}
	case "/healthz":
		return map[string]http.HandlerFunc{http.MethodGet: func(w http.ResponseWriter, _ *http.Request) {
			write(w, http.StatusOK, map[string]any{"status": "ok", "simulated": true})
		}}
	case "/stats":
		return map[string]http.HandlerFunc{http.MethodGet: s.stats}
	}
	return s.batches.route(path)
}

func (s *Server) admits(r *http.Request) bool {
	want := "Bearer " + s.RequireKey
	return s.RequireKey == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) == 1
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
	Index        int       `json:"index"`
	Message      spoken    `json:"message"`
	Logprobs     *logprobs `json:"logprobs,omitempty"`
	FinishReason string    `json:"finish_reason"`
}

type spoken struct {
	Role             string `json:"role"`
	ReasoningContent string `json:"reasoning_content,omitempty"`
	Content          string `json:"content"`
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
	inFlight := s.tally.enter()
	defer s.tally.leave()
	req, ok := s.read(w, r)
	if !ok {
		return
	}
	if status, wrong := s.refusal(req); status != 0 {
		write(w, status, wrong)
		return
	}
	a := asking{model: req.Model, body: req.body, reply: req.hash()}
	if kind, ok := alwaysFails(req.Model); ok {
		a.try = s.memory.try(a.body)
		s.fault(w, r, a, kind, cannedReply(req.Model))
		return
	}
	s.tally.ask(req.Model)
	if most := s.world.Limits.InFlight; most > 0 && inFlight > int64(most) {
		s.tally.end(outcomeOverloaded, "", false)
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("the simulated model is overloaded: it takes %d requests at once", most))
		return
	}
	if wrong, ok := s.tooLong(req); ok {
		s.tally.end(outcomeContextLength, "", false)
		write(w, http.StatusBadRequest, wrong)
		return
	}
	reply := s.complete(req, a.reply)
	if over, ok := s.limiter.admit(s.world.Limits, req.Model, reply.Usage.TotalTokens, time.Now, w.Header()); !ok {
		s.tally.end(outcomeLimited, "", false)
		failLimited(w, req.Model, over)
		return
	}

	a.try = s.memory.try(a.body)
	kind := s.world.Faults.kind(a.reply, a.try)
	if kind != "" && early(kind) {
		s.fault(w, r, a, kind, reply)
		return
	}
	// A reply that is ready at once is written even if nobody waits any more.
	if d := s.world.latency(a.reply, a.try, reply.Usage.CompletionTokens); d > 0 && !s.timers.wait(r.Context(), nil, d) {
		s.ended(a, 0, "", false)
		return
	}
	if kind != "" {
		s.fault(w, r, a, kind, reply)
		return
	}
	body, err := json.Marshal(reply)
	if err != nil {
		fail(w, http.StatusInternalServerError, "the reply cannot be written as JSON")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	s.ended(a, http.StatusOK, "", send(w, r, body))
}

// fault answers with a fault, and counts and logs it even if that ends in a panic.
func (s *Server) fault(w http.ResponseWriter, r *http.Request, a asking, kind string, reply chatReply) {
	var status int
	var whole bool
	defer func() { s.ended(a, status, kind, whole) }()
	status, whole = s.misbehave(w, r, kind, reply)
}

// refusal says what is wrong with a request, with the status for it; 0 if nothing
// is. Models that always fail are models.
func (s *Server) refusal(req *chatRequest) (int, errorReply) {
	if text := req.refusal(); text != "" {
		return http.StatusBadRequest, failure(http.StatusBadRequest, text)
	}
	if _, ok := alwaysFails(req.Model); ok || s.speaks(req.Model) {
		return 0, errorReply{}
	}
	return http.StatusNotFound, failure(http.StatusNotFound, fmt.Sprintf("there is no model %q here; the simulated models are %s", excerpt(req.Model), strings.Join(s.Models(), ", ")))
}

// speaks reports whether a model answers.
func (s *Server) speaks(model string) bool {
	_, isAnnotator := s.world.Annotators[model]
	return isAnnotator || model == SolverModel || model == GeneratorModel || model == ClassifierModel
}

// tooLong says that a request does not fit into the context, if that is so.
func (s *Server) tooLong(req *chatRequest) (errorReply, bool) {
	most := s.world.ContextLength
	if most <= 0 {
		return errorReply{}, false
	}
	prompt, wanted := req.promptTokens(), req.wantedTokens()
	if prompt+max(wanted, 1) <= most {
		return errorReply{}, false
	}
	return tooLong(s.world.VLLMWords, most, prompt, wanted), true
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
	req.body = canonicalHash(body.Bytes())
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

// A voice is what a model says of one prompt: its replies, and how sure it is of
// the verdict in them.
type voice struct {
	say       func(*rand.Rand) reply
	think     func(*rand.Rand) string
	reasoning Reasoning

	// Of use for logprobs only.
	verdict    string // the word that gives it; empty if there is none
	confidence float64
}

// voice returns what the model of a request says of its prompt.
func (s *Server) voice(req *chatRequest) voice {
	a, isAnnotator := s.world.Annotators[req.Model]
	if !isAnnotator && req.Model == ClassifierModel {
		c := s.world.classify(req.texts())
		return voice{say: func(r *rand.Rand) reply { return c.reply(r) }}
	}
	if !isAnnotator {
		p := s.posed(req)
		if req.Model == GeneratorModel {
			_, prompt := req.texts()
			c := commissioned(p, prompt)
			return voice{say: c.list, think: c.devise, reasoning: s.world.SolverReasoning}
		}
		return voice{
			say: func(r *rand.Rand) reply { return solve(r, p) }, think: func(r *rand.Rand) string { return ponder(r, p) }, reasoning: s.world.SolverReasoning,
		}
	}
	system, prompt := req.texts()
	j := s.world.judge(req.Model, a, system, prompt)
	v := voice{say: func(r *rand.Rand) reply { return a.reply(r, j) }, think: func(r *rand.Rand) string { return weigh(r, j) }, reasoning: a.Reasoning}
	if req.Logprobs && !j.none {
		v.verdict = strconv.FormatBool(j.said)
		v.confidence = a.confidence(j, s.world.Seed, req.Model, system, prompt)
	}
	return v
}

// complete makes the whole reply to a request; request is its hash. It is a pure
// function of both and the world.
func (s *Server) complete(req *chatRequest, request uint64) chatReply {
	v := s.voice(req)
	n := req.choices()
	id := strconv.FormatUint(request, 16)
	out := chatReply{
		ID: "sim-" + id, Object: "chat.completion", Model: req.Model, SystemFingerprint: s.fingerprint, Simulated: true, Choices: make([]choice, n),
	}
	out.Usage.PromptTokens = req.promptTokens()
	for i := range n {
		number := strconv.Itoa(i)
		said := v.say(draw(s.world.Seed, "reply", id, number))
		if v.reasoning != NoReasoning {
			said.thought = v.think(draw(s.world.Seed, "reasoning", id, number))
		}
		c := &out.Choices[i]
		*c = req.limit(said, v.reasoning)
		c.Index = i
		out.Usage.CompletionTokens += tokens(c.Message.Content) + tokens(c.Message.ReasoningContent)
		if req.Logprobs {
			c.Logprobs = v.logprobs(draw(s.world.Seed, "logprobs", id, number), c.Message.Content, req.TopLogprobs)
		}
	}
	out.Usage.TotalTokens = out.Usage.PromptTokens + out.Usage.CompletionTokens
	return out
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

// send writes a body and reports whether all of it went out to a client that was
// there. What the client's machine has taken may still be lost with its process; a
// client that goes at once after it has read all has had a whole reply.
func send(w http.ResponseWriter, r *http.Request, body []byte) bool {
	there := r.Context().Err() == nil
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if _, err := w.Write(body); err != nil {
		return false
	}
	err := http.NewResponseController(w).Flush()
	return there && (err == nil || errors.Is(err, http.ErrNotSupported))
}
