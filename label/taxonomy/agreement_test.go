package taxonomy_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tinyv/internal/sim"
	"tinyv/label/taxonomy"
	"tinyv/verify/model"
)

// TestAgreement uses the table of 50 proposals that textbooks work Cohen's kappa
// out for: 20 both yes, 15 both no, 5 and 10 apart; kappa 0.4.
func TestAgreement(t *testing.T) {
	var a taxonomy.Agreement
	for range 20 {
		a.Add(taxonomy.Unit, taxonomy.Unit)
	}
	for range 5 {
		a.Add(taxonomy.Unit, taxonomy.Order)
	}
	for range 10 {
		a.Add(taxonomy.Order, taxonomy.Unit)
	}
	for range 15 {
		a.Add(taxonomy.Order, taxonomy.Order)
	}
	a.Add("", taxonomy.Order)
	a.Add(taxonomy.Order, "")
	a.Add("", "")
	s := a.Summary()
	if s.Pairs != 50 || s.Agree != 35 || s.AgreeClass != 35 || a.OnlyOne != 2 || a.Neither != 1 {
		t.Errorf("counts: %+v of %+v", s, a)
	}
	if s.Kappa == nil || math.Abs(*s.Kappa-0.4) > 1e-12 || math.Abs(*s.KappaClass-0.4) > 1e-12 || *s.Share != 0.7 {
		t.Errorf("kappa %v, of classes %v, share %v", *s.Kappa, *s.KappaClass, *s.Share)
	}
	if s.Confusion["set_list"]["formatting"] != 10 || s.Confusion["formatting"]["set_list"] != 5 {
		t.Errorf("confusion %v", s.Confusion)
	}
	var table strings.Builder
	if err := a.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"50 pairs", "70.0%", "kappa 0.400", "named by one only 2, by neither 1", "10  rule set_list.order, model formatting.unit"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
}

func TestAgreementWithoutKappa(t *testing.T) {
	var a taxonomy.Agreement
	if s := a.Summary(); s.Share != nil || s.Kappa != nil {
		t.Errorf("of nothing: %+v", s)
	}
	a.Add(taxonomy.Unit, taxonomy.Unit)
	if s := a.Summary(); s.Kappa != nil || *s.Share != 1 {
		t.Errorf("of one category: %+v", s)
	}
}

// TestAgreementOrder says that the order of rows changes nothing, and that counts
// survive JSON.
func TestAgreementOrder(t *testing.T) {
	codes := []taxonomy.Category{"", taxonomy.Unit, taxonomy.Markup, taxonomy.Order, taxonomy.Ratio}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]taxonomy.Category {
			return [2]taxonomy.Category{rapid.SampledFrom(codes).Draw(t, "rule"), rapid.SampledFrom(codes).Draw(t, "model")}
		}), 0, 40).Draw(t, "rows")
		var a, b taxonomy.Agreement
		for _, r := range rows {
			a.Add(r[0], r[1])
		}
		for _, r := range rapid.Permutation(rows).Draw(t, "permuted") {
			b.Add(r[0], r[1])
		}
		first, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(b)
		if err != nil || string(first) != string(second) {
			t.Fatalf("%s and %s (%v)", first, second, err)
		}
		var read taxonomy.Agreement
		if err := json.Unmarshal(first, &read); err != nil || read.Summary().Agree != a.Summary().Agree || a.Pairs+a.OnlyOne+a.Neither != int64(len(rows)) {
			t.Fatalf("%s of %d rows (%v)", first, len(rows), err)
		}
	})
}

// TestSimulatedModelIsRead asks the simulated classifier with the project's prompt.
func TestSimulatedModelIsRead(t *testing.T) {
	w := sim.DefaultWorld()
	template := prompt(t)
	var a taxonomy.Agreement
	for i := range 25 {
		p := w.Problem(i)
		for _, answer := range w.Right(i)[1:] {
			named, err := taxonomy.ParseReply(w.NameCategory(model.Fill(template, p.Question, p.GroundTruth, answer), uint64(i)))
			if err != nil {
				t.Fatal(err)
			}
			rule, _ := taxonomy.Classify(p.Question, p.GroundTruth, answer)
			a.Add(rule, named)
		}
	}
	s := a.Summary()
	if *s.Share < 0.4 || *s.KappaClass < 0.4 {
		t.Errorf("share %.3f, kappa of classes %.3f", *s.Share, *s.KappaClass)
	}
	var table strings.Builder
	if err := a.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table.String())
}
