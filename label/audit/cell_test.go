package audit

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGuard(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"3":                       "3",
		"-3":                      "-3",
		"-0":                      "'-0",
		"-34922":                  "-34922",
		"x=3":                     "x=3",
		`\frac{1}{2}`:             `\frac{1}{2}`,
		"-3.50":                   "'-3.50",
		"-03":                     "'-03",
		"-12345678901":            "'-12345678901",
		"-3x":                     "'-3x",
		"-1+cmd|'/C calc'!A0":     "'-1+cmd|'/C calc'!A0",
		"+3":                      "'+3",
		"=1+1":                    "'=1+1",
		"@SUM(A1)":                "'@SUM(A1)",
		"\t=1":                    "'\t=1",
		"\r=1":                    "'\r=1",
		"\n-3":                    "'\n-3",
		" =1":                     "' =1",
		"\u00a0=1":                "'\u00a0=1",
		"＝1":                      "'＝1",
		"'3":                      "''3",
		"=HYPERLINK(\"x\",\"y\")": "'=HYPERLINK(\"x\",\"y\")",
	} {
		if got := guard(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune("=+-@'\t\r\n 09＝")), rapid.Rune())).Draw(t, "text")
		cell := guard(text)
		if got := unguard(cell); got != text {
			t.Fatalf("%q comes back as %q", text, got)
		}
		start := strings.TrimLeft(cell, " \u00a0")
		if start != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(start)[0]) && !plainNegative.MatchString(cell) {
			t.Fatalf("%q is the cell %q", text, cell)
		}
	})
}

// The page guards notes as the CSV guards texts.
func TestPageGuardsAlike(t *testing.T) {
	number := "/" + plainNegative.String() + "/"
	starts := `/^[ \u00a0]*[=+\-@\t\r\n'＝＋－＠]/`
	if !strings.Contains(pageJS, number) || !strings.Contains(pageJS, starts) {
		t.Errorf("page.js does not have %s and %s", number, starts)
	}
}
