// Package page shows the result of an evaluation to people: as one HTML file that
// needs nothing else (no script, no network), and as Markdown with the same numbers.
//
// Both say which verifier scored what, and whether anything in it is simulated.
// Texts of the benchmark and of models are hostile: they are shown, with signs that
// cannot be seen named by their code point, and never become markup.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"

	"tinyv/train/eval/score"
)

// Data is what a report shows.
type Data struct {
	Result   score.Result
	Examples map[Kind][]Example // the first errors of each kind
}

// Kind is a kind of error.
type Kind string

// The kinds of errors, in the order in which they are shown.
const (
	FalseRejection  Kind = "Correct answers that were rejected"
	FalseAcceptance Kind = "Wrong answers that were accepted"
	Undecided       Kind = "Answers without a decision"
	Attack          Kind = "Attacks that were accepted"
	LostRight       Kind = "Right answers that were accepted as they stand, and not under an attack"
)

// Example is one error.
type Example struct {
	ID, Source, Category, Family  string
	Question, GroundTruth, Answer string
	Extracted, Reason, Reply      string
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// policy lets the page use its own style, told by its hash, and nothing else. Text
// that got into the markup all the same would do nothing.
func policy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// HTML is the report as a page.
func HTML(d Data) ([]byte, error) {
	parsed, err := template.New("report").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("reading the template of the report: %w", err)
	}
	shown := struct {
		document
		Policy   string
		Style    template.CSS // ours, from page.css
		Examples []examples
	}{describe(d.Result), policy(), template.CSS(pageCSS), showAll(d.Examples)}
	var out bytes.Buffer
	if err := parsed.Execute(&out, shown); err != nil {
		return nil, fmt.Errorf("making the report: %w", err)
	}
	return out.Bytes(), nil
}
