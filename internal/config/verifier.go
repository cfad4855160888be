package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tinyv/verify"
	"tinyv/verify/rules"
)

// ServedURL is the endpoint URL that stands for the model server which
// `tinyv eval --serve` starts.
const ServedURL = "served"

// Verifier is one that the config names: a model, a cascade or a vote of others.
// Rule verifiers need no entry; their names are known.
type Verifier struct {
	Model   *Annotator `yaml:"model"`   // asked as an annotator is; its name is the entry's
	Cascade []string   `yaml:"cascade"` // names; the next is asked only while none has accepted
	Vote    *VoteOf    `yaml:"vote"`
}

// VoteOf is a vote of named verifiers.
type VoteOf struct {
	Rule string   `yaml:"rule"` // unanimous (default), majority, any or weighted
	Of   []string `yaml:"of"`   // names
}

func (k *checker) verifiers(all map[string]Verifier) {
	known := append(rules.Names(), slices.Sorted(maps.Keys(all))...)
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		v, key := all[name], "verifiers."+name
		kinds := 0
		for _, given := range []bool{v.Model != nil, v.Cascade != nil, v.Vote != nil} {
			if given {
				kinds++
			}
		}
		switch {
		case slices.Contains(rules.Names(), name):
			k.fail(key, "is the name of a rule verifier; choose another")
		case kinds != 1:
			k.fail(key, "needs exactly one of model, cascade and vote")
		case v.Model != nil:
			if v.Model.Name != "" {
				k.fail(key+".model.name", "is given; the verifier's name is %q already, so remove the line", name)
			}
			v.Model.Name = name
			k.annotator(key+".model", v.Model, seen)
		case v.Vote != nil:
			defaultText(&v.Vote.Rule, string(verify.Unanimous))
			if !slices.Contains(verify.Rules(), verify.Rule(v.Vote.Rule)) {
				k.fail(key+".vote.rule", "%q is not a vote rule; it may be one of %q", v.Vote.Rule, verify.Rules())
			}
			k.members(key+".vote.of", name, v.Vote.Of, known)
		default:
			k.members(key+".cascade", name, v.Cascade, known)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if loop := loopFrom(all, name, nil); loop != nil {
			k.fail("verifiers."+name, "asks itself: %s", strings.Join(loop, " asks "))
			return
		}
	}
}

func (k *checker) members(key, name string, members, known []string) {
	if len(members) < 2 {
		k.fail(key, "needs at least two names, such as [prime, %s]", name)
	}
	for i, m := range members {
		if slices.Contains(members[:i], m) {
			k.fail(fmt.Sprintf("%s[%d]", key, i), "%q is named twice; it would give the same verdict twice, so remove one", m)
		}
		if !slices.Contains(known, m) {
			k.fail(fmt.Sprintf("%s[%d]", key, i), "%q is not a verifier%s; it may be one of: %s", m, suggest(m, known), strings.Join(known, ", "))
		}
	}
}

// loopFrom returns the names from a verifier back to itself, or nil.
func loopFrom(all map[string]Verifier, name string, path []string) []string {
	if i := slices.Index(path, name); i >= 0 {
		return append(path[i:], name)
	}
	v := all[name]
	members := v.Cascade
	if v.Vote != nil {
		members = v.Vote.Of
	}
	for _, m := range members {
		if loop := loopFrom(all, m, append(slices.Clone(path), name)); loop != nil {
			return loop
		}
	}
	return nil
}
