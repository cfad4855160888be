package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func takeDown(t testing.TB, s *Shelves) (records []Record) {
	t.Helper()
	for shelf, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		all, err := shelf.Records()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			records = append(records, Record{r.Place, []byte(r.Payload)})
		}
	}
	return records
}

// placed makes records of all places but some, in any order, some places with two.
func placed(places, size int, seed uint64) []Record {
	r := rand.New(rand.NewPCG(seed, 2))
	records := random(places, size, seed)
	for i, place := range r.Perm(places) {
		records[i].Key = uint64(place)
		if r.IntN(20) == 0 {
			records[i].Key = uint64(r.IntN(places))
		}
	}
	return records
}

func TestShelves(t *testing.T) {
	for _, c := range []struct {
		name                 string
		places, size, chunks int // chunks on disk, at least
	}{
		{"nothing", 0, 0, 0},
		{"in memory", 100, 100, 0},
		{"many shelves", 20_000, 100, 30},
		{"without payload", 200_000, 0, 10},
		{"payloads larger than the memory", 10, 300 << 10, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := CreateShelves(dir, ".spool-*", MinMemory, uint64(c.places))
			want := placed(c.places, c.size, 1)
			for _, r := range want {
				if err := s.Put(r.Key, r.Payload); err != nil {
					t.Fatal(err)
				}
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("a process that is killed now leaves %v", left)
			}
			slices.SortFunc(want, compare)
			for range 2 {
				if !equal(takeDown(t, s), want) {
					t.Fatal("the records are others, or in another order")
				}
			}
			chunks := 0
			for _, shelf := range s.onDisk {
				chunks += len(shelf)
			}
			if chunks < c.chunks || c.chunks == 0 && s.file != nil {
				t.Errorf("%d chunks on disk, wanted %d", chunks, c.chunks)
			}
			if err := s.Put(0, nil); !errors.Is(err, errSorted) {
				t.Errorf("Put after All: %v", err)
			}
			if err := errors.Join(s.Close(), s.Close()); err != nil {
				t.Fatal(err)
			}
			if err := s.Put(0, nil); !errors.Is(err, errClosed) {
				t.Errorf("Put after Close: %v", err)
			}
		})
	}
}

// There are so few shelves that each has a good piece of the file.
func TestShelvesAreFew(t *testing.T) {
	for _, places := range []uint64{1, 4096, 4097, 5_000_000, 1 << 40} {
		s := CreateShelves("", "", 0, places)
		if n := uint64(len(s.onDisk)); n > mostShelves || n*s.perShelf < places || (n-1)*s.perShelf >= places {
			t.Errorf("%d places: %d shelves of %d", places, n, s.perShelf)
		}
	}
}

func TestShelvesProperties(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		places := rapid.IntRange(1, 12_000).Draw(rt, "places")
		records := placed(places, rapid.IntRange(0, 100).Draw(rt, "size"), rapid.Uint64().Draw(rt, "seed"))
		s := CreateShelves(dir, ".spool-*", MinMemory*rapid.IntRange(1, 4).Draw(rt, "memory"), uint64(places))
		defer s.Close()
		for _, r := range records {
			if err := s.Put(r.Key, r.Payload); err != nil {
				rt.Fatal(err)
			}
		}
		slices.SortFunc(records, compare)
		if !equal(takeDown(t, s), records) {
			rt.Fatal("not the records by place")
		}
	})
}

func TestShelvesFaults(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	s := CreateShelves(missing, ".spool-*", MinMemory, 10_000)
	var failed error
	for i := 0; i < 10_000 && failed == nil; i++ {
		failed = s.Put(uint64(i), make([]byte, 50))
	}
	if failed == nil || !strings.Contains(failed.Error(), missing) {
		t.Errorf("a missing directory: %v", failed)
	}
	for _, err := range s.All() {
		if err != failed {
			t.Errorf("All of broken shelves: %v", err)
		}
	}

	for name, damage := range map[string]func(f *os.File) error{
		"cut off":     func(f *os.File) error { return f.Truncate(40_000) },
		"cut at once": func(f *os.File) error { return f.Truncate(0) },
		"overwritten": func(f *os.File) error {
			_, err := f.WriteAt(bytes.Repeat([]byte{0xff}, 2*binary.MaxVarintLen64), 0)
			return err
		},
	} {
		s := CreateShelves(t.TempDir(), ".spool-*", MinMemory, 10_000)
		for i := range 10_000 {
			if err := s.Put(uint64(i), make([]byte, 50)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.wait(); err != nil {
			t.Fatal(err)
		}
		if err := damage(s.file); err != nil {
			t.Fatal(err)
		}
		var got error
		for shelf, err := range s.All() {
			if _, damaged := shelf.Records(); err == nil {
				err = damaged
			}
			if got = err; got != nil {
				break
			}
		}
		if got == nil {
			t.Errorf("%s: no error", name)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkShelves(b *testing.B) {
	s := CreateShelves(b.TempDir(), ".spool-*", 32<<20, 1<<20)
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 2))
	payload := make([]byte, 400)
	for b.Loop() {
		binary.BigEndian.PutUint64(payload, random.Uint64())
		if err := s.Put(random.Uint64N(1<<20), payload); err != nil {
			b.Fatal(err)
		}
	}
	n := len(takeDown(b, s))
	if n != b.N {
		b.Fatalf("%d of %d", n, b.N)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
}
