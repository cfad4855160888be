package export

import (
	"bytes"
	"encoding/json"
	"path/filepath"

	"tinyv/internal/rows"
)

// DatasetInfoFile describes the datasets of a directory to LLaMA-Factory.
const DatasetInfoFile = "dataset_info.json"

// conversation is a row in the sharegpt layout, with the message column only:
// LLaMA-Factory's columns beside it differ from version to version.
type conversation struct {
	Messages []message `json:"conversations"`
}

type message struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// llamaFactory writes a directory that LLaMA-Factory takes as dataset_dir:
// dataset_info.json and one file of JSON lines for each split.
type llamaFactory struct {
	job
	files map[string]*rows.Writer[conversation] // by split
}

func openLLaMAFactory(j job) (target, error) {
	t := &llamaFactory{job: j, files: map[string]*rows.Writer[conversation]{}}
	for _, split := range j.splits {
		file, err := rows.CreateFile[conversation](filepath.Join(j.dir, split+".jsonl"))
		if err != nil {
			t.abort()
			return nil, err
		}
		t.files[split] = file
	}
	return t, nil
}

func (t *llamaFactory) write(r row) error {
	var c conversation
	if r.system != "" {
		c.Messages = append(c.Messages, message{"system", r.system})
	}
	c.Messages = append(c.Messages, message{"human", r.prompt}, message{"gpt", r.reply})
	return t.files[r.Split].Write(c)
}

func (t *llamaFactory) finish() ([]string, error) {
	names := []string{DatasetInfoFile}
	for _, split := range t.splits {
		if err := t.files[split].Close(); err != nil {
			return nil, err
		}
		names = append(names, split+".jsonl")
	}
	info, err := t.datasetInfo()
	if err != nil {
		return nil, err
	}
	return names, rows.WriteFile(filepath.Join(t.dir, DatasetInfoFile), info)
}

func (t *llamaFactory) abort() {
	for _, file := range t.files {
		file.Abort()
	}
}

// datasetInfo describes the files to LLaMA-Factory. All tags are stated, so that
// its defaults, which differ between versions, do not matter.
func (t *llamaFactory) datasetInfo() ([]byte, error) {
	type dataset struct {
		FileName   string            `json:"file_name"`
		Formatting string            `json:"formatting"`
		Columns    map[string]string `json:"columns"`
		Tags       map[string]string `json:"tags"`
	}
	info := map[string]dataset{}
	for _, split := range t.splits {
		info[DatasetName(t.Dataset, split)] = dataset{
			FileName: split + ".jsonl", Formatting: "sharegpt",
			Columns: map[string]string{"messages": "conversations"},
			Tags:    map[string]string{"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt", "system_tag": "system"},
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(info)
	return buf.Bytes(), err
}

// DatasetName is the name of a split in dataset_info.json.
func DatasetName(dataset, split string) string { return dataset + "_" + split }
