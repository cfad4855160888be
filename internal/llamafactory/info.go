package llamafactory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tinyv/internal/brief"
)

// entry is a dataset as dataset_info.json has it.
type entry struct {
	name  string
	body  any
	again bool // the name comes again further down
}

func parseInfo(data []byte) ([]entry, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, errors.New("it begins with something else than {")
	}
	var all []entry
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		e := entry{name: token.(string)} // the decoder gives no other key
		if err := dec.Decode(&e.body); err != nil {
			return nil, err
		}
		for i := range all {
			all[i].again = all[i].again || all[i].name == e.name
		}
		all = append(all, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("there is more after the object")
	}
	return all, nil
}

// attributes are the settings of a local dataset. A column or tag that is not there
// is None to LLaMA-Factory.
type attributes struct {
	file       string
	formatting string
	ranking    bool
	columns    map[string]string
	tags       map[string]string
}

// What holds where dataset_info.json says nothing of columns, or of tags. As soon
// as it names one, the others are None.
var (
	defaultColumns = map[string]string{"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
	defaultTags    = map[string]string{
		"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
		"observation_tag": "observation", "function_tag": "function_call", "system_tag": "system",
	}

	entryKeys = []string{
		"cloud_file_name", "columns", "file_name", "folder", "formatting", "hf_hub_url", "ms_hub_url", "num_samples", "om_hub_url",
		"ranking", "script_url", "split", "subset", "tags",
	}
	columnKeys = []string{
		"audios", "chosen", "history", "images", "kto_tag", "messages", "prompt", "query", "rejected", "response", "system", "tools", "videos",
	}
	// Keys by which a dataset is not a file here, in the order in which LLaMA-Factory looks for them.
	remoteKeys = []string{"hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name"}
)

// attributes reads an entry; it is not ok if there are no rows to check.
func (c *checker) attributes(e entry) (attributes, bool) {
	body, ok := e.body.(map[string]any)
	if !ok {
		c.problem(0, "entry_type", Fails, "the entry is %s, wanted an object with file_name, formatting, columns and tags", typeName(e.body))
		return attributes{}, false
	}
	for _, key := range remoteKeys {
		if _, ok := body[key]; ok {
			c.problem(0, "not_local", Unchecked, "it has %s, so LLaMA-Factory does not load it from a file of this directory", key)
			return attributes{}, false
		}
	}
	c.unknown("", body, entryKeys)
	a := attributes{formatting: "alpaca"}
	if a.file, ok = body["file_name"].(string); !ok {
		c.problem(0, "no_file_name", Fails, "it has no file_name")
		return a, false
	}
	if v, ok := body["formatting"]; ok {
		a.formatting, _ = v.(string)
	}
	switch a.formatting {
	case "alpaca", "sharegpt":
	case "openai":
		if !c.atLeast(3) {
			c.problem(0, "formatting", Fails, "formatting openai is not known before version 0.9.3; say sharegpt with tags role and content")
			return a, false
		}
		c.problem(0, "openai_formatting", Misreads, `formatting openai adds "detailed thinking off" to the system message of every row; say sharegpt with tags role and content`)
	default:
		c.problem(0, "formatting", Fails, "formatting is %v; there are alpaca, sharegpt and openai", body["formatting"])
		return a, false
	}
	if v, ok := body["ranking"]; ok {
		if a.ranking, ok = v.(bool); !ok {
			c.problem(0, "ranking_type", Misreads, "ranking is %s, wanted true or false: any training would take it", typeName(v))
			return a, false
		}
	}
	if v, ok := body["split"].(string); ok && !strings.HasPrefix(v, "train") {
		c.problem(0, "split", Fails, "split is %q, but files have only train; leave it out", v)
	}
	if a.columns, ok = c.names(body, "columns", columnKeys, defaultColumns); !ok {
		return a, false
	}
	if a.tags, ok = c.names(body, "tags", slices.Sorted(maps.Keys(defaultTags)), defaultTags); !ok {
		return a, false
	}
	if _, ok := a.columns["kto_tag"]; ok {
		c.problem(0, "not_checked", Unchecked, "it is for KTO (columns.kto_tag), whose rules are not checked")
		return a, false
	}
	return a, c.needed(a)
}

// read lists the keys of the columns that the loader looks at.
func (a attributes) read() []string {
	keys := []string{"system", "tools", "images", "videos", "audios"}
	if a.formatting == "alpaca" {
		keys = append(keys, "history", "prompt", "query")
		if !a.ranking {
			keys = append(keys, "response")
		}
	} else {
		keys = append(keys, "messages")
	}
	if a.ranking {
		keys = append(keys, "chosen", "rejected")
	}
	return keys
}

// names reads columns or tags.
func (c *checker) names(body map[string]any, key string, known []string, defaults map[string]string) (map[string]string, bool) {
	v, ok := body[key]
	if !ok {
		return defaults, true
	}
	object, ok := v.(map[string]any)
	if !ok {
		c.problem(0, "entry_type", Fails, "%s is %s, wanted an object", key, typeName(v))
		return nil, false
	}
	c.unknown(key+".", object, known)
	names := map[string]string{}
	for _, name := range known {
		switch v := object[name].(type) {
		case nil:
		case string:
			names[name] = v
		default:
			c.problem(0, "entry_type", Fails, "%s.%s is %s, wanted the name as a text", key, name, typeName(v))
			return nil, false
		}
	}
	return names, true
}

// unknown tells of keys that LLaMA-Factory does not look at: most are misspelt.
func (c *checker) unknown(prefix string, object map[string]any, known []string) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, key) {
			c.problem(0, "unknown_key", Misreads, "LLaMA-Factory does not know %s%s and passes over it; it knows %s", prefix, key, strings.Join(known, ", "))
		}
	}
}

// needed checks that the columns and tags without which nothing loads are named.
func (c *checker) needed(a attributes) bool {
	var missing []string
	need := func(names map[string]string, prefix string, keys ...string) {
		for _, key := range keys {
			if names[key] == "" {
				missing = append(missing, prefix+key)
			}
		}
	}
	if a.formatting == "alpaca" {
		if a.columns["prompt"] == "" && a.columns["query"] == "" {
			c.problem(0, "no_prompt_column", Misreads, "neither columns.prompt nor columns.query is named, so that all prompts are empty (a column that columns leaves out is none)")
		}
		if !a.ranking && a.columns["response"] == "" {
			missing = append(missing, "columns.response")
		}
	} else {
		need(a.columns, "columns.", "messages")
		need(a.tags, "tags.", "role_tag", "content_tag", "user_tag", "assistant_tag")
	}
	if a.ranking {
		need(a.columns, "columns.", "chosen", "rejected")
	}
	if len(missing) > 0 {
		c.problem(0, "not_named", Fails, "%s: not named (as soon as columns or tags are given, what they leave out is none); name all that the rows have", strings.Join(missing, ", "))
	}
	return len(missing) == 0
}

// typeName names the type of a JSON value.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case bool:
		return "a boolean"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return "a number"
}

func quoted(s string) string {
	return fmt.Sprintf("%q", brief.Of(s, 60))
}
