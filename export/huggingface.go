package export

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"tinyv/internal/durable"
	"tinyv/internal/manifest"
	"tinyv/internal/rows"
)

// CardFile is the dataset card that the Hugging Face Hub shows.
const CardFile = "README.md"

// publishedDir has the shards.
const publishedDir = "data"

// published is a row as the Hub has it. conversations has the layout of pyarrow:
// a list of three levels, all of them nullable.
type published struct {
	Conversations []publishedMessage `parquet:"conversations,list,optional" parquet-element:",optional"`
	ProblemID     string             `parquet:"problem_id"`
	Source        string             `parquet:"source"`
	Domain        []string           `parquet:"domain,list"`
	Question      string             `parquet:"question"`
	GroundTruth   string             `parquet:"ground_truth"`
	Answer        string             `parquet:"answer"`
	Label         bool               `parquet:"label"`
	Reason        string             `parquet:"reason"`
	Origin        string             `parquet:"origin"`
	Kind          string             `parquet:"kind"`
	Category      string             `parquet:"category"`
	Sample        int32              `parquet:"sample"`
	Copy          int32              `parquet:"copy"`
	Simulated     bool               `parquet:"simulated"`
}

type publishedMessage struct {
	From  string `parquet:"from,optional"` // never empty, so never null
	Value string `parquet:"value,optional"`
}

// publishedFeatures are the columns of published as a card's YAML has them, in a
// spelling that older and newer versions of datasets read alike.
const publishedFeatures = `  - name: conversations
    list:
    - name: from
      dtype: string
    - name: value
      dtype: string
  - name: problem_id
    dtype: string
  - name: source
    dtype: string
  - name: domain
    sequence: string
  - name: question
    dtype: string
  - name: ground_truth
    dtype: string
  - name: answer
    dtype: string
  - name: label
    dtype: bool
  - name: reason
    dtype: string
  - name: origin
    dtype: string
  - name: kind
    dtype: string
  - name: category
    dtype: string
  - name: sample
    dtype: int32
  - name: copy
    dtype: int32
  - name: simulated
    dtype: bool
`

// hubSplit is the name of a split on the Hub, which calls the evaluation set of a
// training validation.
func hubSplit(split string) string {
	if split == rows.SplitEval {
		return "validation"
	}
	return split
}

// huggingFace writes a directory that `hf upload` takes as a dataset: the splits
// as Parquet shards, and the card. Shards are begun with a split's first row, since
// a split without rows is none.
type huggingFace struct {
	job
	rowsPerShard int64 // 0 for as many as rows.Create has in a part
	shards       map[string]*rows.Writer[published]
	tally        tally
}

func openHuggingFace(j job) (target, error) {
	return &huggingFace{job: j, shards: map[string]*rows.Writer[published]{}, tally: newTally()}, nil
}

// shardFiles are the shards of every split, under their names and those that they
// have while they are written.
func shardFiles() []string {
	var names []string
	for _, split := range rows.Splits() {
		names = append(names, publishedDir+"/"+hubSplit(split)+"-*.parquet")
	}
	return names
}

func (t *huggingFace) write(r row) error {
	p := published{
		ProblemID: r.ProblemID, Source: r.Source, Domain: r.Domain, Question: r.Question, GroundTruth: r.GroundTruth,
		Answer: r.Answer, Label: r.Label, Reason: r.Reason, Origin: r.Origin, Kind: r.Kind, Category: r.Category,
		Sample: r.Sample, Copy: r.Copy, Simulated: r.Simulated,
	}
	if r.system != "" {
		p.Conversations = append(p.Conversations, publishedMessage{"system", r.system})
	}
	p.Conversations = append(p.Conversations, publishedMessage{"human", r.prompt}, publishedMessage{"gpt", r.reply})
	shards := t.shards[r.Split]
	if shards == nil {
		var err error
		if shards, err = rows.Create[published](filepath.Join(t.dir, publishedDir), hubSplit(r.Split), "parquet", t.rowsPerShard); err != nil {
			return err
		}
		t.shards[r.Split] = shards
	}
	if err := shards.Write(p); err != nil {
		return err
	}
	t.tally.add(r.Example, p.arrowBits())
	return nil
}

// arrowBits is the size of the row in memory as Arrow holds it, which is what the
// card's num_bytes counts: text, four bytes for where each text or list ends, and
// a bit for each boolean.
func (p *published) arrowBits() int64 {
	const end, number, boolean = 32, 32, 1
	bits := int64(11*end + 2*number + 2*boolean) // nine texts and two lists
	for _, text := range []string{p.ProblemID, p.Source, p.Question, p.GroundTruth, p.Answer, p.Reason, p.Origin, p.Kind, p.Category} {
		bits += 8 * int64(len(text))
	}
	for _, domain := range p.Domain {
		bits += end + 8*int64(len(domain))
	}
	for _, m := range p.Conversations {
		bits += 2*end + 8*int64(len(m.From)+len(m.Value))
	}
	return bits
}

func (t *huggingFace) finish() ([]string, error) {
	var names []string
	c := card{job: t.job, tally: t.tally}
	c.splits = nil
	for _, split := range t.splits {
		if t.shards[split] == nil {
			continue
		}
		c.splits = append(c.splits, split)
		if err := t.shards[split].CloseShards(); err != nil {
			return nil, err
		}
		for _, shard := range t.shards[split].Files() {
			name := path.Join(publishedDir, shard)
			file, err := manifest.Hash(filepath.Join(t.dir, publishedDir, shard))
			if err != nil {
				return nil, err
			}
			file.Path = name
			names, c.files = append(names, name), append(c.files, file)
		}
	}
	var text strings.Builder
	if err := c.write(&text); err != nil {
		return nil, err
	}
	return append(names, CardFile), durable.WriteFile(filepath.Join(t.dir, CardFile), []byte(text.String()))
}

func (t *huggingFace) abort() {
	for _, shards := range t.shards {
		shards.Abort()
	}
	os.Remove(filepath.Join(t.dir, publishedDir)) // succeeds only if it is empty
}
