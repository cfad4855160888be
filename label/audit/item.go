package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"

	"tinyv/internal/rows"
	"tinyv/verify"
)

// item is a labelled row as a person sees it, without the replies, which are long.
type item struct {
	id       string
	priority uint64 // the rows of lowest priority are drawn

	problemID, source, origin, kind string
	sample                          int32
	question, groundTruth, answer   string
	label                           bool
	votes                           []vote
}

type vote struct {
	annotator string
	outcome   verify.Outcome
	reason    string
}

// itemOf takes a row that has a label.
func itemOf(a *rows.Annotation, seed int64) item {
	it := item{
		problemID: a.ProblemID, source: a.Source, origin: a.Origin, kind: a.Kind, sample: a.Sample,
		question: a.Question, groundTruth: a.GroundTruth, answer: a.Answer, label: *a.Label,
	}
	for _, v := range a.Votes {
		outcome := verify.Undecided
		if v.Correct != nil {
			outcome = verify.OutcomeOf(*v.Correct)
		}
		it.votes = append(it.votes, vote{v.Annotator, outcome, v.Reason})
	}
	it.identify(seed)
	return it
}

// identify derives the id from all that is shown, so that equal ids are equal
// rows, and the priority from the id and the seed.
func (it *item) identify(seed int64) {
	h := sha256.New()
	for _, s := range []string{it.problemID, it.source, it.origin, it.kind, it.question, it.groundTruth, it.answer} {
		add(h, s)
	}
	number := uint64(uint32(it.sample)) << 1
	if it.label {
		number++
	}
	addNumber(h, number)
	for _, v := range it.votes {
		add(h, v.annotator)
		addNumber(h, uint64(v.outcome))
		add(h, v.reason)
	}
	sum := h.Sum(nil)
	// A letter first, or a spreadsheet takes 12 digits, or 3e12, for a number.
	it.id = "r" + hex.EncodeToString(sum[:8])

	h.Reset()
	h.Write(sum)
	addNumber(h, uint64(seed))
	it.priority = binary.BigEndian.Uint64(h.Sum(nil))
}

// add adds a text with its length, so that no two rows add the same bytes.
func add(h hash.Hash, s string) {
	addNumber(h, uint64(len(s)))
	io.WriteString(h, s)
}

func addNumber(h hash.Hash, n uint64) { h.Write(binary.BigEndian.AppendUint64(nil, n)) }
