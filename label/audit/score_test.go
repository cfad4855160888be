package audit

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tinyv/internal/interval"
	"tinyv/internal/stagetest/golden"
)

// fill writes a filled-in CSV beside the sample: human of every row by its label.
func fill(t *testing.T, out, name string, s *Sample, human func(i int, st Stratum) string) string {
	t.Helper()
	content := "id,human,note\n"
	for i, it := range s.Items {
		content += fmt.Sprintf("%s,%s,\n", it.ID, human(i, s.Strata[it.Stratum]))
	}
	path := filepath.Join(out, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// agree is the judgement that finds a label right.
func agree(st Stratum) string {
	if st.Label {
		return "y"
	}
	return "n"
}

func TestScore(t *testing.T) {
	labels, out, s := draw(t, run(), Options{N: 20, Seed: 42})
	seen := map[string]int{}
	file := fill(t, out, "filled.csv", s, func(_ int, st Stratum) string {
		seen[st.Origin+fmt.Sprint(st.Label)]++
		switch n := seen[st.Origin+fmt.Sprint(st.Label)]; {
		case st.Origin == "synthetic" && n == 1:
			return "N" // wrong: labelled True
		case st.Origin == "synthetic":
			return "?"
		case !st.Label && n <= 4:
			return ""
		}
		return agree(st)
	})
	r, err := Score(file, "", labels)
	if err != nil {
		t.Fatal(err)
	}
	want := Precision{Labels: 100, Drawn: 20, Right: 14, Wrong: 1, Unsure: 1, Unanswered: 4}
	got := r.All
	got.Precision, got.Weighted = want.Precision, want.Weighted
	if got != want || r.True.Right != 4 || r.True.Wrong != 1 || r.False.Right != 10 || r.False.Wrong != 0 || r.Undecided != 5 {
		t.Errorf("%+v\ntrue %+v\nfalse %+v", r.All, r.True, r.False)
	}
	// Of the synthetic tenth nothing is right, of the rest everything.
	if w := r.All.Weighted; *w.Rate != 0.9 || w.Covered != 1 || *w.Lo >= 0.9 || *w.Hi <= 0.9 {
		t.Errorf("weighted %+v", w)
	}
	if rate := *r.All.Precision.Rate; math.Abs(rate-14.0/15) > 1e-6 {
		t.Errorf("as judged %v", rate)
	}
	if len(r.Origins) != 2 || r.Origins[1].Origin != "synthetic" || *r.Origins[1].Precision.Precision.Rate != 0 {
		t.Errorf("origins %+v", r.Origins)
	}
	if len(r.Wrong) != 1 || r.Wrong[0].Origin != "synthetic" || len(r.Unsure) != 1 {
		t.Errorf("wrong %+v, unsure %+v", r.Wrong, r.Unsure)
	}
}

// The published check: 200 drawn, 199 right.
func TestScoreAsPublished(t *testing.T) {
	s := &Sample{Strata: []Stratum{{true, "sampled", "", 1000, 100}, {false, "sampled", "", 1000, 100}}}
	answers := map[string]answer{}
	for i := range 200 {
		id := fmt.Sprint(i)
		s.Items = append(s.Items, Item{ID: id, Stratum: i % 2})
		answers[id] = answer{judgement: judgements[agree(s.Strata[i%2])]}
	}
	answers["0"] = answer{judgement: incorrect}
	r := s.score(answers)
	for _, p := range []struct{ rate, lo, hi *float64 }{
		{r.All.Precision.Rate, r.All.Precision.Lo, r.All.Precision.Hi}, {r.All.Weighted.Rate, r.All.Weighted.Lo, r.All.Weighted.Hi},
	} {
		if got := bounds(p.rate, p.lo, p.hi); got != "99.5% (97.2 to 99.9)" {
			t.Errorf("precision %s", got)
		}
	}
}

func TestScoreRefuses(t *testing.T) {
	labels, out, s := draw(t, run(), Options{N: 20})
	file := fill(t, out, "filled.csv", s, func(_ int, st Stratum) string { return agree(st) })
	elsewhere := filepath.Join(t.TempDir(), "moved.csv")
	if err := os.WriteFile(elsewhere, []byte(read(t, file)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, dir, labels, want string }{
		{"labels of another run", file, "", labelled(t, run()[:90]), "not those that the sample"},
		{"no sample beside it", elsewhere, "", labels, "--out"},
		{"no file", filepath.Join(out, "none.csv"), "", labels, "none.csv"},
	} {
		if _, err := Score(c.file, c.dir, c.labels); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v", c.name, err)
		}
	}
	if _, err := Score(elsewhere, out, labels); err != nil {
		t.Errorf("the sample's directory is named: %v", err)
	}
}

// A judged sample comes back from what spreadsheets make of it.
func TestSpreadsheets(t *testing.T) {
	sample := &Sample{Items: []Item{{ID: "r1"}, {ID: "r2"}, {ID: "r3"}}, Strata: make([]Stratum, 1)}
	want := map[string]judgement{"r1": correct, "r2": incorrect, "r3": unsure}
	for _, c := range []struct{ name, content string }{
		{"plain", "id,human,note\nr1,y,\nr2,n,\nr3,?,\n"},
		{"byte order mark, CRLF", "\ufeffid,human\r\nr1,y\r\nr2,n\r\nr3,?\r\n"},
		{"semicolons", "id;question;human\nr1;a, b, c;y\nr2;;n\nr3;;?\n"},
		{"tabs", "id\thuman\nr1\ty\nr2\tn\nr3\t?\n"},
		{"quotes and line breaks", "\"id\",\"question\",\"human\"\nr1,\"a\nb, \"\"c\"\"\",y\nr2,,n\nr3,,?\n"},
		{"any order, other columns", "rank,HUMAN, Id ,note\n3,?,r3,\n1,y,r1,\n2,n,r2,\n"},
		{"words, capitals and blanks", "id,human\nr1, Yes \nr2,NO\nr3, ?\n"},
		{"empty rows, cells dropped at the end", "human,id,note\ny,r1\nn,r2,,\n,,\n?,r3\n,,,\n"},
		{"a note in another encoding", "id,human,note\nr1,y,M\xfcller\nr2,n,\nr3,?,\n"},
		{"no line break at the end", "id,human\nr1,y\nr2,n\nr3,?"},
	} {
		answers, err := parseAnswers(strings.NewReader(c.content), "f.csv", sample)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for id, j := range want {
			if answers[id].judgement != j {
				t.Errorf("%s: %s is %v", c.name, id, answers[id])
			}
		}
	}
}

func TestFaults(t *testing.T) {
	sample := &Sample{Items: []Item{{ID: "r1"}, {ID: "r2"}}, Strata: make([]Stratum, 1)}
	for _, c := range []struct{ name, content, want string }{
		{"unknown row", "id,human\nr1,y\nr9,y\n", `f.csv:3: row "r9" is not in the sample`},
		{"row twice", "id,human\nr1,y\nr2,n\nr1,n\n", "f.csv:4: row r1 occurs a second time, after line 2"},
		{"no judgement", "id,human\nr1,maybe\n", `f.csv:2: human is "maybe"`},
		{"two faults", "id,human\nr1,maybe\nr2,so\n", `f.csv:3: human is "so"`},
		{"line after a cell of two lines", "id,question,human\nr1,\"a\nb\",y\nr2,,x\n", `f.csv:4: human is "x"`},
		{"judged without an id", "id,human\n,y\n", `f.csv:2: row ""`},
		{"no such column", "id,label\nr1,True\n", `f.csv:1: wanted columns "id" and "human"`},
		{"column twice", "id,human,Human\nr1,y,n\n", "f.csv:1: there are two columns"},
		{"empty", "", "f.csv:1: the file is empty"},
		{"UTF-16", "\xff\xfei\x00d\x00", "save it as CSV UTF-8"},
		{"open quote", "id,human\nr1,\"y\n", "f.csv:"},
	} {
		if _, err := parseAnswers(strings.NewReader(c.content), "f.csv", sample); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v", c.name, err)
		}
	}
}

func TestText(t *testing.T) {
	s := &Sample{Simulated: true, Undecided: 3, Strata: []Stratum{{true, "sampled", "", 90, 2}, {false, "sampled", "", 100, 1}, {true, "synthetic", "", 10, 1}}}
	for i, stratum := range []int{0, 0, 1, 2} {
		s.Items = append(s.Items, Item{ID: fmt.Sprint("r", i), Stratum: stratum, ProblemID: "p\x1b[2J", Sample: 4})
	}
	r := s.score(map[string]answer{"r0": {correct, "", 2}, "r1": {incorrect, "a\nnote", 3}, "r2": {incorrect, "", 4}})
	var out bytes.Buffer
	if err := r.Text(&out); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "score.txt", out.String())
	if data, err := r.JSON(); err != nil || !bytes.Contains(data, []byte(`"covered": 0.95`)) {
		t.Errorf("%v %s", err, data)
	}
	if interval.Confidence != r.Confidence {
		t.Error("another level")
	}
}

