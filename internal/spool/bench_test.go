package spool

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// BenchmarkSpool takes and returns records of 400 bytes, many times the memory.
func BenchmarkSpool(b *testing.B) {
	s := Create(b.TempDir(), ".spool-*", 32<<20)
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 2))
	payload := make([]byte, 400)
	for b.Loop() {
		binary.BigEndian.PutUint64(payload, random.Uint64())
		if err := s.Add(random.Uint64(), payload); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	for _, err := range s.Sorted() {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	if n != b.N {
		b.Fatalf("%d of %d", n, b.N)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
}
