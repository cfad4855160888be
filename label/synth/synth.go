package synth

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"tinyv/internal/llm"
	"tinyv/internal/manifest"
	"tinyv/internal/ordered"
	"tinyv/internal/progress"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
	"tinyv/verify"
)

// CandidatesStem is the stem of this stage's parts.
const CandidatesStem = "candidates"

// Options say what is proposed for each problem. Zero proposes nothing of a kind.
type Options struct {
	Equivalents       int      `json:"equivalents"`        // ways to write the ground truth that the generator is asked for, at least
	EquivalentsPrompt string   `json:"equivalents_prompt"` // with {{QUESTION}}, {{GROUND_TRUTH_ANSWER}} and {{COUNT}}
	NearMisses        int      `json:"near_misses"`        // wrong answers by rule, at most
	NearMissesAsked   int      `json:"near_misses_asked"`  // wrong answers that the generator is asked for
	NearMissPrompt    string   `json:"near_miss_prompt"`   // with the same places
	Hardening         float64  `json:"hardening"`          // share of the problems that get a hardening row, 0 to 1
	Seed              int64    `json:"seed"`
	Temperature       *float64 `json:"temperature"`
	TopP              *float64 `json:"top_p"`
	MaxTokens         int      `json:"max_tokens"`
	ProblemShare      float64  `json:"problem_share"` // share of the problems that are taken at all, 0 to 1; 0 is all
}

// Rule is the rule verifier whose rejections are wanted.
type Rule struct {
	Name     string
	Verifier verify.Verifier
}

// asks reports whether a generator is needed.
func (o Options) asks() bool { return o.Equivalents > 0 || o.NearMissesAsked > 0 }

// check says what is wrong with options, before anything is paid.
func (o Options) check(pool *llm.Pool) error {
	if o.Hardening < 0 || o.Hardening > 1 || o.ProblemShare < 0 || o.ProblemShare > 1 {
		return fmt.Errorf("synthetic answers: hardening is %v and problem_share %v; both are shares from 0 to 1", o.Hardening, o.ProblemShare)
	}
	if o.Equivalents < 0 || o.NearMisses < 0 || o.NearMissesAsked < 0 || o.Equivalents > maxListed || o.NearMissesAsked > maxListed {
		return fmt.Errorf("synthetic answers: equivalents %d, near_misses %d, near_misses_asked %d: each is 0 or more, and a generator is asked for %d at most", o.Equivalents, o.NearMisses, o.NearMissesAsked, maxListed)
	}
	if o.asks() && pool == nil {
		return fmt.Errorf("synthetic answers: equivalents and near_misses_asked need a generator: name its endpoint, or set both to 0")
	}
	for name, prompt := range map[string]string{"equivalents_prompt": o.EquivalentsPrompt, "near_miss_prompt": o.NearMissPrompt} {
		wanted := o.Equivalents
		if name == "near_miss_prompt" {
			wanted = o.NearMissesAsked
		}
		for _, place := range []string{questionPlace, groundTruthPlace, countPlace} {
			if wanted > 0 && !strings.Contains(prompt, place) {
				return fmt.Errorf("synthetic answers: the %s has no %s: put it where that is to stand", name, place)
			}
		}
	}
	return nil
}

