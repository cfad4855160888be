package audit

import (
	"regexp"
	"strings"
)

// A negative number as a spreadsheet itself would write it: it calculates nothing
// and is shown as it stands, so it needs no guard. With zeros that a spreadsheet
// drops, or over eleven characters, it would be shown otherwise.
var plainNegative = regexp.MustCompile(`^-[1-9][0-9]{0,9}$`)

// What a spreadsheet may take for the beginning of a formula, in wide forms too,
// and the apostrophe that guards.
const formulaStarts = "=+-@\t\r\n'＝＋－＠"

// guard makes text safe as a cell: what could be a formula gets an apostrophe
// in front, as spreadsheets mark text themselves. unguard takes it away.
func guard(s string) string {
	trimmed := strings.TrimLeft(s, " \u00a0")
	if trimmed == "" || !strings.ContainsRune(formulaStarts, []rune(trimmed)[0]) || plainNegative.MatchString(s) {
		return s
	}
	return "'" + s
}

// unguard returns the text that guard was given.
func unguard(cell string) string { return strings.TrimPrefix(cell, "'") }
