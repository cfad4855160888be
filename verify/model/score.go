package model

import (
	"regexp"
	"strconv"
	"strings"

	"tinyv/verify"
)

// A line that announces a score.
var scoreAnnounced = regexp.MustCompile(`(?i)^(?:(?:my|the|so|thus|therefore|hence),?\s+){0,3}(?:final\s+|overall\s+|total\s+|correctness\s+){0,2}(?:score|rating|grade|answer|verdict|result)(?:\s+is)?[\s*_` + "`" + `]*[:：=][\s*_` + "`" + `]*`)

// A number, of how many it is, and whether it is a percentage.
var scoreForm = regexp.MustCompile(`(?i)^([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\s*(?:(%)|(?:/|out\s+of|of)\s*([0-9]+(?:\.[0-9]+)?))?$`)

// readScore takes the number of the last line that announces a score, or the
// last line of all if it is a number. Its scale is that of the threshold: 0 to 1
// for a threshold of at most 1, 0 to 10 up to 10, else 0 to 100. A number beyond
// its scale is no verdict, because nobody knows what it was meant to be.
func readScore(text string, threshold *float64) reading {
	if threshold == nil {
		return undecided("parser score has no threshold")
	}
	decide := func(s span) reading {
		score, why := scoreOf(s.of(text), *threshold)
		if why != "" {
			return undecided(why)
		}
		return reading{outcome: verify.OutcomeOf(score >= *threshold), reason: strings.TrimSpace(text)}
	}
	if s, ok := unwrapNumber(text, span{0, len(text)}); ok {
		return decide(s)
	}
	all := lines(text)
	for i := len(all) - 1; i >= 0; i-- {
		line := all[i]
		content := line
		if m := scoreAnnounced.FindStringIndex(line.of(text)); m != nil {
			content.at += m[1]
			if content.at == content.end {
				continue // the number was on the next line, or there was none
			}
		} else if i < len(all)-1 && !endsAnnouncement(text, all, i-1) {
			continue
		} else if _, ok := unwrapNumber(text, line); !ok {
			continue
		}
		s, ok := unwrapNumber(text, content)
		if !ok {
			return undecided("the last score is not one number")
		}
		r := decide(s)
		r.overruled = true
		return r
	}
	return undecided("no score in the reply")
}

// endsAnnouncement reports whether the i-th line announces a score that stands
// on the next line.
func endsAnnouncement(text string, all []span, i int) bool {
	if i < 0 {
		return false
	}
	m := scoreAnnounced.FindStringIndex(all[i].of(text))
	return m != nil && m[1] == all[i].end-all[i].at
}

// unwrapNumber takes off what a number is wrapped in.
func unwrapNumber(text string, s span) (span, bool) {
	inner, ok := unwrap(text, s)
	if !ok || !scoreForm.MatchString(inner.of(text)) {
		return span{}, false
	}
	// What counts as decoration elsewhere belongs to ".83" and "-5".
	if at := inner.at; at > s.at && text[at-1] == '.' || at > 0 && text[at-1] == '-' {
		inner.at--
	}
	return inner, true
}

// scoreOf returns the score on the threshold's scale, or why there is none.
func scoreOf(s string, threshold float64) (score float64, why string) {
	m := scoreForm.FindStringSubmatch(s)
	if m == nil {
		return 0, "the score is not a number"
	}
	score, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, "the score is not a number"
	}
	scale := 100.0
	switch {
	case threshold <= 1:
		scale = 1
	case threshold <= 10:
		scale = 10
	}
	switch {
	case m[2] != "":
		score *= scale / 100
	case m[3] != "":
		of, err := strconv.ParseFloat(m[3], 64)
		if err != nil || of <= 0 {
			return 0, "the score is a number of nothing"
		}
		if scale > 1 && (of < threshold || of > scale) {
			return 0, "the score is on another scale than the threshold"
		}
		if score > of {
			return 0, "the score is beyond its scale"
		}
		if scale == 1 {
			score /= of
		}
	}
	if score < 0 || score > scale {
		return 0, "the score is beyond its scale"
	}
	return score, ""
}
