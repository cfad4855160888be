package pool

import (
	"fmt"
	"iter"
	"math/rand/v2"

	"tinyv/internal/rows"
	"tinyv/label"
	"tinyv/label/taxonomy"
	"tinyv/verify"
)

// The annotators of a pool.
const (
	firstAnnotator  = "judge-a"
	secondAnnotator = "judge-b"
)

// reasons of the annotators' verdicts, False first.
var reasons = [2][]string{
	{"Another value.", "The numbers differ.", "Not equal.", "A different result.", "Wrong value."},
	{"The same value.", "Equivalent.", "Equal, another form.", "It only adds words.", "Same result."},
}

// Rows makes n rows whose texts have rowBytes bytes on average: those of the
// replies first and then the candidates, as the label stage writes them. The last
// problem may lack rows, so that there are n.
func (w World) Rows(n int64, rowBytes int) iter.Seq[rows.Annotation] {
	return func(yield func(rows.Annotation) bool) {
		problems, left := w.problems(n), n
		for _, rowsOf := range []func(*problem) []rows.Annotation{w.sampled, w.candidates} {
			for i := range problems {
				for _, row := range rowsOf(w.problem(i, rowBytes)) {
					if left == 0 || !yield(row) {
						return
					}
					left--
				}
			}
		}
	}
}

// problem is a problem with what its rows are drawn from.
type problem struct {
	number       int64
	sizes        sizes
	base         rows.Annotation // what all its rows have
	family       *family
	numbers      numbers
	form, offset []int // orders in which forms and distances are used up
}

// problem makes the i-th problem, i from 0. If it repeats an earlier one, question
// and answers are that one's.
func (w *World) problem(i int64, rowBytes int) *problem {
	p := &problem{number: i, sizes: w.sizes(i)}
	r := w.draw(i, "repeat")
	from := i
	if i > 0 && r.Float64() < w.RepeatedProblems {
		from = r.Int64N(i)
	}
	w.content(p, from, rowBytes)
	p.base.ProblemID = fmt.Sprintf("pool-%08d", i)
	if from != i && r.IntN(2) == 0 {
		p.base.Question, p.base.GroundTruth = respell(r, p.base.Question), respell(r, p.base.GroundTruth)
	}
	p.form, p.offset = r.Perm(len(p.family.forms)), r.Perm(len(p.family.forms))
	return p
}

// content gives a problem the question and answer with the number from.
func (w *World) content(p *problem, from int64, rowBytes int) {
	r := w.draw(from, "content")
	cause := w.Causes[among(r, w.Causes, func(c Cause) float64 { return c.Percent })].Category
	for i := range families {
		if families[i].category == cause {
			p.family = &families[i]
		}
	}
	p.numbers = drawNumbers(r)
	weight := func(s Share) float64 { return s.Weight }
	p.base = rows.Annotation{
		Source:      w.Sources[among(r, w.Sources, weight)].Name,
		Domain:      []string{w.Domains[among(r, w.Domains, weight)].Name},
		Question:    question(r, p.family.ask, rowBytes-besidePadding),
		GroundTruth: p.numbers.write(p.family.truth),
		Rule:        "prime", RuleCorrect: new(bool), Simulated: true,
	}
}

// right is the answer in the k-th of the written forms that the problem uses.
func (p *problem) right(k int) string { return p.numbers.write(p.family.forms[p.form[k]]) }

// wrong is the k-th of the problem's wrong answers, every other in the form of the
// ground truth.
func (p *problem) wrong(k int) string {
	pattern := p.family.truth
	if k%2 == 1 {
		pattern = p.family.forms[p.form[k]]
	}
	return p.numbers.off(1 + p.offset[k]).write(pattern)
}

// sampled makes the rows of a problem's replies.
func (w *World) sampled(p *problem) []rows.Annotation {
	r := w.draw(p.number, "sampled")
	fragile := r.Float64() < w.Fragile
	out := make([]rows.Annotation, 0, p.sizes.sampled)
	var truths []bool
	for k := range p.sizes.sampled {
		row := p.base
		row.Sample, row.Origin = int32(k), rows.OriginSampled
		correct := fragile && r.Float64() < w.Correct
		row.Answer = p.wrong(k)
		if correct {
			row.Answer = p.right(k)
		}
		again := r.Float64()
		if k > 0 && again < w.RepeatedAnswers+w.RespeltAnswers {
			earlier := r.IntN(k)
			row.Answer, correct = out[earlier].Answer, truths[earlier]
			if again >= w.RepeatedAnswers {
				row.Answer = respell(r, row.Answer)
			}
			correct = correct != (r.Float64() < w.Conflicts)
		}
		truths = append(truths, correct)
		row.Extracted = row.Answer
		w.annotate(r, &row, correct, p.family.category)
		out = append(out, row)
	}
	return out
}

// candidates makes the rows that no model sampled.
func (w *World) candidates(p *problem) []rows.Annotation {
	r := w.draw(p.number, "candidates")
	out := make([]rows.Annotation, 0, p.sizes.candidates())
	add := func(origin, kind, answer string) *rows.Annotation {
		row := p.base
		row.Sample, row.Origin, row.Kind, row.Answer, row.Extracted = int32(len(out)), origin, kind, answer, answer
		out = append(out, row)
		return &out[len(out)-1]
	}
	first := len(w.Rejections) // the forms before are those of the replies
	for k := range p.sizes.equivalents {
		if r.Float64() < w.CorrectEquivalents {
			w.annotate(r, add(rows.OriginSynthetic, "equivalent", p.right(first+k)), true, p.family.category)
		} else {
			w.annotate(r, add(rows.OriginSynthetic, "equivalent", p.wrong(first+k)), false, p.family.category)
		}
	}
	nearest := p.numbers.off(-1).write(p.family.truth)
	w.annotate(r, add(rows.OriginNearMiss, "number", nearest), false, p.family.category)
	if p.sizes.hardening {
		row := add(rows.OriginHardening, "attack", attacks[r.IntN(len(attacks))])
		row.Label, row.LabelReason = new(bool), label.ReasonByConstruction
	}
	return out
}

// annotate has the annotators vote, and gives the row the label that their votes
// make, and its category if that is True.
func (w *World) annotate(r *rand.Rand, row *rows.Annotation, correct bool, category taxonomy.Category) {
	first, second := vote(r, firstAnnotator, &correct), vote(r, secondAnnotator, &correct)
	switch at := r.Float64(); {
	case at < w.Disagreed:
		second = vote(r, secondAnnotator, new(!correct))
		row.LabelReason = verify.ReasonDisagreed
	case at < w.Disagreed+w.Undecided:
		second = vote(r, secondAnnotator, nil)
		row.LabelReason = verify.ReasonVoterUndecided
	default:
		row.Label, row.LabelReason = &correct, string(verify.Unanimous)
		if correct {
			row.Category = string(category)
		}
	}
	row.Votes = []rows.AnnotatorVote{first, second}
}

func vote(r *rand.Rand, annotator string, correct *bool) rows.AnnotatorVote {
	v := rows.AnnotatorVote{Annotator: annotator, Model: "sim", Correct: correct, FinishReason: "stop"}
	switch {
	case correct == nil:
		v.Reason = "parse_error: the reply has no verdict"
	case *correct:
		v.Reason = reasons[1][r.IntN(len(reasons[1]))]
	default:
		v.Reason = reasons[0][r.IntN(len(reasons[0]))]
	}
	return v
}
