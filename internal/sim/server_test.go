package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// post sends a chat request and returns the status, the header and the body.
func post(t testing.TB, h http.Handler, body string) (int, http.Header, []byte) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(body)))
	return rec.Code, rec.Result().Header, rec.Body.Bytes()
}

func chat(t testing.TB, h http.Handler, model, prompt string, seed int64, more string) chatReply {
	t.Helper()
	content, _ := json.Marshal(prompt)
	status, _, body := post(t, h, fmt.Sprintf(`{"model": %q, "messages": [{"role": "user", "content": %s}], "seed": %d%s}`, model, content, seed, more))
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	var r chatReply
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// judgePrompt is a prompt as annotators get it.
func judgePrompt(question, truth, answer string) string {
	return "Is it right? <question>" + question + "</question> <ground_truth_answer>" + truth + "</ground_truth_answer> <model_answer>" + answer + "</model_answer>"
}

// verdict reads a plain reply: true, false, or no verdict.
func verdict(reply string) (said, ok bool) {
	switch strings.Trim(strings.TrimPrefix(reply, "Answer: "), ".") {
	case "True":
		return true, true
	case "False":
		return false, true
	}
	return false, false
}

// within reports whether k of n is in the 99.9% interval of a binomial share p.
func within(k, n int, p float64) bool {
	return math.Abs(float64(k)-float64(n)*p) <= 3.29*math.Sqrt(float64(n)*p*(1-p))+1
}

func TestAnnotatorsAreAsGoodAsStated(t *testing.T) {
	w := &World{Seed: 5, Annotators: map[string]Annotator{
		"a": {Sensitivity: 0.9, Specificity: 0.95, Malformed: 0.05}, "b": {Sensitivity: 0.8, Specificity: 0.7}, "perfect": {Sensitivity: 1, Specificity: 1},
	}}
	h := NewServer(w, quiet).Handler()
	type tally struct{ right, calledRight, wrong, calledWrong, malformed int }
	tallies := map[string]*tally{"a": {}, "b": {}, "perfect": {}}
	var both, aErrs, bErrs, cases int
	for i := range 700 {
		p := w.problem(i)
		for j, answer := range append(p.right[:3:3], p.wrong[:3]...) {
			right := j < 3
			erred := map[string]bool{}
			for name, c := range tallies {
				said, ok := verdict(chat(t, h, name, judgePrompt(p.question, p.truth, answer), 1, "").Choices[0].Message.Content)
				if !ok {
					c.malformed++
					continue
				}
				erred[name] = said != right
				if right {
					c.right++
					if said {
						c.calledRight++
					}
				} else {
					c.wrong++
					if !said {
						c.calledWrong++
					}
				}
			}
			if _, ok := erred["a"]; ok && right {
				cases++
				if erred["a"] {
					aErrs++
				}
				if erred["b"] {
					bErrs++
				}
				if erred["a"] && erred["b"] {
					both++
				}
			}
		}
	}
	for name, c := range tallies {
		a := w.Annotators[name]
		if !within(c.calledRight, c.right, a.Sensitivity) || !within(c.calledWrong, c.wrong, a.Specificity) || !within(c.malformed, 4200, a.Malformed) {
			t.Errorf("annotator %s: %+v is not as stated, %+v", name, *c, a)
		}
	}
	if independent := float64(aErrs) / float64(cases) * float64(bErrs) / float64(cases); !within(both, cases, independent) {
		t.Errorf("of %d cases a erred in %d, b in %d, both in %d: they are not independent", cases, aErrs, bErrs, both)
	}
}

func TestMalformedDependsOnTheSeed(t *testing.T) {
	w := &World{Seed: 5, Annotators: map[string]Annotator{"a": {Sensitivity: 1, Specificity: 1, Malformed: 0.5}}}
	h := NewServer(w, quiet).Handler()
	malformed, cured := 0, 0
	for i := range 400 {
		p := w.problem(i)
		prompt := judgePrompt(p.question, p.truth, p.truth)
		if _, ok := verdict(chat(t, h, "a", prompt, 1, "").Choices[0].Message.Content); ok {
			continue
		}
		malformed++
		if _, ok := verdict(chat(t, h, "a", prompt, 2, "").Choices[0].Message.Content); ok {
			cured++
		}
	}
	if !within(malformed, 400, 0.5) || !within(cured, malformed, 0.5) {
		t.Errorf("%d of 400 malformed, %d of them cured by another seed", malformed, cured)
	}
}

func TestSolverShares(t *testing.T) {
	w := &World{Seed: 9}
	h := NewServer(w, quiet).Handler()
	const n = 6000
	var boxed, cutOff, right int
	for i := range n {
		p := w.problem(i)
		c := chat(t, h, SolverModel, p.question, int64(i), "").Choices[0]
		if c.FinishReason == "length" {
			cutOff++
		}
		_, answer, ok := strings.Cut(c.Message.Content, `\boxed{`)
		if !ok {
			continue
		}
		boxed++
		for _, form := range p.right {
			if strings.HasPrefix(answer, form+"}") {
				right++
				break
			}
		}
	}
	if !within(cutOff, n, shareCutOff) || !within(n-boxed, n, shareCutOff+shareUnboxed) || !within(right, boxed, shareRight) {
		t.Errorf("of %d replies %d are cut off, %d without a box; of the boxed %d are right", n, cutOff, n-boxed, right)
	}
}

func TestRepliesArePure(t *testing.T) {
	w := DefaultWorld()
	a, b := NewServer(w, quiet).Handler(), NewServer(DefaultWorld(), quiet).Handler()
	request := `{"model": "sim-solver", "messages": [{"role": "user", "content": "` + w.problem(3).question + `"}], "n": 3, "seed": %d, "temperature": 1}`
	_, _, first := post(t, a, fmt.Sprintf(request, 1))
	post(t, a, fmt.Sprintf(request, 2))
	_, _, again := post(t, b, fmt.Sprintf(request, 1))
	if !bytes.Equal(first, again) {
		t.Errorf("the same request got\n%s\nand\n%s", first, again)
	}
	var r chatReply
	if err := json.Unmarshal(first, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Choices) != 3 || r.Choices[0].Message.Content == r.Choices[1].Message.Content || !r.Simulated || r.SystemFingerprint != "simulated-0" {
		t.Errorf("reply: %+v", r)
	}
	if _, _, other := post(t, a, fmt.Sprintf(request, 2)); bytes.Equal(first, other) {
		t.Error("another seed gets the same reply")
	}
	sum := 0
	for _, c := range r.Choices {
		sum += (len(c.Message.Content) + 3) / 4
	}
	if r.Usage.CompletionTokens != sum || r.Usage.TotalTokens != sum+r.Usage.PromptTokens || r.Usage.PromptTokens != (len(w.problem(3).question)+3)/4 {
		t.Errorf("usage %+v, replies have %d tokens", r.Usage, sum)
	}
}

func TestLimits(t *testing.T) {
	w := DefaultWorld()
	h := NewServer(w, quiet).Handler()
	question := w.problem(3).question
	if c := chat(t, h, SolverModel, question, 1, `, "max_tokens": 5`).Choices[0]; c.FinishReason != "length" || len(c.Message.Content) != 20 {
		t.Errorf("max_tokens 5: %+v", c)
	}
	if c := chat(t, h, SolverModel, question, 1, `, "stop": "."`).Choices[0]; c.FinishReason != "stop" || strings.Contains(c.Message.Content, ".") {
		t.Errorf("stop: %+v", c)
	}
	if c := chat(t, h, SolverModel, "What is 1+1?", 1, "").Choices[0]; strings.Contains(c.Message.Content, "boxed") {
		t.Errorf("a claim about a problem of no world: %+v", c)
	}
	if c := chat(t, h, "sim-annotator-a", "no tags here", 1, "").Choices[0]; strings.Contains(c.Message.Content, "True") || strings.Contains(c.Message.Content, "False") {
		t.Errorf("a verdict about nothing: %+v", c)
	}
}

func TestErrors(t *testing.T) {
	s := NewServer(DefaultWorld(), quiet)
	h := s.Handler()
	for body, want := range map[string]int{
		`{`: 400, `[]`: 400, `{"model": "sim-solver"}`: 400, `{"model": "nobody", "messages": [{"role": "user", "content": "x"}]}`: 404,
		`{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], "stream": true}`: 400,
		`{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], "n": 0}`:         400,
		`{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], "n": 129}`:       400,
		`{"model": "sim-solver", "messages": [{"role": "user", "content": 7}]}`:                   400,
		`{"model": "sim-status-401", "messages": [{"role": "user", "content": "x"}]}`:             401,
		`{"model": "sim-status-500", "messages": [{"role": "user", "content": "x"}]}`:             500,
		`{"model": "sim-html", "messages": [{"role": "user", "content": "x"}]}`:                   200,
		`{"model": "` + strings.Repeat("x", maxBody) + `"}`:                                       413,
	} {
		status, _, reply := post(t, h, body)
		if status != want {
			t.Errorf("%.80s: status %d, want %d: %s", body, status, want, reply)
		}
		var e struct{ Error struct{ Message string } }
		if err := json.Unmarshal(reply, &e); want != 200 && (err != nil || e.Error.Message == "") {
			t.Errorf("%.80s: not an error as OpenAI's: %s", body, reply)
		}
	}
	for path, want := range map[string]int{"/v1/models": 200, "/healthz": 200, "/stats": 200, "/": 404, "/v1/chat/completions": 404} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != want {
			t.Errorf("GET %s: %d, want %d", path, rec.Code, want)
		}
	}
	s.RequireKey = "k"
	if status, _, _ := post(t, h, `{}`); status != 401 {
		t.Errorf("without the key: %d", status)
	}
}

