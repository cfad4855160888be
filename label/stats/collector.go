package stats

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"tinyv/internal/rows"
	"tinyv/verify"
)

// Annotator is one of those that a run may ask.
type Annotator struct {
	Name    string
	Samples int // asked for of each row, if the vote needs all of them; 0 means 1
}

// Collector counts the annotations of a run. It is not safe for use by several
// goroutines at once.
type Collector struct {
	annotators []annotatorCounts
	pairs      [][][3][3]int64 // by index of the one annotator and of a later one

	rows, simulated, asked, labelled, savedCalls int64

	all        ruleCounts
	sources    named[ruleCounts]
	questions  map[uint64]bool // those with a labelled rejection; true = one of them was correct
	lengths    [len(lengthEdges)]Outcomes
	origins    named[Outcomes] // by origin and kind
	categories named[categoryCounts]
	known      knownCounts

	// Rows by their number of raters: of all that were asked, and of those that decided.
	ratedAll, ratedDecided []ratings
}

type annotatorCounts struct {
	Annotator
	asked, samples                 int64
	outcomes                       [3]int64 // of rows, by verify.Outcome
	reasons                        named[int64]
	promptTokens, completionTokens int64
	cost                           picoUSD
	unpriced                       int64 // samples
}

type ruleCounts struct {
	rejections, acceptances           Outcomes
	questions, falseNegativeQuestions int64
}

type categoryCounts struct{ rule, llm, both int64 }

type knownCounts struct {
	// By what the label says (verify.Outcome), and by what is known: 0 wrong, 1 right.
	byLabel [3][2]int64
}

// Outcomes counts rows by their label.
type Outcomes struct {
	True      int64 `json:"true"`
	False     int64 `json:"false"`
	Undecided int64 `json:"undecided"`
}

func (o *Outcomes) add(label *bool) {
	switch {
	case label == nil:
		o.Undecided++
	case *label:
		o.True++
	default:
		o.False++
	}
}

func (o Outcomes) decided() int64 { return o.True + o.False }

// lengthEdges are the characters from which the buckets of answers begin.
var lengthEdges = [...]int{0, 5, 10, 20, 50, 100, 200, 500, 1000}

// New returns a Collector for runs that may ask the given annotators.
func New(annotators []Annotator) *Collector {
	c := &Collector{
		questions:    map[uint64]bool{},
		ratedAll:     make([]ratings, len(annotators)+1),
		ratedDecided: make([]ratings, len(annotators)+1),
	}
	for _, a := range annotators {
		a.Samples = max(a.Samples, 1)
		c.annotators = append(c.annotators, annotatorCounts{Annotator: a})
	}
	c.pairs = make([][][3][3]int64, len(annotators))
	for i := range c.pairs {
		c.pairs[i] = make([][3][3]int64, len(annotators))
	}
	return c
}

// Add counts one row. It is an error if the row has a vote of an annotator that
// New was not told of; the row is not counted then.
func (c *Collector) Add(a *rows.Annotation) error {
	verdicts, err := c.verdicts(a)
	if err != nil {
		return err
	}
	c.rows++
	if a.Simulated {
		c.simulated++
	}
	if len(a.Votes) > 0 {
		c.addVotes(a, verdicts)
	}
	c.addRule(a)
	outcomes := c.origins.at(a.Origin + "\x00" + a.Kind)
	outcomes.add(a.Label)
	if a.Label != nil && *a.Label {
		c.addCategories(a)
	}
	return nil
}

// verdict is what one annotator says of one row, of all its samples.
type verdict struct {
	samples            int
	correct, incorrect int
}

// outcome is what more than half of the samples say, as verify/model has it.
func (v verdict) outcome() verify.Outcome {
	switch {
	case 2*v.correct > v.samples:
		return verify.Correct
	case 2*v.incorrect > v.samples:
		return verify.Incorrect
	}
	return verify.Undecided
}

func (c *Collector) verdicts(a *rows.Annotation) ([]verdict, error) {
	verdicts := make([]verdict, len(c.annotators))
	for _, vote := range a.Votes {
		i := c.index(vote.Annotator)
		if i < 0 {
			return nil, fmt.Errorf("counting answer %d to problem %s: annotator %q is none of the run's", a.Sample, a.ProblemID, vote.Annotator)
		}
		v := &verdicts[i]
		v.samples++
		switch {
		case vote.Correct == nil:
		case *vote.Correct:
			v.correct++
		default:
			v.incorrect++
		}
	}
	return verdicts, nil
}

func (c *Collector) index(annotator string) int {
	return slices.IndexFunc(c.annotators, func(a annotatorCounts) bool { return a.Name == annotator })
}

