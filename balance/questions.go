package balance

import (
	"cmp"
	"context"
	"encoding/binary"
	"iter"
	"runtime"
	"slices"
	"strings"

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
	rows *spool.Spool // by priority; the number of the group, then what appendTaken writes

	groups  []group
	have    []int64 // rows of each group
	dropped map[string]int64

	questions, contaminatedQuestions int64
}

// group is rows that a quota does not tell apart, save by priority.
type group struct {
	split, origin, source, category string // source and category are empty where nothing depends on them
	label                           bool
	unusable                        string // why there can be no reply of the rows, which are dropped then; empty if there can
}

// clone returns the group without the memory of the row that its texts are part of.
func (g group) clone() group {
	return group{g.split, strings.Clone(g.origin), strings.Clone(g.source), strings.Clone(g.category), g.label, g.unusable}
}

// judge goes through the questions of a pool and keeps the rows that may be
// chosen. The caller closes the rows of what it returns.
// Limits per question are filled in the given ratio.
func (w *work) judge(ctx context.Context, p *pool, seed int64, fill Ratio) (*candidates, error) {
	c := &candidates{rows: spool.Create(w.dir, spoolPattern, w.memory), dropped: map[string]int64{}}
	if err := w.judgeAll(ctx, p, c, &jury{options: w.o, seed: seed, fill: fill, groups: p.groups, heldOut: p.heldOut}); err != nil {
		c.rows.Close() // the first error is the one to tell
		return nil, err
	}
	return c, nil
}

