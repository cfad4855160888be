package algebra

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// formula draws a formula in the implicit dialect, without decimals.
func formula(depth int) *rapid.Generator[string] {
	leaf := rapid.SampledFrom([]string{"x", "y", "a", "1", "2", "3", "7", "12", "pi", "E", "I", "1/2", "sqrt(2)", "sqrt(12)", "ln(6)"})
	if depth == 0 {
		return leaf
	}
	return rapid.Custom(func(t *rapid.T) string {
		sub := formula(depth - 1)
		a := sub.Draw(t, "a")
		switch rapid.IntRange(0, 9).Draw(t, "form") {
		case 0, 1:
			return "(" + a + ")+(" + sub.Draw(t, "b") + ")"
		case 2:
			return "(" + a + ")-(" + sub.Draw(t, "b") + ")"
		case 3, 4:
			return "(" + a + ")(" + sub.Draw(t, "b") + ")"
		case 5:
			return "(" + a + ")/((" + sub.Draw(t, "b") + ")^2+5)"
		case 6:
			return fmt.Sprintf("(%s)^%d", a, rapid.IntRange(0, 4).Draw(t, "n"))
		case 7:
			return rapid.SampledFrom([]string{"sqrt", "sin", "cos", "exp", "atan"}).Draw(t, "f") + "(" + a + ")"
		}
		return a
	})
}

func draw(t *rapid.T, label string) *Expr {
	text := formula(3).Draw(t, label)
	e, err := Parse(text, Implicit)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return e
}

func TestReflexive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := draw(t, "e")
		if got := compare(e, e); got == Different {
			t.Errorf("an expression differs from itself")
		}
	})
}

func TestSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		if x, y := compare(a, b), compare(b, a); x != y {
			t.Errorf("%v one way, %v the other", x, y)
		}
	})
}

func TestReordering(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := make([]*Expr, rapid.IntRange(2, 4).Draw(t, "count"))
		for i := range parts {
			parts[i] = draw(t, "part")
		}
		shuffled := append([]*Expr(nil), parts...)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := compare(sum(parts...), sum(shuffled...)); got == Different {
			t.Errorf("a sum differs from itself reordered")
		}
		if got := compare(product(parts...), product(shuffled...)); got == Different {
			t.Errorf("a product differs from itself reordered")
		}
	})
}

// TestOneMore checks that an expression is never found equal to itself plus a
// number.
func TestOneMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := draw(t, "e")
		if got := compare(e, sum(e, exact(one))); got == Equal {
			t.Errorf("an expression equals itself plus one")
		}
	})
}

// TestFormAgainstValue checks the canonical form against the evaluation: where
// both decide, they agree.
func TestFormAgainstValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		square := func(e *Expr) *Expr { return power(e, exact(one)) }
		d := Difference(product(sum(a, b), Difference(a, b)), Difference(product(square(a), a), product(b, square(b))))
		effort := Effort(20 * DefaultEffort)
		if got := zeroAtPoints(d, &effort); got == Different {
			t.Errorf("(a+b)(a-b) differs from a*a-b*b by value")
		}
		if got := zero(d); got == Different {
			t.Errorf("(a+b)(a-b) differs from a*a-b*b by form")
		}
	})
}

func FuzzZero(f *testing.F) {
	for _, seed := range []string{
		"x", "2x+1", "sqrt(8)-2sqrt(2)", "1/(x-x)", "9^9^9^9", "ln x y", "sin**2 x", "3!", "4343_6", "1e5x", ".5", "(-8)^(1/3)", "E^(I pi)+1",
		"2 and 3", "7 ^ 3", "sqrt(t,)", "x**2.0", "0**0", "0^-1", "I**I", "factorial(x)", "012", "a2b", "alpha+alphab", "\xff", "½", "1/0.0", "5 !",
	} {
		for d := range uint8(3) {
			f.Add(seed, d)
		}
	}
	f.Fuzz(func(t *testing.T, text string, dialect uint8) {
		start := time.Now()
		e, err := Parse(text, Dialect(dialect%3))
		if err != nil {
			if !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("Parse(%q): %v", text, err)
			}
			return
		}
		zero(e)
		e.Value()
		if zero(Difference(e, sum(e, exact(one)))) == Equal {
			if !e.hasFloats() { // 1e300 + 1 is 1e300
				t.Errorf("%q equals itself plus one", text)
			}
		}
		if !e.hasFloats() && zero(Difference(e, e)) == Different {
			t.Errorf("%q differs from itself", text)
		}
		if took := time.Since(start); took > 20*time.Second { // only a blow-up: the machine may be busy
			t.Errorf("%q took %v", text, took)
		}
	})
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{"", "(", ")", "1+", "x=1", "x<1", "[1]", "{1}", "1,2", "x'", "sqrt", "sqrt*2", "5 !", "3!!", "x y)", "√2", "a;b", "if", "S+1", "\xff", "lambda x"} {
		if e, err := Parse(text, Implicit); !errors.Is(err, ErrSyntax) {
			t.Errorf("Parse(%q) = %v, %v, want a syntax error", text, e, err)
		}
	}
	for _, text := range []string{"2x", "x(1)", "ln 2", "x^2", "(1)(2)", "1 2"} {
		if e, err := Parse(text, Plain); !errors.Is(err, ErrSyntax) {
			t.Errorf("Parse(%q, Plain) = %v, %v, want a syntax error", text, e, err)
		}
	}
	for _, text := range []string{strings.Repeat("(", 10_000), strings.Repeat("x+", 20_000), strings.Repeat("9", 5000)} {
		if _, err := Parse(text, Implicit); !errors.Is(err, ErrTooLarge) {
			t.Errorf("Parse of %d bytes: %v, want too large", len(text), err)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]float64{
		"6^3": 5, "2*3^2": 4, "10^-1": -11, "2 and 3": 3, "0 or 4": 4, "1/4": 0.25, "sqrt(2)**2": 2, "2**-1": 0.5, "-2**2": -4, "7/2*2": 7, "exp(0)": 1, "log(E)": 1,
	} {
		z, ok := mustParse(t, text, Plain).Value()
		if !ok || real(z) != want || imag(z) != 0 {
			t.Errorf("%q = %v, %v, want %v", text, z, ok, want)
		}
	}
	if z, ok := mustParse(t, "2*3.14^2", PlainPower).Value(); !ok || real(z) != 2*3.14*3.14 {
		t.Errorf("2*3.14^2 = %v", z)
	}
	if z, ok := mustParse(t, "x+1", Plain).Value(); ok {
		t.Errorf("x+1 = %v, want no value", z)
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, pair := range [][2]string{
		{"(x+1)^2", "x^2+2x+1"}, {"sqrt(8)", "2sqrt(2)"}, {"sin(x)^2+cos(x)^2", "1"}, {"1/(1+sqrt(2))", "sqrt(2)-1"}, {"3x+2", "2x+3"},
	} {
		b.Run(pair[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x, err := Parse(pair[0], Implicit)
				if err != nil {
					b.Fatal(err)
				}
				y, err := Parse(pair[1], Implicit)
				if err != nil {
					b.Fatal(err)
				}
				compare(x, y)
			}
		})
	}
}
