package gen

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"

	"tinyv/internal/llm"
	"tinyv/internal/manifest"
	"tinyv/internal/ordered"
	"tinyv/internal/rows"
	"tinyv/internal/stage"
)

// Sampling says how replies are asked for.
type Sampling struct {
	Seed        int64    `json:"seed"`
	SendSeed    bool     `json:"send_seed"` // send a seed with every request, derived from Seed, the problem and the sample number
	Samples     int      `json:"samples"`   // replies per problem
	Prompt      string   `json:"prompt"`    // text of the user message, with {{QUESTION}}
	System      string   `json:"system"`    // text of the system message; empty sends none
	Temperature *float64 `json:"temperature"`
	TopP        *float64 `json:"top_p"`
	MaxTokens   int      `json:"max_tokens"`
	Stop        []string `json:"stop"`
}

// sampled is one reply, or the reason for which there is none.
type sampled struct {
	response rows.Response
	paid     bool
	drop     *rows.Rejected
}

// Sample asks the model behind pool for replies to the problems of the finished
// stage in problemsDir, verifies each by the rule, and writes responses-*.parquet
// and rejected.jsonl to dir. Replies are kept in the order of problems and
// samples. A reply is in the pool's journal before it is used, so a stage that
// was cut off asks again only for what it had no reply to.
func Sample(ctx context.Context, env stage.Env, dir, problemsDir string, o Sampling, rule Rule, pool *llm.Pool) (*manifest.Manifest, error) {
	problems, err := manifest.Require(problemsDir)
	if err != nil {
		return nil, err
	}
	inputs, err := manifest.HashAll(problemsDir)
	if err != nil {
		return nil, err
	}
	settings := struct {
		Sampling `json:"sampling"`
		Rule     string `json:"rule"`
		llm.Model
	}{o, rule.Name, pool.Model()}
	s, done, err := manifest.Begin(dir, "gen", settings, inputs, writes())
	if err != nil || done != nil {
		return done, err
	}

	t, err := newTally(dir)
	if err != nil {
		return nil, err
	}
	defer t.abort()
	total := problems.Rows["problems"].Out * int64(o.Samples)
	bar := env.Progress.Start("sampling", total, pool.Calls)
	defer bar.Finish()

	ask := func(ctx context.Context, r rows.Response) (sampled, error) {
		return askOne(ctx, o, rule, pool, r)
	}
	workers := pool.Concurrency()
	asks := stage.Until(env.Stop, samplesOf(problemsDir, o.Samples))
	for reply, err := range ordered.Map(ctx, asks, stage.Workers(workers), stage.Window(workers), ask) {
		if err != nil {
			return nil, err
		}
		bar.Add(1)
		t.rejects.Counts.In++
		if reply.drop != nil {
			if err := t.rejects.Drop(*reply.drop); err != nil {
				return nil, err
			}
			continue
		}
		if reply.paid {
			t.spent.PaidCalls++
		}
		if err := t.add(reply.response); err != nil {
			return nil, err
		}
	}
	if err := t.rejects.Close(); err != nil {
		return nil, err
	}
	if t.rejects.Counts.Out == 0 {
		return nil, fmt.Errorf("none of %d requests to model %s was answered; %s says why", t.rejects.Counts.In, pool.Model().Name, filepath.Join(dir, stage.RejectedFile))
	}
	if err := t.out.Close(); err != nil {
		return nil, err
	}
	return s.Finish(append(t.out.Files(), stage.RejectedFile), map[string]*manifest.Counts{"responses": t.rejects.Counts}, t.figures, &t.spent, t.simulated)
}

// samplesOf yields the responses to ask for, n for each problem.
func samplesOf(problemsDir string, n int) iter.Seq2[rows.Response, error] {
	return func(yield func(rows.Response, error) bool) {
		for p, err := range rows.Read[rows.Problem](problemsDir) {
			if err != nil {
				yield(rows.Response{}, err)
				return
			}
			for sample := range n {
				if !yield(fromProblem(p, int32(sample)), nil) {
					return
				}
			}
		}
	}
}

func askOne(ctx context.Context, o Sampling, rule Rule, pool *llm.Pool, r rows.Response) (sampled, error) {
	request := llm.Request{
		Temperature: o.Temperature, TopP: o.TopP, MaxTokens: o.MaxTokens, Stop: o.Stop, Sample: int(r.Sample),
	}
	if o.System != "" {
		request.Messages = append(request.Messages, llm.Message{Role: "system", Content: o.System})
	}
	request.Messages = append(request.Messages, llm.Message{Role: "user", Content: strings.NewReplacer("{{QUESTION}}", r.Question).Replace(o.Prompt)})
	if o.SendSeed {
		seed := replySeed(o.Seed, r.ProblemID, r.Sample)
		request.Seed = &seed
	}
	reply, err := pool.Chat(ctx, request)
	var unanswered *llm.UnansweredError
	if errors.As(err, &unanswered) {
		return sampled{drop: &rows.Rejected{Input: r.ProblemID, Row: int64(r.Sample), Reason: unanswered.Kind, Detail: unanswered.Words}}, nil
	}
	if err != nil {
		return sampled{}, fmt.Errorf("sampling reply %d to problem %s: %w", r.Sample, r.ProblemID, err)
	}
	r.Model = reply.Model
	if r.Model == "" {
		r.Model = pool.Model().Name
	}
	r.Response, r.Reasoning, r.FinishReason = reply.Content, reply.Reasoning, reply.FinishReason
	r.PromptTokens, r.CompletionTokens = rows.Tokens(reply.PromptTokens), rows.Tokens(reply.CompletionTokens)
	r.CostUSD = reply.CostUSD
	r.Simulated = r.Simulated || pool.Model().Simulated
	if err := judge(ctx, rule, &r); err != nil {
		return sampled{}, err
	}
	return sampled{response: r, paid: reply.Paid}, nil
}

// replySeed derives the seed of one reply, so that it does not depend on which
// other problems are in the run. It is below 2^31: some servers take no more.
func replySeed(seed int64, problemID string, sample int32) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%d", seed, problemID, sample))
	return int64(binary.BigEndian.Uint32(sum[:4]) >> 1)
}