func (c *Collector) addVotes(a *rows.Annotation, verdicts []verdict) {
	c.asked++
	if a.Label != nil {
		c.labelled++
	}
	for _, vote := range a.Votes {
		c.annotators[c.index(vote.Annotator)].add(vote)
	}
	var asked, decided [3]int64
	for i, v := range verdicts {
		c.savedCalls += int64(max(0, c.annotators[i].Samples-v.samples))
		if v.samples == 0 {
			continue
		}
		outcome := v.outcome()
		c.annotators[i].asked++
		c.annotators[i].outcomes[outcome]++
		asked[outcome]++
		if outcome != verify.Undecided {
			decided[outcome]++
		}
		for j := i + 1; j < len(verdicts); j++ {
			if verdicts[j].samples > 0 {
				c.pairs[i][j][outcome][verdicts[j].outcome()]++
			}
		}
	}
	c.ratedAll[sum(asked)].add(asked)
	c.ratedDecided[sum(decided)].add(decided)
	if a.KnownCorrect != nil {
		known := 0
		if *a.KnownCorrect {
			known = 1
		}
		c.known.byLabel[outcomeOf(a.Label)][known]++
	}
}

func sum(counts [3]int64) int64 { return counts[0] + counts[1] + counts[2] }

func outcomeOf(label *bool) verify.Outcome {
	if label == nil {
		return verify.Undecided
	}
	return verify.OutcomeOf(*label)
}

func (a *annotatorCounts) add(vote rows.AnnotatorVote) {
	a.samples++
	a.promptTokens += int64(vote.PromptTokens)
	a.completionTokens += int64(vote.CompletionTokens)
	switch cost, ok := picoUSDOf(vote.CostUSD); {
	case ok:
		a.cost += cost
	case vote.PromptTokens+vote.CompletionTokens > 0: // a vote without a reply costs nothing
		a.unpriced++
	}
	if vote.Correct == nil {
		*a.reasons.at(code(vote.Reason))++
	}
}

// picoUSD is money in units so small that sums of whole ones lose nothing, and
// so do not depend on the order of what is added, as sums of floats do.
type picoUSD int64

// picoUSDOf returns a price; false if there is none, or none that can be one.
func picoUSDOf(usd *float64) (picoUSD, bool) {
	if usd == nil || !(*usd >= 0 && *usd < 1000) {
		return 0, false
	}
	return picoUSD(math.Round(*usd * 1e12)), true
}

func (p picoUSD) usd() float64 { return float64(p) / 1e12 }

// code is what a reason begins with, before a colon, if it looks like a code.
func code(reason string) string {
	code, _, _ := strings.Cut(reason, ":")
	isCode := func(r rune) bool { return r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }
	if code == "" || len(code) > 40 || strings.TrimFunc(code, isCode) != "" {
		return "other"
	}
	return code
}

// addRule counts what the label says of the rule verifier's own verdict.
func (c *Collector) addRule(a *rows.Annotation) {
	switch a.Origin {
	case rows.OriginAcceptance:
		c.all.acceptances.add(a.Label)
		c.sources.at(a.Source).acceptances.add(a.Label)
	case rows.OriginSampled:
		c.all.rejections.add(a.Label)
		c.sources.at(a.Source).rejections.add(a.Label)
		c.lengths[bucket(a.Answer)].add(a.Label)
		if a.Label != nil {
			c.addQuestion(a)
		}
	}
}

func (c *Collector) addQuestion(a *rows.Annotation) {
	source, id := c.sources.at(a.Source), questionID(a)
	known, seen := c.questions[id]
	if !seen {
		c.all.questions++
		source.questions++
	}
	if *a.Label && !known {
		c.all.falseNegativeQuestions++
		source.falseNegativeQuestions++
	}
	c.questions[id] = known || *a.Label
}

// questionID stands for a question of a source. Two of a million questions share
// one with a probability of 3 in 10^8.
func questionID(a *rows.Annotation) uint64 {
	hash := sha256.Sum256([]byte(a.Source + "\x00" + a.ProblemID))
	return binary.LittleEndian.Uint64(hash[:])
}

func bucket(answer string) int {
	n := utf8.RuneCountInString(answer)
	i, found := slices.BinarySearch(lengthEdges[:], n)
	if found {
		return i
	}
	return i - 1
}

func (c *Collector) addCategories(a *rows.Annotation) {
	if a.Category != "" {
		c.categories.at(a.Category).rule++
	}
	if a.CategoryLLM != "" {
		c.categories.at(a.CategoryLLM).llm++
	}
	if a.Category != "" && a.Category == a.CategoryLLM {
		c.categories.at(a.Category).both++
	}
}
