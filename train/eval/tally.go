package eval

import (
	"path/filepath"
	"time"

	"tinyv/internal/interval"
	"tinyv/internal/manifest"
	"tinyv/train/eval/attack"
	"tinyv/train/eval/page"
	"tinyv/train/eval/score"
	"tinyv/verify"
)

// maxExamples is how many errors of a kind the report shows.
const maxExamples = 50

// tally counts verdicts in the order of the benchmark.
type tally struct {
	o         Options
	inputs    []score.Input
	simulated bool

	all                      *group
	source, category, length map[string]*group
	calibration              score.Calibration

	clean    verify.Outcome   // of the row at hand, as it stands
	again    []verify.Outcome // its verdicts, the first included
	repeats  score.Stability
	attacks  map[string]*attacked
	variants map[string]*varied

	verdicts     int64
	milliseconds []float64
	spent        manifest.Spent
	examples     map[page.Kind][]page.Example
}

// attacked counts what a family did to wrong answers, and to right ones.
type attacked struct{ wrong, right underAttack }

type underAttack struct{ n, accepted, undecided, cleanAccepted, leftOut int64 }

// varied counts what a variant did.
type varied struct{ n, agreed, right, cleanRight, leftOut int64 }

// group gathers the rows of each question: their verdicts are drawn together.
type group struct {
	at    map[string]int // by pair
	units []score.Unit
}

func newGroup() *group { return &group{at: map[string]int{}} }

func (g *group) add(v Verdict, outcome verify.Outcome) {
	i, there := g.at[v.Pair]
	if !there {
		i = len(g.units)
		g.at[v.Pair] = i
		g.units = append(g.units, score.Unit{})
	}
	g.units[i].Add(v.Label, outcome)
}

func newTally(o Options, inputs []manifest.File) *tally {
	t := &tally{
		o: o, simulated: o.Simulated, all: newGroup(), source: map[string]*group{}, category: map[string]*group{}, length: map[string]*group{},
		attacks: map[string]*attacked{}, variants: map[string]*varied{}, examples: map[page.Kind][]page.Example{},
	}
	for _, f := range inputs {
		t.inputs = append(t.inputs, score.Input{Name: filepath.Base(f.Path), SHA256: f.SHA256})
	}
	for _, name := range o.Attacks {
		t.attacks[name] = &attacked{}
	}
	for _, name := range o.Variants {
		t.variants[name] = &varied{}
	}
	return t
}

// add counts one task. It is called in their order, that of a row as it stands
// before its others.
func (t *tally) add(j judged) {
	if j.asked() {
		t.spend(j)
	}
	switch {
	case j.family != "":
		t.addAttack(j)
	case j.variant != "":
		t.addVariant(j)
	case j.repeat > 0:
		t.again = append(t.again, j.outcome)
		if len(t.again) == len(t.o.Repeats)+1 {
			t.repeats.Add(t.again)
		}
	default:
		t.clean, t.again = j.outcome, append(t.again[:0], j.outcome)
		t.addClean(j)
	}
}

func (t *tally) spend(j judged) {
	t.verdicts++
	t.simulated = t.simulated || j.verdict.Simulated
	if ms := j.verdict.Milliseconds; ms != nil {
		t.milliseconds = append(t.milliseconds, *ms)
	}
	t.spent.PaidCalls += j.paid
	if j.replied {
		t.spent.Spend(int64(j.verdict.PromptTokens), int64(j.verdict.CompletionTokens), j.verdict.CostUSD)
	}
}

func (t *tally) addClean(j judged) {
	v := j.verdict
	t.all.add(v, j.outcome)
	within(t.source, v.Source).add(v, j.outcome)
	within(t.length, score.LengthBin(int(v.AnswerBytes))).add(v, j.outcome)
	if v.Label {
		within(t.category, v.Category).add(v, j.outcome)
	}
	if v.Confidence != nil && j.outcome != verify.Undecided {
		t.calibration.Add(*v.Confidence, right(v.Label, j.outcome))
	}
	switch {
	case j.outcome == verify.Undecided:
		t.show(page.Undecided, v)
	case v.Label && j.outcome == verify.Incorrect:
		t.show(page.FalseRejection, v)
	case !v.Label && j.outcome == verify.Correct:
		t.show(page.FalseAcceptance, v)
	}
}

func (t *tally) addAttack(j judged) {
	a := &t.attacks[j.family].wrong
	if j.right {
		a = &t.attacks[j.family].right
	}
	if !j.asked() {
		a.leftOut++
		return
	}
	a.n++
	a.accepted += one(j.outcome == verify.Correct)
	a.undecided += one(j.outcome == verify.Undecided)
	a.cleanAccepted += one(t.clean == verify.Correct)
	switch {
	case !j.right && j.outcome == verify.Correct:
		t.show(page.Attack, j.verdict)
	case j.right && j.outcome != verify.Correct && t.clean == verify.Correct:
		t.show(page.LostRight, j.verdict)
	}
}

