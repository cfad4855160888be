package export

import (
	"bytes"
	"encoding/json"
	"path/filepath"

	"tinyv/internal/durable"
)

// DatasetInfoFile describes the datasets of a directory to LLaMA-Factory.
const DatasetInfoFile = "dataset_info.json"

// openLLaMAFactory writes a directory that LLaMA-Factory takes as dataset_dir. Rows
// have the columns that it reads and no others, since its columns beside those
// differ from version to version.
func openLLaMAFactory(j job) (target, error) {
	switch j.Format {
	case FormatAlpaca:
		return &lines[instruction]{job: j, of: instructionOf, describe: func() dataset { return instructionDataset(j.System != "") }}, nil
	case FormatOpenAI:
		return &lines[dialogue]{job: j, of: dialogueOf, describe: dialogueDataset}, nil
	}
	return &lines[conversation]{job: j, of: conversationOf, describe: conversationDataset}, nil
}

// conversation is a row in the sharegpt layout.
type conversation struct {
	Messages []message `json:"conversations"`
}

type message struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// asked is what stands before the reply.
func asked(r row) []message {
	var all []message
	if r.system != "" {
		all = append(all, message{"system", r.system})
	}
	return append(all, message{"human", r.prompt})
}

func conversationOf(r row) conversation {
	return conversation{append(asked(r), message{"gpt", r.reply})}
}

func conversationDataset() dataset {
	return dataset{Formatting: "sharegpt", Columns: map[string]string{"messages": "conversations"}, Tags: shareGPTTags()}
}

func shareGPTTags() map[string]string {
	return map[string]string{"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt", "system_tag": "system"}
}

// dialogue is a row with the messages of OpenAI's API.
type dialogue struct {
	Messages []turn `json:"messages"`
}

type turn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// askedTurns is asked in the layout of OpenAI's API.
func askedTurns(r row) []turn {
	var all []turn
	if r.system != "" {
		all = append(all, turn{"system", r.system})
	}
	return append(all, turn{"user", r.prompt})
}

func dialogueOf(r row) dialogue {
	return dialogue{append(askedTurns(r), turn{"assistant", r.reply})}
}

// dialogueDataset says sharegpt, not openai: LLaMA-Factory 0.9.2 has no such
// formatting, and 0.9.5 adds "detailed thinking off" to the system message of every
// row in it.
func dialogueDataset() dataset {
	return dataset{
		Formatting: "sharegpt", Columns: map[string]string{"messages": "messages"},
		Tags: map[string]string{"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"},
	}
}

// instruction is a row in the alpaca layout.
type instruction struct {
	Instruction string `json:"instruction"`
	Input       string `json:"input"` // always empty; LLaMA-Factory leaves an empty one out of the prompt
	Output      string `json:"output"`
	System      string `json:"system,omitempty"`
}

func instructionOf(r row) instruction {
	return instruction{Instruction: r.prompt, Output: r.reply, System: r.system}
}

func instructionDataset(system bool) dataset {
	columns := map[string]string{"prompt": "instruction", "query": "input", "response": "output"}
	if system {
		columns["system"] = "system"
	}
	return dataset{Formatting: "alpaca", Columns: columns}
}

// dataset describes one file to LLaMA-Factory. All columns and tags that the file
// has are stated, so that the defaults, which differ between versions, do not matter.
type dataset struct {
	FileName   string            `json:"file_name"`
	Formatting string            `json:"formatting"`
	Ranking    bool              `json:"ranking,omitempty"`
	Columns    map[string]string `json:"columns"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// datasetInfo gathers the datasets of all targets.
type datasetInfo struct{ entries map[string]dataset }

func (i *datasetInfo) add(name string, d dataset) {
	if i.entries == nil {
		i.entries = map[string]dataset{}
	}
	i.entries[name] = d
}

func (i *datasetInfo) write(dir string) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(i.entries); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, DatasetInfoFile), buf.Bytes())
}

// DatasetName is the name of a split in dataset_info.json.
func DatasetName(dataset, split string) string { return dataset + "_" + split }
