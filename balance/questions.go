package balance

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"

	"tinyv/balance/decontaminate"
	"tinyv/internal/ordered"
	"tinyv/internal/rows"
	"tinyv/internal/spool"
	"tinyv/internal/stage"
)

// Contaminated is a row that was dropped because its question is in a benchmark,
// as ContaminatedFile lists it.
type Contaminated struct {
	ProblemID    string  `json:"problem_id"`
	Source       string  `json:"source"`
	Sample       int32   `json:"sample"`
	Question     string  `json:"question"`
	Benchmark    string  `json:"benchmark"`     // its name in the config
	BenchmarkRow int64   `json:"benchmark_row"` // 1-based, in its file
	Kind         string  `json:"kind"`          // one of the kinds of decontaminate.Match
	Overlap      float64 `json:"overlap"`       // share of n-grams in common; 1 for the other kinds
}

// ContaminatedFile lists the rows that decontamination dropped.
const ContaminatedFile = "decontaminated.jsonl"

// candidates are the rows of a pool that a set may be chosen of, for one seed.
type candidates struct {
	rows         *spool.Spool // by priority; the number of the group, then what appendChosen writes
	contaminated *spool.Spool // by question; JSON of Contaminated

	groups  []group
	have    []int64 // rows of each group
	dropped map[string]int64

	questions, contaminatedQuestions int64
}

// group is rows that a quota does not tell apart, save by priority.
type group struct {
	split, origin, source, category string // source and category are empty where nothing depends on them
	label                           bool
}

// clone returns the group without the memory of the row that its texts are part of.
func (g group) clone() group {
	return group{g.split, strings.Clone(g.origin), strings.Clone(g.source), strings.Clone(g.category), g.label}
}

func (c *candidates) close() error {
	return errors.Join(c.rows.Close(), c.contaminated.Close())
}

// judge goes through the questions of a pool and keeps the rows that may be
// chosen. The caller closes what it returns.
// Limits per question are filled in the given ratio.
func (w *work) judge(ctx context.Context, p *pool, benchmarks *decontaminate.Set, seed int64, fill Ratio) (*candidates, error) {
	c := &candidates{
		rows: spool.Create(w.dir, spoolPattern, w.memory), contaminated: spool.Create(w.dir, spoolPattern, spool.MinMemory),
		dropped: map[string]int64{},
	}
	if err := w.judgeAll(ctx, p, c, &jury{options: w.o, seed: seed, fill: fill, benchmarks: benchmarks, heldOut: p.heldOut}); err != nil {
		c.close() // the first error is the one to tell
		return nil, err
	}
	return c, nil
}

func (w *work) judgeAll(ctx context.Context, p *pool, c *candidates, j *jury) error {
	bar := w.env.Progress.Start("comparing rows", p.rows.Len(), nil)
	defer bar.Finish()
	workers := runtime.GOMAXPROCS(0)
	number := map[group]int{}
	var space []byte
	for found, err := range ordered.Map(ctx, stage.Until(w.env.Stop, questionsOf(p.rows)), workers, 2*workers, j.judge) {
		if err != nil {
			return err
		}
		for i := range found.kept {
			k := &found.kept[i]
			g, ok := number[k.group]
			if !ok {
				g = len(c.groups)
				named := k.group.clone()
				number[named] = g
				c.groups, c.have = append(c.groups, named), append(c.have, 0)
			}
			c.have[g]++
			space = binary.AppendUvarint(space[:0], uint64(g))
			space = binary.AppendUvarint(space, uint64(k.falseNegatives))
			space = binary.AppendUvarint(space, uint64(k.rejections))
			space = append(space, k.data...)
			if err := c.rows.Add(k.priority, space); err != nil {
				return err
			}
		}
		for _, listed := range found.contaminated {
			if err := c.contaminated.Add(listed.key, listed.json); err != nil {
				return err
			}
		}
		for reason, n := range found.dropped {
			c.dropped[reason] += n
		}
		c.questions += found.questions
		c.contaminatedQuestions += found.contaminatedQuestions
		bar.Add(found.rows)
	}
	return nil
}

// asked is the rows of one question, as the pool has them: by normal form of
// ground truth and answer, then by identity.
type asked struct {
	key  uint64
	rows []string
}