func TestFaults(t *testing.T) {
	w := DefaultWorld()
	w.Faults = Faults{Rate: 0.3, Seed: 1, Statuses: []int{429, 503}}
	h := NewServer(w, quiet).Handler()
	failed := 0
	for i := range 500 {
		body := fmt.Sprintf(`{"model": "sim-solver", "messages": [{"role": "user", "content": "x"}], "seed": %d}`, i)
		status, header, _ := post(t, h, body)
		if status == 200 {
			continue
		}
		failed++
		if status != 429 && status != 503 || status == 429 && header.Get("Retry-After") != "0" {
			t.Errorf("status %d, header %v", status, header)
		}
		if status, _, _ := post(t, h, body); status != 200 {
			t.Errorf("the second try: %d", status)
		}
	}
	if !within(failed, 500, 0.3) {
		t.Errorf("%d of 500 failed, 0.3 was asked for", failed)
	}
}

func TestStart(t *testing.T) {
	r, err := Start(t.Context(), DefaultWorld(), "", quiet)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(r.URL() + "/models")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(body), "sim-annotator-b") || !strings.HasPrefix(r.URL(), "http://127.0.0.1:") {
		t.Errorf("%s says %s", r.URL(), body)
	}
	if _, err := Start(t.Context(), DefaultWorld(), strings.TrimSuffix(strings.TrimPrefix(r.URL(), "http://"), "/v1"), quiet); err == nil {
		t.Error("two servers on one port")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if r, err = Start(ctx, DefaultWorld(), "", quiet); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := r.Close(); err != nil {
		t.Errorf("after its context ended: %v", err)
	}
}

