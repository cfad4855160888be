package traintest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// between finds what a prompt of configs/prompts/train.txt holds in a section.
var between = regexp.MustCompile(`(?s)<(ground_truth_answer|model_answer)>(.*?)</`)

// serve is llamafactory-cli api: GET /v1/models once it is ready, and replies of one
// model, which says True of answers that are the ground truth but for spaces and
// dollar signs. It ends at SIGTERM, unless it is deaf.
func serve(knobs knobs) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if knobs.deaf {
		signal.Ignore(syscall.SIGTERM)
	}
	var asked atomic.Int64
	name := os.Getenv("API_MODEL_NAME")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model","created":1,"owned_by":"owner"}]}`, name)
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Model    string
			Messages []struct{ Role, Content string }
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || len(request.Messages) == 0 {
			http.Error(w, `{"detail":"Invalid length"}`, http.StatusBadRequest)
			return
		}
		if n := asked.Add(1); knobs.hang > 0 && n >= int64(knobs.hang) {
			select {
			case <-r.Context().Done():
			case <-ctx.Done():
			}
			return
		}
		said := map[string]string{}
		for _, m := range between.FindAllStringSubmatch(request.Messages[len(request.Messages)-1].Content, -1) {
			said[m[1]] = strings.NewReplacer(" ", "", "\n", "", "$", "").Replace(m[2])
		}
		verdict := "False"
		if said["model_answer"] == said["ground_truth_answer"] {
			verdict = "True"
		}
		fmt.Fprintf(w, `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%q,"tool_calls":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":2,"total_tokens":102}}`, request.Model, verdict)
	})
	l, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("API_HOST"), os.Getenv("API_PORT")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "INFO:     Uvicorn running on http://%s (Press CTRL+C to quit)\n", l.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		fmt.Fprintln(os.Stderr, err)
		return 1
	case <-ctx.Done():
	}
	server.Close()
	<-ended
	return 143
}