// questionsOf returns the questions of a pool, some at once.
func questionsOf(s *spool.Spool) iter.Seq2[[]asked, error] {
	return func(yield func([]asked, error) bool) {
		var batch []asked
		n, bytes := 0, 0
		for r, err := range s.Sorted() {
			if err != nil {
				yield(nil, err)
				return
			}
			if last := len(batch) - 1; last >= 0 && batch[last].key == r.Key {
				batch[last].rows = append(batch[last].rows, string(r.Payload))
				n++
				bytes += len(r.Payload)
				continue
			}
			if n >= rowsPerBatch || bytes >= rows.BatchBytes {
				if !yield(batch, nil) {
					return
				}
				batch, n, bytes = nil, 0, 0
			}
			batch = append(batch, asked{r.Key, []string{string(r.Payload)}})
			n++
			bytes += len(r.Payload)
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// jury judges the rows of questions. It is safe for use by several goroutines.
type jury struct {
	options    Options
	seed       int64
	fill       Ratio              // of the limit per question
	benchmarks *decontaminate.Set // nil if nobody asked
	heldOut    map[uint64]bool    // as that of pool
}

// verdict is what a jury says of some questions.
type verdict struct {
	kept         []kept
	contaminated []listed
	dropped      map[string]int64

	rows, questions, contaminatedQuestions int64
}

// kept is a row that may be chosen.
type kept struct {
	group                      group
	priority                   uint64
	falseNegatives, rejections int
	data                       string // as appendRow wrote it
}

type listed struct {
	key  uint64
	json []byte
}

// pooled is a row of the pool.
type pooled struct {
	same     string // 16 bytes
	identity uint64
	form     uint64
	data     string // as appendRow wrote it
	rows.Example
}

func (j *jury) judge(ctx context.Context, questions []asked) (*verdict, error) {
	v := &verdict{dropped: map[string]int64{}}
	for _, q := range questions {
		if err := j.question(v, q); err != nil {
			return nil, err
		}
	}
	return v, ctx.Err()
}

func (j *jury) question(v *verdict, q asked) error {
	all := make([]pooled, len(q.rows))
	for i, data := range q.rows {
		if len(data) < pooledHead {
			return errDamaged
		}
		r := &all[i]
		r.same, r.data = data[:16], data[pooledHead:]
		r.identity, r.form = binary.BigEndian.Uint64([]byte(data[16:24])), binary.BigEndian.Uint64([]byte(data[24:32]))
		var err error
		if r.Example, err = parseRow(r.data); err != nil {
			return err
		}
	}
	v.rows += int64(len(all))
	v.questions++

	falseNegatives, rejections := 0, 0
	for i := range all {
		if all[i].Origin == rows.OriginSampled {
			rejections++
			if all[i].Label {
				falseNegatives++
			}
		}
	}
	split := j.split(q.key, all)
	left, err := j.decontaminate(v, q.key, all)
	if err != nil {
		return err
	}
	left = v.deduplicate(left, j.options)
	left = j.limit(v, q.key, split, left)
	for i := range left {
		v.kept = append(v.kept, kept{j.group(split, &left[i]), j.priority(&left[i]), falseNegatives, rejections, left[i].data})
	}
	return nil
}

// decontaminate drops the rows whose question is in a benchmark.
func (j *jury) decontaminate(v *verdict, key uint64, all []pooled) ([]pooled, error) {
	if j.benchmarks == nil {
		return all, nil
	}
	type answer struct {
		match decontaminate.Match
		found bool
	}
	known := map[string]answer{} // by written form
	left := all[:0]
	any := false
	for _, r := range all {
		a, ok := known[r.Question]
		if !ok {
			a.match, a.found = j.benchmarks.Match(r.Question)
			known[r.Question] = a
		}
		if !a.found {
			left = append(left, r)
			continue
		}
		any = true
		v.dropped[reasonContaminated]++
		line, err := json.Marshal(Contaminated{r.ProblemID, r.Source, r.Sample, r.Question, a.match.Benchmark, a.match.Row, a.match.Kind, a.match.Overlap})
		if err != nil {
			return nil, fmt.Errorf("listing a row of %s: %w", r.ProblemID, err)
		}
		v.contaminated = append(v.contaminated, listed{key, line})
	}
	if any {
		v.contaminatedQuestions++
	}
	return left, nil
}

// deduplicate keeps one row of each (question, ground truth, answer): that with
// the lowest identity. If the rows have both labels, none is kept, because one of
// them is wrong and nothing here can tell which. Rows of origins that have no
// share, and those of which there can be no reply, go before the others are compared,
// so that none of them is kept instead.
func (v *verdict) deduplicate(all []pooled, o Options) []pooled {
	left := all[:0]
	for len(all) > 0 {
		n := 1
		conflict := false
		for n < len(all) && all[n].same == all[0].same {
			conflict = conflict || all[n].Label != all[0].Label
			n++
		}
		alike := all[:n]
		all = all[n:]
		if conflict {
			v.dropped[reasonConflicting] += int64(n)
			continue
		}
		if o.Shares != nil {
			alike = slices.DeleteFunc(alike, func(r pooled) bool { return o.Shares[r.Origin] == 0 })
			v.drop(reasonOrigin, n-len(alike))
		}
		if o.Reply != nil {
			alike = slices.DeleteFunc(alike, func(r pooled) bool {
				why := o.Reply.Unusable(r.Reason, r.Label)
				if why != "" {
					v.drop(why, 1)
				}
				return why != ""
			})
		}
		if len(alike) == 0 {
			continue
		}
		forms, texts := distinct(alike)
		v.drop(reasonNearDuplicate, forms-1)
		v.drop(reasonNormalised, texts-forms)
		v.drop(reasonDuplicate, len(alike)-texts)
		left = append(left, alike[0])
	}
	return left
}

func (v *verdict) drop(reason string, n int) {
	if n > 0 {
		v.dropped[reason] += int64(n)
	}
}

// distinct counts how many normal forms the questions of rows have, and how many
// texts the rows.
func distinct(alike []pooled) (forms, texts int) {
	if len(alike) == 1 {
		return 1, 1
	}
	type text struct{ question, groundTruth, answer string }
	byForm, byText := map[uint64]bool{}, map[text]bool{}
	for i := range alike {
		r := &alike[i]
		byForm[r.form] = true
		byText[text{r.Question, r.GroundTruth, r.Answer}] = true
	}
	return len(byForm), len(byText)
}

// limit keeps so many rows of the question as one may have, in the ratio of the
// split; what does not come out even is left to the seed. Among the rows of one label
// the origins take turns.
func (j *jury) limit(v *verdict, key uint64, split string, all []pooled) []pooled {
	most := j.options.MaxPerProblem
	if most == 0 || int64(len(all)) <= most {
		return all
	}
	type cell struct {
		label  bool
		origin string
	}
	type turn struct {
		rank     int // among the rows of its cell
		priority uint64
		row      pooled
	}
	turns := make([]turn, len(all))
	have := map[bool]int64{}
	for i, r := range all {
		turns[i] = turn{0, j.priority(&r), r}
		have[r.Label]++
	}
	byPriority := func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.row.same, b.row.same), cmp.Compare(a.row.data, b.row.data))
	}
	slices.SortFunc(turns, byPriority)
	ranks := map[cell]int{}
	for i := range turns {
		c := cell{turns[i].row.Label, turns[i].row.Origin}
		turns[i].rank = ranks[c]
		ranks[c]++
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.rank, b.rank) })
	v.drop(reasonProblem, len(all)-int(most))
	trues, _ := j.fill.fillOf(split).trueWithin(most, have[true], have[false], int64(mix(key, uint64(j.seed), drawChance)>>1))
	room := map[bool]int64{true: trues, false: most - trues}
	left := all[:0]
	for _, t := range turns {
		if room[t.row.Label] > 0 {
			room[t.row.Label]--
			left = append(left, t.row)
		}
	}
	return left
}

