package brief

import "testing"

func TestOf(t *testing.T) {
	for _, c := range []struct {
		text, want string
	}{
		{"", ""}, {"abcd", "abcd"}, {"abcde", "abc…"}, {"äöüß", "äöüß"}, {"äöüßé", "äöü…"}, {"\xff\xff\xff\xff", "\xff\xff\xff\xff"}, {"\xff\xff\xff\xff\xff", "\xff\xff\xff…"},
	} {
		if got := Of(c.text, 4); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := Of("ab", 1); got != "…" {
		t.Errorf("of one: %q", got)
	}
}
