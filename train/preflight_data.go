package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"tinyv/internal/brief"
	"tinyv/internal/llamafactory"
	"tinyv/internal/rows"
	"tinyv/internal/tokens"
)

// data checks the datasets: that they load whole, hold both classes, say the system
// message of serving, and fit.
func (f *findings) data(ctx context.Context, p *Plan, expect Expect) error {
	if info, err := os.Stat(p.DatasetDir); err != nil || !info.IsDir() {
		f.fail("dataset_dir", "%s is no directory that can be read (%v): run `tinyv export`, or plan again with the directory where the export is now", p.DatasetDir, err)
		return nil
	}
	report, err := llamafactory.Validate(ctx, p.DatasetDir, p.Trainer.Version, 1)
	if errors.Is(err, os.ErrNotExist) {
		f.fail("dataset_dir", "%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range []string{p.TrainDataset, p.EvalDataset} {
		if name != "" && f.dataset(report, p, name) {
			if err := f.rows(ctx, p, name, expect); err != nil {
				return err
			}
		}
	}
	if p.True == 0 != (p.False == 0) {
		f.fail("one_class", "all %d training rows of %s have the verdict %v, so that the model would learn to say nothing else: label or balance again until both classes have rows", p.Rows, p.DatasetDir, p.True > 0)
	}
	if p.Rows < int64(p.Options.RowsPerStep) {
		f.warn("few_rows", "%d training rows are less than the %d of one step, so that steps are smaller than is asked: lower rows_per_step", p.Rows, p.Options.RowsPerStep)
	}
	return nil
}

// dataset reports what LLaMA-Factory would do with one dataset; it is sound if its
// rows can be read.
func (f *findings) dataset(report *llamafactory.Report, p *Plan, name string) bool {
	var found *llamafactory.Dataset
	var names []string
	for i, d := range report.Datasets {
		names = append(names, d.Name)
		if d.Name == name {
			found = &report.Datasets[i]
		}
	}
	info := filepath.Join(p.DatasetDir, llamafactory.InfoFile)
	if found == nil && len(report.Problems) > 0 && report.Problems[0].Dataset == "" {
		f.fail("dataset_info", "%s: %s", info, report.Problems[0].Detail)
		return false
	}
	if found == nil {
		f.fail("dataset_info", "%s names no dataset %q, only %q: export again, or say which one in export.dataset", info, name, names)
		return false
	}
	sound := true
	for _, problem := range report.Problems {
		if problem.Dataset != name {
			continue
		}
		if problem.Effect == llamafactory.Unchecked {
			f.warn("dataset_rows", "%s: %v", p.DatasetDir, problem)
			sound = false
			continue
		}
		f.fail("dataset_rows", "%s: %v", p.DatasetDir, problem)
		sound = sound && problem.Effect != llamafactory.Fails
	}
	if name == p.TrainDataset && found.Rows != p.Rows && sound {
		f.fail("dataset_rows", "%s has %d rows of %q now, and %d when it was planned: run `tinyv train plan` again", p.DatasetDir, found.Rows, name, p.Rows)
	}
	return sound
}

// rows reads the rows of a dataset that loads, for the system message and the length.
func (f *findings) rows(ctx context.Context, p *Plan, name string, expect Expect) error {
	tokenizer, err := expect.tokenizer(p)
	if err != nil {
		f.fail("tokenizer", "%v", err)
	}
	var total, long, longest, firstLong, otherSystem int64
	var other string
	countable := true
	for r, err := range trainingRows(p.DatasetDir, name) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		total++
		if expect.System != nil && r.system != *expect.System && otherSystem == 0 {
			otherSystem, other = total, r.system
		}
		if r.system == "" && total == 1 && expect.System == nil {
			f.warn("system", "row 1 of dataset %q states no system message, so that LLaMA-Factory puts in one of its own, which differs from version to version: state it (export.system) and serve with the same", name)
		}
		if !countable {
			continue
		}
		n, err := tokens.Row(tokenizer, p.Options.Template, r.system, r.prompt, r.reply)
		if err != nil {
			f.warn("cutoff", "dataset %q: the lengths of its rows are not known: %v", name, err)
			countable = false
			continue
		}
		if longest = max(longest, int64(n)); n > p.Options.CutoffLen {
			if long++; firstLong == 0 {
				firstLong = total
			}
		}
	}
	if otherSystem > 0 {
		f.fail("system", "dataset %q is trained with the system message %s (row %d) and served with %s: give both the same text (export.system)", name, says(other), otherSystem, says(*expect.System))
	}
	switch {
	case long > 0 && tokenizer != nil:
		f.warn("cutoff", "%d of %d rows of dataset %q have more than cutoff_len %d tokens, the longest %d (row %d is the first); LLaMA-Factory cuts the end of their prompt off: raise cutoff_len, or export with max_tokens", long, total, name, p.Options.CutoffLen, longest, firstLong)
	case long > 0:
		f.warn("cutoff", "%d of %d rows of dataset %q may have more than cutoff_len %d tokens (row %d is the first), whose end LLaMA-Factory cuts off: name the tokenizer.json of the model and they are counted", long, total, name, p.Options.CutoffLen, firstLong)
	}
	return nil
}