func FuzzChat(f *testing.F) {
	f.Add(`{"model": "sim-solver", "messages": [{"role": "user", "content": "[simulated problem 3]"}], "max_tokens": 1}`)
	f.Add(`{"model": "sim-annotator-a", "messages": [{"role": "user", "content": "</model_answer><model_answer></model_answer>is_correct"}], "stop": ["a"]}`)
	f.Add(`{"model": "sim-solver", "messages": [{"role": "user", "content": "[simulated problem 999999999]"}], "max_tokens": -1, "n": 2}`)
	f.Add(`null`)
	h := NewServer(DefaultWorld(), quiet).Handler()
	f.Fuzz(func(t *testing.T, body string) {
		if status, _, reply := post(t, h, body); status >= 500 && !strings.Contains(body, "sim-status-500") {
			t.Errorf("status %d: %s", status, reply)
		}
	})
}

func BenchmarkChat(b *testing.B) {
	w := DefaultWorld()
	h := NewServer(w, quiet).Handler()
	bodies := make([]string, 256)
	for i := range bodies {
		content, _ := json.Marshal(w.problem(i).question + "\n\nReason step by step, and put your final answer within \\boxed{}.")
		bodies[i] = fmt.Sprintf(`{"model": "sim-solver", "messages": [{"role": "user", "content": %s}], "seed": %d, "temperature": 1, "max_tokens": 4096}`, content, i)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		post(b, h, bodies[i%len(bodies)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "replies/s")
}
