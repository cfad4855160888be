package synth

import (
	"slices"

	"tinyv/verify/algebra"
)

// differ reports whether two answers of one written form certainly differ. False
// says nothing: they may be equal, or it could not be shown.
func differ(a, b *reading) bool {
	if a.shape != b.shape {
		return false
	}
	switch a.shape {
	case option, word:
		return a.said != b.said
	case tuple:
		return len(a.parts) == len(b.parts) && slices.ContainsFunc(indices(a.parts), func(i int) bool {
			return a.parts[i].differsAt(0, b.parts[i], 0)
		})
	case ratio:
		return ratiosDiffer(a.parts, b.parts)
	case region:
		return regionsDiffer(a.pieces, b.pieces)
	}
	return has(a.parts, b.parts) || has(b.parts, a.parts)
}

func indices(parts []part) []int {
	all := make([]int, len(parts))
	for i := range all {
		all[i] = i
	}
	return all
}

// has reports whether one of some values certainly differs from all of others.
func has(some, others []part) bool {
	for _, p := range some {
		for i := range p.values {
			if !slices.ContainsFunc(others, func(q part) bool {
				return slices.ContainsFunc(q.indices(), func(j int) bool { return !p.differsAt(i, q, j) })
			}) {
				return true
			}
		}
	}
	return false
}

func (p part) indices() []int { return []int{0, 1}[:len(p.values)] }

func ratiosDiffer(a, b []part) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		x, xOK := parsed("("+a[i].values[0].text+")*("+b[i+1].values[0].text+")", a[i].values[0].effort)
		y, yOK := parsed("("+b[i].values[0].text+")*("+a[i+1].values[0].text+")", a[i].values[0].effort)
		if xOK && yOK && x.differs(y) {
			return true
		}
	}
	return false
}

// regionsDiffer compares sets of numbers, not how they are cut into intervals.
func regionsDiffer(a, b []piece) bool {
	x, xOK := joined(a)
	y, yOK := joined(b)
	if !xOK || !yOK {
		return false
	}
	if len(x) != len(y) {
		return true
	}
	for i := range x {
		p, q := x[i], y[i]
		if endsDiffer(p.lo, q.lo) || endsDiffer(p.hi, q.hi) {
			return true
		}
		if p.loClosed != q.loClosed && p.lo.infinite == 0 && same(p.lo, q.lo) || p.hiClosed != q.hiClosed && p.hi.infinite == 0 && same(p.hi, q.hi) {
			return true
		}
	}
	return false
}

// joined sorts intervals and joins those that overlap or touch. It is not ok where
// the order of two ends is not certain.
func joined(pieces []piece) ([]piece, bool) {
	pieces = slices.Clone(pieces)
	pieces = slices.DeleteFunc(pieces, func(p piece) bool { return before(p.hi, p.lo) })
	ok := true
	slices.SortFunc(pieces, func(p, q piece) int {
		switch {
		case before(p.lo, q.lo):
			return -1
		case before(q.lo, p.lo):
			return 1
		}
		ok = ok && same(p.lo, q.lo)
		if p.loClosed != q.loClosed { // the one that has the end comes first
			if p.loClosed {
				return -1
			}
			return 1
		}
		return 0
	})
	var out []piece
	for _, p := range pieces {
		if !before(p.lo, p.hi) { // a single point, or uncertain
			return nil, false
		}
		if len(out) == 0 {
			out = append(out, p)
			continue
		}
		last := &out[len(out)-1]
		switch {
		case before(last.hi, p.lo):
			out = append(out, p)
			continue
		case !before(p.lo, last.hi) && !same(p.lo, last.hi):
			return nil, false
		case same(p.lo, last.hi) && !last.hiClosed && !p.loClosed:
			out = append(out, p)
			continue
		}
		switch {
		case before(last.hi, p.hi):
			last.hi, last.hiClosed = p.hi, p.hiClosed
		case same(last.hi, p.hi):
			last.hiClosed = last.hiClosed || p.hiClosed
		case !before(p.hi, last.hi):
			return nil, false
		}
	}
	return out, ok
}

func endsDiffer(a, b part) bool {
	if a.infinite != 0 || b.infinite != 0 {
		return a.infinite != b.infinite
	}
	return a.values[0].differs(b.values[0])
}

// same reports whether two ends are certainly the same.
func same(a, b part) bool {
	if a.infinite != 0 || b.infinite != 0 {
		return a.infinite == b.infinite
	}
	return a.values[0].equalTo(b.values[0]) == algebra.Equal
}
