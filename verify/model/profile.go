package model

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// DefaultAttempts is how many replies a Profile without Attempts asks for until
// one parses.
const DefaultAttempts = 2

// Profile is how to ask a model for a verdict.
type Profile struct {
	Name   string
	Prompt string // of the user; holds {{GROUND_TRUTH_ANSWER}}, {{MODEL_ANSWER}} and, as a rule, {{QUESTION}}
	System string // the system message, sent as it is; "" = none
	Parser string // one of Parsers

	Threshold *float64 `json:",omitempty"` // of parser score: correct from here on

	Temperature *float64 // nil = the server's default
	TopP        *float64
	MaxTokens   int // 0 = the server's default
	Stop        []string

	Samples  int `json:",omitempty"` // replies whose majority is the verdict; 0 = 1
	Attempts int // replies to ask for, for each sample, until one parses; 0 = DefaultAttempts

	Repeat int `json:",omitempty"` // asked again for the n-th time: a profile that differs in nothing else gets replies of its own

	Structured bool `json:",omitempty"` // ask for JSON by a schema, where the endpoint knows it; for parser json
	Confidence bool `json:",omitempty"` // ask for token probabilities, for the verdict's Confidence
}

// Validate says what is wrong with p, if anything is.
func (p Profile) Validate() error {
	if err := p.check(); err != nil {
		return fmt.Errorf("profile %q: %w", p.Name, err)
	}
	return nil
}

func (p Profile) check() error {
	if err := checkPrompt(p.Prompt); err != nil {
		return err
	}
	if err := checkParser(p.Parser, p.Threshold); err != nil {
		return err
	}
	switch {
	case p.Attempts < 0 || p.MaxTokens < 0 || p.Samples < 0 || p.Repeat < 0:
		return fmt.Errorf("attempts, samples, repeat and max_tokens cannot be negative")
	case p.Structured && p.Parser != parserJSON:
		return fmt.Errorf("structured is for parser json, not for %s", p.Parser)
	case p.Confidence && p.Parser == parserScore:
		return fmt.Errorf("confidence is of a word, and parser score has none; leave confidence out")
	}
	return nil
}

var place = regexp.MustCompile(`\{\{[^{}\n]*\}\}`)

// checkPrompt refuses a prompt that lacks a place, or has one that would be sent
// to the model as it stands.
func checkPrompt(prompt string) error {
	for _, name := range []string{groundTruthPlace, answerPlace} {
		if !strings.Contains(prompt, name) {
			return fmt.Errorf("the prompt does not hold %s", name)
		}
	}
	places := []string{questionPlace, groundTruthPlace, answerPlace}
	for _, found := range place.FindAllString(prompt, -1) {
		if !slices.Contains(places, found) {
			return fmt.Errorf("the prompt holds %s, which nothing is filled into%s; places are %s", found, didYouMean(found, places), strings.Join(places, ", "))
		}
	}
	return nil
}
