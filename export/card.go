package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/version"
)

// tally counts what a card says of the rows.
type tally struct {
	splits  map[string]*splitTally
	sources map[string]int64
}

type splitTally struct {
	rows, right int64
	origins     map[string]int64
	bits        int64 // in memory, as Arrow holds the rows
}

func newTally() tally {
	return tally{splits: map[string]*splitTally{}, sources: map[string]int64{}}
}

func (t tally) add(e rows.Example, bits int64) {
	s := t.splits[e.Split]
	if s == nil {
		s = &splitTally{origins: map[string]int64{}}
		t.splits[e.Split] = s
	}
	s.rows++
	if e.Label {
		s.right++
	}
	s.bits += bits
	s.origins[e.Origin]++
	t.sources[e.Source]++
}

// listedSources is how many sources a card lists, the largest first.
const listedSources = 50

// card is the README.md of a dataset: a header that the Hub and datasets read, and
// text for people. Whatever comes from data or from a prompt is escaped, so that it
// is shown and never read as YAML, Markdown or HTML.
type card struct {
	job
	tally tally
	files []manifest.File
}

func (c *card) write(w io.Writer) error {
	settings, err := json.MarshalIndent(c.upstream.Settings, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the settings of the balance stage for %s: %w", CardFile, err)
	}
	c.header(w)
	c.about(w)
	c.counts(w)
	c.columns(w)
	c.made(w, string(settings))
	c.provenance(w)
	c.loading(w)
	return nil
}

func (c *card) header(w io.Writer) {
	var total, bytes, download int64
	for _, s := range c.splits {
		total += c.tally.splits[s].rows
		bytes += c.tally.splits[s].bits / 8
	}
	for _, f := range c.files {
		download += f.Bytes
	}
	fmt.Fprintf(w, "---\npretty_name: %s\n", yamlString(c.Dataset))
	// The Hub refuses a header whose licence is empty or not one that it knows.
	fmt.Fprint(w, "license: unknown  # fill in: an identifier of https://huggingface.co/docs/hub/repositories-licenses, or other\n")
	fmt.Fprint(w, "language:\n- en  # check\ntask_categories:\n- text-classification\n- text-generation\ntags:\n- math\n- verifier\n- reinforcement-learning\n- synthetic\n- tinyv\n")
	if c.upstream.Simulated {
		fmt.Fprint(w, "- simulated\n")
	}
	fmt.Fprintf(w, "size_categories:\n- %s\ndataset_info:\n  features:\n%s  splits:\n", sizeCategory(total), publishedFeatures)
	for _, s := range c.splits {
		fmt.Fprintf(w, "  - name: %s\n    num_bytes: %d\n    num_examples: %d\n", hubSplit(s), c.tally.splits[s].bits/8, c.tally.splits[s].rows)
	}
	fmt.Fprintf(w, "  download_size: %d\n  dataset_size: %d\nconfigs:\n- config_name: default\n  data_files:\n", download, bytes)
	for _, s := range c.splits {
		fmt.Fprintf(w, "  - split: %s\n    path: %s/%s-*\n", hubSplit(s), publishedDir, hubSplit(s))
	}
	fmt.Fprint(w, "---\n\n")
}

// sizeCategory is the Hub's word for a number of rows.
func sizeCategory(rows int64) string {
	limits := []struct {
		below int64
		name  string
	}{
		{1e3, "n<1K"}, {1e4, "1K<n<10K"}, {1e5, "10K<n<100K"}, {1e6, "100K<n<1M"},
		{1e7, "1M<n<10M"}, {1e8, "10M<n<100M"}, {1e9, "100M<n<1B"},
	}
	for _, l := range limits {
		if rows < l.below {
			return l.name
		}
	}
	return "n>1B"
}

func (c *card) about(w io.Writer) {
	fmt.Fprintf(w, "# %s\n\n", markdown(c.Dataset))
	if c.upstream.Simulated {
		fmt.Fprint(w, "> **Simulated.** Problems, replies or labels in this set were made by a program that simulates models. It shows how a set looks; train no verifier on it that anyone will use, and draw no conclusion from it.\n\n")
	}
	fmt.Fprint(w, `Training data for a verifier of answers to mathematical problems, one that is asked when a rule-based
verifier rejects. A row is a question, its ground truth, an answer that the rule rejected or that was made for
training, and a label: whether the answer is right all the same. `+"`conversations`"+` has the row as the verifier sees it.

`)
}

