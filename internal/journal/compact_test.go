package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"tinyv/internal/durable"
)

func mustCompact(t testing.TB, dir string, log *bytes.Buffer) Compacted {
	t.Helper()
	out := slog.New(slog.DiscardHandler)
	if log != nil {
		out = slog.New(slog.NewTextHandler(log, nil))
	}
	done, err := Compact(t.Context(), dir, out)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestCompact(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := openSmall(t, dir, 20_000, nil)
	for i := range 400 {
		mustPut(t, j, keyOf(i), said("superseded"))
	}
	for i := range 400 {
		mustPut(t, j, keyOf(i), replyOf(i, 100))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	done := mustCompact(t, dir, nil)
	if done.Kept != 400 || done.Superseded.Count != 400 || done.Damaged.Count != 0 || done.Rewritten != done.Segments || done.After*2 > done.Before {
		t.Errorf("%+v", done)
	}
	for _, name := range names(t, dir) {
		if !strings.HasSuffix(name, ".jsonl.zst") && !strings.HasSuffix(name, ".jsonl.zst.idx") && name != lockName {
			t.Errorf("%s is left", name)
		}
	}
	r := mustRead(t, dir)
	wantAll(t, r, 400)
	if _, size := r.Size(); size != done.After {
		t.Errorf("Size %d, the report says %d", size, done.After)
	}
	if v, damages := verify(t, dir); len(damages) > 0 || v.Replies != 400 {
		t.Errorf("%+v, %v", v, damages)
	}

	// There is nothing to do again, and what is put then goes into a new segment.
	if again := mustCompact(t, dir, nil); again.Rewritten != 0 || again.Before != done.After || again.After != done.After {
		t.Errorf("again: %+v", again)
	}
	j = mustOpen(t, dir, nil)
	wantAll(t, j, 400)
	mustPut(t, j, keyOf(400), replyOf(400, 100))
	mustPut(t, j, keyOf(7), said("better"))
	wantReply(t, j, keyOf(7), said("better"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// Only the segment with the superseded record is rewritten, besides the new one.
	if done := mustCompact(t, dir, nil); done.Rewritten != 2 || done.Superseded.Count != 1 {
		t.Errorf("%+v", done)
	}
	wantReply(t, mustRead(t, dir), keyOf(7), said("better"))
}

// Any tool that reads .zst reads a compacted segment as the lines it was.
func TestCompactedSegmentsArePlainLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fill(t, dir, 3000, 1<<30) // several frames
	lines := read(t, dir)
	mustCompact(t, dir, nil)
	packed, err := os.ReadFile(file(dir) + ".zst")
	if err != nil {
		t.Fatal(err)
	}
	if frames := bytes.Count(packed, []byte(zstdMagic)); frames < 5 {
		t.Errorf("%d frames", frames)
	}
	d, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var text bytes.Buffer
	if _, err := d.WriteTo(&text); err != nil || !bytes.Equal(text.Bytes(), lines) {
		t.Errorf("%v, %d bytes of text, want %d", err, text.Len(), len(lines))
	}
	if out, err := exec.Command("zstdcat", file(dir)+".zst").Output(); err == nil && !bytes.Equal(out, lines) {
		t.Error("zstdcat prints something else")
	}
}

// Compaction killed after any step: nothing is lost, the next opening tidies up,
// and the next compaction completes the work.
func TestCompactKilledAfterEachStep(t *testing.T) {
	t.Parallel()
	type killed struct{}
	make := func(dir string) { // plain and compressed segments, all with superseded records
		t.Helper()
		j := openSmall(t, dir, 5000, nil)
		for i := range 40 {
			mustPut(t, j, keyOf(i%25), said("superseded"))
			if i%8 == 0 {
				mustPut(t, j, keyOf(65+i/8), replyOf(65+i/8, 100))
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		mustCompact(t, dir, nil)
		j = openSmall(t, dir, 12_000, nil)
		for i := range 60 {
			mustPut(t, j, keyOf(i), replyOf(i, 100))
		}
		mustPut(t, j, keyOf(60), said("superseded"))
		for i := 60; i < 65; i++ {
			mustPut(t, j, keyOf(i), replyOf(i, 100))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var steps []string
	made, first := t.TempDir(), t.TempDir()
	make(made)
	if err := os.CopyFS(first, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	if _, err := compact(t.Context(), first, slog.New(slog.DiscardHandler), func(s string) { steps = append(steps, s) }); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sealed", "index removed", "written", "renamed", "indexed", "old index removed", "old segment removed", "dropped"} {
		if !slices.Contains(steps, want) {
			t.Errorf("no compaction comes to %q; steps are %v", want, steps)
		}
	}
	for stop, name := range steps {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if p := recover(); p != (killed{}) {
					t.Fatalf("step %d: %v", stop, p)
				}
			}()
			n := 0
			_, err := compact(t.Context(), dir, slog.New(slog.DiscardHandler), func(string) {
				if n == stop {
					panic(killed{})
				}
				n++
			})
			t.Fatalf("the compaction ended: %v", err)
		}()
		t.Run(fmt.Sprintf("%d-%s", stop, strings.ReplaceAll(name, " ", "-")), func(t *testing.T) {
			wantAll(t, mustRead(t, dir), 70)
			if _, damages := verify(t, dir); len(damages) > 0 {
				t.Errorf("verify says %v", damages)
			}
			j := mustOpen(t, dir, nil)
			wantAll(t, j, 70)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			seen := map[int]bool{}
			for _, name := range names(t, dir) {
				if strings.HasSuffix(name, durable.Suffix) {
					t.Errorf("%s is left", name)
				}
				if number, _, ok := parseName(name); ok {
					if seen[number] {
						t.Errorf("segment %d is there twice", number)
					}
					seen[number] = true
				}
			}
			mustCompact(t, dir, nil)
			r := mustRead(t, dir)
			wantAll(t, r, 70)
			if r.Totals().Replies != 70 {
				t.Errorf("%d replies after all", r.Totals().Replies)
			}
		})
	}
}

// A compressed file that is damaged does not take the plain one's place.
func TestLeftoverIsNotTrusted(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 50, 1<<20)
	plain := read(t, dir)
	mustCompact(t, dir, nil)
	packed, err := os.ReadFile(file(dir) + ".zst")
	if err != nil {
		t.Fatal(err)
	}
	packed[len(packed)/2] ^= 1
	if err := errors.Join(os.WriteFile(file(dir)+".zst", packed, fileMode), os.WriteFile(file(dir), plain, fileMode)); err != nil {
		t.Fatal(err)
	}
	wantAll(t, mustOpen(t, dir, nil), 50)
	if got := names(t, dir); !slices.Equal(got, []string{"journal-00000.jsonl", lockName}) {
		t.Errorf("files are %v", got)
	}
}

// Damage is dropped with a report, and only it. A record that is superseded by one
// that was damaged after it was indexed is the last sound one, and stays.
func TestCompactDropsDamage(t *testing.T) {
	dir := t.TempDir()
	j := openSmall(t, dir, 3000, nil)
	mustPut(t, j, keyOf(29), said("older, and sound"))
	for i := range 30 {
		mustPut(t, j, keyOf(i), replyOf(i, 100))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, name := range names(t, dir) {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{5, 29} {
			if i := bytes.Index(data, fmt.Appendf(nil, `"content":"%d:`, n)); i >= 0 && strings.HasSuffix(name, plainSuffix) {
				data[i+20] ^= 1
				damaged++
			}
		}
		if err := os.WriteFile(path, data, fileMode); err != nil {
			t.Fatal(err)
		}
	}
	if damaged != 2 {
		t.Fatalf("%d records are damaged", damaged)
	}
	var log bytes.Buffer
	done := mustCompact(t, dir, &log)
	if done.Damaged.Count != 2 || done.Superseded.Count != 0 || done.Kept != 29 || strings.Count(log.String(), "dropped a damaged record") != 2 {
		t.Errorf("%+v; %s", done, &log)
	}
	j = mustOpen(t, dir, nil)
	wantNone(t, j, keyOf(5))
	wantReply(t, j, keyOf(29), said("older, and sound"))
	if _, damages := verify(t, dir); len(damages) > 0 {
		t.Errorf("verify says %v", damages)
	}
}

// Any one byte changed in a compacted segment costs at most its frame, with or
// without the index.
func TestDamageInACompactedSegment(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 1500, 1<<30)
	mustCompact(t, dir, nil)
	path := file(dir) + ".zst"
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(path + indexSuffix)
	if err != nil {
		t.Fatal(err)
	}
	x, err := parseIndex(index)
	if err != nil || len(x.frames) < 3 {
		t.Fatal(err, len(x.frames))
	}
	checkFew(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(good)-1).Draw(t, "at")
		bad := bytes.Clone(good)
		bad[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if err := os.WriteFile(path, bad, fileMode); err != nil {
			t.Fatal(err)
		}
		hit := 0
		for hit+1 < len(x.frames) && x.frames[hit+1].off <= int64(at) {
			hit++
		}
		lost := func(key Key) bool {
			span, ok := x.find(key)
			return ok && span.off >= x.frames[hit].text && span.off < x.frames[hit].text+int64(x.frames[hit].textLen)
		}
		for _, with := range []bool{true, false} {
			if with {
				err = os.WriteFile(path+indexSuffix, index, fileMode)
			} else {
				err = os.Remove(path + indexSuffix)
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := OpenReader(dir)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < 1500; i += 7 {
				got, ok, err := r.Get(keyOf(i))
				if ok && got.PromptTokens != int64(i) {
					t.Fatalf("record %d is read as %v", i, got)
				}
				if !lost(keyOf(i)) && (!ok || err != nil) {
					t.Fatalf("record %d is lost to damage in another frame: %v", i, err)
				}
			}
			r.Close()
			found := false
			v, err := Verify(dir, func(d *Damage) { found = found || d.Offset <= int64(at) && int64(at) < d.Offset+d.Length })
			// A bit may be one that zstd does not look at; then nothing is lost.
			if err != nil || v.Replies < 1500 && !found {
				t.Fatalf("%d of 1500 replies, no damage found at byte %d: %v", v.Replies, at, err)
			}
		}
	})
}

func TestCompactNeedsTheLock(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, dir, nil)
	if _, err := Compact(t.Context(), dir, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d ", os.Getpid())) {
		t.Errorf("err = %v", err)
	}
	if _, err := Compact(t.Context(), filepath.Join(dir, "absent"), slog.New(slog.DiscardHandler)); !errors.Is(err, ErrNone) {
		t.Errorf("err = %v", err)
	}
}

func TestCompactCancelled(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 10, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compact(ctx, dir, slog.New(slog.DiscardHandler)); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	wantAll(t, mustRead(t, dir), 10)
}

// Readers are opened while segments are compacted under them.
func TestReaderBesideCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fill(t, dir, 300, 2000)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		if _, err := Compact(t.Context(), dir, slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	for rounds := 0; ; rounds++ {
		r, err := OpenReader(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
		}
		wantAll(t, r, 300)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
			t.Logf("%d readers beside the compaction", rounds)
			return
		default:
		}
	}
}

// Look-ups that meet Close are answered or told that the journal is closed.
func TestCloseAmongGets(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 3000, 1<<30)
	mustCompact(t, dir, nil)
	for range 10 {
		j := mustOpen(t, dir, nil)
		var wg sync.WaitGroup
		for c := range 8 {
			wg.Go(func() {
				for n := c; ; n = (n + 613) % 3000 { // another frame each time
					_, ok, err := j.Get(keyOf(n))
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil || !ok {
						t.Errorf("Get(%d): %v, %v", n, ok, err)
						return
					}
				}
			})
		}
		time.Sleep(time.Millisecond) // let some begin; none at worst
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
	}
}

func TestFrameCacheIsBounded(t *testing.T) {
	c, err := newFrameCache()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for i := range 300 {
		c.keep(cachedFrame{nil, int64(i), make([]byte, frameText)})
	}
	if c.bytes > frameCacheBytes || len(c.texts) != frameCacheBytes/frameText || c.find(nil, 299) == nil || c.find(nil, 0) != nil {
		t.Errorf("%d frames of %d bytes", len(c.texts), c.bytes)
	}
	c.keep(cachedFrame{nil, 300, make([]byte, 2*frameCacheBytes)}) // alone larger than the cache
	if len(c.texts) != 1 || c.find(nil, 300) == nil {
		t.Errorf("%d frames of %d bytes", len(c.texts), c.bytes)
	}
}

func BenchmarkCompact(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		fill(b, dir, 500, 1<<20)
		b.StartTimer()
		mustCompact(b, dir, nil)
	}
}
