package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"tinyv/internal/interval"
	"tinyv/verify"
)

// File is the name of the file of a labelled run that holds its Stats.
const File = "stats.json"

// Before is what the stage before counted. A count that is 0 is not known.
type Before struct {
	Questions int64 `json:"questions"`
	Responses int64 `json:"responses"`
	Rejected  int64 `json:"rejected"` // responses that the rule verifier rejected
	Accepted  int64 `json:"accepted"`
}

// Stats is what the labels of a run are worth.
type Stats struct {
	Rows       int64   `json:"rows"`
	Simulated  int64   `json:"simulated"` // rows with a simulated reply or vote; they say nothing of real models
	Confidence float64 `json:"confidence"`
	Before     Before  `json:"before"`

	Rule RuleErrors `json:"rule"`
	// QuestionsOfAll is the questions with a false negative over all those of the
	// stage before: a lower bound, since only labelled rejections can show one.
	QuestionsOfAll interval.Proportion `json:"false_negative_questions_of_all"`
	Sources        []Source            `json:"sources"` // empty if there are more than a thousand

	Lengths    []Length   `json:"lengths"` // of sampled answers
	Origins    []Origin   `json:"origins"`
	Categories []Category `json:"categories"` // of rows labelled True

	Outcomes   []string          `json:"outcomes"` // the order of rows and columns of the matrices below
	Annotators []AnnotatorCounts `json:"annotators"`
	Pairs      []Pair            `json:"pairs"`
	Fleiss     Agreement         `json:"fleiss"`         // undecided is a category of its own
	Decided    Agreement         `json:"fleiss_decided"` // undecided raters are left out of their row

	Known Known `json:"known"`
	Cost  Cost  `json:"cost"`
}

// RuleErrors is how often the rule verifier is wrong, by the labels.
type RuleErrors struct {
	Rejections             Outcomes            `json:"rejections"`               // sampled answers that it rejected
	FalseNegatives         interval.Proportion `json:"false_negatives"`          // rejections labelled True, of those labelled
	FalseNegativeQuestions interval.Proportion `json:"false_negative_questions"` // questions with one, of those with a labelled rejection
	Acceptances            Outcomes            `json:"acceptances"`              // sampled answers that it accepted, as far as audited
	FalsePositives         interval.Proportion `json:"false_positives"`          // acceptances labelled False, of those labelled
}

// Source is the RuleErrors of one source.
type Source struct {
	Source string `json:"source"`
	RuleErrors
}

// Length is the labels of answers of From up to, but without, To characters.
type Length struct {
	From int  `json:"from"`
	To   *int `json:"to"` // null = no end
	Outcomes
	Correct interval.Proportion `json:"correct"` // labelled True, of those labelled
}

// Origin is the labels of one kind of answer.
type Origin struct {
	Origin string `json:"origin"`
	Kind   string `json:"kind"`
	Outcomes
	Correct interval.Proportion `json:"correct"`
}

// Category counts the rows labelled True that were rejected for one reason.
type Category struct {
	Category string `json:"category"`
	Rule     int64  `json:"rule"` // by the rule-based classifier
	LLM      int64  `json:"llm"`  // by a model
	Both     int64  `json:"both"` // by either alike
}

// AnnotatorCounts is what one annotator did. Its verdict of a row is that of most of
// its samples that decided.
type AnnotatorCounts struct {
	Annotator        string           `json:"annotator"`
	Asked            int64            `json:"asked"` // rows
	Correct          int64            `json:"correct"`
	Incorrect        int64            `json:"incorrect"`
	Undecided        int64            `json:"undecided"`
	Samples          int64            `json:"samples"`           // votes; as many as rows where one is asked for
	UndecidedReasons map[string]int64 `json:"undecided_reasons"` // of samples
	PromptTokens     int64            `json:"prompt_tokens"`
	CompletionTokens int64            `json:"completion_tokens"`
	CostUSD          *float64         `json:"cost_usd"` // null if a sample has no price
}

