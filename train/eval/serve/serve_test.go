package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// behave is the variable by which this program stands in for an engine.
const behave = "SERVE_TEST_BEHAVE"

func TestMain(m *testing.M) {
	if options := os.Getenv(starterOf); options != "" {
		starter(options)
		return
	}
	if how := os.Getenv(behave); how != "" {
		standIn(how)
		return
	}
	goleak.VerifyTestMain(m)
}

// standIn is an engine that behaves as told. It writes down what it was asked to be.
func standIn(how string) {
	fmt.Println("loading", strings.Join(os.Args[1:], " "))
	port, name := os.Getenv("API_PORT"), os.Getenv("API_MODEL_NAME")
	if i := slices.Index(os.Args, "--port"); i > 0 {
		port, name = os.Args[i+1], os.Args[slices.Index(os.Args, "--served-model-name")+1]
	}
	switch how {
	case "dies":
		fmt.Fprintln(os.Stderr, "ValueError: the weights are cut off")
		os.Exit(3)
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hangs":
		time.Sleep(time.Hour)
	case "another":
		name = "another"
	case "worker", "stubborn":
		// A worker in a session of its own, as torchrun starts them.
		worker := exec.Command("sleep", "3600")
		worker.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := worker.Start(); err != nil {
			panic(err)
		}
	}
	if how == "stubborn" {
		signal.Ignore(syscall.SIGTERM)
	}
	mux := http.NewServeMux()
	started := time.Now()
	mux.HandleFunc("/v1/models", func(w http.ResponseWriter, _ *http.Request) {
		if how == "slow" && time.Since(started) < 500*time.Millisecond {
			http.Error(w, "loading", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model"}]}`, name)
	})
	mux.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(append(os.Args, os.Environ()...))
	})
	mux.HandleFunc("/die", func(http.ResponseWriter, *http.Request) {
		fmt.Println("CUDA error: an illegal memory access was encountered")
		os.Exit(1)
	})
	fmt.Println(http.ListenAndServe("127.0.0.1:"+port, mux))
}

// install puts stand-ins for the engines on a PATH of their own.
func install(t *testing.T, how string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for name, target := range map[string]string{"vllm": self, "llamafactory-cli": self, "sleep": sleep} {
		if err := os.Symlink(target, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv(behave, how)
}

// checkpoint makes a directory with the files of a checkpoint, some left out.
func checkpoint(t *testing.T, without ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a checkpoint [1]")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"config.json": `{"architectures":["Qwen2ForCausalLM"]}`, "tokenizer.json": "{}", "tokenizer_config.json": `{"chat_template":"{{ messages }}"}`, "model.safetensors": "w", "training_args.bin": "x",
	} {
		if !slices.Contains(without, name) {
			write(t, filepath.Join(dir, name), content)
		}
	}
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func options(t *testing.T, engine string) Options {
	return Options{Engine: engine, Checkpoint: checkpoint(t), Template: "qwen", ServedName: "tinyv", Log: filepath.Join(t.TempDir(), "serve.log"), ReadyTimeout: time.Minute}
}

func get(t *testing.T, url string) []string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []string
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// start is New and Start.
func start(ctx context.Context, o Options) (*Server, error) {
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	return s, s.Start(ctx)
}

func TestStart(t *testing.T) {
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			install(t, "slow")
			for name, value := range map[string]string{"RANK": "1", "WORLD_SIZE": "2", "API_KEY": "k", "VLLM_API_KEY": "k", "API_PORT": "1", "HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"} {
				t.Setenv(name, value)
			}
			o := options(t, engine)
			o.ExtraArgs = []string{"--seed", "7"}
			s, err := start(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if s.Model != "tinyv" || !strings.HasPrefix(s.URL, "http://127.0.0.1:") || !strings.HasSuffix(s.URL, "/v1") {
				t.Errorf("%+v", s)
			}
			got := get(t, strings.TrimSuffix(s.URL, "/v1")+"/env")
			joined := strings.Join(got, " ")
			port := strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://127.0.0.1:"), "/v1")
			want := []string{"serve " + o.Checkpoint + " --host 127.0.0.1 --port " + port + " --served-model-name tinyv --generation-config vllm --seed 7", "HF_HUB_OFFLINE=1"}
			if engine == LlamaFactory {
				want = []string{"api --model_name_or_path " + o.Checkpoint + " --template qwen --infer_backend huggingface --seed 7", "API_HOST=127.0.0.1", "API_PORT=" + port, "API_MODEL_NAME=tinyv", "API_VERBOSE=0"}
			}
			for _, w := range want {
				if !strings.Contains(joined, w) {
					t.Errorf("%q is not in %q", w, joined)
				}
			}
			for _, v := range got {
				if name, _, _ := strings.Cut(v, "="); slices.Contains([]string{"RANK", "WORLD_SIZE", "API_KEY", "VLLM_API_KEY"}, name) {
					t.Errorf("%s has reached the server", v)
				}
			}
			for range 2 {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			if left := s.process.mark.Living(); len(left) > 0 {
				t.Errorf("processes %v are left", left)
			}
			if _, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
				t.Error("the port still answers")
			}
		})
	}
}

