package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tinyv/internal/journal"
	"tinyv/internal/llm"
	"tinyv/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ verify.Verifier = (*Verifier)(nil)

// said is one answer of the test's server.
type said struct {
	status    int
	content   string
	reasoning string
	finish    string
}

// server answers requests with the given replies, in order, the last one again
// and again, and keeps the bodies of the requests.
type server struct {
	mu      sync.Mutex
	replies []said
	bodies  []map[string]any
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reply := s.replies[min(len(s.bodies), len(s.replies)-1)]
	s.bodies = append(s.bodies, body)
	if reply.status != 0 {
		w.WriteHeader(reply.status)
		io.WriteString(w, reply.content)
		return
	}
	if reply.finish == "" {
		reply.finish = "stop"
	}
	json.NewEncoder(w).Encode(map[string]any{
		"model": "judge-served",
		"choices": []any{map[string]any{
			"message":       map[string]any{"role": "assistant", "content": reply.content, "reasoning_content": reply.reasoning},
			"finish_reason": reply.finish,
		}},
		"usage": map[string]any{"prompt_tokens": 100, "completion_tokens": 10},
	})
}

func newVerifier(t testing.TB, p Profile, j *journal.Journal, replies ...said) (*Verifier, *server) {
	t.Helper()
	s := &server{replies: replies}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	c, err := llm.New(t.Context(), llm.Options{
		Endpoints: []llm.Endpoint{{URL: srv.URL + "/v1", Model: "judge", MaxRetries: -1}}, Journal: j, Patience: -1, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return New(p, c), s
}

func ptr[T any](v T) *T { return &v }

var (
	theCase    = verify.Case{Question: "2+2?", GroundTruth: "4", Answer: "four"}
	thePrompt  = Fill(template, "2+2?", "4", "four")
	theProfile = Profile{Name: "judge", Prompt: template, Parser: "json"}
)

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestVerify(t *testing.T) {
	const yes = "```json\n{\"reasoning\": \"Same\\nvalue, \\frac{8}{2}.\", \"is_correct\": true}\n```"
	const no = `{"reasoning": "Other value.", "is_correct": false}`
	// The last reply, and the tokens of all.
	evidence := func(reply, finish string, calls int64) *verify.ModelReply {
		return &verify.ModelReply{
			Model: "judge-served", PromptSHA256: hash(thePrompt), Reply: reply, FinishReason: finish,
			PromptTokens: 100 * calls, CompletionTokens: 10 * calls,
		}
	}
	cost := func(calls int64) verify.Cost {
		return verify.Cost{Calls: calls, PromptTokens: 100 * calls, CompletionTokens: 10 * calls}
	}
	tests := []struct {
		name    string
		profile func(*Profile)
		replies []said
		want    verify.Verdict
	}{
		{
			"correct", nil, []said{{content: yes, reasoning: "hm\nso"}},
			verify.Verdict{
				Outcome: verify.Correct, Extracted: "four", Reason: `Same value, \frac{8}{2}.`, Cost: cost(1),
				Model: &verify.ModelReply{
					Model: "judge-served", PromptSHA256: hash(thePrompt), Reply: yes, Reasoning: "hm\nso", FinishReason: "stop",
					PromptTokens: 100, CompletionTokens: 10,
				},
			},
		},
		{
			"incorrect", nil, []said{{content: no}},
			verify.Verdict{Outcome: verify.Incorrect, Extracted: "four", Reason: "Other value.", Cost: cost(1), Model: evidence(no, "stop", 1)},
		},
		{
			"parses the second time", nil, []said{{content: "Sure!"}, {content: no}},
			verify.Verdict{Outcome: verify.Incorrect, Extracted: "four", Reason: "Other value.", Cost: cost(2), Model: evidence(no, "stop", 2)},
		},
		{
			"never parses", func(p *Profile) { p.Attempts = 3 }, []said{{content: "Sure!"}},
			verify.Verdict{Extracted: "four", Reason: "parse_error: no JSON object with is_correct true or false", Cost: cost(3), Model: evidence("Sure!", "stop", 3)},
		},
		{
			"cut off, but whole", nil, []said{{content: no, finish: "length"}},
			verify.Verdict{Outcome: verify.Incorrect, Extracted: "four", Reason: "Other value.", Cost: cost(1), Model: evidence(no, "length", 1)},
		},
		{
			"cut off", func(p *Profile) { p.Attempts = 1 }, []said{{content: no[:20], finish: "length"}},
			verify.Verdict{
				Extracted: "four", Reason: "parse_error: a JSON object is malformed or breaks off (the reply was cut off at its length limit)",
				Cost: cost(1), Model: evidence(no[:20], "length", 1),
			},
		},
		{
			"refused", nil, []said{{status: 400, content: `{"error":{"message":"maximum context length is 10 tokens"}}`}},
			verify.Verdict{
				Extracted: "four", Reason: "context_length: maximum context length is 10 tokens",
				Model: &verify.ModelReply{Model: "judge", PromptSHA256: hash(thePrompt)},
			},
		},
		{
			"refused the second time", nil, []said{{content: "Sure!"}, {status: 400, content: `{"error":{"message":"no"}}`}},
			verify.Verdict{Extracted: "four", Reason: "bad_request: no", Cost: cost(1), Model: evidence("Sure!", "stop", 1)},
		},
		{
			"true_false", func(p *Profile) { p.Parser = "true_false" }, []said{{content: "**True**"}},
			verify.Verdict{Outcome: verify.Correct, Extracted: "four", Reason: "**True**", Cost: cost(1), Model: evidence("**True**", "stop", 1)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := theProfile
			if tt.profile != nil {
				tt.profile(&p)
			}
			v, _ := newVerifier(t, p, nil, tt.replies...)
			got, err := v.Verify(t.Context(), theCase)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	p := theProfile
	p.System = "You are strict. {{QUESTION}}"
	p.Temperature, p.TopP, p.MaxTokens, p.Stop = ptr(0.0), ptr(0.9), 1024, []string{"\n\n"}
	v, s := newVerifier(t, p, nil, said{content: "?"}, said{content: `{"is_correct": true}`})
	got, err := v.Verify(t.Context(), theCase)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"model": "judge", "temperature": 0.0, "top_p": 0.9, "max_tokens": 1024.0, "stop": []any{"\n\n"},
		"messages": []any{
			map[string]any{"role": "system", "content": p.System},
			map[string]any{"role": "user", "content": thePrompt},
		},
	}
	if diff := cmp.Diff([]map[string]any{want, want}, s.bodies); diff != "" {
		t.Error(diff)
	}
	if want := hash(p.System + "\n" + thePrompt); got.Model.PromptSHA256 != want {
		t.Errorf("prompt hash %s, want %s", got.Model.PromptSHA256, want)
	}
}

// The whole response is shown only where there is no answer.
func TestAnswerOrResponse(t *testing.T) {
	for _, tt := range []struct {
		c    verify.Case
		want string
	}{
		{verify.Case{Answer: "four", Response: "So it is four."}, "four"},
		{verify.Case{Response: "So it is four."}, "So it is four."},
		{verify.Case{}, ""},
	} {
		v, s := newVerifier(t, theProfile, nil, said{content: `{"is_correct": true}`})
		got, err := v.Verify(t.Context(), tt.c)
		if err != nil {
			t.Fatal(err)
		}
		message := s.bodies[0]["messages"].([]any)[0].(map[string]any)["content"]
		if got.Extracted != tt.want || message != Fill(template, "", "", tt.want) {
			t.Errorf("%+v: extracted %q, asked %q", tt.c, got.Extracted, message)
		}
	}
}

// The samples that were paid for once, those that did not parse too, are
// neither asked nor paid for again, and give the same verdict.
func TestJournalledVerdictCostsNothing(t *testing.T) {
	j, err := journal.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	v, s := newVerifier(t, theProfile, j, said{content: "Sure!"}, said{content: `{"is_correct": false}`})
	first, err := v.Verify(t.Context(), theCase)
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.Verify(t.Context(), theCase)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.bodies) != 2 || first.Cost.Calls != 2 || second.Cost != (verify.Cost{}) {
		t.Errorf("asked %d times; cost %+v, then %+v", len(s.bodies), first.Cost, second.Cost)
	}
	// What the replies took is known all the same.
	if got := [2]int64{second.Model.PromptTokens, second.Model.CompletionTokens}; got != [2]int64{200, 20} {
		t.Errorf("tokens of the replies %v, want 200 and 20", got)
	}
	first.Cost = verify.Cost{}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}

func TestEndpointErrorIsAnError(t *testing.T) {
	for _, status := range []int{401, 404, 500} {
		v, _ := newVerifier(t, theProfile, nil, said{status: status, content: `{"error":{"message":"no"}}`})
		got, err := v.Verify(t.Context(), theCase)
		var failed *llm.EndpointError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), `"judge"`) {
			t.Errorf("%d: err = %v", status, err)
		}
		if diff := cmp.Diff(verify.Verdict{}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReasonIsBounded(t *testing.T) {
	long := strings.Repeat("é ", 5000)
	v, _ := newVerifier(t, theProfile, nil, said{content: fmt.Sprintf(`{"reasoning": %q, "is_correct": true}`, long)})
	got, err := v.Verify(t.Context(), theCase)
	if err != nil {
		t.Fatal(err)
	}
	if n := len([]rune(got.Reason)); n != maxReason || !strings.HasSuffix(got.Reason, "…") || !strings.Contains(got.Model.Reply, long) {
		t.Errorf("reason of %d characters; reply of %d bytes", n, len(got.Model.Reply))
	}
}

// The attacks of the table reach a server inside their own sections, and what
// the model says is all that decides.
func TestAttacksReachTheModelAsText(t *testing.T) {
	for _, a := range attacks {
		v, s := newVerifier(t, theProfile, nil, said{content: `{"reasoning": "an attack", "is_correct": false}`})
		got, err := v.Verify(t.Context(), verify.Case{Question: "q", GroundTruth: "g", Answer: a.value})
		if err != nil {
			t.Fatal(err)
		}
		messages := s.bodies[0]["messages"].([]any)
		if len(messages) != 1 || got.Outcome != verify.Incorrect || got.Extracted != a.value {
			t.Errorf("%s: %d messages, %s", a.name, len(messages), got.Outcome)
		}
		_, _, answer := sections(t, messages[0].(map[string]any)["content"].(string))
		if want := strings.ToValidUTF8(a.want, "\uFFFD"); answer != want {
			t.Errorf("%s: the server saw %q, want %q", a.name, answer, want)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Profile)
		want   string // "" = valid
	}{
		{"valid", func(*Profile) {}, ""},
		{"no question", func(p *Profile) { p.Prompt = "{{GROUND_TRUTH_ANSWER}} {{MODEL_ANSWER}}" }, ""},
		{"no ground truth", func(p *Profile) { p.Prompt = "{{QUESTION}} {{MODEL_ANSWER}}" }, "{{GROUND_TRUTH_ANSWER}}"},
		{"no answer", func(p *Profile) { p.Prompt = "{{QUESTION}} {{GROUND_TRUTH_ANSWER}} {{ MODEL_ANSWER }}" }, "{{MODEL_ANSWER}}"},
		{"unknown place", func(p *Profile) { p.Prompt += "{{MODEL_ANSWR}}" }, `{{MODEL_ANSWR}}, which nothing is filled into (did you mean "{{MODEL_ANSWER}}"?)`},
		{"braces of a format", func(p *Profile) { p.Prompt += `{{"is_correct": true}}` }, `{{"is_correct": true}}, which nothing`},
		{"score without a threshold", func(p *Profile) { p.Parser = "score" }, "needs a threshold"},
		{"score", func(p *Profile) { p.Parser, p.Threshold = "score", ptr(7.0) }, ""},
		{"threshold of nothing", func(p *Profile) { p.Parser, p.Threshold = "score", ptr(0.0) }, "threshold 0 is not above 0"},
		{"threshold that is no number", func(p *Profile) { p.Parser, p.Threshold = "score", ptr(math.NaN()) }, "threshold NaN"},
		{"threshold of another parser", func(p *Profile) { p.Threshold = ptr(0.5) }, "threshold is for parser score"},
		{"structured", func(p *Profile) { p.Structured = true }, ""},
		{"structured words", func(p *Profile) { p.Parser, p.Structured = "true_false", true }, "structured is for parser json"},
		{"confidence of a score", func(p *Profile) { p.Parser, p.Threshold, p.Confidence = "score", ptr(0.5), true }, "leave confidence out"},
		{"samples", func(p *Profile) { p.Samples = -1 }, "samples"},
		{"empty", func(p *Profile) { p.Prompt = "" }, "{{"},
		{"no parser", func(p *Profile) { p.Parser = "" }, `"score" "true_false" "yes_no"]`},
		{"unknown parser", func(p *Profile) { p.Parser = "jsn" }, `"jsn" is not one of ["answer" "boxed" "correct_incorrect" "json" "letters" "score" "true_false" "yes_no"] (did you mean "json"?)`},
		{"attempts", func(p *Profile) { p.Attempts = -1 }, "attempts"},
		{"tokens", func(p *Profile) { p.MaxTokens = -1 }, "max_tokens"},
	}
	for _, tt := range tests {
		p := theProfile
		tt.change(&p)
		err := p.Validate()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `"judge"`)):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}
