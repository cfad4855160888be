package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
)

// The names of this stage's files.
const (
	TrainFile       = "train.jsonl"
	EvalFile        = "eval.jsonl"
	DatasetInfoFile = "dataset_info.json"
	ProvenanceStem  = "provenance"
)

// reasonEmptyAnswer drops rows that would train the verifier on nothing; a loader
// keeps them, since the prompt around the answer is not empty.
const reasonEmptyAnswer = "empty_answer"

// Options says what the rows look like.
type Options struct {
	Seed      int64   `json:"seed"`
	Prompt    string  `json:"prompt"`     // text of the human message, with placeholders
	System    string  `json:"system"`     // text of the system message, stated in every row; empty for none
	EvalShare float64 `json:"eval_share"` // of the problems, 0 up to but not including 1
	Dataset   string  `json:"dataset"`    // name in dataset_info.json; the splits are NAME_train and NAME_eval
}

// conversation is a row in the sharegpt layout, with the message column only:
// LLaMA-Factory's columns beside it differ from version to version.
type conversation struct {
	Messages []message `json:"conversations"`
}

type message struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// LLaMAFactory writes the finished stage in balanceDir as a directory that
// LLaMA-Factory takes as dataset_dir: dataset_info.json, train.jsonl and
// eval.jsonl; beside them the provenance of every row in Parquet, in the same
// order, train before eval.
func LLaMAFactory(ctx context.Context, env stage.Env, dir, balanceDir string, o Options) (*manifest.Manifest, error) {
	upstream, err := manifest.Require(balanceDir)
	if err != nil {
		return nil, err
	}
	inputs, err := manifest.HashAll(balanceDir)
	if err != nil {
		return nil, err
	}
	writes := []string{TrainFile, EvalFile, DatasetInfoFile, ProvenanceStem + "-*"}
	s, done, err := manifest.Begin(dir, "export", o, inputs, writes)
	if err != nil || done != nil {
		return done, err
	}

	bar := env.Progress.Start("exporting", 2*upstream.Rows["annotations"].Out, nil)
	defer bar.Finish()
	provenance, err := rows.Create[rows.Example](dir, ProvenanceStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer provenance.Abort()
	counts := &manifest.Counts{}
	figures := map[string]int64{}
	for _, name := range []string{Train, Eval} {
		n, err := o.writeSplit(ctx, env, dir, name, balanceDir, provenance, counts, figures, bar.Add)
		if err != nil {
			return nil, err
		}
		figures[name] = n
	}
	if err := provenance.Close(); err != nil {
		return nil, err
	}
	if figures[Train] == 0 {
		return nil, fmt.Errorf("export: no row is left to train on: %d examples, eval_share %v", counts.In, o.EvalShare)
	}
	if figures[Eval] == 0 && o.EvalShare > 0 {
		env.Log.Warn("no problem fell into the eval split; evaluation during training will have nothing to read", "problems_share", o.EvalShare, "examples", counts.In)
	}
	info, err := o.datasetInfo()
	if err != nil {
		return nil, err
	}
	if err := rows.WriteFile(filepath.Join(dir, DatasetInfoFile), info); err != nil {
		return nil, err
	}
	counts.Out = figures[Train] + figures[Eval]
	outputs := append(provenance.Files(), TrainFile, EvalFile, DatasetInfoFile)
	return s.Finish(outputs, map[string]*manifest.Counts{"examples": counts}, figures, nil, upstream.Simulated)
}

// writeSplit reads the examples once and writes those of one split. Reading twice
// keeps the splits apart without holding rows in memory.
func (o Options) writeSplit(ctx context.Context, env stage.Env, dir, name, balanceDir string, provenance *rows.Writer[rows.Example], counts *manifest.Counts, figures map[string]int64, progress func(int64)) (int64, error) {
	out, err := rows.CreateFile[conversation](filepath.Join(dir, name+".jsonl"))
	if err != nil {
		return 0, err
	}
	defer out.Abort()
	for e, err := range stage.Until(env.Stop, rows.Read[rows.Example](balanceDir)) {
		if err != nil {
			return 0, err
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		progress(1)
		e.Split = split(o.Seed, e.Question, o.EvalShare)
		if e.Split != name {
			continue
		}
		counts.In++
		if strings.TrimSpace(e.Answer) == "" {
			counts.Drop(reasonEmptyAnswer)
			continue
		}
		figures[fmt.Sprintf("%s_%v", name, e.Label)]++
		if err := errors.Join(out.Write(o.conversation(e)), provenance.Write(e)); err != nil {
			return 0, err
		}
	}
	return out.Rows(), out.Close()
}

func (o Options) conversation(e rows.Example) conversation {
	var c conversation
	if o.System != "" {
		c.Messages = append(c.Messages, message{"system", o.System})
	}
	c.Messages = append(c.Messages, message{"human", prompt(o.Prompt, e)}, message{"gpt", reply(e)})
	return c
}

// datasetInfo describes the files to LLaMA-Factory. All tags are stated, so that
// its defaults, which differ between versions, do not matter.
func (o Options) datasetInfo() ([]byte, error) {
	type dataset struct {
		FileName   string            `json:"file_name"`
		Formatting string            `json:"formatting"`
		Columns    map[string]string `json:"columns"`
		Tags       map[string]string `json:"tags"`
	}
	of := func(file string) dataset {
		return dataset{
			FileName: file, Formatting: "sharegpt",
			Columns: map[string]string{"messages": "conversations"},
			Tags:    map[string]string{"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt", "system_tag": "system"},
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(map[string]dataset{TrainDataset(o.Dataset): of(TrainFile), EvalDataset(o.Dataset): of(EvalFile)})
	return buf.Bytes(), err
}

// TrainDataset is the name of the training split in dataset_info.json.
func TrainDataset(name string) string { return name + "_train" }

// EvalDataset is the name of the evaluation split in dataset_info.json.
func EvalDataset(name string) string { return name + "_eval" }
