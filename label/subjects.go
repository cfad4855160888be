package label

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"unicode/utf8"

	"tinyv/internal/rows"
)

// The reasons for which a response stays behind.
const (
	reasonAccepted      = "accepted_by_rule"
	reasonRuleUndecided = "rule_undecided"
	reasonUnboxed       = "unboxed"
	reasonCutOff        = "cut_off"
	reasonNoAnswer      = "no_answer"
	reasonAnswerTooLong = "answer_too_long"
)

// subjects passes on what the annotators are to see and counts the rest: first of
// the responses, then of the candidates. The counts are written only by the
// goroutine that reads, and are read when that has ended.
func (o Options) subjects(genDir, candidatesDir string, t *tally) iter.Seq2[subject, error] {
	return func(yield func(subject, error) bool) {
		for r, err := range rows.Read[rows.Response](genDir) {
			if err != nil {
				yield(subject{}, err)
				return
			}
			t.responses.In++
			origin, reason := o.originOf(&r)
			if reason != "" {
				t.responses.Drop(reason)
				continue
			}
			t.responses.Out++
			if !yield(subject{annotation: ofResponse(r, origin)}, nil) {
				return
			}
		}
		if candidatesDir == "" {
			return
		}
		for c, err := range rows.Read[rows.Candidate](candidatesDir) {
			if err != nil {
				yield(subject{}, err)
				return
			}
			t.candidates.In++
			if tooLong(c.Answer) {
				t.candidates.Drop(reasonAnswerTooLong)
				continue
			}
			t.candidates.Out++
			if !yield(subject{annotation: ofCandidate(c), known: c.Known}, nil) {
				return
			}
		}
	}
}

// originOf says as what a response is annotated, or why it stays behind.
func (o Options) originOf(r *rows.Response) (origin, reason string) {
	answer := r.Answer()
	switch {
	case r.RuleCorrect == nil:
		return "", reasonRuleUndecided
	case *r.RuleCorrect && !o.drawn(r):
		return "", reasonAccepted
	case o.RequireFinished && r.FinishReason == rows.FinishLength:
		return "", reasonCutOff
	case o.RequireBoxed && r.Boxed == nil:
		return "", reasonUnboxed
	case answer == "":
		return "", reasonNoAnswer
	case tooLong(answer):
		return "", reasonAnswerTooLong
	case *r.RuleCorrect:
		return rows.OriginAcceptance, ""
	}
	return rows.OriginSampled, ""
}

// drawn reports whether an acceptance is in the seeded share that is annotated. It
// depends on the response alone, not on the others.
func (o Options) drawn(r *rows.Response) bool {
	if o.Acceptances <= 0 {
		return false
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "acceptance\n%d\n%s\n%d", o.Seed, r.ProblemID, r.Sample))
	return float64(binary.BigEndian.Uint64(sum[:8])) < o.Acceptances*math.MaxUint64
}

func tooLong(answer string) bool {
	return len(answer) > MaxAnswer && utf8.RuneCountInString(answer) > MaxAnswer
}

func ofResponse(r rows.Response, origin string) rows.Annotation {
	return rows.Annotation{
		ProblemID: r.ProblemID, Source: r.Source, Domain: r.Domain, Question: r.Question, GroundTruth: r.GroundTruth,
		Sample: r.Sample, Answer: r.Answer(), Extracted: r.Extracted, Rule: r.Rule, RuleCorrect: r.RuleCorrect,
		Origin: origin, KnownCorrect: r.KnownCorrect, Extra: r.Extra, Simulated: r.Simulated,
	}
}

func ofCandidate(c rows.Candidate) rows.Annotation {
	return rows.Annotation{
		ProblemID: c.ProblemID, Source: c.Source, Domain: c.Domain, Question: c.Question, GroundTruth: c.GroundTruth,
		Sample: c.Sample, Answer: c.Answer, Extracted: c.Answer, Rule: c.Rule, RuleCorrect: c.RuleCorrect,
		Origin: c.Origin, Kind: c.Kind, Extra: c.Extra, Simulated: c.Simulated,
	}
}