func (j *jury) group(split string, r *pooled) group {
	g := group{split: split, label: r.Label, origin: r.Origin}
	if j.options.MaxPerSource > 0 || j.options.Strategy == StrategyBySource {
		g.source = r.Source
	}
	if j.options.Strategy == StrategyByCategory && r.Label {
		g.category = cmp.Or(r.Category, unclassified)
	}
	return g
}

// unclassified is the class of True rows that have no category.
const unclassified = "unclassified"

// split puts a question into a split, by its key alone and so whatever else
// there is, or by its sources.
func (j *jury) split(key uint64, all []pooled) string {
	if j.heldOut[key] {
		return rows.SplitHeldOut
	}
	for i := range all {
		if slices.Contains(j.options.HeldOutSources, all[i].Source) {
			return rows.SplitHeldOut
		}
	}
	// 53 bits make a uniform number in [0, 1).
	if float64(mix(key, uint64(j.seed), drawSplit)>>11)/(1<<53) < j.options.EvalShare {
		return rows.SplitEval
	}
	return rows.SplitTrain
}

// priority says which rows are chosen first: those with the lowest.
func (j *jury) priority(r *pooled) uint64 { return mix(r.identity, uint64(j.seed), drawRow) }

// What a seed draws, each by numbers of its own.
const (
	drawSplit  = 1 + iota
	drawRow    // the order of the rows
	drawCopies // the order of rows that are repeated
	drawSource // the order in which sources with too many rows are gone through
	drawChance // what is left of a limit in a ratio
	drawTurn   // which origin is first
)

// mix makes a uniform number of a hash, a seed and what the number is for: the
// generator SplitMix64, whose steps are one to one.
func mix(hash, seed, purpose uint64) uint64 {
	return splitMix(hash ^ splitMix(seed^splitMix(purpose)))
}

func splitMix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
