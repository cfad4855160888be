package page_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"tinyv/internal/interval"
	"tinyv/internal/stagetest/golden"
	"tinyv/train/eval/page"
	"tinyv/train/eval/score"
	"tinyv/verify"
)

// hostile is a text that wants to be markup, to hide, and to turn what follows it.
const hostile = "</script><img src=x onerror=alert(1)>|`*_[a](http://b)\u202e\u200b & {{.Policy}} $x$"

// full is a report with everything in it, and hostile texts wherever texts come from others.
func full() page.Data {
	units := []score.Unit{
		{CorrectAccepted: 1, WrongRejected: 1}, {CorrectRejected: 1, WrongRejected: 1}, {CorrectAccepted: 1, WrongAccepted: 1}, {CorrectUndecided: 1, WrongRejected: 1},
	}
	f := score.NewFigures(units, 1)
	correct := score.NewFigures([]score.Unit{{CorrectAccepted: 1}, {CorrectRejected: 1}}, 1)
	r := score.Result{
		Verifier: hostile, Simulated: true, Benchmark: []score.Input{{Name: hostile, SHA256: "00ff"}}, Figures: f,
		Source: map[string]score.Figures{"Olympiad": f, hostile: correct, "": correct}, Category: map[string]score.Figures{"formatting.unit": correct},
		Length: map[string]score.Figures{"1-4": f, "65+": correct},
		Attacks: map[string]score.Attack{
			"gibberish": {Success: interval.Share(1, 4), Undecided: interval.Share(0, 4), CleanAccepted: interval.Share(1, 4)},
			"very_long": {
				Success: interval.Share(2, 4), Undecided: interval.Share(0, 4), CleanAccepted: interval.Share(1, 4),
				Right: &score.Right{Kept: interval.Share(1, 3), Undecided: interval.Share(1, 3), CleanAccepted: interval.Share(2, 3), NotApplicable: 1},
			},
		},
		Variants: map[string]score.Variant{
			"spaced": {Agreement: interval.Share(7, 8), Accuracy: interval.Share(5, 8), CleanAccuracy: interval.Share(5, 8)},
			"named":  {NotApplicable: 8},
		},
		Speed:   score.Speed{Verdicts: 8, PerSecond: interval.Rounded(12.5), LatencyMS: score.NewLatencyMS([]float64{1, 2, 3, 4})},
		Tokens:  score.Tokens{Verdicts: 8, Prompt: 800, Completion: 16, CostUSD: interval.Rounded(0.01)},
		Repeats: &score.Stability{},
	}
	for _, c := range []float64{0.55, 0.55, 0.95, 0.95, 0.95} {
		r.Calibration.Add(c, c > 0.6)
	}
	r.Calibration.Finish()
	r.Repeats.Add([]verify.Outcome{verify.Correct, verify.Correct})
	r.Repeats.Add([]verify.Outcome{verify.Correct, verify.Incorrect})
	r.Repeats.Finish()
	e := page.Example{ID: hostile, Source: hostile, Category: hostile, Family: hostile, Question: hostile, GroundTruth: hostile, Answer: hostile, Extracted: "", Reason: hostile, Reply: hostile}
	return page.Data{Result: r, Examples: map[page.Kind][]page.Example{
		page.FalseRejection: {e}, page.Attack: {{ID: "1/tn", Family: "very_long", Question: "q\r\nr", Answer: strings.Repeat("x", 4000)}}, page.LostRight: {{ID: "1/fn", Family: "very_long", Answer: hostile}},
	}}
}

func html(t *testing.T, d page.Data) string {
	t.Helper()
	out, err := page.HTML(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestGolden(t *testing.T) {
	for name, got := range map[string]string{"report.html": html(t, full()), "report.md": string(page.Markdown(full()))} {
		golden.Compare(t, name, got)
	}
}

// Texts of others are shown and never act: no element, attribute or address of
// theirs is in the page, and what cannot be seen is named.
func TestHostileTexts(t *testing.T) {
	got := html(t, full())
	for _, bad := range []string{"<img", "</script>", "\u202e", "\u200b", "src=", "<script", "<link", "url("} {
		if i := strings.Index(strings.ReplaceAll(got, "src=x", ""), bad); i >= 0 {
			t.Errorf("the page has %q: %q", bad, got[max(0, i-60):i+60])
		}
	}
	if !strings.Contains(got, "&lt;img src=x") || !strings.Contains(got, "⟨U&#43;202E⟩") && !strings.Contains(got, "⟨U+202E⟩") {
		t.Error("the hostile text is not shown")
	}
	if !strings.Contains(got, "(1000 more characters)") {
		t.Error("a long answer is not cut")
	}
	for _, address := range regexp.MustCompile(`(href|src|action|xlink)=`).FindAllString(strings.ReplaceAll(got, "src=x", ""), -1) {
		t.Errorf("the page leads elsewhere: %s", address)
	}
	wellFormed(t, got)

	md := string(page.Markdown(full()))
	for line := range strings.Lines(md) {
		if strings.Contains(line, "<img") && !strings.Contains(line, `\<img`) || strings.Contains(line, "](") && !strings.Contains(line, `\](`) {
			t.Errorf("markup in Markdown: %s", line)
		}
	}
	columns := 0
	for line := range strings.Lines(md) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := len(regexp.MustCompile(`[^\\]\|`).FindAllString(line, -1))
		if columns == 0 {
			columns = n
		} else if n != columns {
			t.Errorf("a row of %d cells in a table of %d: %s", n, columns, line)
		}
	}
}

// wellFormed follows every element to its end.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	page = strings.Replace(page, "<!DOCTYPE html>", "", 1)
	page = regexp.MustCompile(`<meta [^>]*>`).ReplaceAllString(page, "") // the one element of ours that HTML does not end
	dec := xml.NewDecoder(strings.NewReader(page))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
	}
}

// A benchmark of one class and no models makes a page without empty sections.
func TestLeanResult(t *testing.T) {
	f := score.NewFigures([]score.Unit{{CorrectRejected: 1}}, 1)
	got := html(t, page.Data{Result: score.Result{Verifier: "prime", Figures: f, Source: map[string]score.Figures{"": f}}})
	for _, absent := range []string{"By source", "By category", "Calibration", "Attacks", "Variants", "Repeats", "SIMULATED", "NaN", "nil"} {
		if strings.Contains(got, absent) {
			t.Errorf("the page has %q", absent)
		}
	}
	if !strings.Contains(got, "Confusion matrix") {
		t.Error("the page has no confusion matrix")
	}
}
