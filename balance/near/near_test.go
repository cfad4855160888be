package near

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tinyv/balance/question"
	"tinyv/internal/rows"
	"tinyv/internal/shareddata"
)

func keyOf(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(question.Normalize(text)))
	return h.Sum64()
}

func clustersOf(t testing.TB, o Options, texts []string) map[uint64]uint64 {
	t.Helper()
	dir := t.TempDir()
	x, err := New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if err := x.Add(keyOf(text), text); err != nil {
			t.Fatal(err)
		}
	}
	found, err := x.Clusters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Fatalf("after Close: %v, %v", left, err)
	}
	return found
}

// together says whether texts are all in one cluster.
func together(found map[uint64]uint64, texts ...string) bool {
	first, ok := found[keyOf(texts[0])]
	for _, text := range texts[1:] {
		if other, in := found[keyOf(text)]; !in || other != first {
			return false
		}
	}
	return ok
}

const base = "A train leaves the station at 9 and travels 60 miles every hour towards the next town, where it stops for 5 minutes before it goes back. How far has it gone by noon?"

func TestClusters(t *testing.T) {
	reworded := strings.Replace(base, "next town", "other town", 1)
	again := strings.Replace(reworded, "goes back", "returns", 1)
	found := clustersOf(t, Options{Threshold: 0.6, Seed: 1}, []string{base, reworded, again, "Find $x+1$ where $x$ is the smallest prime.", "Hi", "Hi there"})
	if !together(found, base, reworded, again) || len(found) != 3 {
		t.Errorf("clusters: %v", found)
	}
	if smallest := min(keyOf(base), keyOf(reworded), keyOf(again)); found[keyOf(base)] != smallest {
		t.Errorf("the cluster is %d, not its smallest key %d", found[keyOf(base)], smallest)
	}
}

// Numbers make a problem: whatever the threshold, other numbers are another one.
func TestOtherNumbersAreNeverNear(t *testing.T) {
	long := strings.Repeat("and so on with many words that are the same in both ", 20)
	for _, pair := range [][2]string{
		{"what is 2+3 of " + long, "what is 2+4 of " + long},
		{"what is 2+3 of " + long, "what is 3+2 of " + long},
		{"what is 2+3 of " + long, "what is 2-3 of " + long},
		{"the temperature is 5 " + long, "the temperature is -5 " + long},
		{"the mass is 2.5 " + long, "the mass is 25 " + long},
		{"take 7 of " + long, "take a few of " + long},
		{"what is x^2 in " + long, "what is x^3 in " + long},
	} {
		if found := clustersOf(t, Options{Threshold: 0.01}, pair[:]); len(found) > 0 {
			t.Errorf("%.40q and %.40q are near", pair[0], pair[1])
		}
	}
	if found := clustersOf(t, Options{Threshold: 0.01}, []string{"what is 2+3 of " + long, "what was 2+3 of " + long}); len(found) != 2 {
		t.Error("the test's texts are not near with equal numbers either")
	}
}

func TestShorterThanAShingle(t *testing.T) {
	if found := clustersOf(t, Options{Threshold: 0.5, Shingle: 4}, []string{"solve for x", "solve for X!!", "solve for", ""}); len(found) != 0 {
		t.Errorf("clusters: %v", found)
	}
}

// shingles is the exact set, and share the exact similarity.
func shingles(text string, n int) map[string]bool {
	words := slices.Collect(question.Words(question.Normalize(text)))
	set := map[string]bool{}
	for i := range len(words) - n + 1 {
		set[strings.Join(words[i:i+n], " ")] = true
	}
	return set
}

func share(a, b map[string]bool) float64 {
	both := 0
	for s := range a {
		if b[s] {
			both++
		}
	}
	return float64(both) / float64(len(a)+len(b)-both)
}

// mutate replaces some words of a text.
func mutate(r *rand.Rand, words []string, times int) []string {
	words = slices.Clone(words)
	for range times {
		words[r.IntN(len(words))] = fmt.Sprint("other", string(rune('a'+r.IntN(26))), string(rune('a'+r.IntN(26))))
	}
	return words
}

func randomWords(r *rand.Rand) []string {
	words := make([]string, 30+r.IntN(60))
	for i := range words {
		words[i] = "w" + string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(4)))
	}
	return words
}

