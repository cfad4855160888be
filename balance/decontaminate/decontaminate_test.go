package decontaminate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tinyv/balance/question"
	"tinyv/internal/rows"
	"tinyv/internal/shareddata"
)

func file(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bench.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, o Options, benchmarks ...Benchmark) *Set {
	t.Helper()
	s, err := Load(t.Context(), benchmarks, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const train = "A train leaves the station at 9 and travels 60 miles every hour towards the next town, where it stops for 5 minutes."

func TestMatch(t *testing.T) {
	first := Benchmark{Name: "first", Path: file(t,
		`{"question": "`+train+` Answer briefly."}`,
		`{"question": "Find $x+1$."}`,
		`{"question": "Find $x+1$."}`,
	), Suffix: " Answer briefly."}
	second := Benchmark{Name: "second", Path: file(t,
		`{"prompt": [{"role": "system", "content": "You are a mathematician."}, {"role": "user", "content": "Find $x+1$!"}, {"role": "assistant", "content": "2"}]}`,
		`{"extra_info": {"question": "`+strings.Replace(train, "60", "70", 1)+`"}}`,
	)}
	s := load(t, Options{}, first, second)
	if s.Len() != 5 {
		t.Fatalf("%d questions", s.Len())
	}
	for _, test := range []struct {
		question, benchmark string
		row                 int64
		kind                string
	}{
		{" Find $x+1$. ", "first", 2, Exact},
		{"Find $x+1$!", "second", 1, Exact}, // surer than the normal form of the first
		{"find x + 1", "first", 2, Normalised},
		{train, "first", 1, Exact},
		{strings.ToUpper(train), "first", 1, Normalised},
		{train + " How far is that?", "first", 1, NGram},
		{strings.Replace(train, "60", "70", 1) + " How far is that?", "second", 2, NGram},
		{strings.Replace(train, "60", "80", 1), "first", 1, NGram}, // as near to the second: the first benchmark
	} {
		m, ok := s.Match(test.question)
		if !ok || m.Benchmark != test.benchmark || m.Row != test.row || m.Kind != test.kind {
			t.Errorf("Match(%q) = %+v, %v; want %s of %s:%d", test.question, m, ok, test.kind, test.benchmark, test.row)
		}
		if m.Kind != NGram && m.Overlap != 1 || m.Overlap < 0.5 {
			t.Errorf("Match(%q): overlap %v", test.question, m.Overlap)
		}
		if strings.Contains(m.Question, "briefly") {
			t.Errorf("the suffix is left in %q", m.Question)
		}
	}
	for _, q := range []string{"", "Find x", "Find $x-1$.", "A train leaves the station at 9", "A train leaves the station at noon and goes to another place that is far away from where it has been before."} {
		if m, ok := s.Match(q); ok {
			t.Errorf("Match(%q) = %+v", q, m)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	good := `{"question": "What is 1+1?", "answer": "2"}`
	for _, test := range []struct {
		name string
		b    Benchmark
		o    Options
		want []string
	}{
		{"no column", Benchmark{Name: "B", Path: file(t, `{"ask": "What?", "meta": {"id": 1}}`)}, Options{}, []string{"benchmark B", "bench.jsonl:1", "question, problem, extra_info.question, prompt", "ask, meta.id"}},
		{"another column", Benchmark{Name: "B", Path: file(t, good), Column: "extra.ask"}, Options{}, []string{"bench.jsonl:1", "extra.ask", "answer, question"}},
		{"a row without", Benchmark{Name: "B", Path: file(t, good, `{"answer": "2"}`)}, Options{}, []string{"bench.jsonl:2", "answer"}},
		{"null", Benchmark{Name: "B", Path: file(t, good, `{"question": null}`)}, Options{}, []string{"bench.jsonl:2", "null"}},
		{"empty", Benchmark{Name: "B", Path: file(t, good, `{"question": " ? "}`)}, Options{}, []string{"bench.jsonl:2", "empty"}},
		{"only the suffix", Benchmark{Name: "B", Path: file(t, good), Suffix: "What is 1+1?"}, Options{}, []string{"bench.jsonl:1", "empty"}},
		{"a number", Benchmark{Name: "B", Path: file(t, `{"question": 5}`)}, Options{}, []string{"bench.jsonl:1", "int64"}},
		{"messages", Benchmark{Name: "B", Path: file(t, `{"prompt": [{"role": "system", "content": "x"}]}`)}, Options{}, []string{"bench.jsonl:1", "user"}},
		{"no row", Benchmark{Name: "B", Path: file(t, "")}, Options{}, []string{"benchmark B", "no row"}},
		{"bad row", Benchmark{Name: "B", Path: file(t, good, "{")}, Options{}, []string{"benchmark B", "bench.jsonl:2"}},
		{"no file", Benchmark{Name: "B", Path: "none.jsonl"}, Options{}, []string{"benchmark B", "none.jsonl"}},
		{"no name", Benchmark{Path: file(t, good)}, Options{}, []string{"name"}},
		{"n-gram", Benchmark{Name: "B", Path: file(t, good)}, Options{NGram: -1}, []string{"-1"}},
		{"overlap", Benchmark{Name: "B", Path: file(t, good)}, Options{Overlap: 1.5}, []string{"1.5"}},
	} {
		_, err := Load(t.Context(), []Benchmark{test.b}, test.o)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want it to say %q", test.name, err, want)
			}
		}
	}
	b := Benchmark{Name: "B", Path: file(t, good)}
	if _, err := Load(t.Context(), []Benchmark{b, b}, Options{}); err == nil {
		t.Error("one name for two benchmarks is taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, []Benchmark{b}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// slow is Match by comparing with every entry, and n-grams as text.
func slow(s *Set, q string) (Match, bool) {
	grams := func(text string) map[string]bool {
		words := slices.Collect(question.Words(question.Normalize(text)))
		set := map[string]bool{}
		for i := 0; i+s.n <= len(words); i++ {
			set[strings.Join(words[i:i+s.n], " ")] = true
		}
		return set
	}
	var best Match
	for _, kind := range []string{Exact, Normalised, NGram} {
		for _, e := range s.entries {
			e.Kind = kind
			switch kind {
			case Exact:
				if e.Question == strings.TrimSpace(q) {
					e.Overlap = 1
				}
			case Normalised:
				if question.Normalize(e.Question) == question.Normalize(q) {
					e.Overlap = 1
				}
			case NGram:
				mine, theirs := grams(q), grams(e.Question)
				common := 0
				for g := range mine {
					if theirs[g] {
						common++
					}
				}
				if o := float64(common) / float64(min(len(mine), len(theirs))); o >= s.overlap {
					e.Overlap = o
				}
			}
			if e.Overlap > best.Overlap {
				best = e
			}
		}
		if best.Kind != "" {
			return best, true
		}
	}
	return Match{}, false
}

func TestMatchAgainstAllPairs(t *testing.T) {
	word := rapid.SampledFrom([]string{"find", "Find", "x", "$x$", "+", "1", "2", `\pi`, "the", "sum."})
	text := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(word, 1, 14).Draw(t, "words"), " ") })
	rapid.Check(t, func(rt *rapid.T) {
		s := &Set{n: rapid.IntRange(1, 4).Draw(rt, "n"), overlap: rapid.Float64Range(0.1, 1).Draw(rt, "overlap"), exact: map[string]int32{}, normal: map[string]int32{}, holders: map[uint64][]int32{}}
		for i, q := range rapid.SliceOfN(text, 1, 12).Draw(rt, "benchmark") {
			s.add(Match{Benchmark: "B", Row: int64(i + 1), Question: q})
		}
		s.seal()
		q := text.Draw(rt, "question")
		got, ok := s.Match(q)
		want, found := slow(s, q)
		if diff := cmp.Diff(want, got); diff != "" || ok != found {
			rt.Fatalf("Match(%q) (-all pairs +got):\n%s", q, diff)
		}
	})
}

func FuzzMatch(f *testing.F) {
	s := load(f, Options{NGram: 3}, Benchmark{Name: "B", Path: file(f, `{"question": "`+train+`"}`, `{"question": "Find $x+1$."}`)})
	for _, q := range []string{train, "Find x+1", "the next town", "\xff"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		m, ok := s.Match(q)
		if again, same := s.Match(q); m != again || ok != same {
			t.Fatalf("Match(%q) is %v, and then %v", q, m, again)
		}
		if ok && (m.Overlap < 0.5 || m.Overlap > 1 || m.Row < 1) {
			t.Fatalf("Match(%q) = %+v", q, m)
		}
	})
}

const instruction = " Let's think step by step and output the final answer within \\boxed{}."

func real(t testing.TB) *Set {
	return load(t, Options{},
		Benchmark{Name: "evaluation", Path: shareddata.Path(t, "data", "math-benchmarks.parquet"), Suffix: instruction},
		Benchmark{Name: "HardVerify-Math", Path: shareddata.Path(t, "data", "hardverify-math-even.json"), Column: "question"})
}

func questions(t testing.TB, name, column string) []string {
	var texts []string
	for r, err := range rows.Records(shareddata.Path(t, "data", name)) {
		if err != nil {
			t.Fatal(err)
		}
		v, _ := r.Lookup(column)
		texts = append(texts, strings.TrimSuffix(v.(string), instruction))
	}
	return texts
}

// TestReal finds benchmarks in published problems. MATH's test set, of which there
// is a part here, holds MATH-500; Big-Math holds all of its training set and no
// benchmark on purpose.
func TestReal(t *testing.T) {
	s := real(t)
	if s.Len() != 1560+125 {
		t.Errorf("%d questions", s.Len())
	}
	for _, e := range s.entries {
		if strings.Contains(e.Question, "step by step and output") {
			t.Fatalf("%s:%d: the instruction is left in %q", e.Benchmark, e.Row, e.Question)
		}
	}
	for _, input := range []struct {
		file, column string
		least        map[string]int
	}{
		{"math-problems.jsonl.gz", "problem", map[string]int{Exact: 290}},
		{"bigmath-rl.parquet", "extra_info.question", nil},
	} {
		kinds, of := map[string]int{}, map[string]int{}
		for _, q := range questions(t, input.file, input.column) {
			m, ok := s.Match(q)
			if !ok {
				continue
			}
			kinds[m.Kind]++
			of[m.Benchmark]++
			if m.Kind != Exact {
				t.Logf("%s, overlap %.2f, with %s:%d\n\t%q\n\t%q", m.Kind, m.Overlap, m.Benchmark, m.Row, q, m.Question)
			}
		}
		t.Logf("%s: %v, %v", input.file, kinds, of)
		for kind, least := range input.least {
			if kinds[kind] < least {
				t.Errorf("%s: %d %s matches, want %d at least", input.file, kinds[kind], kind, least)
			}
		}
	}
	for i, e := range s.entries {
		if m, ok := s.Match(e.Question); !ok || m.Kind != Exact || m.Question != e.Question {
			t.Errorf("entry %d does not match itself: %+v", i, m)
		}
	}
}

func TestManyGoroutines(t *testing.T) {
	s := load(t, Options{}, Benchmark{Name: "B", Path: file(t, `{"question": "`+train+`"}`)})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 200 {
				if m, ok := s.Match(fmt.Sprint(train, " Again ", i)); !ok || m.Kind != NGram {
					t.Errorf("%+v", m)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkMatch(b *testing.B) {
	s := real(b)
	texts := questions(b, "bigmath-rl.parquet", "extra_info.question")
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	i := 0
	for b.Loop() {
		s.Match(texts[i%len(texts)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "questions/s")
}
