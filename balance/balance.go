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
	"math/big"
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

// Options says how to balance.
type Options struct {
	Seed      int64   `json:"seed"`
	Ratio     string  `json:"ratio"`      // as ParseRatio takes it
	EvalShare float64 `json:"eval_share"` // of the questions, 0 up to but not including 1
}

// Run balances the finished stage in labelDir and writes examples-*.parquet to
// dir, in the order of the annotations.
func Run(ctx context.Context, env stage.Env, dir, labelDir string, o Options) (*manifest.Manifest, error) {
	ratio, err := ParseRatio(o.Ratio)
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

// Ratio is True:False in lowest terms, or all rows as they are.
type Ratio struct {
	True, False int64
	All         bool
}

// ParseRatio reads "1:1", "1:3", "0.5:1", "0.2" (short for 0.2:1), or "all".
func ParseRatio(s string) (Ratio, error) {
	if s == "all" {
		return Ratio{All: true}, nil
	}
	left, right, both := strings.Cut(s, ":")
	if !both {
		right = "1"
	}
	t, okT := decimal(left)
	f, okF := decimal(right)
	if !okT || !okF || (t.Sign() == 0 && f.Sign() == 0) {
		return Ratio{}, fmt.Errorf("ratio %q is not True:False such as 1:1, 1:3 or 0.2, nor all", s)
	}
	if t.Sign() == 0 || f.Sign() == 0 {
		return Ratio{}, fmt.Errorf("ratio %q would leave one class out; a verifier that knows one answer learns nothing", s)
	}
	r := new(big.Rat).Quo(t, f)
	if !r.Num().IsInt64() || !r.Denom().IsInt64() {
		return Ratio{}, fmt.Errorf("ratio %q is out of range", s)
	}
	return Ratio{True: r.Num().Int64(), False: r.Denom().Int64()}, nil
}

func (r Ratio) String() string {
	if r.All {
		return "all"
	}
	return fmt.Sprintf("%d:%d", r.True, r.False)
}

// decimal reads a plain decimal number, 0 or more. big.Rat would also take 0x1p4,
// 1_000 and 1e999999.
func decimal(s string) (*big.Rat, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 20 || strings.Trim(s, "0123456789.") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}