// TestAgainstExactJaccard compares with all pairs. Pairs of a text and one copy of
// it, so that no cluster holds more than one pair.
func TestAgainstExactJaccard(t *testing.T) {
	for _, threshold := range []float64{0.5, 0.8, 0.9} {
		r := rand.New(rand.NewPCG(7, 7))
		var texts []string
		for range 1000 {
			words := randomWords(r)
			texts = append(texts, strings.Join(words, " "), strings.Join(mutate(r, words, r.IntN(8)+1), " "))
		}
		found := clustersOf(t, Options{Threshold: threshold, Seed: 3}, texts)
		var truth, hit, near, missed, wrong int
		for i := 0; i < len(texts); i += 2 {
			s := share(shingles(texts[i], 3), shingles(texts[i+1], 3))
			is := together(found, texts[i], texts[i+1])
			if s >= threshold {
				truth++
			}
			if is {
				near++
			}
			if is && s >= threshold {
				hit++
			}
			if !is && s >= threshold+0.12 {
				missed++
			}
			if is && s < threshold-0.12 {
				wrong++
			}
		}
		t.Logf("threshold %.1f: %d pairs of 1000 are near; recall %.3f, precision %.3f", threshold, truth, float64(hit)/float64(truth), float64(hit)/float64(near))
		if missed+wrong > 2 {
			t.Errorf("threshold %v: %d pairs missed and %d wrong by more than 0.12", threshold, missed, wrong)
		}
		if 2*near != len(found) {
			t.Errorf("threshold %v: %d keys in clusters, and %d pairs; strangers are clustered", threshold, len(found), near)
		}
	}
}

// The order of adding and adding again change nothing. Random texts in a loop: an
// index opens too many files for rapid's hundred checks.
func TestOrderDoesNotMatter(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 0))
		var texts []string
		for range 1 + r.IntN(3) {
			words := randomWords(r)
			for range []int{1, 2, 5, 90}[r.IntN(4)] { // 90 is more than the window
				texts = append(texts, strings.Join(mutate(r, words, r.IntN(12)), " "))
			}
		}
		o := Options{Threshold: []float64{0.5, 0.7, 0.8, 1}[r.IntN(4)], Seed: r.Int64(), Shingle: 1 + r.IntN(5)}
		once := clustersOf(t, o, texts)
		texts = append(texts, texts[:len(texts)/2]...)
		r.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
		again := clustersOf(t, o, texts)
		if !maps.Equal(once, again) {
			t.Fatalf("%+v: %d keys in clusters, and %d after shuffling", o, len(once), len(again))
		}
		members := map[uint64]int{}
		for key, smallest := range once {
			members[smallest]++
			if smallest > key || once[smallest] != smallest {
				t.Fatalf("%d is in the cluster %d, and that in %d", key, smallest, once[smallest])
			}
		}
		for smallest, n := range members {
			if n < 2 {
				t.Fatalf("%d is alone", smallest)
			}
		}
	}
}

func TestKeySet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var set keySet
		want := map[uint64]bool{}
		for _, k := range rapid.SliceOf(rapid.OneOf(rapid.Uint64Range(0, 300), rapid.Uint64())).Draw(rt, "keys") {
			if set.has(k) != want[k] {
				rt.Fatalf("has(%d) is %v", k, !want[k])
			}
			if !want[k] {
				set.add(k)
				want[k] = true
			}
		}
		for k := range want {
			if !set.has(k) {
				rt.Fatalf("%d is gone", k)
			}
		}
	})
}

