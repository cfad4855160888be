package llm

import (
	"encoding/json"
	"strings"
)

// completion is what is read of a chat completion.
type completion struct {
	Model   string `json:"model"`
	Choices []struct {
		Message struct {
			Content          json.RawMessage `json:"content"` // a text, null, or parts
			Refusal          string          `json:"refusal"`
			ReasoningContent json.RawMessage `json:"reasoning_content"` // DeepSeek's and vLLM's name
			Reasoning        json.RawMessage `json:"reasoning"`         // that of newer vLLM and OpenRouter
		} `json:"message"`
		FinishReason string          `json:"finish_reason"`
		Logprobs     json.RawMessage `json:"logprobs"`
	} `json:"choices"`
	Usage struct {
		PromptTokens     int64 `json:"prompt_tokens"`
		CompletionTokens int64 `json:"completion_tokens"`
	} `json:"usage"`
}

// readReply takes the reply out of a completion that has choices.
func readReply(c completion) Reply {
	choice := c.Choices[0]
	content := readContent(choice.Message.Content)
	if content == "" {
		content = choice.Message.Refusal // what the model said, after all
	}
	reasoning := readText(choice.Message.ReasoningContent)
	if reasoning == "" {
		reasoning = readText(choice.Message.Reasoning)
	}
	thought, content := splitThought(content)
	if reasoning != "" && thought != "" {
		reasoning += "\n"
	}
	r := Reply{
		Content:          content,
		Reasoning:        reasoning + thought,
		FinishReason:     choice.FinishReason,
		Model:            c.Model,
		PromptTokens:     c.Usage.PromptTokens,
		CompletionTokens: c.Usage.CompletionTokens,
	}
	if len(choice.Logprobs) > 0 && string(choice.Logprobs) != "null" {
		r.Logprobs = choice.Logprobs
	}
	return r
}

// readText reads a text; anything else (absent, null, an object) is "".
func readText(data json.RawMessage) string {
	var text string
	if len(data) == 0 || data[0] != '"' || json.Unmarshal(data, &text) != nil {
		return ""
	}
	return text
}

// readContent reads a text, or the texts of a list of parts.
func readContent(data json.RawMessage) string {
	if len(data) == 0 || data[0] != '[' {
		return readText(data)
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(data, &parts) != nil {
		return ""
	}
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(part.Text)
	}
	return b.String()
}

// splitThought splits <think>…</think> off the head of a content. A thought
// that does not end (the reply was cut off) is all there is. Where the chat
// template has opened the thought already, as that of DeepSeek-R1 does, only its
// end is there.
func splitThought(content string) (thought, rest string) {
	const opened, closed = "<think>", "</think>"
	inner, ok := strings.CutPrefix(strings.TrimLeft(content, " \t\r\n"), opened)
	if ok {
		thought, rest, _ = strings.Cut(inner, closed)
		return thought, rest
	}
	thought, rest, ok = strings.Cut(content, closed)
	if !ok || strings.Contains(thought, opened) {
		return "", content
	}
	return thought, rest
}
