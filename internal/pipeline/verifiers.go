package pipeline

import (
	"context"
	"fmt"
	"slices"

	"tinyv/internal/config"
	"tinyv/internal/progress"
	"tinyv/verify"
	"tinyv/verify/rules"
)

// named is a verifier with what a stage must know of it.
type named struct {
	name        string
	verifier    verify.Verifier
	settings    any // everything that decides what it says, for fingerprints
	concurrency int // cases that it can be asked about at once; 0 = no model is behind it
	simulated   bool
	calls       []func() progress.Calls // of the models behind it, for the progress bar
}

// verifier builds the verifier of a name, once: a rule, or one that the config describes.
func (m *models) verifier(ctx context.Context, r Request, name string) (named, error) {
	if v, ok := m.verifiers[name]; ok {
		return v, nil
	}
	v, err := m.build(ctx, r, name)
	if err == nil {
		m.verifiers[name] = v
	}
	return v, err
}

func (m *models) build(ctx context.Context, r Request, name string) (named, error) {
	if slices.Contains(rules.Names(), name) {
		v, err := rules.New(name)
		return named{name: name, verifier: v, settings: name}, err
	}
	described, ok := m.config.Verifiers[name]
	switch {
	case !ok:
		return named{}, m.config.Errorf("verifiers", "has no %q; there are: %v", name, VerifierNames(m.config))
	case described.Model != nil:
		a, err := m.annotator(ctx, r, "verifiers."+name+".model", *described.Model)
		return named{name, a.Verifier, a.Settings, a.Concurrency, a.Simulated, []func() progress.Calls{a.Calls}}, err
	case described.Vote != nil:
		members, all, err := m.members(ctx, r, name, described.Vote.Of)
		all.verifier = &verify.Vote{Rule: verify.Rule(described.Vote.Rule), Voters: members}
		all.settings = map[string]any{"vote": described.Vote.Rule, "of": all.settings}
		return all, err
	default:
		members, all, err := m.members(ctx, r, name, described.Cascade)
		all.verifier = &verify.Cascade{Steps: members}
		all.settings = map[string]any{"cascade": all.settings}
		return all, err
	}
}

// members builds the verifiers that one is made of.
func (m *models) members(ctx context.Context, r Request, name string, names []string) ([]verify.Voter, named, error) {
	all := named{name: name}
	var members []verify.Voter
	var settings []any
	for _, member := range names {
		v, err := m.verifier(ctx, r, member)
		if err != nil {
			return nil, all, fmt.Errorf("verifier %s: %w", name, err)
		}
		members = append(members, verify.Voter{Name: member, Verifier: v.verifier, Weight: 1})
		settings = append(settings, map[string]any{"name": member, "settings": v.settings})
		all.concurrency = max(all.concurrency, v.concurrency)
		all.simulated = all.simulated || v.simulated
		all.calls = append(all.calls, v.calls...)
	}
	all.settings = settings
	return members, all, nil
}

// VerifierNames lists the verifiers that a config offers, rules first.
func VerifierNames(c *config.Config) []string {
	names := rules.Names()
	for name := range c.Verifiers {
		names = append(names, name)
	}
	slices.Sort(names[len(rules.Names()):])
	return names
}
