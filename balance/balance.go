// Package balance is stage 3: it makes examples of labelled rejections, without
// duplicates and in the ratio of True to False that is asked for.
//
// It promises: the ratio is met exactly; rows without a label never pass; what is
// chosen depends on the seed and on the rows, not on their order. It reads its
// input twice and keeps about 50 bytes of memory per row.
package balance

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tinyv/internal/manifest"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/verify"
)

// ExamplesStem is the stem of this stage's parts.
const ExamplesStem = "examples"

// The reasons for which a row is dropped.
const (
	reasonDisagreed   = "disagreed"
	reasonUndecided   = "undecided"
	reasonDuplicate   = "duplicate"          // the same question, ground truth and answer, and the same label
	reasonConflicting = "conflicting_labels" // the same question, ground truth and answer, and both labels
	reasonDownSampled = "down_sampled"       // of the majority class, not chosen
)

// Run balances the finished stage in labelDir and writes examples-*.parquet to
// dir, in the order of the annotations.
func Run(ctx context.Context, env stage.Env, dir, labelDir string, o Options) (*manifest.Manifest, error) {
	o, ratio, err := o.check()
	if err != nil {
		return nil, err
	}
	upstream, err := manifest.Require(labelDir)
	if err != nil {
		return nil, err
	}
	inputs, err := manifest.HashAll(labelDir)
	if err != nil {
		return nil, err
	}
	s, done, err := manifest.Begin(dir, "balance", o, inputs, []string{ExamplesStem + "-*"})
	if err != nil || done != nil {
		return done, err
	}
	bar := env.Progress.Start("balancing", upstream.Rows["responses"].Out*2, nil)
	defer bar.Finish()

	entries, counts, err := o.read(ctx, env, labelDir, bar.Add)
	if err != nil {
		return nil, err
	}
	entries = deduplicate(entries, counts)
	chosen, err := choose(entries, ratio, counts)
	if err != nil {
		return nil, err
	}

	out, err := rows.Create[rows.Example](dir, ExamplesStem, "parquet", 0)
	if err != nil {
		return nil, err
	}
	defer out.Abort()
	splits := map[string]int64{}
	var number, next, isTrue int64
	for a, err := range stage.Until(env.Stop, rows.Read[rows.Annotation](labelDir)) {
		if err != nil {
			return nil, err
		}
		bar.Add(1)
		if next < int64(len(chosen)) && chosen[next] == number {
			next++
			if *a.Label {
				isTrue++
			}
			e := example(a)
			e.Split = split(o.Seed, a.Question, o.EvalShare)
			splits[e.Split]++
			if err := out.Write(e); err != nil {
				return nil, err
			}
		}
		number++
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	counts.Out = out.Rows()
	figures := map[string]int64{"true": isTrue, "false": counts.Out - isTrue}
	for _, name := range []string{rows.SplitTrain, rows.SplitEval} {
		figures[name] = splits[name]
	}
	return s.Finish(out.Files(), map[string]*manifest.Counts{"annotations": counts}, figures, nil, upstream.Simulated)
}

// entry stands for a labelled row: what decides whether it is chosen.
type entry struct {
	row      int64    // number of the row in the input
	key      [16]byte // hash of question, ground truth and answer
	priority uint64   // seeded hash of the row; the lowest are chosen first
	label    bool
}

// read makes an entry of every labelled row and counts the others as dropped.
func (o Options) read(ctx context.Context, env stage.Env, labelDir string, progress func(int64)) ([]entry, *manifest.Counts, error) {
	counts := &manifest.Counts{}
	var entries []entry
	for a, err := range stage.Until(env.Stop, rows.Read[rows.Annotation](labelDir)) {
		if err != nil {
			return nil, nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		progress(1)
		number := counts.In
		counts.In++
		if a.Label == nil {
			reason := reasonUndecided
			if a.LabelReason == verify.ReasonDisagreed {
				reason = reasonDisagreed
			}
			counts.Drop(reason)
			continue
		}
		key := hash(a.Question, a.GroundTruth, a.Answer)
		priority := hash(fmt.Sprint(o.Seed), string(key[:]), a.ProblemID, fmt.Sprint(a.Sample))
		entries = append(entries, entry{number, key, binary.BigEndian.Uint64(priority[:8]), *a.Label})
	}
	return entries, counts, nil
}

// deduplicate keeps one row of each (question, ground truth, answer): that with
// the lowest priority. If its rows have both labels, none is kept, because one of
// them is wrong and nothing here can tell which.
func deduplicate(entries []entry, counts *manifest.Counts) []entry {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.priority, b.priority), cmp.Compare(a.row, b.row))
	})
	kept := entries[:0]
	for len(entries) > 0 {
		n := 1
		conflict := false
		for n < len(entries) && entries[n].key == entries[0].key {
			conflict = conflict || entries[n].label != entries[0].label
			n++
		}
		reason := reasonDuplicate
		if conflict {
			reason = reasonConflicting
			counts.Drop(reason)
		} else {
			kept = append(kept, entries[0])
		}
		for range n - 1 {
			counts.Drop(reason)
		}
		entries = entries[n:]
	}
	return kept
}

