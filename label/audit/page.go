package audit

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// policy lets the page run its own script and style, told by their hashes, and
// load nothing from anywhere. Text that got into the markup all the same would do nothing.
func policy() string {
	return fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; base-uri 'none'; form-action 'none'", hashOf(pageJS), hashOf(pageCSS))
}

func hashOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

type pageData struct {
	ID        string // of the sample; the browser keeps the judgements under it
	Policy    string
	Style     template.CSS // ours, from page.css
	Script    template.JS  // ours, from page.js
	Blind     bool
	Simulated bool
	Items     []pageItem
}

type pageItem struct {
	ID                            string
	Question, GroundTruth, Answer []segment
	Label, Source, Origin, Kind   string
	Votes                         []pageVote
}

type pageVote struct {
	Annotator, Outcome string
	Reason             []segment
}

// page is the HTML page that a person judges in.
func page(id string, s *Sample, items []item) ([]byte, error) {
	parsed, err := template.New(HTMLFile).Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("reading the template of %s: %w", HTMLFile, err)
	}
	data := pageData{ID: id, Policy: policy(), Style: template.CSS(pageCSS), Script: template.JS(pageJS), Blind: s.Blind, Simulated: s.Simulated}
	for _, it := range items {
		shown := pageItem{
			ID: it.id, Question: segments(it.question), GroundTruth: segments(it.groundTruth), Answer: segments(it.answer),
			Label: labelWord(it.label), Source: it.source, Origin: it.origin, Kind: it.kind,
		}
		for _, v := range it.votes {
			shown.Votes = append(shown.Votes, pageVote{v.annotator, v.outcome.String(), segments(v.reason)})
		}
		data.Items = append(data.Items, shown)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("making %s: %w", HTMLFile, err)
	}
	return out.Bytes(), nil
}
