package score

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"tinyv/verify"
)

func close(got *float64, want float64, digits int) bool {
	return got != nil && math.Abs(*got-want) <= 0.5000001*math.Pow10(-digits)
}

func TestConfusion(t *testing.T) {
	var c Confusion
	for outcome, n := range map[verify.Outcome]int{verify.Correct: 7, verify.Incorrect: 2, verify.Undecided: 1} {
		for range n {
			c.Add(true, outcome)
		}
	}
	for outcome, n := range map[verify.Outcome]int{verify.Correct: 1, verify.Incorrect: 6, verify.Undecided: 3} {
		for range n {
			c.Add(false, outcome)
		}
	}
	if want := (Confusion{7, 2, 1, 1, 6, 3}); c != want {
		t.Fatalf("%+v, want %+v", c, want)
	}
	for _, f := range []struct {
		name string
		got  *float64
		want float64
	}{
		{"fn_recall: an undecided row is not accepted", c.FNRecall().Rate, 0.7},
		{"tn_accuracy: an undecided row is not rejected", c.TNAccuracy().Rate, 0.6},
		{"accuracy", c.Accuracy().Rate, 0.65},
		{"precision", c.Precision().Rate, 0.875},
		{"undecided", c.UndecidedShare().Rate, 0.2},
		{"fn_recall of the decided", c.Decided().FNRecall().Rate, 7.0 / 9},
		{"tn_accuracy of the decided", c.Decided().TNAccuracy().Rate, 6.0 / 7},
		{"balanced accuracy", c.BalancedAccuracy().Value, 0.65},
	} {
		if !close(f.got, f.want, 6) {
			t.Errorf("%s: %v, want %v", f.name, f.got, f.want)
		}
	}
	var none Confusion
	if none.BalancedAccuracy().Value != nil || none.FNRecall().Rate != nil || F1(nil, 1).Value != nil {
		t.Error("no rows, and yet a figure")
	}
}

// Newcombe 1998 (Statistics in Medicine 17, 873-890), table II, example (a), method
// 10: 56 of 70 less 48 of 80 is 0.2, from 0.0524 to 0.3339. The mean of 56/70 and
// 1 - 48/80 is half of that, and half of one more.
func TestBalancedAccuracyInterval(t *testing.T) {
	c := Confusion{CorrectAccepted: 56, CorrectRejected: 14, WrongRejected: 32, WrongAccepted: 48}
	got := c.BalancedAccuracy()
	if !close(got.Value, 0.6, 6) || !close(got.Lo, (1+0.0524)/2, 4) || !close(got.Hi, (1+0.3339)/2, 4) {
		t.Errorf("%v (%v to %v)", *got.Value, *got.Lo, *got.Hi)
	}
}

// units makes one unit for each row.
func units(c Confusion) []Unit {
	var all []Unit
	for _, cell := range []struct {
		n    int64
		unit Unit
	}{
		{c.CorrectAccepted, Unit{CorrectAccepted: 1}}, {c.CorrectRejected, Unit{CorrectRejected: 1}}, {c.CorrectUndecided, Unit{CorrectUndecided: 1}},
		{c.WrongAccepted, Unit{WrongAccepted: 1}}, {c.WrongRejected, Unit{WrongRejected: 1}}, {c.WrongUndecided, Unit{WrongUndecided: 1}},
	} {
		for range cell.n {
			all = append(all, cell.unit)
		}
	}
	return all
}

