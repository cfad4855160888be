package balance

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"

	"tinyv/internal/rows"
)

// annotation is what this stage reads of a row of the label stage.
type annotation struct {
	ProblemID   string   `parquet:"problem_id" json:"problem_id"`
	Source      string   `parquet:"source" json:"source"`
	Domain      []string `parquet:"domain,list" json:"domain"`
	Question    string   `parquet:"question" json:"question"`
	GroundTruth string   `parquet:"ground_truth" json:"ground_truth"`
	Sample      int32    `parquet:"sample" json:"sample"`
	Answer      string   `parquet:"answer" json:"answer"`
	Votes       []vote   `parquet:"votes,list" json:"votes"`
	Label       *bool    `parquet:"label,optional" json:"label"`
	LabelReason string   `parquet:"label_reason" json:"label_reason"`
	Origin      string   `parquet:"origin" json:"origin"`
	Kind        string   `parquet:"kind" json:"kind"`
	Category    string   `parquet:"category" json:"category"`
	Extra       string   `parquet:"extra" json:"extra"`
	Simulated   bool     `parquet:"simulated" json:"simulated"`
}

type vote struct {
	Correct *bool  `parquet:"correct,optional" json:"correct"`
	Reason  string `parquet:"reason" json:"reason"`
}

// maxReason is the most bytes of an annotator's words that an example has.
const maxReason = 4000

// reason returns the words of the first vote for a verdict that has any.
func (a *annotation) reason(verdict bool) string {
	for _, v := range a.Votes {
		if v.Correct == nil || *v.Correct != verdict || v.Reason == "" {
			continue
		}
		if len(v.Reason) <= maxReason {
			return v.Reason
		}
		end := maxReason
		for end > 0 && !utf8.RuneStart(v.Reason[end]) {
			end--
		}
		return v.Reason[:end]
	}
	return ""
}

// appendRow appends what an example needs of a labelled annotation.
func appendRow(to []byte, a *annotation) []byte {
	flags := byte(0)
	if *a.Label {
		flags |= 1
	}
	if a.Simulated {
		flags |= 2
	}
	to = append(to, flags)
	to = binary.AppendVarint(to, int64(a.Sample))
	for _, s := range [...]string{
		a.ProblemID, a.Source, a.Question, a.GroundTruth, a.Answer, a.reason(*a.Label), a.reason(!*a.Label),
		a.Origin, a.Kind, a.Category, a.Extra,
	} {
		to = appendText(to, s)
	}
	to = binary.AppendUvarint(to, uint64(len(a.Domain)))
	for _, s := range a.Domain {
		to = appendText(to, s)
	}
	return to
}

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// parseRow reads what appendRow wrote. The texts share the memory of data.
func parseRow(data string) (rows.Example, error) {
	r := reader{data: data}
	flags := r.byte()
	e := rows.Example{
		Label: flags&1 != 0, Simulated: flags&2 != 0, Sample: int32(r.varint()),
		ProblemID: r.text(), Source: r.text(), Question: r.text(), GroundTruth: r.text(), Answer: r.text(), Reason: r.text(), ReasonAgainst: r.text(),
		Origin: r.text(), Kind: r.text(), Category: r.text(), Extra: r.text(),
	}
	if n := r.uvarint(); n > 0 && n <= uint64(len(r.data)) {
		e.Domain = make([]string, n)
		for i := range e.Domain {
			e.Domain[i] = r.text()
		}
	}
	if r.broken || r.data != "" {
		return e, errDamaged
	}
	return e, nil
}

var errDamaged = errors.New("balance: a row in a temporary file is damaged; does something else write to the output directory?")

// reader reads values off the front of a text. Once there is too little of it,
// broken is set and all values are zero.
type reader struct {
	data   string
	broken bool
}

func (r *reader) take(n uint64) string {
	if n > uint64(len(r.data)) {
		r.broken, r.data = true, ""
		return ""
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.broken = true
	return 0
}

func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) text() string { return r.take(r.uvarint()) }
