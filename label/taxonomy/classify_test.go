package taxonomy_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tinyv/internal/shareddata"
	"tinyv/internal/sim"
	"tinyv/label/taxonomy"
	"tinyv/verify/prime"
)

type row struct {
	Category    taxonomy.Category `json:"category"`
	Question    string            `json:"question"`
	GroundTruth string            `json:"ground_truth"`
	Answer      string            `json:"answer"`
}

func pairs(t testing.TB) []row {
	f, err := os.Open("testdata/pairs.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []row
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("testdata/pairs.jsonl, line %d: %v", len(rows)+1, err)
		}
		rows = append(rows, r)
	}
	return rows
}

func TestClassify(t *testing.T) {
	counts := map[taxonomy.Category]int{}
	rows := pairs(t)
	for i, r := range rows {
		counts[r.Category]++
		if got, ok := taxonomy.Classify(r.Question, r.GroundTruth, r.Answer); !ok || got != r.Category {
			t.Errorf("line %d: %q against %q is %s, want %s", i+1, r.Answer, r.GroundTruth, got, r.Category)
		}
	}
	if len(rows) < 120 {
		t.Errorf("%d pairs only", len(rows))
	}
	for _, class := range taxonomy.Classes() {
		for _, sub := range class.Subs {
			if counts[sub.Code] < 4 {
				t.Errorf("%s has %d pairs only", sub.Code, counts[sub.Code])
			}
			delete(counts, sub.Code)
		}
	}
	if len(counts) > 0 {
		t.Errorf("pairs of unknown categories: %v", counts)
	}
}

func TestClasses(t *testing.T) {
	subs := 0
	codes := map[taxonomy.Category]bool{}
	for _, class := range taxonomy.Classes() {
		for i, sub := range class.Subs {
			subs++
			codes[sub.Code] = true
			if sub.Code.Class() != class.Code || sub.Number != class.Letter+string(rune('1'+i)) {
				t.Errorf("%s has number %s in class %s %s", sub.Code, sub.Number, class.Letter, class.Code)
			}
		}
		if last := class.Subs[len(class.Subs)-1]; !strings.HasSuffix(string(last.Code), ".other") {
			t.Errorf("class %s ends with %s", class.Code, last.Code)
		}
	}
	if len(taxonomy.Classes()) != 7 || subs != 31 || len(codes) != 31 {
		t.Errorf("%d classes, %d sub-classes, %d codes", len(taxonomy.Classes()), subs, len(codes))
	}
}

func TestClassifyEmpty(t *testing.T) {
	for _, c := range [][2]string{{"", "3"}, {"3", ""}, {" ", "\n"}} {
		if got, ok := taxonomy.Classify("", c[0], c[1]); ok {
			t.Errorf("%q against %q is %s", c[1], c[0], got)
		}
	}
}

// TestClassifyWorld looks at all right answers of the simulated world that the
// rule verifier rejects. They differ in some known way, so hardly any may be left
// over.
func TestClassifyWorld(t *testing.T) {
	counts := map[string]int{}
	w := sim.DefaultWorld()
	rejected, other := 0, 0
	for i := range 75 {
		p := w.Problem(i)
		for _, answer := range w.Right(i) {
			if equal, _ := prime.Equal(answer, p.GroundTruth); equal {
				continue
			}
			rejected++
			category, ok := taxonomy.Classify(p.Question, p.GroundTruth, answer)
			if !ok {
				t.Errorf("%q against %q: nothing is said", answer, p.GroundTruth)
			}
			if strings.HasSuffix(string(category), ".other") {
				other++
			}
			counts[string(category)]++
		}
	}
	if rejected < 500 || other*5 > rejected {
		t.Errorf("%d of %d are left to an other class", other, rejected)
	}
	logCounts(t, counts, rejected)
}

// TestClassifyHardVerify prints what keeps the published verifier from accepting
// the right answers of HardVerify-Math; see docs/taxonomy.md.
func TestClassifyHardVerify(t *testing.T) {
	data, err := os.ReadFile(shareddata.Path(t, "data", "hardverify-math-even.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Question    string `json:"question"`
		GroundTruth string `json:"ground_truth"`
		Right       string `json:"fn_output"`
	}
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	other := 0
	for _, r := range rows {
		category, ok := taxonomy.Classify(r.Question, r.GroundTruth, r.Right)
		if !ok {
			t.Errorf("%q against %q: nothing is said", r.Right, r.GroundTruth)
		}
		if strings.HasSuffix(string(category), ".other") {
			other++
		}
		counts[string(category)]++
	}
	if len(rows) == 0 || other*5 > len(rows) {
		t.Errorf("%d of %d are left to an other class", other, len(rows))
	}
	logCounts(t, counts, len(rows))
}

func logCounts(t *testing.T, counts map[string]int, all int) {
	classes := map[string]int{}
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		classes[taxonomy.Category(code).Class()] += counts[code]
		t.Logf("%6d %5.1f%%  %s", counts[code], 100*float64(counts[code])/float64(all), code)
	}
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		t.Logf("%6d %5.1f%%  %s in all", classes[class], 100*float64(classes[class])/float64(all), class)
	}
}

// TestClassifySpaces says that white space alone is white space whatever it
// stands in.
func TestClassifySpaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[a-z0-9+=(),]{1,5}`), 2, 6).Draw(t, "parts")
		a, b := strings.Join(parts, ""), strings.Join(parts, " ")
		if got, ok := taxonomy.Classify("", a, b); !ok || got != taxonomy.Whitespace {
			t.Fatalf("%q against %q is %s", b, a, got)
		}
	})
}

func FuzzClassify(f *testing.F) {
	for _, r := range pairs(f) {
		f.Add(r.Question, r.GroundTruth, r.Answer)
	}
	f.Add("", strings.Repeat("(", 3000), strings.Repeat(`\frac{`, 500))
	f.Add("", strings.Repeat(`\binom{2}`, 100), strings.Repeat("x^", 400))
	f.Add("", strings.Repeat("1,", 300), strings.Repeat("2,1,", 150))
	known := map[taxonomy.Category]bool{}
	for _, r := range pairs(f) {
		known[r.Category] = true
	}
	f.Fuzz(func(t *testing.T, question, truth, answer string) {
		category, ok := taxonomy.Classify(question, truth, answer)
		if ok != known[category] {
			t.Errorf("%q against %q is %q, %v", answer, truth, category, ok)
		}
		if empty := strings.TrimSpace(truth) == "" || strings.TrimSpace(answer) == ""; ok == empty && utf8.ValidString(truth+answer) {
			t.Errorf("%q against %q: said %v", answer, truth, ok)
		}
		if again, _ := taxonomy.Classify(question, truth, answer); again != category {
			t.Errorf("%q against %q is %s, then %s", answer, truth, category, again)
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	rows := pairs(b)
	for i := 0; b.Loop(); i++ {
		r := rows[i%len(rows)]
		taxonomy.Classify(r.Question, r.GroundTruth, r.Answer)
	}
}
