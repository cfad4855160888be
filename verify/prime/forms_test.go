package prime

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzNormalForms looks for texts that a normalisation does not survive: a panic,
// a result out of proportion, or a long time. What is valid text stays valid.
func FuzzNormalForms(f *testing.F) {
	for _, seed := range []string{
		"", `\frac{1}{2}`, `\frac12`, `\sqrt3`, `\sqrt[3]{x}`, `\text{ or }`, `5 \text{ cm}`, "7 3/4", "1,234,567", "2 million", `45^\circ`, `\$3.00`, ".5", "x = 3", `\begin{pmatrix}1&2\\3\end{pmatrix}`,
		`\hat{a}\bar{x}`, `\mathbb{R}`, "{,}", "a } b { c", `trailing \`, `\left(`, "\xff\u0130Σ", "- ", `\!`, `\frac{\frac{`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		start := time.Now()
		math, own := mathForm(s), ownForm(s)
		if took := time.Since(start); took > 20*time.Second { // only a blow-up: the machine may be busy
			t.Errorf("the forms of %.60q (%d bytes) took %v", s, len(s), took)
		}
		if len(math) > 6*len(s)+16 {
			t.Errorf("mathForm(%q) = %q", s, math)
		}
		// The longest text of one macro stands for a dozen bytes, and a matrix pads
		// every cell to the widest.
		if len(own) > 64*(len(s)+1)*(1+strings.Count(s, "&")+strings.Count(s, `\\`)) {
			t.Errorf("ownForm(%q) has %d bytes", s, len(own))
		}
		if utf8.ValidString(s) && (!utf8.ValidString(math) || !utf8.ValidString(own)) {
			t.Errorf("the forms of %q are %q and %q", s, math, own)
		}
		if mathForm(s) != math || ownForm(s) != own {
			t.Errorf("the forms of %q are not the same twice", s)
		}
	})
}