// choose returns the row numbers, ascending, of the largest set in the ratio.
func choose(entries []entry, ratio Ratio, counts *manifest.Counts) ([]int64, error) {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), bytes.Compare(a.key[:], b.key[:]))
	})
	var have [2]int64 // False, True
	for _, e := range entries {
		have[index(e.label)]++
	}
	want := have
	if !ratio.All {
		sets := int64(-1) // how many times the ratio fits
		for class, share := range [2]int64{ratio.False, ratio.True} {
			if share > 0 && (sets < 0 || have[class]/share < sets) {
				sets = have[class] / share
			}
		}
		if sets == 0 {
			return nil, fmt.Errorf("balance: a ratio of %s takes at least %d True and %d False rows, and there are %d True and %d False without duplicates; missing: %d True, %d False. Label more problems, or choose another balance.ratio",
				ratio, ratio.True, ratio.False, have[1], have[0], max(ratio.True-have[1], 0), max(ratio.False-have[0], 0))
		}
		want = [2]int64{sets * ratio.False, sets * ratio.True}
	}
	var chosen []int64
	for _, e := range entries {
		if class := index(e.label); want[class] > 0 {
			want[class]--
			chosen = append(chosen, e.row)
		} else {
			counts.Drop(reasonDownSampled)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("balance: no row has a label; look at the votes in the label stage's annotations")
	}
	slices.Sort(chosen)
	return chosen, nil
}

func index(label bool) int {
	if label {
		return 1
	}
	return 0
}

// hash hashes texts so that no two lists of texts share an encoding.
func hash(texts ...string) [16]byte {
	h := sha256.New()
	var size [8]byte
	for _, s := range texts {
		binary.BigEndian.PutUint64(size[:], uint64(len(s)))
		h.Write(size[:])
		h.Write([]byte(s))
	}
	return [16]byte(h.Sum(nil)[:16])
}

func example(a rows.Annotation) rows.Example {
	return rows.Example{
		ProblemID: a.ProblemID, Source: a.Source, Domain: a.Domain, Question: a.Question, GroundTruth: a.GroundTruth,
		Sample: a.Sample, Answer: a.Answer, Label: *a.Label, Origin: a.Origin, Category: a.Category, Extra: a.Extra, Simulated: a.Simulated,
	}
}

// split puts a problem into a split by its question alone, white space aside, so
// that it does not depend on which other problems there are.
func split(seed int64, question string, evalShare float64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "split %d\n%s", seed, strings.Join(strings.Fields(question), " ")))
	// 53 bits make a uniform number in [0, 1).
	if float64(binary.BigEndian.Uint64(sum[:8])>>11)/(1<<53) < evalShare {
		return rows.SplitEval
	}
	return rows.SplitTrain
}
