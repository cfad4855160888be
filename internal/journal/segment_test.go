package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// openSmall opens a journal whose segments are sealed at limit bytes.
func openSmall(t testing.TB, dir string, limit int64, log *bytes.Buffer) *Journal {
	t.Helper()
	out := slog.New(slog.DiscardHandler)
	if log != nil {
		out = slog.New(slog.NewTextHandler(log, nil))
	}
	j, err := open(dir, out, limit)
	if err != nil {
		t.Fatal(err)
	}
	go j.write()
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// fill makes a journal of n replies in segments of about limit bytes and closes
// it. It commits many at once, which is what takes time.
func fill(t testing.TB, dir string, n int, limit int64) {
	t.Helper()
	j, err := open(dir, slog.New(slog.DiscardHandler), limit)
	if err != nil {
		t.Fatal(err)
	}
	var batch []*put
	var size int64
	for i := range n {
		r := replyOf(i, 100)
		value, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		p := &put{key: keyOf(i), line: appendLine(nil, keyOf(i), value), totals: totalsOf(r.PromptTokens, r.CompletionTokens, nil), done: make(chan error, 1)}
		batch, size = append(batch, p), size+int64(len(p.line))
		if size < min(limit, 1<<20) && i < n-1 {
			continue
		}
		j.commit(batch)
		if err := <-p.done; err != nil {
			t.Fatal(err)
		}
		batch, size = nil, 0
	}
	go j.write()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantAll(t testing.TB, j getter, n int) {
	t.Helper()
	for i := range n {
		wantReply(t, j, keyOf(i), replyOf(i, 100))
	}
	wantNone(t, j, keyOf(n))
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

func mustRead(t testing.TB, dir string) *Reader {
	t.Helper()
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func verify(t testing.TB, dir string) (Verified, []Damage) {
	t.Helper()
	var damages []Damage
	v, err := Verify(dir, func(d *Damage) { damages = append(damages, *d) })
	if err != nil {
		t.Fatal(err)
	}
	return v, damages
}

func TestSeal(t *testing.T) {
	dir := t.TempDir()
	j := openSmall(t, dir, 2000, nil)
	for i := range 20 {
		mustPut(t, j, keyOf(i), replyOf(i, 100))
		wantReply(t, j, keyOf(i), replyOf(i, 100))
	}
	wantAll(t, j, 20)
	mustPut(t, j, keyOf(3), said("again")) // the old one is in a sealed segment
	want := Totals{Replies: 21, PromptTokens: 190, CompletionTokens: 140, Unpriced: 21}
	check := func(j interface {
		getter
		Len() int
		Totals() Totals
	}) {
		t.Helper()
		wantReply(t, j, keyOf(3), said("again"))
		wantReply(t, j, keyOf(19), replyOf(19, 100))
		if j.Len() != 20 || j.Totals() != want {
			t.Errorf("Len %d, Totals %+v; want 20, %+v", j.Len(), j.Totals(), want)
		}
	}
	check(j)
	check(mustRead(t, dir))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if files := strings.Join(names(t, dir), " "); !strings.HasPrefix(files, "journal-00000.jsonl journal-00000.jsonl.idx journal-00001.jsonl journal-00001.jsonl.idx") {
		t.Errorf("files are %s", files)
	}
	var log bytes.Buffer
	check(openSmall(t, dir, 2000, &log))
	if log.Len() > 0 {
		t.Errorf("an undamaged journal made a report: %s", &log)
	}
	if v, damages := verify(t, dir); len(damages) > 0 || v.Replies != 21 || v.Keys != 20 {
		t.Errorf("%+v, %v", v, damages)
	}
}

// A process that was killed while it sealed is no different from one that was
// killed before or after.
func TestKilledWhileSealing(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 5, 1<<20)
	seal := func() { // as sealFull does, up to the new segment
		s, err := openStore(dir, mode{repair: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		s.open().seal(nil)
		if err := s.segments[0].writeIndex(); err != nil {
			t.Fatal(err)
		}
	}
	seal()
	wantAll(t, mustRead(t, dir), 5)
	j := mustOpen(t, dir, nil)
	wantAll(t, j, 5)
	mustPut(t, j, keyOf(5), replyOf(5, 100))
	if got := names(t, dir); !reflect.DeepEqual(got, []string{"journal-00000.jsonl", "journal-00000.jsonl.idx", "journal-00001.jsonl", "journal.lock"}) {
		t.Errorf("files are %v", got)
	}
	// The index is unfinished: the segment is still the open one.
	dir2 := t.TempDir()
	fill(t, dir2, 5, 1<<20)
	if err := os.WriteFile(filepath.Join(dir2, "journal-00000.jsonl.idx.tmp"), []byte("half"), fileMode); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, dir2, nil)
	wantAll(t, j, 5)
	if got := names(t, dir2); !reflect.DeepEqual(got, []string{"journal-00000.jsonl", "journal.lock"}) {
		t.Errorf("files are %v", got)
	}
}

// An index that cannot be used is made anew and reported, by the writer; a reader
// does without.
func TestIndexIsMadeAnew(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"empty":   func(path string) error { return os.WriteFile(path, nil, fileMode) },
		"one byte": func(path string) error {
			data, err := os.ReadFile(path)
			data[len(data)/2] ^= 1
			return errors.Join(err, os.WriteFile(path, data, fileMode))
		},
		"of another segment": func(path string) error {
			data, err := os.ReadFile(strings.Replace(path, "00000", "00001", 1))
			return errors.Join(err, os.WriteFile(path, data, fileMode))
		},
		"segment grew": func(path string) error {
			f, err := os.OpenFile(strings.TrimSuffix(path, indexSuffix), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			value, err := replyOf(30, 100).encode()
			if err != nil {
				return err
			}
			_, err = f.Write(appendLine(nil, keyOf(30), value))
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, 30, 3000)
			path := filepath.Join(dir, "journal-00000.jsonl.idx")
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			spoiled, _ := os.ReadFile(path) // nil if it is missing
			n := 30
			if name == "segment grew" {
				n = 31
			}
			wantAll(t, mustRead(t, dir), n)
			if after, _ := os.ReadFile(path); !bytes.Equal(after, spoiled) {
				t.Error("a reader changed the index")
			}
			if v, damages := verify(t, dir); (v.Damages == 1) != (name != "missing") || v.Damages == 1 && damages[0].File != filepath.Base(path) {
				t.Errorf("verify says %v", damages)
			}
			var log bytes.Buffer
			j := openSmall(t, dir, 3000, &log)
			wantAll(t, j, n)
			if !strings.Contains(log.String(), path) || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("log is %q", &log)
			}
			if after, err := os.ReadFile(path); err != nil || bytes.Equal(after, good) != (n == 30) {
				t.Errorf("the index is not that of its segment (%v)", err)
			}
			if _, damages := verify(t, dir); len(damages) > 0 {
				t.Errorf("verify says %v", damages)
			}
		})
	}
}

// An index that does not say what its segment holds, though its checksum is right.
func TestVerifyComparesIndexAndSegment(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 30, 3000)
	s, err := openStore(dir, mode{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.segments[0].index.head.Totals.CostUSD++
	if err := s.segments[0].writeIndex(); err != nil {
		t.Fatal(err)
	}
	if v, damages := verify(t, dir); v.Damages != 1 || damages[0].File != "journal-00000.jsonl.idx" {
		t.Errorf("%+v, %v", v, damages)
	}
	mustCompact(t, dir, nil)
	if v, damages := verify(t, dir); v.Damages != 0 || mustRead(t, dir).Totals().CostUSD != 0 {
		t.Errorf("after compaction: %+v, %v", v, damages)
	}
}

// Damage that came after a segment was sealed: Get says so and what to do, verify
// names the place.
func TestDamageInASealedSegment(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 30, 3000)
	data := read(t, dir)
	line := bytes.IndexByte(data, '\n') + 1
	data[line+200] ^= 1 // in the second line
	if err := os.WriteFile(file(dir), data, fileMode); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, dir, nil)
	if _, _, err := j.Get(keyOf(1)); err == nil || !strings.Contains(err.Error(), "tinyv journal compact") || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("Get: %v", err)
	}
	wantReply(t, j, keyOf(0), replyOf(0, 100))
	wantReply(t, j, keyOf(2), replyOf(2, 100))
	v, damages := verify(t, dir)
	if v.Damages != 1 || damages[0].Line != 2 || damages[0].Offset != int64(line) || damages[0].File != fileName || !strings.HasPrefix(damages[0].Begins, `{"key":"`) {
		t.Errorf("%+v, %+v", v, damages)
	}
}

