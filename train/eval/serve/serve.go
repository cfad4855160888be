// Package serve starts the server of a checkpoint for an evaluation, and stops it.
//
// Two engines are known: vLLM (`vllm serve`) and LLaMA-Factory
// (`llamafactory-cli api`). A server listens on 127.0.0.1 only, in a process group of
// its own, with its output in a file. [New] looks at the checkpoint before anything is
// started; [Server.Start] returns once the server answers under the name that was asked
// for; [Server.Close] leaves no process behind, nor does a Start that fails. Where this
// program is killed, the server is asked to end by the kernel, on Linux; what is left
// then, [Orphans] finds.
package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tinyv/internal/processes"
)

// The engines.
const (
	VLLM         = "vllm"
	LlamaFactory = "llamafactory"
)

// Engines lists the engines.
func Engines() []string { return []string{VLLM, LlamaFactory} }

// DefaultReadyTimeout is for how long a server without ReadyTimeout may load its
// model; vLLM compiles for minutes.
const DefaultReadyTimeout = 15 * time.Minute

// Options say what to serve and how.
type Options struct {
	Engine     string // one of Engines
	Checkpoint string // the directory of the model
	Port       int    // 0 = one that is free
	// Template is LLaMA-Factory's name of the template, such as "qwen"; the one that
	// the checkpoint was trained with. vLLM renders with the checkpoint's own chat
	// template and does not look at it.
	Template     string
	ServedName   string        // as requests call the model
	ExtraArgs    []string      // added to the engine's command line
	Log          string        // file of the server's output; overwritten
	ReadyTimeout time.Duration // 0 = DefaultReadyTimeout
}

// Server is a server that runs.
type Server struct {
	URL   string // of the endpoint, ending in /v1
	Model string // to be named in requests

	options Options
	once    sync.Once // of Close
	process *process  // nil before Start
}

// New looks at the checkpoint and chooses the port, so that it is known where the
// server will be; it starts nothing. It fails if the checkpoint lacks something, the
// engine is not installed or the port is taken.
func New(o Options) (*Server, error) {
	if err := Preflight(o); err != nil {
		return nil, err
	}
	if o.ReadyTimeout == 0 {
		o.ReadyTimeout = DefaultReadyTimeout
	}
	port, err := freePort(o.Port)
	if err != nil {
		return nil, err
	}
	o.Port = port
	return &Server{URL: fmt.Sprintf("http://127.0.0.1:%d/v1", port), Model: o.ServedName, options: o}, nil
}

// Start starts the server, once, and waits until it is healthy: until it lists the
// model under its name. It fails if the process ends (with the last words of its log),
// the timeout passes or ctx ends. The context covers the start alone; the server runs
// until Close.
func (s *Server) Start(ctx context.Context) error {
	log, err := os.Create(s.options.Log)
	if err != nil {
		return fmt.Errorf("the log of the model server: %w", err)
	}
	defer log.Close() // the process has its own
	mark, err := newMark(s.options)
	if err != nil {
		return err
	}
	p, err := startProcess(command(s.options), log, mark)
	if err != nil {
		return fmt.Errorf("starting %s: %w", s.options.Engine, err)
	}
	s.process = p
	if err := s.waitHealthy(ctx, s.options.ReadyTimeout); err != nil {
		p.stop()
		s.process = nil
		return err
	}
	return nil
}

// Done is closed when the process of a started server has ended, also by itself.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Close stops the server and everything that it started, first with SIGTERM and, where
// that does not help, with SIGKILL. The error says that the server had died before it
// was stopped, with the last words of its log. A second Close does nothing,
// nor does one before Start.
func (s *Server) Close() error {
	var died error
	s.once.Do(func() {
		if s.process == nil {
			return
		}
		if s.process.ended() {
			died = s.diedError("while it was in use")
		}
		s.process.stop()
	})
	return died
}

// command is the engine's command line and environment.
func command(o Options) *exec.Cmd {
	var cmd *exec.Cmd
	var env []string
	switch o.Engine {
	case VLLM:
		cmd = exec.Command("vllm", append([]string{
			"serve", o.Checkpoint, "--host", "127.0.0.1", "--port", strconv.Itoa(o.Port), "--served-model-name", o.ServedName,
			// Or the checkpoint's generation_config.json would set sampling parameters
			// that a request does not state.
			"--generation-config", "vllm",
		}, o.ExtraArgs...)...)
	default:
		cmd = exec.Command("llamafactory-cli", append([]string{
			"api", "--model_name_or_path", o.Checkpoint, "--template", o.Template, "--infer_backend", "huggingface",
		}, o.ExtraArgs...)...)
		env = []string{"API_HOST=127.0.0.1", "API_PORT=" + strconv.Itoa(o.Port), "API_MODEL_NAME=" + o.ServedName, "API_VERBOSE=0"}
	}
	cmd.Env = append(inherited(), env...)
	// The checkpoint is here: nothing is to be looked up on a hub. Output is to be in
	// the log when the process dies.
	cmd.Env = append(cmd.Env, "HF_HUB_OFFLINE=1", "PYTHONUNBUFFERED=1")
	return cmd
}

// inherited is our environment without what would turn the server into a part of a
// distributed run, another program, or one that wants a key.
func inherited() []string {
	drop := []string{
		"API_KEY", "VLLM_API_KEY", "FASTAPI_ROOT_PATH", "USE_V1", "USE_RAY", "USE_KT",
		"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
	}
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(drop, name)
	})
}

// freePort returns a port that nothing listens on: the one wished for, or any for 0.
func freePort(wish int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wish)))
	if err != nil {
		return 0, fmt.Errorf("port %d for the model server: %w; choose another, or 0 for one that is free", wish, err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// waitHealthy returns when the server lists its model, or why it will not.
func (s *Server) waitHealthy(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errNotReady)
	defer cancel()
	// No proxy: the server is on this machine.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		// Whether it has died is asked first, or another server that has taken the port
		// might answer.
		if s.process.ended() {
			return s.diedError("before it was ready")
		}
		if s.listsModel(ctx, client) && !s.process.ended() {
			return nil
		}
		select {
		case <-s.process.done:
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errNotReady) {
				return fmt.Errorf("%s was not ready after %v; give it more time, or see %s, which ends:\n%s", s.options.Engine, timeout, s.options.Log, lastWords(s.options.Log))
			}
			return fmt.Errorf("waiting for %s: %w", s.options.Engine, context.Cause(ctx))
		}
	}
}

var errNotReady = errors.New("the model server was not ready in time")

// listsModel reports whether the server answers /v1/models with our model.
func (s *Server) listsModel(ctx context.Context, client *http.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/models", nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false // not yet
	}
	defer resp.Body.Close()
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if resp.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&list) != nil {
		return false
	}
	for _, m := range list.Data {
		if m.ID == s.Model {
			return true
		}
	}
	return false
}

func (s *Server) diedError(when string) error {
	state := s.process.cmd.ProcessState
	hint := ""
	if processes.Killed(state) {
		hint = ", " + processes.WhyKilled
	}
	return fmt.Errorf("%s %s %s%s; %s ends:\n%s", s.options.Engine, processes.How(state), when, hint, s.options.Log, lastWords(s.options.Log))
}