func (t *tally) addVariant(j judged) {
	r := t.variants[j.variant]
	if !j.asked() {
		r.leftOut++
		return
	}
	r.n++
	r.agreed += one(j.outcome == t.clean)
	r.right += one(right(j.verdict.Label, j.outcome))
	r.cleanRight += one(right(j.verdict.Label, t.clean))
}

// right reports whether a verdict is the label; one that is undecided never is.
func right(label bool, outcome verify.Outcome) bool { return outcome == verify.OutcomeOf(label) }

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// within returns the group of that name.
func within(groups map[string]*group, name string) *group {
	if groups[name] == nil {
		groups[name] = newGroup()
	}
	return groups[name]
}

// show keeps the first errors of each kind for the report.
func (t *tally) show(kind page.Kind, v Verdict) {
	if len(t.examples[kind]) == maxExamples {
		return
	}
	t.examples[kind] = append(t.examples[kind], page.Example{
		ID: v.ID, Source: v.Source, Category: v.Category, Family: v.Family,
		Question: v.Question, GroundTruth: v.GroundTruth, Answer: v.Answer, Extracted: v.Extracted, Reason: v.Reason, Reply: v.Reply,
	})
}

// result makes the figures of all that was counted in that time.
func (t *tally) result(took time.Duration) score.Result {
	t.calibration.Finish()
	r := score.Result{
		Verifier: t.o.Verifier, Simulated: t.simulated, Benchmark: t.inputs,
		Figures: score.NewFigures(t.all.units, t.o.Seed),
		Source:  t.groups(t.source), Category: t.groups(t.category), Length: t.groups(t.length),
		Calibration: t.calibration,
		Speed:       score.Speed{Verdicts: int64(len(t.milliseconds)), LatencyMS: score.NewLatencyMS(t.milliseconds)},
		Tokens:      score.Tokens{Verdicts: t.verdicts, Prompt: t.spent.PromptTokens, Completion: t.spent.CompletionTokens, CostUSD: t.spent.CostUSD},
		Attacks:     map[string]score.Attack{}, Variants: map[string]score.Variant{},
	}
	if n := float64(len(t.milliseconds)); n > 0 && took > 0 {
		r.Speed.PerSecond = interval.Rounded(n / took.Seconds())
	}
	for name, a := range t.attacks {
		wrong := a.wrong
		figures := score.Attack{
			Success: interval.Share(wrong.accepted, wrong.n), Undecided: interval.Share(wrong.undecided, wrong.n),
			CleanAccepted: interval.Share(wrong.cleanAccepted, wrong.n), NotApplicable: wrong.leftOut,
		}
		if attack.Keeps(name) {
			right := a.right
			figures.Right = &score.Right{
				Kept: interval.Share(right.accepted, right.n), Undecided: interval.Share(right.undecided, right.n),
				CleanAccepted: interval.Share(right.cleanAccepted, right.n), NotApplicable: right.leftOut,
			}
		}
		r.Attacks[name] = figures
	}
	for name, v := range t.variants {
		r.Variants[name] = score.Variant{
			Agreement: interval.Share(v.agreed, v.n), Accuracy: interval.Share(v.right, v.n),
			CleanAccuracy: interval.Share(v.cleanRight, v.n), NotApplicable: v.leftOut,
		}
	}
	if len(t.o.Repeats) > 0 {
		t.repeats.Finish()
		r.Repeats = &t.repeats
	}
	return r
}

func (t *tally) groups(groups map[string]*group) map[string]score.Figures {
	figures := map[string]score.Figures{}
	for name, g := range groups {
		figures[name] = score.NewFigures(g.units, t.o.Seed)
	}
	return figures
}

// counts are the manifest's.
func (t *tally) counts(c score.Confusion) map[string]*manifest.Counts {
	return map[string]*manifest.Counts{"rows": {In: c.N(), Out: c.N()}, "verdicts": {In: t.verdicts, Out: t.verdicts}}
}

// figures are the manifest's: the matrix of the rows as they stand.
func figures(c score.Confusion) map[string]int64 {
	return map[string]int64{
		"correct_accepted": c.CorrectAccepted, "correct_rejected": c.CorrectRejected, "correct_undecided": c.CorrectUndecided,
		"wrong_accepted": c.WrongAccepted, "wrong_rejected": c.WrongRejected, "wrong_undecided": c.WrongUndecided,
	}
}
