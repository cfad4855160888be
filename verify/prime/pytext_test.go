package prime

import (
	"math"
	"testing"
	"unicode"
)

func TestParseFloat(t *testing.T) {
	for text, want := range map[string]float64{
		"1": 1, "\u3000 1.5\u0085": 1.5, "-.5": -0.5, "5.": 5, "1_000.5": 1000.5, "1e3": 1000, "1E-2": 0.01, "+7": 7,
		"٣.٥": 3.5, "𝟙𝟚": 12, "1e999": math.Inf(1), "-Infinity": math.Inf(-1), "INF": math.Inf(1), "1e-999": 0,
	} {
		if got, ok := parseFloat(text); !ok || got != want {
			t.Errorf("parseFloat(%q) = %v, %v, want %v", text, got, ok, want)
		}
	}
	if got, ok := parseFloat("NaN"); !ok || !math.IsNaN(got) {
		t.Errorf("parseFloat(NaN) = %v, %v", got, ok)
	}
	for _, text := range []string{"", " ", ".", "e5", "1e", "1e+", "0x10", "1__0", "_1", "1_", "1_.5", "1._5", "1.2.3", "--1", "1-", "1 2", "²", "infinite", "1e5.5", "1ee5", "1p4", "\xff", "1\x1c"} {
		if got, ok := parseFloat(text); ok {
			t.Errorf("parseFloat(%q) = %v, want no number", text, got)
		}
	}
}

func TestLower(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "aB1": "ab1", "İS": "i\u0307s", "ΑΣ": "ας", "ΑΣΑ": "ασα", "Σ": "σ", "ΑΣ.": "ας.", "ΑΣ'Α": "ασ'α", "K": "k", "\xffA": "\xffa", "ẞ": "ß",
	} {
		if got := lower(text); got != want {
			t.Errorf("lower(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFloatText(t *testing.T) {
	for x, want := range map[float64]string{
		1: "1.0", 0.1: "0.1", 1e16: "1e+16", 1e15: "1000000000000000.0", 0.0001: "0.0001", 0.00001: "1e-05", -2.5: "-2.5", 0: "0.0", math.Inf(-1): "-inf",
	} {
		if got := floatText(x); got != want {
			t.Errorf("floatText(%v) = %q, want %q", x, got, want)
		}
	}
}

// TestDecimalValue checks the assumption behind decimalValue: the decimal
// digits of every script stand in runs that begin with zero and are a multiple
// of ten long.
func TestDecimalValue(t *testing.T) {
	run := rune(0)
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			if run%10 != 0 {
				t.Errorf("a run of %d digits ends before %U", run, r)
			}
			run = 0
			continue
		}
		if got := decimalValue(r); got != byte(run%10) {
			t.Errorf("decimalValue(%U) = %d, want %d", r, got, run%10)
		}
		run++
	}
}

func TestThousandsCommas(t *testing.T) {
	for text, want := range map[string]string{
		"1,234": "1234", "1,234,567": "1234567", "1,234,567,890": "1234,567890", "12,34": "12,34", "1,2345": "1,2345",
		"(1,234)": "(1234)", "1,234 and 5,678\n": "1234 and 5678\n", ",123": ",123", "1,,234": "1,,234", "٣,٤٥٦": "٣٤٥٦",
	} {
		if got := withoutThousandsCommas(text); got != want {
			t.Errorf("withoutThousandsCommas(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestMixedNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"7 3/4": "7+3/4", "1 2 3": "1+2 3", "12  34 5": "12+34+5", "a 1": "a 1", "1 a": "1 a", " 1 ": " 1 ", "1 2": "1+2",
	} {
		if got := mixedNumbers(text); got != want {
			t.Errorf("mixedNumbers(%q) = %q, want %q", text, got, want)
		}
	}
}
