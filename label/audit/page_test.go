package audit

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"tinyv/internal/rows"
	"tinyv/internal/stagetest/golden"
)

// hostile is rows whose every text attacks the page or a spreadsheet.
func hostile() []rows.Annotation {
	all := []rows.Annotation{
		row(1, "<b>source</b>", rows.OriginSampled, "</div></article><script>document.title='owned'</script>", false),
		row(2, `" onmouseover="alert(1)`, rows.OriginHardening, `<img src=x onerror="document.title='owned'">`, false),
		row(3, "x", rows.OriginSampled, "{{.Script}} ${alert(1)} `", true),
		row(4, "x", rows.OriginNearMiss, "3\u200b\u202e4\u3164", false),
		row(5, "x", rows.OriginSampled, "=HYPERLINK(\"//evil\",\"3\")", false),
		row(6, "x", rows.OriginSampled, "-3", true),
		row(7, "x", rows.OriginHardening, "", false),
		row(8, "x", rows.OriginSampled, `\frac{1}{2} $$\int_0^1 x\,dx$$ `+strings.Repeat("9", 300), true),
		row(9, "x", rows.OriginSampled, "@SUM(1)\r\n+1", true),
	}
	all[0].Question = "</textarea></style><style>*{display:none}</style><base href=//evil>\n<!-- "
	all[0].GroundTruth = "]]><svg/onload=alert(1)>"
	all[1].Kind = "<iframe src=javascript:alert(1)>"
	all[1].Votes[0].Annotator = "<marquee>"
	all[1].Votes[0].Reason = "<meta http-equiv=refresh content=0;url=//evil>"
	all[7].Question = "Solve \\(x^2 - 5x + 6 = 0\\).\n\n(a) Over the reals.\n(b) Over the integers.\n" + strings.Repeat("A long question goes on. ", 60)
	return all
}

// Every tag of the page is one of the template's: what else is between < and > is escaped.
func TestPageHoldsItsOwnTagsOnly(t *testing.T) {
	_, out, _ := draw(t, hostile(), Options{N: 20})
	html := read(t, out, HTMLFile)
	html = strings.Replace(html, pageJS, "", 1)
	own := regexp.MustCompile(`^</?(!DOCTYPE html|html lang="en"|html|head|meta charset="utf-8"|meta name="[a-z-]+" content="[^"<>]*"|meta http-equiv="Content-Security-Policy" content="[^"<>]*"` +
		`|title|style|body( data-[a-z]+="[a-z0-9]+")*|header|footer|main|noscript|h1|h2|div( class="[a-z ]+")?|span( id="count")?|button( [a-z-]+="[A-Za-z? ]*")*|kbd|progress [a-z0-9 ="]+` +
		`|p( class="[a-z]+")?( id="lost" hidden)?|article( id="r[0-9a-f]{16}")?|section|b|i|em|details|summary|dl|dt|dd( class="text")?|script|input [A-Za-z ="-]+|progress)>$`)
	tags := regexp.MustCompile(`<[^>]*>?`).FindAllString(html, -1)
	if len(tags) < 100 {
		t.Fatalf("%d tags only, so this test looks at nothing", len(tags))
	}
	for _, tag := range tags {
		if !own.MatchString(tag) {
			t.Errorf("the page has %q", tag)
		}
	}
	for tag, want := range map[string]int{"<script>": 1, "<style>": 1, "</script>": 1, "</style>": 1} {
		if got := strings.Count(html, tag); got != want {
			t.Errorf("%q occurs %d times", tag, got)
		}
	}
}

// Neither markup nor style nor script names another place.
func TestPageIsSelfContained(t *testing.T) {
	_, out, _ := draw(t, run(), Options{N: 20})
	html := read(t, out, HTMLFile)
	if !strings.Contains(html, pageJS) || !strings.Contains(html, pageCSS) {
		t.Fatal("the page lacks its script or style")
	}
	for _, fetch := range []string{"src=", "href=", "url(", "http:", "https:", "//evil", "@import", "fetch(", "XMLHttp", "innerHTML", "import("} {
		if strings.Contains(html, fetch) {
			t.Errorf("the page has %q", fetch)
		}
	}
}

// The policy lets run exactly what the page holds.
func TestPolicy(t *testing.T) {
	_, out, _ := draw(t, run(), Options{N: 20})
	html := read(t, out, HTMLFile)
	for tag, content := range map[string]string{"script": pageJS, "style": pageCSS} {
		_, rest, _ := strings.Cut(html, "<"+tag+">")
		inside, _, _ := strings.Cut(rest, "</"+tag+">")
		if inside != content || !strings.Contains(policy(), tag+"-src '"+hashOf(inside)+"'") {
			t.Errorf("the policy is not of the page's %s:\n%s", tag, policy())
		}
	}
	if !strings.HasPrefix(policy(), "default-src 'none';") || strings.Contains(policy(), "unsafe") || strings.Contains(policy(), "*") {
		t.Errorf("the policy is %s", policy())
	}
}

func TestBlind(t *testing.T) {
	_, out, s := draw(t, hostile(), Options{N: 20, Blind: true})
	header, _, _ := strings.Cut(strings.TrimPrefix(read(t, out, CSVFile), utf8Mark), "\n")
	if header != "id,question,ground_truth,answer,human,note" {
		t.Errorf("the header is %q", header)
	}
	html := read(t, out, HTMLFile)
	if !strings.Contains(html, `data-blind="yes"`) || !strings.Contains(pageCSS, "[data-blind] article:not([data-human]) .secret { visibility: hidden; }") {
		t.Error("nothing hides the labels")
	}
	// All that tells the label is in the part that is hidden.
	for _, article := range strings.Split(html, "<article ")[1:] {
		shown, _, found := strings.Cut(article, `<div class="secret">`)
		if !found || strings.Contains(shown, "Label:") || strings.Contains(shown, "annotators") || strings.Contains(shown, "<span>") {
			t.Errorf("it shows %s", shown)
		}
	}
	if !s.Blind {
		t.Error("the record does not say so")
	}
}

func TestSegments(t *testing.T) {
	for text, want := range map[string][]segment{
		"":                   nil,
		"a b\n\tπ\r\nc":      {{Text: "a b\n\tπ\nc"}},
		"3\u200b":            {{Text: "3"}, {Code: "U+200B"}},
		"\u202e3\u00a04":     {{Code: "U+202E"}, {Text: "3"}, {Code: "U+00A0"}, {Text: "4"}},
		"\x00\r":             {{Code: "U+0000"}, {Code: "U+000D"}},
		"\ufeff\u3164\ufe0f": {{Code: "U+FEFF"}, {Code: "U+3164"}, {Code: "U+FE0F"}},
	} {
		if got := segments(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The page of hostile rows, to be opened in a browser and to see what a change changes.
func TestPageGolden(t *testing.T) {
	_, out, _ := draw(t, hostile(), Options{N: 20, Seed: 42})
	got := strings.Replace(strings.Replace(read(t, out, HTMLFile), pageJS, "", 1), pageCSS, "", 1)
	got = regexp.MustCompile(`'sha256-[^']*'|&#39;sha256-.*?&#39;|data-sample="[0-9a-f]*"`).ReplaceAllString(got, "")
	golden.Compare(t, "page.html", got)
}
