package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"tinyv/internal/rows"
)

// Balance is stage 3: deduplicate, choose the ratio and the shares, split.
type Balance struct {
	Ratio          string             `yaml:"ratio"`            // True:False of the train split, default "1:1"; "0.2" means 0.2:1; "all" keeps every row
	Total          int64              `yaml:"total"`            // rows of the train split; default is the most there are
	Shares         map[string]float64 `yaml:"shares"`           // weight of each origin in the train split; default is as they come
	MaxPerProblem  int64              `yaml:"max_per_problem"`  // rows of one question; 0 is no cap
	MaxPerSource   int64              `yaml:"max_per_source"`   // rows of one source; 0 is no cap
	Strategy       string             `yaml:"strategy"`         // down (default), up, by_source or by_category
	Temperature    *float64           `yaml:"temperature"`      // of by_category, above 0: 1 leaves the classes as they are, more makes them alike; default 2
	EvalShare      *float64           `yaml:"eval_share"`       // share of questions kept for validation, 0 to 1; default 0.05
	HeldOutSources []string           `yaml:"held_out_sources"` // sources that training never sees
	NearDuplicates *NearDuplicates    `yaml:"near_duplicates"`  // compare questions that are almost alike too; off by default
	Decontaminate  *Decontaminate     `yaml:"decontaminate"`    // drop questions of benchmarks; off by default
}

// NearDuplicates says when two questions are almost alike.
type NearDuplicates struct {
	Threshold *float64 `yaml:"threshold"` // similarity (Jaccard, of word shingles) from which they are, above 0 to 1; default 0.85
	Seed      int64    `yaml:"seed"`      // of the hashes
}

// Decontaminate names the benchmarks whose questions must not be trained on.
type Decontaminate struct {
	NGram      int         `yaml:"ngram"`   // words that must follow one another; default 8
	Overlap    *float64    `yaml:"overlap"` // share of the shorter question's n-grams that the other has, above 0 to 1; default 0.5
	Benchmarks []Benchmark `yaml:"benchmarks"`
}

// Benchmark is a file of questions.
type Benchmark struct {
	Name   string `yaml:"name"`
	Path   string `yaml:"path"`   // Parquet, JSON lines or JSON
	Column string `yaml:"column"` // of the question, a dotted path; default question, problem or extra_info.question
	Suffix string `yaml:"suffix"` // an instruction to cut off the end of questions
}

// Ablation is a grid of sets that differ in what it names, and in nothing else.
type Ablation struct {
	Ratios []string `yaml:"ratios"` // True:False, as balance.ratio
	Sizes  []int64  `yaml:"sizes"`  // rows of the train split; default is the most that every ratio can give
	Seeds  []int64  `yaml:"seeds"`  // default is the run's
}

func (k *checker) balance(b *Balance) {
	if b == nil {
		return
	}
	defaultText(&b.Ratio, "1:1")
	if b.Total < 0 {
		k.fail("balance.total", "must be 1 or more, not %d; leave it out for the most there are", b.Total)
	}
	if b.Total > 0 && b.Ratio == "all" {
		k.fail("balance.total", "and ratio: all are both given; all keeps every row, so remove one")
	}
	for _, limit := range []struct {
		key string
		n   int64
	}{{"balance.max_per_problem", b.MaxPerProblem}, {"balance.max_per_source", b.MaxPerSource}} {
		if limit.n < 0 {
			k.fail(limit.key, "must be 0 (no cap) or more, not %d", limit.n)
		}
	}
	fill(&b.EvalShare, 0.05)
	k.share("balance.eval_share", b.EvalShare)
	if *b.EvalShare == 1 {
		k.fail("balance.eval_share", "1 would leave nothing to train on")
	}
	k.shares(b)
	k.oneOf("balance.strategy", &b.Strategy, "down", "up", "by_source", "by_category")
	if b.Temperature != nil && b.Strategy != "by_category" {
		k.fail("balance.temperature", "is for strategy: by_category")
	}
	fill(&b.Temperature, 2.0)
	if !(*b.Temperature > 0) {
		k.fail("balance.temperature", "must be above 0, not %v", *b.Temperature)
	}
	if len(b.Shares) > 0 && (b.Strategy == "by_source" || b.Strategy == "by_category") {
		k.fail("balance.shares", "and strategy: %s are both given; one set cannot keep both, so remove one", b.Strategy)
	}
	if n := b.NearDuplicates; n != nil {
		fill(&n.Threshold, 0.85)
		k.shareAboveZero("balance.near_duplicates.threshold", *n.Threshold)
	}
	k.decontaminate(b.Decontaminate)
}

func (k *checker) shares(b *Balance) {
	var sum float64
	origins := rows.Origins()
	for _, origin := range slices.Sorted(maps.Keys(b.Shares)) {
		key, x := "balance.shares."+origin, b.Shares[origin]
		if !slices.Contains(origins, origin) {
			k.fail(key, "is not an origin%s; it may be one of: %s", suggest(origin, origins), strings.Join(origins, ", "))
		}
		if !(x >= 0) || math.IsInf(x, 0) {
			k.fail(key, "must be a weight of 0 or more, not %v", x)
		}
		sum += x
	}
	if b.Shares != nil && sum == 0 {
		k.fail("balance.shares", "gives no origin any weight; name at least one, such as sampled: 0.88, synthetic: 0.12, or remove it")
	}
}

func (k *checker) decontaminate(d *Decontaminate) {
	if d == nil {
		return
	}
	const key = "balance.decontaminate"
	k.positive(key+".ngram", &d.NGram, 8)
	fill(&d.Overlap, 0.5)
	k.shareAboveZero(key+".overlap", *d.Overlap)
	if len(d.Benchmarks) == 0 {
		k.fail(key+".benchmarks", "is missing; name at least one file of questions:\n    benchmarks:\n      - {name: math-500, path: FILE}")
	}
	for i := range d.Benchmarks {
		b := &d.Benchmarks[i]
		at := fmt.Sprintf("%s.benchmarks[%d]", key, i)
		if b.Name == "" {
			k.fail(at+".name", "is missing; it is what the list of dropped rows calls the benchmark")
		}
		if b.Path == "" {
			k.fail(at+".path", "is missing; name the file of the benchmark's questions")
			continue
		}
		k.file(at+".path", &b.Path, "a file of questions (.parquet, .jsonl, .jsonl.gz, .jsonl.zst, .json)")
	}
}

func (k *checker) shareAboveZero(key string, x float64) {
	if !(x > 0 && x <= 1) {
		k.fail(key, "must be above 0 and at most 1, not %v", x)
	}
}

func (k *checker) ablation(a *Ablation) {
	if a == nil {
		return
	}
	if k.c.Balance == nil {
		k.c.Balance = &Balance{}
		k.balance(k.c.Balance)
	}
	if len(a.Ratios) == 0 {
		a.Ratios = []string{k.c.Balance.Ratio}
	}
	if len(a.Seeds) == 0 {
		a.Seeds = []int64{k.c.Seed}
	}
	for i, n := range a.Sizes {
		if n < 1 {
			k.fail(fmt.Sprintf("ablation.sizes[%d]", i), "must be 1 or more, not %d", n)
		}
	}
}