// The values are those of the formulas, computed apart in Python.
func TestF1AndMCC(t *testing.T) {
	rows := units(Confusion{CorrectAccepted: 90, CorrectRejected: 1, WrongAccepted: 4, WrongRejected: 5})
	if f1 := F1(rows, 1); !close(f1.Value, 0.972973, 6) || *f1.Lo > 0.9729 || *f1.Lo < 0.9 || *f1.Hi < 0.973 || *f1.Hi > 1 {
		t.Errorf("F1 %v (%v to %v)", *f1.Value, *f1.Lo, *f1.Hi)
	}
	if mcc := MCC(rows, 1); !close(mcc.Value, 0.656226, 6) || *mcc.Lo > 0.6562 || *mcc.Hi < 0.6563 {
		t.Errorf("MCC %v (%v to %v)", *mcc.Value, *mcc.Lo, *mcc.Hi)
	}
	// Undecided is the wrong verdict to both.
	if a, b := MCC(units(Confusion{CorrectAccepted: 9, CorrectUndecided: 3, WrongRejected: 5, WrongUndecided: 2}), 1),
		MCC(units(Confusion{CorrectAccepted: 9, CorrectRejected: 3, WrongRejected: 5, WrongAccepted: 2}), 1); *a.Value != *b.Value {
		t.Errorf("MCC with undecided rows %v, with wrong verdicts %v", *a.Value, *b.Value)
	}
	if one := MCC(units(Confusion{CorrectAccepted: 9}), 1); one.Value != nil {
		t.Errorf("MCC of one class is %v", *one.Value)
	}
}

// A bootstrap interval of a share must be near Wilson's where both are good, and
// the same for the same seed.
func TestBootstrap(t *testing.T) {
	rows := units(Confusion{CorrectAccepted: 300, CorrectRejected: 100, WrongRejected: 200, WrongAccepted: 200})
	var paired []Paired
	for _, u := range rows {
		b := u
		if u.CorrectRejected == 1 {
			b = Unit{CorrectAccepted: 1}
		}
		paired = append(paired, Paired{u, b})
	}
	d := Compare(paired, 3)
	if !close(d.FNRecall.Value, 0.25, 6) || !close(d.FNRecall.Lo, 0.2075, 1) || *d.FNRecall.Lo < 0.19 || *d.FNRecall.Hi > 0.31 {
		t.Errorf("fn_recall differs by %v (%v to %v)", *d.FNRecall.Value, *d.FNRecall.Lo, *d.FNRecall.Hi)
	}
	if *d.TNAccuracy.Value != 0 || *d.TNAccuracy.Lo != 0 || *d.TNAccuracy.Hi != 0 {
		t.Errorf("equal verdicts differ: %+v", d.TNAccuracy)
	}
	if again := Compare(paired, 3); *again.BalancedAccuracy.Lo != *d.BalancedAccuracy.Lo {
		t.Error("the same seed gave another interval")
	}
}

func TestMcNemar(t *testing.T) {
	for _, c := range []struct {
		name                     string
		both, onlyA, onlyB, none int64
		p                        float64
		digits                   int
		test                     string
	}{
		// The binomial tail by hand: 2 * P(X <= 5), X of 20 fair coins.
		{"exact", 10, 5, 15, 3, 0.041389, 6, "exact"},
		// Agresti, Categorical Data Analysis, table 10.1: approval of a prime minister; (|150-86|-1)^2/236 = 16.82.
		{"approval ratings", 794, 150, 86, 570, 0.000041, 6, "chi2"},
		{"nothing differs", 5, 0, 0, 5, 1, 6, "exact"},
		{"evenly", 5, 4, 4, 5, 1, 6, "exact"},
		{"evenly, many", 5, 40, 40, 5, 1, 6, "chi2"},
	} {
		if m := NewMcNemar(c.both, c.onlyA, c.onlyB, c.none); !close(&m.PValue, c.p, c.digits) || m.Test != c.test {
			t.Errorf("%s: p %v by %s, want %v by %s", c.name, m.PValue, m.Test, c.p, c.test)
		}
	}
}

