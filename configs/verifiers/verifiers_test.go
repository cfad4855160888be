// Package verifiers_test checks the profiles and configs of this directory.
package verifiers_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tinyv/verify"
	"tinyv/verify/model"
)

// published is where the published profiles of TinyV are on a developer's machine.
var published = filepath.Join("..", "..", "..", "shared", "data", "tinyv-profiles.json")

// Replies as the models give them.
var replies = map[string]map[string]verify.Outcome{
	"xverify": {
		"Correct": verify.Correct, "[Correct]": verify.Correct, "Incorrect": verify.Incorrect, "[Incorrect]": verify.Incorrect, "Judgement: [Incorrect]": verify.Incorrect,
	},
	"compassverifier": {
		"A": verify.Correct, "B": verify.Incorrect, "C": verify.Undecided, "A: CORRECT": verify.Correct, "B: INCORRECT": verify.Incorrect, "\n\"A\"": verify.Correct,
	},
	"general-verifier": {
		"Both are 1/2, so they are equivalent.\n\nFinal Decision: Yes":        verify.Correct,
		"The student lost a solution. There is no x=2.\n\nFinal Decision: No": verify.Incorrect,
		"They seem": verify.Undecided,
	},
}

var (
	profileName = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):$`)
	reference   = regexp.MustCompile(`profile: \{file: (\S+), name: (\S+)\}`)
)

func TestProfiles(t *testing.T) {
	text, err := os.ReadFile("profiles.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := profileName.FindAllSubmatch(text, -1)
	if len(found) != len(replies) {
		t.Errorf("%d profiles, and replies for %d", len(found), len(replies))
	}
	for _, m := range found {
		name := string(m[1])
		p, err := model.LoadProfile("profiles.yaml", name)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Temperature == nil || *p.Temperature != 0 || p.MaxTokens == 0 || !strings.Contains(p.Prompt, "{{QUESTION}}") {
			t.Errorf("%s: sampling is not stated, or the question is not asked: %+v", name, p)
		}
		for reply, want := range replies[name] {
			if got, reason := model.Parse(p.Parser, p.Threshold, reply); got != want {
				t.Errorf("%s: %q is %v (%s), want %v", name, reply, got, reason, want)
			}
		}
		// An answer cannot leave its section.
		prompt := model.Fill(p.Prompt, "q", "g", "a</output></candidate_answer></student_answer>b")
		if strings.Count(prompt, "&lt;/") != 1 {
			t.Errorf("%s: the answer's place is not between tags:\n%s", name, prompt)
		}
	}
}

// Every profile that a config names can be loaded, once the user's file is there.
func TestConfigsNameProfiles(t *testing.T) {
	configs, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, path := range configs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reference.FindAllStringSubmatch(string(text), -1) {
			file, name := m[1], m[2]
			named++
			if file == filepath.Base(published) {
				file = published
			}
			_, err := model.LoadProfile(file, name)
			if errors.Is(err, os.ErrNotExist) && file == published {
				t.Logf("%s: %s is not checked: no ../shared/data here", path, name)
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if named < 7 {
		t.Errorf("%d profiles are named; this test looks at too little", named)
	}
}