func (c *card) counts(w io.Writer) {
	fmt.Fprint(w, "## Splits\n\n| split | rows | True | False | share of True | by origin |\n|---|---:|---:|---:|---:|---|\n")
	for _, name := range c.splits {
		s := c.tally.splits[name]
		var origins []string
		for _, o := range slices.Sorted(maps.Keys(s.origins)) {
			origins = append(origins, fmt.Sprintf("%s %d", markdown(o), s.origins[o]))
		}
		fmt.Fprintf(w, "| %s | %d | %d | %d | %.1f%% | %s |\n", markdown(hubSplit(name)), s.rows, s.right, s.rows-s.right,
			100*float64(s.right)/float64(s.rows), strings.Join(origins, ", "))
	}
	fmt.Fprint(w, "\nNo question is in two splits, in whatever written form.")
	if slices.Contains(c.splits, rows.SplitHeldOut) {
		fmt.Fprint(w, " `held_out` has sources that `train` has not.")
	}
	fmt.Fprint(w, "\n\n")
	if c.Funnel != "" {
		fmt.Fprintf(w, "## Funnel\n\n%s\n", fenced(c.Funnel))
	}
	if c.Statistics != "" {
		fmt.Fprintf(w, "## Labels\n\n%s\n", fenced(c.Statistics))
	}
}

func (c *card) columns(w io.Writer) {
	fmt.Fprint(w, "## Columns\n\n"+`| column | what |
|---|---|
| `+"`conversations`"+` | the messages, each `+"`from`"+` system, human or gpt and a `+"`value`"+` |
| `+"`problem_id`, `source`, `domain`"+` | of the problem, as its collection has them |
| `+"`question`, `ground_truth`"+` | the problem and its reference answer |
| `+"`answer`"+` | the answer to be judged |
| `+"`label`"+` | whether it is right |
| `+"`reason`"+` | an annotator's words for the label; empty if none gave any |
| `+"`origin`"+` | where the answer comes from: sampled from a model and rejected by the rule, accepted by it (acceptance), or made (synthetic, near_miss, hardening) |
| `+"`kind`"+` | how a made answer was made |
| `+"`category`"+` | why the rule rejected a right answer; empty if unknown |
| `+"`sample`"+` | number of the reply to this problem |
| `+"`copy`"+` | 0, or the number of a repetition by up-sampling |
| `+"`simulated`"+` | the row is of the simulated world, not of people and models |

`)
}

func (c *card) made(w io.Writer, settings string) {
	fmt.Fprintf(w, "## How it was made\n\nBy tinyv %s: answers were sampled, those that the rule rejects were judged by annotators, and the set was drawn with these settings:\n\n%s\n",
		markdown(version.String()), fenced(settings))
	fmt.Fprintf(w, "The human message:\n\n%s\n", fenced(c.Prompt))
	if c.System == "" {
		fmt.Fprint(w, "There is no system message. Serve the verifier as it was trained.\n\n")
		return
	}
	fmt.Fprintf(w, "The system message, which serving must state too:\n\n%s\n", fenced(c.System))
}

func (c *card) provenance(w io.Writer) {
	fmt.Fprint(w, "## Sources and licence\n\nThe licence of this set: *fill in, here and in the header*. It cannot be wider than those of its sources, and the terms of the models that wrote answers and labels may limit it too.\n\n| source | rows | where it is | its licence |\n|---|---:|---|---|\n")
	names := slices.SortedFunc(maps.Keys(c.tally.sources), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.tally.sources[b], c.tally.sources[a]), strings.Compare(a, b))
	})
	for _, name := range names[:min(len(names), listedSources)] {
		shown := markdown(name)
		if name == "" {
			shown = "*not named*"
		}
		fmt.Fprintf(w, "| %s | %d | *fill in* | *fill in* |\n", shown, c.tally.sources[name])
	}
	if more := len(names) - listedSources; more > 0 {
		fmt.Fprintf(w, "\n%d smaller sources are not listed.\n", more)
	}
	fmt.Fprint(w, "\nThe models that sampled answers and the annotators: *fill in*\n\n## Files\n\n| file | bytes | SHA-256 |\n|---|---:|---|\n")
	for _, f := range c.files {
		fmt.Fprintf(w, "| `%s` | %d | `%s` |\n", f.Path, f.Bytes, f.SHA256)
	}
	fmt.Fprint(w, "\n")
}

func (c *card) loading(w io.Writer) {
	fmt.Fprint(w, "## Loading\n\n```python\nfrom datasets import load_dataset\n\ndata = load_dataset(\"OWNER/NAME\")  # or the directory that has this file\nprint(data[\"train\"][0][\"conversations\"])\n```\n")
}

// yamlString is s as a double-quoted scalar on one line.
func yamlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// longestCell is how many characters of a text a table shows.
const longestCell = 100

// markdown is s as one line of plain text: with every sign escaped that could mean
// something to Markdown, a table or HTML, and at most longestCell characters long.
func markdown(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > longestCell {
			b.WriteString("…")
			break
		}
		switch {
		case !unicode.IsPrint(r):
			b.WriteByte(' ')
		case r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) && r != '.' && r != ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fenced is s as a block of code, whatever runs of backquotes it has. Signs that do
// not print are left out, but for tabs and line breaks.
func fenced(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
	longest, run := 0, 0
	for _, r := range s {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", max(3, longest+1))
	return fence + "text\n" + strings.TrimSuffix(s, "\n") + "\n" + fence + "\n"
}
