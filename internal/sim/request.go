package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tinyv/internal/brief"
)

// chatRequest is what the server reads of a request for a chat completion.
// Members that it does not know, top_p for one, are ignored.
type chatRequest struct {
	Model               string    `json:"model"`
	Messages            []message `json:"messages"`
	Temperature         *float64  `json:"temperature"`
	N                   *int      `json:"n"`
	MaxTokens           *int      `json:"max_tokens"`
	MaxCompletionTokens *int      `json:"max_completion_tokens"`
	Stop                stops     `json:"stop"`
	Seed                *int64    `json:"seed"`
	Stream              bool      `json:"stream"`
	Logprobs            bool      `json:"logprobs"`
	TopLogprobs         int       `json:"top_logprobs"`

	body uint64 // hash of all of the request, whatever way it is written in
}

type message struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
}

// content is a text, null, or a list of parts of which the texts count.
type content string

// UnmarshalJSON reads the three forms of OpenAI's API.
func (c *content) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		*c = content(unquote(data))
		return nil
	case 'n':
		return nil
	case '[':
		var parts []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		}
		if err := json.Unmarshal(data, &parts); err != nil {
			return err
		}
		var b strings.Builder
		for _, p := range parts {
			if p.Type != "text" {
				return fmt.Errorf("a message has a part of type %q; the simulated models read text only", excerpt(p.Type))
			}
			b.WriteString(p.Text)
		}
		*c = content(b.String())
		return nil
	}
	return errors.New("the content of a message is neither a text nor a list of parts")
}

// stops is a text or a list of texts.
type stops []string

// UnmarshalJSON reads the two forms of OpenAI's API.
func (s *stops) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		return json.Unmarshal(data, (*[]string)(s))
	}
	var one string
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*s = stops{one}
	return nil
}

// maxChoices is the largest n.
const maxChoices = 128

// refusal says what is wrong with a request, or nothing.
func (r *chatRequest) refusal() string {
	switch {
	case r.Stream:
		return "the simulated server does not stream; leave stream out or set it to false"
	case r.Model == "":
		return "model is missing"
	case len(r.Messages) == 0:
		return "messages is missing or empty"
	case r.N != nil && (*r.N < 1 || *r.N > maxChoices):
		return fmt.Sprintf("n must be from 1 to %d", maxChoices)
	case r.MaxTokens != nil && *r.MaxTokens < 1:
		return "max_tokens must be at least 1"
	case r.MaxCompletionTokens != nil && *r.MaxCompletionTokens < 1:
		return "max_completion_tokens must be at least 1"
	case r.Temperature != nil && *r.Temperature < 0:
		return "temperature must not be negative"
	case r.TopLogprobs < 0 || r.TopLogprobs > maxTopLogprobs:
		return fmt.Sprintf("top_logprobs must be from 0 to %d", maxTopLogprobs)
	case r.TopLogprobs > 0 && !r.Logprobs:
		return "top_logprobs needs logprobs: true"
	}
	return ""
}

func (r *chatRequest) choices() int {
	if r.N == nil {
		return 1
	}
	return *r.N
}

// texts returns the last system message and the last user message.
func (r *chatRequest) texts() (system, prompt string) {
	for _, m := range r.Messages {
		switch m.Role {
		case "system", "developer":
			system = string(m.Content)
		case "user":
			prompt = string(m.Content)
		}
	}
	return system, prompt
}

// hash stands for everything that a reply depends on but the world's seed and
// the number of the choice.
func (r *chatRequest) hash() uint64 {
	texts := make([]string, 0, 5+2*len(r.Messages))
	texts = append(texts, r.Model, "", "")
	if r.Temperature != nil {
		texts[1] = strconv.FormatFloat(*r.Temperature, 'g', -1, 64)
	}
	if r.Seed != nil {
		texts[2] = strconv.FormatInt(*r.Seed, 10)
	}
	for _, m := range r.Messages {
		texts = append(texts, m.Role, string(m.Content))
	}
	return hash(texts...)
}

// limit cuts a reply before the first stop text in it, then to the tokens asked
// for. Thoughts come first, so they take their tokens first; stop texts in them do
// not count.
func (r *chatRequest) limit(said reply, reasoning Reasoning) choice {
	for _, stop := range r.Stop {
		if at := strings.Index(said.text, stop); stop != "" && at >= 0 {
			said.text, said.finish = said.text[:at], "stop"
		}
	}
	if reasoning == ReasoningTags {
		said.text, said.thought = "<think>\n"+said.thought+"\n</think>\n\n"+said.text, ""
	}
	if limit := r.wantedTokens(); limit > 0 {
		if thought := tokens(said.thought); limit <= thought && said.thought != "" {
			said = reply{thought: cutTo(said.thought, limit), finish: "length"}
		} else if limit-thought < tokens(said.text) {
			said.text, said.finish = cutTo(said.text, limit-thought), "length"
		}
	}
	return choice{Message: spoken{"assistant", said.thought, said.text}, FinishReason: said.finish}
}

// cutTo cuts a text to so many tokens, without half characters.
func cutTo(text string, limit int) string {
	return strings.ToValidUTF8(text[:min(bytesPerToken*limit, len(text))], "")
}

// wantedTokens is the smallest limit that a request sets to its reply; 0 for none.
func (r *chatRequest) wantedTokens() int {
	wanted := 0
	for _, limit := range []*int{r.MaxTokens, r.MaxCompletionTokens} {
		if limit != nil && (wanted == 0 || *limit < wanted) {
			wanted = *limit
		}
	}
	return wanted
}

func (r *chatRequest) promptTokens() int {
	sum := 0
	for _, m := range r.Messages {
		sum += tokens(string(m.Content))
	}
	return sum
}

const bytesPerToken = 4

// tokens counts a token for every four bytes, rounded up.
func tokens(text string) int { return (len(text) + bytesPerToken - 1) / bytesPerToken }

// excerpt bounds what an error repeats of a request.
func excerpt(s string) string {
	return brief.Of(strings.ToValidUTF8(s, "\uFFFD"), 200)
}
