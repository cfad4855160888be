package balance

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tinyv/balance/decontaminate"
	"tinyv/balance/question"
	"tinyv/verify"
)

// deciding is what decides about a row of the label stage. The rest of the row is
// read once it is known which rows are taken.
type deciding struct {
	ProblemID   string `parquet:"problem_id" json:"problem_id"`
	Source      string `parquet:"source" json:"source"`
	Question    string `parquet:"question" json:"question"`
	GroundTruth string `parquet:"ground_truth" json:"ground_truth"`
	Sample      int32  `parquet:"sample" json:"sample"`
	Answer      string `parquet:"answer" json:"answer"`
	Label       *bool  `parquet:"label,optional" json:"label"`
	LabelReason string `parquet:"label_reason" json:"label_reason"`
	Origin      string `parquet:"origin" json:"origin"`
	Kind        string `parquet:"kind" json:"kind"`
	Category    string `parquet:"category" json:"category"`
}

// sketch is a labelled row as the pool has it: hashes in place of texts.
type sketch struct {
	same         [16]byte // alike for all rows of one question, ground truth and answer in their normal forms
	identity     uint64   // of what the row is, which orders rows
	text         uint64   // of question, ground truth and answer as written
	rest         uint64   // of the other columns of deciding
	form         uint64   // of the question's own normal form
	row          uint64   // 0-based, in the label stage
	group        uint32   // number of its group, which has no split yet
	contaminated bool
	heldOut      bool // its source is
}

const sketchSize = 16 + 5*8 + 4 + 1

// append appends the sketch in a form whose bytes sort as rows do: by what is the
// same, then by identity. The row number, which depends on the order of the rows,
// is behind all that tells two rows apart.
func (s *sketch) append(to []byte) []byte {
	to = append(to, s.same[:]...)
	for _, v := range [...]uint64{s.identity, s.text, s.rest, s.form, s.row} {
		to = binary.BigEndian.AppendUint64(to, v)
	}
	to = binary.BigEndian.AppendUint32(to, s.group)
	marks := byte(0)
	if s.contaminated {
		marks |= 1
	}
	if s.heldOut {
		marks |= 2
	}
	return append(to, marks)
}

// parseSketch reads what append wrote. data has sketchSize bytes.
func parseSketch(data []byte) (s sketch) {
	data = data[copy(s.same[:], data):]
	for _, v := range [...]*uint64{&s.identity, &s.text, &s.rest, &s.form, &s.row} {
		*v = binary.BigEndian.Uint64(data)
		data = data[8:]
	}
	s.group = binary.BigEndian.Uint32(data)
	s.contaminated, s.heldOut = data[4]&1 != 0, data[4]&2 != 0
	return s
}

// compare orders rows whatever the order they were read in.
func (s *sketch) compare(other *sketch) int {
	return cmp.Or(strings.Compare(string(s.same[:]), string(other.same[:])), cmp.Compare(s.identity, other.identity),
		cmp.Compare(s.text, other.text), cmp.Compare(s.rest, other.rest))
}

// sketcher makes sketches. It is safe for use by several goroutines.
type sketcher struct {
	options    Options
	canonical  map[uint64]uint64  // as nearDuplicates returns it
	benchmarks *decontaminate.Set // nil if nobody asked
}

// sketched is a batch of rows for the pool.
type sketched struct {
	keys   []uint64 // of the questions
	rows   []sketch // their row and group count from the batch
	groups []group

	contaminated []listed
	heldOut      []uint64        // as those of pool
	sources      map[string]bool // of those to hold out, those that there are

	read    int64
	dropped map[string]int64
}

// listed is a line of ContaminatedFile.
type listed struct {
	key  uint64
	json []byte
}

// reasoned sketches rows where the annotators' words decide, too.
func (s *sketcher) reasoned(batch []annotation) (*sketched, error) {
	rows, votes := make([]deciding, len(batch)), make([][]vote, len(batch))
	for i := range batch {
		a := &batch[i]
		rows[i] = deciding{a.ProblemID, a.Source, a.Question, a.GroundTruth, a.Sample, a.Answer, a.Label, a.LabelReason, a.Origin, a.Kind, a.Category}
		votes[i] = a.Votes
	}
	return s.sketch(rows, votes)
}

