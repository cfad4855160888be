// Package rules names the rule verifiers, for configs and command lines.
package rules

import (
	"fmt"
	"strings"

	"tinyv/verify"
	"tinyv/verify/prime"
)

// Default is the rule verifier of the published work.
const Default = "prime"

// Names lists the rule verifiers.
func Names() []string { return []string{Default} }

// New returns the rule verifier of that name.
func New(name string) (verify.Verifier, error) {
	if name == Default {
		return prime.Verifier{}, nil
	}
	return nil, fmt.Errorf("%q is not a verifier; it may be: %s", name, strings.Join(Names(), ", "))
}