// Run proposes answers to the problems of the finished stage in problemsOrGenDir
// (stage "problems", or "gen", whose responses to one problem stand together), and
// writes candidates-*.parquet and rejected.jsonl to dir, in the order of the
// problems. pool is the generator; it may be nil if the options ask for nothing. A
// reply is in the pool's journal before it is used, so a stage that was cut off
// asks again only for what it had no reply to.
//
// The manifest counts problems, requests and candidates; a candidate is anything
// that was proposed, and most that are dropped are accepted by the rule verifier.
func Run(ctx context.Context, env stage.Env, dir, problemsOrGenDir string, o Options, rule Rule, pool *llm.Pool) (*manifest.Manifest, error) {
	if err := o.check(pool); err != nil {
		return nil, err
	}
	upstream, err := manifest.Require(problemsOrGenDir)
	if err != nil {
		return nil, err
	}
	problems, total, err := problemsOf(upstream, problemsOrGenDir)
	if err != nil {
		return nil, err
	}
	inputs, err := manifest.HashAll(problemsOrGenDir)
	if err != nil {
		return nil, err
	}
	s, done, err := manifest.Begin(dir, "synth", o.settings(rule, pool), inputs, []string{CandidatesStem + "-*", stage.RejectedFile})
	if err != nil || done != nil {
		return done, err
	}
	t, err := newTally(dir)
	if err != nil {
		return nil, err
	}
	defer t.abort()

	workers := runtime.GOMAXPROCS(0)
	var calls func() progress.Calls
	if pool != nil {
		workers, calls = pool.Concurrency(), pool.Calls
	}
	bar := env.Progress.Start("synthetic answers", total, calls)
	defer bar.Finish()
	m := maker{o, rule, pool}
	wanted := taken(stage.Until(env.Stop, problems), o, t.problems)
	for b, err := range ordered.Map(ctx, wanted, stage.Workers(workers), stage.Window(workers), m.propose) {
		if err != nil {
			return nil, err
		}
		bar.Add(1)
		if err := t.add(b); err != nil {
			return nil, err
		}
	}
	if t.requests.In > 0 && t.requests.Out == 0 {
		return nil, fmt.Errorf("none of %d requests to the generator %s brought a list of answers; the replies are paid and kept, and %s says why", t.requests.In, pool.Model().Name, filepath.Join(dir, stage.RejectedFile))
	}
	return t.finish(s)
}

func (o Options) settings(rule Rule, pool *llm.Pool) any {
	settings := struct {
		Options `json:"synth"`
		Rule    string `json:"rule"`
		*llm.Model
	}{Options: o, Rule: rule.Name}
	if pool != nil && o.asks() {
		model := pool.Model()
		settings.Model = &model
	}
	return settings
}

// tally writes candidates and counts them.
type tally struct {
	out                *rows.Writer[rows.Candidate]
	rejects            *stage.Rejects // its counts are those of the candidates
	problems, requests *manifest.Counts
	figures            map[string]int64
	spent              manifest.Spent
	simulated          bool
}

func newTally(dir string) (*tally, error) {
	rejects, err := stage.NewRejects(filepath.Join(dir, stage.RejectedFile), &manifest.Counts{})
	if err != nil {
		return nil, err
	}
	out, err := rows.Create[rows.Candidate](dir, CandidatesStem, "parquet", 0)
	if err != nil {
		_ = rejects.Abort() // there is nothing better to say than err
		return nil, err
	}
	return &tally{out: out, rejects: rejects, problems: &manifest.Counts{}, requests: &manifest.Counts{}, figures: map[string]int64{}}, nil
}

func (t *tally) abort() {
	// Both are no-ops once closed.
	_ = t.out.Abort()
	_ = t.rejects.Abort()
}

// add takes in what was made of one problem.
func (t *tally) add(b *batch) error {
	for _, r := range b.requests {
		t.requests.In++
		if r.paid {
			t.spent.PaidCalls++
		}
		if r.answered {
			t.spent.Spend(r.promptTokens, r.completionTokens, r.cost)
		}
		if r.drop == nil {
			t.requests.Out++
			continue
		}
		t.requests.Drop(r.drop.Reason)
		if err := t.rejects.List(*r.drop); err != nil {
			return err
		}
	}
	t.rejects.Counts.In += int64(len(b.kept) + len(b.dropped))
	for _, d := range b.dropped {
		if err := t.rejects.Drop(d); err != nil {
			return err
		}
	}
	for name, n := range b.figures {
		t.figures[name] += n
	}
	for _, c := range b.kept {
		t.rejects.Counts.Out++
		t.figures[c.Origin+"_"+c.Kind]++
		t.simulated = t.simulated || c.Simulated
		if err := t.out.Write(c); err != nil {
			return err
		}
	}
	return nil
}

func (t *tally) finish(s *manifest.Stage) (*manifest.Manifest, error) {
	if err := t.rejects.Close(); err != nil {
		return nil, err
	}
	if err := t.out.Close(); err != nil {
		return nil, err
	}
	counts := map[string]*manifest.Counts{"problems": t.problems, "requests": t.requests, "candidates": t.rejects.Counts}
	return s.Finish(append(t.out.Files(), stage.RejectedFile), counts, t.figures, &t.spent, t.simulated)
}
