package synth

import (
	"testing"

	"tinyv/verify/algebra"
)

func TestReadFormula(t *testing.T) {
	for in, want := range map[string]string{
		"5": "5", "-5": "-5", "0.50": "(50/100)", "1,234": "1234", `1{,}234{,}567`: "1234567", `16,\!386.16`: "(1638616/100)", "007": "7",
		`\frac{1}{2}`: "((1)/(2))", `\dfrac12`: "((1)/(2))", `\frac{360}7`: "(((360))/(7))", `-\tfrac34`: "-((3)/(4))", `1\frac{4}{5}`: "(1+((4)/(5)))", `\frac{5 \sqrt{6}}{3}`: "((5*sqrt((6)))/(3))",
		`2^{10}`: "(2)**((10))", "2^10": "", `x^2-10x+41`: "(v_x)**(2)-10*v_x+41", `9 \pi`: "9*pi", `3R^2`: "3*(v_R)**(2)", "8-i": "8-I", "e^{2}": "(E)**((2))", "xy": "v_x*v_y", "x_1": "v_x1",
		`\sqrt[3]{2}`: "((2))**(1/3)", `\sqrt 5`: "sqrt(5)", `\sqrt 15`: "", "2π": "2*pi", "5!": "5!", "(x+1)(x-2)": "(v_x+1)*(v_x-2)", `\sin 30`: "sin(30)", `\sin 2x`: "", `\log_2 3`: "",
		"1/2": "1/2", "1/2x": "", "2 3": "", "x2": "", "5 apples": "", "no": "", "": "", "f(2)": "", "101_2": "", `\pi + 2k\pi`: "", `\frac{1}{0}`: "", "1+": "", "(1": "", `\approx 3`: "", "x=3": "", "1,2": "", `|x|`: "",
		`\infty`: "", `0.\overline{3}`: "", `2^{3^2}`: "(2)**(((3)**(2)))", "2^3^2": "",
	} {
		effort := algebra.Effort(maxEffort)
		f, ok := readFormula(in, &effort)
		if want == "" && ok || want != "" && !ok {
			t.Errorf("%q: read %v as %q", in, ok, f.text)
			continue
		}
		// The texts may differ in brackets: what counts is the value.
		if want == "" {
			continue
		}
		if w, wok := parsed(want, &effort); !wok || f.differs(w) || f.text == "" {
			t.Errorf("%q reads as %q, want %q", in, f.text, want)
		}
	}
}
