package algebra

import (
	"errors"
	"testing"
	"time"
)

// FuzzParse looks for formulas that the parser does not survive, or reads
// differently twice.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"2x+1", "ln x y", "sin**2 x", "3!", "(((", "x**", "4343_6", "1e5x", ".5.", "a2b", "alphab", "\xff½", "1e999999999", "0x1p-2", "sqrt(t,)", "2 and 3 or not 4"} {
		for d := range uint8(3) {
			f.Add(seed, d)
		}
	}
	f.Fuzz(func(t *testing.T, text string, dialect uint8) {
		start := time.Now()
		e, err := Parse(text, Dialect(dialect%3))
		if took := time.Since(start); took > 20*time.Second { // only a blow-up: the machine may be busy
			t.Errorf("%.60q (%d bytes) took %v", text, len(text), took)
		}
		if err != nil {
			if e != nil || !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("Parse(%q) = %v, %v", text, e, err)
			}
			return
		}
		again, err := Parse(text, Dialect(dialect%3))
		if err != nil || zero(again) != zero(e) {
			t.Errorf("%q is read differently twice: %v", text, err)
		}
	})
}