// FuzzAnswers: whatever the file, no panic, and no judgement of a row that is not there.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{"id,human,note\nr1,y,'=1\n", "\ufeffid;human\r\nr2;?\r\n", "id,human\nr1,\"", "human\tid\nn\tr1", "id,id\n"} {
		f.Add(seed)
	}
	sample := &Sample{Items: []Item{{ID: "r1"}, {ID: "r2"}}, Strata: make([]Stratum, 1)}
	f.Fuzz(func(t *testing.T, content string) {
		answers, err := parseAnswers(strings.NewReader(content), "f.csv", sample)
		if err != nil && !strings.HasPrefix(err.Error(), "f.csv:") {
			t.Errorf("no place: %v", err)
		}
		for id, a := range answers {
			if id != "r1" && id != "r2" || a.line < 2 {
				t.Errorf("row %q: %+v", id, a)
			}
		}
	})
}

// The CSV that is written is one that is read, whatever the text.
func TestHostileCSV(t *testing.T) {
	labels, out, s := draw(t, hostile(), Options{N: 20})
	r, err := Score(filepath.Join(out, CSVFile), "", labels)
	if err != nil {
		t.Fatal(err)
	}
	if r.All.Unanswered != int64(len(s.Items)) {
		t.Errorf("%+v", r.All)
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(read(t, out, CSVFile), utf8Mark))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		for _, cell := range record {
			if cell != "" && strings.ContainsAny(cell[:1], "=+@\t\r\n") {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
}