// sketch sketches rows; votes are nil if the annotators' words do not matter.
func (s *sketcher) sketch(batch []deciding, votes [][]vote) (*sketched, error) {
	b := &sketched{
		read: int64(len(batch)), sources: map[string]bool{}, dropped: map[string]int64{},
		keys: make([]uint64, 0, len(batch)), rows: make([]sketch, 0, len(batch)),
	}
	var last struct { // rows of one problem follow one another
		question, groundTruth string
		form                  uint64
		match                 decontaminate.Match
		contaminated          bool
		normalTruth           string
		group                 uint32
	}
	last.form = formKey(question.Normalize(""))
	numbers := map[group]uint32{}
	var space []byte
	for i := range batch {
		a := &batch[i]
		heldOut := slices.Contains(s.options.HeldOutSources, a.Source)
		if heldOut && !b.sources[a.Source] {
			b.sources[strings.Clone(a.Source)] = true
		}
		if a.Label == nil {
			reason := reasonUndecided
			if a.LabelReason == verify.ReasonDisagreed {
				reason = reasonDisagreed
			}
			b.dropped[reason]++
			if !heldOut {
				continue
			}
		}
		if a.Question != last.question {
			last.question, last.form = a.Question, formKey(question.Normalize(a.Question))
			if s.benchmarks != nil {
				last.match, last.contaminated = s.benchmarks.Match(a.Question)
			}
		}
		key := last.form
		if first, ok := s.canonical[key]; ok {
			key = first
		}
		if a.Label == nil {
			b.heldOut = append(b.heldOut, key)
			continue
		}
		if a.GroundTruth != last.groundTruth {
			last.groundTruth, last.normalTruth = a.GroundTruth, question.NormalizeAnswer(a.GroundTruth)
		}
		if last.contaminated {
			m := last.match
			line, err := json.Marshal(Contaminated{a.ProblemID, a.Source, a.Sample, a.Question, m.Benchmark, m.Row, m.Kind, m.Overlap})
			if err != nil {
				return nil, fmt.Errorf("listing a row of %s: %w", a.ProblemID, err)
			}
			b.contaminated = append(b.contaminated, listed{key, line})
		}
		g := s.group(a)
		if votes != nil {
			g.unusable = s.options.Reply.Unusable(reason(votes[i], *a.Label), *a.Label)
		}
		if len(b.groups) == 0 || g != b.groups[last.group] {
			number, ok := numbers[g]
			if !ok {
				number = uint32(len(b.groups))
				numbers[g] = number
				b.groups = append(b.groups, g)
			}
			last.group = number
		}

		row := sketch{form: last.form, row: uint64(i), group: last.group, contaminated: last.contaminated, heldOut: heldOut}
		space = binary.BigEndian.AppendUint64(space[:0], key)
		space = appendText(space, last.normalTruth)
		space = appendText(space, question.NormalizeAnswer(a.Answer))
		same := sha256.Sum256(space)
		copy(row.same[:], same[:])
		space = append(space[:0], row.same[:]...)
		space = binary.BigEndian.AppendUint32(space, uint32(a.Sample))
		space = appendText(space, a.ProblemID)
		space = appendText(space, a.Origin)
		row.identity = hash64(space)
		space = appendText(space[:0], a.Question)
		space = appendText(space, a.GroundTruth)
		row.text = hash64(appendText(space, a.Answer))
		space = appendText(space[:0], a.Source)
		space = appendText(space, a.Kind)
		row.rest = hash64(appendText(space, a.Category))

		b.keys = append(b.keys, key)
		b.rows = append(b.rows, row)
	}
	return b, nil
}

// group is that of a labelled row, without its split.
func (s *sketcher) group(a *deciding) group {
	g := group{label: *a.Label, origin: a.Origin}
	if s.options.MaxPerSource > 0 || s.options.Strategy == StrategyBySource {
		g.source = a.Source
	}
	if s.options.Strategy == StrategyByCategory && g.label {
		g.category = cmp.Or(a.Category, unclassified)
	}
	return g
}

// unclassified is the class of True rows that have no category.
const unclassified = "unclassified"

// formKey stands for a normal form of a question. Of ten million questions, two
// have the same key with a chance of one in 400,000; they are then taken for one.
func formKey(form string) uint64 { return hash64([]byte(form)) }

func hash64(text []byte) uint64 {
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}