func TestPercentile(t *testing.T) {
	values := []float64{1, 2, 3, 4} // quantile(1:4) in R: 1.00 1.75 2.50 3.25 4.00
	for q, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 0.75: 3.25, 1: 4} {
		if got := Percentile(values, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(Percentile(nil, 0.5)) {
		t.Error("a percentile of nothing")
	}
}

func TestCalibration(t *testing.T) {
	var c Calibration
	// Of four verdicts at 0.75 three are right; of two at 1.0 one is.
	for i := range 4 {
		c.Add(0.75, i > 0)
	}
	c.Add(1, true)
	c.Add(1, false)
	c.Finish()
	// Brier: (3*0.0625 + 0.5625 + 0 + 1) / 6; ECE: |3 - 3|/6 + |2 - 1|/6.
	if !close(c.Brier, 1.75/6, 6) || !close(c.ECE, 1.0/6, 6) {
		t.Errorf("Brier %v, ECE %v", *c.Brier, *c.ECE)
	}
	if c.Bins[7].Right.N != 4 || c.Bins[9].Right.N != 2 || *c.Bins[7].Confidence != 0.75 {
		t.Errorf("bins %+v", c.Bins)
	}
	var none Calibration
	if none.Finish(); none.Brier != nil || len(none.Bins) != 0 {
		t.Error("no verdicts, and yet calibrated")
	}
}

// Two hand-made tables, kappa computed apart by Fleiss's formula.
func TestStability(t *testing.T) {
	const c, i, u = verify.Correct, verify.Incorrect, verify.Undecided
	for _, test := range []struct {
		name  string
		rows  [][]verify.Outcome
		alike float64
		kappa float64
	}{
		// Observed 5/6 (rows 1, 1, 1, 1/3); shares 7/12 and 5/12, by chance 74/144.
		{"one differs", [][]verify.Outcome{{c, c, c}, {c, c, c}, {i, i, i}, {c, i, i}}, 0.75, (5.0/6 - 74.0/144) / (1 - 74.0/144)},
		// Undecided is a verdict of its own. Observed 1/2; shares 1/2, 1/4, 1/4.
		{"undecided", [][]verify.Outcome{{c, c}, {i, u}}, 0.5, (0.5 - 0.375) / (1 - 0.375)},
	} {
		var s Stability
		for _, row := range test.rows {
			s.Add(row)
		}
		if s.Finish(); !close(s.Alike.Rate, test.alike, 6) || !close(s.Kappa, test.kappa, 6) {
			t.Errorf("%s: %s alike, kappa %v, want %v", test.name, s.Alike, *s.Kappa, test.kappa)
		}
	}
	var same Stability
	same.Add([]verify.Outcome{c, c})
	if same.Finish(); same.Kappa != nil || *same.Alike.Rate != 1 {
		t.Errorf("verdicts that are all the same: %+v", same)
	}
}

func TestLengthBin(t *testing.T) {
	for bytes, want := range map[int]string{0: "0", 1: "1-4", 4: "1-4", 5: "5-8", 8: "5-8", 9: "9-16", 16: "9-16", 17: "17-32", 32: "17-32", 33: "33-64", 64: "33-64", 65: "65+", 9000: "65+"} {
		if got := LengthBin(bytes); got != want {
			t.Errorf("%d bytes are in %q, want %q", bytes, got, want)
		}
	}
	if got := strings.Join(LengthBins(), " "); got != "0 1-4 5-8 9-16 17-32 33-64 65+" {
		t.Errorf("bins %s", got)
	}
}

// What is written is read back, and the keys are those that scripts rely on.
func TestResultJSON(t *testing.T) {
	r := Result{Verifier: "prime", Figures: NewFigures(units(Confusion{CorrectAccepted: 3, CorrectRejected: 1, WrongRejected: 2}), 1)}
	r.Source = map[string]Figures{"Olympiad": r.Figures}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(data, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"verifier", "n", "fn_recall", "fn_recall_lo", "fn_recall_hi", "tn_accuracy", "accuracy", "balanced_accuracy", "precision", "f1", "mcc_lo",
		"undecided", "fn_recall_decided", "confusion", "source", "speed", "tokens",
	} {
		if _, there := keys[key]; !there {
			t.Errorf("no key %q in %s", key, data)
		}
	}
	if keys["fn_recall"] != 0.75 || keys["n"] != 6.0 || keys["source"].(map[string]any)["Olympiad"].(map[string]any)["tn_accuracy"] != 1.0 {
		t.Errorf("%s", data)
	}
	var again Result
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(r, again) {
		t.Errorf("read back as %+v, %v", again, err)
	}
	if err := json.Unmarshal([]byte(`{"n": 1}`), &again); err == nil || !strings.Contains(err.Error(), "fn_recall") {
		t.Errorf("half a result was read: %v", err)
	}
}