// Workers that have left the process group, and programs that do not listen, are
// stopped all the same.
func TestCloseLeavesNothing(t *testing.T) {
	for _, how := range []string{"worker", "stubborn"} {
		t.Run(how, func(t *testing.T) {
			install(t, how)
			s, err := start(t.Context(), options(t, VLLM))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(s.process.mark.Living()); n != 2 {
				t.Errorf("%d processes carry the mark, want 2", n)
			}
			if how == "stubborn" {
				s.process.grace = 200 * time.Millisecond
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left := s.process.mark.Living(); len(left) > 0 {
				t.Errorf("processes %v are left", left)
			}
		})
	}
}

func TestStartFails(t *testing.T) {
	for _, c := range []struct {
		how, want string
	}{
		{"dies", "ValueError: the weights are cut off"},
		{"dies", "ended with exit code 3 before it was ready"},
		{"killed", "signal 9"},
		{"hangs", "was not ready after 1s"},
		{"another", "was not ready after 1s"},
	} {
		t.Run(c.how, func(t *testing.T) {
			install(t, c.how)
			o := options(t, VLLM)
			if strings.Contains(c.want, "1s") {
				o.ReadyTimeout = time.Second
			}
			_, err := start(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), o.Log) {
				t.Errorf("got %v, want %q and the log", err, c.want)
			}
			t.Log(err)
		})
	}
}

func TestStartIsCancelled(t *testing.T) {
	install(t, "hangs")
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, LlamaFactory)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		for ctx.Err() == nil {
			if log, err := os.ReadFile(o.Log); err == nil && len(log) > 0 {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	if _, err := start(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPortIsTaken(t *testing.T) {
	install(t, "slow")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := options(t, VLLM)
	o.Port = l.Addr().(*net.TCPAddr).Port
	if _, err := start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "port "+strconv.Itoa(o.Port)) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(o.Log); err == nil {
		t.Error("something was started")
	}
}

func TestCloseSaysThatItDied(t *testing.T) {
	install(t, "slow")
	s, err := start(t.Context(), options(t, VLLM))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if resp, err := client.Get(strings.TrimSuffix(s.URL, "/v1") + "/die"); err == nil {
		resp.Body.Close()
	}
	<-s.Done()
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "illegal memory access") || !strings.Contains(err.Error(), "exit code 1") {
		t.Errorf("got %v", err)
	}
}

func TestPreflight(t *testing.T) {
	install(t, "dies")
	for _, c := range []struct {
		name   string
		change func(o *Options)
		want   string
	}{
		{"engine", func(o *Options) { o.Engine = "sglang" }, `"sglang" is not one of`},
		{"name", func(o *Options) { o.ServedName = "" }, "no name"},
		{"log", func(o *Options) { o.Log = "" }, "no log"},
		{"template", func(o *Options) { o.Engine, o.Template = LlamaFactory, "" }, "such as qwen"},
		{"absent", func(o *Options) { o.Checkpoint += "x" }, "no such directory"},
		{"file", func(o *Options) { o.Checkpoint = filepath.Join(o.Checkpoint, "config.json") }, "name the directory"},
		{"config", func(o *Options) { o.Checkpoint = checkpoint(t, "config.json") }, "no config.json"},
		{"tokenizer", func(o *Options) { o.Checkpoint = checkpoint(t, "tokenizer.json") }, "no tokenizer"},
		{"weights", func(o *Options) { o.Checkpoint = checkpoint(t, "model.safetensors") }, "no weights"},
		{"adapter", func(o *Options) {
			o.Checkpoint = checkpoint(t, "config.json")
			write(t, filepath.Join(o.Checkpoint, "adapter_config.json"), "{}")
		}, "LoRA adapter"},
		{"unfinished", func(o *Options) {
			o.Checkpoint = checkpoint(t, "config.json")
			write(t, filepath.Join(o.Checkpoint, "checkpoint-20", "config.json"), "{}")
		}, "such as "},
		{"chat template", func(o *Options) { o.Checkpoint = checkpoint(t, "tokenizer_config.json") }, "no chat template"},
		{"tokenizer_config.json", func(o *Options) {
			o.Checkpoint = checkpoint(t, "tokenizer_config.json")
			write(t, filepath.Join(o.Checkpoint, "tokenizer_config.json"), "{")
		}, "tokenizer_config.json: unexpected end"},
		{"vllm", func(*Options) { t.Setenv("PATH", t.TempDir()) }, "pip install vllm"},
		{"llamafactory", func(o *Options) { o.Engine = LlamaFactory }, "pip install llamafactory"},
	} {
		o := options(t, VLLM)
		c.change(&o)
		_, err := start(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if _, err := os.Stat(o.Log); err == nil {
			t.Errorf("%s: something was started", c.name)
		}
	}
}

func TestPreflightAccepts(t *testing.T) {
	install(t, "dies")
	for _, c := range []struct {
		name   string
		change func(o *Options)
	}{
		{"template in a file", func(o *Options) {
			o.Checkpoint = checkpoint(t, "tokenizer_config.json")
			write(t, filepath.Join(o.Checkpoint, "chat_template.jinja"), "x")
		}},
		{"template by argument", func(o *Options) {
			o.Checkpoint = checkpoint(t, "tokenizer_config.json")
			o.ExtraArgs = []string{"--chat-template", "x.jinja"}
		}},
		{"no template for LLaMA-Factory", func(o *Options) { o.Engine, o.Checkpoint = LlamaFactory, checkpoint(t, "tokenizer_config.json") }},
		{"vocab.json and shards", func(o *Options) {
			o.Checkpoint = checkpoint(t, "tokenizer.json", "model.safetensors")
			write(t, filepath.Join(o.Checkpoint, "vocab.json"), "{}")
			write(t, filepath.Join(o.Checkpoint, "model-00001-of-00002.safetensors"), "w")
		}},
	} {
		o := options(t, VLLM)
		c.change(&o)
		if err := Preflight(o); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