// Pair is the agreement of two annotators over the rows that both were asked.
type Pair struct {
	A      string              `json:"a"`
	B      string              `json:"b"`
	Matrix [3][3]int64         `json:"matrix"` // rows: what A said, columns: what B said
	Agree  interval.Proportion `json:"agree"`  // of the rows that both decided
	Kappa                      // Cohen's, over the same rows
	// AgreeAll and KappaAll are over all rows of the matrix; undecided is a category.
	AgreeAll interval.Proportion `json:"agree_all"`
	KappaAll Kappa               `json:"cohen_all"`
}

// Agreement is Fleiss's kappa over the rows that had the most frequent number of
// raters, at least two. The raters need not be the same in every row.
type Agreement struct {
	Raters int      `json:"raters"`
	Rows   int64    `json:"rows"`
	Kappa  *float64 `json:"kappa"`
}

// Known compares labels with known ones, over the rows that were asked about and
// have one. Recall counts an undecided row as missed.
type Known struct {
	Rows           int64               `json:"rows"`
	Undecided      int64               `json:"undecided"`
	TruePrecision  interval.Proportion `json:"true_precision"`
	TrueRecall     interval.Proportion `json:"true_recall"`
	FalsePrecision interval.Proportion `json:"false_precision"`
	FalseRecall    interval.Proportion `json:"false_recall"`
}

// Cost is what the votes cost, whenever they were paid.
type Cost struct {
	RowsAsked    int64    `json:"rows_asked"`
	RowsLabelled int64    `json:"rows_labelled"` // of those asked about
	Calls        int64    `json:"calls"`
	SavedCalls   int64    `json:"saved_calls"` // that asking every annotator about every one of those rows would have taken more
	USD          *float64 `json:"usd"`         // null if a vote has no price
	USDPerLabel  *float64 `json:"usd_per_label"`
	Unpriced     int64    `json:"unpriced"`
}

// Stats sums up what was added so far.
func (c *Collector) Stats(before Before) *Stats {
	s := &Stats{
		Rows: c.rows, Simulated: c.simulated, Confidence: interval.Confidence, Before: before,
		Rule: c.all.errors(), QuestionsOfAll: interval.Share(c.all.falseNegativeQuestions, before.Questions),
		Sources: []Source{}, Origins: []Origin{}, Categories: []Category{}, Annotators: []AnnotatorCounts{}, Pairs: []Pair{},
		Fleiss: agreement(c.ratedAll), Decided: agreement(c.ratedDecided), Known: c.known.compare(), Cost: c.cost(),
	}
	for _, name := range c.sources.names() {
		s.Sources = append(s.Sources, Source{name, c.sources.at(name).errors()})
	}
	for i, outcomes := range c.lengths {
		l := Length{From: lengthEdges[i], Outcomes: outcomes, Correct: interval.Share(outcomes.True, outcomes.decided())}
		if i+1 < len(lengthEdges) {
			l.To = &lengthEdges[i+1]
		}
		s.Lengths = append(s.Lengths, l)
	}
	for _, name := range c.origins.names() {
		origin, kind, _ := strings.Cut(name, "\x00")
		outcomes := *c.origins.at(name)
		s.Origins = append(s.Origins, Origin{origin, kind, outcomes, interval.Share(outcomes.True, outcomes.decided())})
	}
	for _, name := range c.categories.names() {
		n := c.categories.at(name)
		s.Categories = append(s.Categories, Category{name, n.rule, n.llm, n.both})
	}
	for _, o := range matrixOrder {
		s.Outcomes = append(s.Outcomes, o.String())
	}
	for i := range c.annotators {
		s.Annotators = append(s.Annotators, c.annotators[i].sum())
		for j := i + 1; j < len(c.annotators); j++ {
			s.Pairs = append(s.Pairs, pair(c.annotators[i].Name, c.annotators[j].Name, c.pairs[i][j]))
		}
	}
	return s
}

// JSON is the content of [File].
func (s *Stats) JSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("encoding the statistics: %w", err)
	}
	return out.Bytes(), nil
}