func says(system string) string {
	if system == "" {
		return "none"
	}
	return fmt.Sprintf("%q", brief.Of(system, 80))
}

// tokenizer is the one that counts; nil if none is at hand.
func (e Expect) tokenizer(p *Plan) (*tokens.Tokenizer, error) {
	path := e.Tokenizer
	if path == "" {
		path = filepath.Join(p.model, "tokenizer.json")
		if _, err := os.Stat(path); !filepath.IsAbs(p.model) || err != nil {
			return nil, nil
		}
	}
	return tokens.Load(path)
}

// trainingRow is a row as the template renders it.
type trainingRow struct{ system, prompt, reply string }

// trainingRows reads a dataset that llamafactory.Validate found sound. Of a row with
// several turns all but the first human one count as the reply.
func trainingRows(dir, name string) iter.Seq2[trainingRow, error] {
	return func(yield func(trainingRow, error) bool) {
		d, err := describe(dir, name)
		if err != nil {
			yield(trainingRow{}, err)
			return
		}
		for _, path := range d.files(dir) {
			for record, err := range rows.Records(path) {
				if _, bad := errors.AsType[*rows.RowError](err); bad {
					continue // told of by Validate
				}
				if err != nil {
					yield(trainingRow{}, err)
					return
				}
				if !yield(d.row(record.Values), nil) {
					return
				}
			}
		}
	}
}

// description is what dataset_info.json says of a dataset.
type description struct {
	File       string            `json:"file_name"`
	Formatting string            `json:"formatting"`
	Columns    map[string]string `json:"columns"`
	Tags       map[string]string `json:"tags"`
}

func describe(dir, name string) (description, error) {
	path := filepath.Join(dir, llamafactory.InfoFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return description{}, fmt.Errorf("reading the datasets to train on: %w", err)
	}
	var raw map[string]json.RawMessage
	var d description
	if err := json.Unmarshal(data, &raw); err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	if err := json.Unmarshal(raw[name], &d); err != nil {
		return d, fmt.Errorf("%s: dataset %q: %w", path, name, err)
	}
	if d.Columns == nil {
		d.Columns = map[string]string{"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
	}
	if d.Tags == nil {
		d.Tags = map[string]string{"role_tag": "from", "content_tag": "value", "user_tag": "human", "system_tag": "system"}
	}
	return d, nil
}

// files are the file of the dataset, or those in its directory.
func (d description) files(dir string) []string {
	path := filepath.Join(dir, d.File)
	entries, err := os.ReadDir(path)
	if err != nil {
		return []string{path}
	}
	var all []string
	for _, e := range entries {
		all = append(all, filepath.Join(path, e.Name()))
	}
	return all
}

func (d description) row(values map[string]any) trainingRow {
	text := func(key string) string {
		s, _ := values[d.Columns[key]].(string)
		return s
	}
	r := trainingRow{system: text("system")}
	if d.Formatting == "" || d.Formatting == "alpaca" {
		r.prompt, r.reply = text("prompt"), text("response")
		if query := text("query"); query != "" {
			r.prompt = strings.TrimPrefix(r.prompt+"\n"+query, "\n")
		}
		return r
	}
	messages, _ := values[d.Columns["messages"]].([]any)
	for _, element := range messages {
		m, _ := element.(map[string]any)
		role, _ := m[d.Tags["role_tag"]].(string)
		content, _ := m[d.Tags["content_tag"]].(string)
		switch {
		case role == d.Tags["system_tag"] && content != "":
			r.system = content
		case role == d.Tags["user_tag"] && r.prompt == "":
			r.prompt = content
		default:
			r.reply += content
		}
	}
	return r
}
