package stats

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"tinyv/internal/brief"
)

// Table writes the statistics for people.
func (s *Stats) Table(w io.Writer) error {
	t := &text{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if s.Simulated > 0 {
		t.line("SIMULATED: %d of %d rows have simulated replies or votes, which say nothing of real models.\n", s.Simulated, s.Rows)
	}
	t.line("Rates are of labelled rows, with %.0f%% intervals.\n", 100*s.Confidence)
	t.rule(s)
	t.labels(s)
	t.annotators(s)
	t.agreement(s)
	t.known(s.Known)
	t.cost(s.Cost)
	return cmp.Or(t.err, t.w.Flush())
}

type text struct {
	w   *tabwriter.Writer
	err error
}

func (t *text) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

// end sets the columns of what was written so far; the next section has its own.
func (t *text) end() {
	t.line("")
	t.err = cmp.Or(t.err, t.w.Flush())
}

func (t *text) rule(s *Stats) {
	if s.Before.Questions > 0 {
		t.line("before\t%d questions, %d replies: %d accepted by the rule, %d rejected", s.Before.Questions, s.Before.Responses, s.Before.Accepted, s.Before.Rejected)
	}
	t.line("labelled\t%d rejections; %d undecided", s.Rule.Rejections.decided(), s.Rule.Rejections.Undecided)
	t.line("false negatives\t%s of labelled rejections", s.Rule.FalseNegatives)
	t.line("\t%s of questions with a labelled rejection", s.Rule.FalseNegativeQuestions)
	if s.Before.Questions > 0 {
		t.line("\t%s of all questions, at least", s.QuestionsOfAll)
	}
	if s.Rule.Acceptances != (Outcomes{}) {
		t.line("false positives\t%s of audited acceptances; %d undecided", s.Rule.FalsePositives, s.Rule.Acceptances.Undecided)
	}
	t.end()
	if len(s.Sources) > 0 {
		t.line("source\tfalse negatives\tof questions\tfalse positives")
		for _, source := range s.Sources {
			t.line("%s\t%s\t%s\t%s", clean(source.Source), source.FalseNegatives, source.FalseNegativeQuestions, source.FalsePositives)
		}
		t.end()
	}
}

func (t *text) labels(s *Stats) {
	t.line("answer, characters\tTrue\tFalse\tundecided\tTrue of labelled")
	for _, l := range s.Lengths {
		name := fmt.Sprintf("%d and more", l.From)
		if l.To != nil {
			name = fmt.Sprintf("%d to %d", l.From, *l.To-1)
		}
		t.line("%s\t%d\t%d\t%d\t%s", name, l.True, l.False, l.Undecided, l.Correct)
	}
	t.end()
	t.line("origin, kind\tTrue\tFalse\tundecided\tTrue of labelled")
	for _, o := range s.Origins {
		t.line("%s\t%d\t%d\t%d\t%s", strings.TrimSpace(clean(o.Origin)+" "+o.kind()), o.True, o.False, o.Undecided, o.Correct)
	}
	t.end()
	if len(s.Categories) > 0 {
		t.line("why the rule rejected it\tby rule\tby a model\tboth")
		for _, c := range s.Categories {
			t.line("%s\t%d\t%d\t%d", clean(c.Category), c.Rule, c.LLM, c.Both)
		}
		t.end()
	}
}

func (o Origin) kind() string {
	if o.Kind == "" {
		return ""
	}
	return clean(o.Kind)
}

func (t *text) annotators(s *Stats) {
	t.line("annotator\tasked\tcorrect\tincorrect\tundecided\twhy\tcalls\ttokens in\ttokens out\tcost")
	for _, a := range s.Annotators {
		var why []string
		for _, code := range slices.Sorted(maps.Keys(a.UndecidedReasons)) {
			why = append(why, fmt.Sprintf("%s %d", code, a.UndecidedReasons[code]))
		}
		t.line("%s\t%d\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%s", clean(a.Annotator), a.Asked, a.Correct, a.Incorrect, a.Undecided,
			cmp.Or(strings.Join(why, ", "), "-"), a.Samples, a.PromptTokens, a.CompletionTokens, dollars(a.CostUSD, 4))
	}
	t.end()
}

func (t *text) agreement(s *Stats) {
	for _, p := range s.Pairs {
		t.line("%s \\ %s\tcorrect\tincorrect\tundecided", clean(p.A), clean(p.B))
		for i, name := range s.Outcomes {
			t.line("%s\t%d\t%d\t%d", name, p.Matrix[i][0], p.Matrix[i][1], p.Matrix[i][2])
		}
		t.line("agree\t%s of the rows that both decided, Cohen's kappa %s", p.Agree, p.Kappa)
		t.line("\t%s of all rows, Cohen's kappa %s", p.AgreeAll, p.KappaAll)
		t.end()
	}
	if s.Fleiss.Rows > 0 {
		t.line("Fleiss's kappa\t%s over %d rows of %d raters, undecided being a category", number(s.Fleiss.Kappa), s.Fleiss.Rows, s.Fleiss.Raters)
	}
	if s.Decided.Rows > 0 {
		t.line("\t%s over %d rows of %d raters that decided", number(s.Decided.Kappa), s.Decided.Rows, s.Decided.Raters)
	}
	if s.Fleiss.Rows > 0 || s.Decided.Rows > 0 {
		t.end()
	}
}

func (t *text) known(k Known) {
	if k.Rows == 0 {
		return
	}
	t.line("against %d known labels\tprecision\trecall", k.Rows)
	t.line("True\t%s\t%s", k.TruePrecision, k.TrueRecall)
	t.line("False\t%s\t%s", k.FalsePrecision, k.FalseRecall)
	t.line("undecided\t%d, missed by either", k.Undecided)
	t.end()
}

func (t *text) cost(c Cost) {
	t.line("calls\t%d for %d rows, of which %d have a label; %d saved by staged asking", c.Calls, c.RowsAsked, c.RowsLabelled, c.SavedCalls)
	if c.Unpriced > 0 {
		t.line("cost\tunknown: %d replies have no price", c.Unpriced)
		return
	}
	t.line("cost\t%s; %s a label", dollars(c.USD, 4), dollars(c.USDPerLabel, 6))
}

// String is the kappa as tables show it.
func (k Kappa) String() string {
	if k.Kappa == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f (%.3f to %.3f)", *k.Kappa, *k.Lo, *k.Hi)
}

func number(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *x)
}

func dollars(usd *float64, digits int) string {
	if usd == nil {
		return "-"
	}
	return fmt.Sprintf("$%.*f", digits, *usd)
}

// maxName is the most characters of a name in a table.
const maxName = 40

// clean makes a name from the data fit for a terminal: one cell, nothing that steers.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' {
			return utf8.RuneError
		}
		return r
	}, name)
	return cmp.Or(brief.Of(name, maxName), "(none)")
}