func TestBands(t *testing.T) {
	for threshold, want := range map[float64][2]int{0.5: {42, 3}, 0.6: {32, 4}, 0.7: {25, 5}, 0.8: {18, 7}, 0.9: {11, 11}, 0.95: {8, 16}, 1: {1, 128}, 0.01: {128, 1}} {
		if count, rows := bands(threshold); [2]int{count, rows} != want {
			t.Errorf("at %v: %d bands of %d; the package's doc says %v", threshold, count, rows, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, o := range []Options{{}, {Threshold: -1}, {Threshold: 1.01}, {Threshold: 0.5, Shingle: -1}} {
		if x, err := New(t.TempDir(), o); err == nil {
			x.Close()
			t.Errorf("%+v is taken", o)
		}
	}
	if _, err := New(t.TempDir()+"/none", Options{Threshold: 0.8}); err == nil {
		t.Error("a directory that is not there is taken")
	}
	x, err := New(t.TempDir(), Options{Threshold: 0.8})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if err := x.Add(1, base); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Clusters(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := x.Add(2, base); err == nil {
		t.Error("Add after Clusters is taken")
	}

	broken, err := New(t.TempDir(), Options{Threshold: 0.8})
	if err != nil {
		t.Fatal(err)
	}
	broken.sketches.file.Close() // as a disk that fails
	for i := uint64(0); err == nil && i < 10000; i++ {
		err = broken.Add(i, base)
	}
	if err == nil || broken.Add(1, base) == nil {
		t.Fatalf("a file that cannot be written: %v", err)
	}
	if _, err := broken.Clusters(t.Context()); err == nil {
		t.Error("clusters of files that are not whole")
	}
	broken.Close()
}

const instruction = " Let's think step by step and output the final answer within \\boxed{}."

func bigMath(t testing.TB) []string {
	var texts []string
	for r, err := range rows.Records(shareddata.Path(t, "data", "bigmath-rl.parquet")) {
		if err != nil {
			t.Fatal(err)
		}
		v, _ := r.Lookup("extra_info.question")
		texts = append(texts, strings.TrimSuffix(v.(string), instruction))
	}
	return texts
}

// TestRealQuestions plants paraphrases among 5,000 published questions.
func TestRealQuestions(t *testing.T) {
	texts := bigMath(t)
	before := clustersOf(t, Options{Threshold: 0.8, Seed: 1}, texts)
	members := map[uint64][]string{}
	seen := map[uint64]bool{}
	for _, text := range texts {
		if smallest, ok := before[keyOf(text)]; ok && !seen[keyOf(text)] {
			members[smallest] = append(members[smallest], text)
		}
		seen[keyOf(text)] = true
	}
	t.Logf("%d rows, %d distinct questions, %d of them in %d clusters", len(texts), len(seen), len(before), len(members))
	for _, smallest := range slices.Sorted(maps.Keys(members)) {
		t.Logf("near: %q", members[smallest])
	}

	var planted [][2]string
	for _, text := range texts {
		words := strings.Fields(text)
		if len(words) < 45 || len(planted) == 300 {
			continue
		}
		paraphrase := "please " + strings.Join(words, "\n")
		planted = append(planted, [2]string{text, paraphrase})
		texts = append(texts, paraphrase)
	}
	found := clustersOf(t, Options{Threshold: 0.8, Seed: 1}, texts)
	hit := 0
	for _, p := range planted {
		if together(found, p[0], p[1]) {
			hit++
		}
	}
	t.Logf("%d of %d planted paraphrases found", hit, len(planted))
	if hit < len(planted) || len(planted) < 300 {
		t.Errorf("%d of %d planted paraphrases found", hit, len(planted))
	}
	if extra := len(found) - len(before); extra > 2*len(planted) {
		t.Errorf("%d keys joined clusters, %d were planted", extra, 2*len(planted))
	}
}

func BenchmarkIndex(b *testing.B) {
	for _, size := range []int{20_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			texts := make([]string, size)
			for i := range texts {
				words := randomWords(r)
				if i%4 == 1 {
					words = mutate(r, strings.Fields(texts[i-1]), 2)
				}
				texts[i] = strings.Join(words, " ")
			}
			keys := make([]uint64, size)
			for i := range texts {
				keys[i] = keyOf(texts[i])
			}
			var before, after runtime.MemStats
			var adding, disk float64
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				x, err := New(b.TempDir(), Options{Threshold: 0.8})
				if err != nil {
					b.Fatal(err)
				}
				for i := range texts {
					if err := x.Add(keys[i], texts[i]); err != nil {
						b.Fatal(err)
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				adding = float64(after.HeapAlloc-before.HeapAlloc) / float64(size)
				if _, err := x.Clusters(b.Context()); err != nil {
					b.Fatal(err)
				}
				disk = float64(sketchSize + 8 + 8*x.bands)
				x.Close()
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "questions/s")
			b.ReportMetric(adding, "heap-B/question")
			b.ReportMetric(disk, "disk-B/question")
		})
	}
}