func (r *ruleCounts) errors() RuleErrors {
	return RuleErrors{
		Rejections:             r.rejections,
		FalseNegatives:         interval.Share(r.rejections.True, r.rejections.decided()),
		FalseNegativeQuestions: interval.Share(r.falseNegativeQuestions, r.questions),
		Acceptances:            r.acceptances,
		FalsePositives:         interval.Share(r.acceptances.False, r.acceptances.decided()),
	}
}

func (a *annotatorCounts) sum() AnnotatorCounts {
	out := AnnotatorCounts{
		Annotator: a.Name, Asked: a.asked, Samples: a.samples,
		Correct: a.outcomes[verify.Correct], Incorrect: a.outcomes[verify.Incorrect], Undecided: a.outcomes[verify.Undecided],
		UndecidedReasons: map[string]int64{}, PromptTokens: a.promptTokens, CompletionTokens: a.completionTokens,
	}
	for _, code := range a.reasons.names() {
		out.UndecidedReasons[code] = *a.reasons.at(code)
	}
	if a.unpriced == 0 {
		out.CostUSD = new(a.cost.usd())
	}
	return out
}

// matrixOrder is the order of the rows and columns of a Pair's matrix.
var matrixOrder = [...]verify.Outcome{verify.Correct, verify.Incorrect, verify.Undecided}

func pair(a, b string, counts [3][3]int64) Pair {
	p := Pair{A: a, B: b}
	var all, diagonal, decided, decidedAlike int64
	for i, said := range matrixOrder {
		for j, other := range matrixOrder {
			n := counts[said][other]
			p.Matrix[i][j] = n
			all += n
			if i < 2 && j < 2 {
				decided += n
			}
		}
		diagonal += p.Matrix[i][i]
	}
	decidedAlike = p.Matrix[0][0] + p.Matrix[1][1]
	p.Agree, p.AgreeAll = interval.Share(decidedAlike, decided), interval.Share(diagonal, all)
	m := p.Matrix
	p.Kappa = cohen([][]int64{m[0][:2], m[1][:2]})
	p.KappaAll = cohen([][]int64{m[0][:], m[1][:], m[2][:]})
	return p
}

// agreement takes the rows of the most frequent number of raters; of two equally
// frequent the larger number.
func agreement(byRaters []ratings) Agreement {
	best := Agreement{}
	for raters := 2; raters < len(byRaters); raters++ {
		if n := byRaters[raters].rows; n > 0 && n >= best.Rows {
			best = Agreement{Raters: raters, Rows: n}
		}
	}
	if best.Rows > 0 {
		r := byRaters[best.Raters]
		best.Kappa = fleiss(r.rows, int64(best.Raters), r.agreeing, r.categories[:])
	}
	return best
}

func (k *knownCounts) compare() Known {
	right, wrong := k.byLabel[verify.Correct], k.byLabel[verify.Incorrect]
	undecided := k.byLabel[verify.Undecided]
	knownWrong, knownRight := right[0]+wrong[0]+undecided[0], right[1]+wrong[1]+undecided[1]
	return Known{
		Rows: knownWrong + knownRight, Undecided: undecided[0] + undecided[1],
		TruePrecision: interval.Share(right[1], right[0]+right[1]), TrueRecall: interval.Share(right[1], knownRight),
		FalsePrecision: interval.Share(wrong[0], wrong[0]+wrong[1]), FalseRecall: interval.Share(wrong[0], knownWrong),
	}
}

func (c *Collector) cost() Cost {
	out := Cost{RowsAsked: c.asked, RowsLabelled: c.labelled, SavedCalls: c.savedCalls}
	var cost picoUSD
	for _, a := range c.annotators {
		out.Calls += a.samples
		out.Unpriced += a.unpriced
		cost += a.cost
	}
	if out.Unpriced > 0 {
		return out
	}
	out.USD = new(cost.usd())
	if c.labelled > 0 {
		out.USDPerLabel = new(cost.usd() / float64(c.labelled))
	}
	return out
}