func TestReaderLeavesATornTailAlone(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 3, 1<<20)
	whole := read(t, dir)
	torn := append(bytes.Clone(whole), `{"key":"00`...)
	if err := os.WriteFile(file(dir), torn, fileMode); err != nil {
		t.Fatal(err)
	}
	r := mustRead(t, dir)
	wantAll(t, r, 3)
	n := 0
	for _, err := range r.All() {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("All yields %d records", n)
	}
	v, damages := verify(t, dir)
	if v.Damages != 0 || len(damages) != 1 || !damages[0].Torn || damages[0].Line != 4 || damages[0].Length != 10 || damages[0].Begins != `{"key":"00` {
		t.Errorf("%+v, %+v", v, damages)
	}
	if !bytes.Equal(read(t, dir), torn) {
		t.Error("a reader changed the file")
	}
	var log bytes.Buffer
	wantAll(t, mustOpen(t, dir, &log), 3)
	for _, want := range []string{"bytes_cut=10", fmt.Sprintf("offset=%d", len(whole)), `begins="{\"key\":\"00"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log is %q, want %s", &log, want)
		}
	}
}

// Readers are opened again and again while a writer writes and seals; each sees
// some whole beginning of what was put.
func TestReaderBesideAWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openSmall(t, dir, 4000, nil)
	mustPut(t, j, keyOf(0), replyOf(0, 100))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 1; n < 3000 && ctx.Err() == nil; n++ {
			if err := j.Put(t.Context(), keyOf(n), replyOf(n, 100)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer wg.Wait()
	defer cancel()
	for range 15 {
		r, err := OpenReader(dir)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for rec, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Key != keyOf(n) || !reflect.DeepEqual(rec.Reply, replyOf(n, 100)) || rec.Superseded {
				t.Fatalf("record %d is %+v", n, rec)
			}
			n++
		}
		if n != r.Len() || int64(n) != r.Totals().Replies {
			t.Fatalf("%d records, Len %d, Totals %+v", n, r.Len(), r.Totals())
		}
		wantAll(t, r, n)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "absent")} {
		if _, err := OpenReader(path); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v", err)
		}
	}
	fill(t, dir, 1, 1000)
	r := mustRead(t, dir)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Get(keyOf(0)); !errors.Is(err, ErrClosed) {
		t.Errorf("Get on a closed reader: %v", err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 300, 20_000)
	r := mustRead(t, dir)
	for i := range 300 {
		key := keyOf(i)
		for _, digits := range []int{64, 7, 8} {
			got, err := r.Find(strings.ToUpper(key.String()[:digits]), 10)
			if err != nil || len(got) != 1 || got[0] != key {
				t.Fatalf("Find(%s) = %v, %v", key.String()[:digits], got, err)
			}
		}
	}
	if got, err := r.Find("", 1000); err != nil || len(got) != 300 {
		t.Errorf("%d keys, %v", len(got), err)
	}
	if got, err := r.Find("", 3); err != nil || len(got) != 3 {
		t.Errorf("%d keys, %v", len(got), err)
	}
	if got, err := r.Find(keyOf(300).String(), 1); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"xyz", strings.Repeat("0", 65)} {
		if _, err := r.Find(bad, 1); err == nil {
			t.Errorf("%q was taken for a key", bad)
		}
	}
}

func TestParseName(t *testing.T) {
	for name, want := range map[string]struct {
		number         int
		compressed, ok bool
	}{
		"journal-00000.jsonl":       {0, false, true},
		"journal-00012.jsonl.zst":   {12, true, true},
		"journal-123456.jsonl":      {123456, false, true},
		"journal-012345.jsonl":      {}, // is journal-12345.jsonl
		"journal-0.jsonl":           {},
		"journal--0001.jsonl":       {},
		"journal-00000.jsonl.idx":   {},
		"journal-00000.jsonl.tmp":   {},
		"journal.lock":              {},
		"journal-00000.jsonl.zst.x": {},
	} {
		number, compressed, ok := parseName(name)
		if ok != want.ok || ok && (number != want.number || compressed != want.compressed) {
			t.Errorf("%s: %d, %v, %v", name, number, compressed, ok)
		}
	}
}

// A file of the first version of the journal, its checksum computed by another
// program, is read as it is: no change of the format may orphan paid replies.
func TestOldJournal(t *testing.T) {
	const line = `{"key":"0f00000000000000000000000000000000000000000000000000000000000000","crc32c":"31b7ee26","value":` +
		`{"content":"fine","finish_reason":"stop","model":"m","prompt_tokens":1,"completion_tokens":2,"latency_ms":1.5,"host":"h:1","time":"2026-11-21T10:00:00Z"}}`
	dir := t.TempDir()
	if err := os.WriteFile(file(dir), []byte(line+"\n"), fileMode); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, dir, nil)
	wantReply(t, j, Key{0x0f}, Reply{
		Content: "fine", FinishReason: "stop", Model: "m", PromptTokens: 1, CompletionTokens: 2, LatencyMS: 1.5, Host: "h:1",
		Time: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
	})
	if got, want := j.Totals(), (Totals{Replies: 1, PromptTokens: 1, CompletionTokens: 2, Unpriced: 1}); got != want {
		t.Errorf("Totals %+v, want %+v", got, want)
	}
}

func mkdirTemp(root string) (string, error) { return os.MkdirTemp(root, "") }

// removeIndex deletes the index of the n-th segment, if it has one.
func removeIndex(dir string, n int) error {
	found, err := list(dir)
	if err != nil || n >= len(found) {
		return err
	}
	if err := os.Remove(found[n].indexPath()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sealed adds the checksum that an index file ends with.
func sealed(body []byte) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(body), checksum(body, nil))
}