func (w *work) judgeAll(ctx context.Context, p *pool, c *candidates, j *jury) error {
	bar := w.env.Progress.Start("comparing rows", p.rows.Len(), nil)
	defer bar.Finish()
	workers := runtime.GOMAXPROCS(0)
	type inSplit struct {
		split string
		group uint32
	}
	numbers := map[inSplit]int{}
	var space []byte
	for found, err := range ordered.Map(ctx, stage.Until(w.env.Stop, questionsOf(p.rows)), workers, 2*workers, j.judge) {
		if err != nil {
			return err
		}
		for i := range found.kept {
			k := &found.kept[i]
			g, ok := numbers[inSplit{k.split, k.group}]
			if !ok {
				g = len(c.groups)
				numbers[inSplit{k.split, k.group}] = g
				named := p.groups[k.group]
				named.split = k.split
				c.groups, c.have = append(c.groups, named), append(c.have, 0)
			}
			c.have[g]++
			space = binary.AppendUvarint(space[:0], uint64(g))
			if err := c.rows.Add(k.priority, k.appendTaken(space)); err != nil {
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

// asked are some questions with their rows, as the pool has them.
type asked struct {
	keys []uint64 // of the question of each row
	rows []byte   // sketches
}

// questionsOf returns the questions of a pool, some at once.
func questionsOf(s *spool.Spool) iter.Seq2[asked, error] {
	return func(yield func(asked, error) bool) {
		none := func() asked {
			return asked{make([]uint64, 0, rowsPerBatch+rowsPerBatch/4), make([]byte, 0, sketchSize*(rowsPerBatch+rowsPerBatch/4))}
		}
		batch := none()
		for r, err := range s.Sorted() {
			if err == nil && len(r.Payload) != sketchSize {
				err = errDamaged
			}
			if err != nil {
				yield(asked{}, err)
				return
			}
			if n := len(batch.keys); n >= rowsPerBatch && r.Key != batch.keys[n-1] {
				if !yield(batch, nil) {
					return
				}
				batch = none()
			}
			batch.keys = append(batch.keys, r.Key)
			batch.rows = append(batch.rows, r.Payload...)
		}
		if len(batch.keys) > 0 {
			yield(batch, nil)
		}
	}
}

// jury judges the rows of questions. It is safe for use by several goroutines.
type jury struct {
	options Options
	seed    int64
	fill    Ratio           // of the limit per question
	groups  []group         // as those of pool
	heldOut map[uint64]bool // as that of pool
}

// verdict is what a jury says of some questions.
type verdict struct {
	kept    []kept
	dropped map[string]int64

	rows, questions, contaminatedQuestions int64
}

// kept is a row that may be chosen.
type kept struct {
	split    string
	group    uint32 // of the pool's
	priority uint64
	taken
}

// taken is what is known of a chosen row before it is read.
type taken struct {
	falseNegatives, rejections int

	// rows are the numbers of the row: more than one where deciding cannot tell
	// rows apart, of which that whose other columns come first is taken.
	rows []uint64
}

func (t *taken) appendTaken(to []byte) []byte {
	to = binary.AppendUvarint(to, uint64(t.falseNegatives))
	to = binary.AppendUvarint(to, uint64(t.rejections))
	for _, row := range t.rows {
		to = binary.AppendUvarint(to, row)
	}
	return to
}

// parseTaken reads what appendTaken wrote. It uses the memory of into.
func parseTaken(data []byte, into *taken) error {
	into.rows = into.rows[:0]
	for i := 0; len(data) > 0; i++ {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return errDamaged
		}
		data = data[n:]
		switch i {
		case 0:
			into.falseNegatives = int(v)
		case 1:
			into.rejections = int(v)
		default:
			into.rows = append(into.rows, v)
		}
	}
	if len(into.rows) == 0 {
		return errDamaged
	}
	return nil
}

func (j *jury) judge(ctx context.Context, batch asked) (*verdict, error) {
	v := &verdict{dropped: map[string]int64{}, rows: int64(len(batch.keys))}
	all := make([]sketch, len(batch.keys))
	for i := range all {
		all[i] = parseSketch(batch.rows[i*sketchSize:])
		if all[i].group >= uint32(len(j.groups)) {
			return nil, errDamaged
		}
	}
	for from, to := 0, 0; from < len(all); from = to {
		for to = from + 1; to < len(all) && batch.keys[to] == batch.keys[from]; to++ {
		}
		j.question(v, batch.keys[from], all[from:to])
	}
	return v, ctx.Err()
}

// question judges the rows of one question, which are sorted.
func (j *jury) question(v *verdict, key uint64, all []sketch) {
	v.questions++
	falseNegatives, rejections := 0, 0
	for i := range all {
		if g := &j.groups[all[i].group]; g.origin == rows.OriginSampled {
			rejections++
			if g.label {
				falseNegatives++
			}
		}
	}
	split := j.split(key, all)
	left := j.limit(v, key, split, j.deduplicate(v, j.decontaminate(v, all)))
	for i := range left {
		r := &left[i]
		v.kept = append(v.kept, kept{split, r.group, j.priority(&r.sketch), taken{falseNegatives, rejections, r.rows}})
	}
}

// decontaminate drops the rows whose question is in a benchmark.
func (j *jury) decontaminate(v *verdict, all []sketch) []sketch {
	left := slices.DeleteFunc(all, func(r sketch) bool { return r.contaminated })
	if len(left) < len(all) {
		v.drop(reasonContaminated, len(all)-len(left))
		v.contaminatedQuestions++
	}
	return left
}

// single is a row without duplicates.
type single struct {
	sketch
	rows []uint64 // as those of taken
}

// deduplicate keeps one row of each (question, ground truth, answer): that with
// the lowest identity. If the rows have both labels, none is kept, because one of
// them is wrong and nothing here can tell which. Rows of origins that have no
// share, and those of which there can be no reply, go before the others are compared,
// so that none of them is kept instead.
func (j *jury) deduplicate(v *verdict, all []sketch) []single {
	left := make([]single, 0, len(all))
	for len(all) > 0 {
		n := 1
		conflict := false
		for n < len(all) && all[n].same == all[0].same {
			conflict = conflict || j.groups[all[n].group].label != j.groups[all[0].group].label
			n++
		}
		alike := all[:n]
		all = all[n:]
		if conflict {
			v.dropped[reasonConflicting] += int64(n)
			continue
		}
		if shares := j.options.Shares; shares != nil {
			alike = slices.DeleteFunc(alike, func(r sketch) bool { return shares[j.groups[r.group].origin] == 0 })
			v.drop(reasonOrigin, n-len(alike))
		}
		if j.options.Reply != nil {
			alike = slices.DeleteFunc(alike, func(r sketch) bool {
				why := j.groups[r.group].unusable
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
		first := single{alike[0], nil}
		for i := 0; i < len(alike) && alike[i].compare(&alike[0]) == 0; i++ {
			first.rows = append(first.rows, alike[i].row)
		}
		left = append(left, first)
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
func distinct(alike []sketch) (forms, texts int) {
	if len(alike) == 1 {
		return 1, 1
	}
	byForm, byText := map[uint64]bool{}, map[uint64]bool{}
	for i := range alike {
		byForm[alike[i].form] = true
		byText[alike[i].text] = true
	}
	return len(byForm), len(byText)
}

// limit keeps so many rows of the question as one may have, in the ratio of the
// split; what does not come out even is left to the seed. Among the rows of one label
// the origins take turns.
func (j *jury) limit(v *verdict, key uint64, split string, all []single) []single {
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
		row      single
	}
	turns := make([]turn, len(all))
	have := map[bool]int64{}
	for i, r := range all {
		turns[i] = turn{0, j.priority(&r.sketch), r}
		have[j.groups[r.group].label]++
	}
	slices.SortFunc(turns, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), a.row.compare(&b.row.sketch))
	})
	ranks := map[cell]int{}
	for i := range turns {
		g := &j.groups[turns[i].row.group]
		c := cell{g.label, g.origin}
		turns[i].rank = ranks[c]
		ranks[c]++
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.rank, b.rank) })
	v.drop(reasonProblem, len(all)-int(most))
	trues, _ := j.fill.fillOf(split).trueWithin(most, have[true], have[false], int64(mix(key, uint64(j.seed), drawChance)>>1))
	room := map[bool]int64{true: trues, false: most - trues}
	left := all[:0]
	for _, t := range turns {
		if label := j.groups[t.row.group].label; room[label] > 0 {
			room[label]--
			left = append(left, t.row)
		}
	}
	return left
}

// split puts a question into a split, by its key alone and so whatever else
// there is, or by its sources.
func (j *jury) split(key uint64, all []sketch) string {
	if j.heldOut[key] || slices.ContainsFunc(all, func(r sketch) bool { return r.heldOut }) {
		return rows.SplitHeldOut
	}
	// 53 bits make a uniform number in [0, 1).
	if float64(mix(key, uint64(j.seed), drawSplit)>>11)/(1<<53) < j.options.EvalShare {
		return rows.SplitEval
	}
	return rows.SplitTrain
}

// priority says which rows are chosen first: those with the lowest.
func (j *jury) priority(r *sketch) uint64 { return mix(r.identity, uint64(j.seed), drawRow) }

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
