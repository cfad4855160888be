package spool

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fill(t testing.TB, s *Spool, records []Record) {
	t.Helper()
	for _, r := range records {
		if err := s.Add(r.Key, r.Payload); err != nil {
			t.Fatal(err)
		}
	}
}

func collect(t testing.TB, s *Spool) (records []Record) {
	t.Helper()
	for r, err := range s.Sorted() {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, Record{r.Key, bytes.Clone(r.Payload)})
	}
	return records
}

func equal(a, b []Record) bool {
	return slices.EqualFunc(a, b, func(a, b Record) bool { return a.Key == b.Key && bytes.Equal(a.Payload, b.Payload) })
}

// random records, a tenth of which have keys in common.
func random(n, size int, seed uint64) []Record {
	r := rand.New(rand.NewPCG(seed, 1))
	records := make([]Record, n)
	for i := range records {
		payload := make([]byte, r.IntN(size+1))
		for j := range payload {
			payload[j] = byte(r.Uint32())
		}
		key := r.Uint64()
		if r.IntN(10) == 0 {
			key = r.Uint64N(4)
		}
		records[i] = Record{key, payload}
	}
	return records
}

// TestSorted compares with a sort in memory: what fits in memory, what makes many
// runs, no payload, equal keys, and a second reading.
func TestSorted(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []Record
		runs    int // on disk, at least
	}{
		{"nothing", nil, 0},
		{"in memory", random(100, 100, 1), 0},
		{"many runs", random(20_000, 100, 2), 30},
		{"without payload", random(20_000, 0, 3), 10},
		{"payloads larger than the memory", random(10, 300<<10, 4), 5},
		{"one key", slices.Repeat([]Record{{7, []byte("a")}, {7, nil}}, 10_000), 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := Create(dir, ".spool-*", MinMemory)
			fill(t, s, c.records)
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("a process that is killed now leaves %v", left)
			}
			if s.Len() != int64(len(c.records)) {
				t.Errorf("Len is %d of %d", s.Len(), len(c.records))
			}
			want := slices.Clone(c.records)
			slices.SortFunc(want, compare)
			for range 2 {
				if !equal(collect(t, s), want) {
					t.Fatal("the records are others, or in another order")
				}
			}
			if len(s.onDisk) < c.runs || c.runs == 0 && s.file != nil {
				t.Errorf("%d runs on disk, wanted %d", len(s.onDisk), c.runs)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestProperties holds for all records and all memories.
func TestProperties(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		records := random(rapid.IntRange(0, 3000).Draw(rt, "records"), rapid.IntRange(0, 200).Draw(rt, "size"), rapid.Uint64().Draw(rt, "seed"))
		s := Create(dir, ".spool-*", MinMemory*rapid.IntRange(1, 4).Draw(rt, "memory"))
		defer s.Close()
		fill(t, s, records)
		slices.SortFunc(records, func(a, b Record) int {
			return cmp.Or(cmp.Compare(a.Key, b.Key), strings.Compare(string(a.Payload), string(b.Payload)))
		})
		if !equal(collect(t, s), records) {
			rt.Fatal("not the sorted records")
		}
	})
}

// Several readings at once, and one that stops early: each has its own place, and
// no goroutine stays behind.
func TestInterruptedIteration(t *testing.T) {
	s := Create(t.TempDir(), ".spool-*", MinMemory)
	defer s.Close()
	fill(t, s, random(20_000, 50, 5))
	all := collect(t, s)
	n := 0
	for r, err := range s.Sorted() {
		if err != nil || r.Key != all[n].Key {
			t.Fatalf("record %d is %d, %v", n, r.Key, err)
		}
		if n++; n == 5000 {
			for other, err := range s.Sorted() {
				if err != nil || other.Key != all[0].Key {
					t.Fatalf("the first record is %d, %v", other.Key, err)
				}
				break
			}
			if !bytes.Equal(r.Payload, all[n-1].Payload) {
				t.Fatal("another reading changed the record")
			}
			break
		}
	}
	if err := s.Add(1, nil); !errors.Is(err, errSorted) {
		t.Errorf("Add after Sorted: %v", err)
	}
}

func TestClosed(t *testing.T) {
	s := Create(t.TempDir(), ".spool-*", MinMemory)
	fill(t, s, random(5000, 50, 6))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(1, nil); !errors.Is(err, errClosed) {
		t.Errorf("Add: %v", err)
	}
	for _, err := range s.Sorted() {
		if !errors.Is(err, errClosed) {
			t.Errorf("Sorted: %v", err)
		}
	}
}

// A directory that is not there, and a file that something else writes to: errors
// that name it, and never records that nobody added.
func TestFaults(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	s := Create(missing, ".spool-*", MinMemory)
	var failed error
	for i := 0; i < 10_000 && failed == nil; i++ {
		failed = s.Add(uint64(i), make([]byte, 50))
	}
	if failed == nil || !strings.Contains(failed.Error(), missing) {
		t.Errorf("a missing directory: %v", failed)
	}
	for _, err := range s.Sorted() {
		if err != failed {
			t.Errorf("Sorted of a broken spool: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}

	for name, damage := range map[string]func(f *os.File) error{
		"cut off":     func(f *os.File) error { return f.Truncate(40_000) },
		"cut at once": func(f *os.File) error { return f.Truncate(0) },
		"overwritten": func(f *os.File) error {
			_, err := f.WriteAt(binary.BigEndian.AppendUint64(nil, ^uint64(0)), 8)
			return err
		},
	} {
		s := Create(t.TempDir(), ".spool-*", MinMemory)
		fill(t, s, random(5000, 100, 7))
		if err := s.finish(); err != nil {
			t.Fatal(err)
		}
		if err := damage(s.file); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range s.Sorted() {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), s.file.Name()) {
			t.Errorf("%s: %v", name, last)
		}
		s.Close()
	}
}
