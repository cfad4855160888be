package label

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"tinyv/internal/rows"
	"tinyv/internal/shareddata"
	"tinyv/internal/sim"
	"tinyv/verify"
	"tinyv/verify/prime"
)

// TestHardVerify labels the correct and the wrong answers of half of HardVerify-Math
// and compares with what is known of them. The annotators are simulated: on real
// questions they compare answers leniently and know no truth, so this shows that
// labels arrive where they belong, not how good labels are.
func TestHardVerify(t *testing.T) {
	data, err := os.ReadFile(shareddata.Path(t, "data/hardverify-math-even.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bench []struct {
		ID          any    `json:"id"`
		Question    string `json:"question"`
		GroundTruth string `json:"ground_truth"`
		Right       string `json:"fn_output"`
		Wrong       string `json:"tn_output"`
		Source      string `json:"source"`
	}
	if err := json.Unmarshal(data, &bench); err != nil {
		t.Fatal(err)
	}
	var in []rows.Response
	for i, b := range bench {
		for sample, answer := range []string{b.Right, b.Wrong} {
			verdict, err := prime.Verifier{}.Verify(t.Context(), verify.Case{Question: b.Question, GroundTruth: b.GroundTruth, Answer: answer})
			if err != nil {
				t.Fatal(err)
			}
			known := sample == 0
			in = append(in, rows.Response{
				ProblemID: fmt.Sprint("hardverify-", i), Source: b.Source, Question: b.Question, GroundTruth: b.GroundTruth, Sample: int32(sample),
				Boxed: &answer, Extracted: answer, Rule: "prime", RuleCorrect: verdict.Outcome.Bool(), FinishReason: "stop", KnownCorrect: &known,
			})
		}
	}
	w := sim.DefaultWorld()
	server, err := sim.Start(context.WithoutCancel(t.Context()), w, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	m, got, err := run(t, in, Options{Vote: verify.Unanimous, RequireBoxed: true, Annotators: judges(t, server.URL(), "sim-annotator-a", "sim-annotator-b")})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, a := range got {
		label := "no label"
		if a.Label != nil {
			label = fmt.Sprint(*a.Label)
		}
		count[fmt.Sprintf("known %v: %s", *a.KnownCorrect, label)]++
	}
	t.Logf("%d answers, %d rejected by the rule; SIMULATED annotators: %v", len(in), len(got), count)
	if len(bench) != 125 || int(m.Rows["responses"].Out) != len(got) || len(got) < 240 {
		t.Errorf("%d questions, %d rejected", len(bench), len(got))
	}
	if count["known true: true"] == 0 || count["known false: false"] < 100 || count["known false: true"] > 12 {
		t.Errorf("labels %v", count)
	}
}
