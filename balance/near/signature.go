package near

import (
	"math"
	"math/rand/v2"

	"tinyv/balance/question"
)

// permutations is the number of hash functions.
const permutations = 128

// signature is the least value of every hash function over a question's shingles.
type signature [permutations]uint32

// sketcher makes signatures. It keeps its memory from one to the next.
type sketcher struct {
	factors, offsets [permutations]uint64
	shingle          int
	words            []uint64
	shingles         []uint64
}

func newSketcher(seed int64, shingle int) *sketcher {
	r := rand.New(rand.NewPCG(uint64(seed), 0x6e656172))
	s := &sketcher{shingle: shingle}
	for i := range permutations {
		s.factors[i], s.offsets[i] = r.Uint64()|1, r.Uint64()
	}
	return s
}

// sketch returns a question's signature and a hash of its numbers. It is not ok if
// the question is shorter than a shingle.
func (s *sketcher) sketch(text string, out *signature) (numbers uint64, ok bool) {
	s.words, s.shingles = s.words[:0], s.shingles[:0]
	numbers = mix(1)
	previous := ""
	for word := range question.Words(question.Normalize(text)) {
		h := hash(word)
		s.words = append(s.words, h)
		if isNumber(word) {
			if previous == "-" {
				h = ^h
			}
			numbers = mix(numbers ^ h)
		}
		previous = word
	}
	if len(s.words) < s.shingle {
		return 0, false
	}
	for i := range len(s.words) - s.shingle + 1 {
		h := uint64(s.shingle)
		for _, word := range s.words[i : i+s.shingle] {
			h = mix(h ^ word)
		}
		s.shingles = append(s.shingles, h)
	}
	for i := 0; i < permutations; i += 4 { // four at a time do not wait for one another
		f0, f1, f2, f3 := s.factors[i], s.factors[i+1], s.factors[i+2], s.factors[i+3]
		o0, o1, o2, o3 := s.offsets[i], s.offsets[i+1], s.offsets[i+2], s.offsets[i+3]
		l0, l1, l2, l3 := uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64)
		for _, h := range s.shingles {
			l0, l1, l2, l3 = min(l0, h*f0+o0), min(l1, h*f1+o1), min(l2, h*f2+o2), min(l3, h*f3+o3)
		}
		out[i], out[i+1], out[i+2], out[i+3] = uint32(l0>>32), uint32(l1>>32), uint32(l2>>32), uint32(l3>>32)
	}
	return numbers, true
}

func isNumber(word string) bool {
	c := word[0]
	return c-'0' < 10 || c == '.' && len(word) > 1 && word[1]-'0' < 10
}

// hash is FNV-1a, mixed.
func hash(word string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * 1099511628211
	}
	return mix(h)
}

// mix spreads every bit of x over all bits: the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// bands returns how many bands of how many rows a threshold needs.
func bands(threshold float64) (count, rows int) {
	for rows = permutations; rows > 1; rows-- {
		count = permutations / rows
		if 1-math.Pow(1-math.Pow(threshold, float64(rows)), float64(count)) >= 0.98 {
			return count, rows
		}
	}
	return permutations, 1
}

// band returns the hash of one band of a signature. It holds the numbers, so that
// questions with others do not meet.
func (s *signature) band(number, rows int, numbers uint64) uint64 {
	h := mix(numbers + uint64(number))
	for _, v := range s[number*rows : (number+1)*rows] {
		h = mix(h ^ uint64(v))
	}
	return h
}
